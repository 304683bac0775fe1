"""The only writer of scores: many customers at once, the rule called over columns read set by set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.operation import operation
from core.rights import Actor, SystemActor
from customers.models import Customer
from risk.cards import card_in_force, challenger, read_card
from risk.operations.card_trials import record_nightly
from risk.operations.score_staging import stage

FIRST_YEAR = 1990


class ScoringRefused(BusinessError):
    """Nothing can be scored as of this day."""

    code = "scoring_refused"


@dataclass(frozen=True)
class ScoringOutcome:
    """What a scoring wrote: customers scored, those whose class changed, and how many fell in each class."""

    as_of: date
    customers: int
    class_changes: int
    classes: dict[str, int] = field(default_factory=dict)


@operation("risk.score")
def score_customers(
    *,
    actor: Actor,
    as_of: date,
    now: datetime,
    customer_ids: Sequence[int] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ScoringOutcome:
    """Score the customers in the actor's scope (or those of them in `customer_ids`) as of a day.

    By the card in force; the house's own scoring of all scores by the card on trial as well, side by side. Twice on
    the same facts writes the same. A day before the score in force is kept as history only.
    One event for the run and one for each change of class. Raises ScoringRefused for a day to come.
    """
    if as_of > localtime(now).date() or as_of.year < FIRST_YEAR:
        raise ScoringRefused(
            _("Choisissez un jour passé ou le jour même : un score se lit dans un compte tenu."),
            field="as_of",
        )
    customers = Customer.objects.visible_to(actor)
    if customer_ids is not None:
        customers = customers.filter(pk__in=customer_ids)
    ids = list(customers.order_by("pk").values_list("pk", flat=True))
    card, rival = card_in_force(), challenger() if customer_ids is None else None
    with connection.cursor() as cursor:
        # One scoring at a time: two would both close the same score in force.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('risk.score_customers', 0))")
        staged = stage(cursor, ids, as_of, card, read_card(rival) if rival else None, progress)
        changes = _write(cursor, actor, as_of, now, card.version)
        if rival is not None and isinstance(actor, SystemActor):
            record_nightly(cursor, rival, card.version, staged, as_of, now)
    outcome = ScoringOutcome(as_of, len(ids), changes, dict(sorted(staged.classes.items())))
    audit.record(
        actor=actor,
        verb="risk.portfolio.scored",
        refs=[],
        now=now,
        as_of=as_of.isoformat(),
        card_version=card.version,
        customers=outcome.customers,
        class_changes=outcome.class_changes,
        classes=outcome.classes,
    )
    return outcome


# What each score meets: nothing, an older one in force, one of the same day, or a later one.
_MEET = """
DROP TABLE IF EXISTS pg_temp.met;
CREATE TEMP TABLE met ON COMMIT DROP AS
SELECT scored.*, held.id AS held_id, held.points AS held_points, held.risk_class AS held_class,
       held.class_since AS held_since, held.previous_class AS held_previous,
       CASE WHEN held.id IS NULL THEN 'FIRST'
            WHEN held.as_of > %(as_of)s THEN 'HISTORY'
            WHEN held.as_of = %(as_of)s OR (
                held.points = scored.points AND held.risk_class = scored.risk_class
                AND held.card_version = %(version)s
            ) THEN 'REFRESH'
            ELSE 'REPLACE' END AS what
FROM scored
LEFT JOIN risk_score held ON held.customer_id = scored.customer_id AND held.is_current;
ANALYZE met
"""

_REFRESH = """
UPDATE risk_score held
SET as_of = %(as_of)s, points = met.points, risk_class = met.risk_class, reasons = met.reasons,
    card_version = %(version)s, scored_at = %(now)s,
    class_since = CASE WHEN met.risk_class = met.held_class THEN held.class_since ELSE %(as_of)s END,
    previous_class = CASE WHEN met.risk_class = met.held_class THEN held.previous_class ELSE met.held_class END
FROM met
WHERE met.what = 'REFRESH' AND held.id = met.held_id
"""

_CLOSE = """
UPDATE risk_score held SET is_current = false
FROM met
WHERE met.what = 'REPLACE' AND held.id = met.held_id
"""

_INSERT = """
INSERT INTO risk_score (customer_id, as_of, points, risk_class, reasons, card_version, is_current, class_since,
                        previous_class, scored_at)
SELECT customer_id, %(as_of)s, points, risk_class, reasons, %(version)s, what <> 'HISTORY',
       CASE WHEN what = 'HISTORY' THEN NULL
            WHEN risk_class = held_class THEN held_since
            ELSE %(as_of)s END,
       CASE WHEN what <> 'REPLACE' THEN ''
            WHEN risk_class = held_class THEN held_previous
            ELSE held_class END,
       %(now)s
FROM met
WHERE what <> 'REFRESH'
ON CONFLICT (customer_id, as_of) DO UPDATE
SET points = excluded.points, risk_class = excluded.risk_class, reasons = excluded.reasons,
    card_version = excluded.card_version, is_current = excluded.is_current, class_since = excluded.class_since,
    previous_class = excluded.previous_class, scored_at = excluded.scored_at
"""

_TELL = """
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor_id)s, %(actor_name)s, 'risk.score.class_changed', ARRAY['customer:' || customer_id],
       jsonb_build_object('as_of', %(as_of)s::text, 'from', held_class, 'to', risk_class,
                          'from_points', held_points, 'to_points', points,
                          'name', held_class || ' → ' || risk_class)
FROM met
WHERE what IN ('REFRESH', 'REPLACE') AND risk_class <> held_class
ORDER BY customer_id
"""


def _write(cursor: CursorWrapper, actor: Actor, as_of: date, now: datetime, version: int) -> int:
    """Move the staged scores into place; returns how many classes changed."""
    params: dict[str, date | datetime | int | str | None] = {
        "as_of": as_of,
        "now": now,
        "version": version,
        "actor_id": actor.pk,
        "actor_name": str(actor)[:120],
    }
    for statement in (_MEET, _REFRESH, _CLOSE, _INSERT, _TELL):
        cursor.execute(statement, params)
    return int(cursor.rowcount)
