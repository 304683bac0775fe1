"""Match rates, learned payers, settings of cash application."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from core.keyset import keyset_page
from core.rights import has_permission, permission_required
from customers.models import Customer, LegalEntity
from invoices.cash_rates import payments_by_rule, rates, total_of
from invoices.forms_cash import CashSettingsForm
from invoices.models import BankLine, CashSettings, PayerAlias
from invoices.operations.cash_settings import change_cash_settings
from invoices.operations.payers import forget

PERIODS = (30, 90, 365)


def links_of(request: HttpRequest) -> dict[str, bool]:
    """The rights that the links between the pages of cash application ask for."""
    return {
        "may_apply": has_permission(request.user, "invoices.apply_cash"),
        "may_export": has_permission(request.user, "invoices.export_entries"),
        "may_configure": has_permission(request.user, "invoices.configure_cash"),
    }


@require_GET
@permission_required("invoices.view_bank")
def cash_rates(request: HttpRequest) -> HttpResponse:
    """How many lines and payments are matched, alone and by hand, and how many acts were undone."""
    asked = request.GET.get("jours", "")
    days = int(asked) if asked in {str(period) for period in PERIODS} else PERIODS[0]
    since = clock.today() - timedelta(days=days)
    lines = BankLine.objects.visible_to(request.user).filter(booking_date__gte=since)
    by_day = rates(lines, "booking_date")
    by_account = rates(lines, "bank_account__name")
    entities = list(LegalEntity.objects.visible_to(request.user).values_list("pk", flat=True))
    context = {
        "period_tabs": [
            {"label": _("%(n)s jours") % {"n": n}, "url": f"?jours={n}", "active": n == days} for n in PERIODS
        ],
        "since": since,
        "total": total_of(by_account, _("Total")),
        "by_day": by_day,
        "by_account": by_account,
        "by_currency": rates(lines, "currency"),
        "by_rule": payments_by_rule(entities, since),
        **links_of(request),
    }
    return render(request, "invoices/cash_rates.html", context)


@require_GET
@permission_required("invoices.view_bank")
def cash_payers(request: HttpRequest) -> HttpResponse:
    """The signs by which payers are recognised, the latest used first."""
    aliases = PayerAlias.objects.filter(
        customer__in=Customer.objects.visible_to(request.user)
    ).select_related("customer", "legal_entity")
    text = " ".join(request.GET.get("q", "").split())[:120]
    if text:
        aliases = aliases.filter(value__icontains=text) | aliases.filter(customer__name__icontains=text)
    page = keyset_page(aliases, order=("-last_used_on", "-pk"), cursor=request.GET.get("cursor", ""))
    context = {
        "aliases": page.rows,
        "text": text,
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        **links_of(request),
    }
    return render(request, "invoices/cash_payers.html", context)


@require_POST
@permission_required("invoices.apply_cash")
def payer_forget(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a sign that was learned wrongly."""
    try:
        forget(actor=request.user, alias_id=pk, now=clock.now())
    except BusinessError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Ce signe est oublié : il ne désigne plus ce client."))
    return redirect("invoices:cash-payers")


@require_http_methods(["GET", "POST"])
@permission_required("invoices.configure_cash")
def cash_settings(request: HttpRequest) -> HttpResponse:
    """What each entity lets the matching do by itself; `?entite=` chooses one."""
    entities = list(LegalEntity.objects.visible_to(request.user).order_by("code"))
    asked = request.GET.get("entite", "")
    entity = next((found for found in entities if found.code == asked), entities[0] if entities else None)
    if entity is None:
        return render(request, "invoices/cash_settings.html", {"entity": None, **links_of(request)})
    current = CashSettings.objects.filter(legal_entity=entity).first() or CashSettings(legal_entity=entity)
    form = CashSettingsForm(request.POST or None, instance=current)
    if request.method == "POST" and form.is_valid():
        values: dict[str, Any] = form.cleaned_data
        try:
            change_cash_settings(actor=request.user, entity=entity, values=values, now=clock.now())
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(
                request, _("Réglages enregistrés : les propositions sont recherchées à nouveau.")
            )
            return redirect(f"{request.path}?entite={entity.code}")
    context = {"entity": entity, "entities": entities, "form": form, **links_of(request)}
    return render(request, "invoices/cash_settings.html", context, status=422 if form.errors else 200)
