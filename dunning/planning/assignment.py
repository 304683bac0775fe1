"""Which policy takes each account (a customer in one currency): exceptions, then trials, then the conditions.

An exception or a trial names its policy; otherwise, of the active policies whose conditions take the account, the one
with the lowest priority number leads. A hold, wherever it stands, holds; a policy named for an item beats the one
named for its customer.
"""

from dunning.contacts import CONTACT_KEY
from dunning.policy_conditions import TAKES_LASTING, TAKES_TODAY

# `ahead_days`: how long before the due date the first level may come; -1 for ladders that begin after it.
POLICIES = """
CREATE TEMP TABLE plan_policy ON COMMIT DROP AS
SELECT p.id AS policy_id, p.minimum_amount, p.grouping, p.progression, p.contact_gap_days,
       CASE WHEN p.status = 'ACTIVE' THEN p.turnover_share_from END AS turnover_share_from,
       coalesce((SELECT max(greatest(-l.delay_days, 0)) FROM dunning_level l
                 WHERE l.policy_id = p.id AND l.kind = 'PRE_REMINDER'), -1) AS ahead_days
FROM dunning_policy p
WHERE (p.legal_entity_id IS NULL OR p.legal_entity_id = %(entity)s)
"""

# The next level for each last rank: above it, and not one before the due date once the item is overdue.
LADDERS = """
CREATE TEMP TABLE plan_ladder ON COMMIT DROP AS
SELECT p.policy_id, taken.last_rank, moment.is_overdue,
       next.id AS level_id, next.rank, next.kind, next.delay_from, next.delay_days, next.gap_days,
       next.minimum_amount AS level_minimum
FROM plan_policy p
CROSS JOIN generate_series(0, (SELECT coalesce(max(rank), 0) FROM dunning_level)::int) taken (last_rank)
CROSS JOIN (VALUES (TRUE), (FALSE)) moment (is_overdue)
CROSS JOIN LATERAL (
    SELECT l.* FROM dunning_level l
    WHERE l.policy_id = p.policy_id AND l.rank > taken.last_rank
      AND NOT (moment.is_overdue AND l.kind = 'PRE_REMINDER')
    ORDER BY l.rank
    LIMIT 1
) next
"""

# What the entity invoiced over the last twelve months: a customer's part and the whole, per currency.
TURNOVER = """
CREATE TEMP TABLE plan_turnover ON COMMIT DROP AS
SELECT customer_id, currency, sum(total_amount) AS invoiced,
       sum(sum(total_amount)) OVER (PARTITION BY currency) AS whole
FROM invoices_openitem
WHERE legal_entity_id = %(entity)s AND kind = 'INVOICE'
  AND issue_date > %(year_before)s AND issue_date <= %(as_of)s
GROUP BY customer_id, currency
"""
NO_TURNOVER = """
CREATE TEMP TABLE plan_turnover (customer_id bigint, currency text, invoiced numeric, whole numeric)
ON COMMIT DROP
"""

# The exceptions in force, per customer (without item) and per item.
EXCEPTIONS = """
CREATE TEMP TABLE plan_exception ON COMMIT DROP AS
SELECT e.customer_id, e.item_id, e.is_excepted, e.is_reminders_only, e.policy_code, named.id AS policy_id
FROM (
    SELECT e.customer_id, e.item_id,
           bool_or(e.effect = 'HOLD') AS is_excepted,
           bool_or(e.effect = 'REMINDERS_ONLY') AS is_reminders_only,
           max(e.policy_code) FILTER (WHERE e.effect = 'POLICY') AS policy_code
    FROM dunning_dunningexception e
    JOIN customers_customer c ON c.id = e.customer_id
    WHERE c.legal_entity_id = %(entity)s AND e.from_date <= %(as_of)s
      AND (e.until IS NULL OR e.until >= %(as_of)s) AND (e.ended_on IS NULL OR e.ended_on > %(as_of)s)
    GROUP BY e.customer_id, e.item_id
) e
LEFT JOIN dunning_policy named ON named.code = e.policy_code AND named.status = 'ACTIVE'
    AND (named.legal_entity_id IS NULL OR named.legal_entity_id = %(entity)s)
"""

ACCOUNTS = f"""
CREATE TEMP TABLE plan_account ON COMMIT DROP AS
SELECT o.customer_id, o.currency, c.kind, {CONTACT_KEY} AS contact_key,
       c.status = 'INSOLVENT' AND c.insolvency_date <= %(as_of)s AS is_insolvent,
       c.status = 'ON_HOLD' AND (c.hold_until IS NULL OR c.hold_until >= %(as_of)s) AS is_on_hold,
       coalesce(exception.is_excepted, FALSE) AS is_excepted,
       coalesce(exception.is_reminders_only, FALSE) AS is_reminders_only,
       control.customer_id IS NOT NULL AND control.control_policy_id IS NULL
           AND exception.policy_code IS NULL AS is_held_out,
       CASE WHEN exception.policy_code IS NOT NULL THEN exception.policy_id
            WHEN control.customer_id IS NOT NULL THEN control.policy_id
            ELSE assigned.id END AS policy_id
FROM (
    SELECT customer_id, currency,
           coalesce(sum(open_amount) FILTER (WHERE due_date < %(as_of)s), 0) AS overdue_amount,
           coalesce(%(as_of)s - min(due_date) FILTER (WHERE due_date < %(as_of)s), 0) AS oldest_days
    FROM plan_balance
    WHERE open_amount > 0 AND due_date <= %(as_of)s + %(ahead)s
    GROUP BY customer_id, currency
) o
JOIN customers_customer c ON c.id = o.customer_id
LEFT JOIN risk_score score ON score.customer_id = c.id AND score.is_current
LEFT JOIN plan_turnover turnover ON turnover.customer_id = o.customer_id AND turnover.currency = o.currency
LEFT JOIN plan_exception exception ON exception.customer_id = c.id AND exception.item_id IS NULL
LEFT JOIN (
    SELECT member.customer_id, trial.control_policy_id, p.policy_id
    FROM dunning_trialmember member
    JOIN dunning_trial trial ON trial.id = member.trial_id
    LEFT JOIN plan_policy p ON p.policy_id = trial.control_policy_id
    WHERE member.is_live AND member.is_control AND trial.started_on <= %(as_of)s
) control ON control.customer_id = c.id
LEFT JOIN LATERAL (
    SELECT p.id
    FROM dunning_policy p
    CROSS JOIN (
        SELECT c.legal_entity_id, c.kind, c.segment, c.country, score.risk_class, turnover.invoiced, turnover.whole,
               o.overdue_amount, o.oldest_days
    ) a
    WHERE p.status = 'ACTIVE' AND {TAKES_LASTING} {TAKES_TODAY}
    ORDER BY p.priority, p.code
    LIMIT 1
) assigned ON TRUE
"""
