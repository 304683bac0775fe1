"""The statistics of trials against hand-computed cases, tables, and repeated drawing."""

import random
from decimal import Decimal
from math import sqrt

import pytest

from dunning.trial_statistics import (
    days_unpaid,
    euros_gained,
    is_control,
    standardised_difference,
    student_cumulative,
    student_quantile,
    welch,
)


@pytest.mark.parametrize(
    ("freedom", "probability", "quantile"),
    [
        # Student's table.
        (1, 0.975, 12.7062), (2, 0.975, 4.3027), (3, 0.975, 3.1824), (5, 0.95, 2.0150), (10, 0.975, 2.2281),
        (30, 0.975, 2.0423), (120, 0.995, 2.6174), (10_000, 0.975, 1.9602), (4, 0.5, 0.0),
    ],
)  # fmt: skip
def test_quantiles_are_those_of_the_table(freedom: float, probability: float, quantile: float) -> None:
    assert student_quantile(probability, freedom) == pytest.approx(quantile, abs=5e-5)


def test_the_cumulative_of_one_degree_is_the_arctangent() -> None:
    assert student_cumulative(1.0, 1) == pytest.approx(0.75)
    assert student_cumulative(0.0, 7) == pytest.approx(0.5)


def test_quantiles_refuse_what_is_outside() -> None:
    for probability, freedom in ((0.4, 3), (1.0, 3), (0.975, 0)):
        with pytest.raises(ValueError, match="probability"):
            student_quantile(probability, freedom)


def test_welch_by_hand() -> None:
    """Means 20 and 10; variances 100 and 25 over three each: 100/3 + 25/3 = 125/3, its root 6.45497.

    Degrees of freedom (125/3)² / ((100/3)²/2 + (25/3)²/2) = 50/17 = 2.941176.
    """
    found = welch([10, 20, 30], [5, 10, 15])
    assert found is not None
    assert found.value == pytest.approx(10)
    assert found.freedom == pytest.approx(50 / 17)
    half = student_quantile(0.975, 50 / 17) * sqrt(125 / 3)
    assert 3.1824 < half / sqrt(125 / 3) < 4.3027
    assert (found.low, found.high) == pytest.approx((10 - half, 10 + half))
    assert not found.is_conclusive


def test_welch_concludes_when_zero_is_outside() -> None:
    """Means 30 and 20, variances 1 over five each: sqrt(2/5) × t(8) = 0.632456 × 2.306004 = 1.458445."""
    control, treated = [29, 29, 30, 31, 31], [19, 19, 20, 21, 21]
    found = welch(control, treated)
    assert found is not None
    assert found.freedom == pytest.approx(8)
    assert (found.low, found.high) == pytest.approx((8.541555, 11.458445), abs=1e-5)
    assert found.is_conclusive
    worse = welch(treated, control)
    assert worse is not None
    assert worse.is_conclusive
    assert worse.high < 0


def test_too_few_customers_give_no_interval_and_equal_ones_a_point() -> None:
    assert welch([12.0], [10.0, 11.0]) is None
    assert welch([], []) is None
    same = welch([5, 5], [5, 5, 5])
    assert same is not None
    assert (same.low, same.high, same.is_conclusive) == (5 - 5, 0, False)
    assert standardised_difference([1.0], [1.0, 2.0]) is None
    assert standardised_difference([5, 5], [5, 5]) == 0.0


def test_balance_at_the_start_by_hand() -> None:
    """Means 20 and 10, variances 100 and 25: 10 / sqrt(62.5) = 1.264911."""
    assert standardised_difference([10, 20, 30], [5, 10, 15]) == pytest.approx(1.264911, abs=1e-6)


def test_money_stays_decimal() -> None:
    """100 000 € at 5 % a year and 36 500 € at 10 %: 8 650 € a year, 23.698630 a day; 4.5 days: 106.64 €."""
    amounts = [(Decimal("100000.00"), Decimal("5.00")), (Decimal("36500.00"), Decimal("10.00"))]
    assert euros_gained(4.5, amounts) == Decimal("106.64")
    assert euros_gained(-4.5, amounts) == Decimal("-106.64")
    assert euros_gained(4.5, []) == Decimal("0.00")
    assert days_unpaid(Decimal("200.00"), Decimal("3000.00")) == 15.0


def test_the_lot_is_the_same_each_time_and_near_its_share() -> None:
    drawn = [is_control(7, f"{number:09d}", 20) for number in range(5_000)]
    assert drawn == [is_control(7, f"{number:09d}", 20) for number in range(5_000)]
    assert 900 < sum(drawn) < 1_100
    assert drawn != [is_control(8, f"{number:09d}", 20) for number in range(5_000)]


def test_ninety_five_intervals_of_a_hundred_hold_the_truth() -> None:
    """Skewed delays as they are in life, unequal groups and spreads: control 22 days, treated 18 on average."""
    draw = random.Random(20261123)
    held = 0
    for _trial in range(1_000):
        control = [draw.gammavariate(2, 11) for _ in range(60)]
        treated = [draw.gammavariate(3, 6) for _ in range(240)]
        found = welch(control, treated)
        assert found is not None
        held += found.low <= 4 <= found.high
    assert 930 <= held <= 970
