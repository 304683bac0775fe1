"""Claims whose limitation comes close, and the acts that move it."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from core import clock
from core.exports import FORMATS, Column, Kind, export_response, export_urls
from core.files_http import file_response
from core.keyset import keyset_page
from core.legal import register
from core.legal_register import MissingLegalParameter
from core.money import format_count
from core.rights import permission_required, signed_in
from dunning.filters_law import LimitationFilter
from dunning.forms_law import LimitationEndForm, LimitationEventForm, LimitationWithdrawalForm
from dunning.law_words import REGIME_LABELS, alert_tone
from dunning.limitation_reads import approaching, limitations
from dunning.operations.limitation_events import (
    end_limitation_event,
    record_limitation_event,
    withdraw_limitation_event,
)
from dunning.views.law_pages import act_page, visible_claim, visible_event
from dunning.views.places import tabs
from invoices.late_fee_laws import Law, law_of
from invoices.models import OpenItem

MONTHS = 12
ORDER = ("act_by", "pk")


def _filtered(request: HttpRequest, today: date) -> LimitationFilter:
    """The claims that the address asks for. Raises MissingLegalParameter."""
    claims = approaching(signed_in(request), register(), today=today, months=MONTHS)
    return LimitationFilter(
        request.GET,
        queryset=claims.select_related("customer", "legal_entity"),
        request=request,
        today=today,
    )


@require_GET
@permission_required("dunning.view")
def limitation_list(request: HttpRequest) -> HttpResponse:
    """Open claims to act on within a year or already past, the most urgent first."""
    today = clock.today()
    try:
        filterset = _filtered(request, today)
    except MissingLegalParameter as error:
        context: dict[str, Any] = {"missing": str(error), "rows": [], "tabs": tabs(request, "limitation")}
        return render(request, "dunning/limitation_list.html", context)
    page = keyset_page(filterset.qs, order=ORDER, cursor=request.GET.get("cursor", ""))
    context = {
        "missing": "",
        "filterset": filterset,
        "rows": _shown(page.rows, today),
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "has_filters": any(request.GET.get(name) for name in filterset.form.fields),
        "export_urls": export_urls("dunning:limitation-export", request.GET),
        "tabs": tabs(request, "limitation"),
    }
    return render(request, "dunning/limitation_list.html", context)


def _shown(items: list[OpenItem], today: date) -> list[dict[str, object]]:
    """What a row shows: the dates of the pure rule, and how many days are left."""
    found = limitations(items, register())
    rows: list[dict[str, object]] = []
    for item in items:
        limitation = found[item.pk].limitation
        if limitation is None or limitation.act_by is None:
            continue
        left = (limitation.act_by - today).days
        months = limitation.months_left(today, (12, 6, 3, 1))
        rows.append(
            {
                "item": item,
                "dates": limitation,
                "days_left": left,
                "tone": alert_tone(months),
                "is_barred": limitation.is_barred(today),
                "regime": REGIME_LABELS[limitation.period.regime],
                "is_foreign": law_of(item.customer.late_payment_law) is not Law.FR,
                "event": found[item.pk].events[-1] if found[item.pk].events else None,
            }
        )
    return rows


@require_GET
@permission_required("dunning.view")
def limitation_export(request: HttpRequest, file_format: str) -> HttpResponseBase:
    """Every row of the list, in its order."""
    if file_format not in FORMATS:
        raise Http404
    today = clock.today()
    try:
        filterset = _filtered(request, today)
    except MissingLegalParameter:
        return HttpResponseRedirect(reverse("dunning:limitation-list"))
    if filterset.form.errors:
        return HttpResponseRedirect(f"{reverse('dunning:limitation-list')}?{request.GET.urlencode()}")
    return export_response(
        file_format,
        name=f"prescription-{today:%Y-%m-%d}",
        title=_("Prescription"),
        columns=[
            Column(_("Entité"), width=10),
            Column(_("Code client"), width=14),
            Column(_("Client"), width=36),
            Column(_("Pièce"), width=18),
            Column(_("Échéance"), Kind.DATE),
            Column(_("Devise"), width=8),
            Column(_("Solde dû"), Kind.AMOUNT),
            Column(_("Agir avant le"), Kind.DATE),
        ],
        rows=_export_rows(filterset.qs.order_by(*ORDER)),
    )


def _export_rows(items: "QuerySet[OpenItem]") -> Iterator[tuple[Any, ...]]:
    for item in items.iterator(chunk_size=1_000):
        yield (
            item.legal_entity.code,
            item.customer.account_code,
            item.customer.name,
            item.number,
            item.due_date,
            item.currency,
            item.open_amount,
            item.act_by,  # type: ignore[attr-defined]
        )


@require_http_methods(["GET", "POST"])
@permission_required("dunning.record_limitation")
def limitation_record(request: HttpRequest, pk: int) -> HttpResponse:
    """Record an act that interrupts or suspends the limitation of an item."""
    item = visible_claim(request, pk)
    form = LimitationEventForm(request.POST or None, request.FILES or None)

    def act() -> str:
        count = len(
            record_limitation_event(
                actor=signed_in(request),
                item_id=item.pk,
                today=clock.today(),
                now=clock.now(),
                **form.values(),
            )
        )
        return ngettext(
            "Acte enregistré sur %(count)s pièce.", "Acte enregistré sur %(count)s pièces.", count
        ) % {"count": format_count(count)}

    return act_page(
        request,
        form,
        act,
        title=_("Enregistrer un acte"),
        subtitle=f"{item.customer.name} · {item.number}",
        submit=_("Enregistrer"),
        back=reverse("invoices:item-detail", args=[item.pk]),
        explanation=_(
            "Une relance ou une mise en demeure n’interrompt pas la prescription ; déposer une requête en injonction de "
            "payer non plus : seule la signification de l’ordonnance compte."
        ),
    )


@require_http_methods(["GET", "POST"])
@permission_required("dunning.record_limitation")
def limitation_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Say when proceedings or mediation ended."""
    event = visible_event(request, pk)
    form = LimitationEndForm(request.POST or None)

    def act() -> str:
        end_limitation_event(
            actor=signed_in(request), event_id=pk, today=clock.today(), now=clock.now(), **form.cleaned_data
        )
        return _("Fin enregistrée : la prescription court de nouveau.")

    return act_page(
        request,
        form,
        act,
        title=_("Fin de la procédure ou de la médiation"),
        subtitle=f"{event.item.customer.name} · {event.item.number}",
        submit=_("Enregistrer"),
        back=reverse("invoices:item-detail", args=[event.item_id]),
    )


@require_http_methods(["GET", "POST"])
@permission_required("dunning.record_limitation")
def limitation_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back an act."""
    event = visible_event(request, pk)
    form = LimitationWithdrawalForm(request.POST or None)

    def act() -> str:
        withdraw_limitation_event(
            actor=signed_in(request), event_id=pk, today=clock.today(), now=clock.now(), **form.cleaned_data
        )
        return _("Acte retiré : il ne compte plus.")

    return act_page(
        request,
        form,
        act,
        title=_("Retirer l’acte"),
        subtitle=f"{event.get_kind_display()} · {event.item.number}",
        submit=_("Retirer"),
        back=reverse("invoices:item-detail", args=[event.item_id]),
        danger=True,
    )


@require_GET
@permission_required("dunning.view")
def limitation_evidence(request: HttpRequest, pk: int) -> FileResponse:
    """The document that proves an act."""
    event = visible_event(request, pk)
    if event.file is None:
        raise Http404
    return file_response(event.file, in_place=True)
