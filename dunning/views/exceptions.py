"""Exceptions of dunning: the list, deciding one for a customer or an item, ending one."""

from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.errors import BusinessError
from core.keyset import keyset_page
from core.rights import has_permission, permission_required
from customers.models import Customer
from dunning.filters import ExceptionFilter
from dunning.forms import ExceptionForm
from dunning.gate_facts import exceptions_in_force
from dunning.models import DunningException
from dunning.operations.exceptions import add_exception, end_exception, selectable_policies
from dunning.views.places import tabs
from invoices.models import OpenItem


def _visible(request: HttpRequest) -> QuerySet[DunningException]:
    return DunningException.objects.filter(
        customer__in=Customer.objects.visible_to(request.user)
    ).select_related("customer", "item", "created_by", "ended_by")


@require_GET
@permission_required("dunning.view")
def exception_list(request: HttpRequest) -> HttpResponse:
    """The exceptions in force, the latest first; `?state=` shows what is over too."""
    today = clock.today()
    filterset = ExceptionFilter(request.GET, queryset=_visible(request), request=request, today=today)
    page = keyset_page(
        filterset.qs if filterset.is_valid() else _visible(request).none(),
        order=("-pk",),
        cursor=request.GET.get("cursor", ""),
    )
    for exception in page.rows:
        exception.state = _state(exception, today)
        exception.in_force = exception.state[0] != "neutral"
    context = {
        "exceptions": page.rows,
        "filterset": filterset,
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "may_except": has_permission(request.user, "dunning.except"),
        "tabs": tabs(request, "exceptions"),
    }
    return render(
        request, "dunning/exception_list.html", context, status=200 if filterset.is_valid() else 400
    )


def _state(exception: DunningException, today: Any) -> tuple[str, str]:
    """Tone and word."""
    if exception.ended_on is not None and exception.ended_on <= today:
        return "neutral", _("Levée")
    if exception.until is not None and exception.until < today:
        return "neutral", _("Terminée")
    return "watch", _("En cours")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("dunning.except")
def exception_add(request: HttpRequest, customer_pk: int) -> HttpResponse:
    """Decide one for the customer, or for the item that `?piece=` names."""
    customer = get_object_or_404(Customer.objects.visible_to(request.user), pk=customer_pk)
    item = _item(request, customer)
    form = ExceptionForm(
        request.POST or None,
        initial={"effect": DunningException.Effect.HOLD},
        policies=selectable_policies(customer),
    )
    if request.method == "POST" and form.is_valid():
        try:
            add_exception(
                actor=request.user,
                customer=customer,
                item=item,
                today=clock.today(),
                now=clock.now(),
                **form.cleaned_data,
            )
        except BusinessError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            messages.success(request, _("L’exception est décidée : elle vaut dès maintenant."))
            return _back(request, customer)
    today = clock.today()
    context = {
        "customer": customer,
        "item": item,
        "form": form,
        "standing": DunningException.objects.filter(exceptions_in_force(today), customer=customer)
        .filter(Q(item=None) | Q(item=item))
        .select_related("item"),
        "next": request.POST.get("next") or request.GET.get("next", ""),
    }
    return render(request, "dunning/exception_form.html", context, status=400 if form.errors else 200)


def _item(request: HttpRequest, customer: Customer) -> OpenItem | None:
    asked = request.POST.get("piece") or request.GET.get("piece", "")
    if not asked:
        return None
    return get_object_or_404(
        OpenItem, pk=int(asked) if asked.isdecimal() and len(asked) < 19 else 0, customer=customer
    )


@require_POST
@permission_required("dunning.except")
def exception_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End one today."""
    exception = get_object_or_404(_visible(request), pk=pk)
    try:
        end_exception(actor=request.user, exception_id=pk, today=clock.today(), now=clock.now())
    except BusinessError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            _("L’exception de %(customer)s est levée : la prochaine campagne l’examine de nouveau.")
            % {"customer": exception.customer},
        )
    return _back(request, exception.customer, default=reverse("dunning:exception-list"))


def _back(request: HttpRequest, customer: Customer, default: str = "") -> HttpResponse:
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = default or reverse("customers:customer-detail", args=[customer.pk])
    return HttpResponseRedirect(target)
