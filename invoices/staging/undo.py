"""Taking back what a batch wrote, set-based: allocations, items, fields put right, customers."""

from datetime import date, datetime

from django.db import connection

from core.references import is_carried_away, references
from invoices.import_dependents import others_only
from invoices.models import OpenItem
from invoices.staging.author import Author
from invoices.staging.posting import SET_FIELDS

# The accounts that a batch moved, and the first day on which it counts.
_MOVED = """
SELECT array_agg(DISTINCT customer_id), min(day) FROM (
    SELECT customer_id, issue_date AS day FROM invoices_openitem WHERE import_batch_id = %(batch)s
    UNION ALL
    SELECT o.customer_id, a.allocated_on FROM invoices_allocation a JOIN invoices_openitem o ON o.id = a.debit_id
    WHERE a.import_batch_id = %(batch)s
    UNION ALL
    SELECT o.customer_id, CASE WHEN e.before ? 'issue_date' OR e.before ? 'due_date'
        THEN least(o.issue_date, (e.before ->> 'issue_date')::date, (e.after ->> 'issue_date')::date) END
    FROM invoices_importeffect e JOIN invoices_openitem o ON o.id = e.object_id
    WHERE e.batch_id = %(batch)s AND e.document = 'ITEM'
    UNION ALL
    SELECT o.customer_id, (e.after ->> 'reversed_on')::date
    FROM invoices_importeffect e JOIN invoices_allocation a ON a.id = e.object_id
    JOIN invoices_openitem o ON o.id = a.debit_id
    WHERE e.batch_id = %(batch)s AND e.document = 'ALLOCATION'
) moved
"""

_LOCK = """
SELECT count(*) FROM (
    SELECT o.id FROM invoices_openitem o
    WHERE o.id IN (
        SELECT debit_id FROM invoices_allocation WHERE import_batch_id = %(batch)s
        UNION SELECT credit_id FROM invoices_allocation WHERE import_batch_id = %(batch)s
        UNION SELECT object_id FROM invoices_importeffect WHERE batch_id = %(batch)s AND document = 'ITEM'
        UNION SELECT a.debit_id FROM invoices_importeffect e JOIN invoices_allocation a ON a.id = e.object_id
            WHERE e.batch_id = %(batch)s AND e.document = 'ALLOCATION'
        UNION SELECT a.credit_id FROM invoices_importeffect e JOIN invoices_allocation a ON a.id = e.object_id
            WHERE e.batch_id = %(batch)s AND e.document = 'ALLOCATION'
        UNION SELECT id FROM invoices_openitem WHERE import_batch_id = %(batch)s
    )
    ORDER BY o.id FOR UPDATE
) locked
"""
_AUDIT = """
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor)s, %(actor_name)s, 'invoices.items.withdrawn', ARRAY['customer:' || customer_id, %(batch_ref)s],
    jsonb_build_object('count', count(*), 'currency', currency, 'amount', sum(total_amount)::text)
FROM invoices_openitem WHERE import_batch_id = %(batch)s
GROUP BY customer_id, currency ORDER BY customer_id, currency
"""
_GIVE_BACK = """
WITH gone AS (
    DELETE FROM invoices_allocation WHERE import_batch_id = %(batch)s RETURNING debit_id, credit_id, amount
), moved AS (
    SELECT id, sum(change) AS change FROM (
        SELECT debit_id AS id, amount AS change FROM gone UNION ALL SELECT credit_id, -amount FROM gone
    ) sides GROUP BY id
)
UPDATE invoices_openitem o SET open_amount = o.open_amount + moved.change, updated_at = %(now)s
FROM moved WHERE moved.id = o.id AND o.import_batch_id IS DISTINCT FROM %(batch)s
"""
_RESTORE_ALLOCATIONS = """
WITH back AS (
    UPDATE invoices_allocation a SET reversed_on = NULL, reversal_reason = ''
    FROM invoices_importeffect e
    WHERE e.batch_id = %(batch)s AND e.document = 'ALLOCATION' AND a.id = e.object_id
    RETURNING a.debit_id, a.credit_id, a.amount
), moved AS (
    SELECT id, sum(change) AS change FROM (
        SELECT debit_id AS id, -amount AS change FROM back UNION ALL SELECT credit_id, amount FROM back
    ) sides GROUP BY id
)
UPDATE invoices_openitem o SET open_amount = o.open_amount + moved.change, updated_at = %(now)s
FROM moved WHERE moved.id = o.id
"""
_RESTORE_DISPUTES = """
UPDATE invoices_dispute d SET resolved_on = NULL, resolution = ''
FROM invoices_importeffect e
WHERE e.batch_id = %(batch)s AND e.document = 'DISPUTE' AND d.id = e.object_id
"""
# A proposal that counts on one of the items is wrong as a whole.
_PROPOSALS = """
DROP TABLE IF EXISTS import_proposal;
CREATE TEMPORARY TABLE import_proposal ON COMMIT DROP AS
SELECT DISTINCT p.proposal_id AS id FROM invoices_proposalpart p
JOIN invoices_openitem o ON o.id = p.item_id WHERE o.import_batch_id = %(batch)s
UNION
SELECT m.id FROM invoices_matchproposal m
JOIN invoices_openitem o ON o.id = m.credit_id WHERE o.import_batch_id = %(batch)s;
DELETE FROM invoices_proposalpart p USING import_proposal x WHERE p.proposal_id = x.id;
DELETE FROM invoices_matchproposal m USING import_proposal x WHERE m.id = x.id
"""
_POINTERS = """
UPDATE invoices_importrow SET item_id = NULL
WHERE batch_id = %(batch)s AND outcome = 'NEW' AND item_id IS NOT NULL
"""
_DELETE_ITEMS = "DELETE FROM invoices_openitem WHERE import_batch_id = %(batch)s"


def moved_accounts(batch_id: int) -> tuple[list[int], date | None]:
    """The customers whose balance a batch moves, and from which date on."""
    with connection.cursor() as cursor:
        cursor.execute(_MOVED, {"batch": batch_id})
        customers, since = cursor.fetchone()
    return customers or [], since


def lock_items(batch_id: int) -> None:
    """Hold every item that the batch wrote or moved: nothing may come to depend on it meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, {"batch": batch_id})


def take_back_items(author: Author, now: datetime) -> int:
    """Delete what the batch posted and restore what it changed; how many items went.

    The triggers that keep posted rows must be set aside by the caller.
    """
    values = {**author.values(), "now": now}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        cursor.execute(_AUDIT, values)
        cursor.execute(_GIVE_BACK, values)
        cursor.execute(_RESTORE_ALLOCATIONS, values)
        cursor.execute(SET_FIELDS.format(side="before"), values)
        cursor.execute(_RESTORE_DISPUTES, values)
        cursor.execute(_PROPOSALS, values)
        for model, field in references(OpenItem):
            if is_carried_away(field):
                cursor.execute(
                    f"DELETE FROM {model._meta.db_table} t USING invoices_openitem o"
                    f" WHERE t.{field.column} = o.id AND o.import_batch_id = %(batch)s AND {others_only(model)}",
                    values,
                )
        cursor.execute(_POINTERS, values)
        cursor.execute(_DELETE_ITEMS, values)
        return int(cursor.rowcount)
