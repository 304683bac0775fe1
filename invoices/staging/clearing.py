"""What a batch settles: items that a full snapshot no longer shows, and what a file says is less open than here.

Each item concerned gets a target, what must stay open of it. What lies above is settled all at once: per customer
and currency debits against credits, oldest first, by cumulated intervals; the rest against one counter-item.
"""

from datetime import date, datetime
from typing import Any

from django.db import connection

from invoices.staging.author import Author
from invoices.staging.verdict import SETTLEMENTS

# A table of its own, analysed: what the planner knows of a batch just staged would mislead it. A settled group says
# of its items what their absence does.
_PRESENT = """
DROP TABLE IF EXISTS import_present;
CREATE TEMPORARY TABLE import_present ON COMMIT DROP AS
SELECT DISTINCT r.number, r.instalment FROM invoices_importrow r
WHERE r.batch_id = %(batch)s AND r.number IS NOT NULL
    AND (r.outcome <> 'SKIPPED' OR r.details ->> 'skipped' <> 'settled_group');
ANALYZE import_present
"""

# What is booked here and was never exported is no news for the source: its absence proves nothing.
_ABSENT = """
SELECT o.id, o.open_amount
FROM invoices_openitem o
LEFT JOIN invoices_openitem root ON root.id = o.corrects_id
WHERE o.legal_entity_id = %(entity)s AND o.open_amount <> 0 AND o.issue_date <= %(as_of)s
    AND NOT EXISTS (SELECT FROM import_present r WHERE r.number = o.number AND r.instalment = o.instalment)
    AND NOT (root.id IS NOT NULL AND EXISTS (
        SELECT FROM import_present r WHERE r.number = root.number AND r.instalment = root.instalment
    ))
    AND NOT EXISTS (SELECT FROM invoices_receipt p WHERE p.item_id = o.id AND p.export_id IS NULL)
    AND NOT EXISTS (SELECT FROM invoices_adjustment p WHERE p.item_id = o.id AND p.export_id IS NULL)
"""
_FIND = f"INSERT INTO invoices_importclearing (batch_id, item_id, open_amount) SELECT %(batch)s, id, open_amount FROM ({_ABSENT}) absent ORDER BY id"
_FIND_AGAIN = f"""
DROP TABLE IF EXISTS import_absent;
CREATE TEMPORARY TABLE import_absent ON COMMIT DROP AS {_ABSENT}
"""
_MORE = """
SELECT count(*) FROM import_absent a
LEFT JOIN invoices_importclearing c ON c.batch_id = %(batch)s AND c.item_id = a.id
WHERE c.id IS NULL OR abs(a.open_amount) > abs(c.open_amount)
"""
_REPLACE = """
DELETE FROM invoices_importclearing WHERE batch_id = %(batch)s;
INSERT INTO invoices_importclearing (batch_id, item_id, open_amount)
SELECT %(batch)s, id, open_amount FROM import_absent ORDER BY id
"""

_TABLES = """
DROP TABLE IF EXISTS import_stated, import_target, import_settle;
CREATE TEMPORARY TABLE import_stated ON COMMIT DROP AS
SELECT o.id AS item_id, coalesce((
        SELECT (e ->> 'after')::numeric FROM jsonb_array_elements(r.changes) e WHERE e ->> 'column' = 'open_amount'
    ), r.open_amount) AS open
FROM invoices_importrow r
JOIN invoices_openitem o
    ON o.legal_entity_id = %(entity)s AND o.number = r.number AND o.instalment = r.instalment
WHERE r.batch_id = %(batch)s AND (
    (r.outcome = 'NEW' AND r.open_amount <> r.total_amount)
    OR (r.outcome = 'CHANGED' AND r.changes @> '[{"column": "open_amount"}]')
);
CREATE TEMPORARY TABLE import_target (item_id bigint PRIMARY KEY, open numeric(14,2)) ON COMMIT DROP;
CREATE TEMPORARY TABLE import_settle (
    item_id bigint, customer_id bigint, currency text, is_debit boolean, amount numeric(14,2), issue_date date, day date
) ON COMMIT DROP;
ANALYZE import_stated
"""

# Open again: every settlement by earlier batches ends, and what it had settled beside is settled anew below.
_REOPEN = f"""
WITH wanted AS (
    SELECT o.id
    FROM import_stated t
    JOIN invoices_openitem o ON o.id = t.item_id
    LEFT JOIN LATERAL (
        SELECT sum(c.open_amount) AS open FROM invoices_openitem c WHERE c.corrects_id = o.id
    ) k ON true
    WHERE abs(t.open) > greatest(sign(t.open) * (o.open_amount + coalesce(k.open, 0)), 0)
), ended AS (
    SELECT z.id, z.debit_id, z.credit_id, z.amount, greatest(z.allocated_on, %(as_of)s) AS day
    FROM (SELECT DISTINCT a.id, a.debit_id, a.credit_id, a.amount, a.allocated_on
        FROM wanted JOIN invoices_openitem o ON o.id = wanted.id
        CROSS JOIN LATERAL ({SETTLEMENTS}) a
        WHERE a.import_batch_id <> %(batch)s) z
), targets AS (
    INSERT INTO import_target
    SELECT DISTINCT i.id, i.open_amount FROM ended JOIN invoices_openitem i ON i.id IN (ended.debit_id, ended.credit_id)
    ON CONFLICT DO NOTHING
), effects AS (
    INSERT INTO invoices_importeffect (batch_id, document, object_id, before, after)
    SELECT %(batch)s, 'ALLOCATION', id, '{{"reversed_on": null, "reversal_reason": ""}}'::jsonb,
        jsonb_build_object('reversed_on', day, 'reversal_reason', %(reason)s::text,
            'last_allocation', (SELECT max(id) FROM invoices_allocation))
    FROM ended
), reversed AS (
    UPDATE invoices_allocation a SET reversed_on = ended.day, reversal_reason = %(reason)s
    FROM ended WHERE ended.id = a.id
), moved AS (
    SELECT id, sum(change) AS change FROM (
        SELECT debit_id AS id, amount AS change FROM ended UNION ALL SELECT credit_id, -amount FROM ended
    ) sides GROUP BY id
)
UPDATE invoices_openitem i SET open_amount = i.open_amount + moved.change, updated_at = %(now)s
FROM moved WHERE moved.id = i.id
"""

# The stated amount lies on the item first, then on the documents that correct it; what is on the other side goes.
_TARGETS = """
INSERT INTO import_target
SELECT id, CASE WHEN sign(open_amount) <> sign(stated) THEN 0
    ELSE sign(stated) * greatest(0, least(abs(open_amount), abs(stated) - coalesce(before, 0))) END
FROM (
    SELECT m.id, m.open_amount, t.open AS stated,
        sum(CASE WHEN sign(m.open_amount) = sign(t.open) THEN abs(m.open_amount) ELSE 0 END) OVER (
            PARTITION BY t.item_id ORDER BY m.corrects_id NULLS FIRST, m.id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS before
    FROM import_stated t
    CROSS JOIN LATERAL (
        SELECT i.id, i.open_amount, i.corrects_id FROM invoices_openitem i WHERE i.id = t.item_id
        UNION ALL
        SELECT i.id, i.open_amount, i.corrects_id FROM invoices_openitem i WHERE i.corrects_id = t.item_id
    ) m
) members
ON CONFLICT (item_id) DO UPDATE SET open = excluded.open;
INSERT INTO import_target
SELECT item_id, 0 FROM invoices_importclearing WHERE batch_id = %(batch)s
ON CONFLICT (item_id) DO UPDATE SET open = 0;
ANALYZE import_target
"""

# No allocation before the day of the file, before its items, or while one that was reversed since still held.
_POOL = """
INSERT INTO import_settle
SELECT o.id, o.customer_id, o.currency, o.open_amount > 0, abs(o.open_amount) - abs(t.open),
    o.issue_date, greatest(%(as_of)s, o.issue_date, (
        SELECT max(a.reversed_on) FROM invoices_allocation a
        WHERE a.reversed_on IS NOT NULL AND (a.debit_id = o.id OR a.credit_id = o.id)
    ))
FROM import_target t JOIN invoices_openitem o ON o.id = t.item_id
WHERE abs(o.open_amount) > abs(t.open)
"""
_COUNTER_ITEMS = """
WITH rest AS (
    SELECT customer_id, currency, sum(CASE WHEN is_debit THEN amount ELSE -amount END) AS amount
    FROM import_settle GROUP BY 1, 2
    HAVING sum(CASE WHEN is_debit THEN amount ELSE -amount END) <> 0
), posted AS (
    INSERT INTO invoices_openitem (
        legal_entity_id, customer_id, kind, number, instalment, issue_date, due_date, currency, total_amount,
        open_amount, disputed_amount, reference, is_factored, import_batch_id, posted_at, updated_at
    )
    SELECT %(entity)s, c.id, 'OTHER',
        'SOLDE-' || %(batch)s || '-' || CASE WHEN length('SOLDE-' || %(batch)s || '-' || c.account_code) <= 40
            THEN c.account_code ELSE 'K' || c.id END,
        row_number() OVER (PARTITION BY c.id ORDER BY rest.currency), %(as_of)s, %(as_of)s, rest.currency,
        -rest.amount, -rest.amount, 0, '', false, %(batch)s, %(now)s, %(now)s
    FROM rest JOIN customers_customer c ON c.id = rest.customer_id
    RETURNING id, customer_id, currency, total_amount
)
INSERT INTO import_settle
SELECT id, customer_id, currency, total_amount > 0, abs(total_amount), %(as_of)s, %(as_of)s FROM posted
"""

# Both sides of a customer and currency laid end to end: where their intervals overlap, one settles the other.
_ALLOCATE = """
WITH laid AS (
    SELECT item_id, customer_id, currency, is_debit, day, sum(amount) OVER (
        PARTITION BY customer_id, currency, is_debit ORDER BY issue_date, item_id) AS until
    FROM import_settle
), marks AS (
    SELECT customer_id, currency, until, max(item_id) FILTER (WHERE is_debit) AS debit_id,
        max(item_id) FILTER (WHERE NOT is_debit) AS credit_id, max(day) FILTER (WHERE is_debit) AS debit_day,
        max(day) FILTER (WHERE NOT is_debit) AS credit_day
    FROM laid GROUP BY 1, 2, 3
), runs AS (
    SELECT *, until - lag(until, 1, 0) OVER w AS amount,
        count(debit_id) OVER back AS debit_run, count(credit_id) OVER back AS credit_run
    FROM marks
    WINDOW w AS (PARTITION BY customer_id, currency ORDER BY until),
        back AS (PARTITION BY customer_id, currency ORDER BY until DESC)
)
INSERT INTO invoices_allocation
    (debit_id, credit_id, amount, allocated_on, reversal_reason, created_at, import_batch_id)
SELECT max(debit_id) OVER d, max(credit_id) OVER c, amount,
    greatest(max(debit_day) OVER d, max(credit_day) OVER c), '', %(now)s, %(batch)s
FROM runs
WINDOW d AS (PARTITION BY customer_id, currency, debit_run),
    c AS (PARTITION BY customer_id, currency, credit_run)
"""
_MOVE = """
UPDATE invoices_openitem o SET
    open_amount = o.open_amount - CASE WHEN s.is_debit THEN s.amount ELSE -s.amount END, updated_at = %(now)s
FROM import_settle s WHERE s.item_id = o.id
"""

# A settled item has nothing left to dispute.
_RESOLVE_DISPUTES = """
WITH settled AS (
    SELECT o.id, o.disputed_amount FROM import_settle s JOIN invoices_openitem o ON o.id = s.item_id
    WHERE o.open_amount = 0 AND o.disputed_amount > 0
), ended AS (
    UPDATE invoices_dispute d SET resolved_on = %(today)s, resolution = 'PAID'
    FROM settled WHERE d.item_id = settled.id AND d.resolved_on IS NULL AND d.opened_on <= %(today)s
    RETURNING d.id
), kept AS (
    INSERT INTO invoices_importeffect (batch_id, document, object_id, before, after)
    SELECT %(batch)s, 'DISPUTE', id, '{"resolved_on": null, "resolution": ""}'::jsonb,
        jsonb_build_object('resolved_on', %(today)s::date, 'resolution', 'PAID')
    FROM ended
), items AS (
    INSERT INTO invoices_importeffect (batch_id, document, object_id, before, after)
    SELECT %(batch)s, 'ITEM', id, jsonb_build_object('disputed_amount', disputed_amount::text),
        '{"disputed_amount": "0.00"}'::jsonb
    FROM settled
    ON CONFLICT (batch_id, document, object_id) DO UPDATE SET
        before = invoices_importeffect.before || excluded.before,
        after = invoices_importeffect.after || excluded.after
)
UPDATE invoices_openitem o SET disputed_amount = 0, updated_at = %(now)s
FROM settled WHERE settled.id = o.id
"""

_AUDIT = """
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor)s, %(actor_name)s, 'invoices.items.settled_by_batch',
    ARRAY['customer:' || customer_id, %(batch_ref)s],
    jsonb_build_object('count', count(*), 'currency', currency,
        'amount', sum(CASE WHEN is_debit THEN amount ELSE -amount END)::text)
FROM import_settle s
WHERE NOT EXISTS (
    SELECT FROM invoices_openitem o
    WHERE o.id = s.item_id AND o.import_batch_id = %(batch)s AND o.number LIKE 'SOLDE-%%'
)
GROUP BY customer_id, currency
ORDER BY customer_id, currency
"""


def find_clearings(*, batch_id: int, entity_id: int, as_of: date) -> int:
    """Keep which open items of the entity a full snapshot does not show; how many there are."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        cursor.execute(_PRESENT, {"batch": batch_id})
        cursor.execute(_FIND, {"batch": batch_id, "entity": entity_id, "as_of": as_of})
        return int(cursor.rowcount)


def find_clearings_again(*, batch_id: int, entity_id: int, as_of: date) -> int:
    """The same on the ledger as it is now; how many items are cleared that nobody saw, or further than was seen."""
    values: dict[str, Any] = {"batch": batch_id, "entity": entity_id, "as_of": as_of}
    with connection.cursor() as cursor:
        cursor.execute(_PRESENT, values)
        cursor.execute(_FIND_AGAIN, values)
        cursor.execute("ANALYZE import_absent")
        cursor.execute(_MORE, values)
        more = int(cursor.fetchone()[0])
        cursor.execute(_REPLACE, values)
    return more


def settle(author: Author, *, as_of: date, reason: str, today: date, now: datetime) -> int:
    """Settle what the batch says is settled, after its rows are posted; how many items moved.

    `as_of`, the day of the file, is not after `today`; `reason` is kept with what is opened again.
    """
    values = {**author.values(), "as_of": as_of, "reason": reason, "today": today, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, values)
        cursor.execute(_REOPEN, values)
        cursor.execute(_TARGETS, values)
        cursor.execute(_POOL, values)
        moved = int(cursor.rowcount)
        if not moved:
            return 0
        cursor.execute("ANALYZE import_settle")
        cursor.execute(_COUNTER_ITEMS, values)
        cursor.execute(_ALLOCATE, values)
        cursor.execute(_MOVE, values)
        cursor.execute(_RESOLVE_DISPUTES, values)
        cursor.execute(_AUDIT, values)
    return moved
