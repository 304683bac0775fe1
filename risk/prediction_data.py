"""The sub-ledger as columns for predictions: what was settled and when it was known, and what is open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import connection

from core.calendar import add_months

if TYPE_CHECKING:
    from risk.prediction.ledger import Ledger

HISTORY_MONTHS = 24
MOST_SETTLED = 300_000

# Paid on the day of the last payment, known when it was matched. What credit notes alone settled was not paid.
_SETTLED = """
SELECT i.customer_id, c.segment, i.issue_date - DATE '0001-01-01' + 1, i.due_date - DATE '0001-01-01' + 1,
       max(p.issue_date) FILTER (WHERE p.kind = 'PAYMENT') - DATE '0001-01-01' + 1,
       max(a.allocated_on) - DATE '0001-01-01' + 1, i.total_amount
FROM invoices_openitem i
JOIN customers_customer c ON c.id = i.customer_id
JOIN invoices_allocation a ON a.debit_id = i.id AND a.reversed_on IS NULL
JOIN invoices_openitem p ON p.id = a.credit_id
WHERE i.kind IN ('INVOICE', 'DEPOSIT') AND i.open_amount = 0 AND i.issue_date >= %(since)s
  AND (%(ids)s::bigint[] IS NULL OR i.customer_id = ANY(%(ids)s))
GROUP BY i.id, c.segment
HAVING max(p.issue_date) FILTER (WHERE p.kind = 'PAYMENT') IS NOT NULL AND max(a.allocated_on) < %(today)s
ORDER BY i.issue_date DESC, i.id
LIMIT %(most)s
"""
# Those in insolvency proceedings are paid by the proceedings, not by habit.
_OPEN = """
SELECT i.id, i.customer_id, c.segment, i.issue_date - DATE '0001-01-01' + 1,
       i.due_date - DATE '0001-01-01' + 1, i.total_amount
FROM invoices_openitem i JOIN customers_customer c ON c.id = i.customer_id
WHERE i.open_amount > 0 AND i.kind IN ('INVOICE', 'DEPOSIT') AND i.issue_date <= %(today)s
  AND c.status <> 'INSOLVENT' AND (%(ids)s::bigint[] IS NULL OR i.customer_id = ANY(%(ids)s))
ORDER BY i.id
"""


@dataclass(frozen=True)
class Position:
    """What is known this morning: the ledger (settled, then open items), and the open items' ids, in its order."""

    ledger: "Ledger"
    item_ids: list[int]


def read_position(today: date, customer_ids: Sequence[int] | None = None) -> Position:
    """The last 24 months of these customers, or of all, in two queries."""
    from risk.prediction.ledger import OPEN, ledger

    params: dict[str, Any] = {
        "ids": None if customer_ids is None else list(customer_ids),
        "today": today,
        "since": add_months(today, -HISTORY_MONTHS),
        "most": MOST_SETTLED,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SETTLED, params)
        settled = cursor.fetchall()
        cursor.execute(_OPEN, params)
        still = cursor.fetchall()
    rows = [
        *settled,
        *(
            (who, segment, issued, due, OPEN, OPEN, amount)
            for _id, who, segment, issued, due, amount in still
        ),
    ]
    segments = {name: code for code, name in enumerate(sorted({row[1] for row in rows} - {""}))}
    return Position(
        ledger(
            customer=[row[0] for row in rows],
            segment=[segments.get(row[1], -1) for row in rows],
            issued=[row[2] for row in rows],
            due=[row[3] for row in rows],
            settled=[row[4] for row in rows],
            known=[row[5] for row in rows],
            amount=[float(row[6]) for row in rows],
        ),
        [row[0] for row in still],
    )
