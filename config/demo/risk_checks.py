"""Orders, answers and holds of the demo: from the customers' codes and the seed, always the same."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from core.models import User
from core.rights import SYSTEM
from customers.models import Customer
from risk.models import CreditHold, CreditLimit
from risk.operations.credit_checks import ask_credit
from risk.operations.hold_sweeps import sweep_holds
from risk.operations.holds import place_hold, release_hold
from risk.operations.orders import DeliveryValues, OrderValues, record_delivery, record_order

# Enough for every page to have something to show.
ORDERS = 40
ASKED = 12


def add_orders_and_holds(*, actor: User, as_of: date, seed: int, now: datetime) -> int:
    """Firm orders, some delivered in part, questions answered, and the holds of the night. Returns the orders."""
    limits = list(
        CreditLimit.objects.in_force(as_of)
        .filter(amount__gt=0, customer__status=Customer.Status.ACTIVE)
        .select_related("customer")
        .order_by("pk")[: ORDERS + ASKED]
    )
    rng = Random(f"{seed}:orders")
    for number, limit in enumerate(limits[:ORDERS], start=1):
        reference = f"CDE-{as_of:%y}{number:04}"
        amount = (limit.amount * Decimal(rng.randint(4, 25)) / 100).quantize(Decimal("0.01"))
        when = {"today": as_of, "now": now}
        record_order(
            actor=SYSTEM,
            customer=limit.customer,
            reference=reference,
            values=OrderValues(amount, limit.currency, as_of - timedelta(days=rng.randint(0, 20))),
            **when,  # type: ignore[arg-type]
        )
        if rng.random() < 0.4:
            part = (amount * Decimal(rng.choice((30, 50, 100))) / 100).quantize(Decimal("0.01"))
            record_delivery(
                actor=SYSTEM,
                customer=limit.customer,
                reference=f"BL-{as_of:%y}{number:04}",
                values=DeliveryValues(part, limit.currency, as_of - timedelta(days=1), reference),
                **when,  # type: ignore[arg-type]
            )
    for number, limit in enumerate(limits[ORDERS:], start=1):
        ask_credit(
            actor=SYSTEM,
            customer=limit.customer,
            amount=(limit.amount * Decimal(rng.choice((10, 40, 95, 105, 180))) / 100).quantize(
                Decimal("0.01")
            ),
            currency=limit.currency,
            reference=f"WEB-{number:04}",
            reserves=True,
            today=as_of,
            now=now,
        )
    sweep_holds(actor=SYSTEM, today=as_of, now=now)
    _decided_holds(actor, limits, as_of, now)
    return len(limits[:ORDERS])


def _decided_holds(actor: User, limits: list[CreditLimit], as_of: date, now: datetime) -> None:
    """One hold by decision; and of the night's, one that lets a delivery pass."""
    if limits:
        place_hold(
            actor=actor,
            customer=limits[-1].customer,
            reason="Chèque revenu impayé ; attendre le virement annoncé",
            today=as_of,
            now=now,
        )
    hold = CreditHold.objects.filter(kind=CreditHold.Kind.OVERDUE).order_by("pk").first()
    if hold is not None:
        release_hold(
            actor=actor,
            hold_id=hold.pk,
            reason="Échéancier signé : une livraison par semaine",
            until=as_of + timedelta(days=21),
            amount=Decimal(5_000),
            today=as_of,
            now=now,
        )
