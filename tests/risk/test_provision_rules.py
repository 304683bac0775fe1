"""The allowance by roll rates, its movements, and the French base without VAT."""

from decimal import Decimal
from decimal import Decimal as D
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.provision_rules import (
    BUCKET_COUNT,
    Held,
    RatesMissing,
    Step,
    allowance,
    amount_without_vat,
    bucket_of,
    loss_rates,
    movement,
    with_outlook,
)

# The worked example of the indicators: of 1 000 000 sold, so much reached each bucket, and 6 000 was lost.
REACHED = [D(1_000_000), D(250_000), D(100_000), D(50_000), D(30_000), D(6_000)]
TOY_STEPS = [Step(entered, rolled, 100) for entered, rolled in pairwise(REACHED)]
TOY_BALANCE = [D(80_000), D(20_000), D(11_000), D(5_000), D(4_000)]


def rates_of(steps=TOY_STEPS, **kept):
    return [found.rate for found in loss_rates(steps, minimum_count=10, **kept)]


def test_the_toy_portfolio_of_the_indicators():
    rates = rates_of()
    assert rates == [D("0.006"), D("0.024"), D("0.06"), D("0.12"), D("0.2")]
    assert sum(allowance(amount, rate) for amount, rate in zip(TOY_BALANCE, rates, strict=True)) == D("3020")
    darker = [with_outlook(rate, D("1.2")) for rate in rates]
    assert sum(allowance(amount, rate) for amount, rate in zip(TOY_BALANCE, darker, strict=True)) == D("3624")


@pytest.mark.parametrize(
    ("days", "bucket"),
    [(-10, 0), (0, 0), (1, 1), (30, 1), (31, 2), (60, 2), (61, 3), (90, 3), (91, 4), (4_000, 4)],
)
def test_a_bucket_begins_the_day_after_its_bound(days, bucket):
    assert bucket_of(days) == bucket


def test_a_group_with_few_documents_takes_the_steps_of_all():
    few = [Step(D(1_000), D(900), 9), *TOY_STEPS[1:]]
    found = loss_rates(few, minimum_count=10, wider=[(), TOY_STEPS])
    assert [each.rate for each in found] == rates_of()
    assert [each.source for each in found] == ["OBSERVED_ALL", *["OBSERVED"] * 4]


def test_what_the_ledger_does_not_show_is_entered_by_a_person_and_used_by_the_buckets_before():
    young = [*TOY_STEPS[:4], Step(D(0), D(0), 0)]
    found = loss_rates(young, minimum_count=10, entered={4: D("0.5")})
    assert [each.rate for each in found] == [D("0.015"), D("0.06"), D("0.15"), D("0.3"), D("0.5")]
    assert found[4].source == "ENTERED"


def test_missing_rates_name_their_buckets():
    with pytest.raises(RatesMissing) as told:
        loss_rates(
            [*TOY_STEPS[:3], Step(D(0), D(0), 0), Step(D(0), D(0), 0)], minimum_count=10, entered={4: D(1)}
        )
    assert told.value.buckets == (0, 1, 2, 3)


def test_an_outlook_never_makes_a_loss_of_more_than_the_whole():
    assert with_outlook(D("0.8"), D("1.5")) == 1


@pytest.mark.parametrize(
    ("open_amount", "total", "vat", "expected"),
    [
        # A debt of 10 000 without VAT at 20 %: 12 000 stand open, 10 000 may be lost.
        (D(12_000), D(12_000), D(2_000), D(10_000)),
        (D(6_000), D(12_000), D(2_000), D(5_000)),
        (D(100), D(100), None, D(100)),
        (D(0), D(0), D(0), D(0)),
    ],
)
def test_the_base_without_vat(open_amount, total, vat, expected):
    assert amount_without_vat(open_amount, total, vat) == expected


def test_the_french_example_of_a_doubtful_debt():
    # 10 000 without VAT, loss estimated at 60 %: an allowance of 6 000.
    assert allowance(amount_without_vat(D(12_000), D(12_000), D(2_000)), D("0.6")) == D(6_000)


RATES = {0: D("0.006"), 1: D("0.024"), 2: D("0.06"), 3: D("0.12"), 4: D("0.2")}


def held(base: str, bucket: int, rate: Decimal | None = None, individual: bool = False) -> Held:
    rate = RATES[bucket] if rate is None else rate
    return Held(D(base), bucket, rate, allowance(D(base), rate), individual)


def test_each_cause_of_a_movement_has_its_column():
    assert movement(None, held("1000", 1), RATES).new == D("24.00")
    assert movement(held("1000", 1), None, RATES).settled == D("-24.00")
    assert movement(held("1000", 1), None, RATES, written_off=D(1000)).used == D("-24.00")
    part = movement(held("1000", 1), held("500", 1), RATES, written_off=D(200))
    assert (part.used, part.settled, part.aged) == (D("-4.80"), D("-7.20"), D(0))
    older = movement(held("1000", 1), held("600", 2), RATES)
    assert (older.settled, older.aged, older.rates) == (D("-9.60"), D("21.60"), D("0.00"))
    dearer = movement(held("1000", 1), held("1000", 1, D("0.03")), RATES)
    assert (dearer.settled, dearer.aged, dearer.rates) == (D(0), D(0), D("6.00"))
    doubtful = movement(held("1000", 1), held("1000", 2, D(1), individual=True), RATES)
    assert doubtful.individual == D("976.00")


bases = st.decimals(min_value=0, max_value=10**6, places=2)
rates = st.decimals(min_value=0, max_value=1, places=6)
debts = st.builds(
    lambda base, bucket, rate, individual: Held(base, bucket, rate, allowance(base, rate), individual),
    bases,
    st.integers(0, BUCKET_COUNT - 1),
    rates,
    st.booleans(),
)


@given(before=st.none() | debts, after=st.none() | debts, written_off=bases)
def test_the_parts_of_a_movement_add_up_to_the_cent(before, after, written_off):
    told = movement(before, after, RATES, written_off=written_off)
    opening = before.allowance_amount if before else D(0)
    closing = after.allowance_amount if after else D(0)
    assert opening + told.total == closing


steps_strategy = st.lists(
    st.builds(
        lambda entered, share, count: Step(entered, entered * share, count),
        st.decimals(min_value=1, max_value=10**7, places=2),
        st.decimals(min_value=0, max_value=1, places=3),
        st.integers(10, 1_000),
    ),
    min_size=BUCKET_COUNT,
    max_size=BUCKET_COUNT,
)


@given(steps_strategy)
def test_a_later_bucket_never_has_a_lower_rate(steps):
    found = rates_of(steps)
    assert found == sorted(found)
    assert all(0 <= rate <= 1 for rate in found)
