"""Lettrage: the only writers of open amounts.

Truth: open amount = total - allocations in force, between zero and total, on every day past or present.
"""

from datetime import date, datetime
from decimal import Decimal

from django.db.models import Q
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError, WrongState
from core.money import format_amount, round_money
from core.operation import operation
from core.rights import Actor
from invoices.models import Adjustment, Allocation, CashApplication, OpenItem, Receipt
from invoices.operations.ageing import refresh_ageing
from invoices.operations.disputes import resolve_disputes_of_settled


class AllocationRefused(BusinessError):
    """These two items cannot be matched so; `field` names the input at fault."""

    code = "allocation_refused"


@operation("invoices.allocate")
def allocate(
    *,
    actor: Actor,
    debit_id: int,
    credit_id: int,
    amount: Decimal,
    allocated_on: date,
    today: date,
    now: datetime,
    seen_open_amount: Decimal | None = None,
) -> Allocation:
    """Settle `amount` of the debit item with the credit item. `amount` is positive, in their currency.

    A debit item that is settled has its open dispute resolved on the same day. `seen_open_amount` is what the
    person saw open on the debit item: when it has moved since, as after a double click, nothing is matched.
    Raises AllocationRefused: other customer or currency, wrong signs, amount above what is open on any day
    from `allocated_on` on, date before either item or in the future.
    """
    items = _locked_items(actor, debit_id, credit_id)
    debit, credit = items.get(debit_id), items.get(credit_id)
    if debit is None or credit is None or debit_id == credit_id:
        raise AllocationRefused(_("Choisissez deux pièces de votre périmètre."), code="item_unknown")
    _check_pair(debit, credit)
    if seen_open_amount is not None and seen_open_amount != debit.open_amount:
        raise AllocationRefused(
            _(
                "Le solde de la pièce %(number)s a changé entre-temps : il est de %(open)s. Vérifiez, puis validez."
            )
            % {"number": debit.number, "open": format_amount(debit.open_amount, debit.currency)},
            code="changed_meanwhile",
        )
    _check_amount(debit, credit, amount)
    _check_day(debit, credit, allocated_on, today)
    for item in (debit, credit):
        _check_history(item, amount, allocated_on)
    allocation = Allocation.objects.create(
        debit=debit, credit=credit, amount=amount, allocated_on=allocated_on, created_at=now
    )
    _move(debit, -amount, now)
    _move(credit, amount, now)
    resolved = _resolve_disputes_of_settled(debit, today, now)
    audit.record(
        actor=actor,
        verb="invoices.allocation.made",
        refs=[allocation, debit, credit, f"customer:{debit.customer_id}"],
        now=now,
        amount=str(amount),
        currency=debit.currency,
        debit=debit.number,
        credit=credit.number,
        allocated_on=allocated_on.isoformat(),
        disputes_resolved=resolved,
    )
    refresh_ageing(customer_ids=[debit.customer_id], effective_from=allocated_on)
    return allocation


@operation("invoices.allocate")
def reverse_allocation(
    *, actor: Actor, allocation_id: int, reversed_on: date, reason: str, today: date, now: datetime
) -> Allocation:
    """Undo an allocation from `reversed_on` on: both items are open again by its amount.

    Raises WrongState when it is reversed already, AllocationRefused for a bad date or no reason, or when one of the
    items exists for this allocation alone.
    """
    pair = Allocation.objects.filter(pk=allocation_id).values_list("debit_id", "credit_id").first()
    items = _locked_items(actor, *pair) if pair else {}
    if pair is None or len(items) != 2:
        raise AllocationRefused(_("Ce lettrage n’existe pas dans votre périmètre."), code="item_unknown")
    allocation = Allocation.objects.select_for_update(of=("self",)).get(pk=allocation_id)
    if allocation.reversed_on is not None:
        raise WrongState(
            _("Ce lettrage a déjà été défait le %(day)s.") % {"day": f"{allocation.reversed_on:%d/%m/%Y}"}
        )
    if not reason.strip():
        raise AllocationRefused(_("Indiquez pourquoi ce lettrage est défait."), field="reason")
    if reversed_on < allocation.allocated_on:
        raise AllocationRefused(
            _("Ce lettrage date du %(day)s : il ne peut pas être défait avant.")
            % {"day": f"{allocation.allocated_on:%d/%m/%Y}"},
            field="reversed_on",
        )
    if reversed_on > today:
        raise AllocationRefused(_("Cette date est dans le futur."), field="reversed_on")
    _check_stands_alone(allocation)
    debit, credit = items[pair[0]], items[pair[1]]
    allocation.reversed_on, allocation.reversal_reason = reversed_on, reason.strip()[:200]
    allocation.save(update_fields=["reversed_on", "reversal_reason"])
    _move(debit, allocation.amount, now)
    _move(credit, -allocation.amount, now)
    audit.record(
        actor=actor,
        verb="invoices.allocation.reversed",
        refs=[allocation, debit, credit, f"customer:{debit.customer_id}"],
        now=now,
        amount=str(allocation.amount),
        currency=debit.currency,
        debit=debit.number,
        credit=credit.number,
        reversed_on=reversed_on.isoformat(),
        reason=allocation.reversal_reason,
    )
    refresh_ageing(customer_ids=[debit.customer_id], effective_from=reversed_on)
    return allocation


def _check_stands_alone(allocation: Allocation) -> None:
    """What was given up, given back, returned or undone is no credit and no debt of its own: its act is undone whole.

    Freed alone, its item would settle other items with no money behind it, past every limit.
    """
    items = (allocation.debit_id, allocation.credit_id)
    refunds = Allocation.objects.filter(debit__in=items, application__rule__in=CashApplication.REFUNDS)
    receipts = Receipt.objects.filter(
        Q(item__in=items) & ~Q(role=Receipt.Role.PAYMENT) | Q(counter_item__in=items)
    )
    if Adjustment.objects.filter(item__in=items).exists() or receipts.exists() or refunds.exists():
        raise AllocationRefused(
            _("Ce lettrage fait partie d’une affectation : défaites l’affectation entière."),
            code="part_of_an_act",
        )


def _locked_items(actor: Actor, *item_ids: int) -> dict[int, OpenItem]:
    """The items in the actor's scope, locked in the order of their keys so that two operations cannot cross."""
    return {
        item.pk: item
        for item in OpenItem.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .filter(pk__in=item_ids)
        .order_by("pk")
    }


def _check_pair(debit: OpenItem, credit: OpenItem) -> None:
    if debit.total_amount <= 0 or credit.total_amount >= 0:
        raise AllocationRefused(
            _(
                "Un lettrage rapproche une pièce au débit (facture) et une pièce au crédit (règlement ou avoir)."
            )
        )
    if debit.customer_id != credit.customer_id:
        raise AllocationRefused(_("Ces deux pièces ne sont pas du même client."))
    if debit.currency != credit.currency:
        raise AllocationRefused(
            _("Ces deux pièces ne sont pas dans la même devise (%(debit)s et %(credit)s).")
            % {"debit": debit.currency, "credit": credit.currency}
        )


def _check_amount(debit: OpenItem, credit: OpenItem, amount: Decimal) -> None:
    if amount <= 0 or round_money(amount) != amount:
        raise AllocationRefused(_("Le montant lettré est positif, au centime près."), field="amount")
    for item in (debit, credit):
        if amount > abs(item.open_amount):
            raise AllocationRefused(
                _("La pièce %(number)s n’a plus que %(open)s à lettrer.")
                % {"number": item.number, "open": format_amount(abs(item.open_amount), item.currency)},
                code="amount_above_open",
                field="amount",
            )


def _check_day(debit: OpenItem, credit: OpenItem, allocated_on: date, today: date) -> None:
    earliest = max(debit.issue_date, credit.issue_date)
    if allocated_on < earliest:
        raise AllocationRefused(
            _("Un lettrage ne peut pas précéder ses pièces : au plus tôt le %(day)s.")
            % {"day": f"{earliest:%d/%m/%Y}"},
            field="allocated_on",
        )
    if allocated_on > today:
        raise AllocationRefused(_("Cette date est dans le futur."), field="allocated_on")


def _check_history(item: OpenItem, amount: Decimal, allocated_on: date) -> None:
    """Refuse a date from which a since-reversed allocation and this one would together exceed the total."""
    reversed_later = Q(reversed_on__gt=allocated_on)
    of_item = Allocation.objects.filter(Q(debit=item) | Q(credit=item))
    if not of_item.filter(reversed_later).exists():
        return
    periods = list(
        of_item.filter(reversed_later | Q(reversed_on__isnull=True)).values_list(
            "allocated_on", "reversed_on", "amount"
        )
    )
    for day in {allocated_on, *(start for start, _end, _amount in periods if start > allocated_on)}:
        in_force = sum(part for start, end, part in periods if start <= day and (end is None or day < end))
        if in_force + amount > abs(item.total_amount):
            free = max(end for _start, end, _amount in periods if end is not None)
            raise AllocationRefused(
                _(
                    "Le %(day)s, la pièce %(number)s était encore prise par un lettrage défait depuis. "
                    "Datez celui-ci du %(free)s au plus tôt."
                )
                % {"day": f"{day:%d/%m/%Y}", "number": item.number, "free": f"{free:%d/%m/%Y}"},
                code="taken_on_that_day",
                field="allocated_on",
            )


def _move(item: OpenItem, change: Decimal, now: datetime) -> None:
    item.open_amount += change
    item.updated_at = now
    item.save(update_fields=["open_amount", "updated_at"])


def _resolve_disputes_of_settled(debit: OpenItem, today: date, now: datetime) -> int:
    """A settled item has nothing left to dispute."""
    if debit.open_amount != 0 or debit.disputed_amount == 0:
        return 0
    debit.disputed_amount = Decimal(0)
    return resolve_disputes_of_settled([debit.pk], today, now)
