"""Litiges and promesses de règlement: opened, noted and closed, each on its own page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core import clock
from core.rights import permission_required
from invoices.forms import DisputeForm, PromiseForm, ResolutionForm, WithdrawalForm, default_promise_date
from invoices.models import Dispute, OpenItem, Promise
from invoices.operations.disputes import open_dispute, resolve_dispute
from invoices.operations.promises import make_promise, withdraw_promise
from invoices.views.action_page import action_page, attempt
from invoices.views.items import visible_item


@require_http_methods(["GET", "POST"])
@permission_required("invoices.dispute")
def item_dispute(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that the customer contests all or part of the item."""
    item = visible_item(request.user, pk)
    form = DisputeForm(request.POST or None, initial={"amount": item.open_amount})
    if request.method == "POST" and form.is_valid():
        done = attempt(
            form,
            lambda: open_dispute(
                actor=request.user,
                item_id=pk,
                today=clock.today(),
                now=clock.now(),
                owner=request.user,
                **form.cleaned_data,
            ),
        )
        if done:
            messages.success(
                request, _("Litige ouvert : cette pièce ne sera plus relancée jusqu’à sa résolution.")
            )
            return redirect("invoices:item-detail", pk=pk)
    explanation = _(
        "La pièce reste dans la balance âgée ; ses relances s’arrêtent jusqu’à la résolution du litige."
    )
    return action_page(
        request,
        item,
        form=form,
        title=_("Ouvrir un litige"),
        submit=_("Ouvrir le litige"),
        explanation=explanation,
    )


@require_http_methods(["GET", "POST"])
@permission_required("invoices.dispute")
def dispute_resolve(request: HttpRequest, pk: int) -> HttpResponse:
    """Say how a dispute ended."""
    disputes = Dispute.objects.filter(item__in=OpenItem.objects.visible_to(request.user))
    dispute = get_object_or_404(disputes, pk=pk)
    item = visible_item(request.user, dispute.item_id)
    form = ResolutionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        done = attempt(
            form,
            lambda: resolve_dispute(
                actor=request.user,
                dispute_id=pk,
                outcome=form.cleaned_data["outcome"],
                today=clock.today(),
                now=clock.now(),
            ),
        )
        if done:
            messages.success(request, _("Litige résolu : la pièce peut de nouveau être relancée."))
            return redirect("invoices:item-detail", pk=item.pk)
    return action_page(
        request,
        item,
        form=form,
        title=_("Résoudre le litige"),
        submit=_("Résoudre"),
        explanation=dispute.note,
    )


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
    promises = Promise.objects.filter(item__in=OpenItem.objects.visible_to(request.user))
    promise = get_object_or_404(promises, pk=pk)
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
