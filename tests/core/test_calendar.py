"""Months (CPC 641), working days (CPC 642), half-years (C. com. L441-10 II) and dates as people write them."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendar import (
    DateError,
    HalfYear,
    add_days,
    add_months,
    end_of_month,
    end_of_ten_days,
    format_long_date,
    half_year_of,
    is_working_day,
    next_working_day,
    parse_french_date,
    public_holidays,
)

days = st.dates(min_value=date(1900, 1, 1), max_value=date(2199, 12, 31))


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2025, 12, 30), 2, date(2026, 2, 28)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2026, 9, 15), 3, date(2026, 12, 15)),
        (date(2024, 2, 29), 60, date(2029, 2, 28)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 1, 15), -1, date(2025, 12, 15)),
    ],
)
def test_cpc_641_counts_months(start: date, months: int, end: date) -> None:
    assert add_months(start, months) == end


def test_durations_past_the_calendar_are_named() -> None:
    with pytest.raises(DateError, match="mois"):
        add_months(date(9999, 12, 1), 1)
    with pytest.raises(DateError, match="jours"):
        add_days(date(9999, 12, 31), 1)


@given(days, st.integers(min_value=-600, max_value=600))
def test_months_keep_the_day_or_fall_on_the_last_one(day: date, count: int) -> None:
    moved = add_months(day, count)
    assert (moved.year * 12 + moved.month) - (day.year * 12 + day.month) == count
    assert moved.day == day.day or (moved.day < day.day and moved == end_of_month(moved))


@pytest.mark.parametrize(
    ("day", "end"),
    [
        (date(2025, 3, 3), date(2025, 3, 10)),
        (date(2025, 3, 10), date(2025, 3, 10)),
        (date(2025, 3, 11), date(2025, 3, 20)),
        (date(2024, 2, 21), date(2024, 2, 29)),
        (date(2025, 1, 31), date(2025, 1, 31)),
    ],
)
def test_l441_11_ten_day_periods(day: date, end: date) -> None:
    assert end_of_ten_days(day) == end


@given(days)
def test_half_years_cover_the_calendar_without_gap(day: date) -> None:
    half = half_year_of(day)
    assert half.start <= day <= half.end
    assert half_year_of(half.end + timedelta(days=1)) == half.following


def test_half_years_have_names() -> None:
    assert str(HalfYear(2027, 1)) == "2027-S1"
    assert HalfYear(2027, 1).label() == "1er semestre 2027"
    assert HalfYear(2026, 2).label() == "2e semestre 2026"


def test_l3133_1_eleven_public_holidays() -> None:
    assert sorted(public_holidays(2026)) == [
        date(2026, 1, 1),
        date(2026, 4, 6),
        date(2026, 5, 1),
        date(2026, 5, 8),
        date(2026, 5, 14),
        date(2026, 5, 25),
        date(2026, 7, 14),
        date(2026, 8, 15),
        date(2026, 11, 1),
        date(2026, 11, 11),
        date(2026, 12, 25),
    ]


def test_alsace_moselle_has_two_more() -> None:
    assert public_holidays(2026, alsace_moselle=True) - public_holidays(2026) == {
        date(2026, 4, 3),
        date(2026, 12, 26),
    }
    assert is_working_day(date(2026, 4, 3))
    assert not is_working_day(date(2026, 4, 3), alsace_moselle=True)


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2026, 2, 28), date(2026, 3, 2)),  # Saturday
        (date(2026, 7, 14), date(2026, 7, 15)),  # Bastille Day
        (date(2027, 2, 28), date(2027, 3, 1)),  # Sunday
        (date(2026, 9, 14), date(2026, 9, 14)),
        (date(2026, 5, 23), date(2026, 5, 26)),  # week-end, then Whit Monday
    ],
)
def test_cpc_642_moves_to_the_next_working_day(day: date, working: date) -> None:
    assert next_working_day(day) == working


@given(days)
def test_next_working_day_is_the_first_one(day: date) -> None:
    found = next_working_day(day)
    assert is_working_day(found)
    assert not any(is_working_day(day + timedelta(days=n)) for n in range((found - day).days))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("31/12/2026", date(2026, 12, 31)),
        ("1/3/2026", date(2026, 3, 1)),
        ("01/03/26", date(2026, 3, 1)),
        ("01/03/69", date(2069, 3, 1)),
        ("01/03/99", date(1999, 3, 1)),
        ("31.12.2026", date(2026, 12, 31)),
        ("31-12-2026", date(2026, 12, 31)),
        ("2026-12-31", date(2026, 12, 31)),
        ("2026-12-31 00:00:00", date(2026, 12, 31)),
        ("2026-12-31T00:00:00", date(2026, 12, 31)),
        ("20261231", date(2026, 12, 31)),
        (" 29/02/2024 ", date(2024, 2, 29)),
    ],
)
def test_reads_dates(text: str, day: date) -> None:
    assert parse_french_date(text) == day


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "vide"),
        ("31/02/2026", "le jour 31 n’existe pas, février 2026 compte 28 jours"),
        ("29/02/2025", "compte 28 jours"),
        ("12/25/2026", "25 n’est pas un mois"),
        ("2026-13-01", "13 n’est pas un mois"),
        ("00/01/2026", "le jour 0 n’existe pas"),
        ("01/01/0206", "l’année 206"),
        ("01/01/206", "n’est pas une date"),
        ("demain", "n’est pas une date"),
        ("31/12.2026", "n’est pas une date"),
        ("2026-12-31 14:00:00", "n’est pas une date"),
        ("46000", "n’est pas une date"),
    ],
)
def test_says_why_a_text_is_no_date(text: str, says: str) -> None:
    with pytest.raises(DateError, match=says):
        parse_french_date(text)


@given(days)
def test_every_format_comes_back(day: date) -> None:
    for text in (f"{day:%d/%m/%Y}", f"{day:%d.%m.%Y}", f"{day:%Y-%m-%d}", f"{day:%Y%m%d}"):
        assert parse_french_date(text) == day


@given(st.text(max_size=24))
def test_any_text_is_a_date_or_a_named_error(text: str) -> None:
    try:
        found = parse_french_date(text)
    except DateError:
        return
    assert 1900 <= found.year <= 2199


def test_long_dates() -> None:
    assert format_long_date(date(2026, 3, 1)) == "1er mars 2026"
    assert format_long_date(date(2026, 11, 22)) == "22 novembre 2026"
    assert format_long_date(date(2026, 3, 1), "en") == "1 March 2026"
