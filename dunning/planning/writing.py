"""Writing what a run decided: notices, their lines, the exclusions and the audit trail, set by set."""

from datetime import datetime

from django.db.backends.utils import CursorWrapper

from dunning.models import Run

NOTICES = """
INSERT INTO dunning_notice (run_id, legal_entity_id, customer_id, level_id, item_id, contact_key, currency, status,
                            as_of, open_amount, interest_amount, indemnity_amount, line_count, oldest_due_date,
                            decided_at, reason)
SELECT %(run)s, %(entity)s, s.customer_id, s.level_id, CASE WHEN s.unit > 0 THEN s.unit END, s.contact_key,
       s.currency, CASE WHEN s.needs_approval OR %(none_by_itself)s THEN 'PROPOSED' ELSE 'APPROVED' END,
       %(as_of)s, sum(d.open_amount) - max(d.credit_amount),
       coalesce(sum(f.interest), 0), coalesce(sum(m.indemnity), 0), count(*), min(d.due_date),
       CASE WHEN s.needs_approval OR %(none_by_itself)s THEN NULL ELSE %(now)s END, ''
FROM plan_step s
JOIN plan_decision d ON d.customer_id = s.customer_id AND d.currency = s.currency AND d.unit = s.unit
    AND d.reason IS NULL
LEFT JOIN plan_fee f ON f.item_id = d.item_id
LEFT JOIN plan_indemnity m ON m.item_id = d.item_id
GROUP BY s.customer_id, s.currency, s.unit, s.level_id, s.contact_key, s.needs_approval
ORDER BY s.customer_id, s.currency, s.unit
"""

# The run's own notices, with statistics: those of the stored table know nothing of a run just written, and the joins
# below would be guessed as if it had one notice.
WRITTEN = """
CREATE TEMP TABLE plan_notice ON COMMIT DROP AS
SELECT id, customer_id, currency, item_id FROM dunning_notice WHERE run_id = %(run)s
"""

LINES = """
INSERT INTO dunning_noticeline (notice_id, item_id, rank, in_force, open_amount, disputed_amount,
                                promised_amount, days_late, interest_amount, indemnity_amount)
SELECT n.id, d.item_id, d.rank, TRUE, d.open_amount, d.disputed_amount, d.promised_amount,
       %(as_of)s - d.due_date,
       coalesce(f.interest, 0), coalesce(m.indemnity, 0)
FROM plan_notice n
JOIN plan_decision d ON d.customer_id = n.customer_id AND d.currency = n.currency AND d.reason IS NULL
    AND CASE WHEN d.unit > 0 THEN d.unit END IS NOT DISTINCT FROM n.item_id
LEFT JOIN plan_fee f ON f.item_id = d.item_id
LEFT JOIN plan_indemnity m ON m.item_id = d.item_id
ORDER BY n.id, d.due_date, d.item_id
"""

# Credit notes and unallocated cash stand in the notice, deducted; they take no step. Where each item has a notice of
# its own, they stand in each: none asks for more than what would be left of its item.
CREDIT_LINES = """
INSERT INTO dunning_noticeline (notice_id, item_id, rank, in_force, open_amount, days_late,
                                interest_amount, indemnity_amount)
SELECT n.id, b.item_id, 0, FALSE, b.open_amount, 0, 0, 0
FROM plan_notice n
JOIN plan_balance b ON b.customer_id = n.customer_id AND b.currency = n.currency AND b.open_amount < 0
ORDER BY n.id, b.due_date, b.item_id
"""

# What is not due yet and takes no step is nobody's business: the exclusions tell of overdue items only.
EXCLUSIONS = """
INSERT INTO dunning_runexclusion (run_id, customer_id, reason, currency, item_count, open_amount, next_date)
SELECT %(run)s, customer_id, reason, currency, count(*), sum(balance_amount),
       min(next_date)
FROM plan_decision
WHERE reason IS NOT NULL AND is_overdue
GROUP BY customer_id, reason, currency
ORDER BY customer_id, reason, currency
"""

AUDIT = """
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor)s, %(actor_name)s, 'dunning.notice.proposed',
       ARRAY['notice:' || n.id, 'customer:' || n.customer_id, 'run:' || n.run_id],
       jsonb_build_object('level', level.kind, 'currency', n.currency, 'lines', n.line_count,
                          'open_amount', n.open_amount::text, 'interest_amount', n.interest_amount::text,
                          'indemnity_amount', n.indemnity_amount::text, 'status', n.status)
FROM dunning_notice n
JOIN dunning_level level ON level.id = n.level_id
WHERE n.run_id = %(run)s
"""


def write(
    cursor: CursorWrapper,
    *,
    run: Run,
    none_by_itself: bool,
    actor_id: int | None,
    actor_name: str,
    now: datetime,
) -> tuple[int, int]:
    """Insert the run's rows; returns how many notices and lines. `none_by_itself`: each notice waits for approval."""
    params = {
        "run": run.pk,
        "none_by_itself": none_by_itself,
        "entity": run.legal_entity_id,
        "as_of": run.as_of,
        "now": now,
        "actor": actor_id,
        "actor_name": actor_name,
    }
    cursor.execute(NOTICES, params)
    notices = cursor.rowcount
    cursor.execute(WRITTEN, params)
    cursor.execute("ANALYZE plan_notice")
    cursor.execute(LINES, params)
    lines = cursor.rowcount
    cursor.execute(CREDIT_LINES, params)
    cursor.execute(EXCLUSIONS, params)
    cursor.execute(AUDIT, params)
    return notices, lines
