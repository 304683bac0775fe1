"""Scores on their way: facts read chunk by chunk, the rule called on each, the answers copied into temporary tables."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from io import StringIO
from typing import Any

from django.db.backends.utils import CursorWrapper

from risk.score_card import Card
from risk.score_facts import facts_of
from risk.score_words import stored
from risk.scoring import Scored, score_facts

CHUNK_SIZE = 5_000
# Of what moved a customer from one class to another, the most telling.
MOST_CAUSES = 3

STAGE = """
DROP TABLE IF EXISTS pg_temp.scored;
CREATE TEMP TABLE scored (
    customer_id bigint NOT NULL, points smallint NOT NULL, risk_class varchar(1) NOT NULL, reasons jsonb NOT NULL
) ON COMMIT DROP;
DROP TABLE IF EXISTS pg_temp.tried;
CREATE TEMP TABLE tried (
    customer_id bigint NOT NULL, old_points smallint NOT NULL, old_class varchar(1) NOT NULL,
    new_points smallint NOT NULL, new_class varchar(1) NOT NULL, reasons jsonb NOT NULL
) ON COMMIT DROP
"""


@dataclass
class Staged:
    """How many customers fell in each class, and how the card on trial would have them."""

    classes: Counter[str] = field(default_factory=Counter)
    matrix: dict[str, Counter[str]] = field(default_factory=dict)
    old_points: int = 0
    new_points: int = 0
    count: int = 0

    @property
    def moved(self) -> int:
        return sum(count for old, row in self.matrix.items() for new, count in row.items() if new != old)

    def facts(self) -> dict[str, Any]:
        """Means to one decimal (as text), customers that rise and that fall."""
        moves = [(old, new, count) for old, row in self.matrix.items() for new, count in row.items()]
        return {
            "old_mean": _mean(self.old_points, self.count),
            "new_mean": _mean(self.new_points, self.count),
            "better": sum(count for old, new, count in moves if new < old),
            "worse": sum(count for old, new, count in moves if new > old),
        }


def stage(
    cursor: CursorWrapper,
    ids: Sequence[int],
    as_of: date,
    card: Card,
    on_trial: Card | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Staged:
    """Score the customers into `scored`, and by the card on trial into `tried` when its class is another."""
    cursor.execute(STAGE)
    staged = Staged()
    for start in range(0, len(ids), CHUNK_SIZE):
        _stage_chunk(cursor, ids[start : start + CHUNK_SIZE], as_of, card, on_trial, staged)
        if progress is not None:
            progress(min(start + CHUNK_SIZE, len(ids)), len(ids))
    return staged


def _stage_chunk(
    cursor: CursorWrapper, ids: Sequence[int], as_of: date, card: Card, on_trial: Card | None, staged: Staged
) -> None:
    lines, moves = StringIO(), StringIO()
    for found in facts_of(ids, as_of):
        scored = score_facts(card, found.facts, as_of)
        # COPY's text format: numbers, ASCII JSON without backslashes or tabs.
        lines.write(f"{found.customer_id}\t{scored.points}\t{scored.risk_class}\t{_json(stored(scored))}\n")
        staged.classes[scored.risk_class] += 1
        staged.count += 1
        if on_trial is not None:
            tried = score_facts(on_trial, found.facts, as_of)
            staged.old_points += scored.points
            staged.new_points += tried.points
            staged.matrix.setdefault(scored.risk_class, Counter())[tried.risk_class] += 1
            if tried.risk_class != scored.risk_class:
                moves.write(
                    f"{found.customer_id}\t{scored.points}\t{scored.risk_class}\t{tried.points}"
                    f"\t{tried.risk_class}\t{_json(causes(scored, tried))}\n"
                )
    lines.seek(0)
    cursor.copy_expert("COPY scored (customer_id, points, risk_class, reasons) FROM STDIN", lines)
    moves.seek(0)
    cursor.copy_expert(
        "COPY tried (customer_id, old_points, old_class, new_points, new_class, reasons) FROM STDIN", moves
    )


def causes(old: Scored, new: Scored) -> list[dict[str, Any]]:
    """What moved a score: the criteria whose points changed most, as JSON."""
    before = {reason.criterion: reason for reason in old.reasons}
    after = {reason.criterion: reason for reason in new.reasons}
    changes = []
    for criterion in dict.fromkeys([*after, *before]):
        one, other = before.get(criterion), after.get(criterion)
        change = {
            "criterion": criterion.value,
            "old": one.points if one else 0,
            "old_maximum": one.maximum if one else 0,
            "new": other.points if other else 0,
            "new_maximum": other.maximum if other else 0,
        }
        if change["old"] != change["new"]:
            changes.append(change)
    changes.sort(key=lambda change: -abs(int(change["new"]) - int(change["old"])))
    return changes[:MOST_CAUSES]


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _mean(total: int, count: int) -> str:
    """To one decimal, half up: points are whole and never negative."""
    tenths = (total * 20 + count) // (2 * count) if count else 0
    return f"{tenths // 10}.{tenths % 10}"
