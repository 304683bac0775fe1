"""How customers pay, read from the ledger as of a day: the facts of the scorecard, for one customer or many.

A payment counts from its own date, not from the day it was matched. Items settled by credit notes alone were not
paid; what a credit note took off was never owed. Items issued more than three years ago count as long as
they are open. A payment that was matched to an invoice, unmatched since, and matched to no invoice again has bounced.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from core.calendar import add_months
from invoices.later_moves import LATER_MOVES
from risk.scoring import Behaviour

GRACE_DAYS = 5
WINDOW_MONTHS = 12
HALF_MONTHS = 6
LEDGER_MONTHS = 36

_BEHAVIOUR = f"""
WITH account AS MATERIALIZED (
    SELECT id AS customer_id, currency, customer_since,
           status = 'INSOLVENT' AND insolvency_date <= %(as_of)s AS is_insolvent
    FROM customers_customer WHERE id = ANY(%(ids)s)
), later AS MATERIALIZED (
    {LATER_MOVES}
), item AS MATERIALIZED (
    SELECT i.id, i.customer_id, i.kind, i.issue_date, i.due_date, i.currency, i.total_amount,
           i.currency = account.currency AS in_currency,
           i.kind IN ('INVOICE', 'DEPOSIT') AS is_billed,
           i.open_amount + coalesce(later.amount, 0) AS open_amount
    FROM invoices_openitem i
    JOIN account ON account.customer_id = i.customer_id
    LEFT JOIN later ON later.item_id = i.id
    WHERE i.customer_id = ANY(%(ids)s) AND i.issue_date <= %(as_of)s
      AND (i.issue_date > %(ledger_start)s OR i.open_amount <> 0 OR later.amount <> 0)
), settled AS (
    SELECT item.id,
           max(credit.issue_date) FILTER (WHERE credit.kind = 'PAYMENT') AS paid_on,
           sum(a.amount) FILTER (
               WHERE credit.kind = 'PAYMENT' AND credit.issue_date <= item.due_date + %(grace)s
           ) AS in_time_amount,
           sum(a.amount) FILTER (WHERE credit.kind <> 'PAYMENT') AS credited_amount
    FROM item
    JOIN invoices_allocation a ON a.debit_id = item.id
    JOIN invoices_openitem credit ON credit.id = a.credit_id
    WHERE item.is_billed AND a.allocated_on <= %(as_of)s
      AND (a.reversed_on IS NULL OR a.reversed_on > %(as_of)s)
    GROUP BY item.id
), judged AS (
    SELECT item.customer_id, item.kind, item.issue_date, item.due_date, item.total_amount,
           item.in_currency AND item.open_amount = 0 AND settled.paid_on > %(window_start)s AS is_settled,
           settled.paid_on, settled.paid_on - item.due_date AS days_late,
           item.in_currency AND item.due_date + %(grace)s < %(as_of)s
               AND item.due_date + %(grace)s >= %(window_start)s AS is_due,
           coalesce(settled.in_time_amount, 0) AS in_time_amount,
           item.total_amount - coalesce(settled.credited_amount, 0) AS owed_amount
    FROM item LEFT JOIN settled ON settled.id = item.id
    WHERE item.is_billed
), habit AS (
    SELECT customer_id,
           count(*) FILTER (WHERE due_date < %(as_of)s) AS fallen_due_count,
           count(*) FILTER (WHERE issue_date > %(window_start)s) AS invoice_count,
           min(issue_date) AS first_issue_date,
           count(*) FILTER (WHERE is_settled) AS settled_count,
           sum(total_amount * days_late) FILTER (WHERE is_settled)
               / nullif(sum(total_amount) FILTER (WHERE is_settled), 0) AS weighted_days_late,
           count(*) FILTER (WHERE is_settled AND paid_on > %(half_start)s) AS recent_count,
           sum(total_amount * days_late) FILTER (WHERE is_settled AND paid_on > %(half_start)s)
               / nullif(sum(total_amount) FILTER (WHERE is_settled AND paid_on > %(half_start)s), 0)
               AS recent_days_late,
           count(*) FILTER (WHERE is_settled AND paid_on <= %(half_start)s) AS earlier_count,
           sum(total_amount * days_late) FILTER (WHERE is_settled AND paid_on <= %(half_start)s)
               / nullif(sum(total_amount) FILTER (WHERE is_settled AND paid_on <= %(half_start)s), 0)
               AS earlier_days_late,
           count(*) FILTER (WHERE is_due AND owed_amount > 0) AS due_count,
           sum(in_time_amount) FILTER (WHERE is_due AND owed_amount > 0)
               / nullif(sum(owed_amount) FILTER (WHERE is_due AND owed_amount > 0), 0) AS on_time_share
    FROM judged
    GROUP BY customer_id
), balance AS (
    SELECT customer_id, in_currency,
           coalesce(sum(open_amount) FILTER (WHERE open_amount > 0), 0) AS debits,
           -coalesce(sum(open_amount) FILTER (WHERE open_amount < 0), 0) AS credits,
           coalesce(sum(open_amount) FILTER (WHERE open_amount > 0 AND due_date < %(as_of)s), 0) AS overdue,
           min(due_date) FILTER (WHERE open_amount > 0 AND due_date < %(as_of)s) AS oldest_due_date
    FROM item
    WHERE open_amount <> 0
    GROUP BY customer_id, currency, in_currency
), position AS (
    SELECT customer_id,
           max((overdue - credits) / nullif(debits - credits, 0))
               FILTER (WHERE in_currency AND overdue > credits) AS overdue_share,
           min(oldest_due_date) FILTER (WHERE overdue > credits) AS oldest_due_date
    FROM balance
    GROUP BY customer_id
), promise AS (
    SELECT item.customer_id, count(*) AS broken
    FROM item JOIN invoices_promise p ON p.item_id = item.id
    WHERE p.status = 'BROKEN' AND p.promised_date > %(window_start)s AND p.promised_date < %(as_of)s
    GROUP BY item.customer_id
), dispute AS (
    SELECT item.customer_id, count(*) AS opened
    FROM item JOIN invoices_dispute d ON d.item_id = item.id
    WHERE d.opened_on > %(window_start)s AND d.opened_on <= %(as_of)s
    GROUP BY item.customer_id
), bounce AS (
    SELECT item.customer_id, count(DISTINCT item.id) AS bounced
    FROM invoices_allocation undone
    JOIN item ON item.id = undone.credit_id AND item.kind = 'PAYMENT'
    WHERE undone.reversed_on > %(window_start)s AND undone.reversed_on <= %(as_of)s
      AND NOT EXISTS (
          SELECT FROM invoices_allocation again
          JOIN invoices_openitem debit ON debit.id = again.debit_id AND debit.kind IN ('INVOICE', 'DEPOSIT')
          WHERE again.credit_id = item.id AND again.allocated_on <= %(as_of)s
            AND (again.reversed_on IS NULL OR again.reversed_on > %(as_of)s)
      )
    GROUP BY item.customer_id
)
SELECT account.customer_id, account.is_insolvent,
       coalesce(habit.fallen_due_count, 0) AS fallen_due_count,
       coalesce(habit.settled_count, 0) AS settled_count, habit.weighted_days_late,
       coalesce(habit.recent_count, 0) AS recent_count, habit.recent_days_late,
       coalesce(habit.earlier_count, 0) AS earlier_count, habit.earlier_days_late,
       coalesce(habit.due_count, 0) AS due_count, habit.on_time_share,
       coalesce(position.overdue_share, 0) AS overdue_share,
       coalesce(%(as_of)s - position.oldest_due_date, 0) AS oldest_overdue_days,
       coalesce(promise.broken, 0) AS broken_promises,
       coalesce(bounce.bounced, 0) AS bounced_payments,
       coalesce(dispute.opened, 0) AS disputes,
       coalesce(habit.invoice_count, 0) AS invoice_count,
       %(as_of)s - least(account.customer_since, habit.first_issue_date) AS relation_days
FROM account
LEFT JOIN habit USING (customer_id)
LEFT JOIN position USING (customer_id)
LEFT JOIN promise USING (customer_id)
LEFT JOIN dispute USING (customer_id)
LEFT JOIN bounce USING (customer_id)
ORDER BY account.customer_id
"""


@dataclass(frozen=True)
class CustomerBehaviour:
    """The facts of one customer."""

    customer_id: int
    behaviour: Behaviour


def behaviours(customer_ids: Sequence[int], as_of: date) -> list[CustomerBehaviour]:
    """The facts of these customers as of a day, in one query; unknown ids are left out.

    Everything is dated, so that a past day gives what was true then; only promises have no date of their end.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BEHAVIOUR, _params(customer_ids, as_of))
        names = [column.name for column in cursor.description or ()]
        return [_read(dict(zip(names, values, strict=True))) for values in cursor.fetchall()]


def behaviour_of(customer_id: int, as_of: date) -> Behaviour:
    """The facts of one customer. Raises LookupError for an unknown one."""
    found = behaviours([customer_id], as_of)
    if not found:
        raise LookupError(f"customer {customer_id}")
    return found[0].behaviour


def _params(customer_ids: Sequence[int], as_of: date) -> dict[str, Any]:
    return {
        "ids": list(customer_ids),
        "as_of": as_of,
        "grace": GRACE_DAYS,
        "window_start": add_months(as_of, -WINDOW_MONTHS),
        "half_start": add_months(as_of, -HALF_MONTHS),
        "ledger_start": add_months(as_of, -LEDGER_MONTHS),
    }


def _read(row: dict[str, Any]) -> CustomerBehaviour:
    customer_id = row.pop("customer_id")
    row["overdue_share"] = Decimal(row["overdue_share"])
    return CustomerBehaviour(customer_id, Behaviour(**row))
