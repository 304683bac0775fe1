"""Late-payment interest and indemnity: a table of cases by article, then properties against a daily oracle."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from core.legal import shipped_values
from core.legal_register import MissingLegalParameter, Register
from core.money import round_money
from invoices.late_fee_parameters import conventions, late_fee_parameters, reference_rates
from invoices.late_fee_rules import (
    Debtor,
    FloorPolicy,
    LateFeeParameters,
    Reason,
    Rule,
    RuleError,
    RuleKind,
    parse_rule,
    rule_for,
)
from invoices.late_fees import (
    AllocationOrder,
    Claim,
    ClaimError,
    CreditNotePolicy,
    DayCount,
    LateFees,
    Movement,
    MovementKind,
    late_fees,
)

REGISTER = Register.of(shipped_values())
RATES = reference_rates(REGISTER)
PARAMETERS = late_fee_parameters(REGISTER, date(2025, 1, 1))
D = Decimal


def pay(day: date, amount: str) -> Movement:
    return Movement(day, D(amount))


def credit(day: date, amount: str) -> Movement:
    return Movement(day, D(amount), MovementKind.CREDIT)


def fees(
    amount: str,
    due: date,
    as_of: date,
    rule: str | None = "ECB_PLUS:10",
    parameters: LateFeeParameters = PARAMETERS,
    **facts: Any,
) -> LateFees:
    claim = Claim(D(amount), due, as_of, parse_rule(rule) if rule else None, **facts)
    return late_fees(claim, RATES, parameters)


CASES = [
    # name, amount, due, as of, rule, facts, interest, indemnity, total claim
    # 7300 x 12.15 % x 10 / 365 = 24.30
    ("L441-10 one half-year", "7300.00", date(2026, 3, 10), date(2026, 3, 20), "ECB_PLUS:10", {}, "24.30", "40.00", "7364.30"),
    # 7300 / 36500 = 0.2 a point and day: 1 d x 13.15 + 2 d x 12.15 -> 2.63 + 4.86
    ("L441-10 each day at the rate of its half-year", "7300.00", date(2025, 6, 29), date(2025, 7, 2), "ECB_PLUS:10", {}, "7.49", "40.00", "7347.49"),
    ("L441-10 nothing on the due date", "7300.00", date(2026, 3, 10), date(2026, 3, 10), "ECB_PLUS:10", {}, "0.00", "0.00", "7300.00"),
    ("L441-10 the day after", "7300.00", date(2026, 3, 10), date(2026, 3, 11), "ECB_PLUS:10", {}, "2.43", "40.00", "7342.43"),
    ("C-306/06 credited on the due date", "7300.00", date(2026, 3, 10), date(2026, 4, 10), "ECB_PLUS:10", {"movements": [pay(date(2026, 3, 10), "7300.00")]}, "0.00", "0.00", "0.00"),
    ("C-306/06 credited one day late", "7300.00", date(2026, 3, 10), date(2026, 4, 10), "ECB_PLUS:10", {"movements": [pay(date(2026, 3, 11), "7300.00")]}, "2.43", "40.00", "42.43"),
    ("money after the statement is not known yet", "7300.00", date(2026, 3, 10), date(2026, 3, 20), "ECB_PLUS:10", {"movements": [pay(date(2026, 3, 21), "7300.00")]}, "24.30", "40.00", "7364.30"),
    # 3650 / 36500 = 0.1: 20 d x 15 -> 30.00
    ("L441-10 contractual rate above the floor", "3650.00", date(2026, 3, 1), date(2026, 3, 21), "FIXED_FLOORED:15", {}, "30.00", "40.00", "3720.00"),
    # 3 x 2.62 = 7.86: 20 d x 0.786
    ("L441-10 contractual rate raised to three times the legal rate", "3650.00", date(2026, 3, 1), date(2026, 3, 21), "FIXED_FLOORED:5", {}, "15.72", "40.00", "3705.72"),
    # 30 d x 15.21 + 31 d x 14.76, x 0.1
    ("L441-10 clause of three times the legal rate, over two half-years", "3650.00", date(2024, 5, 31), date(2024, 7, 31), "LEGAL_X:3", {}, "91.39", "40.00", "3781.39"),
    # 30 d x 14.50 + 31 d x 14.25, x 0.1: the default rate is not raised to the floor
    ("L441-10 the floor leaves the default rate alone", "3650.00", date(2024, 5, 31), date(2024, 7, 31), "ECB_PLUS:10", {}, "87.68", "40.00", "3777.68"),
    # 73000 / 36500 = 2 a point and day: 50 d x 12.25
    ("CCP R2192-31 public buyer, frozen at its first half-year", "73000.00", date(2024, 12, 1), date(2025, 1, 20), "ECB_PLUS_FROZEN:8", {"debtor": Debtor.PUBLIC_BODY}, "1225.00", "40.00", "74265.00"),
    # interest starts on 1 January: 3.15 + 8
    ("CCP R2192-31 due on the eve of a half-year", "73000.00", date(2024, 12, 31), date(2025, 1, 10), "ECB_PLUS_FROZEN:8", {"debtor": Debtor.PUBLIC_BODY}, "223.00", "40.00", "73263.00"),
    # 36600 x 14.5 % x 10 / 366
    ("ACT/ACT counts 366 days in a leap year", "36600.00", date(2024, 2, 20), date(2024, 3, 1), "ECB_PLUS:10", {"day_count": DayCount.ACT_ACT}, "145.00", "40.00", "36785.00"),
    # 36600 x 14.5 % x 10 / 365 = 145.3973
    ("ACT/365 does not", "36600.00", date(2024, 2, 20), date(2024, 3, 1), "ECB_PLUS:10", {}, "145.40", "40.00", "36785.40"),
    ("ACT/360 when the contract says so", "36000.00", date(2024, 2, 20), date(2024, 3, 1), "ECB_PLUS:10", {"day_count": DayCount.ACT_360}, "145.00", "40.00", "36185.00"),
    # 10 d x 7300 then 10 d x 3650 at 12.15 %
    ("part payment, principal first", "7300.00", date(2026, 3, 10), date(2026, 3, 30), "ECB_PLUS:10", {"movements": [pay(date(2026, 3, 20), "3650.00")]}, "36.45", "40.00", "3726.45"),
    # 24.30 of interest leaves 3625.70 for the principal: 3674.30 x 12.15 % x 10 / 365 = 12.2309
    ("C. civ. 1343-1 part payment, interest first", "7300.00", date(2026, 3, 10), date(2026, 3, 30), "ECB_PLUS:10", {"allocation": AllocationOrder.INTEREST_FIRST, "movements": [pay(date(2026, 3, 20), "3650.00")]}, "36.53", "40.00", "3726.53"),
    ("L441-10 indemnity in full on a part paid late", "7300.00", date(2026, 3, 10), date(2026, 3, 20), "ECB_PLUS:10", {"movements": [pay(date(2026, 3, 1), "6570.00")]}, "2.43", "40.00", "772.43"),
    ("credit note from its date", "7300.00", date(2026, 3, 10), date(2026, 3, 30), "ECB_PLUS:10", {"movements": [credit(date(2026, 3, 20), "3650.00")]}, "36.45", "40.00", "3726.45"),
    ("credit note from the start, an error being admitted", "7300.00", date(2026, 3, 10), date(2026, 3, 30), "ECB_PLUS:10", {"credit_notes": CreditNotePolicy.RETROACTIVE, "movements": [credit(date(2026, 3, 20), "3650.00")]}, "24.30", "40.00", "3714.30"),
    ("credit note for all, from the start", "7300.00", date(2026, 3, 10), date(2026, 3, 30), "ECB_PLUS:10", {"credit_notes": CreditNotePolicy.RETROACTIVE, "movements": [credit(date(2026, 3, 20), "7300.00")]}, "0.00", "0.00", "0.00"),
    ("C. civ. 1344-1 consumer without formal notice", "7300.00", date(2026, 3, 10), date(2026, 3, 20), "ECB_PLUS:10", {"debtor": Debtor.CONSUMER}, "0.00", "0.00", "7300.00"),
    # 5 d x 2.62 x 0.2
    ("C. civ. 1344-1 consumer after formal notice", "7300.00", date(2026, 3, 10), date(2026, 3, 20), "LEGAL_X:1", {"debtor": Debtor.CONSUMER, "interest_start": date(2026, 3, 16)}, "2.62", "0.00", "7302.62"),
    # interest to 14 March: 4 d
    ("L622-28 interest stops on the eve of the judgment", "7300.00", date(2026, 3, 10), date(2026, 3, 20), "ECB_PLUS:10", {"judgment_date": date(2026, 3, 15)}, "9.72", "40.00", "7349.72"),
    ("L441-10 due on the day of the judgment", "7300.00", date(2026, 3, 10), date(2026, 3, 20), "ECB_PLUS:10", {"judgment_date": date(2026, 3, 10)}, "0.00", "0.00", "7300.00"),
    ("L441-10 due after the judgment", "7300.00", date(2026, 3, 10), date(2026, 3, 20), "ECB_PLUS:10", {"judgment_date": date(2026, 2, 1)}, "0.00", "0.00", "7300.00"),
    ("a judgment not given yet changes nothing", "7300.00", date(2026, 3, 10), date(2026, 3, 20), "ECB_PLUS:10", {"judgment_date": date(2026, 4, 1)}, "24.30", "40.00", "7364.30"),
    ("D441-5 a residue owes the whole indemnity", "0.40", date(2026, 3, 10), date(2026, 3, 20), "ECB_PLUS:10", {}, "0.00", "40.00", "40.40"),
    # 36.50 x 10 % x 1 / 365 = 0.01; half of it is exactly half a cent
    ("half a cent is rounded up", "18.25", date(2022, 3, 1), date(2022, 3, 2), "ECB_PLUS:10", {}, "0.01", "40.00", "58.26"),
    ("clause outside French law: fixed, no floor", "3650.00", date(2026, 3, 1), date(2026, 3, 21), "FIXED:5", {}, "10.00", "40.00", "3700.00"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "due", "as_of", "rule", "facts", "interest", "indemnity", "total"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_cases(
    amount: str,
    due: date,
    as_of: date,
    rule: str,
    facts: dict[str, Any],
    interest: str,
    indemnity: str,
    total: str,
) -> None:
    found = fees(amount, due, as_of, rule, **facts)
    assert (str(found.interest), str(found.indemnity), str(found.total_claim)) == (interest, indemnity, total)
    assert sum((part.printed for part in found.segments), D(0)) == found.interest


def test_1343_1_interest_paid_and_what_is_left() -> None:
    found = fees(
        "7300.00",
        date(2026, 3, 10),
        date(2026, 3, 30),
        allocation=AllocationOrder.INTEREST_FIRST,
        movements=[pay(date(2026, 3, 20), "3650.00")],
    )
    assert (found.interest_paid, found.principal_open, found.interest_open) == (
        D("24.30"),
        D("3674.30"),
        D("12.23"),
    )


def test_money_beyond_the_principal_settles_interest_then_is_a_surplus() -> None:
    found = fees(
        "7300.00", date(2026, 3, 10), date(2026, 4, 30), movements=[pay(date(2026, 3, 20), "7330.00")]
    )
    assert (found.interest, found.interest_paid, found.surplus) == (D("24.30"), D("24.30"), D("5.70"))
    assert found.total_claim == D("40.00")
    assert Reason.OVERPAID in found.reasons


def test_segments_decompose_the_amount() -> None:
    found = fees(
        "7300.00", date(2025, 6, 29), date(2025, 7, 12), movements=[pay(date(2025, 7, 2), "3650.00")]
    )
    assert [
        (part.start, part.end, part.days, part.principal, part.rate_percent, part.divisor, part.printed)
        for part in found.segments
    ] == [
        (date(2025, 6, 30), date(2025, 6, 30), 1, D("7300.00"), D("13.15"), 365, D("2.63")),
        (date(2025, 7, 1), date(2025, 7, 2), 2, D("7300.00"), D("12.15"), 365, D("4.86")),
        (date(2025, 7, 3), date(2025, 7, 12), 10, D("3650.00"), D("12.15"), 365, D("12.15")),
    ]


def test_the_residue_of_rounding_stands_on_the_last_segment() -> None:
    found = fees("5000.00", date(2025, 6, 29), date(2025, 7, 1))
    assert [str(part.interest.quantize(D("0.000001"))) for part in found.segments] == ["1.801370", "1.664384"]
    assert found.sum_of_rounded_segments == D("3.46")
    assert [part.printed for part in found.segments] == [D("1.80"), D("1.67")]


@pytest.mark.parametrize(
    ("policy", "interest"),
    [
        (FloorPolicy.FLOOR, "15.72"),
        (FloorPolicy.DEFAULT, "24.30"),
        (FloorPolicy.AS_WRITTEN_AND_FLAG, "10.00"),
    ],
)
def test_a_clause_below_the_floor_is_always_flagged(policy: FloorPolicy, interest: str) -> None:
    parameters = LateFeeParameters(D(10), D(8), D(3), D("40.00"), floor_policy=policy)
    found = fees("3650.00", date(2026, 3, 1), date(2026, 3, 21), "FIXED_FLOORED:5", parameters)
    assert str(found.interest) == interest
    assert Reason.CLAUSE_BELOW_FLOOR in found.reasons


def test_an_unusual_clause_is_flagged_and_applied() -> None:
    found = fees("3650.00", date(2026, 3, 1), date(2026, 3, 21), "FIXED_FLOORED:15")
    assert Reason.CLAUSE_ABOVE_DEFAULT in found.reasons
    assert found.interest == D("30.00")


def test_de_minimis_is_an_explicit_choice() -> None:
    parameters = LateFeeParameters(D(10), D(8), D(3), D("40.00"), de_minimis=D("5.00"))
    small = fees("5.00", date(2026, 3, 1), date(2026, 3, 21), parameters=parameters)
    large = fees("5.01", date(2026, 3, 1), date(2026, 3, 21), parameters=parameters)
    assert (small.indemnity, large.indemnity) == (D("0.00"), D("40.00"))
    assert Reason.DE_MINIMIS in small.reasons


def test_a_missing_half_year_is_named() -> None:
    with pytest.raises(MissingLegalParameter, match=r"Taux directeur de la BCE.*1er semestre 2027"):
        fees("100.00", date(2026, 12, 1), date(2027, 1, 1))


def test_a_missing_half_year_is_not_asked_for_once_settled() -> None:
    found = fees(
        "7300.00", date(2026, 12, 20), date(2027, 3, 1), movements=[pay(date(2026, 12, 31), "7300.00")]
    )
    assert found.interest == round_money(D("7300") * D("12.40") * 11 / 36500)


def test_an_unconfirmed_rate_is_said() -> None:
    assert Reason.UNCONFIRMED_RATE in fees("100.00", date(2026, 7, 1), date(2026, 8, 1)).reasons
    assert Reason.UNCONFIRMED_RATE not in fees("100.00", date(2025, 1, 1), date(2025, 2, 1)).reasons


def test_negative_amounts_are_refused() -> None:
    with pytest.raises(ClaimError):
        fees("-1.00", date(2026, 3, 1), date(2026, 3, 21))
    with pytest.raises(ClaimError):
        fees("1.00", date(2026, 3, 1), date(2026, 3, 21), movements=[pay(date(2026, 3, 2), "-1.00")])


# --- which rule ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("debtor", "clause", "notice", "rule"),
    [
        ("COMPANY", None, False, "ECB_PLUS:10"),
        ("SOLE_TRADER", None, False, "ECB_PLUS:10"),
        ("COMPANY", "FIXED:12", False, "FIXED_FLOORED:12"),
        ("COMPANY", "LEGAL_X:3", False, "LEGAL_X_FLOORED:3"),
        ("PUBLIC_BODY", None, False, "ECB_PLUS_FROZEN:8"),
        ("PUBLIC_BODY", "FIXED:2", False, "ECB_PLUS_FROZEN:8"),
        ("CONSUMER", "FIXED:12", False, None),
        ("CONSUMER", None, True, "LEGAL_X:1"),
    ],
)
def test_the_debtor_and_the_clause_give_the_rule(
    debtor: str, clause: str | None, notice: bool, rule: str | None
) -> None:
    found = rule_for(debtor, parse_rule(clause) if clause else None, PARAMETERS, formal_notice=notice)
    assert (str(found) if found else None) == rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("ECB_PLUS:10", Rule(RuleKind.ECB_PLUS, D(10))),
        (" ecb_plus_frozen : 8 ", Rule(RuleKind.ECB_PLUS_FROZEN, D(8))),
        ("FIXED:12,5", Rule(RuleKind.FIXED, D("12.5"))),
        ("FIXED_FLOORED:5", Rule(RuleKind.FIXED, D(5), floored=True)),
    ],
)
def test_reads_rules(text: str, rule: Rule) -> None:
    assert parse_rule(text) == rule


@pytest.mark.parametrize(
    "text", ["", "ECB", "ECB_PLUS:", "ECB_PLUS:x", "PRIME:10", "FIXED:-1", "FIXED:9999", "FIXED:1e3"]
)
def test_unknown_rules_are_named(text: str) -> None:
    with pytest.raises(RuleError, match="Règle de taux inconnue"):
        parse_rule(text)


def test_published_floors_are_three_times_the_legal_rate() -> None:
    published = {
        (2016, 1): "3.03",
        (2021, 1): "2.37",
        (2024, 2): "14.76",
        (2025, 2): "8.28",
        (2026, 1): "7.86",
    }
    for (year, half), floor in published.items():
        legal = RATES.legal_on(date(year, 1 if half == 1 else 7, 1)).rate_percent
        assert legal * PARAMETERS.floor_multiple == D(floor)


def test_conventions_come_from_the_registry() -> None:
    found = conventions(REGISTER, date(2026, 1, 1))
    assert (found.day_count, found.allocation, found.credit_notes) == (
        DayCount.ACT_365,
        AllocationOrder.PRINCIPAL_FIRST,
        CreditNotePolicy.EFFECTIVE_DATE,
    )
