"""Payments that come back: direct debits returned, cheques bounced, transfers recalled."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError, WrongState
from core.money import format_amount
from core.operation import operation
from core.rights import SYSTEM, Actor
from invoices.cash_return_candidates import certain_originals
from invoices.models import Allocation, BankLine, CashApplication, OpenItem, Receipt
from invoices.operations.applying import (
    ZERO,
    CashRefused,
    post_other,
    refresh,
    save_open_amounts,
)
from invoices.operations.cash import carry, locked_line
from invoices.operations.cash_reversals import (
    adjustment_items,
    in_force,
    lock_items_of,
    mark_reversed,
    neutralise,
    note_reversed_adjustments,
    reverse_allocations,
)

RULE = "return"


@operation("invoices.apply_cash")
def return_receipt(
    *, actor: Actor, line_id: int, original_line_id: int, today: date, now: datetime
) -> list[CashApplication]:
    """Take back what a returned payment had settled; one application per receipt, on the return's line.

    From the booking of the return on, the allocations of the original application are reversed, its differences
    neutralised, and a debit item « RJ-<line> » is posted and allocated with the payment: the invoices are due again,
    the days before do not change, and the receipt names its return. The whole line comes back, or the one receipt of
    that amount. When nothing of the original was applied yet, both lines are set aside.

    Raises WrongState, or CashRefused: not a return, amounts that do not fit, already returned.
    """
    if line_id == original_line_id:
        raise CashRefused(_("Un mouvement ne peut pas être son propre impayé."), code="same_line")
    first, second = (locked_line(actor, pk) for pk in sorted((line_id, original_line_id)))
    line, original = (first, second) if first.pk == line_id else (second, first)
    _check(line, original)
    reason = _("Impayé : %(why)s") % {
        "why": line.return_reason or line.return_code or f"{line.booking_date:%d/%m/%Y}"
    }
    receipts = _returned_receipts(line, original)
    line.returns = original
    line.save(update_fields=["returns"])
    if not receipts:
        return _set_both_aside(actor, line, original, reason, now)
    applications = _of_receipts(receipts)
    of_payments = Allocation.objects.filter(
        credit__in=[receipt.item_id for receipt in receipts], reversed_on__isnull=True
    )
    others = {pk for pair in of_payments.values_list("debit_id", "credit_id") for pk in pair}
    items = lock_items_of(applications, actor, {*others, *(receipt.item_id for receipt in receipts)})
    held = list(of_payments.order_by("pk"))
    allocations = {found.pk: found for found in held}
    for application in applications:
        allocations |= {found.pk: found for found in in_force(application)}
    # A treatment that was undone held the payments until then.
    undone = Allocation.objects.filter(
        credit__in=[receipt.item_id for receipt in receipts], reversed_on__isnull=False
    )
    day = max(
        line.booking_date,
        *undone.values_list("reversed_on", flat=True),
        *(found.allocated_on for found in allocations.values()),
        *(application.applied_on for application in applications),
        *(items[receipt.item_id].issue_date for receipt in receipts),
    )
    if day > today:
        raise CashRefused(_("Ce mouvement est daté du futur : il se traitera à sa date."), code="future")
    reverse_allocations(allocations.values(), items, day=day, reason=reason)
    for application in applications:
        counters = [neutralise(items[pk], day=day, now=now) for pk in adjustment_items(application)]
        note_reversed_adjustments(application, items, {counter.reference: counter for counter in counters})
        mark_reversed(application, actor=actor, day=day, reason=reason, now=now)
    made = [
        _post_return(actor, line, receipt, items[receipt.item_id], reason, day, now) for receipt in receipts
    ]
    save_open_amounts(items.values(), now)
    total = sum((receipt.amount for receipt in receipts), ZERO)
    carry(line, total, now)
    customers = sorted({application.customer_id for application in made})
    audit.record(
        actor=actor,
        verb="invoices.cash.returned",
        refs=[line, original, *made, *items.values(), *(f"customer:{pk}" for pk in customers)],
        now=now,
        amount=str(total),
        currency=line.currency,
        items=sorted(item.number for item in items.values()),
        reason=reason,
    )
    refresh(customers, day)
    return made


def settle_returns(*, today: date, now: datetime, limit: int = 500) -> dict[str, int]:
    """Take back the returns whose original payment the bank names beyond doubt; the others wait for a person.

    Counts `settled` and `left`. Each is a transaction of its own; run twice, it changes nothing.
    """
    counts = {"settled": 0, "left": 0}
    for line_id, original_id in certain_originals(limit=limit):
        try:
            return_receipt(actor=SYSTEM, line_id=line_id, original_line_id=original_id, today=today, now=now)
        except BusinessError:
            # Somebody was faster, or amounts no longer fit: a person sees it on the screen.
            counts["left"] += 1
        else:
            counts["settled"] += 1
    return counts


def _check(line: BankLine, original: BankLine) -> None:
    if line.status != BankLine.Status.OPEN or line.applied_amount != 0:
        raise WrongState(
            _("Ce mouvement n’est plus à affecter (%(state)s).") % {"state": line.get_status_display()}
        )
    if line.amount >= 0 or original.amount <= 0:
        raise CashRefused(
            _("Un impayé est un mouvement au débit qui reprend un mouvement au crédit."), code="signs"
        )
    if (
        line.bank_account.legal_entity_id != original.bank_account.legal_entity_id
        or line.currency != original.currency
    ):
        raise CashRefused(
            _("Ces deux mouvements ne sont pas de la même entité et de la même devise."), code="other_account"
        )
    if original.booking_date > line.booking_date:
        raise CashRefused(_("Le règlement est postérieur à l’impayé."), code="dates")


def _returned_receipts(line: BankLine, original: BankLine) -> list[Receipt]:
    """All receipts of the original, or the one of the amount; none when nothing was applied and amounts are equal."""
    receipts = list(
        original.receipts.select_for_update(of=("self",))
        .filter(role=Receipt.Role.PAYMENT, counter_item__isnull=True, returned_by__isnull=True)
        .select_related("application")
        .order_by("pk")
    )
    asked = abs(line.amount)
    if sum((receipt.amount for receipt in receipts), ZERO) == asked:
        return receipts
    of_amount = [receipt for receipt in receipts if receipt.amount == asked]
    if len(of_amount) == 1:
        return of_amount
    if (
        not original.receipts.exists()
        and original.status == BankLine.Status.OPEN
        and original.amount == asked
    ):
        return []
    raise CashRefused(
        _("L’impayé est de %(asked)s et aucun encaissement de ce mouvement n’a ce montant.")
        % {"asked": format_amount(asked, line.currency)},
        code="amount_differs",
    )


def _of_receipts(receipts: Sequence[Receipt]) -> list[CashApplication]:
    """The acts that posted the receipts and still hold, locked in order."""
    ids = [receipt.application_id for receipt in receipts if receipt.application_id]
    return list(
        CashApplication.objects.select_for_update(of=("self",))
        .filter(pk__in=ids, reversed_on__isnull=True)
        .order_by("pk")
    )


def _post_return(
    actor: Actor,
    line: BankLine,
    receipt: Receipt,
    payment: OpenItem,
    reason: str,
    day: date,
    now: datetime,
) -> CashApplication:
    application = CashApplication.objects.create(
        legal_entity_id=payment.legal_entity_id,
        customer_id=payment.customer_id,
        bank_line=line,
        is_automatic=actor is SYSTEM,
        rule=RULE,
        applied_on=day,
        applied_by=None if actor is SYSTEM else actor,  # type: ignore[misc]
        applied_at=now,
    )
    tries = line.receipts.count() + 1
    item = post_other(
        like=payment,
        number=f"RJ-{line.pk}" if tries == 1 else f"RJ-{line.pk}-{tries}",
        amount=-payment.total_amount,
        day=day,
        reference=reason,
        now=now,
    )
    amount = abs(payment.total_amount)
    Allocation.objects.create(
        debit=item, credit=payment, amount=amount, allocated_on=day, created_at=now, application=application
    )
    item.open_amount = payment.open_amount = Decimal("0.00")
    item.save(update_fields=["open_amount"])
    receipt.returned_by = Receipt.objects.create(
        bank_line=line, item=item, application=application, role=Receipt.Role.RETURN, amount=receipt.amount
    )
    receipt.save(update_fields=["returned_by"])
    return application


def _set_both_aside(
    actor: Actor, line: BankLine, original: BankLine, reason: str, now: datetime
) -> list[CashApplication]:
    for side in (original, line):
        side.status, side.set_aside_reason, side.updated_at = BankLine.Status.SET_ASIDE, reason[:200], now
        side.save(update_fields=["status", "set_aside_reason", "updated_at"])
    audit.record(
        actor=actor,
        verb="invoices.bank_line.set_aside",
        refs=[line, original],
        now=now,
        amount=str(line.amount),
        currency=line.currency,
        reason=reason,
    )
    return []
