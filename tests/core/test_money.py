"""Rounding, splitting, reading and writing amounts (C. civ. 1343 on whole cents; field habits)."""

from decimal import Decimal

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from core.money import (
    MAX_AMOUNT,
    AmountError,
    detect_decimal_mark,
    format_amount,
    format_count,
    parse_amount,
    round_money,
    split_money,
)

amounts = st.decimals(min_value=-MAX_AMOUNT, max_value=MAX_AMOUNT, places=2)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        ("0.005", "0.01"),
        ("0.015", "0.02"),
        ("0.025", "0.03"),
        ("-0.005", "-0.01"),
        ("1500.6849315", "1500.68"),
        ("0.004999999999999999999999999999", "0.00"),
        ("999999999999.994", "999999999999.99"),
    ],
)
def test_rounds_half_up(value: str, rounded: str) -> None:
    assert str(round_money(Decimal(value))) == rounded


def test_never_a_negative_zero() -> None:
    assert str(round_money(Decimal("-0.001"))) == "0.00"


def test_refuses_floats() -> None:
    with pytest.raises(TypeError):
        round_money(0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        ("100.00", [1, 1, 1], ["33.34", "33.33", "33.33"]),
        ("0.01", [1, 1], ["0.01", "0.00"]),
        ("-100.00", [1, 1, 1], ["-33.34", "-33.33", "-33.33"]),
        ("10.00", [0, 3, 7], ["0.00", "3.00", "7.00"]),
        ("0.05", ["0.3", "0.7"], ["0.02", "0.03"]),
        ("0.00", [1, 2], ["0.00", "0.00"]),
    ],
)
def test_splits_by_largest_remainder(total: str, weights: list[object], parts: list[str]) -> None:
    assert [str(part) for part in split_money(Decimal(total), [Decimal(str(w)) for w in weights])] == parts


@pytest.mark.parametrize(
    ("total", "weights"), [("1.005", [1]), ("1.00", []), ("1.00", [0, 0]), ("1.00", [1, -1])]
)
def test_refuses_to_split(total: str, weights: list[int]) -> None:
    with pytest.raises(ValueError):
        split_money(Decimal(total), weights)


@given(
    amounts,
    st.lists(st.decimals(min_value=0, max_value=10**6, places=3), min_size=1, max_size=20).filter(
        lambda weights: sum(weights) > 0
    ),
)
def test_parts_add_up_and_stay_within_a_cent(total: Decimal, weights: list[Decimal]) -> None:
    parts = split_money(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * whole - total * weight) < Decimal("0.01") * whole
    assert parts == split_money(total, weights)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1234,56", "1234.56"),
        ("1 234,56", "1234.56"),
        ("1\u00a0234,56", "1234.56"),
        ("1\u202f234\u202f567,80 €", "1234567.80"),
        ("1,234.56", "1234.56"),
        ("1.234,56", "1234.56"),
        ("1.234.567,8", "1234567.80"),
        ("1,234,567", "1234567.00"),
        ("1'234.50", "1234.50"),
        ("12", "12.00"),
        ("0,5", "0.50"),
        (",50", "0.50"),
        ("-12,50", "-12.50"),
        ("\u221212,50", "-12.50"),
        ("- 12,50 €", "-12.50"),
        ("12,50-", "-12.50"),
        ("12,50 -", "-12.50"),
        ("(12,50)", "-12.50"),
        ("(1 234,50 €)", "-1234.50"),
        ("€ -12.50", "-12.50"),
        ("+12,50", "12.50"),
        ("12.50 EUR", "12.50"),
        ("eur 12.50", "12.50"),
        ("-0,00", "0.00"),
        ("  7 ", "7.00"),
        ("999999999999,99", "999999999999.99"),
        ("000012,00", "12.00"),
    ],
)
def test_reads_what_people_write(text: str, value: str) -> None:
    assert str(parse_amount(text)) == value


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("1,234", ".", "1234.00"),
        ("1.234", ",", "1234.00"),
        ("1,23", ",", "1.23"),
        ("1.234,5", ",", "1234.50"),
        ("1,234.5", ".", "1234.50"),
    ],
)
def test_follows_the_mark_of_the_file(text: str, decimal: str, value: str) -> None:
    assert str(parse_amount(text, decimal=decimal)) == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "vide"),
        ("   ", "vide"),
        ("1,234", "ambigu"),
        ("1.234", "ambigu"),
        ("12a,50", "lettres"),
        ("1O0", "lettres"),
        ("1E5", "lettres"),
        ("NaN", "lettres"),
        ("12 USD", "lettres"),
        ("12 $", "n’est pas un montant"),
        ("abc", "lettres"),
        ("12,345", "ambigu"),
        ("0,123", "deux décimales"),
        ("1234,567", "deux décimales"),
        ("1 234,567", "deux décimales"),
        ("1 23,00", "groupes de trois"),
        ("1 2345", "groupes de trois"),
        ("12.34.56", "groupes de trois"),
        ("1,2345,678", "groupes de trois"),
        ("1.234 567,00", "groupes de trois"),
        ("1'234 567,00", "groupes de trois"),
        ("--5", "plusieurs signes"),
        ("-5-", "plusieurs signes"),
        ("(-5)", "plusieurs signes"),
        ("5,", "n’est pas un montant"),
        ("€", "n’est pas un montant"),
        ("€ 5 €", "n’est pas un montant"),
        ("-", "n’est pas un montant"),
        ("1000000000000,00", "dépasse"),
        ("\u0661\u0662", "n’est pas un montant"),
    ],
)
def test_says_why_a_text_is_no_amount(text: str, says: str) -> None:
    with pytest.raises(AmountError, match=says):
        parse_amount(text)


@pytest.mark.parametrize(
    ("text", "decimal"), [("1,23", "."), ("1.23", ","), ("1.234,56", "."), ("1,234,567", ",")]
)
def test_refuses_a_mark_that_is_not_the_files(text: str, decimal: str) -> None:
    with pytest.raises(AmountError):
        parse_amount(text, decimal=decimal)


@pytest.mark.parametrize(
    ("texts", "mark"),
    [
        (["1 234,56", "12"], ","),
        (["1,234", "12.5"], "."),
        (["1,234", "5,678"], None),
        (["1,234,567"], "."),
        (["1,50", "2.50"], None),
        (["1.234,50 €"], ","),
        ([], None),
    ],
)
def test_detects_the_mark_of_a_column(texts: list[str], mark: str | None) -> None:
    assert detect_decimal_mark(texts) == mark


@pytest.mark.parametrize(
    ("value", "currency", "language", "text"),
    [
        ("1234.56", "EUR", "fr", "1\u202f234,56\u00a0€"),
        ("-1234567.5", "EUR", "fr", "\u22121\u202f234\u202f567,50\u00a0€"),
        ("1234.56", None, "fr", "1\u202f234,56"),
        ("1234.56", "USD", "fr", "1\u202f234,56\u00a0USD"),
        ("0.005", "EUR", "fr", "0,01\u00a0€"),
        ("-0.001", "EUR", "fr", "0,00\u00a0€"),
        ("1234.56", "EUR", "en", "€1,234.56"),
        ("-1234.56", "GBP", "en", "\u2212£1,234.56"),
        ("1234.56", "CHF", "en", "CHF\u00a01,234.56"),
    ],
)
def test_writes_amounts(value: str, currency: str | None, language: str, text: str) -> None:
    assert format_amount(Decimal(value), currency, language) == text


def test_amounts_and_counts_speak_the_language_in_force() -> None:
    assert format_amount(Decimal("1234.56"), "EUR") == "1\u202f234,56\u00a0€"
    assert format_count(-1234567) == "\u22121\u202f234\u202f567"
    with translation.override("en"):
        assert format_amount(Decimal("1234.56"), "EUR") == "€1,234.56"
        assert format_amount(Decimal("1234.56"), "EUR", "fr") == "1\u202f234,56\u00a0€"
        assert format_count(1234567) == "1,234,567"


@given(amounts, st.sampled_from(["fr", "en"]), st.sampled_from([None, "EUR"]))
def test_what_is_written_is_read_again(value: Decimal, language: str, currency: str | None) -> None:
    mark = "," if language == "fr" else "."
    assert parse_amount(format_amount(value, currency, language), decimal=mark) == value


@given(st.text(max_size=30))
def test_any_text_is_an_amount_or_a_named_error(text: str) -> None:
    try:
        amount = parse_amount(text)
    except AmountError:
        return
    assert abs(amount) <= MAX_AMOUNT
    assert amount == round_money(amount)
