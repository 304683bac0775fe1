"""Credit holds: placed by a person or by the nightly sweep, released under conditions or ended, never deleted."""

from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.models import User
from core.money import format_amount
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from customers.models import Customer
from risk.models import CreditHold
from risk.operations.order_values import OrderRefused, checked_amount, checked_currency, checked_note

Status = CreditHold.Status


class HoldRefused(BusinessError):
    """The hold cannot be placed, released or ended so; `field` names the input at fault."""

    code = "hold_refused"


@operation("risk.place_hold")
def place_hold(*, actor: Actor, customer: Customer, reason: str, today: date, now: datetime) -> CreditHold:
    """Stop deliveries to a customer by decision, from now on. Raises HoldRefused: no reason, one stands already."""
    held = _locked_customer(actor, customer)
    reason = _reason(reason)
    standing = CreditHold.objects.filter(customer=held, kind=CreditHold.Kind.MANUAL).exclude(
        status=Status.ENDED
    )
    if standing.exists():
        raise HoldRefused(
            _("Ce client est déjà bloqué par décision : modifiez ou levez ce blocage."), code="held_already"
        )
    hold = CreditHold.objects.create(
        customer=held,
        kind=CreditHold.Kind.MANUAL,
        status=Status.ACTIVE,
        reason=reason,
        placed_on=today,
        placed_at=now,
        placed_by=actor if isinstance(actor, User) else None,
        updated_at=now,
    )
    _record(actor, "risk.hold.placed", hold, now, kind=hold.kind, reason=reason)
    return hold


@operation("risk.release_hold")
def release_hold(
    *,
    actor: Actor,
    hold_id: int,
    reason: str,
    today: date,
    now: datetime,
    until: date | None = None,
    amount: Decimal | None = None,
    currency: str = "",
) -> CreditHold:
    """Let deliveries pass in spite of a hold: until a day (included), or for so much in all, or both.

    Past either, the hold is in force again by itself. Raises HoldRefused: no reason, neither bound, a day already
    past, ended meanwhile.
    """
    hold = _locked(actor, hold_id)
    reason = _reason(reason)
    if hold.status == Status.ENDED:
        check_move(hold, Status.RELEASED)
    if until is None and amount is None:
        raise HoldRefused(
            _(
                "Bornez la levée : une date, un montant, ou les deux. Sans borne, levez le blocage tout à fait."
            ),
            field="until",
        )
    if until is not None and until < today:
        raise HoldRefused(_("Cette date est passée."), field="until")
    try:
        if amount is not None:
            amount = checked_amount(amount)
        currency = checked_currency(currency, hold.customer) if amount is not None else ""
    except OrderRefused as error:
        raise HoldRefused(error.message, field=error.field) from None
    hold.status, hold.release_until, hold.release_amount = Status.RELEASED, until, amount
    hold.release_currency, hold.release_used_amount, hold.release_reason = currency, Decimal(0), reason
    hold.released_by_id, hold.released_at, hold.updated_at = actor.pk, now, now
    hold.save()
    _record(
        actor, "risk.hold.released", hold, now,
        kind=hold.kind, reason=reason, until=until.isoformat() if until else "",
        amount=str(amount) if amount is not None else "", currency=currency,
        name=format_amount(amount, currency) if amount is not None else "",
    )  # fmt: skip
    return hold


@operation("risk.release_hold")
def restore_hold(*, actor: Actor, hold_id: int, reason: str, today: date, now: datetime) -> CreditHold:
    """Take a release back: deliveries stop again."""
    hold = _locked(actor, hold_id)
    reason = _reason(reason)
    check_move(hold, Status.ACTIVE)
    hold.status, hold.release_until, hold.release_amount, hold.updated_at = Status.ACTIVE, None, None, now
    hold.save()
    _record(actor, "risk.hold.restored", hold, now, kind=hold.kind, reason=reason)
    return hold


@operation("risk.release_hold")
def end_hold(*, actor: Actor, hold_id: int, reason: str, today: date, now: datetime) -> CreditHold:
    """End a hold for good. One whose cause is still there comes back with the next nightly sweep."""
    hold = _locked(actor, hold_id)
    reason = _reason(reason)
    check_move(hold, Status.ENDED)
    hold.status, hold.ended_on, hold.release_reason = Status.ENDED, today, reason
    hold.released_by_id, hold.released_at, hold.updated_at = actor.pk, now, now
    hold.save()
    _record(actor, "risk.hold.ended", hold, now, kind=hold.kind, reason=reason)
    return hold


def _locked_customer(actor: Actor, customer: Customer) -> Customer:
    held = (
        Customer.objects.visible_to(actor)
        .select_for_update(of=("self",), no_key=True)
        .filter(pk=customer.pk)
        .first()
    )
    if held is None:
        raise HoldRefused(_("Ce client n’existe pas dans votre périmètre."), code="customer_unknown")
    return held


def _locked(actor: Actor, hold_id: int) -> CreditHold:
    hold = (
        CreditHold.objects.select_for_update(of=("self",))
        .select_related("customer")
        .filter(pk=hold_id, customer__in=Customer.objects.visible_to(actor))
        .first()
    )
    if hold is None:
        raise HoldRefused(_("Ce blocage n’existe pas dans votre périmètre."), code="hold_unknown")
    return hold


def _reason(reason: str) -> str:
    try:
        return checked_note(reason, required=True)
    except OrderRefused as error:
        raise HoldRefused(error.message, field="reason") from None


def _record(actor: Actor, verb: str, hold: CreditHold, now: datetime, **data: str) -> None:
    audit.record(actor=actor, verb=verb, refs=[hold.customer, hold], now=now, **data)
