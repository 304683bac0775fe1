"""What orders and deliveries weigh, kept per customer for the lists. Called by the operations that move them."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.db import connection

from customers.models import Customer
from risk.models import RiskSettings

_REFRESH = """
WITH fresh AS (
    SELECT pending.customer_id, pending.currency, sum(unbilled_amount) AS deliveries, sum(reserved_amount) AS orders,
           sum(CASE WHEN coalesce(chosen.counts_deliveries, true) THEN unbilled_amount ELSE 0 END)
           + sum(CASE WHEN coalesce(chosen.counts_orders, true) THEN reserved_amount ELSE 0 END) AS counted
    FROM risk_pending(%(ids)s::bigint[], %(today)s) pending
    JOIN customers_customer customer ON customer.id = pending.customer_id
    LEFT JOIN risk_risksettings chosen ON chosen.legal_entity_id = customer.legal_entity_id
    GROUP BY pending.customer_id, pending.currency
    HAVING sum(unbilled_amount) > 0 OR sum(reserved_amount) > 0
), gone AS (
    DELETE FROM risk_pendingamount held
    WHERE held.customer_id = ANY(%(ids)s)
      AND NOT EXISTS (
          SELECT FROM fresh WHERE fresh.customer_id = held.customer_id AND fresh.currency = held.currency
      )
)
INSERT INTO risk_pendingamount AS held (customer_id, currency, deliveries_amount, orders_amount, counted_amount)
SELECT customer_id, currency, deliveries, orders, counted FROM fresh
ORDER BY customer_id, currency
ON CONFLICT (customer_id, currency) DO UPDATE
SET deliveries_amount = excluded.deliveries_amount, orders_amount = excluded.orders_amount,
    counted_amount = excluded.counted_amount
WHERE (held.deliveries_amount, held.orders_amount, held.counted_amount)
    IS DISTINCT FROM (excluded.deliveries_amount, excluded.orders_amount, excluded.counted_amount)
"""
_ADD = """
INSERT INTO risk_pendingamount AS held (customer_id, currency, deliveries_amount, orders_amount, counted_amount)
VALUES (%(customer)s, %(currency)s, 0, %(amount)s, %(counted)s)
ON CONFLICT (customer_id, currency) DO UPDATE
SET orders_amount = held.orders_amount + excluded.orders_amount,
    counted_amount = held.counted_amount + excluded.counted_amount
"""


def refresh_pending(customer_ids: Sequence[int], today: date) -> None:
    """Write again what the orders and deliveries of these customers weigh."""
    with connection.cursor() as cursor:
        cursor.execute(_REFRESH, {"ids": list(customer_ids), "today": today})


def add_reserved(customer: Customer, amount: Decimal, currency: str, settings: RiskSettings) -> None:
    """Count a new reservation, without reading the customer's other orders again."""
    values = {
        "customer": customer.pk,
        "currency": currency,
        "amount": amount,
        "counted": amount if settings.counts_orders else Decimal(0),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ADD, values)
