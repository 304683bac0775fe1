"""The facts a run decides on, gathered in temporary tables that live as long as its transaction.

Balances, disputes, promises and plans are taken as of the run's date, from dated rows, so that a run can be replayed.
"""

from datetime import date, timedelta

from django.db.backends.utils import CursorWrapper
from django.utils.timezone import get_default_timezone_name

from core.calendar import add_months
from dunning.contacts import CONTACTS
from dunning.planning.assignment import ACCOUNTS, EXCEPTIONS, LADDERS, NO_TURNOVER, POLICIES, TURNOVER
from invoices.later_moves import LATER_MOVES
from invoices.promised_parts import PROMISED_PARTS

LATER = f"CREATE TEMP TABLE plan_later ON COMMIT DROP AS {LATER_MOVES}"

BALANCES = """
CREATE TEMP TABLE plan_balance ON COMMIT DROP AS
SELECT i.id AS item_id, i.customer_id, i.currency, i.due_date, i.is_factored,
       i.open_amount + coalesce(later.amount, 0) AS open_amount
FROM invoices_openitem i
LEFT JOIN plan_later later ON later.item_id = i.id
WHERE i.legal_entity_id = %(entity)s
  AND i.issue_date <= %(as_of)s
  AND (i.open_amount <> 0 OR later.amount <> 0)
"""

CREDITS = """
CREATE TEMP TABLE plan_credit ON COMMIT DROP AS
SELECT customer_id, currency, -sum(open_amount) AS credit_amount
FROM plan_balance
WHERE open_amount < 0
GROUP BY customer_id, currency
"""

LAST_CONTACTS = f"CREATE TEMP TABLE plan_contact ON COMMIT DROP AS {CONTACTS}"

# What is overdue, and what is not due yet as far as the ladder of its policy looks ahead.
ITEMS = f"""
CREATE TEMP TABLE plan_item ON COMMIT DROP AS
SELECT b.item_id, b.customer_id, b.currency, b.due_date, b.open_amount, b.is_factored,
       b.due_date < %(as_of)s AS is_overdue,
       led.policy_id, led.has_own_policy,
       a.is_excepted OR coalesce(exception.is_excepted, FALSE) AS is_excepted,
       a.is_held_out AND NOT led.has_own_policy AS is_held_out,
       a.is_reminders_only OR coalesce(exception.is_reminders_only, FALSE) AS is_reminders_only,
       agency.item_id IS NOT NULL AS is_with_agency,
       plan.item_id IS NOT NULL AS is_planned,
       least(coalesce(dispute.amount, 0), b.open_amount) AS disputed_amount,
       least(coalesce(promise.amount, 0), b.open_amount - least(coalesce(dispute.amount, 0), b.open_amount))
           AS promised_amount,
       coalesce(step.rank, 0) AS last_rank,
       step.sent_on AS last_sent_on
FROM plan_balance b
JOIN plan_account a ON a.customer_id = b.customer_id AND a.currency = b.currency
LEFT JOIN plan_exception exception ON exception.item_id = b.item_id
CROSS JOIN LATERAL (
    SELECT exception.policy_code IS NOT NULL AS has_own_policy,
           CASE WHEN exception.policy_code IS NOT NULL THEN exception.policy_id ELSE a.policy_id END AS policy_id
) led
LEFT JOIN plan_policy policy ON policy.policy_id = led.policy_id
LEFT JOIN (SELECT DISTINCT item_id FROM dunning_caseitem WHERE is_live) agency ON agency.item_id = b.item_id
LEFT JOIN (
    SELECT DISTINCT part.item_id
    FROM invoices_planitem part JOIN invoices_paymentplan plan ON plan.id = part.plan_id
    WHERE plan.started_on <= %(as_of)s AND (part.released_on IS NULL OR part.released_on > %(as_of)s)
) plan ON plan.item_id = b.item_id
LEFT JOIN (
    SELECT item_id, sum(amount) AS amount FROM invoices_dispute
    WHERE opened_on <= %(as_of)s AND (resolved_on IS NULL OR resolved_on > %(as_of)s)
    GROUP BY item_id
) dispute ON dispute.item_id = b.item_id
LEFT JOIN ({PROMISED_PARTS}) promise ON promise.item_id = b.item_id
LEFT JOIN LATERAL (
    SELECT line.rank, CASE WHEN n.status = 'SENT' THEN n.sent_on END AS sent_on
    FROM dunning_noticeline line
    JOIN dunning_notice n ON n.id = line.notice_id
    WHERE line.item_id = b.item_id AND line.in_force
    ORDER BY line.rank DESC
    LIMIT 1
) step ON TRUE
WHERE b.open_amount > 0 AND (b.due_date < %(as_of)s OR b.due_date <= %(as_of)s + policy.ahead_days)
"""

TABLES = (
    "plan_later", "plan_balance", "plan_credit", "plan_policy", "plan_ladder", "plan_turnover",
    "plan_exception", "plan_account", "plan_contact", "plan_item",
)  # fmt: skip


def gather(cursor: CursorWrapper, *, entity_id: int, as_of: date) -> None:
    """Fill the temporary tables of `TABLES`."""
    params = {
        "entity": entity_id,
        "as_of": as_of,
        "zone": get_default_timezone_name(),
        "year_before": add_months(as_of, -12),
    }
    for statement in (LATER, BALANCES, CREDITS, POLICIES, LADDERS):
        cursor.execute(statement, params)
    # How far the policies look, ahead and back; and whether one asks for a share of the turnover.
    cursor.execute(
        "SELECT coalesce(max(ahead_days), -1), coalesce(max(contact_gap_days), 0),"
        " coalesce(bool_or(turnover_share_from IS NOT NULL), FALSE) FROM plan_policy"
    )
    ahead, gap, asks_turnover = cursor.fetchone()
    params |= {"ahead": ahead, "contacts_since": as_of - timedelta(days=gap)}
    cursor.execute("ANALYZE plan_balance; ANALYZE plan_policy; ANALYZE plan_ladder")
    for statement in (TURNOVER if asks_turnover else NO_TURNOVER, EXCEPTIONS, ACCOUNTS, LAST_CONTACTS):
        cursor.execute(statement, params)
    # Temporary tables have no statistics of their own: without these the joins below are guessed.
    cursor.execute("ANALYZE plan_account; ANALYZE plan_credit; ANALYZE plan_exception; ANALYZE plan_contact")
    cursor.execute(ITEMS, params)
    cursor.execute("ANALYZE plan_item")
