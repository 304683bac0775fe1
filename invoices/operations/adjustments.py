"""Giving up what is not worth claiming, or cannot be: a small difference, a loss."""

from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from core import audit
from core.money import format_amount, round_money
from core.operation import operation
from core.rights import SYSTEM, Actor
from invoices.models import Adjustment, Allocation, CashApplication
from invoices.operations.applying import (
    CashRefused,
    account_of,
    locked_items,
    post_other,
    refresh,
    resolve_disputes_of_settled,
    save_open_amounts,
    settings_of,
)
from invoices.operations.differences import check_limit

# A credit that is kept is a gain; it has no other name.
CREDIT_REASONS = (Adjustment.Reason.SMALL_DIFFERENCE,)


@operation("invoices.write_off")
def write_off(
    *,
    actor: Actor,
    item_id: int,
    amount: Decimal,
    reason: str,
    today: date,
    now: datetime,
    note: str = "",
    seen_open_amount: Decimal | None = None,
) -> Adjustment:
    """Give up `amount` (positive) of what is open on an item, from today on, to the account of its reason.

    A debit becomes a charge; a credit that nobody claims becomes a gain. Above `CashSettings.write_off_limit` only
    the finance director may. Undone by `reverse_application` of its application.
    Raises CashRefused, at the field `amount`, `reason` or `note`.
    """
    items = locked_items(actor, [item_id])
    item = items.get(item_id)
    if item is None:
        raise CashRefused(_("Cette pièce n’existe pas dans votre périmètre."), code="item_unknown")
    if seen_open_amount is not None and seen_open_amount != item.open_amount:
        raise CashRefused(
            _("Le solde de cette pièce a changé entre-temps. Vérifiez le montant, puis validez."),
            code="changed_meanwhile",
        )
    if amount <= 0 or round_money(amount) != amount:
        raise CashRefused(_("Le montant est positif, au centime près."), field="amount")
    if amount > abs(item.open_amount):
        raise CashRefused(
            _("La pièce %(number)s n’a plus que %(open)s d’ouvert.")
            % {"number": item.number, "open": format_amount(abs(item.open_amount), item.currency)},
            code="amount_above_open",
            field="amount",
        )
    is_gain = item.total_amount < 0
    if reason not in Adjustment.Reason.values or (is_gain and reason not in CREDIT_REASONS):
        raise CashRefused(_("Choisissez un motif qui convient à cette pièce."), field="reason")
    if reason == Adjustment.Reason.LOSS and not note.strip():
        raise CashRefused(
            _("Une perte sur créance se justifie : écrivez pourquoi elle est irrécouvrable."), field="note"
        )
    if item.issue_date > today:
        raise CashRefused(_("Cette pièce est datée du futur."), code="future")
    settings = settings_of(item.legal_entity)
    check_limit(actor=actor, settings=settings, item=item, amount=amount, field="amount")
    application = CashApplication.objects.create(
        legal_entity_id=item.legal_entity_id,
        customer_id=item.customer_id,
        rule=CashApplication.WRITE_OFF,
        applied_on=today,
        applied_by=None if actor is SYSTEM else actor,  # type: ignore[misc]
        applied_at=now,
        is_automatic=actor is SYSTEM,
    )
    counter = post_other(
        like=item,
        number=f"EC-{application.pk}",
        amount=amount if is_gain else -amount,
        day=today,
        reference=item.number,
        now=now,
    )
    debit, credit = (counter, item) if is_gain else (item, counter)
    Allocation.objects.create(
        debit=debit, credit=credit, amount=amount, allocated_on=today, created_at=now, application=application
    )
    debit.open_amount -= amount
    credit.open_amount += amount
    save_open_amounts([debit, credit], now)
    resolve_disputes_of_settled([item], today, now)
    adjustment = Adjustment.objects.create(
        item=counter,
        application=application,
        reason=reason,
        account=account_of(settings, reason, is_gain=is_gain),
        note=note.strip()[:200],
    )
    audit.record(
        actor=actor,
        verb="invoices.item.written_off",
        refs=[application, item, counter, f"customer:{item.customer_id}"],
        now=now,
        number=item.number,
        amount=str(amount),
        currency=item.currency,
        account=adjustment.account,
        note=adjustment.note,
        why=reason,
    )
    refresh([item.customer_id], today)
    return adjustment
