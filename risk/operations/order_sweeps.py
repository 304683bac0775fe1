"""What invoices and time do to orders and deliveries: billed, expired, given back. Set-based."""

from datetime import date, datetime, timedelta

from django.db import connection

from core.operation import operation
from core.rights import Actor
from invoices.models import ImportBatch
from risk.operations.pending_amounts import refresh_pending

# Those that something may have happened to: what is open, and what a batch taken back may give back.
_CUSTOMERS = """
SELECT customer_id FROM risk_order
WHERE status IN ('RESERVED', 'PART_DELIVERED', 'DELIVERED') OR (status = 'BILLED' AND settled_at >= %(since)s)
UNION
SELECT customer_id FROM risk_unbilleddelivery
WHERE status = 'OPEN' OR (status = 'BILLED' AND settled_at >= %(since)s)
UNION
SELECT customer_id FROM risk_pendingamount
ORDER BY customer_id
"""
_CHANGES = """
CREATE TEMP TABLE order_change ON COMMIT DROP AS
WITH part AS (
    SELECT * FROM risk_pending(%(ids)s::bigint[], %(today)s)
)
SELECT o.id, o.customer_id, o.reference, o.status AS before,
       CASE WHEN part.reserved_amount = 0 AND part.unbilled_amount = 0
                  AND (part.billed_amount > 0 OR part.delivered_amount > 0) THEN 'BILLED'
            WHEN o.status = 'RESERVED' AND o.expires_on < %(today)s THEN 'EXPIRED'
            WHEN part.delivered_amount = 0 THEN 'RESERVED'
            WHEN part.delivered_amount < o.amount - o.released_amount THEN 'PART_DELIVERED'
            ELSE 'DELIVERED' END AS after
FROM part JOIN risk_order o ON o.id = part.order_id
WHERE o.status IN ('RESERVED', 'PART_DELIVERED', 'DELIVERED')
ORDER BY o.id
FOR UPDATE OF o
"""
_MOVE_ORDERS = """
UPDATE risk_order o
SET status = change.after, updated_at = %(now)s,
    settled_at = CASE WHEN change.after IN ('BILLED', 'EXPIRED') THEN %(now)s::timestamptz END
FROM order_change change
WHERE change.id = o.id AND change.after <> o.status
"""
# A delivery of an order is billed once the invoices have taken its order's deliveries whole.
_MOVE_DELIVERIES = """
UPDATE risk_unbilleddelivery d
SET status = 'BILLED', settled_at = %(now)s, updated_at = %(now)s
FROM risk_pending(%(ids)s::bigint[], %(today)s) part
WHERE d.status = 'OPEN' AND part.unbilled_amount = 0 AND part.billed_amount > 0
  AND ((d.order_id IS NOT NULL AND part.order_id = d.order_id) OR part.delivery_id = d.id)
"""
# What was billed by invoices that are not there any more: it waits for its invoice again.
_GIVE_BACK = """
WITH back AS (
    SELECT o.id, o.settled_at
    FROM risk_order o
    WHERE o.status = 'BILLED' AND o.settled_at >= %(since)s
      AND NOT EXISTS (
          SELECT FROM invoices_openitem i
          WHERE i.customer_id = o.customer_id AND i.issue_date >= o.ordered_on AND i.currency = o.currency
            AND i.kind IN ('INVOICE', 'DEPOSIT')
            AND (i.reference = o.reference OR i.reference IN (
                SELECT d.reference FROM risk_unbilleddelivery d WHERE d.order_id = o.id
            ))
      )
      -- A person said that it was billed.
      AND NOT EXISTS (
          SELECT FROM risk_unbilleddelivery d
          WHERE d.order_id = o.id AND d.status = 'BILLED' AND d.settled_at <> o.settled_at
      )
    FOR UPDATE
), deliveries AS (
    UPDATE risk_unbilleddelivery d
    SET status = 'OPEN', settled_at = NULL, updated_at = %(now)s
    FROM back
    WHERE d.order_id = back.id AND d.status = 'BILLED' AND d.settled_at = back.settled_at
)
UPDATE risk_order o
SET status = 'RESERVED', settled_at = NULL, updated_at = %(now)s
FROM back
WHERE o.id = back.id
"""
_TELL = """
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor_id)s, %(actor_name)s,
       CASE after WHEN 'BILLED' THEN 'risk.order.billed' ELSE 'risk.order.expired' END,
       ARRAY['customer:' || customer_id, 'order:' || id], jsonb_build_object('reference', reference)
FROM order_change
WHERE after <> before AND after IN ('BILLED', 'EXPIRED')
ORDER BY id
"""


@operation("risk.manage_orders")
def settle_orders(*, actor: Actor, today: date, now: datetime) -> dict[str, int]:
    """Move every order and delivery to where invoices and days have brought it; how many were moved, by state."""
    since = now - timedelta(days=ImportBatch.UNDO_DAYS)
    params = {
        "today": today,
        "now": now,
        "since": since,
        "actor_id": actor.pk,
        "actor_name": str(actor)[:120],
    }
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK, params)
        given_back = cursor.rowcount
        cursor.execute(_CUSTOMERS, params)
        params["ids"] = ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return {}
        cursor.execute(_CHANGES, params)
        cursor.execute(_MOVE_DELIVERIES, params)
        deliveries = cursor.rowcount
        cursor.execute(_MOVE_ORDERS, params)
        cursor.execute(_TELL, params)
        cursor.execute("SELECT after, count(*) FROM order_change WHERE after <> before GROUP BY after")
        moved = {str(status): int(count) for status, count in cursor.fetchall()}
        cursor.execute("DROP TABLE order_change")
    refresh_pending(ids, today)
    counts = {"deliveries_billed": deliveries, "given_back": given_back}
    return {name: count for name, count in {**moved, **counts}.items() if count}
