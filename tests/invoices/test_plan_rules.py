"""Instalments add up to the cent, and receipts pay the oldest first."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoices.plan_rules import (
    MOST_INSTALMENTS,
    Fault,
    Part,
    default_day,
    equal_instalments,
    faults,
    paid_of_instalments,
)

TODAY = date(2026, 3, 2)
cents = st.integers(min_value=60, max_value=10**12).map(lambda value: Decimal(value) / 100)
days = st.dates(min_value=date(2024, 1, 1), max_value=date(2030, 12, 31))


@given(total=cents, count=st.integers(min_value=1, max_value=60), first=days)
def test_equal_instalments_add_up_to_the_cent(total: Decimal, count: int, first: date) -> None:
    parts = equal_instalments(total, count, first)
    assert len(parts) == count
    assert sum(part.amount for part in parts) == total
    assert max(part.amount for part in parts) - min(part.amount for part in parts) <= Decimal("0.01")
    assert parts[0].due_date == first
    assert all(part.amount > 0 for part in parts)
    assert all(
        one.due_date < other.due_date and (other.due_date.month - one.due_date.month) % 12 == 1
        for one, other in pairwise(parts)
    )
    assert faults(parts, total, first) == []


@given(
    amounts=st.lists(cents, min_size=1, max_size=12),
    received=st.integers(min_value=-100, max_value=10**13).map(lambda value: Decimal(value) / 100),
)
def test_receipts_pay_the_oldest_first_and_no_more_than_is_due(
    amounts: list[Decimal], received: Decimal
) -> None:
    paid = paid_of_instalments(amounts, received)
    assert sum(paid) == min(max(received, Decimal(0)), sum(amounts))
    assert all(0 <= part <= amount for part, amount in zip(paid, amounts, strict=True))
    partly = [index for index, part in enumerate(paid) if part < amounts[index]]
    assert all(not paid[index] for index in partly[1:])


def test_a_month_without_that_day_takes_its_last_one() -> None:
    parts = equal_instalments(Decimal("100.00"), 4, date(2027, 1, 31))
    assert [part.due_date for part in parts] == [
        date(2027, 1, 31), date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30)
    ]  # fmt: skip


def test_the_odd_cents_go_to_the_earliest() -> None:
    parts = equal_instalments(Decimal("100.00"), 3, TODAY)
    assert [part.amount for part in parts] == [Decimal("33.34"), Decimal("33.33"), Decimal("33.33")]


@pytest.mark.parametrize(("total", "count"), [("100.00", 0), ("0.02", 3)])
def test_less_than_a_cent_each_is_no_plan(total: str, count: int) -> None:
    with pytest.raises(ValueError, match="cent"):
        equal_instalments(Decimal(total), count, TODAY)


def part(days_ahead: int, amount: str) -> Part:
    return Part(TODAY + timedelta(days=days_ahead), Decimal(amount))


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ([], [Fault("none")]),
        ([part(1, "60.00"), part(2, "40.00")], []),
        ([part(0, "100.00")], []),
        ([part(1, "60.00"), part(2, "39.99")], [Fault("sum")]),
        ([part(-1, "100.00")], [Fault("past", 0)]),
        ([part(2000, "100.00")], [Fault("too_far", 0)]),
        ([part(5, "60.00"), part(5, "40.00")], [Fault("order", 1)]),
        ([part(1, "100.00"), part(2, "0.00")], [Fault("amount", 1)]),
    ],
)
def test_hand_written_instalments_are_checked(parts: list[Part], found: list[Fault]) -> None:
    assert faults(parts, Decimal("100.00"), TODAY) == found


def test_more_than_five_years_of_instalments_are_too_many() -> None:
    parts = [part(index, "1.00") for index in range(MOST_INSTALMENTS + 1)]
    assert faults(parts, Decimal(MOST_INSTALMENTS + 1), TODAY) == [Fault("too_many")]


def test_default_begins_the_day_after_the_grace() -> None:
    assert default_day(date(2026, 3, 31), 5) == date(2026, 4, 6)
