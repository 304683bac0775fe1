"""Allowances as SQL over the ledger: what rolled from bucket to bucket, and what stands against each open debt.

Both as of any day, from dated allocations: what was known that day and nothing later.
"""

from datetime import date
from typing import Any

from django.db import connection

from invoices.ageing_sql import FOR_A_LARGE_SCAN
from invoices.models import Adjustment, OpenItem
from risk.models import ProvisionMethod
from risk.provision_rules import BOUNDS, BUCKET_COUNT

Params = dict[str, Any]

GROUPS = {
    ProvisionMethod.Grouping.NONE: "''",
    ProvisionMethod.Grouping.SEGMENT: "coalesce(nullif(c.segment, ''), '')",
    ProvisionMethod.Grouping.COUNTRY: "c.country",
}

# An allocation counts as of the day when it was made by then and not undone by then.
IN_FORCE = "a.allocated_on <= %(as_of)s AND (a.reversed_on IS NULL OR a.reversed_on > %(as_of)s)"

_LATE = "%(as_of)s::date - i.due_date"
BUCKET = f"({' + '.join(f'({_LATE} > {bound})::int' for bound in BOUNDS)})"


def _paid_by(days: str) -> str:
    """What had been paid or credited of an item by so many days after its due date. A loss pays nothing.

    A payment counts from its own day, however late it was matched.
    """
    day = f"CASE WHEN p.kind = '{OpenItem.Kind.PAYMENT}' THEN least(p.issue_date, a.allocated_on) ELSE a.allocated_on END"
    return f"coalesce(sum(a.amount) FILTER (WHERE w.id IS NULL AND {day} <= i.due_date + {days}), 0)"


def roll_steps_query(grouping: str) -> str:
    """One row per currency and group, then one per currency over all groups (`is_all`).

    For each step k: entered_k, rolled_k, count_k. The base of step 0 is what was sold; that of the others what was
    still unpaid when its bucket began. Step 4 rolls into loss: unpaid `loss_after` days late. A document counts in a
    step once it had the time to take it.
    """
    thresholds = [*(str(bound) for bound in BOUNDS), "%(loss_after)s"]
    unpaid = ["total_amount", *(f"total_amount - paid_{step}" for step in range(BUCKET_COUNT))]
    columns = []
    for step, threshold in enumerate(thresholds):
        observed = f"FILTER (WHERE due_date + {threshold} < %(as_of)s AND {unpaid[step]} > 0)"
        columns += [
            f"coalesce(sum({unpaid[step]}) {observed}, 0) AS entered_{step}",
            f"coalesce(sum({unpaid[step + 1]}) {observed}, 0) AS rolled_{step}",
            f"count(*) {observed} AS count_{step}",
        ]
    paid = ", ".join(f"{_paid_by(threshold)} AS paid_{step}" for step, threshold in enumerate(thresholds))
    return f"""
SELECT currency, coalesce(group_key, '') AS group_key, grouping(group_key) = 1 AS is_all, {", ".join(columns)}
FROM (
    SELECT i.currency, {GROUPS[ProvisionMethod.Grouping(grouping)]} AS group_key, i.due_date, i.total_amount, {paid}
    FROM invoices_openitem i
    JOIN customers_customer c ON c.id = i.customer_id
    LEFT JOIN invoices_allocation a ON a.debit_id = i.id AND {IN_FORCE}
    LEFT JOIN invoices_openitem p ON p.id = a.credit_id
    LEFT JOIN invoices_adjustment w ON w.item_id = a.credit_id AND w.reason = '{Adjustment.Reason.LOSS}'
    WHERE i.legal_entity_id = %(entity)s AND i.kind = 'INVOICE' AND i.total_amount > 0
      AND i.issue_date <= %(as_of)s AND i.due_date < %(as_of)s
      AND i.due_date >= (%(as_of)s::date - make_interval(months => %(window)s))::date
    GROUP BY i.id, c.id
) documents
GROUP BY GROUPING SETS ((currency, group_key), (currency))
ORDER BY currency, is_all DESC, group_key
"""


# What is open as of the day on each debit, less what the customer has in credit, oldest debts first.
OWED = f"""
WITH touched AS (
    SELECT i.id FROM invoices_openitem i
    WHERE i.legal_entity_id = %(entity)s AND i.open_amount <> 0 AND i.issue_date <= %(as_of)s
    UNION
    SELECT i.id FROM invoices_allocation a JOIN invoices_openitem i ON i.id IN (a.debit_id, a.credit_id)
    WHERE (a.allocated_on > %(as_of)s OR a.reversed_on > %(as_of)s)
      AND i.legal_entity_id = %(entity)s AND i.issue_date <= %(as_of)s
), opened AS (
    SELECT i.id, i.customer_id, i.currency, i.due_date, i.total_amount, i.vat_amount,
        i.total_amount
            - coalesce((SELECT sum(a.amount) FROM invoices_allocation a WHERE a.debit_id = i.id AND {IN_FORCE}), 0)
            + coalesce((SELECT sum(a.amount) FROM invoices_allocation a WHERE a.credit_id = i.id AND {IN_FORCE}), 0)
            AS open_then
    FROM invoices_openitem i JOIN touched USING (id)
), credit AS (
    SELECT customer_id, currency, -sum(open_then) AS amount FROM opened WHERE open_then < 0 GROUP BY 1, 2
), ranked AS (
    SELECT o.*, coalesce(credit.amount, 0) AS credit_amount,
        sum(o.open_then) OVER (
            PARTITION BY o.customer_id, o.currency ORDER BY o.due_date, o.id
        ) - o.open_then AS before_it
    FROM opened o LEFT JOIN credit USING (customer_id, currency)
    WHERE o.open_then > 0
), owed AS (
    SELECT *, open_then - greatest(least(credit_amount - before_it, open_then), 0) AS owed_amount FROM ranked
)
"""


def roll_steps(*, entity_id: int, as_of: date, method: ProvisionMethod) -> list[Params]:
    """What rolled from bucket to bucket, as `roll_steps_query` says."""
    params = {
        "entity": entity_id,
        "as_of": as_of,
        "window": method.window_months,
        "loss_after": method.loss_after_days,
    }
    with connection.cursor() as cursor:
        cursor.execute(FOR_A_LARGE_SCAN)
        cursor.execute(roll_steps_query(method.grouping), params)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def groups_owed(*, entity_id: int, as_of: date, grouping: str) -> list[tuple[str, str]]:
    """The currencies and groups that have something open as of the day."""
    sql = f"""{OWED} SELECT DISTINCT i.currency, {GROUPS[ProvisionMethod.Grouping(grouping)]}
    FROM owed i JOIN customers_customer c ON c.id = i.customer_id WHERE i.owed_amount > 0 ORDER BY 1, 2"""
    with connection.cursor() as cursor:
        cursor.execute(sql, {"entity": entity_id, "as_of": as_of})
        return [(currency, group) for currency, group in cursor.fetchall()]
