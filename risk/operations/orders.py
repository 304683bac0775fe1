"""Orders and deliveries as the partner's system tells them: facts, recorded whatever the limit is.

Asking before delivering is `credit_checks.ask_credit`. Every writer takes the customer's credit lock first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from core import audit
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from customers.models import Customer
from risk.credit_check import lock_credit
from risk.models import Order, UnbilledDelivery
from risk.operations.order_values import (
    OrderConflict,
    checked_amount,
    checked_currency,
    checked_note,
    checked_reference,
    visible_customer,
)
from risk.operations.pending_amounts import refresh_pending

ENDINGS = (Order.Status.CLOSED, Order.Status.CANCELLED)


@dataclass(frozen=True)
class OrderValues:
    """An order as it stands at the partner's. Without `expires_on` it is firm."""

    amount: Decimal
    currency: str = ""
    ordered_on: date | None = None
    expires_on: date | None = None
    note: str = ""


@dataclass(frozen=True)
class DeliveryValues:
    """A delivery as it stands at the partner's; `order_reference` names its order, if it has one."""

    amount: Decimal
    currency: str = ""
    delivered_on: date | None = None
    order_reference: str = ""


@operation("risk.manage_orders")
def record_order(
    *, actor: Actor, customer: Customer, reference: str, values: OrderValues, today: date, now: datetime
) -> tuple[Order, bool]:
    """Create the order of that number, or bring it up to date; True when it is new. Again the same changes nothing.

    Raises OrderRefused for values, OrderConflict when the number is another customer's or the order waits for a
    person.
    """
    customer = visible_customer(actor, customer)
    reference = checked_reference(reference)
    currency, amount = checked_currency(values.currency, customer), checked_amount(values.amount)
    lock_credit(customer, today)
    order = (
        Order.objects.select_for_update(of=("self",))
        .filter(legal_entity=customer.legal_entity_id, reference=reference)
        .first()
    )
    is_new = order is None
    if order is None:
        order = Order(
            legal_entity_id=customer.legal_entity_id,
            customer=customer,
            reference=reference,
            status=Order.Status.RESERVED,
            currency=currency,
            ordered_on=values.ordered_on or today,
            created_at=now,
        )
    else:
        _check_same(order, customer, currency)
        if order.status == Order.Status.REFERRED:
            raise OrderConflict(
                _("Cette commande attend la décision d’une personne."), code="decision_pending"
            )
    before = _told(order)
    order.amount, order.expires_on = amount, values.expires_on
    order.ordered_on = values.ordered_on or order.ordered_on
    order.released_amount = min(order.released_amount, amount)
    order.note = checked_note(values.note) if values.note else order.note
    if order.status in (*ENDINGS, Order.Status.EXPIRED) and before != _told(order):
        _reopen(order)
    if is_new or before != _told(order):
        order.updated_at = now
        order.save()
        _recorded(actor, order, "risk.order.recorded", today, now)
    return order, is_new


def _reopen(order: Order) -> None:
    if order.status == Order.Status.CLOSED:
        raise OrderConflict(
            _("Cette commande est soldée : donnez un autre numéro à la suite."), code="order_closed"
        )
    order.status, order.settled_at = Order.Status.RESERVED, None


def _told(order: Order) -> tuple[object, ...]:
    return order.amount, order.expires_on, order.ordered_on, order.note


def _check_same(document: Order | UnbilledDelivery, customer: Customer, currency: str) -> None:
    if document.customer_id != customer.pk:
        raise OrderConflict(_("Ce numéro est celui d’un autre client."), code="reference_taken")
    if document.currency != currency:
        raise OrderConflict(
            _("Ce document est en %(currency)s : sa devise ne change pas.") % {"currency": document.currency},
            code="currency_fixed",
            field="currency",
        )


@operation("risk.manage_orders")
def end_order(*, actor: Actor, order: Order, status: str, reason: str, today: date, now: datetime) -> Order:
    """Close the order (what is left will not be delivered) or cancel it: its share of the limit is free at once.

    What was delivered goes on counting until it is billed. Raises WrongState when it is over already.
    """
    lock_credit(order.customer, today)
    order = _locked(actor, order)
    check_move(order, status)
    if status not in ENDINGS or order.status == Order.Status.REFERRED:
        raise OrderConflict(_("Cette commande attend la décision d’une personne."), code="decision_pending")
    order.status, order.note = status, checked_note(reason, required=True)
    order.settled_at, order.updated_at = now, now
    order.save(update_fields=["status", "note", "settled_at", "updated_at"])
    verb = "risk.order.closed" if status == Order.Status.CLOSED else "risk.order.cancelled"
    _recorded(actor, order, verb, today, now, reason=order.note)
    return order


@operation("risk.manage_orders")
def release_order(
    *, actor: Actor, order: Order, amount: Decimal, reason: str, today: date, now: datetime
) -> Order:
    """Give back part of what the order reserves: it will not be delivered, or was billed under another number."""
    lock_credit(order.customer, today)
    order = _locked(actor, order)
    if order.status not in Order.OPEN_STATUSES:
        raise OrderConflict(
            _("Cette commande est « %(state)s » : elle ne réserve plus rien.")
            % {"state": order.get_status_display()},
            code="order_under_way",
        )
    amount = checked_amount(amount)
    if order.released_amount + amount > order.amount:
        raise OrderConflict(
            _("On ne libère pas plus que le montant de la commande."), code="too_much", field="amount"
        )
    order.released_amount, order.updated_at = order.released_amount + amount, now
    order.save(update_fields=["released_amount", "updated_at"])
    _recorded(
        actor, order, "risk.order.released", today, now,
        released=str(amount), reason=checked_note(reason, required=True),
    )  # fmt: skip
    return order


@operation("risk.manage_orders")
def record_delivery(
    *, actor: Actor, customer: Customer, reference: str, values: DeliveryValues, today: date, now: datetime
) -> tuple[UnbilledDelivery, bool]:
    """Create the delivery of that number, or bring it up to date; True when it is new. It takes from its order."""
    customer = visible_customer(actor, customer)
    reference = checked_reference(reference)
    currency, amount = checked_currency(values.currency, customer), checked_amount(values.amount)
    lock_credit(customer, today)
    order = _order_of(customer, values.order_reference or reference, currency, bool(values.order_reference))
    delivery = (
        UnbilledDelivery.objects.select_for_update(of=("self",))
        .filter(legal_entity=customer.legal_entity_id, reference=reference)
        .first()
    )
    is_new = delivery is None
    if delivery is None:
        delivery = UnbilledDelivery(
            legal_entity_id=customer.legal_entity_id,
            customer=customer,
            reference=reference,
            currency=currency,
            delivered_on=values.delivered_on or today,
            created_at=now,
        )
    else:
        _check_same(delivery, customer, currency)
    before = (delivery.amount, delivery.order_id, delivery.delivered_on, delivery.status)
    delivery.amount = amount
    delivery.order = order or delivery.order
    delivery.delivered_on = values.delivered_on or delivery.delivered_on
    if delivery.status == UnbilledDelivery.Status.CANCELLED:
        delivery.status, delivery.settled_at = UnbilledDelivery.Status.OPEN, None
    if is_new or before != (delivery.amount, delivery.order_id, delivery.delivered_on, delivery.status):
        delivery.updated_at = now
        delivery.save()
        _follow(delivery.order, now)
        _recorded(actor, delivery, "risk.delivery.recorded", today, now)
    return delivery, is_new


@operation("risk.manage_orders")
def end_delivery(
    *, actor: Actor, delivery: UnbilledDelivery, status: str, reason: str, today: date, now: datetime
) -> UnbilledDelivery:
    """Say by hand that a delivery is billed (under another number) or cancelled. Raises WrongState if it is over."""
    lock_credit(delivery.customer, today)
    found = UnbilledDelivery.objects.select_for_update(of=("self",)).select_related("customer", "order")
    delivery = found.filter(customer__in=Customer.objects.visible_to(actor)).get(pk=delivery.pk)
    check_move(delivery, status)
    note = checked_note(reason, required=True)
    delivery.status, delivery.settled_at, delivery.updated_at = status, now, now
    delivery.save(update_fields=["status", "settled_at", "updated_at"])
    _follow(delivery.order, now)
    is_billed = status == UnbilledDelivery.Status.BILLED
    verb = "risk.delivery.billed" if is_billed else "risk.delivery.cancelled"
    _recorded(actor, delivery, verb, today, now, reason=note)
    return delivery


def _locked(actor: Actor, order: Order) -> Order:
    rows = Order.objects.select_for_update(of=("self",)).select_related("customer")
    return rows.filter(customer__in=Customer.objects.visible_to(actor)).get(pk=order.pk)


def _order_of(customer: Customer, reference: str, currency: str, is_named: bool) -> Order | None:
    """The order of a delivery. A delivery that bears an order's own number is of that order, unless told."""
    order = (
        Order.objects.select_for_update(of=("self",))
        .filter(legal_entity=customer.legal_entity_id, reference=reference)
        .first()
    )
    if order is None:
        if is_named:
            raise OrderConflict(
                _("Aucune commande ne porte ce numéro : enregistrez-la d’abord."),
                code="order_unknown",
                field="order",
            )
        return None
    _check_same(order, customer, currency)
    return order


def _follow(order: Order | None, now: datetime) -> None:
    """Bring the order's state to what has been delivered of it."""
    if order is None or order.status not in Order.OPEN_STATUSES:
        return
    gone: Iterable[Decimal] = order.deliveries.exclude(status=UnbilledDelivery.Status.CANCELLED).values_list(
        "amount", flat=True
    )
    delivered = sum(gone, Decimal(0))
    if delivered == 0:
        status = Order.Status.RESERVED
    elif delivered < order.amount - order.released_amount:
        status = Order.Status.PART_DELIVERED
    else:
        status = Order.Status.DELIVERED
    if status != order.status:
        order.status, order.updated_at = status, now
        order.save(update_fields=["status", "updated_at"])


def _recorded(
    actor: Actor, document: Order | UnbilledDelivery, verb: str, today: date, now: datetime, **more: str
) -> None:
    refresh_pending([document.customer_id], today)
    audit.record(
        actor=actor,
        verb=verb,
        refs=[document.customer, document],
        now=now,
        reference=document.reference,
        amount=str(document.amount),
        currency=document.currency,
        **more,
    )
