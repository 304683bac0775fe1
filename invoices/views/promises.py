"""Promesses de règlement: their list, how many are kept, and what is done from an item."""

from collections.abc import Iterator
from datetime import date

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from core import clock
from core.calendar import add_months
from core.exports import FORMATS, Column, Kind, export_response, export_urls
from core.keyset import keyset_page
from core.rights import has_permission, permission_required, signed_in
from invoices.filters_disputes import PromiseFilter
from invoices.forms import PromiseForm, WithdrawalForm, default_promise_date
from invoices.models import Promise
from invoices.operations.promises import make_promise, withdraw_promise
from invoices.promise_reads import kept_by_collector, kept_by_customer, promise_totals, visible_promises
from invoices.views.action_page import action_page, attempt
from invoices.views.items import PROMISE_TONES, visible_item

RATIO_MONTHS = 12
MOST_IN_RATIOS = 10
OPEN_ORDER = ("promised_date", "pk")
WHOLE_ORDER = ("-promised_date", "-pk")


def _is_open(request: HttpRequest) -> bool:
    return request.GET.get("state", Promise.Status.OPEN) in ("", Promise.Status.OPEN)


def _order(request: HttpRequest) -> tuple[str, ...]:
    return OPEN_ORDER if _is_open(request) else WHOLE_ORDER


def _filtered(request: HttpRequest, today: date) -> PromiseFilter:
    """The promises that the address asks for: the open ones unless it names a state."""
    query = request.GET.copy()
    rows = visible_promises(signed_in(request))
    if _is_open(request):
        # What the list shows unless asked otherwise; said by the list itself, so it needs no chip.
        query.pop("state", None)
        rows = rows.filter(status=Promise.Status.OPEN)
    rows = rows.select_related("item__customer", "item__legal_entity", "made_by")
    return PromiseFilter(query, queryset=rows, request=request, as_of=today)


@require_GET
@permission_required("invoices.view")
def promise_list(request: HttpRequest) -> HttpResponse:
    """The open promises by their date, or those judged, the latest first; how many are kept."""
    today = clock.today()
    visible = visible_promises(signed_in(request))
    filterset = _filtered(request, today)
    page = keyset_page(filterset.qs, order=_order(request), cursor=request.GET.get("cursor", ""))
    for promise in page.rows:
        promise.tone = PROMISE_TONES[promise.status]  # type: ignore[attr-defined]
        promise.is_past = promise.status == Promise.Status.OPEN and promise.promised_date < today  # type: ignore[attr-defined]
    since = add_months(today, -RATIO_MONTHS)
    context = {
        "filterset": filterset,
        "promises": page.rows,
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "has_filters": any(request.GET.get(name) for name in filterset.form.fields),
        "totals": promise_totals(filterset.qs),
        "export_urls": export_urls("invoices:promise-export", request.GET),
        "by_collector": kept_by_collector(visible, since, MOST_IN_RATIOS),
        "by_customer": kept_by_customer(visible, since, MOST_IN_RATIOS),
        "since": since,
        "may_promise": has_permission(request.user, "invoices.promise"),
    }
    return render(request, "invoices/promise_list.html", context)


@require_GET
@permission_required("invoices.view")
def promise_export(request: HttpRequest, file_format: str) -> HttpResponseBase:
    """Every row of the list, in its order. A filter in error is shown at its field, on the page."""
    if file_format not in FORMATS:
        raise Http404
    today = clock.today()
    filterset = _filtered(request, today)
    if filterset.form.errors:
        return HttpResponseRedirect(f"{reverse('invoices:promise-list')}?{request.GET.urlencode()}")
    return export_response(
        file_format,
        name=f"promesses-{today:%Y-%m-%d}",
        title=_("Promesses de règlement"),
        columns=[
            Column(_("Entité"), width=10),
            Column(_("Code client"), width=14),
            Column(_("Client"), width=36),
            Column(_("Pièce"), width=18),
            Column(_("Échéance n°"), Kind.INTEGER),
            Column(_("Devise"), width=8),
            Column(_("Promis"), Kind.AMOUNT),
            Column(_("Reçu"), Kind.AMOUNT),
            Column(_("Solde de la pièce"), Kind.AMOUNT),
            Column(_("Promis pour le"), Kind.DATE),
            Column(_("Notée le"), Kind.DATE),
            Column(_("Obtenue par"), width=24),
            Column(_("État"), width=16),
            Column(_("Jugée le"), Kind.DATE),
        ],
        rows=_cells(filterset.qs.order_by(*_order(request))),
    )


def _cells(promises: "QuerySet[Promise]") -> Iterator[list[object]]:
    for promise in promises.iterator(chunk_size=2000):
        item = promise.item
        yield [
            item.legal_entity.code,
            item.customer.account_code,
            item.customer.name,
            item.number,
            item.instalment,
            item.currency,
            promise.amount,
            promise.received_amount,
            item.open_amount,
            promise.promised_date,
            promise.made_on,
            promise.made_by.full_name if promise.made_by else None,
            promise.get_status_display(),
            promise.judged_on,
        ]


@require_http_methods(["GET", "POST"])
@permission_required("invoices.promise")
def item_promise(request: HttpRequest, pk: int) -> HttpResponse:
    """Note the customer's promise to pay."""
    item, today = visible_item(request.user, pk), clock.today()
    form = PromiseForm(
        request.POST or None,
        initial={"amount": item.open_amount, "promised_date": default_promise_date(today)},
    )
    if request.method == "POST" and form.is_valid():
        done = attempt(
            form,
            lambda: make_promise(
                actor=request.user, item_id=pk, today=today, now=clock.now(), **form.cleaned_data
            ),
        )
        if done:
            messages.success(request, _("Promesse notée : les relances attendent cette date."))
            return redirect("invoices:item-detail", pk=pk)
    explanation = _(
        "La promesse est jugée d’après les règlements reçus : tenue si le montant est payé en entier au plus tard "
        "trois jours ouvrés après la date promise."
    )
    return action_page(
        request,
        item,
        form=form,
        title=_("Noter une promesse"),
        submit=_("Noter la promesse"),
        explanation=explanation,
    )


@require_http_methods(["GET", "POST"])
@permission_required("invoices.promise")
def promise_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back a promise noted by mistake, or replaced."""
    promise = get_object_or_404(visible_promises(request.user), pk=pk)
    item = visible_item(request.user, promise.item_id)
    form = WithdrawalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        done = attempt(
            form,
            lambda: withdraw_promise(
                actor=request.user, promise_id=pk, reason=form.cleaned_data["reason"], now=clock.now()
            ),
        )
        if done:
            messages.success(request, _("Promesse retirée : la pièce peut de nouveau être relancée."))
            return redirect("invoices:item-detail", pk=item.pk)
    return action_page(request, item, form=form, title=_("Retirer la promesse"), submit=_("Retirer"))
