"""Time limits of legal recovery, by article, with the durations of the shipped registry."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendar import is_working_day
from core.legal import shipped_values
from core.legal_register import MissingLegalParameter, Register
from risk.legal_deadlines import limitation, time_limit
from risk.procedural_deadlines import (
    WAITED_FOR,
    DeadlineError,
    Procedure,
    TimeLimit,
    Unit,
    deadline,
    parse_time_limit,
)

REGISTER = Register.of(shipped_values())


@pytest.mark.parametrize(
    ("procedure", "start", "abroad", "counted", "extended"),
    [
        # R622-24: two months from publication; 31 December has no 31 February
        (Procedure.CLAIM_DECLARATION, date(2025, 12, 31), False, date(2026, 2, 28), date(2026, 3, 2)),
        (Procedure.CLAIM_DECLARATION, date(2026, 1, 14), True, date(2026, 5, 14), date(2026, 5, 15)),
        # L624-9 and L622-26
        (Procedure.RETENTION_OF_TITLE, date(2026, 2, 14), False, date(2026, 5, 14), date(2026, 5, 15)),
        (Procedure.RELEVE_FORCLUSION, date(2026, 3, 2), False, date(2026, 9, 2), date(2026, 9, 2)),
        # L622-27: thirty days
        (Procedure.CLAIM_REPLY, date(2026, 3, 2), False, date(2026, 4, 1), date(2026, 4, 1)),
        # CPC 1411: the date of the order chooses between six months and three
        (Procedure.INJONCTION_SERVICE, date(2026, 8, 31), False, date(2027, 2, 28), date(2027, 3, 1)),
        (Procedure.INJONCTION_SERVICE, date(2026, 9, 1), False, date(2026, 12, 1), date(2026, 12, 1)),
        # CPC 1416
        (Procedure.OPPOSITION, date(2026, 1, 31), False, date(2026, 2, 28), date(2026, 3, 2)),
    ],
)
def test_deadlines(procedure: Procedure, start: date, abroad: bool, counted: date, extended: date) -> None:
    found = deadline(time_limit(REGISTER, procedure, start, abroad=abroad), start)
    assert (found.counted, found.extended) == (counted, extended)


def test_cpc_642_never_lengthens_what_the_creditor_must_do() -> None:
    declare = deadline(parse_time_limit("CLAIM_DECLARATION_2M"), date(2025, 12, 31))
    oppose = deadline(parse_time_limit("OPPOSITION_1M"), date(2026, 1, 31))
    assert declare.act_by == date(2026, 2, 28)
    assert oppose.act_by == date(2026, 3, 2)


@pytest.mark.parametrize(
    ("regime", "due", "barred"),
    [
        ("B2B", date(2024, 2, 29), date(2029, 2, 28)),  # C. com. L110-4
        ("B2C", date(2024, 2, 29), date(2026, 2, 28)),  # C. consom. L218-2
        ("CARRIAGE", date(2026, 3, 15), date(2027, 3, 15)),  # C. com. L133-6
        ("PUBLIC", date(2024, 5, 10), date(2028, 12, 31)),  # loi 68-1250, art. 1
    ],
)
def test_limitation(regime: str, due: date, barred: date) -> None:
    assert limitation(REGISTER, regime, due).counted == barred


def test_a_regime_before_the_registry_is_missing_not_guessed() -> None:
    with pytest.raises(MissingLegalParameter, match=r"fr\.insolvency\.declaration_months"):
        time_limit(REGISTER, Procedure.CLAIM_DECLARATION, date(2000, 1, 1))


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("CLAIM_DECLARATION_4M_ABROAD", TimeLimit(Procedure.CLAIM_DECLARATION, 4, Unit.MONTHS, abroad=True)),
        ("claim_reply_30d", TimeLimit(Procedure.CLAIM_REPLY, 30, Unit.DAYS)),
        ("PRESCRIPTION_2Y", TimeLimit(Procedure.PRESCRIPTION, 2, Unit.YEARS)),
        ("PRESCRIPTION_4Y_PUBLIC", TimeLimit(Procedure.PRESCRIPTION, 4, Unit.YEARS, from_next_year=True)),
    ],
)
def test_reads_time_limits(text: str, limit: TimeLimit) -> None:
    assert parse_time_limit(text) == limit


@pytest.mark.parametrize(
    "text", ["", "OPPOSITION", "OPPOSITION_1", "APPEAL_1M", "OPPOSITION_9999M", "PRESCRIPTION_5Y_X"]
)
def test_unknown_time_limits_are_named(text: str) -> None:
    with pytest.raises(DeadlineError, match="Délai inconnu"):
        parse_time_limit(text)


@given(
    st.sampled_from(list(Procedure)),
    st.dates(min_value=date(2006, 1, 1), max_value=date(2100, 1, 1)),
    st.integers(0, 120),
    st.sampled_from(list(Unit)),
)
def test_what_is_shown_never_loses_a_right(procedure: Procedure, start: date, count: int, unit: Unit) -> None:
    found = deadline(TimeLimit(procedure, count, unit), start)
    assert found.counted <= found.extended
    assert is_working_day(found.extended)
    assert found.act_by == (found.extended if procedure in WAITED_FOR else found.counted)
