"""What must hold in the sub-ledger at all times, asked of the database. It only looks: nothing is repaired here."""

from dataclasses import dataclass
from datetime import date

from django.db import connection

from invoices.ageing_buckets import STORED
from invoices.ageing_sql import LedgerScope, ageing_rows, sub_ledger

MOST_EXAMPLES = 20


@dataclass(frozen=True)
class Finding:
    """One broken truth: how many documents break it, and the references of the first of them."""

    check: str
    count: int
    examples: list[str]


def findings(*, entity_id: int) -> list[Finding]:
    """The broken truths of one entity's ledger: none when the books hold."""
    checks = {
        "open_amount": _OPEN_AMOUNTS,
        "allocation_pair": _ALLOCATION_PAIRS,
        "allocation_date": _ALLOCATION_DATES,
    }
    found = [_ask(check, sql, {"entity_id": entity_id}) for check, sql in checks.items()]
    found += [_stored_day(entity_id, day_id, as_of) for day_id, as_of in _true_days(entity_id)]
    return [finding for finding in found if finding.count]


# Open amount = total - allocations in force, for debits and credits alike.
_OPEN_AMOUNTS = """
SELECT 'openitem:' || i.id
FROM invoices_openitem i
LEFT JOIN (
    SELECT item_id, sum(amount) AS amount FROM (
        SELECT debit_id AS item_id, amount FROM invoices_allocation WHERE reversed_on IS NULL
        UNION ALL
        SELECT credit_id, -amount FROM invoices_allocation WHERE reversed_on IS NULL
    ) sides
    GROUP BY item_id
) settled ON settled.item_id = i.id
WHERE i.legal_entity_id = %(entity_id)s AND i.open_amount <> i.total_amount - coalesce(settled.amount, 0)
ORDER BY i.id
"""

_PAIRS = """
FROM invoices_allocation a
JOIN invoices_openitem d ON d.id = a.debit_id
JOIN invoices_openitem c ON c.id = a.credit_id
WHERE d.legal_entity_id = %(entity_id)s AND """

_ALLOCATION_PAIRS = f"""
SELECT 'allocation:' || a.id {_PAIRS}
    (d.customer_id <> c.customer_id OR d.currency <> c.currency OR d.total_amount < 0 OR c.total_amount > 0)
ORDER BY a.id
"""

# An allocation older than one of its items would take from the debit what the ledger does not hold yet.
_ALLOCATION_DATES = f"""
SELECT 'allocation:' || a.id {_PAIRS}
    a.allocated_on < greatest(d.issue_date, c.issue_date) AND a.reversed_on IS DISTINCT FROM a.allocated_on
ORDER BY a.id
"""


def _true_days(entity_id: int) -> list[tuple[int, date]]:
    """The latest stored day, if nothing has made it stale."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, as_of FROM invoices_ageingday WHERE legal_entity_id = %s AND NOT is_stale"
            " ORDER BY as_of DESC LIMIT 1",
            [entity_id],
        )
        return cursor.fetchall()


def _stored_day(entity_id: int, day_id: int, as_of: date) -> Finding:
    """Customers whose stored row is not what the ledger gives, and totals that are not the sum of the rows."""
    scope = LedgerScope(entity_ids=(entity_id,))
    rows, row_params = ageing_rows(as_of, STORED, scope)
    books, book_params = sub_ledger(as_of, scope, by_customer=True)
    amounts = [
        *(f"bucket_{index}_amount" for index in range(STORED.size)),
        "credits_amount",
        "overdue_amount",
        "disputed_amount",
        "total_amount",
    ]
    stored = ", ".join(f"coalesce(s.{name}, 0)" for name in (*amounts, "sub_ledger_amount"))
    owed = ", ".join(f"coalesce(owed.{name}, 0)" for name in amounts)
    sums = ", ".join(f"sum({name})" for name in (*amounts, "sub_ledger_amount"))
    sql = f"""
SELECT 'customer:' || customer_id
FROM (SELECT * FROM invoices_ageingsnapshot WHERE day_id = %(day_id)s) s
FULL JOIN ({rows}) owed USING (customer_id, currency)
FULL JOIN ({books}) books USING (customer_id, currency)
WHERE ({stored}) IS DISTINCT FROM ({owed}, coalesce(books.sub_ledger_amount, 0))
    OR coalesce(owed.total_amount, 0) <> coalesce(books.sub_ledger_amount, 0)
    OR s.oldest_due_date IS DISTINCT FROM owed.oldest_due_date
UNION ALL
SELECT 'total:' || currency
FROM (SELECT currency, ARRAY[{sums}, count(*)] AS sums FROM invoices_ageingsnapshot
    WHERE day_id = %(day_id)s GROUP BY currency) s
FULL JOIN (SELECT currency, ARRAY[{sums}, sum(customer_count)] AS sums FROM invoices_ageingtotal
    WHERE day_id = %(day_id)s GROUP BY currency) t USING (currency)
WHERE s.sums IS DISTINCT FROM t.sums AND NOT (s.sums IS NULL AND 0 = ALL (t.sums))
"""
    return _ask("stored_ageing", sql, {**row_params, **book_params, "day_id": day_id})


def _ask(check: str, sql: str, params: dict[str, object]) -> Finding:
    """Count all, keep the first: a broken import must not fill the audit trail with a million references."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH broken AS MATERIALIZED ({sql}) SELECT (SELECT count(*) FROM broken),"
            " ARRAY(SELECT * FROM broken LIMIT %(most)s)",
            {**params, "most": MOST_EXAMPLES},
        )
        count, examples = cursor.fetchone()
    return Finding(check, count, list(examples))
