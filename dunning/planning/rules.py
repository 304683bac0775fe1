"""A stored policy as the pure rule reads it."""

from dunning.models import Policy
from dunning.selection import LevelRule, PolicyRule


def rule_of(policy: Policy) -> PolicyRule:
    """The policy's ladder and how it writes, for `dunning.selection.select`. Its levels may be prefetched."""
    return PolicyRule(
        levels=tuple(
            LevelRule(
                rank=level.rank,
                delay_days=level.delay_days,
                gap_days=level.gap_days,
                kind=level.kind,
                delay_from=level.delay_from,
                minimum_amount=level.minimum_amount,
                maximum_amount=level.maximum_amount,
                approval=level.approval,
            )
            for level in sorted(policy.levels.all(), key=lambda level: level.rank)
        ),
        policy_id=policy.pk,
        minimum_amount=policy.minimum_amount,
        grouping=policy.grouping,
        progression=policy.progression,
        contact_gap_days=policy.contact_gap_days,
    )
