"""Reminders before the due date that did not leave in time: held, so that none speaks of a day gone by.

Their items come back into the hands of the run, which passes over the levels before the due date.
"""

from datetime import date, datetime

from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _

WITHDRAW = """
WITH late AS (
    SELECT n.id
    FROM dunning_notice n
    JOIN dunning_level level ON level.id = n.level_id
    WHERE n.legal_entity_id = %(entity)s AND level.kind = 'PRE_REMINDER'
      AND n.status IN ('PROPOSED', 'APPROVED', 'RENDERED') AND n.oldest_due_date < %(as_of)s
    FOR UPDATE OF n SKIP LOCKED
), held AS (
    UPDATE dunning_notice n SET status = 'HELD', reason = %(reason)s, not_before = NULL, wait_reason = ''
    FROM late WHERE n.id = late.id
    RETURNING n.id, n.customer_id, n.run_id
), given_back AS (
    UPDATE dunning_noticeline l SET in_force = FALSE
    FROM held WHERE l.notice_id = held.id AND l.in_force
)
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor)s, %(actor_name)s, 'dunning.notice.held',
       ARRAY['notice:' || id, 'customer:' || customer_id, 'run:' || run_id],
       jsonb_build_object('reason', %(reason)s::text)
FROM held
"""


def withdraw_late_reminders(
    cursor: CursorWrapper,
    *,
    entity_id: int,
    as_of: date,
    actor_id: int | None,
    actor_name: str,
    now: datetime,
) -> int:
    """Hold those of the entity whose items fell due before they left; returns how many."""
    cursor.execute(
        WITHDRAW,
        {
            "entity": entity_id,
            "as_of": as_of,
            "now": now,
            "actor": actor_id,
            "actor_name": actor_name,
            "reason": _("échéance passée avant l’envoi de ce rappel"),
        },
    )
    return int(cursor.rowcount)
