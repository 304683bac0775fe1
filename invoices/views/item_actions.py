"""What is done to an item: matching and its undoing. Each on its own page, so that it works without script."""

from django.contrib import messages
from django.db.models import Case, QuerySet, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core import clock
from core.rights import permission_required
from core.templatetags.format import amount as written_amount
from invoices.forms import AllocationForm, ReversalForm, counterpart_label
from invoices.models import Allocation, OpenItem
from invoices.operations.allocations import allocate, reverse_allocation
from invoices.views.action_page import action_page, attempt
from invoices.views.items import visible_item

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
        elif attempt(
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
    return action_page(
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
        done = attempt(
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
    return action_page(
        request, item, form=form, title=_("Défaire le lettrage"), submit=_("Défaire"), explanation=explanation
    )


def _counterparts(item: OpenItem) -> "QuerySet[OpenItem]":
    """Open items of the other side of the same account and currency: the same amount first, then the oldest."""
    others = OpenItem.objects.filter(customer=item.customer_id, currency=item.currency).open()
    others = others.filter(open_amount__gt=0) if item.is_credit else others.filter(open_amount__lt=0)
    if item.open_amount == 0:
        return others.none()
    same_amount = Case(When(open_amount=-item.open_amount, then=0), default=1)
    nearest = others.order_by(same_amount, "due_date", "id").values("pk")[:MOST_COUNTERPARTS]
    return OpenItem.objects.filter(pk__in=nearest).order_by(same_amount, "due_date", "id")
