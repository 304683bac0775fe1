"""Suspending the dunning of a customer, resuming it, noting insolvency proceedings."""

from datetime import date, datetime

from django.utils.translation import gettext as _

from core import audit
from core.errors import WrongState
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from customers.models import Customer
from customers.operations.guard import CustomerError, full_clean, locked, written


@operation("customers.hold")
def hold_customer(
    *, actor: Actor, now: datetime, today: date, customer: Customer, reason: str, until: date | None = None
) -> Customer:
    """Suspend the dunning of a customer, up to and including `until` when it is given.

    Raises CustomerError without a reason or with a past day, WrongState unless the customer is active.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise CustomerError(_("Indiquez pourquoi les relances sont suspendues."), field="hold_reason")
    if until is not None and until < today:
        raise CustomerError(
            _("La suspension finirait dans le passé. Choisissez une date à venir ou laissez-la vide."),
            field="hold_until",
        )
    customer = locked(actor, customer)
    check_move(customer, Customer.Status.ON_HOLD)
    customer.status, customer.hold_reason, customer.hold_until = Customer.Status.ON_HOLD, reason, until
    full_clean(customer, only=("hold_reason", "hold_until"))
    customer.save(update_fields=["status", "hold_reason", "hold_until", "updated_at"])
    audit.record(
        actor=actor,
        verb="customers.customer.held",
        refs=[customer],
        now=now,
        reason=reason,
        until=written(until),
    )
    return customer


@operation("customers.hold")
def release_customer(*, actor: Actor, now: datetime, customer: Customer) -> Customer:
    """Resume the dunning of a customer on hold. Raises WrongState when he is not."""
    customer = locked(actor, customer)
    if customer.status != Customer.Status.ON_HOLD:
        # Leaving an insolvency or a closure is another decision than ending a hold.
        raise WrongState(
            _("Les relances de ce client ne sont pas suspendues : il n’y a rien à reprendre."), field="status"
        )
    reason = customer.hold_reason
    customer.status, customer.hold_reason, customer.hold_until = Customer.Status.ACTIVE, "", None
    customer.save(update_fields=["status", "hold_reason", "hold_until", "updated_at"])
    audit.record(actor=actor, verb="customers.customer.released", refs=[customer], now=now, reason=reason)
    return customer


@operation("customers.hold")
def declare_insolvent(
    *, actor: Actor, now: datetime, today: date, customer: Customer, judgment_date: date
) -> Customer:
    """Note the judgment that opens insolvency proceedings: nothing is claimed from then on (C. com. L622-7, L622-21).

    Raises CustomerError for a future judgment, WrongState when the customer is closed or already insolvent.
    """
    if judgment_date > today:
        raise CustomerError(
            _("La date du jugement est à venir. Indiquez la date du jugement d’ouverture."),
            field="insolvency_date",
        )
    customer = locked(actor, customer)
    check_move(customer, Customer.Status.INSOLVENT)
    customer.status, customer.insolvency_date = Customer.Status.INSOLVENT, judgment_date
    customer.hold_reason, customer.hold_until = "", None
    customer.save(update_fields=["status", "insolvency_date", "hold_reason", "hold_until", "updated_at"])
    audit.record(
        actor=actor,
        verb="customers.customer.declared_insolvent",
        refs=[customer],
        now=now,
        judgment_date=judgment_date.isoformat(),
    )
    return customer


@operation("customers.hold")
def change_judgment_date(
    *, actor: Actor, now: datetime, today: date, customer: Customer, judgment_date: date, reason: str
) -> Customer:
    """Put right the date of the judgment of a customer in insolvency proceedings, with the reason.

    Raises CustomerError for a future judgment or without a reason, WrongState when he is in none.
    """
    reason = _reason(reason)
    if judgment_date > today:
        raise CustomerError(
            _("La date du jugement est à venir. Indiquez la date du jugement d’ouverture."),
            field="insolvency_date",
        )
    customer = locked(actor, customer)
    if customer.status != Customer.Status.INSOLVENT:
        raise WrongState(_("Ce client n’est pas en procédure collective."), field="status")
    before = customer.insolvency_date
    if before == judgment_date:
        return customer
    customer.insolvency_date = judgment_date
    customer.save(update_fields=["insolvency_date", "updated_at"])
    audit.record(
        actor=actor,
        verb="customers.customer.judgment_date_changed",
        refs=[customer],
        now=now,
        before=written(before),
        after=judgment_date.isoformat(),
        reason=reason,
    )
    return customer


@operation("customers.hold")
def lift_insolvency(
    *, actor: Actor, now: datetime, customer: Customer, reason: str, was_never: bool = False
) -> Customer:
    """Bring a customer out of insolvency proceedings, with the reason: his account is active again.

    `was_never`: the judgment did not exist or was another company's, so that its date goes too; after a closure it
    stays, for the interest that it stopped. Raises CustomerError without a reason, WrongState when he is in none.
    """
    reason = _reason(reason)
    customer = locked(actor, customer)
    if customer.status != Customer.Status.INSOLVENT:
        raise WrongState(_("Ce client n’est pas en procédure collective."), field="status")
    judgment = customer.insolvency_date
    customer.status = Customer.Status.ACTIVE
    if was_never:
        customer.insolvency_date = None
    customer.save(update_fields=["status", "insolvency_date", "updated_at"])
    audit.record(
        actor=actor,
        verb="customers.customer.insolvency_lifted",
        refs=[customer],
        now=now,
        judgment_date=written(judgment),
        was_never=was_never,
        reason=reason,
    )
    return customer


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not reason:
        raise CustomerError(_("Indiquez le motif : il reste au journal."), field="reason")
    return reason[:200]
