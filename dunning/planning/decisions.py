"""The rule of `dunning.selection` over all accounts at once. One test holds both to the same answers.

`unit` is the notice an item would stand in, within its customer and currency: the item's own key when it is written
for alone, 0 for the customer's notice, -1 for his reminder before the due date.
"""

from datetime import date
from decimal import Decimal

from django.db.backends.utils import CursorWrapper

# Its own formal notice was proven, in a letter of any policy. Looked at only where a hand-over comes next.
HAS_FORMAL_NOTICE = """EXISTS (
               SELECT 1
               FROM dunning_noticeline line
               JOIN dunning_notice sent ON sent.id = line.notice_id AND sent.status = 'SENT'
               JOIN dunning_level lead ON lead.id = sent.level_id
               JOIN dunning_level own ON own.policy_id = lead.policy_id AND own.rank = line.rank
               WHERE line.item_id = i.item_id AND line.in_force AND own.kind = 'FORMAL_NOTICE'
           )"""

# Each item by itself: the level that comes next, or why none does.
DRAFT = f"""
CREATE TEMP TABLE plan_draft ON COMMIT DROP AS
SELECT i.item_id, i.customer_id, i.currency, i.due_date, i.is_overdue, i.policy_id, i.is_reminders_only,
       i.open_amount AS balance_amount, i.disputed_amount, i.promised_amount,
       part.chaseable AS open_amount,
       a.kind AS customer_kind, a.contact_key,
       coalesce(c.credit_amount, 0) AS credit_amount,
       policy.minimum_amount, policy.progression, policy.contact_gap_days,
       level.level_id, level.rank, level.level_minimum,
       level.kind = 'PRE_REMINDER' AS is_before_due,
       CASE WHEN i.has_own_policy OR policy.grouping = 'ITEM' THEN i.item_id
            WHEN level.kind = 'PRE_REMINDER' THEN -1 ELSE 0 END AS unit,
       reached.on_date AS next_date,
       CASE
           WHEN a.is_insolvent THEN 'INSOLVENT'
           WHEN a.is_on_hold THEN 'ON_HOLD'
           WHEN i.is_excepted THEN 'EXCEPTED'
           WHEN i.is_held_out THEN 'HELD_OUT'
           WHEN i.policy_id IS NULL THEN 'NO_POLICY'
           WHEN i.due_date < %(rates_from)s THEN 'RATE_MISSING'
           WHEN i.is_factored THEN 'FACTORED'
           WHEN i.is_with_agency THEN 'WITH_AGENCY'
           WHEN i.is_planned THEN 'PLANNED'
           WHEN i.disputed_amount = i.open_amount THEN 'DISPUTED'
           WHEN part.chaseable = 0 THEN 'PROMISED'
           WHEN part.chaseable <= coalesce(c.credit_amount, 0) THEN 'UNALLOCATED_CASH'
           WHEN i.last_rank > 0 AND i.last_sent_on IS NULL THEN 'PENDING'
           WHEN level.level_id IS NULL THEN 'SEQUENCE_DONE'
           WHEN i.is_reminders_only AND level.kind IN ('FORMAL_NOTICE', 'HAND_OVER') THEN 'EXCEPTED'
           WHEN level.kind = 'HAND_OVER' AND NOT {HAS_FORMAL_NOTICE} THEN 'OTHER_STEP_FIRST'
           WHEN reached.on_date > %(as_of)s THEN 'WAITING'
       END AS reason
FROM plan_item i
JOIN plan_account a ON a.customer_id = i.customer_id AND a.currency = i.currency
LEFT JOIN plan_credit c ON c.customer_id = i.customer_id AND c.currency = i.currency
LEFT JOIN plan_policy policy ON policy.policy_id = i.policy_id
LEFT JOIN plan_ladder level ON level.policy_id = i.policy_id AND level.last_rank = i.last_rank
    AND level.is_overdue = i.is_overdue
CROSS JOIN LATERAL (SELECT i.open_amount - i.disputed_amount - i.promised_amount AS chaseable) part
CROSS JOIN LATERAL (
    SELECT greatest(
        CASE level.delay_from
            WHEN 'END_OF_MONTH'
                THEN (date_trunc('month', i.due_date::timestamp) + interval '1 month - 1 day')::date
            WHEN 'PREVIOUS' THEN coalesce(i.last_sent_on, i.due_date)
            ELSE i.due_date
        END + level.delay_days,
        i.last_sent_on + level.gap_days,
        CASE WHEN level.kind <> 'PRE_REMINDER' THEN i.due_date + 1 END
    ) AS on_date
) reached
"""

# Then together: minimums, the step that leads each notice, and the gap between two contacts.
CANDIDATES = """
CREATE TEMP TABLE plan_candidate ON COMMIT DROP AS
WITH pooled AS (
    SELECT d.*, sum(d.open_amount) OVER pool - d.credit_amount AS pool_amount
    FROM plan_draft d
    WHERE d.reason IS NULL
    WINDOW pool AS (PARTITION BY d.customer_id, d.currency, d.policy_id, d.is_before_due)
), worth AS (
    SELECT p.*,
           p.pool_amount >= p.minimum_amount
           AND CASE WHEN p.unit > 0 THEN p.open_amount - p.credit_amount ELSE p.pool_amount END
               >= p.level_minimum AS is_worth
    FROM pooled p
), kept AS (
    SELECT w.item_id, w.customer_id, w.currency, w.unit, w.rank, w.level_id, w.open_amount, w.credit_amount,
           w.customer_kind, w.contact_key, w.progression, w.contact_gap_days, w.is_reminders_only,
           w.is_worth AND sum(w.open_amount) FILTER (WHERE w.is_worth) OVER pool - w.credit_amount
               >= w.minimum_amount AS is_worth
    FROM worth w
    WINDOW pool AS (PARTITION BY w.customer_id, w.currency, w.policy_id, w.is_before_due)
), led AS (
    SELECT k.*,
           max(k.rank) FILTER (WHERE k.is_worth) OVER unit AS lead_rank,
           bool_or(k.is_worth AND k.unit = 0) OVER (PARTITION BY k.customer_id, k.currency) AS has_overdue
    FROM kept k
    WINDOW unit AS (PARTITION BY k.customer_id, k.currency, k.unit)
)
SELECT l.item_id, l.customer_id, l.currency, l.unit, l.rank, l.lead_rank, l.open_amount, l.credit_amount,
       l.customer_kind, l.contact_key, l.progression,
       lead.id AS lead_level_id,
       gap.ends_on AS next_date,
       CASE
           WHEN NOT l.is_worth THEN 'BELOW_MINIMUM'
           WHEN l.unit = -1 AND l.has_overdue THEN 'OTHER_STEP_FIRST'
           WHEN lead.kind = 'HAND_OVER' AND l.rank <> l.lead_rank THEN 'OTHER_STEP_FIRST'
           WHEN lead.kind IN ('FORMAL_NOTICE', 'HAND_OVER') AND l.is_reminders_only THEN 'EXCEPTED'
           WHEN gap.applies AND contact.is_to_come THEN 'PENDING'
           WHEN gap.applies AND gap.ends_on > %(as_of)s THEN 'CONTACT_GAP'
       END AS reason
FROM led l
JOIN dunning_level own ON own.id = l.level_id
LEFT JOIN dunning_level lead ON lead.policy_id = own.policy_id AND lead.rank = l.lead_rank
LEFT JOIN plan_contact contact ON contact.contact_key = l.contact_key
CROSS JOIN LATERAL (
    SELECT l.contact_gap_days > 0 AND lead.kind <> 'HAND_OVER' AS applies,
           contact.last_contact + l.contact_gap_days AS ends_on
) gap
"""

DECISIONS = """
CREATE TEMP TABLE plan_decision ON COMMIT DROP AS
SELECT d.item_id, d.customer_id, d.currency, d.unit, d.due_date, d.is_overdue, d.customer_kind,
       d.balance_amount, d.disputed_amount, d.promised_amount, d.open_amount, d.credit_amount,
       CASE WHEN d.progression = 'OLDEST_LEADS' THEN coalesce(c.lead_rank, d.rank) ELSE d.rank END AS rank,
       coalesce(d.reason, c.reason) AS reason,
       CASE coalesce(d.reason, c.reason) WHEN 'WAITING' THEN d.next_date
                                         WHEN 'CONTACT_GAP' THEN c.next_date END AS next_date
FROM plan_draft d
LEFT JOIN plan_candidate c ON c.item_id = d.item_id
"""

STEPS = """
CREATE TEMP TABLE plan_step ON COMMIT DROP AS
SELECT s.customer_id, s.currency, s.unit, s.contact_key, s.customer_kind,
       s.principal, s.level_id, level.claims_interest,
       level.claims_indemnity AND s.customer_kind <> 'CONSUMER' AS claims_indemnity,
       level.approval <> 'AUTOMATIC' OR s.principal > coalesce(level.maximum_amount, s.principal)
           AS needs_approval
FROM (
    SELECT customer_id, currency, unit, contact_key, customer_kind, lead_level_id AS level_id,
           sum(open_amount) - max(credit_amount) AS principal
    FROM plan_candidate
    WHERE reason IS NULL
    GROUP BY customer_id, currency, unit, contact_key, customer_kind, lead_level_id
) s
JOIN dunning_level level ON level.id = s.level_id
"""

VOLUME = "SELECT currency, count(*), sum(principal) FROM plan_step GROUP BY currency ORDER BY currency"

TABLES = ("plan_draft", "plan_candidate", "plan_decision", "plan_step")


def decide(cursor: CursorWrapper, *, as_of: date, rates_from: date) -> None:
    """Fill `plan_decision` (a rank or a reason per item) and `plan_step` (a level per notice).

    `rates_from` is the first day whose legal rate is known: one item with an impossible due date must not keep
    the whole entity from being chased.
    """
    cursor.execute(DRAFT, {"as_of": as_of, "rates_from": rates_from})
    cursor.execute("ANALYZE plan_draft")
    cursor.execute(CANDIDATES, {"as_of": as_of})
    cursor.execute("ANALYZE plan_candidate")
    cursor.execute(DECISIONS)
    cursor.execute(STEPS)
    cursor.execute("ANALYZE plan_decision; ANALYZE plan_step")


def volume(cursor: CursorWrapper) -> dict[str, tuple[int, Decimal]]:
    """What was decided: how many notices and how much principal, by currency."""
    cursor.execute(VOLUME)
    return {currency: (notices, amount) for currency, notices, amount in cursor.fetchall()}


def automatic(cursor: CursorWrapper) -> int:
    """How many of the notices decided ask for nobody's approval."""
    cursor.execute("SELECT count(*) FROM plan_step WHERE NOT needs_approval")
    return int(cursor.fetchone()[0])
