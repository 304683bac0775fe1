"""Risk of one customer: the panel of his page, his limit."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from core.money import format_amount
from core.rights import has_permission, permission_required, signed_in
from customers.models import Customer
from risk.exposure import exposures, group_exposure
from risk.forms import LimitForm
from risk.models import CreditLimit
from risk.operations.limits import set_limit
from risk.views.panels import panels_of
from risk.views.scores import score_context

HISTORY = 24


def _visible(request: HttpRequest, pk: int) -> Customer:
    customers = Customer.objects.visible_to(request.user).select_related("legal_entity")
    customer: Customer = get_object_or_404(customers, pk=pk)
    return customer


def _exposure_context(request: HttpRequest, customer: Customer, today: date) -> dict[str, Any]:
    exposure = exposures([customer], today)[customer.pk]
    return {
        "customer": customer,
        "exposure": exposure,
        "use": exposure.use,
        "group": group_exposure(customer, request.user, today),
        "may_set_limit": has_permission(request.user, "risk.set_limit")
        and customer.status != Customer.Status.CLOSED,
    }


@require_GET
@permission_required("risk.view")
def customer_panel(request: HttpRequest, pk: int) -> HttpResponse:
    """The customer page's piece: exposure against the limit, and the score with its reasons."""
    customer, today = _visible(request, pk), clock.today()
    context = {
        **_exposure_context(request, customer, today),
        **score_context(customer, today),
        "panels": panels_of(customer, signed_in(request), today),
    }
    template = "risk/customer_panel.html" if request.htmx else "risk/customer_panel_page.html"
    return render(request, template, context)


@require_http_methods(["GET", "POST"])
@permission_required("risk.set_limit")
def limit_set(request: HttpRequest, pk: int) -> HttpResponse:
    """Decide what a customer may owe."""
    customer, today = _visible(request, pk), clock.today()
    context = {**_exposure_context(request, customer, today), **score_context(customer, today)}
    current = context["exposure"].limit
    initial = {
        "currency": current.currency if current else customer.currency,
        "seen": current.pk if current else 0,
    }
    form = LimitForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            limit = set_limit(
                actor=request.user,
                customer=customer,
                amount=form.cleaned_data["amount"],
                currency=form.cleaned_data["currency"],
                reason=form.cleaned_data["reason"],
                seen_limit_id=form.cleaned_data["seen"],
                today=today,
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
            # The person answers for the limit that the page now shows.
            form.data = form.data.copy()
            form.data["seen"] = str(initial["seen"])
        else:
            messages.success(
                request,
                _("Le plafond de « %(name)s » est de %(amount)s.")
                % {"name": customer.name, "amount": format_amount(limit.amount, limit.currency)},
            )
            return redirect("customers:customer-detail", pk=pk)
    limits = CreditLimit.objects.filter(customer=customer).select_related("decided_by")
    context |= {"form": form, "limits": list(limits.order_by("-valid_from", "-pk")[:HISTORY])}
    return render(request, "risk/limit_set.html", context, status=422 if form.errors else 200)
