"""Credit holds: the list, placing one, releasing, restoring and ending; the alerts of utilisation."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.audit import timeline
from core.errors import BusinessError
from core.forms import show_refusal
from core.keyset import keyset_page
from core.rights import has_permission, permission_required
from customers.models import Customer
from risk.filters_orders import HoldFilter
from risk.forms_checks import HoldForm, ReleaseForm
from risk.holds import standing_holds, state_of
from risk.models import CreditHold, UtilisationAlert
from risk.operations.holds import end_hold, place_hold, release_hold, restore_hold
from risk.verbs import VERBS
from risk.views.places import subtabs, tabs


def _visible(request: HttpRequest) -> "QuerySet[CreditHold]":
    return CreditHold.objects.visible_to(request.user).select_related(
        "customer__legal_entity", "placed_by", "released_by"
    )


@require_GET
@permission_required("risk.view")
def hold_list(request: HttpRequest) -> HttpResponse:
    """The holds, those that stand unless another state is asked for."""
    today = clock.today()
    filterset = HoldFilter(request.GET, queryset=_visible(request), request=request)
    rows = filterset.qs if filterset.is_valid() else _visible(request).none()
    if not request.GET.getlist("status"):
        rows = rows.exclude(status=CreditHold.Status.ENDED)
    page = keyset_page(rows, order=("-pk",), cursor=request.GET.get("cursor", ""))
    for hold in page.rows:
        hold.state = state_of(hold, today)
    context = {
        "holds": page.rows,
        "filterset": filterset,
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "tabs": tabs(request, "holds"),
        "subtabs": subtabs(request, "holds"),
    }
    return render(request, "risk/hold_list.html", context, status=200 if filterset.is_valid() else 400)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("risk.place_hold")
def hold_place(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop deliveries to a customer."""
    customer = get_object_or_404(
        Customer.objects.visible_to(request.user).select_related("legal_entity"), pk=pk
    )
    form = HoldForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            hold = place_hold(
                actor=request.user,
                customer=customer,
                reason=form.cleaned_data["reason"],
                today=clock.today(),
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(
                request, _("« %(name)s » est bloqué : toute livraison est refusée.") % {"name": customer.name}
            )
            return redirect("risk:hold-detail", pk=hold.pk)
    context = {"customer": customer, "form": form, "standing": standing_holds(customer, clock.today())}
    return render(request, "risk/hold_place.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("risk.view")
def hold_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One hold with its history; releasing it is posted here."""
    hold = get_object_or_404(_visible(request), pk=pk)
    today = clock.today()
    form = ReleaseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            release_hold(
                actor=request.user,
                hold_id=pk,
                reason=form.cleaned_data["reason"],
                until=form.cleaned_data["until"],
                amount=form.cleaned_data["amount"],
                today=today,
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(
                request, _("Le blocage est levé dans ces bornes ; au-delà, il reprend de lui-même.")
            )
            return redirect("risk:hold-detail", pk=pk)
    context = {
        "hold": hold,
        "state": state_of(hold, today),
        "form": form,
        "may_release": hold.status != CreditHold.Status.ENDED
        and has_permission(request.user, "risk.release_hold"),
        "events": [
            {
                "when": event.occurred_at,
                "title": VERBS[event.verb][0],
                "tone": VERBS[event.verb][1],
                "actor": event.actor_name,
                "text": event.data.get("reason", ""),
            }
            for event in timeline(hold)[:50]
            if event.verb in VERBS
        ],
        "tabs": tabs(request, "holds"),
        "subtabs": subtabs(request, "holds"),
    }
    return render(request, "risk/hold_detail.html", context, status=422 if form.errors else 200)


def _decided(request: HttpRequest, pk: int, operation: Callable[..., Any], told: str) -> HttpResponse:
    get_object_or_404(_visible(request), pk=pk)
    try:
        operation(
            actor=request.user,
            hold_id=pk,
            reason=request.POST.get("reason", ""),
            today=clock.today(),
            now=clock.now(),
        )
    except BusinessError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, told)
    return redirect("risk:hold-detail", pk=pk)


@require_POST
@permission_required("risk.release_hold")
def hold_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End it for good."""
    return _decided(request, pk, end_hold, _("Le blocage est levé."))


@require_POST
@permission_required("risk.release_hold")
def hold_restore(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the release back."""
    return _decided(request, pk, restore_hold, _("Le blocage est de nouveau en vigueur."))


@require_GET
@permission_required("risk.view")
def alert_list(request: HttpRequest) -> HttpResponse:
    """The customers who have reached a threshold of their limit, the highest first."""
    alerts = UtilisationAlert.objects.standing().visible_to(request.user)
    page = keyset_page(
        alerts.select_related("customer__legal_entity"),
        order=("-percent", "-pk"),
        cursor=request.GET.get("cursor", ""),
    )
    context = {
        "alerts": page.rows,
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "tabs": tabs(request, "alerts"),
        "subtabs": subtabs(request, "alerts"),
    }
    return render(request, "risk/alert_list.html", context)
