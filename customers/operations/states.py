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
