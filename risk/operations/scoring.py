"""The only writer of scores: many customers at once, the rule called over columns read set by set."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from io import StringIO

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.operation import operation
from core.rights import Actor
from customers.models import Customer
from risk.behaviour import behaviours
from risk.score_words import stored
from risk.scoring import CARD_VERSION, score

CHUNK_SIZE = 5_000
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

    Twice on the same ledger writes the same. A day before the score in force is kept as history only.
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
    classes: Counter[str] = Counter()
    with connection.cursor() as cursor:
        # One scoring at a time: two would both close the same score in force.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('risk.score_customers', 0))")
        cursor.execute(_STAGE)
        for start in range(0, len(ids), CHUNK_SIZE):
            classes.update(_stage(cursor, ids[start : start + CHUNK_SIZE], as_of))
            if progress is not None:
                progress(min(start + CHUNK_SIZE, len(ids)), len(ids))
        changes = _write(cursor, actor, as_of, now)
    outcome = ScoringOutcome(as_of, len(ids), changes, dict(sorted(classes.items())))
    audit.record(
        actor=actor,
        verb="risk.portfolio.scored",
        refs=[],
        now=now,
        as_of=as_of.isoformat(),
        customers=outcome.customers,
        class_changes=outcome.class_changes,
        classes=outcome.classes,
    )
    return outcome


_STAGE = """
DROP TABLE IF EXISTS pg_temp.scored;
CREATE TEMP TABLE scored (
    customer_id bigint NOT NULL, points smallint NOT NULL, risk_class varchar(1) NOT NULL, reasons jsonb NOT NULL
) ON COMMIT DROP
"""


def _stage(cursor: CursorWrapper, ids: list[int], as_of: date) -> Counter[str]:
    """Score one chunk into the temporary table; returns how many customers fell in each class."""
    lines, classes = StringIO(), Counter[str]()
    for found in behaviours(ids, as_of):
        scored = score(found.behaviour)
        # COPY's text format: numbers, ASCII JSON without backslashes or tabs.
        reasons = json.dumps(stored(scored), separators=(",", ":"))
        lines.write(f"{found.customer_id}\t{scored.points}\t{scored.risk_class}\t{reasons}\n")
        classes[scored.risk_class] += 1
    lines.seek(0)
    cursor.copy_expert("COPY scored (customer_id, points, risk_class, reasons) FROM STDIN", lines)
    return classes


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


def _write(cursor: CursorWrapper, actor: Actor, as_of: date, now: datetime) -> int:
    """Move the staged scores into place; returns how many classes changed."""
    params: dict[str, date | datetime | int | str | None] = {
        "as_of": as_of,
        "now": now,
        "version": CARD_VERSION,
        "actor_id": actor.pk,
        "actor_name": str(actor)[:120],
    }
    for statement in (_MEET, _REFRESH, _CLOSE, _INSERT, _TELL):
        cursor.execute(statement, params)
    return int(cursor.rowcount)
