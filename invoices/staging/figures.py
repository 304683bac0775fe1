"""What a batch changes, in figures: rows by outcome, amounts per currency, the receivable."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection

Amounts = dict[str, Decimal]

# The change of what is open: as the row states it, else by the difference of the totals.
CHANGED_AMOUNT = """
coalesce(
    (SELECT (e ->> 'after')::numeric - (e ->> 'before')::numeric FROM jsonb_array_elements(r.changes) e
        WHERE e ->> 'column' = 'open_amount'),
    (SELECT (e ->> 'after')::numeric - (e ->> 'before')::numeric FROM jsonb_array_elements(r.changes) e
        WHERE e ->> 'column' = 'total_amount'),
    0)
"""
_ROWS = f"""
SELECT r.outcome, r.currency, count(*), count(*) FILTER (WHERE r.suspicions <> '[]'),
    sum(CASE r.outcome WHEN 'NEW' THEN coalesce(r.open_amount, r.total_amount) WHEN 'CHANGED' THEN {CHANGED_AMOUNT}
        ELSE 0 END)
FROM invoices_importrow r
WHERE r.batch_id = %(batch)s
GROUP BY 1, 2
"""
_CLEARED = """
SELECT o.currency, count(*), sum(c.open_amount)
FROM invoices_importclearing c JOIN invoices_openitem o ON o.id = c.item_id
WHERE c.batch_id = %(batch)s GROUP BY 1
"""
_NEW_CUSTOMERS = """
SELECT count(DISTINCT customer_code) FROM invoices_importrow
WHERE batch_id = %(batch)s AND outcome = 'NEW' AND customer_id IS NULL
"""
_RECEIVABLE = """
SELECT currency, sum(open_amount) FROM invoices_openitem
WHERE legal_entity_id = %(entity)s AND open_amount <> 0 GROUP BY currency
"""


@dataclass
class Figures:
    """Rows by outcome, and what the batch adds, changes and clears, per currency."""

    counts: dict[str, int] = field(default_factory=dict)
    suspicious_count: int = 0
    new_customer_count: int = 0
    cleared_count: int = 0
    new: Amounts = field(default_factory=dict)
    changed: Amounts = field(default_factory=dict)
    cleared: Amounts = field(default_factory=dict)


def figures(batch_id: int) -> Figures:
    """The figures of a batch of items as its rows and clearings stand."""
    found = Figures()
    values = {"batch": batch_id}
    for outcome, currency, count, suspicious, amount in _rows(_ROWS, values):
        found.counts[outcome] = found.counts.get(outcome, 0) + count
        found.suspicious_count += suspicious
        if outcome == "NEW":
            found.new[currency] = amount
        elif outcome == "CHANGED" and amount:
            found.changed[currency] = amount
    for currency, count, amount in _rows(_CLEARED, values):
        found.cleared_count += count
        found.cleared[currency] = amount
    found.new_customer_count = _rows(_NEW_CUSTOMERS, values)[0][0]
    return found


def receivable(entity_id: int) -> Amounts:
    """The open amount of a legal entity's ledger, per currency."""
    return dict(_rows(_RECEIVABLE, {"entity": entity_id}))


def _rows(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
