"""The rule of `dunning.selection` over all accounts at once. One test holds both to the same answers."""

from datetime import date

from django.db.backends.utils import CursorWrapper

ITEM_DECISIONS = """
CREATE TEMP TABLE plan_decision ON COMMIT DROP AS
SELECT i.item_id, i.customer_id, i.currency, 0 AS unit, i.due_date,
       i.open_amount AS balance_amount, i.disputed_amount, i.promised_amount,
       part.chaseable AS open_amount,
       a.kind AS customer_kind, a.policy_id, a.minimum_amount,
       coalesce(c.credit_amount, 0) AS credit_amount,
       i.last_rank + 1 AS rank,
       reached.on_date AS next_date,
       CASE
           WHEN a.is_insolvent THEN 'INSOLVENT'
           WHEN a.is_on_hold THEN 'ON_HOLD'
           WHEN a.policy_id IS NULL THEN 'NO_POLICY'
           WHEN i.due_date < %(rates_from)s THEN 'RATE_MISSING'
           WHEN i.is_factored THEN 'FACTORED'
           WHEN i.is_with_agency THEN 'WITH_AGENCY'
           WHEN i.is_planned THEN 'PLANNED'
           WHEN i.disputed_amount = i.open_amount THEN 'DISPUTED'
           WHEN part.chaseable = 0 THEN 'PROMISED'
           WHEN part.chaseable <= coalesce(c.credit_amount, 0) THEN 'UNALLOCATED_CASH'
           WHEN i.last_rank > 0 AND i.last_sent_on IS NULL THEN 'PENDING'
           WHEN level.id IS NULL THEN 'SEQUENCE_DONE'
           WHEN reached.on_date > %(as_of)s THEN 'WAITING'
       END AS reason
FROM plan_item i
JOIN plan_account a USING (customer_id)
LEFT JOIN plan_credit c USING (customer_id, currency)
LEFT JOIN dunning_level level ON level.policy_id = a.policy_id AND level.rank = i.last_rank + 1
CROSS JOIN LATERAL (SELECT i.open_amount - i.disputed_amount - i.promised_amount AS chaseable) part
CROSS JOIN LATERAL (
    SELECT greatest(i.due_date + level.delay_days, i.last_sent_on + level.gap_days) AS on_date
) reached
"""

STEPS = """
CREATE TEMP TABLE plan_step ON COMMIT DROP AS
SELECT account.customer_id, account.currency, 0 AS unit, account.lead_rank, account.customer_kind,
       level.id AS level_id, level.kind = 'HAND_OVER' AS is_hand_over,
       level.claims_interest, level.claims_indemnity AND account.customer_kind <> 'CONSUMER' AS claims_indemnity,
       level.approval <> 'AUTOMATIC' AS needs_approval,
       account.eligible - account.credit_amount < account.minimum_amount AS is_below_minimum
FROM (
    SELECT customer_id, currency, customer_kind, policy_id, minimum_amount, credit_amount,
           max(rank) AS lead_rank, sum(open_amount) AS eligible
    FROM plan_decision
    WHERE reason IS NULL
    GROUP BY customer_id, currency, customer_kind, policy_id, minimum_amount, credit_amount
) account
JOIN dunning_level level ON level.policy_id = account.policy_id AND level.rank = account.lead_rank
"""

ACCOUNT_REASONS = """
UPDATE plan_decision d
SET reason = CASE WHEN s.is_below_minimum THEN 'BELOW_MINIMUM' ELSE 'OTHER_STEP_FIRST' END
FROM plan_step s
WHERE s.customer_id = d.customer_id AND s.currency = d.currency AND d.reason IS NULL
  AND (s.is_below_minimum OR (s.is_hand_over AND d.rank <> s.lead_rank))
"""


def decide(cursor: CursorWrapper, *, as_of: date, rates_from: date) -> None:
    """Fill `plan_decision` (a rank or a reason per item) and `plan_step` (a level per account).

    `rates_from` is the first day whose legal rate is known: one item with an impossible due date must not keep
    the whole entity from being chased.
    """
    cursor.execute(ITEM_DECISIONS, {"as_of": as_of, "rates_from": rates_from})
    cursor.execute(STEPS)
    cursor.execute(ACCOUNT_REASONS)
    cursor.execute("DELETE FROM plan_step WHERE is_below_minimum")
    cursor.execute("ANALYZE plan_decision; ANALYZE plan_step")
