"""Late-payment interest under the law a contract follows: a table of cases by law, then its values and its tiers."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.legal import shipped_values
from core.legal_register import LegalValue, MissingLegalParameter, Register
from customers.models import LatePaymentLaw
from invoices.fixed_costs import FixedCostError, UnknownTier, parse_fixed_cost
from invoices.late_fee_laws import Law, has_rates, law_of, law_rule, rule_under
from invoices.late_fee_parameters import late_fee_parameters, reference_rates
from invoices.late_fee_rules import Debtor, Reason, Rule, RuleKind, parse_rule
from invoices.late_fees import AllocationOrder, Claim, ClaimError, LateFees, Movement, late_fees

REGISTER = Register.of(shipped_values())
RATES = reference_rates(REGISTER)
D = Decimal


def fees(
    law: str,
    amount: str,
    due: date,
    as_of: date,
    register: Register = REGISTER,
    debtor: Debtor = Debtor.COMPANY,
    clause: str | None = None,
    formal_notice: bool = False,
    **facts: object,
) -> LateFees:
    rule, parameters = rule_under(
        register,
        Law(law),
        debtor,
        parse_rule(clause) if clause else None,
        late_fee_parameters(register, due),
        due,
        formal_notice=formal_notice,
    )
    claim = Claim(D(amount), due, as_of, rule, debtor=debtor, **facts)  # type: ignore[arg-type]
    return late_fees(claim, reference_rates(register), parameters)


def with_series(key: str, *periods: tuple[str, str, str]) -> Register:
    rows = [
        LegalValue(key, rate, date.fromisoformat(start), date.fromisoformat(end), "BCE", date(2026, 11, 22), True)
        for start, end, rate in periods
    ]  # fmt: skip
    return Register.of([*shipped_values(), *rows])


BANK = with_series("gb.bank_rate", ("2025-07-01", "2025-12-31", "4.25"), ("2026-01-01", "2026-06-30", "3.75"))
NBP = with_series("pl.reference_rate", ("2026-01-01", "2026-06-30", "4.00"))
OENB = with_series("at.base_rate", ("2026-01-01", "2026-06-30", "1.53"))
DUE, LATER = date(2026, 1, 15), date(2026, 4, 15)  # 90 days in 2026-S1
GBP = {"currency": "GBP"}
PLN = {"currency": "PLN"}

CASES = [
    # name, law, amount, due, as of, register, facts, interest, indemnity
    # 1000 x (1.27 + 9) % x 90 / 365
    ("V45 BGB 288 (2)", "DE", "1000.00", DUE, LATER, REGISTER, {}, "25.32", "40.00"),
    # 10.15 rounded up to 10.5: 1000 x 10.5 % x 90 / 365 = 25.8904
    ("V46 Belgian law, half point", "BE", "1000.00", DUE, LATER, REGISTER, {}, "25.89", "40.00"),
    # 4.50 + 8 = 12.5 already on the step
    ("Belgian law, on the step", "BE", "1000.00", date(2024, 1, 15), date(2024, 4, 14), REGISTER, {}, "30.82", "40.00"),
    # 1000 x 10.15 % x 90 / 365
    ("V47 Ley 3/2004", "ES", "1000.00", DUE, LATER, REGISTER, {}, "25.03", "40.00"),
    ("V47 D.Lgs. 231/2002", "IT", "1000.00", DUE, LATER, REGISTER, {}, "25.03", "40.00"),
    ("V47 BW 6:119a", "NL", "1000.00", DUE, LATER, REGISTER, {}, "25.03", "40.00"),
    ("V47 Luxembourg", "LU", "1000.00", DUE, LATER, REGISTER, {}, "25.03", "40.00"),
    ("V47 Portugal", "PT", "1000.00", DUE, LATER, REGISTER, {}, "25.03", "40.00"),
    ("V47 S.I. 580/2012", "IE", "1000.00", DUE, LATER, REGISTER, {}, "25.03", "40.00"),
    # the half-year of each day: 31 d x 13.15 % + 30 d x 12.15 %, on 3650 = 0.1 a point and day
    ("half-years under Spanish law", "ES", "3650.00", date(2025, 5, 31), date(2025, 7, 30), REGISTER, {}, "63.90", "40.00"),
    # unpaid on 30 July 2025: 2.15 + 8 for all 60 days
    ("rate at payment, unpaid", "IE", "3650.00", date(2025, 5, 31), date(2025, 7, 30), REGISTER, {}, "60.90", "70.00"),
    # half paid on 20 June at 3.15 + 8 (20 d), half at 2.15 + 8 (60 d), on 0.05 a point and day
    ("rate at payment, paid in two parts", "IE", "3650.00", date(2025, 5, 31), date(2025, 7, 30), REGISTER,
     {"movements": [Movement(date(2025, 6, 20), D("1825.00"))]}, "41.60", "70.00"),
    ("rate at payment, all paid", "IE", "3650.00", date(2025, 5, 31), date(2025, 7, 30), REGISTER,
     {"movements": [Movement(date(2025, 6, 20), D("3650.00"))]}, "22.30", "70.00"),
    # 1.53 + 9.2
    ("UGB 456", "AT", "3650.00", date(2026, 3, 1), date(2026, 3, 21), OENB, {}, "21.46", "40.00"),
    # 3.75 + 8
    ("Late Payment Act 1998", "GB", "3650.00", date(2026, 3, 1), date(2026, 3, 21), BANK, GBP, "23.50", "70.00"),
    ("Late Payment Act 1998, each half-year", "GB", "3650.00", date(2025, 12, 21), date(2026, 1, 10), BANK, GBP, "24.00", "70.00"),
    ("Late Payment Act 1998, below 1 000 pounds", "GB", "999.99", DUE, DUE.replace(day=16), BANK, GBP, "0.32", "40.00"),
    ("Late Payment Act 1998, from 1 000 pounds", "GB", "1000.00", DUE, DUE.replace(day=16), BANK, GBP, "0.32", "70.00"),
    ("Late Payment Act 1998, from 10 000 pounds", "GB", "10000.00", DUE, DUE.replace(day=16), BANK, GBP, "3.22", "100.00"),
    ("S.I. 580/2012, up to 1 000 euros", "IE", "1000.00", DUE, DUE.replace(day=16), REGISTER, {}, "0.28", "40.00"),
    ("S.I. 580/2012, above 1 000 euros", "IE", "1000.01", DUE, DUE.replace(day=16), REGISTER, {}, "0.28", "70.00"),
    ("S.I. 580/2012, above 10 000 euros", "IE", "10000.01", DUE, DUE.replace(day=16), REGISTER, {}, "2.78", "100.00"),
    # 4.00 + 10
    ("Polish law", "PL", "3650.00", date(2026, 3, 1), date(2026, 3, 21), NBP, PLN, "28.00", "0.00"),
    ("L622-28 stops interest under any law", "DE", "3650.00", date(2026, 3, 1), date(2026, 3, 21), REGISTER,
     {"judgment_date": date(2026, 3, 12)}, "10.27", "40.00"),
    ("L441-10 due after the judgment under any law", "DE", "3650.00", date(2026, 3, 1), date(2026, 3, 21), REGISTER,
     {"judgment_date": date(2026, 3, 1)}, "0.00", "0.00"),
    ("BGB 288 (1) consumer without formal notice", "DE", "3650.00", date(2026, 3, 1), date(2026, 3, 21), REGISTER,
     {"debtor": Debtor.CONSUMER}, "0.00", "0.00"),
    # 1.27 + 5, ten days
    ("BGB 288 (1) consumer after formal notice", "DE", "3650.00", date(2026, 3, 1), date(2026, 3, 21), REGISTER,
     {"debtor": Debtor.CONSUMER, "formal_notice": True, "interest_start": date(2026, 3, 12)}, "6.27", "0.00"),
    ("French law is the default", "FR", "3650.00", date(2026, 3, 1), date(2026, 3, 21), REGISTER, {}, "24.30", "40.00"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("law", "amount", "due", "as_of", "register", "facts", "interest", "indemnity"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_cases(
    law: str, amount: str, due: date, as_of: date, register: Register, facts: dict, interest: str, indemnity: str
) -> None:  # fmt: skip
    found = fees(law, amount, due, as_of, register, **facts)
    assert (str(found.interest), str(found.indemnity)) == (interest, indemnity)
    assert sum((part.printed for part in found.segments), D(0)) == found.interest


def test_the_laws_of_the_file_and_of_the_rules_are_the_same() -> None:
    assert {law.value for law in Law} == set(LatePaymentLaw.values)
    assert law_of("") is Law.FR


@pytest.mark.parametrize(("law", "series"), [("AT", "at.base_rate"), ("GB", "gb.bank_rate"), ("PL", "pl.reference_rate")])  # fmt: skip
def test_a_law_without_its_series_names_what_is_missing(law: str, series: str) -> None:
    with pytest.raises(MissingLegalParameter, match=rf"1er semestre 2026 \({series}"):
        fees(law, "100.00", DUE, LATER)
    assert not has_rates(REGISTER, Law(law), DUE, LATER)


def test_a_german_half_year_to_come_is_named() -> None:
    with pytest.raises(MissingLegalParameter, match="Basiszinssatz.*1er semestre 2027"):
        fees("DE", "100.00", date(2026, 12, 1), date(2027, 1, 10))


def test_the_german_rate_is_the_ecb_rate_less_088_since_2016() -> None:
    for period in REGISTER.rate_series("de.base_rate", date(2016, 7, 1), date(2026, 12, 31)):
        assert period.rate_percent == RATES.ecb_on(period.start).rate_percent - D("0.88")


@pytest.mark.parametrize(("day", "rate"), [(date(2024, 1, 1), "12.5"), (date(2026, 1, 1), "10.5")])
def test_the_published_belgian_rates(day: date, rate: str) -> None:
    found = fees("BE", "100.00", day, day.replace(day=3))
    assert {part.rate_percent for part in found.segments} == {D(rate)}


def test_the_creditors_clause_stands_in_his_french_terms_only() -> None:
    german, _values = rule_under(
        REGISTER, Law.DE, Debtor.COMPANY, parse_rule("FIXED:12"), late_fee_parameters(REGISTER, DUE), DUE
    )
    assert german == Rule(RuleKind.BASE_PLUS, D(9), series="de.base_rate")


def test_italian_farm_products_bear_four_points_more() -> None:
    assert law_rule(REGISTER, Law.IT, DUE).rule.value == 8
    assert law_rule(REGISTER, Law.IT, DUE, agrifood=True).rule.value == 12


def test_a_sum_in_another_currency_stands_apart() -> None:
    zlotys = fees("PL", "60000.00", DUE, LATER, NBP, currency="PLN")
    assert (zlotys.indemnity, zlotys.indemnity_apart, zlotys.indemnity_apart_currency) == (0, D(100), "EUR")
    assert zlotys.total_claim == D("60000.00") + zlotys.interest
    dollars = fees("FR", "100.00", DUE, LATER, currency="USD")
    assert (dollars.indemnity, dollars.indemnity_apart, dollars.indemnity_apart_currency) == (0, D(40), "EUR")
    assert Reason.INDEMNITY_IN_OTHER_CURRENCY in dollars.reasons
    # bounds in pounds say nothing of a debt in euros
    euros = fees("GB", "100.00", DUE, LATER, BANK)
    assert (euros.indemnity, euros.indemnity_apart) == (0, 0)
    assert Reason.INDEMNITY_IN_OTHER_CURRENCY in euros.reasons


def test_interest_first_cannot_be_counted_at_the_rate_of_the_day_of_payment() -> None:
    with pytest.raises(ClaimError, match="taux du jour du paiement"):
        fees(
            "IE",
            "100.00",
            DUE,
            LATER,
            allocation=AllocationOrder.INTEREST_FIRST,
            movements=[Movement(date(2026, 2, 1), D("10.00"))],
        )


@settings(max_examples=60, deadline=None)
@given(
    amount=st.integers(1, 10**8),
    due=st.dates(date(2022, 1, 1), date(2026, 6, 30)),
    days=st.integers(1, 180),
    parts=st.lists(st.tuples(st.integers(-20, 180), st.integers(1, 10**8)), max_size=4),
)
def test_the_rate_at_payment_against_fractions(
    amount: int, due: date, days: int, parts: list[tuple[int, int]]
) -> None:
    """Each part paid owes rate(day) x days; the rest owes the rate of the last day."""
    as_of = date.fromordinal(min(due.toordinal() + days, date(2026, 12, 31).toordinal()))
    movements = [
        Movement(date.fromordinal(due.toordinal() + day), D(cents) / 100)
        for day, cents in parts
        if due.toordinal() + day <= as_of.toordinal()
    ]
    found = fees("IE", str(D(amount) / 100), due, as_of, movements=movements)
    left, expected = Fraction(amount, 100), Fraction(0)
    for movement in sorted(movements, key=lambda movement: movement.day):
        part = min(left, Fraction(movement.amount))
        left -= part
        if movement.day > due:
            rate = Fraction(RATES.ecb_on(movement.day).rate_percent) + 8
            expected += part * rate * (movement.day - due).days / 36500
    expected += left * (Fraction(RATES.ecb_on(as_of).rate_percent) + 8) * (as_of - due).days / 36500
    assert abs(Fraction(found.interest) - expected) <= Fraction(1, 200)


TIERS = [
    ("EUR|*:40.00", "0.50", "EUR", "40.00"),
    ("EUR|<=1000:40 <=10000:70 *:100", "10000.00", "EUR", "70"),
    ("GBP|<1000:40 <10000:70 *:100", "10000.00", "GBP", "100"),
    ("EUR|PLN|<=5000:40 <50000:70 *:100", "5000.01", "PLN", "70"),
    # Besluit BIK: 15 % of 2 500, 10 % of 2 500, 5 % of 5 000, 1 % of the rest
    ("EUR|min 40|max 6775|<=2500:15% <=5000:10% <=10000:5% <=200000:1% *:0.5%", "100.00", "EUR", "40"),
    ("EUR|min 40|max 6775|<=2500:15% <=5000:10% <=10000:5% <=200000:1% *:0.5%", "12000.00", "EUR", "895.00"),
    ("EUR|min 40|max 6775|<=2500:15% <=5000:10% <=10000:5% <=200000:1% *:0.5%", "9999999.00", "EUR", "6775"),
]


@pytest.mark.parametrize(("text", "amount", "currency", "due"), TIERS)
def test_tiers(text: str, amount: str, currency: str, due: str) -> None:
    assert parse_fixed_cost(text).for_debt(D(amount), currency) == D(due)


def test_tiers_in_another_currency_are_not_converted() -> None:
    with pytest.raises(UnknownTier):
        parse_fixed_cost("EUR|PLN|<=5000:40 *:70").for_debt(D(10), "EUR")


@pytest.mark.parametrize(
    "text", ["", "40", "EUR", "EUR|40", "EUR|<=10:40", "EUR|<=10:5 <=5:6 *:7", "EUR|*:40 <=5:3", "EUR|mn 4|*:4", "EUR|<=5:10% *:4"]
)  # fmt: skip
def test_unreadable_tiers_are_named(text: str) -> None:
    with pytest.raises(FixedCostError, match="Barème illisible"):
        parse_fixed_cost(text)


def test_every_shipped_tier_is_readable() -> None:
    for law in Law:
        if law is not Law.FR:
            assert law_rule(REGISTER, law, date(2026, 1, 1)).fixed_cost.tiers


def test_a_value_before_its_law_is_missing_not_guessed() -> None:
    with pytest.raises(MissingLegalParameter, match=r"de\.penalty\.margin"):
        law_rule(REGISTER, Law.DE, date(2010, 1, 1))


def test_de_minimis_and_settlement_hold_under_any_law() -> None:
    rule, values = rule_under(REGISTER, Law.DE, Debtor.COMPANY, None, late_fee_parameters(REGISTER, DUE), DUE)
    claim = Claim(D("5.00"), DUE, LATER, rule)
    assert late_fees(claim, RATES, replace(values, de_minimis=D("5.00"))).indemnity == 0
