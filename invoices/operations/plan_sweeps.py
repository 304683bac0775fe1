"""What time and money do to échéanciers: instalments paid, reminders due, plans completed or in default. Set-based."""

from datetime import date, datetime, timedelta

from django.db import connection
from django.db.backends.utils import CursorWrapper

from core.operation import operation
from core.rights import Actor

# A plan that somebody works on at this moment is left to the next sweep.
_LOCKED = """
CREATE TEMP TABLE swept_plan ON COMMIT DROP AS
SELECT id, customer_id, currency, total_amount, grace_days
FROM invoices_paymentplan
WHERE status = 'ACTIVE'
ORDER BY id
FOR UPDATE SKIP LOCKED
"""

# The rule of `plan_rules.paid_of_instalments`: what the items lost since, up to their part, pays the oldest first.
_INSTALMENTS = """
WITH received AS (
    SELECT part.plan_id, sum(greatest(part.amount - greatest(item.open_amount, 0), 0)) AS amount
    FROM invoices_planitem part
    JOIN swept_plan plan ON plan.id = part.plan_id
    JOIN invoices_openitem item ON item.id = part.item_id
    GROUP BY part.plan_id
), ranked AS (
    SELECT instalment.id, instalment.plan_id, instalment.amount, instalment.due_date, plan.grace_days,
           sum(instalment.amount) OVER (PARTITION BY instalment.plan_id ORDER BY instalment.rank) - instalment.amount
               AS earlier
    FROM invoices_instalment instalment
    JOIN swept_plan plan ON plan.id = instalment.plan_id
), paid AS (
    SELECT ranked.*, least(ranked.amount, greatest(received.amount - ranked.earlier, 0)) AS paid_amount
    FROM ranked JOIN received USING (plan_id)
), judged AS (
    SELECT id, paid_amount,
           CASE WHEN paid_amount = amount THEN 'PAID'
                WHEN due_date + grace_days < %(today)s THEN 'MISSED'
                WHEN paid_amount > 0 THEN 'PARTLY_PAID'
                ELSE 'DUE' END AS status
    FROM paid
)
UPDATE invoices_instalment instalment
SET paid_amount = judged.paid_amount, status = judged.status
FROM judged
WHERE judged.id = instalment.id
  AND (instalment.paid_amount, instalment.status) IS DISTINCT FROM (judged.paid_amount, judged.status)
"""

# Money of the customer's that nobody has matched yet may be the missing instalment: it is matched first.
_ENDED = """
CREATE TEMP TABLE ended_plan ON COMMIT DROP AS
SELECT plan.id, plan.customer_id, plan.currency, plan.total_amount,
       CASE WHEN standing.unpaid = 0 THEN 'COMPLETED' ELSE 'DEFAULTED' END AS status,
       standing.unpaid, standing.missed_on
FROM swept_plan plan
CROSS JOIN LATERAL (
    SELECT sum(amount - paid_amount) AS unpaid,
           coalesce(sum(amount - paid_amount) FILTER (WHERE status = 'MISSED'), 0) AS missed,
           min(due_date) FILTER (WHERE status = 'MISSED') AS missed_on
    FROM invoices_instalment WHERE plan_id = plan.id
) standing
WHERE standing.unpaid = 0
   OR (standing.missed > 0 AND standing.missed > coalesce((
       SELECT -sum(credit.open_amount) FROM invoices_openitem credit
       WHERE credit.customer_id = plan.customer_id AND credit.currency = plan.currency AND credit.open_amount < 0
   ), 0))
"""

_END = """
UPDATE invoices_paymentplan plan
SET status = ended.status, ended_on = %(today)s, updated_at = %(now)s,
    end_reason = CASE WHEN ended.status = 'DEFAULTED' THEN to_char(ended.missed_on, 'DD/MM/YYYY') ELSE '' END
FROM ended_plan ended
WHERE plan.id = ended.id
"""

_RELEASE = """
UPDATE invoices_planitem part SET released_on = %(today)s
FROM ended_plan ended
WHERE part.plan_id = ended.id AND part.released_on IS NULL
"""

_TELL = """
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor)s, %(actor_name)s, 'invoices.plan.' || lower(ended.status),
       ARRAY['paymentplan:' || ended.id, 'customer:' || ended.customer_id]
           || ARRAY(SELECT 'openitem:' || item_id FROM invoices_planitem WHERE plan_id = ended.id ORDER BY item_id),
       jsonb_build_object('reference', 'n° ' || ended.id, 'amount', ended.unpaid::text, 'currency', ended.currency,
                          'total_amount', ended.total_amount::text, 'missed_on', ended.missed_on)
FROM ended_plan ended
ORDER BY ended.id
"""

_REMIND = """
WITH due AS (
    SELECT instalment.id
    FROM invoices_instalment instalment
    JOIN invoices_paymentplan plan ON plan.id = instalment.plan_id
    WHERE plan.status = 'ACTIVE' AND instalment.status IN ('DUE', 'PARTLY_PAID')
      AND instalment.reminded_on IS NULL
      AND instalment.due_date BETWEEN %(today)s AND %(until)s
    ORDER BY instalment.id
    FOR UPDATE OF instalment SKIP LOCKED
), reminded AS (
    UPDATE invoices_instalment instalment SET reminded_on = %(today)s
    FROM due WHERE due.id = instalment.id
    RETURNING instalment.id, instalment.plan_id, instalment.rank, instalment.due_date,
              instalment.amount - instalment.paid_amount AS amount
)
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor)s, %(actor_name)s, 'invoices.instalment.due_soon',
       ARRAY['instalment:' || reminded.id, 'paymentplan:' || plan.id, 'customer:' || plan.customer_id],
       jsonb_build_object('reference', 'n° ' || plan.id || '/' || reminded.rank, 'amount', reminded.amount::text,
                          'currency', plan.currency, 'due_date', reminded.due_date)
FROM reminded JOIN invoices_paymentplan plan ON plan.id = reminded.plan_id
ORDER BY reminded.id
"""


@operation("invoices.plan")
def settle_plans(*, actor: Actor, today: date, now: datetime) -> dict[str, int]:
    """Count what came in towards the instalments of the plans in force, oldest first; end those it ends.

    A plan is COMPLETED once every instalment is paid, DEFAULTED once one is still unpaid after its grace and
    no unmatched receipt of the customer's could pay it; its items are then chased again, for their whole
    balance. Returns how many instalments moved and plans ended. Run twice, it changes nothing.
    """
    given = {"today": today, "now": now, "actor": actor.pk, "actor_name": str(actor)[:120]}
    with connection.cursor() as cursor:
        _forget(cursor)
        cursor.execute(_LOCKED)
        cursor.execute(_INSTALMENTS, given)
        instalments = cursor.rowcount
        cursor.execute(_ENDED)
        cursor.execute(_END, given)
        cursor.execute(_RELEASE, given)
        cursor.execute(_TELL, given)
        cursor.execute("SELECT status, count(*) FROM ended_plan GROUP BY status")
        ended = dict(cursor.fetchall())
        _forget(cursor)
    return {
        "instalments": instalments,
        "completed": ended.get("COMPLETED", 0),
        "defaulted": ended.get("DEFAULTED", 0),
    }


@operation("invoices.plan")
def mark_instalments_due(*, actor: Actor, today: date, now: datetime, days_ahead: int) -> int:
    """Mark the instalments that fall due within so many days as reminded; how many. Each is marked once."""
    with connection.cursor() as cursor:
        cursor.execute(
            _REMIND,
            {
                "today": today,
                "until": today + timedelta(days=days_ahead),
                "now": now,
                "actor": actor.pk,
                "actor_name": str(actor)[:120],
            },
        )
        return cursor.rowcount


def _forget(cursor: CursorWrapper) -> None:
    # The tables live as long as the transaction, which a caller may have opened around several sweeps.
    cursor.execute("DROP TABLE IF EXISTS pg_temp.swept_plan, pg_temp.ended_plan")
