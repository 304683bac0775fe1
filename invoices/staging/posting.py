"""Writing the rows of a batch into the ledger: new items, fields put right in place, correcting documents, audit."""

import json
from datetime import date, datetime
from typing import Any

from django.db import connection

from invoices.staging.author import Author

Documents = dict[str, int]

_POST = """
INSERT INTO invoices_openitem (
    legal_entity_id, customer_id, kind, number, instalment, issue_date, due_date, currency, total_amount,
    vat_amount, open_amount, disputed_amount, reference, is_factored, import_batch_id, document_id,
    posted_at, updated_at
)
SELECT %(entity)s, r.customer_id, r.kind, r.number, r.instalment, r.issue_date, r.due_date, r.currency,
       r.total_amount, r.vat_amount, r.total_amount, 0, r.reference, false, %(batch)s,
       (%(documents)s::jsonb ->> r.document_name)::bigint, %(now)s, %(now)s
FROM invoices_importrow r
WHERE r.batch_id = %(batch)s AND r.outcome = 'NEW'
ORDER BY r.line
"""

# What is put right in place, kept with what stood there so that it can be taken back.
_KEEP = """
INSERT INTO invoices_importeffect (batch_id, document, object_id, before, after)
SELECT %(batch)s, 'ITEM', r.item_id, jsonb_object_agg(e ->> 'column', e -> 'before'),
    jsonb_object_agg(e ->> 'column', e -> 'after')
FROM invoices_importrow r, jsonb_array_elements(r.changes) e
WHERE r.batch_id = %(batch)s AND r.outcome = 'CHANGED'
    AND e ->> 'column' IN ('issue_date', 'due_date', 'reference', 'vat_amount')
GROUP BY r.item_id
"""
SET_FIELDS = """
UPDATE invoices_openitem o SET
    issue_date = CASE WHEN e.{side} ? 'issue_date' THEN (e.{side} ->> 'issue_date')::date ELSE o.issue_date END,
    due_date = CASE WHEN e.{side} ? 'due_date' THEN (e.{side} ->> 'due_date')::date ELSE o.due_date END,
    reference = CASE WHEN e.{side} ? 'reference' THEN e.{side} ->> 'reference' ELSE o.reference END,
    vat_amount = CASE WHEN e.{side} ? 'vat_amount' THEN (e.{side} ->> 'vat_amount')::numeric ELSE o.vat_amount END,
    disputed_amount = CASE WHEN e.{side} ? 'disputed_amount' THEN (e.{side} ->> 'disputed_amount')::numeric
        ELSE o.disputed_amount END,
    updated_at = %(now)s
FROM invoices_importeffect e
WHERE e.batch_id = %(batch)s AND e.document = 'ITEM' AND o.id = e.object_id
"""

# A posted amount is put right by another document of the same due date, under the next free number.
_CORRECT = """
INSERT INTO invoices_openitem (
    legal_entity_id, customer_id, kind, number, instalment, issue_date, due_date, currency, total_amount,
    open_amount, disputed_amount, reference, is_factored, import_batch_id, corrects_id, posted_at, updated_at
)
SELECT o.legal_entity_id, o.customer_id, 'OTHER',
    CASE WHEN length(o.number) <= 35 THEN o.number ELSE 'P' || o.id END || '/C' || k.next, o.instalment,
    greatest(o.issue_date, least(o.due_date, %(day)s)), o.due_date, o.currency, d.delta, d.delta, 0,
    o.reference, o.is_factored, %(batch)s, o.id, %(now)s, %(now)s
FROM invoices_importrow r
CROSS JOIN LATERAL (
    SELECT (e ->> 'after')::numeric - (e ->> 'before')::numeric AS delta
    FROM jsonb_array_elements(r.changes) e WHERE e ->> 'column' = 'total_amount'
) d
JOIN invoices_openitem o ON o.id = r.item_id
CROSS JOIN LATERAL (
    SELECT 1 + coalesce(max(substring(c.number FROM '/C([0-9]{1,4})$')::integer), 0) AS next
    FROM invoices_openitem c WHERE c.corrects_id = o.id
) k
WHERE r.batch_id = %(batch)s AND r.outcome = 'CHANGED'
"""

# What the correcting document takes away is settled with the corrected one at once.
_ALLOCATE_CORRECTIONS = """
WITH pair AS (
    SELECT CASE WHEN o.total_amount > 0 THEN o.id ELSE c.id END AS debit_id,
        CASE WHEN o.total_amount > 0 THEN c.id ELSE o.id END AS credit_id,
        least(abs(o.open_amount), abs(c.open_amount)) AS amount,
        greatest(c.issue_date, o.issue_date, (
            SELECT max(a.reversed_on) FROM invoices_allocation a
            WHERE a.reversed_on IS NOT NULL AND (a.debit_id = o.id OR a.credit_id = o.id)
        )) AS day
    FROM invoices_openitem c JOIN invoices_openitem o ON o.id = c.corrects_id
    WHERE c.import_batch_id = %(batch)s AND o.issue_date <= %(day)s AND sign(c.open_amount) = -sign(o.open_amount)
), made AS (
    INSERT INTO invoices_allocation
        (debit_id, credit_id, amount, allocated_on, reversal_reason, created_at, import_batch_id)
    SELECT debit_id, credit_id, amount, day, '', %(now)s, %(batch)s FROM pair
    RETURNING debit_id, credit_id, amount
), moved AS (
    SELECT debit_id AS id, -amount AS change FROM made UNION ALL SELECT credit_id, amount FROM made
)
UPDATE invoices_openitem i SET open_amount = i.open_amount + moved.change, updated_at = %(now)s
FROM moved WHERE moved.id = i.id
"""

# One event per customer and currency: his timeline says what came in, without a row per item.
_AUDIT_NEW = """
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor)s, %(actor_name)s, 'invoices.items.imported',
       ARRAY['customer:' || r.customer_id, %(batch_ref)s],
       jsonb_build_object('count', count(*), 'currency', r.currency, 'amount', sum(r.total_amount)::text)
FROM invoices_importrow r
WHERE r.batch_id = %(batch)s AND r.outcome = 'NEW'
GROUP BY r.customer_id, r.currency
ORDER BY r.customer_id, r.currency
"""
_AUDIT_CHANGED = """
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor)s, %(actor_name)s, 'invoices.item.corrected',
       ARRAY['openitem:' || r.item_id, 'customer:' || r.customer_id, %(batch_ref)s],
       jsonb_build_object('number', r.number, 'currency', r.currency, 'changes', r.changes)
FROM invoices_importrow r
WHERE r.batch_id = %(batch)s AND r.outcome = 'CHANGED'
ORDER BY r.line
"""


def post(*, batch_id: int, entity_id: int, documents: Documents, today: date, now: datetime) -> int:
    """Write the new rows, the fields put right and the correcting documents; how many new rows there are.

    `documents` maps the name of a file of the archive to the stored file that the item is given.
    """
    values: dict[str, Any] = {
        "batch": batch_id,
        "entity": entity_id,
        "documents": json.dumps(documents),
        "day": today,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_POST, values)
        posted = int(cursor.rowcount)
        cursor.execute(_KEEP, values)
        if cursor.rowcount:
            cursor.execute(SET_FIELDS.format(side="after"), values)
        cursor.execute(_CORRECT, values)
        if cursor.rowcount:
            cursor.execute(_ALLOCATE_CORRECTIONS, values)
    return posted


def audit_rows(author: Author, now: datetime) -> None:
    """One event per customer and currency of the new rows, one per item that was changed."""
    values = {**author.values(), "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_AUDIT_NEW, values)
        cursor.execute(_AUDIT_CHANGED, values)
