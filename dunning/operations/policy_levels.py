"""The levels of a draft: added, changed, moved, taken away."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _

from core.errors import BusinessError
from core.operation import operation
from core.rights import Actor
from dunning.models import Level, Policy
from dunning.operations.policy_drafts import check_keepable, locked_draft, record_edit
from dunning.policy_content import LEVEL_FIELDS, content_of, levels_of

# Ranks are unique at every moment: while levels change places, they stand this far above.
_ASIDE = 1_000
MOST_LEVELS = 20


@operation("dunning.manage_policies")
def save_level(
    *, actor: Actor, policy_id: int, rank: int, seen: str, values: Mapping[str, Any], now: datetime
) -> Policy:
    """Change the level of that rank. Raises ChangedMeanwhile, FaultyLadder for what no draft may hold."""
    policy = locked_draft(actor, policy_id, seen)
    before = content_of(policy)
    level = _level(policy, rank)
    _set_level(level, values)
    check_keepable(policy)
    level.save()
    return record_edit(actor, policy, before, now)


@operation("dunning.manage_policies")
def add_level(
    *, actor: Actor, policy_id: int, rank: int, seen: str, values: Mapping[str, Any], now: datetime
) -> Policy:
    """Put a level at a rank; those at it and after it move down by one."""
    policy = locked_draft(actor, policy_id, seen)
    before = content_of(policy)
    levels = levels_of(policy)
    if len(levels) >= MOST_LEVELS:
        raise BusinessError(
            _("Un scénario a %(most)s niveaux au plus : retirez-en un d’abord.") % {"most": MOST_LEVELS}
        )
    rank = min(max(rank, 1), len(levels) + 1)
    level = Level(policy=policy, rank=rank)
    _set_level(level, values)
    _reorder(policy, [*levels[: rank - 1], level, *levels[rank - 1 :]])
    return record_edit(actor, policy, before, now)


@operation("dunning.manage_policies")
def remove_level(*, actor: Actor, policy_id: int, rank: int, seen: str, now: datetime) -> Policy:
    """Take the level of that rank away; those after it move up by one."""
    policy = locked_draft(actor, policy_id, seen)
    before = content_of(policy)
    gone = _level(policy, rank)
    kept = [level for level in levels_of(policy) if level is not gone]
    gone.delete()
    _reorder(policy, kept)
    return record_edit(actor, policy, before, now)


@operation("dunning.manage_policies")
def move_level(*, actor: Actor, policy_id: int, rank: int, to_rank: int, seen: str, now: datetime) -> Policy:
    """Put the level of that rank at another one."""
    policy = locked_draft(actor, policy_id, seen)
    before = content_of(policy)
    moved = _level(policy, rank)
    levels = [level for level in levels_of(policy) if level is not moved]
    levels.insert(min(max(to_rank, 1), len(levels) + 1) - 1, moved)
    _reorder(policy, levels)
    return record_edit(actor, policy, before, now)


def _level(policy: Policy, rank: int) -> Level:
    for level in policy.levels.all():
        if level.rank == rank:
            found: Level = level
            return found
    raise BusinessError(_("Ce niveau n’existe plus : rechargez la page."), code="not_found")


def _set_level(level: Level, values: Mapping[str, Any]) -> None:
    for field, value in values.items():
        if field not in LEVEL_FIELDS:
            raise KeyError(field)
        setattr(level, field, value)


def _reorder(policy: Policy, levels: list[Level]) -> None:
    """Number the levels in this order, and write them."""
    for rank, level in enumerate(levels, 1):
        level.rank = rank
    check_keepable(policy, levels)
    Level.objects.filter(policy=policy).update(rank=F("rank") + _ASIDE)
    for level in levels:
        level.save()
