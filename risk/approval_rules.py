"""Who must approve a limit, and under which role a person's approval counts. Pure.

A step names one role for each person wanted. The finance director may stand in for the credit manager, never the
other way round: the higher signature is worth the lower one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

CREDIT_MANAGER = "CREDIT_MANAGER"
FINANCE_DIRECTOR = "FINANCE_DIRECTOR"
APPROVING_ROLES = (CREDIT_MANAGER, FINANCE_DIRECTOR)
# What holds as long as no policy says otherwise: one credit manager, who is not the one who asks.
WITHOUT_POLICY = (CREDIT_MANAGER,)


@dataclass(frozen=True)
class Step:
    """`up_to` is included; None has no ceiling."""

    up_to: Decimal | None
    roles: tuple[str, ...]


def required_roles(steps: Sequence[Step], amount: Decimal, *, same_currency: bool) -> tuple[str, ...]:
    """The roles of the first step that reaches the amount.

    An amount in another currency than the policy's is not converted: the highest step decides.
    """
    if not steps:
        return WITHOUT_POLICY
    ordered = sorted(steps, key=lambda step: (step.up_to is None, step.up_to or Decimal(0)))
    if not same_currency:
        return ordered[-1].roles
    return next(
        (step.roles for step in ordered if step.up_to is None or amount <= step.up_to), ordered[-1].roles
    )


def missing_roles(required: Sequence[str], given: Sequence[str]) -> tuple[str, ...]:
    """The roles that still wait for somebody, after approvals given under these roles."""
    left = list(required)
    # The exact role first, so that a stand-in is counted only where he stands in.
    rest = []
    for role in given:
        if role in left:
            left.remove(role)
        else:
            rest.append(role)
    for role in rest:
        if role == FINANCE_DIRECTOR and CREDIT_MANAGER in left:
            left.remove(CREDIT_MANAGER)
    return tuple(left)


def role_to_sign_with(required: Sequence[str], given: Sequence[str], roles: Collection[str]) -> str | None:
    """Under which of his roles a person may approve next; None when none of them is waited for.

    His own role where it is wanted, else as a stand-in.
    """
    left = missing_roles(required, given)
    for role in (FINANCE_DIRECTOR, CREDIT_MANAGER):
        if role in left and role in roles:
            return role
    if CREDIT_MANAGER in left and FINANCE_DIRECTOR in roles:
        return FINANCE_DIRECTOR
    return None


def may_ever_approve(required: Sequence[str], roles: Collection[str]) -> bool:
    """Whether a person with these roles has a say in a request that wants `required`."""
    return any(role in roles for role in required) or (
        CREDIT_MANAGER in required and FINANCE_DIRECTOR in roles
    )


def step_faults(steps: Sequence[Step]) -> list[str]:
    """What keeps a ladder of steps from being put in force: codes, in the order in which they are mended.

    EMPTY, NO_TOP (the last step has a ceiling), UNKNOWN_ROLE, NOBODY, WEAKER (a higher step asks for less).
    """
    if not steps:
        return ["EMPTY"]
    ordered = sorted(steps, key=lambda step: (step.up_to is None, step.up_to or Decimal(0)))
    faults = []
    if ordered[-1].up_to is not None:
        faults.append("NO_TOP")
    if any(not step.roles for step in ordered):
        faults.append("NOBODY")
    if any(role not in APPROVING_ROLES for step in ordered for role in step.roles):
        faults.append("UNKNOWN_ROLE")
    if any(missing_roles(low.roles, high.roles) for low, high in pairwise(ordered)):
        faults.append("WEAKER")
    return faults
