"""Orders and the deliveries that wait for their invoice: the list, one order, recording by hand."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from core.keyset import chosen_order, keyset_page
from core.rights import has_permission, permission_required
from risk.filters_orders import OrderFilter
from risk.forms_checks import DeliveryForm, EndOrderForm, OrderForm
from risk.models import Order
from risk.operations.orders import DeliveryValues, OrderValues, end_order, record_delivery, record_order
from risk.pending import pending_documents
from risk.views.places import subtabs, tabs

TONES = {
    "REFERRED": "watch",
    "RESERVED": "info",
    "PART_DELIVERED": "info",
    "DELIVERED": "watch",
    "BILLED": "ok",
    "CLOSED": "neutral",
    "CANCELLED": "neutral",
    "EXPIRED": "neutral",
}
SORTS = {"amount": "amount", "ordered": "ordered_on"}


def _visible(request: HttpRequest) -> "QuerySet[Order]":
    return Order.objects.visible_to(request.user).select_related("customer__legal_entity")


@require_GET
@permission_required("risk.view")
def order_list(request: HttpRequest) -> HttpResponse:
    """The orders, open ones unless another state is asked for, with what each still weighs."""
    filterset = OrderFilter(request.GET, queryset=_visible(request), request=request)
    rows = filterset.qs if filterset.is_valid() else _visible(request).none()
    if not request.GET.getlist("status"):
        rows = rows.filter(status__in=[Order.Status.REFERRED, *Order.OPEN_STATUSES])
    page = keyset_page(
        rows,
        order=chosen_order(request.GET.get("sort", ""), SORTS, ("-pk",)),
        cursor=request.GET.get("cursor", ""),
    )
    _weigh(page.rows)
    context = {
        "orders": page.rows,
        "filterset": filterset,
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "may_record": has_permission(request.user, "risk.manage_orders"),
        "tabs": tabs(request, "orders"),
        "subtabs": subtabs(request, "orders"),
    }
    return render(request, "risk/order_list.html", context, status=200 if filterset.is_valid() else 400)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("risk.manage_orders")
def order_create(request: HttpRequest) -> HttpResponse:
    """Record an order by hand."""
    form = OrderForm(request.POST or None, initial={"ordered_on": clock.today()}, actor=request.user)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        customer, reference = values.pop("customer"), values.pop("reference")
        try:
            order, _is_new = record_order(
                actor=request.user,
                customer=customer,
                reference=reference,
                values=OrderValues(**values),
                today=clock.today(),
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("La commande est enregistrée : elle compte dans l’encours."))
            return redirect("risk:order-detail", pk=order.pk)
    context = {"form": form, "tabs": tabs(request, "orders"), "subtabs": subtabs(request, "orders")}
    return render(request, "risk/order_create.html", context, status=422 if form.errors else 200)


def _page(
    request: HttpRequest,
    order: Order,
    delivery: DeliveryForm | None = None,
    ending: EndOrderForm | None = None,
) -> HttpResponse:
    _weigh([order])
    may_record = has_permission(request.user, "risk.manage_orders")
    context = {
        "order": order,
        "deliveries": order.deliveries.order_by("pk"),
        "checks": order.checks.order_by("-pk")[:10],
        "delivery_form": delivery or DeliveryForm(initial={"delivered_on": clock.today()}),
        "end_form": ending or EndOrderForm(),
        "may_deliver": may_record and order.status in (Order.Status.RESERVED, Order.Status.PART_DELIVERED),
        "may_end": may_record and order.status in Order.OPEN_STATUSES,
        "tabs": tabs(request, "orders"),
        "subtabs": subtabs(request, "orders"),
    }
    is_refused = any(form is not None and form.errors for form in (delivery, ending))
    return render(request, "risk/order_detail.html", context, status=422 if is_refused else 200)


@require_GET
@permission_required("risk.view")
def order_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One order with its deliveries and the answers it was given."""
    return _page(request, get_object_or_404(_visible(request), pk=pk))


@require_POST
@permission_required("risk.manage_orders")
def order_deliver(request: HttpRequest, pk: int) -> HttpResponse:
    """Record a delivery of the order."""
    order = get_object_or_404(_visible(request), pk=pk)
    form = DeliveryForm(request.POST)
    if form.is_valid():
        values = form.cleaned_data
        try:
            record_delivery(
                actor=request.user,
                customer=order.customer,
                reference=values["reference"],
                values=DeliveryValues(
                    values["amount"], order.currency, values["delivered_on"], order.reference
                ),
                today=clock.today(),
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("La livraison est enregistrée ; elle compte jusqu’à sa facture."))
            return redirect("risk:order-detail", pk=pk)
    return _page(request, order, delivery=form)


@require_POST
@permission_required("risk.manage_orders")
def order_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Close or cancel the order."""
    order = get_object_or_404(_visible(request), pk=pk)
    form = EndOrderForm(request.POST)
    if form.is_valid():
        try:
            end_order(
                actor=request.user,
                order=order,
                status=form.cleaned_data["ending"],
                reason=form.cleaned_data["reason"],
                today=clock.today(),
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("La commande ne réserve plus rien."))
            return redirect("risk:order-detail", pk=pk)
    return _page(request, order, ending=form)


def _weigh(orders: list[Any]) -> None:
    """What each order still takes of the limit, and what of it waits for an invoice."""
    parts = {
        part.order_id: part
        for part in pending_documents(sorted({order.customer_id for order in orders}), clock.today())
    }
    for order in orders:
        part = parts.get(order.pk)
        order.tone = TONES[order.status]
        order.unbilled_amount = part.unbilled_amount if part else 0
        order.reserved_amount = part.reserved_amount if part else 0
