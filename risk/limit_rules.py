"""How a credit limit is proposed: the need of the customer, cut to what each cap allows. Pure.

Practice of credit management, configurable in the credit policy (no text of law): the need is what the customer
owes at his usual pace,

    need = annual purchases incl. VAT ÷ 365 × (days of the contract + average delay) × peak factor,

and the proposal is the lowest of the need and of the caps that can be computed: a share of his equity, of his
turnover, of what he owes his suppliers, of his working capital (each by class of risk), what the insurer agreed to
÷ quota share + the own-risk envelope, a fixed small line for a new customer. A figure that is not known caps
nothing, and says that it is missing: the rules work without any accounts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from enum import StrEnum

from core.calendar import add_months

UNIT = Decimal(1)
DAYS_OF_YEAR = Decimal(365)
HUNDRED = Decimal(100)
# A customer whom nobody has scored yet is treated as the middle class.
UNKNOWN_CLASS = "C"
CLASSES = "ABCDE"


class Part(StrEnum):
    """What a proposal is the lowest of, in the order in which it is shown."""

    NEED = "NEED"
    EQUITY = "EQUITY"
    TURNOVER = "TURNOVER"
    SUPPLIER_DEBT = "SUPPLIER_DEBT"
    WORKING_CAPITAL = "WORKING_CAPITAL"
    COVER = "COVER"
    NEW_CUSTOMER = "NEW_CUSTOMER"
    RISK_CLASS = "RISK_CLASS"
    INSOLVENCY = "INSOLVENCY"


class Refusal(StrEnum):
    """Why less than what is asked is proposed. Each has words that may stand in a letter to the customer."""

    INSOLVENCY = "INSOLVENCY"
    BEHAVIOUR = "BEHAVIOUR"
    OVERDUE = "OVERDUE"
    NEGATIVE_EQUITY = "NEGATIVE_EQUITY"
    EQUITY = "EQUITY"
    TURNOVER = "TURNOVER"
    SUPPLIER_DEBT = "SUPPLIER_DEBT"
    WORKING_CAPITAL = "WORKING_CAPITAL"
    NO_ACCOUNTS = "NO_ACCOUNTS"
    NEED = "NEED"
    NEW_CUSTOMER = "NEW_CUSTOMER"
    COMMITMENT = "COMMITMENT"


@dataclass(frozen=True)
class ProposalRules:
    """What a credit policy settles. Shares are in per cent by class of risk; amounts in `currency`."""

    currency: str = "EUR"
    peak_factor: Decimal = Decimal(1)
    equity_shares: Mapping[str, Decimal] = field(
        default_factory=lambda: dict(zip(CLASSES, map(Decimal, (20, 15, 10, 5, 0)), strict=True))
    )
    turnover_shares: Mapping[str, Decimal] = field(
        default_factory=lambda: dict(zip(CLASSES, map(Decimal, ("10", "10", "7.5", "5", "0")), strict=True))
    )
    supplier_debt_shares: Mapping[str, Decimal] = field(
        default_factory=lambda: dict(zip(CLASSES, map(Decimal, (20, 15, 10, 10, 0)), strict=True))
    )
    working_capital_shares: Mapping[str, Decimal] = field(
        default_factory=lambda: dict(zip(CLASSES, map(Decimal, (40, 30, 20, 10, 0)), strict=True))
    )
    accounts_months: int = 24
    refused_classes: frozenset[str] = frozenset({"E"})
    new_customer_months: int = 6
    new_customer_amount: Decimal = Decimal(3000)
    own_risk_amount: Decimal = Decimal(0)
    requires_cover: bool = False


@dataclass(frozen=True)
class Figure:
    """A number that a formula takes: where it comes from and the day it is of. `value` None: not known."""

    value: Decimal | None = None
    source: str = ""
    as_of: date | None = None


@dataclass(frozen=True)
class ProposalFacts:
    """What is known of a customer, all amounts in the currency of the proposal.

    `quota_share` is a ratio (0.9 is 90 %). `insured` is what the insurer agreed to; unknown: no cover.
    """

    currency: str
    purchases: Figure = field(default_factory=Figure)  # twelve months, VAT included
    contract_days: Figure = field(default_factory=Figure)
    delay_days: Figure = field(default_factory=Figure)
    peak_factor: Decimal | None = None  # the policy's unless the request knows better
    risk_class: str = ""
    class_as_of: date | None = None
    equity: Figure = field(default_factory=Figure)
    turnover: Figure = field(default_factory=Figure)
    supplier_debt: Figure = field(default_factory=Figure)
    working_capital: Figure = field(default_factory=Figure)
    insured: Figure = field(default_factory=Figure)
    quota_share: Decimal | None = None
    customer_since: date | None = None
    has_paid: bool = False  # some invoice was settled already
    overdue_amount: Decimal = Decimal(0)
    is_insolvent: bool = False


@dataclass(frozen=True)
class Line:
    """One part of a proposal: its amount, and the numbers of its formula.

    `amount` None: not computable, because `missing` says so. A part that does not apply is not among the lines.
    `figure` is the input that the formula multiplies, `rate` its multiplier in per cent where it has one.
    """

    part: Part
    amount: Decimal | None
    figure: Figure = field(default_factory=Figure)
    rate: Decimal | None = None
    numbers: Mapping[str, Decimal] = field(default_factory=dict)
    missing: str = ""


@dataclass(frozen=True)
class Lever:
    """What would raise the proposal: the part that binds, and the value its input must reach."""

    part: Part
    current: Decimal | None
    needed: Decimal | None
    risk_class: str = ""


@dataclass(frozen=True)
class Proposal:
    """The lowest of its lines. `binding` is the part that decides; None when nothing could be computed."""

    amount: Decimal
    currency: str
    binding: Part | None
    lines: tuple[Line, ...]
    refusals: tuple[Refusal, ...]

    def line(self, part: Part) -> Line | None:
        return next((line for line in self.lines if line.part is part), None)


def need_of(
    purchases: Decimal, contract_days: Decimal, delay_days: Decimal, peak_factor: Decimal = UNIT
) -> Decimal:
    """What a customer owes at his pace, to the unit: 288 000 a year at 70 days is 55 233, at a peak of 1.3, 71 803.

    An early payer's negative delay shortens the days, down to none.
    """
    days = max(contract_days + delay_days, Decimal(0))
    return _unit(purchases * days * peak_factor / DAYS_OF_YEAR)


def propose(facts: ProposalFacts, rules: ProposalRules, today: date) -> Proposal:
    """The limit that the rules propose, with every line, and why it is not more.

    Nothing known of purchases, accounts and cover: a new customer's small line, or zero.
    """
    lines = [_need(facts, rules), *_accounts(facts, rules, today), *_cover(facts, rules)]
    if is_new(facts, rules, today):
        lines.append(Line(Part.NEW_CUSTOMER, rules.new_customer_amount, Figure(source="POLICY")))
    if _class_of(facts) in rules.refused_classes:
        lines.append(Line(Part.RISK_CLASS, Decimal(0), Figure(source="SCORE", as_of=facts.class_as_of)))
    if facts.is_insolvent:
        lines.append(Line(Part.INSOLVENCY, Decimal(0), Figure(source="CUSTOMER")))
    known = [line for line in lines if line.amount is not None]
    binding = min(known, key=lambda line: line.amount or Decimal(0)) if known else None
    amount = max(binding.amount or Decimal(0), Decimal(0)) if binding else Decimal(0)
    return Proposal(
        amount,
        facts.currency,
        binding.part if binding else None,
        tuple(lines),
        _refusals(facts, lines, binding),
    )


def is_new(facts: ProposalFacts, rules: ProposalRules, today: date) -> bool:
    """Nothing settled yet, and a customer for less than the months of the policy, or since an unknown day."""
    if facts.has_paid:
        return False
    return facts.customer_since is None or add_months(facts.customer_since, rules.new_customer_months) > today


def what_would_raise(
    proposal: Proposal, facts: ProposalFacts, rules: ProposalRules, by: Decimal
) -> tuple[Lever, ...]:
    """Every part below the proposal + `by`, and the input that would bring it there, rounded up to the unit.

    All of them must be met for the proposal to rise that far.
    """
    target = proposal.amount + by
    return tuple(
        _lever(line, target, facts, rules)
        for line in proposal.lines
        if line.amount is not None and line.amount < target
    )


# --- the parts --------------------------------------------------------------------------------------------------


def _class_of(facts: ProposalFacts) -> str:
    return facts.risk_class or UNKNOWN_CLASS


def _need(facts: ProposalFacts, rules: ProposalRules) -> Line:
    peak = facts.peak_factor or rules.peak_factor
    days, delay = facts.contract_days.value, facts.delay_days.value or Decimal(0)
    if facts.purchases.value is None or days is None:
        return Line(Part.NEED, None, facts.purchases, missing="PURCHASES")
    numbers = {
        "purchases": facts.purchases.value,
        "contract_days": days,
        "delay_days": delay,
        "peak_factor": peak,
    }
    amount = need_of(max(facts.purchases.value, Decimal(0)), days, delay, peak)
    return Line(Part.NEED, amount, facts.purchases, numbers=numbers)


def _accounts(facts: ProposalFacts, rules: ProposalRules, today: date) -> list[Line]:
    name = _class_of(facts)
    wanted = (
        (Part.EQUITY, facts.equity, rules.equity_shares),
        (Part.TURNOVER, facts.turnover, rules.turnover_shares),
        (Part.SUPPLIER_DEBT, facts.supplier_debt, rules.supplier_debt_shares),
        (Part.WORKING_CAPITAL, facts.working_capital, rules.working_capital_shares),
    )
    lines = []
    for part, figure, shares in wanted:
        rate = shares[name]
        if figure.value is None:
            lines.append(Line(part, None, figure, rate, missing="ACCOUNTS"))
        elif figure.as_of and add_months(figure.as_of, rules.accounts_months) < today:
            lines.append(Line(part, None, figure, rate, missing="OLD_ACCOUNTS"))
        elif part is Part.SUPPLIER_DEBT and figure.value <= 0:
            # Somebody who owes his suppliers nothing on that day tells nothing of what he may owe.
            lines.append(Line(part, None, figure, rate, missing="ACCOUNTS"))
        else:
            lines.append(Line(part, _unit(max(figure.value, Decimal(0)) * rate / HUNDRED), figure, rate))
    return lines


def _cover(facts: ProposalFacts, rules: ProposalRules) -> list[Line]:
    insured, own = facts.insured.value, rules.own_risk_amount
    if insured is None:
        if not rules.requires_cover:
            return []
        return [Line(Part.COVER, own, facts.insured, numbers={"insured": Decimal(0), "own_risk": own})]
    quota = facts.quota_share or UNIT
    numbers = {"insured": insured, "quota_share": quota, "own_risk": own}
    return [Line(Part.COVER, insured_cap(insured, quota, own), facts.insured, numbers=numbers)]


def insured_cap(insured: Decimal, quota_share: Decimal, own_risk: Decimal) -> Decimal:
    """Insurer's agreed amount ÷ quota share + own-risk envelope, to the unit: 90 000 at 90 % and 5 000 is 105 000."""
    return _unit(insured / quota_share + own_risk)


def _refusals(facts: ProposalFacts, lines: list[Line], binding: Line | None) -> tuple[Refusal, ...]:
    """What may be told, the decisive first; nothing that an insurer said is among them."""
    found: list[Refusal] = []
    if facts.is_insolvent:
        found.append(Refusal.INSOLVENCY)
    if any(line.part is Part.RISK_CLASS for line in lines):
        found.append(Refusal.BEHAVIOUR)
    if facts.overdue_amount > 0:
        found.append(Refusal.OVERDUE)
    if facts.equity.value is not None and facts.equity.value < 0:
        found.append(Refusal.NEGATIVE_EQUITY)
    if binding is not None and binding.part in _TOLD:
        told = _TOLD[binding.part]
        if not (told is Refusal.EQUITY and Refusal.NEGATIVE_EQUITY in found):
            found.append(told)
    if all(line.missing for line in lines if line.part in _OF_ACCOUNTS):
        found.append(Refusal.NO_ACCOUNTS)
    return tuple(dict.fromkeys(found))


_OF_ACCOUNTS = (Part.EQUITY, Part.TURNOVER, Part.SUPPLIER_DEBT, Part.WORKING_CAPITAL)
_TOLD = {
    Part.NEED: Refusal.NEED,
    Part.EQUITY: Refusal.EQUITY,
    Part.TURNOVER: Refusal.TURNOVER,
    Part.SUPPLIER_DEBT: Refusal.SUPPLIER_DEBT,
    Part.WORKING_CAPITAL: Refusal.WORKING_CAPITAL,
    Part.COVER: Refusal.COMMITMENT,
    Part.NEW_CUSTOMER: Refusal.NEW_CUSTOMER,
}


def _lever(line: Line, target: Decimal, facts: ProposalFacts, rules: ProposalRules) -> Lever:
    if line.part is Part.NEED:
        days = max(line.numbers["contract_days"] + line.numbers["delay_days"], Decimal(0))
        pace = days * line.numbers["peak_factor"]
        needed = _up(target * DAYS_OF_YEAR / pace) if pace else None
        return Lever(line.part, line.figure.value, needed)
    if line.part in _OF_ACCOUNTS:
        assert line.rate is not None
        needed = _up(target * HUNDRED / line.rate) if line.rate else None
        return Lever(line.part, line.figure.value, needed, _class_that_gives(line, target, facts, rules))
    if line.part is Part.COVER:
        quota = line.numbers.get("quota_share", UNIT)
        needed = _up(max(target - line.numbers["own_risk"], Decimal(0)) * quota)
        return Lever(line.part, line.numbers["insured"], needed)
    if line.part is Part.RISK_CLASS:
        better = max((name for name in CLASSES if name not in rules.refused_classes), default="")
        return Lever(line.part, None, None, better)
    return Lever(line.part, line.amount, None)


def _class_that_gives(line: Line, target: Decimal, facts: ProposalFacts, rules: ProposalRules) -> str:
    """The least good class in which the same accounts reach the target; none when no class does."""
    shares = {
        Part.EQUITY: rules.equity_shares,
        Part.TURNOVER: rules.turnover_shares,
        Part.SUPPLIER_DEBT: rules.supplier_debt_shares,
        Part.WORKING_CAPITAL: rules.working_capital_shares,
    }[line.part]
    value = line.figure.value or Decimal(0)
    return next((name for name in reversed(CLASSES) if _unit(value * shares[name] / HUNDRED) >= target), "")


def _unit(value: Decimal) -> Decimal:
    return value.quantize(UNIT, rounding=ROUND_HALF_UP)


def _up(value: Decimal) -> Decimal:
    return value.quantize(UNIT, rounding=ROUND_CEILING)
