"""Due dates and legal limits of payment terms, by article, with the limits of the shipped registry."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendar import DateError, end_of_month
from core.legal import shipped_values
from core.legal_register import Register
from customers.legal_terms import term_limits
from customers.models import PaymentTerms
from customers.payment_terms import (
    CapReason,
    Sector,
    Term,
    TermError,
    TermKind,
    cap_check,
    due_date,
    legal_cap,
    parse_term,
)

LIMITS = term_limits(Register.of(shipped_values()), date(2026, 1, 1))


@pytest.mark.parametrize(
    ("article", "term", "base", "due"),
    [
        ("L441-10 I default", "NET30", date(2026, 1, 31), date(2026, 3, 2)),
        ("L441-10 I 60 days net", "NET60", date(2024, 1, 1), date(2024, 3, 1)),
        ("L441-10 I 60 days net, common year", "NET60", date(2025, 1, 1), date(2025, 3, 2)),
        ("L441-10 I end of month, reading A", "EOM45_A", date(2026, 5, 10), date(2026, 6, 30)),
        ("L441-10 I end of month, reading B", "EOM45_B", date(2026, 5, 10), date(2026, 7, 15)),
        ("reading A on a last day", "EOM45_A", date(2026, 5, 17), date(2026, 7, 31)),
        ("reading B across February", "EOM45_B", date(2026, 2, 3), date(2026, 4, 14)),
        ("periodic invoice", "NET45_PERIODIC", date(2026, 5, 10), date(2026, 6, 24)),
        ("end of month, the 10th", "EOM45_A_DAY10", date(2026, 5, 10), date(2026, 7, 10)),
        ("a cut-off day that February lacks", "EOM30_A_DAY31", date(2025, 12, 15), date(2026, 2, 28)),
        ("other counts of days", "NET90", date(2026, 5, 10), date(2026, 8, 8)),
        ("EOM30", "EOM30_A", date(2026, 5, 10), date(2026, 6, 30)),
        ("EOM60 in reading B", "EOM60_B", date(2026, 5, 10), date(2026, 7, 30)),
        ("L441-11 II perishables", "PERISHABLE_30_DELIVERY", date(2026, 5, 10), date(2026, 6, 9)),
        ("L441-11 II ten days", "PERISHABLE_30_AFTER_DECADE", date(2026, 5, 10), date(2026, 6, 9)),
        ("L441-11 II ten days, 11th", "PERISHABLE_30_AFTER_DECADE", date(2026, 5, 11), date(2026, 6, 19)),
        ("L441-11 II ten days, end", "PERISHABLE_30_AFTER_DECADE", date(2026, 5, 21), date(2026, 6, 30)),
        ("L441-11 II meat", "FRESH_MEAT_20_DELIVERY", date(2026, 5, 10), date(2026, 5, 30)),
        ("L441-11 II alcohol", "ALCOHOL_30_EOM_DELIVERY", date(2026, 5, 10), date(2026, 6, 30)),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_due_dates(article: str, term: str, base: date, due: date) -> None:
    assert due_date(parse_term(term), base) == due


@pytest.mark.parametrize(
    ("term", "reason"),
    [
        ("NET60", CapReason.AT_LIMIT),
        ("NET61", CapReason.TERM_ABOVE_LEGAL_CAP),
        ("NET45", CapReason.BELOW_LIMIT),
        ("NET30", CapReason.DEFAULT_TERM),
        ("NET90", CapReason.TERM_ABOVE_LEGAL_CAP),
        ("EOM45_A", CapReason.AT_LIMIT),
        ("EOM45_B", CapReason.AT_LIMIT),
        ("EOM30_A", CapReason.BELOW_LIMIT),
        ("EOM60_B", CapReason.TERM_ABOVE_LEGAL_CAP),
        ("EOM45_A_DAY10", CapReason.TERM_ABOVE_LEGAL_CAP),
        ("NET45_PERIODIC", CapReason.AT_LIMIT),
        ("NET60_PERIODIC", CapReason.TERM_ABOVE_LEGAL_CAP),
        ("PERISHABLE_30_DELIVERY", CapReason.AT_LIMIT),
        ("PERISHABLE_45_DELIVERY", CapReason.TERM_ABOVE_LEGAL_CAP),
        ("FRESH_MEAT_30_DELIVERY", CapReason.TERM_ABOVE_LEGAL_CAP),
        ("ALCOHOL_30_EOM_DELIVERY", CapReason.AT_LIMIT),
        ("NET45_TRANSPORT", CapReason.TERM_ABOVE_LEGAL_CAP),
    ],
)
def test_l441_10_terms_against_the_limit(term: str, reason: CapReason) -> None:
    check = cap_check(parse_term(term), date(2026, 5, 10), LIMITS)
    assert check.reason is reason
    assert check.is_above is (reason is CapReason.TERM_ABOVE_LEGAL_CAP)


def test_the_limit_is_a_date() -> None:
    assert legal_cap(parse_term("NET90"), date(2026, 5, 10), LIMITS) == date(2026, 7, 9)
    assert legal_cap(parse_term("EOM60_B"), date(2026, 5, 10), LIMITS) == date(2026, 7, 15)


@pytest.mark.parametrize(
    "text", ["", "NET", "60", "EOM45_C", "EOM45_A_DAY0", "EOM45_A_DAY32", "NET99999", "NET-5", "NET9999"]
)
def test_unknown_terms_are_named(text: str) -> None:
    with pytest.raises(TermError, match="Conditions de règlement inconnues"):
        parse_term(text)


def test_a_term_past_the_calendar_is_named() -> None:
    with pytest.raises(DateError):
        due_date(Term(TermKind.NET, 3650), date(9999, 1, 1))


def test_the_rules_of_the_model_are_rules_of_the_module() -> None:
    assert set(PaymentTerms.Rule.values) <= {str(kind) for kind in TermKind}


bases = st.dates(min_value=date(2009, 1, 1), max_value=date(2150, 1, 1))


@given(bases, st.integers(0, 120))
def test_the_two_readings_of_end_of_month(base: date, days: int) -> None:
    after = due_date(Term(TermKind.EOM_AFTER, days), base)
    before = due_date(Term(TermKind.EOM_BEFORE, days), base)
    assert after == end_of_month(after) and after >= base + timedelta(days=days)
    assert before == end_of_month(base) + timedelta(days=days)


@given(bases, st.integers(0, 400), st.sampled_from(list(TermKind)), st.sampled_from(list(Sector)))
def test_a_term_is_above_the_limit_exactly_when_its_date_is(
    base: date, days: int, kind: TermKind, sector: Sector
) -> None:
    term = Term(kind, days, sector=sector)
    check = cap_check(term, base, LIMITS)
    assert check.is_above == (due_date(term, base) > check.cap)
