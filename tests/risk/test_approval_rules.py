"""Who must approve, and under which role: the steps, the stand-in, and that no set of signatures grants more."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.approval_rules import Step, missing_roles, required_roles, role_to_sign_with, step_faults

CM, FD = "CREDIT_MANAGER", "FINANCE_DIRECTOR"
LADDER = [Step(D(50_000), (CM,)), Step(D(250_000), (FD,)), Step(None, (CM, FD))]


@pytest.mark.parametrize(
    ("amount", "roles"),
    [("0", (CM,)), ("50000", (CM,)), ("50000.01", (FD,)), ("250000", (FD,)), ("250000.01", (CM, FD))],
)
def test_steps_include_their_ceiling(amount, roles) -> None:
    assert required_roles(list(reversed(LADDER)), D(amount), same_currency=True) == roles


def test_another_currency_and_no_policy() -> None:
    assert required_roles(LADDER, D(1), same_currency=False) == (CM, FD)
    assert required_roles([], D(10**9), same_currency=True) == (CM,)


@pytest.mark.parametrize(
    ("required", "given_roles", "left"),
    [
        ((CM,), (), (CM,)),
        ((CM,), (FD,), ()),
        ((FD,), (CM,), (FD,)),
        ((CM, FD), (FD,), (CM,)),
        ((CM, FD), (FD, FD), ()),
        ((CM, FD), (CM, CM), (FD,)),
        ((CM, CM), (CM,), (CM,)),
    ],
)
def test_the_director_stands_in_never_the_other_way(required, given_roles, left) -> None:
    assert missing_roles(required, given_roles) == left


@pytest.mark.parametrize(
    ("required", "given_roles", "roles", "role"),
    [
        ((CM, FD), (), {CM}, CM),
        ((CM, FD), (), {CM, FD}, FD),
        ((CM, FD), (CM,), {CM}, None),
        ((CM,), (), {FD}, FD),
        ((FD,), (), {CM}, None),
        ((CM,), (), {"ACCOUNTANT"}, None),
        ((), (), {CM, FD}, None),
    ],
)
def test_role_to_sign_with(required, given_roles, roles, role) -> None:
    assert role_to_sign_with(required, given_roles, roles) == role


@pytest.mark.parametrize(
    ("steps", "faults"),
    [
        (LADDER, []),
        ([], ["EMPTY"]),
        ([Step(D(1), (CM,))], ["NO_TOP"]),
        ([Step(None, ("ACCOUNTANT",))], ["UNKNOWN_ROLE"]),
        ([Step(None, ())], ["NOBODY"]),
        ([Step(D(1), (FD,)), Step(None, (CM,))], ["WEAKER"]),
        ([Step(D(1), (CM, CM)), Step(None, (FD,))], ["WEAKER"]),
    ],
)
def test_faults_of_a_ladder(steps, faults) -> None:
    assert step_faults(steps) == faults


@given(st.lists(st.sampled_from([CM, FD]), max_size=4), st.lists(st.sampled_from([CM, FD]), max_size=4))
def test_signatures_cover_only_what_they_are_worth(required, signed) -> None:
    left = missing_roles(required, signed)
    assert len(left) >= len(required) - len(signed)
    assert left.count(FD) >= required.count(FD) - signed.count(FD)
