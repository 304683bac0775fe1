"""The facts a run decides on, gathered in temporary tables that live as long as its transaction.

Balances, disputes, promises and plans are taken as of the run's date, from dated rows, so that a run can be replayed.
"""

from django.db.backends.utils import CursorWrapper
from django.utils.timezone import get_default_timezone_name

from invoices.later_moves import LATER_MOVES
from invoices.promised_parts import PROMISED_PARTS

ACCOUNTS = """
CREATE TEMP TABLE plan_account ON COMMIT DROP AS
SELECT c.id AS customer_id,
       c.kind,
       c.status = 'INSOLVENT' AND c.insolvency_date <= %(as_of)s AS is_insolvent,
       c.status = 'ON_HOLD' AND (c.hold_until IS NULL OR c.hold_until >= %(as_of)s) AS is_on_hold,
       policy.id AS policy_id,
       coalesce(policy.minimum_amount, 0) AS minimum_amount
FROM customers_customer c
LEFT JOIN risk_score score ON score.customer_id = c.id AND score.is_current
LEFT JOIN LATERAL (
    SELECT p.id, p.minimum_amount
    FROM dunning_policy p
    WHERE p.status = 'ACTIVE'
      AND (p.legal_entity_id IS NULL OR p.legal_entity_id = c.legal_entity_id)
      AND (p.customer_kind = '' OR p.customer_kind = c.kind)
      AND (p.segment = '' OR p.segment = c.segment)
      AND (p.risk_class = '' OR p.risk_class = score.risk_class)
    ORDER BY p.priority, p.code
    LIMIT 1
) policy ON TRUE
WHERE c.legal_entity_id = %(entity)s
"""

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

ITEMS = f"""
CREATE TEMP TABLE plan_item ON COMMIT DROP AS
SELECT b.item_id, b.customer_id, b.currency, b.due_date, b.open_amount, b.is_factored,
       agency.item_id IS NOT NULL AS is_with_agency,
       plan.item_id IS NOT NULL AS is_planned,
       least(coalesce(dispute.amount, 0), b.open_amount) AS disputed_amount,
       least(coalesce(promise.amount, 0), b.open_amount - least(coalesce(dispute.amount, 0), b.open_amount))
           AS promised_amount,
       coalesce(step.rank, 0) AS last_rank,
       step.sent_on AS last_sent_on
FROM plan_balance b
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
    SELECT l.rank, CASE WHEN n.status = 'SENT' THEN n.sent_on END AS sent_on
    FROM dunning_noticeline l
    JOIN dunning_notice n ON n.id = l.notice_id
    WHERE l.item_id = b.item_id AND l.in_force
    ORDER BY l.rank DESC
    LIMIT 1
) step ON TRUE
WHERE b.open_amount > 0 AND b.due_date < %(as_of)s
"""


def gather(cursor: CursorWrapper, *, entity_id: int, as_of: object) -> None:
    """Fill the temporary tables `plan_account`, `plan_balance`, `plan_credit` and `plan_item`."""
    params = {"entity": entity_id, "as_of": as_of, "zone": get_default_timezone_name()}
    for statement in (ACCOUNTS, LATER, BALANCES, CREDITS, ITEMS):
        cursor.execute(statement, params)
    # Temporary tables have no statistics of their own: without these the joins below are guessed.
    cursor.execute("CREATE INDEX ON plan_account (customer_id)")
    cursor.execute("ANALYZE plan_account; ANALYZE plan_balance; ANALYZE plan_credit; ANALYZE plan_item")
