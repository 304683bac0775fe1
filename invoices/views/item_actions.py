"""What is done to an item: matching, disputes, promises. Each on its own page, so that it works without script."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Case, QuerySet, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from core.rights import permission_required
from core.templatetags.format import amount as written_amount
from invoices.forms import (
    AllocationForm,
    DisputeForm,
    PromiseForm,
    ResolutionForm,
    ReversalForm,
    WithdrawalForm,
    counterpart_label,
    default_promise_date,
)
from invoices.models import Allocation, Dispute, OpenItem, Promise
from invoices.operations.allocations import allocate, reverse_allocation
from invoices.operations.disputes import make_promise, open_dispute, resolve_dispute, withdraw_promise
from invoices.views.items import visible_item, with_state

MOST_COUNTERPARTS = 200


@require_http_methods(["GET", "POST"])
@permission_required("invoices.allocate")
def item_allocate(request: HttpRequest, pk: int) -> HttpResponse:
    """Match this item with an open one of the other side of the same account."""
    item, today = visible_item(request.user, pk), clock.today()
    counterparts = _counterparts(item)
    first = counterparts.first()
    initial = {
        "counterpart": first,
        "amount": min(abs(item.open_amount), abs(first.open_amount)) if first else None,
        "allocated_on": today,
        "seen": item.open_amount,
    }
    form = AllocationForm(request.POST or None, initial=initial, counterparts=counterparts)
    form.fields["counterpart"].label_from_instance = counterpart_label  # type: ignore[attr-defined]
    if request.method == "POST" and form.is_valid():
        other = form.cleaned_data["counterpart"]
        debit, credit = (other, item) if item.is_credit else (item, other)
        if form.cleaned_data["seen"] != item.open_amount:
            form.add_error(
                None, _("Le solde de cette pièce a changé entre-temps. Vérifiez le montant, puis validez.")
            )
        elif _attempt(
            form,
            lambda: allocate(
                actor=request.user,
                debit_id=debit.pk,
                credit_id=credit.pk,
                amount=form.cleaned_data["amount"],
                allocated_on=form.cleaned_data["allocated_on"],
                today=today,
                now=clock.now(),
                seen_open_amount=debit.open_amount if debit is other else form.cleaned_data["seen"],
            ),
        ):
            messages.success(
                request,
                _("%(amount)s lettrés entre %(debit)s et %(credit)s.")
                % {
                    "amount": written_amount(form.cleaned_data["amount"], item.currency),
                    "debit": debit.number,
                    "credit": credit.number,
                },
            )
            return redirect("invoices:item-detail", pk=pk)
    return _page(
        request,
        item,
        form=form,
        title=_("Lettrer"),
        submit=_("Lettrer"),
        impossible="" if first else _("Aucune pièce ouverte de l’autre sens dans ce compte et cette devise."),
    )


@require_http_methods(["GET", "POST"])
@permission_required("invoices.allocate")
def allocation_reverse(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo a matching: both items are open again."""
    allocations = Allocation.objects.filter(debit__in=OpenItem.objects.visible_to(request.user))
    allocation = get_object_or_404(allocations.select_related("debit", "credit"), pk=pk)
    item, today = visible_item(request.user, allocation.debit_id), clock.today()
    form = ReversalForm(request.POST or None, initial={"reversed_on": today})
    if request.method == "POST" and form.is_valid():
        done = _attempt(
            form,
            lambda: reverse_allocation(
                actor=request.user, allocation_id=pk, today=today, now=clock.now(), **form.cleaned_data
            ),
        )
        if done:
            messages.success(request, _("Lettrage défait : les deux pièces sont de nouveau ouvertes."))
            return redirect("invoices:item-detail", pk=item.pk)
    explanation = _("%(amount)s lettrés le %(day)s entre %(debit)s et %(credit)s seront de nouveau dus.") % {
        "amount": written_amount(allocation.amount, item.currency),
        "day": f"{allocation.allocated_on:%d/%m/%Y}",
        "debit": allocation.debit.number,
        "credit": allocation.credit.number,
    }
    return _page(
        request, item, form=form, title=_("Défaire le lettrage"), submit=_("Défaire"), explanation=explanation
    )


@require_http_methods(["GET", "POST"])
@permission_required("invoices.dispute")
def item_dispute(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that the customer contests all or part of the item."""
    item = visible_item(request.user, pk)
    form = DisputeForm(request.POST or None, initial={"amount": item.open_amount})
    if request.method == "POST" and form.is_valid():
        done = _attempt(
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
    return _page(
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
        done = _attempt(
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
    return _page(
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
        done = _attempt(
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
    return _page(
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
        done = _attempt(
            form,
            lambda: withdraw_promise(
                actor=request.user, promise_id=pk, reason=form.cleaned_data["reason"], now=clock.now()
            ),
        )
        if done:
            messages.success(request, _("Promesse retirée : la pièce peut de nouveau être relancée."))
            return redirect("invoices:item-detail", pk=item.pk)
    return _page(request, item, form=form, title=_("Retirer la promesse"), submit=_("Retirer"))


def _counterparts(item: OpenItem) -> "QuerySet[OpenItem]":
    """Open items of the other side of the same account and currency: the same amount first, then the oldest."""
    others = OpenItem.objects.filter(customer=item.customer_id, currency=item.currency).open()
    others = others.filter(open_amount__gt=0) if item.is_credit else others.filter(open_amount__lt=0)
    if item.open_amount == 0:
        return others.none()
    same_amount = Case(When(open_amount=-item.open_amount, then=0), default=1)
    nearest = others.order_by(same_amount, "due_date", "id").values("pk")[:MOST_COUNTERPARTS]
    return OpenItem.objects.filter(pk__in=nearest).order_by(same_amount, "due_date", "id")


def _attempt(form: forms.BaseForm, call: Callable[[], Any]) -> Any:
    """What the operation returns, or None after its refusal is shown on the form."""
    try:
        return call()
    except BusinessError as error:
        show_refusal(form, error)
        return None


def _page(request: HttpRequest, item: OpenItem, **context: Any) -> HttpResponse:
    context = {
        "item": with_state([item], clock.today())[0],
        "back_url": reverse("invoices:item-detail", args=[item.pk]),
        "explanation": "",
        "impossible": "",
        **context,
    }
    status = 422 if context["form"].errors else 200
    return render(request, "invoices/item_action.html", context, status=status)
