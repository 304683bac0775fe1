"""Promesses de règlement: their list, how many are kept, and what is done from an item."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from core import clock
from core.calendar import add_months
from core.keyset import keyset_page
from core.rights import has_permission, permission_required
from invoices.filters_disputes import PromiseFilter
from invoices.forms import PromiseForm, WithdrawalForm, default_promise_date
from invoices.models import Promise
from invoices.operations.promises import make_promise, withdraw_promise
from invoices.promise_reads import kept_by_collector, kept_by_customer, visible_promises
from invoices.views.action_page import action_page, attempt
from invoices.views.items import PROMISE_TONES, visible_item

RATIO_MONTHS = 12
MOST_IN_RATIOS = 10
OPEN_ORDER = ("promised_date", "pk")
WHOLE_ORDER = ("-promised_date", "-pk")


@require_GET
@permission_required("invoices.view")
def promise_list(request: HttpRequest) -> HttpResponse:
    """The open promises by their date, or those judged, the latest first; how many are kept."""
    today = clock.today()
    visible = visible_promises(request.user)
    query = request.GET.copy()
    is_open = query.get("state", Promise.Status.OPEN) in ("", Promise.Status.OPEN)
    rows = visible
    if is_open:
        # What the list shows unless asked otherwise; said by the list itself, so it needs no chip.
        query.pop("state", None)
        rows = rows.filter(status=Promise.Status.OPEN)
    filterset = PromiseFilter(
        query, queryset=rows.select_related("item__customer", "made_by"), request=request, as_of=today
    )
    page = keyset_page(
        filterset.qs, order=OPEN_ORDER if is_open else WHOLE_ORDER, cursor=request.GET.get("cursor", "")
    )
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
        "by_collector": kept_by_collector(visible, since, MOST_IN_RATIOS),
        "by_customer": kept_by_customer(visible, since, MOST_IN_RATIOS),
        "since": since,
        "may_promise": has_permission(request.user, "invoices.promise"),
    }
    return render(request, "invoices/promise_list.html", context)


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
