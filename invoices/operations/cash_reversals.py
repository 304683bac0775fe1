"""Undoing an act of matching: posted documents stay, each is neutralised by a counter-document."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from core import audit
from core.errors import WrongState
from core.operation import operation
from core.rights import SYSTEM, Actor, has_permission
from invoices.models import Adjustment, Allocation, CashApplication, OpenItem, PayerAlias, Receipt
from invoices.operations.applying import (
    ZERO,
    CashRefused,
    locked_items,
    post_other,
    refresh,
    refund_of,
    save_open_amounts,
)
from invoices.operations.cash import carry, locked_line
from invoices.operations.matching import reset_matching


@operation("invoices.apply_cash")
def reverse_application(
    *, actor: Actor, application_id: int, reason: str, today: date, now: datetime
) -> CashApplication:
    """Undo an act of matching from today on: what it settled is due again, the bank line is to apply again.

    Its allocations are reversed. What it posted (payment, differences, returned or refunded amount) is immutable:
    each gets a counter-item « AN-<number> », allocated to it, so that nothing stays on the account and no past day
    changes. The receipt names its counter-item and is no longer in force. The reversed allocations are what matching
    reads to never propose the same payer and item again without a person. An undone return leaves the payment on
    account: what it had settled is matched again by a person.

    Raises WrongState when it is undone already; CashRefused without a reason, when the money came back unpaid, or
    when a part of it was matched or refunded since by another act, which must be undone first.
    """
    found = CashApplication.objects.visible_to(actor).filter(pk=application_id).first()
    if found is None:
        raise CashRefused(
            _("Cette affectation n’existe pas dans votre périmètre."), code="application_unknown"
        )
    line = locked_line(actor, found.bank_line_id) if found.bank_line_id else None
    application = CashApplication.objects.select_for_update(of=("self",)).get(pk=application_id)
    if application.bank_line_id != found.bank_line_id:
        raise WrongState(_("Le mouvement de ce remboursement vient d’être retrouvé. Rechargez la page."))
    if application.reversed_on is not None:
        raise WrongState(
            _("Cette affectation a déjà été défaite le %(day)s.")
            % {"day": f"{application.reversed_on:%d/%m/%Y}"}
        )
    if not reason.strip():
        raise CashRefused(_("Indiquez pourquoi cette affectation est défaite."), field="reason")
    _check_right_to_undo(actor, application)
    receipts = list(application.receipts.filter(counter_item__isnull=True).select_related("returned_by"))
    if any(receipt.returned_by_id for receipt in receipts):
        raise CashRefused(
            _("Ce règlement est revenu impayé : défaites d’abord le traitement de l’impayé."),
            code="returned",
        )
    items = lock_items_of([application], actor)
    allocations = in_force(application)
    reverse_allocations(allocations, items, day=today, reason=reason)
    counters = [
        neutralise(items[pk], day=today, now=now) for pk in _posted_by(application, receipts) if pk in items
    ]
    counter_of = {counter.reference: counter for counter in counters}
    for receipt in receipts:
        receipt.counter_item = counter_of[items[receipt.item_id].number]
        receipt.save(update_fields=["counter_item"])
    note_reversed_adjustments(application, items, counter_of)
    save_open_amounts([*items.values()], now)
    Receipt.objects.filter(returned_by__in=receipts).update(returned_by=None)
    if line is not None:
        if line.returns_id:
            line.returns = None
            line.save(update_fields=["returns"])
        carry(line, -sum((receipt.amount for receipt in receipts), ZERO), now)
        # What this act alone taught of the payer was a mistake.
        PayerAlias.objects.filter(learned_from=line, customer=application.customer_id, uses=1).delete()
    mark_reversed(application, actor=actor, day=today, reason=reason, now=now)
    audit.record(
        actor=actor,
        verb="invoices.cash.reversed",
        refs=[
            application,
            *([line] if line else []),
            *items.values(),
            f"customer:{application.customer_id}",
        ],
        now=now,
        amount=str(sum((receipt.amount for receipt in receipts), ZERO)),
        currency=line.currency if line else "",
        items=sorted(item.number for item in items.values()),
        reason=application.reversal_reason,
    )
    refresh([application.customer_id], today)
    reset_matching(entity_id=application.legal_entity_id)
    return application


def _check_right_to_undo(actor: Actor, application: CashApplication) -> None:
    """Undoing a write-off or a refund asks for the right to make one."""
    needed = (
        "invoices.write_off"
        if application.rule == CashApplication.WRITE_OFF
        else "invoices.refund"
        if application.rule in CashApplication.REFUNDS
        else ""
    )
    if needed and not has_permission(actor, needed):
        raise CashRefused(
            _("Votre rôle ne permet pas de défaire cet acte : demandez-le à qui peut le faire."),
            code="not_allowed_to_undo",
        )


def lock_items_of(
    applications: Iterable[CashApplication], actor: Actor, others: Iterable[int] = ()
) -> dict[int, OpenItem]:
    """Every item that these acts touched or posted, and the others, locked in the order of the keys."""
    ids: set[int] = set(others)
    for application in applications:
        for pair in application.allocations.filter(reversed_on__isnull=True).values_list("debit", "credit"):
            ids.update(pair)
        ids.update(_posted_by(application, application.receipts.filter(counter_item__isnull=True)))
    items = locked_items(actor, ids)
    if len(items) != len(ids):
        raise CashRefused(_("Une des pièces n’est pas dans votre périmètre."), code="item_unknown")
    return items


def in_force(application: CashApplication) -> list[Allocation]:
    """The allocations of an act that still hold; to be read under the lock of their items."""
    return list(application.allocations.filter(reversed_on__isnull=True).order_by("pk"))


def reverse_allocations(
    allocations: Iterable[Allocation], items: Mapping[int, OpenItem], *, day: date, reason: str
) -> None:
    """Reverse them from `day` on; open amounts move in memory."""
    changed = []
    for allocation in allocations:
        allocation.reversed_on, allocation.reversal_reason = day, reason.strip()[:200]
        items[allocation.debit_id].open_amount += allocation.amount
        items[allocation.credit_id].open_amount -= allocation.amount
        changed.append(allocation)
    Allocation.objects.bulk_update(changed, ["reversed_on", "reversal_reason"])


def neutralise(item: OpenItem, *, day: date, now: datetime) -> OpenItem:
    """Post the counter-item and allocate both wholly. Raises CashRefused when another act holds part of the item."""
    if item.open_amount != item.total_amount:
        raise CashRefused(
            _(
                "Une partie de %(number)s a été lettrée ou remboursée depuis par une autre action : défaites-la d’abord."
            )
            % {"number": item.number},
            code="used_since",
        )
    counter = post_other(
        like=item, number=f"AN-{item.number}", amount=-item.total_amount, day=day, reference=item.number, now=now
    )  # fmt: skip
    debit, credit = (item, counter) if item.total_amount > 0 else (counter, item)
    Allocation.objects.create(
        debit=debit, credit=credit, amount=abs(item.total_amount), allocated_on=day, created_at=now
    )
    counter.open_amount = item.open_amount = Decimal("0.00")
    counter.save(update_fields=["open_amount"])
    return counter


def note_reversed_adjustments(
    application: CashApplication, items: Mapping[int, OpenItem], counter_of: Mapping[str, OpenItem]
) -> None:
    """The counter-items of differences are differences of the same account, so that their entries are exported."""
    for adjustment in _adjustments(application):
        reversal = Adjustment.objects.create(
            item=counter_of[items[adjustment.item_id].number],
            application=application,
            reason=adjustment.reason,
            account=adjustment.account,
            note=adjustment.note,
        )
        adjustment.reversed_by = reversal
        adjustment.save(update_fields=["reversed_by"])


def adjustment_items(application: CashApplication) -> list[int]:
    """The items of the differences that an act gave up and that still hold."""
    return [adjustment.item_id for adjustment in _adjustments(application)]


def mark_reversed(
    application: CashApplication, *, actor: Actor, day: date, reason: str, now: datetime
) -> None:
    application.reversed_on = max(day, application.applied_on)
    application.reversed_at, application.reversal_reason = now, reason.strip()[:200]
    application.reversed_by = None if actor is SYSTEM else actor  # type: ignore[assignment]
    application.save(update_fields=["reversed_on", "reversed_at", "reversed_by", "reversal_reason"])


def _adjustments(application: CashApplication) -> list[Adjustment]:
    return list(
        application.adjustments.filter(reversed_by__isnull=True, reverses__isnull=True).order_by("pk")
    )


def _posted_by(application: CashApplication, receipts: Iterable[Receipt]) -> list[int]:
    """The items that exist because of the act: payments, differences, an announced refund."""
    posted = [receipt.item_id for receipt in receipts] + adjustment_items(application)
    refund = refund_of(application)
    return sorted({*posted, *([refund.pk] if refund else [])})
