"""What is left of orders and deliveries, as `risk_pending()` says: one row per order, and per delivery without one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection

from risk.exposure_rules import Components
from risk.models import Order

_DOCUMENTS = """
SELECT customer_id, currency, order_id, delivery_id, delivered_amount, billed_amount, unbilled_amount, reserved_amount
FROM risk_pending(%s::bigint[], %s)
ORDER BY order_id, delivery_id
"""


@dataclass(frozen=True)
class PendingDocument:
    """An order (`delivery_id` None), or a delivery without an order. `reserved_amount` still takes from the limit."""

    customer_id: int
    currency: str
    order_id: int | None
    delivery_id: int | None
    delivered_amount: Decimal
    billed_amount: Decimal
    unbilled_amount: Decimal
    reserved_amount: Decimal


def pending_documents(customer_ids: Sequence[int], today: date) -> list[PendingDocument]:
    """What these customers still have to be delivered or billed. One query."""
    if not customer_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_DOCUMENTS, [list(customer_ids), today])
        return [PendingDocument(*row) for row in cursor.fetchall()]


def reserved_of(order: Order, today: date) -> Components:
    """What one order takes of the limit at this moment."""
    found = [row for row in pending_documents([order.customer_id], today) if row.order_id == order.pk]
    return Components(order.currency, orders_amount=sum((row.reserved_amount for row in found), Decimal(0)))
