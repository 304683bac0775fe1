"""Credit insurance: the figures of the indicators and the delays of a policy, to the day."""

from datetime import date
from decimal import Decimal as D

import pytest

from risk.cover_rules import (
    Deadlines,
    Terms,
    Urgency,
    deadlines,
    delivery_stopped,
    indemnity_on,
    insured_part,
    uncovered,
    urgency,
)

TERMS = Terms(
    max_extension_days=60, declaration_days=60, claim_days=150, waiting_days=150, stop_delivery_days=30,
    alarm_days=10,
)  # fmt: skip
DUE = date(2026, 1, 31)


@pytest.mark.parametrize(
    ("exposure", "cover", "quota", "expected"),
    [
        ("110000", "80000", "0.9", "38000"),  # the indicators' example
        ("110000", "0", "0.9", "110000"),  # expired: a cover of zero
        ("50000", "80000", "0.9", "5000"),  # the own share of what is within the cover
        ("80000", "80000", "1", "0"),
        ("0", "80000", "0.9", "0"),
        ("-500", "80000", "0.9", "-500"),  # a credit balance is not insured
        ("0.05", "80000", "0.9", "0.00"),  # 0.045 rounds half up to 0.05
    ],
)
def test_uncovered_exposure_of_the_indicators(exposure, cover, quota, expected) -> None:
    assert uncovered(D(exposure), D(cover), D(quota)) == D(expected)


def test_insured_and_uncovered_make_the_exposure() -> None:
    for cents in range(0, 2000, 7):
        exposure = D(cents) / 100
        assert (
            insured_part(exposure, D("9.99"), D("0.85")) + uncovered(exposure, D("9.99"), D("0.85"))
            == exposure
        )


def test_the_deadlines_of_an_item_run_from_its_due_date() -> None:
    assert deadlines(DUE, TERMS) == Deadlines(
        extend_until=date(2026, 4, 1),
        deliver_until=date(2026, 3, 2),
        declare_by=date(2026, 4, 1),
        claim_by=date(2026, 6, 30),
    )


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 3, 21), Urgency.FAR),
        (date(2026, 3, 22), Urgency.NEAR),
        (date(2026, 4, 1), Urgency.NEAR),  # the last day still counts
        (date(2026, 4, 2), Urgency.LAPSED),
    ],
)
def test_an_alarm_comes_before_the_deadline_lapses(today, expected) -> None:
    assert urgency(deadlines(DUE, TERMS).declare_by, today, TERMS.alarm_days) is expected


@pytest.mark.parametrize(
    ("oldest", "days", "expected"),
    [
        (date(2026, 1, 31), 30, True),
        (date(2026, 2, 1), 30, False),  # exactly thirty days late
        (None, 30, False),
        (date(2020, 1, 1), None, False),
    ],
)
def test_deliveries_stop_beyond_the_delay_of_the_policy(oldest, days, expected) -> None:
    assert delivery_stopped(oldest, date(2026, 3, 3), days) is expected


@pytest.mark.parametrize(
    ("received", "admitted", "expected"),
    [
        (date(2026, 6, 1), None, date(2026, 10, 29)),
        (date(2026, 6, 1), date(2026, 7, 1), date(2026, 12, 28)),  # 30 days after admission
        (None, None, None),
    ],
)
def test_the_waiting_period_of_the_law_reference(received, admitted, expected) -> None:
    assert indemnity_on(received, 150, admitted) == expected
