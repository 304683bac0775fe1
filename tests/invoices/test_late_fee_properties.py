"""Late-payment interest against a daily oracle, and the closed form of the dunning run against the segments."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.legal import shipped_values
from core.legal_register import ECB_RATE, MissingLegalParameter, Register
from core.money import round_money
from invoices.late_fee_closed_form import closed_form_interest, cumulated_at, cumulative_rate
from invoices.late_fee_parameters import late_fee_parameters, reference_rates
from invoices.late_fee_rules import parse_rule
from invoices.late_fees import AllocationOrder, Claim, DayCount, Movement, MovementKind, late_fees
from tests.invoices.late_fee_oracle import day_by_day

REGISTER = Register.of(shipped_values())
RATES = reference_rates(REGISTER)
PARAMETERS = late_fee_parameters(REGISTER, date(2025, 1, 1))
D = Decimal

cents = st.integers(min_value=1, max_value=5_000_000).map(lambda value: D(value) / 100)
due_dates = st.dates(min_value=date(2022, 1, 1), max_value=date(2026, 6, 30))
rules = st.sampled_from(
    ["ECB_PLUS:10", "ECB_PLUS:8.125", "ECB_PLUS_FROZEN:8", "FIXED:10.27", "FIXED_FLOORED:5", "LEGAL_X:3"]
)


@st.composite
def claims(draw: st.DrawFn) -> Claim:
    due = draw(due_dates)
    as_of = min(due + timedelta(days=draw(st.integers(min_value=-5, max_value=900))), date(2026, 12, 31))
    movements = draw(
        st.lists(
            st.builds(
                Movement,
                st.integers(min_value=-30, max_value=900).map(lambda days: due + timedelta(days=days)),
                cents,
                st.sampled_from(MovementKind),
            ),
            max_size=5,
        )
    )
    return Claim(
        draw(cents),
        due,
        as_of,
        parse_rule(draw(rules)),
        movements,
        day_count=draw(st.sampled_from(DayCount)),
        allocation=draw(st.sampled_from(AllocationOrder)),
        interest_stop=draw(st.none() | st.just(due + timedelta(days=100))),
    )


@settings(max_examples=150, deadline=None)
@given(claims())
def test_agrees_with_a_day_by_day_oracle(claim: Claim) -> None:
    found = late_fees(claim, RATES, PARAMETERS)
    assert claim.rule is not None
    kind, _colon, value = str(claim.rule).partition(":")
    expected = day_by_day(
        amount=Fraction(claim.amount),
        due=claim.due_date,
        as_of=claim.as_of,
        rule=kind,
        value=Fraction(value),
        movements=[(m.day, Fraction(m.amount), str(m.kind)) for m in claim.movements if m.day <= claim.as_of],
        day_count=str(claim.day_count),
        interest_first=claim.allocation is AllocationOrder.INTEREST_FIRST,
        stop=claim.interest_stop,
    )
    assert Fraction(found.interest) == expected.interest
    assert Fraction(found.interest_paid) == expected.paid
    assert Fraction(found.principal_open) == expected.principal
    assert found.indemnity == expected.indemnity
    assert sum((part.printed for part in found.segments), D(0)) == found.interest
    assert all(part.printed >= 0 for part in found.segments)


@settings(max_examples=80, deadline=None)
@given(cents, due_dates, st.integers(1, 600), st.lists(st.integers(1, 600), max_size=6))
def test_cutting_a_delay_in_pieces_changes_nothing(
    amount: Decimal, due: date, days: int, cuts: list[int]
) -> None:
    as_of = min(due + timedelta(days=days), date(2026, 12, 31))
    rule = parse_rule("ECB_PLUS:10")
    whole = late_fees(Claim(amount, due, as_of, rule), RATES, PARAMETERS)
    # One cent paid and charged again would change the principal: payments of nothing only cut.
    pieces = [Movement(due + timedelta(days=cut), D("0.00")) for cut in cuts]
    parts = [
        late_fees(
            Claim(amount, due, as_of, rule, interest_start=start + timedelta(days=1), interest_stop=stop),
            RATES,
            PARAMETERS,
        )
        for start, stop in zip(
            [due, *sorted(due + timedelta(days=cut) for cut in cuts)],
            [*sorted(due + timedelta(days=cut) for cut in cuts), as_of],
            strict=True,
        )
    ]
    assert late_fees(Claim(amount, due, as_of, rule, pieces), RATES, PARAMETERS).interest == whole.interest
    assert round_money(sum((part.interest for fee in parts for part in fee.segments), D(0))) == whole.interest


@settings(max_examples=150, deadline=None)
@given(cents, due_dates, st.integers(-3, 900), st.lists(st.tuples(st.integers(-20, 900), cents), max_size=5))
def test_the_closed_form_of_the_run_equals_the_segments(
    amount: Decimal, due: date, days: int, settled: list[tuple[int, Decimal]]
) -> None:
    as_of = min(due + timedelta(days=days), date(2026, 12, 31))
    allocations, left = [], amount
    for offset, part in sorted(settled):
        day, part = due + timedelta(days=offset), min(part, left)
        if part and day <= as_of:
            allocations.append((day, part))
            left -= part
    table = cumulative_rate(REGISTER.rate_series(ECB_RATE, date(2022, 1, 1), date(2026, 12, 31)), D(10))
    unrounded = closed_form_interest(table, due_date=due, end=as_of, open_amount=left, settled=allocations)
    movements = [Movement(day, part) for day, part in allocations]
    found = late_fees(Claim(amount, due, as_of, parse_rule("ECB_PLUS:10"), movements), RATES, PARAMETERS)
    assert round_money(unrounded) == found.interest
    assert found.principal_open == left


def test_the_cumulative_table_refuses_gaps() -> None:
    periods = REGISTER.rate_series(ECB_RATE, date(2025, 1, 1), date(2026, 12, 31))
    with pytest.raises(MissingLegalParameter, match="2e semestre 2025"):
        cumulative_rate((periods[0], *periods[2:]))
    table = cumulative_rate(periods, D(10))
    assert cumulated_at(table, date(2024, 12, 31)) == 0
    assert cumulated_at(table, date(2025, 7, 1)) == D("13.15") * 181 + D("12.15")
    with pytest.raises(MissingLegalParameter):
        cumulated_at(table, date(2027, 1, 1))
