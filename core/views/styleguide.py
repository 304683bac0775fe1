"""The living page of the interface's pieces, with sample data that belongs to nobody."""

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import django_filters
from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from core.models import User
from core.rights import permission_required
from core.templatetags.format import amount_or_dash

DAY = dt.date(2026, 6, 30)
LONG_NAME = "Établissements Charpentier-Vandenbroucke et Fils Réunis SARL"
# name, account, next due day, not due, 1-30, 31-60, 61-90, 91-120, over 120, credits, tone
CUSTOMERS = (
    (LONG_NAME, "C00118", 12, "48210.00", "12400.50", "0", "3180.20", "0", "0", "-420.00", "watch"),
    ("Maçonnerie du Val d’Orge", "C00042", -38, "0", "8420.00", "15960.75", "0", "0", "0", "0", "late"),
    ("Boulangerie Aux Trois Épis", "C00207", 21, "1284.36", "0", "0", "0", "0", "0", "0", "ok"),
    (
        "Transports Kerbrat",
        "C00311",
        -142,
        "0",
        "0",
        "0",
        "2210.00",
        "9875.40",
        "31240.00",
        "-1500.00",
        "blocked",
    ),
    (
        "Commune de Saint-Aubin-les-Prés",
        "C00009",
        4,
        "92400.00",
        "18600.00",
        "0",
        "0",
        "0",
        "0",
        "0",
        "watch",
    ),
    ("Menuiserie Delaunay", "C00154", -9, "6120.00", "2045.90", "0", "0", "0", "0", "0", "late"),
    ("Atelier 14", "C00398", 30, "310.00", "0", "0", "0", "0", "0", "-310.00", "neutral"),
    ("Optique Bellecour", "C00266", 17, "15040.18", "0", "0", "0", "0", "0", "0", "ok"),
)
BUCKETS = ((1, 30), (31, 60), (61, 90), (91, 120))


class SampleFilters(django_filters.FilterSet):
    """Every kind of filter the bar knows how to draw."""

    name = django_filters.CharFilter(label=gettext_lazy("Client"))
    status = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("Statut"),
        choices=[("late", gettext_lazy("En retard")), ("blocked", gettext_lazy("Bloqué"))],
    )
    kind = django_filters.ChoiceFilter(
        label=gettext_lazy("Nature"),
        empty_label=gettext_lazy("Toutes"),
        choices=[("company", gettext_lazy("Société")), ("public", gettext_lazy("Personne publique"))],
    )
    due = django_filters.DateFromToRangeFilter(
        label=gettext_lazy("Échéance"),
        widget=django_filters.widgets.DateRangeWidget(attrs={"type": "date"}),
    )
    balance = django_filters.RangeFilter(label=gettext_lazy("Solde"))
    disputed = django_filters.BooleanFilter(label=gettext_lazy("Litige"))


class SampleForm(forms.Form):
    """One field of each shape, sent nowhere."""

    name = forms.CharField(label=gettext_lazy("Raison sociale"), max_length=120)
    siren = forms.CharField(
        label=gettext_lazy("SIREN"),
        help_text=gettext_lazy("Neuf chiffres ; laissez vide pour un client étranger."),
        required=False,
    )
    limit = forms.CharField(label=gettext_lazy("Plafond demandé"))
    due_date = forms.DateField(
        label=gettext_lazy("Valable jusqu’au"), widget=forms.DateInput({"type": "date"})
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Nature"),
        choices=[("company", gettext_lazy("Société")), ("public", gettext_lazy("Personne publique"))],
    )
    channel = forms.ChoiceField(
        label=gettext_lazy("Envoi des relances"),
        choices=[("mail", gettext_lazy("E-mail")), ("post", gettext_lazy("Courrier"))],
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(label=gettext_lazy("Motif"), widget=forms.Textarea({"rows": 3}), required=False)
    review = forms.BooleanField(
        label=gettext_lazy("Revoir dans six mois"),
        help_text=gettext_lazy("La demande reviendra dans l’agenda."),
        required=False,
    )


def _bucket_names() -> list[str]:
    middle = [_("%(first)d–%(last)d j") % {"first": first, "last": last} for first, last in BUCKETS]
    return [_("Non échu"), *middle, _("> %(days)d j") % {"days": 120}]


def _rows(count: int) -> list[SimpleNamespace]:
    words = {
        "ok": _("À jour"),
        "watch": _("À surveiller"),
        "late": _("En retard"),
        "blocked": _("Bloqué"),
        "neutral": _("Soldé"),
    }
    rows = []
    for rank in range(count):
        name, code, days, *amounts, tone = CUSTOMERS[rank % len(CUSTOMERS)]
        figures = [Decimal(text) for text in amounts]
        rows.append(
            SimpleNamespace(
                pk=rank + 1,
                name=name,
                code=code,
                due_date=DAY + dt.timedelta(days=days),
                delay=-days,
                buckets=list(zip(_bucket_names(), figures[:6], strict=True)),
                cells=figures,
                total=sum(figures, Decimal(0)),
                tone=tone,
                label=words[tone],
            )
        )
    return rows


def _chart(rows: list[SimpleNamespace]) -> tuple[list[Decimal], dict[str, Any]]:
    sums = [sum((row.cells[index] for row in rows), Decimal(0)) for index in range(6)]
    return sums, {
        "kind": "bar",
        "categories": _bucket_names(),
        "series": [
            {
                "name": _("Encours"),
                "values": [str(value) for value in sums],
                "texts": [amount_or_dash(value, "EUR") for value in sums],
                "urls": [f"?tranche={index}" for index in range(6)],
                "tones": [f"age-{index}" for index in range(6)],
            }
        ],
    }


@require_GET
@permission_required("core.use_site")
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every piece once; `?lignes=0|1|20` chooses the length of the table, `?piece=` opens the panel."""
    wanted = request.GET.get("lignes", "20")
    rows = _rows(int(wanted) if wanted in {"0", "1", "20", "200"} else 20)
    bucket_sums, chart = _chart(rows)
    chosen = request.GET.get("piece", "")
    form = SampleForm({"name": "", "limit": "douze mille", "kind": "company"})
    form.add_error("limit", _("« douze mille » n’est pas un montant : écrivez 12 000,00."))
    months = [date_format(dt.date(2026, month, 1), "N") for month in range(1, 7)]
    return render(
        request,
        "styleguide.html",
        {
            "rows": rows,
            "chosen": next((row for row in rows if str(row.pk) == chosen), None),
            "column_sums": [sum((row.cells[i] for row in rows), Decimal(0)) for i in range(7)],
            "grand_total": sum((row.total for row in rows), Decimal(0)),
            "bucket_labels": _bucket_names(),
            "bucket_sums": list(zip(_bucket_names(), bucket_sums, strict=True)),
            "chart": chart,
            "lines": {
                "kind": "line",
                "categories": months,
                "series": [
                    {"name": _("DSO"), "values": ["71.2", "70.4", "69.8", "72.1", "70.0", "68.5"]},
                    {"name": _("DSO possible"), "values": ["44.0", "43.1", "43.6", "42.8", "42.9", "42.4"]},
                ],
            },
            "months": months,
            "filterset": SampleFilters(request.GET or None, queryset=User.objects.none()),
            "form": form,
            "as_of": DAY,
            "counts": ("0", "1", "20", "200"),
            "wanted": wanted,
            "tabs": [
                {"label": _("Encours"), "url": "?", "active": True, "count": len(rows)},
                {"label": _("Historique"), "url": "?lignes=1", "active": False},
                {"label": _("Documents"), "url": "?lignes=0", "active": False, "count": 0},
            ],
            "events": [
                {
                    "when": dt.datetime(2026, 6, 30, 9, 12, tzinfo=dt.UTC),
                    "title": _("Mise en demeure envoyée"),
                    "actor": "Claire Moreau",
                    "text": _("Trois factures, 24 380,75 € ; remise avec accusé de réception."),
                    "tone": "late",
                },
                {
                    "when": dt.date(2026, 6, 18),
                    "title": _("Promesse de règlement non tenue"),
                    "text": _("8 420,00 € promis pour le 17/06/2026."),
                    "tone": "watch",
                },
                {
                    "when": dt.date(2026, 6, 2),
                    "title": _("Règlement lettré"),
                    "actor": "Encours",
                    "url": "?piece=2",
                    "tone": "ok",
                },
                {"when": dt.date(2026, 5, 14), "title": _("Première relance"), "actor": "Encours"},
            ],
        },
    )
