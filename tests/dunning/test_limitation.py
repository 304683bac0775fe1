"""Limitation of claims: a table of cases by article, the alarms, then what holds for any events."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.calendar import add_months
from core.legal import shipped_values
from core.legal_register import MissingLegalParameter, Register
from dunning.limitation import (
    SUSPENDING,
    Event,
    EventKind,
    Period,
    Regime,
    limitation_of,
    period_of,
    regime_of,
)
from risk.legal_deadlines import LIMITATION_YEARS, limitation

REGISTER = Register.of(shipped_values())
DUE = date(2024, 2, 29)
ISSUED = date(2023, 12, 31)
Kind = EventKind


def period(*regimes: Regime, years: int | None = None) -> Period:
    return period_of(REGISTER, regimes, DUE, contract_years=years)


ORDINARY = period(Regime.B2B)

PERIODS = [
    # source, debtor, nature, agreed years, regime, expires on (due on 29 February 2024)
    ("C. com. L110-4", "COMPANY", "", None, Regime.B2B, date(2029, 2, 28)),
    ("C. com. L110-4 sole trader", "SOLE_TRADER", "", None, Regime.B2B, date(2029, 2, 28)),
    ("C. consom. L218-2", "CONSUMER", "", None, Regime.B2C, date(2026, 2, 28)),
    ("C. com. L133-6", "COMPANY", "CARRIAGE", None, Regime.CARRIAGE, date(2025, 2, 28)),
    ("C. com. L133-6 whatever the contract", "COMPANY", "CARRIAGE", 10, Regime.CARRIAGE, date(2025, 2, 28)),
    ("C. com. L110-4 II", "COMPANY", "SHIPPING", None, Regime.SHIPPING, date(2025, 2, 28)),
    ("loi 68-1250 art. 1", "PUBLIC_BODY", "", None, Regime.PUBLIC, date(2028, 12, 31)),
    ("C. civ. 2254 shorter", "COMPANY", "", 1, Regime.CONTRACT, date(2025, 2, 28)),
    ("C. civ. 2254 longer", "COMPANY", "", 10, Regime.CONTRACT, date(2034, 2, 28)),
    ("C. civ. 2254 not with a consumer", "CONSUMER", "", 10, Regime.B2C, date(2026, 2, 28)),
    ("C. civ. 2254 not with a public body", "PUBLIC_BODY", "", 10, Regime.PUBLIC, date(2028, 12, 31)),
    ("unknown nature: the shortest", "COMPANY", "UNKNOWN", None, Regime.CARRIAGE, date(2025, 2, 28)),
]


@pytest.mark.parametrize(
    ("debtor", "nature", "years", "regime", "expires"), [case[1:] for case in PERIODS], ids=[case[0] for case in PERIODS]
)  # fmt: skip
def test_periods(debtor: str, nature: str, years: int | None, regime: Regime, expires: date) -> None:
    regimes = regime_of(debtor_kind=debtor, nature=nature, contract_years=years)
    found = limitation_of(
        period_of(REGISTER, regimes, DUE, contract_years=years), due_date=DUE, issue_date=DUE
    )
    assert (found.period.regime, found.expires_on, found.act_by) == (regime, expires, expires)


def test_the_regimes_agree_with_the_deadlines() -> None:
    for regime in LIMITATION_YEARS:
        found = limitation_of(period(Regime(regime)), due_date=DUE, issue_date=DUE)
        assert found.expires_on == limitation(REGISTER, regime, DUE).counted


def on(kind: EventKind, day: date, ended: date | None = None, certain: bool = True) -> Event:
    return Event(kind, day, ended, certain)


CASES = [
    # source, events, act by, expires on, perhaps until (five years; issued 31 December 2023, due 29 February 2024)
    ("C. civ. 2233 due date, and the invoice's as earliest day", [], date(2028, 12, 31), date(2029, 2, 28), date(2029, 2, 28)),
    ("performance before the invoice", [on(Kind.PERFORMANCE, date(2023, 11, 5))],
     date(2028, 11, 5), date(2029, 2, 28), date(2029, 2, 28)),
    ("C. civ. 2240, 2231 acknowledgement", [on(Kind.ACKNOWLEDGEMENT, date(2026, 5, 10))],
     date(2031, 5, 10), date(2031, 5, 10), date(2031, 5, 10)),
    ("C. civ. 2240 an uncertain one keeps the original date", [on(Kind.ACKNOWLEDGEMENT, date(2026, 5, 10), certain=False)],
     date(2028, 12, 31), date(2029, 2, 28), date(2031, 5, 10)),
    ("C. civ. 2240 a lone part payment is never certain", [on(Kind.PART_PAYMENT, date(2026, 5, 10))],
     date(2028, 12, 31), date(2029, 2, 28), date(2031, 5, 10)),
    ("C. civ. 2241 a claim in court is pending", [on(Kind.COURT_CLAIM, date(2026, 5, 10))], None, None, None),
    ("C. civ. 2242 until the proceedings end", [on(Kind.COURT_CLAIM, date(2026, 5, 10), date(2027, 6, 1))],
     date(2032, 6, 1), date(2032, 6, 1), date(2032, 6, 1)),
    ("C. civ. 2242 an acknowledgement meanwhile shortens nothing",
     [on(Kind.COURT_CLAIM, date(2026, 5, 10), date(2027, 6, 1)), on(Kind.ACKNOWLEDGEMENT, date(2026, 9, 1))],
     date(2032, 6, 1), date(2032, 6, 1), date(2032, 6, 1)),
    ("CPC 1411 the order is served", [on(Kind.ORDER_SERVED, date(2026, 5, 10))],
     date(2031, 5, 10), date(2031, 5, 10), date(2031, 5, 10)),
    ("C. civ. 2244 enforcement", [on(Kind.ENFORCEMENT, date(2026, 5, 10))],
     date(2031, 5, 10), date(2031, 5, 10), date(2031, 5, 10)),
    ("L622-25-1 declared: until the proceedings close", [on(Kind.CLAIM_DECLARED, date(2026, 5, 10))], None, None, None),
    ("L622-25-1 closed", [on(Kind.CLAIM_DECLARED, date(2026, 5, 10), date(2029, 9, 30))],
     date(2034, 9, 30), date(2034, 9, 30), date(2034, 9, 30)),
    ("C. civ. 2238 mediation of 100 days", [on(Kind.MEDIATION, date(2026, 1, 1), date(2026, 4, 11))],
     date(2029, 4, 10), date(2029, 6, 8), date(2029, 6, 8)),
    ("C. civ. 2238 six months are left", [on(Kind.MEDIATION, date(2028, 12, 1), date(2029, 1, 10))],
     date(2029, 7, 10), date(2029, 7, 10), date(2029, 7, 10)),
    ("C. civ. 2238 mediation pending", [on(Kind.MEDIATION, date(2026, 1, 1))], None, None, None),
    ("too late to interrupt", [on(Kind.ACKNOWLEDGEMENT, date(2030, 1, 1))],
     date(2028, 12, 31), date(2029, 2, 28), date(2029, 2, 28)),
    ("two in a row", [on(Kind.ACKNOWLEDGEMENT, date(2028, 1, 1)), on(Kind.ACKNOWLEDGEMENT, date(2032, 1, 1))],
     date(2037, 1, 1), date(2037, 1, 1), date(2037, 1, 1)),
    ("C. civ. 2232 the long stop",
     [on(Kind.ACKNOWLEDGEMENT, date(2024 + step, 3, 1)) for step in range(4, 20, 4)],
     date(2043, 12, 31), date(2043, 12, 31), date(2043, 12, 31)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("events", "act_by", "expires", "perhaps"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_events(events: list[Event], act_by: date | None, expires: date | None, perhaps: date | None) -> None:
    found = limitation_of(ORDINARY, due_date=DUE, issue_date=ISSUED, events=events)
    assert (found.act_by, found.expires_on, found.perhaps_until) == (act_by, expires, perhaps)


def test_a_public_debt_runs_again_from_the_next_first_of_january() -> None:
    found = limitation_of(
        period(Regime.PUBLIC), due_date=DUE, issue_date=DUE, events=[on(Kind.ACKNOWLEDGEMENT, date(2026, 5, 10))]
    )  # fmt: skip
    assert found.expires_on == date(2030, 12, 31)


def test_an_event_that_came_too_late_is_told() -> None:
    late = on(Kind.ACKNOWLEDGEMENT, date(2029, 1, 15))
    found = limitation_of(ORDINARY, due_date=DUE, issue_date=ISSUED, events=[late])
    assert found.too_late == (late,)
    # Counted from the due date the period was not over: the prudent date does not believe it.
    assert (found.act_by, found.expires_on) == (date(2028, 12, 31), date(2034, 1, 15))


@pytest.mark.parametrize(
    ("today", "months"),
    [
        (date(2028, 2, 27), None),
        (date(2028, 2, 28), 12),
        (date(2028, 8, 27), 12),
        (date(2028, 8, 28), 6),
        (date(2028, 11, 28), 3),
        (date(2029, 1, 28), 1),
        (date(2029, 2, 28), 1),
        (date(2029, 3, 1), 0),
    ],
)
def test_alarms_at_twelve_six_three_and_one_months(today: date, months: int | None) -> None:
    found = limitation_of(ORDINARY, due_date=DUE, issue_date=DUE)
    alerts = [int(text) for text in REGISTER.parameter("limitation.alert_months", DUE).value.split()]
    assert found.months_left(today, alerts) == months
    assert found.is_barred(today) is (months == 0)


def test_no_alarm_while_the_period_does_not_run() -> None:
    found = limitation_of(ORDINARY, due_date=DUE, issue_date=DUE, events=[on(Kind.COURT_CLAIM, DUE)])
    assert found.months_left(date(2090, 1, 1), [12]) is None
    assert not found.is_barred(date(2090, 1, 1))


def test_a_debt_before_the_known_law_is_not_guessed() -> None:
    with pytest.raises(MissingLegalParameter, match=r"fr\.limitation\.b2b_years"):
        period_of(REGISTER, (Regime.B2B,), date(2001, 1, 1), contract_years=None)


DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))
EVENTS = st.lists(
    st.builds(
        lambda kind, day, days, certain: Event(
            kind, day, None if days is None else day + timedelta(days=days), certain
        ),
        st.sampled_from(EventKind),
        DAYS,
        st.none() | st.integers(0, 900),
        st.booleans(),
    ),
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(due=DAYS, terms=st.integers(0, 90), events=EVENTS, regime=st.sampled_from([Regime.B2B, Regime.PUBLIC]))
def test_certain_events_never_shorten_and_the_prudent_date_comes_first(
    due: date, terms: int, events: list[Event], regime: Regime
) -> None:
    issued = due - timedelta(days=terms)
    bare = limitation_of(period(regime), due_date=due, issue_date=issued)
    found = limitation_of(period(regime), due_date=due, issue_date=issued, events=events)
    dates = [found.act_by or date.max, found.expires_on or date.max, found.perhaps_until or date.max]
    assert all(earlier <= later for earlier, later in pairwise(dates))
    performed = [replace(event) for event in events if event.kind is Kind.PERFORMANCE]
    if not performed:
        assert (found.act_by or date.max) >= bare.act_by  # type: ignore[operator]
    if found.act_by is None:
        assert any(event.kind in SUSPENDING and event.ended_on is None for event in events)
    assert found.earliest_start <= due
    assert found.long_stop_on == add_months(found.earliest_start, 240)
