"""Late-payment interest and fixed costs under the law that a contract follows. Pure: values are passed in.

Directive 2011/7/EU sets the frame (reference rate + 8 points at least, 40 € at least); each law its own rule:

- France: `late_fee_rules.rule_for` (C. com. L441-10 II; CCP R2192-31);
- Germany (BGB § 288): Basiszinssatz + 9, consumers + 5 and no fixed sum;
- Austria (UGB § 456): Basiszinssatz + 9,2; Poland: NBP reference rate + 10; United Kingdom: Bank rate + 8;
- Belgium (law of 2 August 2002): ECB + 8, rounded up to the next half point;
- Ireland (S.I. 580/2012): ECB + 8, at the rate of the day of payment;
- Spain, Italy, Luxembourg, Netherlands, Portugal: ECB + 8 of each half-year.

Which law applies is a fact of the contract (`Customer.late_payment_law`), never read from the buyer's country.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from core.legal_register import ECB_RATE, LEGAL_INTEREST, MissingLegalParameter, Register
from invoices.fixed_costs import FixedCost, parse_fixed_cost
from invoices.late_fee_rules import Debtor, LateFeeParameters, Rule, RuleKind, rule_for


class Law(StrEnum):
    """Whose law; the values are those of `customers.models.LatePaymentLaw`."""

    FR = "FR"
    DE = "DE"
    AT = "AT"
    BE = "BE"
    ES = "ES"
    IE = "IE"
    IT = "IT"
    LU = "LU"
    NL = "NL"
    PL = "PL"
    PT = "PT"
    GB = "GB"


# The national series of the laws that do not follow the ECB rate.
BASE_RATES = {
    Law.DE: "de.base_rate",
    Law.AT: "at.base_rate",
    Law.PL: "pl.reference_rate",
    Law.GB: "gb.bank_rate",
}
_KINDS = {
    Law.BE: RuleKind.ECB_PLUS_ROUNDED,
    Law.IE: RuleKind.ECB_PLUS_AT_PAYMENT,
    **dict.fromkeys(BASE_RATES, RuleKind.BASE_PLUS),
}


@dataclass(frozen=True)
class LawRule:
    """The statutory rule of one law other than the French one, on a due date."""

    law: Law
    rule: Rule
    fixed_cost: FixedCost
    consumer_rule: Rule | None = None


def law_of(text: str) -> Law:
    """The law that a contract names; French law when it names none."""
    return Law(text) if text else Law.FR


def law_rule(register: Register, law: Law, on: date, *, agrifood: bool = False) -> LawRule:
    """The statutory rule in force on a due date. Raises MissingLegalParameter naming the value.

    `agrifood`: sales of farm and food products, for which Italian law adds points.
    """
    prefix = law.value.lower()
    margin = register.parameter(f"{prefix}.penalty.margin", on).decimal
    if agrifood and law is Law.IT:
        margin += register.parameter("it.penalty.agrifood_points", on).decimal
    series = BASE_RATES.get(law, "")
    rule = Rule(_KINDS.get(law, RuleKind.ECB_PLUS), margin, series=series)
    if law is Law.BE:
        rule = replace(rule, step=register.parameter("be.penalty.round_up_step", on).decimal)
    consumer = None
    if law is Law.DE:
        points = register.parameter("de.penalty.consumer_margin", on).decimal
        consumer = Rule(RuleKind.BASE_PLUS, points, series=series)
    cost = parse_fixed_cost(register.parameter(f"{prefix}.indemnity", on).value)
    return LawRule(law, rule, cost, consumer)


def rule_under(
    register: Register,
    law: Law,
    debtor: Debtor | str,
    clause: Rule | None,
    parameters: LateFeeParameters,
    on: date,
    *,
    formal_notice: bool = False,
) -> tuple[Rule | None, LateFeeParameters]:
    """The rule and the values of a contract's law on a due date; no rule: no interest runs.

    The creditor's clause stands in his French general terms: a contract under another law follows its statutory
    rate. Consumers under another law owe nothing before a formal notice, and nothing that the law does not fix.
    Raises MissingLegalParameter.
    """
    if law is Law.FR:
        return rule_for(debtor, clause, parameters, formal_notice=formal_notice), parameters
    found = law_rule(register, law, on)
    values = replace(parameters, indemnity=Decimal(0), fixed_cost=found.fixed_cost)
    if debtor == Debtor.CONSUMER:
        return (found.consumer_rule if formal_notice else None), values
    return found.rule, values


def series_of(law: Law) -> tuple[str, ...]:
    """The published rates that a contract under this law may follow."""
    if law is Law.FR:
        return (ECB_RATE, LEGAL_INTEREST)
    return (BASE_RATES.get(law, ECB_RATE),)


def parameter_keys(law: Law, rule: Rule | None) -> tuple[str, ...]:
    """The values of the registry that an amount under this law rests on: what a letter freezes with it."""
    prefix = law.value.lower()
    keys = [f"{prefix}.indemnity"]
    if rule is None:
        return tuple(keys)
    if law is not Law.FR:
        keys.append(f"{prefix}.penalty.margin")
    elif rule.kind in (RuleKind.ECB_PLUS, RuleKind.ECB_PLUS_FROZEN):
        keys.append("fr.public.margin" if rule.kind is RuleKind.ECB_PLUS_FROZEN else "fr.penalty.margin")
    elif rule.floored:
        keys.append("fr.penalty.floor_multiple")
    if rule.kind is RuleKind.LEGAL_X or rule.floored:
        keys.append(LEGAL_INTEREST)
    elif rule.kind is RuleKind.BASE_PLUS:
        keys.append(rule.series)
    elif rule.kind is not RuleKind.FIXED:
        keys.append(ECB_RATE)
    return tuple(keys)


def check_rates(register: Register, law: Law, start: date, end: date) -> None:
    """Raise MissingLegalParameter when a day from `start` to `end` has no rate under a law other than French."""
    key = BASE_RATES.get(law)
    if key is not None and start <= end:
        register.rate_series(key, start, end)


def has_rates(register: Register, law: Law, start: date, end: date) -> bool:
    """Whether every day has its rate: a set-based run leaves out the contracts that have not."""
    try:
        check_rates(register, law, start, end)
    except MissingLegalParameter:
        return False
    return True
