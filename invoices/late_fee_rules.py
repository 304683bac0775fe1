"""Which rate late-payment interest follows, day by day. Pure: rates and margins are passed in.

Sources: C. com. L441-10 II (professionals: contractual rate, else ECB + margin, taken at each half-year, never
below a multiple of the legal interest rate when it is contractual), CCP R2192-31 (public buyers: frozen at
the half-year in which interest starts), C. civ. 1231-6 and 1344-1 (consumers: after a formal notice).
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from functools import cached_property

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.calendar import half_year_of
from core.legal_register import (
    ECB_RATE,
    LEGAL_INTEREST,
    MissingLegalParameter,
    RatePeriod,
)
from invoices.fixed_costs import FixedCost

ONE_DAY = timedelta(days=1)
MAX_RULE_VALUE = Decimal(1000)


class Debtor(StrEnum):
    """Who owes; the values are those of `Customer.Kind`."""

    COMPANY = "COMPANY"
    SOLE_TRADER = "SOLE_TRADER"
    PUBLIC_BODY = "PUBLIC_BODY"
    CONSUMER = "CONSUMER"


class RuleKind(StrEnum):
    ECB_PLUS = "ECB_PLUS"  # ECB rate of each half-year + points
    ECB_PLUS_FROZEN = "ECB_PLUS_FROZEN"  # ECB rate of the half-year in which interest starts + points
    ECB_PLUS_ROUNDED = "ECB_PLUS_ROUNDED"  # ECB rate of each half-year + points, up to the next step
    ECB_PLUS_AT_PAYMENT = (
        "ECB_PLUS_AT_PAYMENT"  # ECB rate on the day of payment + points, for the whole delay
    )
    BASE_PLUS = "BASE_PLUS"  # national base rate of each half-year + points
    FIXED = "FIXED"  # per cent a year
    LEGAL_X = "LEGAL_X"  # multiple of the legal interest rate of each half-year


_OF_ECB = frozenset(
    {RuleKind.ECB_PLUS, RuleKind.ECB_PLUS_FROZEN, RuleKind.ECB_PLUS_ROUNDED, RuleKind.ECB_PLUS_AT_PAYMENT}
)


class FloorPolicy(StrEnum):
    """What replaces a contractual rate below the floor: the law does not say (docs/legal.md)."""

    FLOOR = "FLOOR"
    DEFAULT = "DEFAULT"
    AS_WRITTEN_AND_FLAG = "AS_WRITTEN_AND_FLAG"


class Reason(StrEnum):
    """Why an amount is what it is, or what a person should look at."""

    NOT_LATE = "NOT_LATE"
    SETTLED_IN_TIME = "SETTLED_IN_TIME"
    DUE_AFTER_JUDGMENT = "DUE_AFTER_JUDGMENT"
    STOPPED_BY_JUDGMENT = "STOPPED_BY_JUDGMENT"
    CONSUMER_WITHOUT_NOTICE = "CONSUMER_WITHOUT_NOTICE"
    CONSUMER_WITHOUT_INDEMNITY = "CONSUMER_WITHOUT_INDEMNITY"
    DE_MINIMIS = "DE_MINIMIS"
    INDEMNITY_IN_OTHER_CURRENCY = "INDEMNITY_IN_OTHER_CURRENCY"
    INTEREST_WAIVED = "INTEREST_WAIVED"
    INDEMNITY_WAIVED = "INDEMNITY_WAIVED"
    CLAUSE_BELOW_FLOOR = "CLAUSE_BELOW_FLOOR"
    CLAUSE_ABOVE_DEFAULT = "CLAUSE_ABOVE_DEFAULT"
    UNCONFIRMED_RATE = "UNCONFIRMED_RATE"
    OVERPAID = "OVERPAID"


REASON_LABELS = {
    Reason.NOT_LATE: gettext_lazy("Pas encore échue"),
    Reason.SETTLED_IN_TIME: gettext_lazy("Soldée à l’échéance"),
    Reason.DUE_AFTER_JUDGMENT: gettext_lazy("Échue après le jugement d’ouverture : rien n’est dû"),
    Reason.STOPPED_BY_JUDGMENT: gettext_lazy("Intérêts arrêtés la veille du jugement d’ouverture"),
    Reason.CONSUMER_WITHOUT_NOTICE: gettext_lazy("Consommateur sans mise en demeure : aucun intérêt"),
    Reason.CONSUMER_WITHOUT_INDEMNITY: gettext_lazy("Consommateur : pas d’indemnité forfaitaire"),
    Reason.DE_MINIMIS: gettext_lazy("Solde sous le seuil de réclamation de l’indemnité"),
    Reason.INDEMNITY_IN_OTHER_CURRENCY: gettext_lazy(
        "Indemnité fixée dans une autre devise : à réclamer à part"
    ),
    Reason.INTEREST_WAIVED: gettext_lazy("Pénalités remises"),
    Reason.INDEMNITY_WAIVED: gettext_lazy("Indemnité remise"),
    Reason.CLAUSE_BELOW_FLOOR: gettext_lazy("Clause inférieure au plancher légal : à vérifier"),
    Reason.CLAUSE_ABOVE_DEFAULT: gettext_lazy("Clause supérieure au taux supplétif : à vérifier"),
    Reason.UNCONFIRMED_RATE: gettext_lazy("Taux à confirmer dans sa source officielle"),
    Reason.OVERPAID: gettext_lazy("Règlements supérieurs à la dette : excédent à traiter"),
}


class RuleError(ValueError):
    """A text names no known rule; the message says which are."""


@dataclass(frozen=True)
class Rule:
    """A rate rule, e.g. ECB_PLUS:10. `floored`: a contractual rate, subject to the floor of L441-10 II.

    `series` is the key of the national rate of BASE_PLUS; `step` that to which ECB_PLUS_ROUNDED rises.
    """

    kind: RuleKind
    value: Decimal
    floored: bool = False
    series: str = ""
    step: Decimal = Decimal(0)

    def __str__(self) -> str:
        return f"{self.kind}{'_FLOORED' if self.floored else ''}:{self.value}"

    @property
    def at_payment(self) -> bool:
        """Whether the rate of a sum is only known on the day it is paid."""
        return self.kind is RuleKind.ECB_PLUS_AT_PAYMENT


@dataclass(frozen=True)
class LateFeeParameters:
    """The legal values of one due date. Margins in points, `indemnity` and `de_minimis` in currency units.

    `indemnity` is in `indemnity_currency`; `fixed_cost`, when there is one, replaces it by the tiers of a law.
    """

    default_margin: Decimal
    public_margin: Decimal
    floor_multiple: Decimal
    indemnity: Decimal
    floor_policy: FloorPolicy = FloorPolicy.FLOOR
    de_minimis: Decimal = Decimal(0)
    indemnity_currency: str = "EUR"
    fixed_cost: FixedCost | None = None

    def indemnity_on(self, amount: Decimal, currency: str) -> tuple[Decimal, str]:
        """The fixed sum for a debt of `amount`, and its currency. Raises UnknownTier (see FixedCost)."""
        if self.fixed_cost is None:
            return self.indemnity, self.indemnity_currency
        return self.fixed_cost.for_debt(amount, currency), self.fixed_cost.currency


@dataclass(frozen=True)
class AppliedRate:
    """The rate of consecutive days under one rule."""

    start: date
    end: date
    rate_percent: Decimal
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class ReferenceRates:
    """The published series. A day that the needed one does not cover raises MissingLegalParameter.

    `national`: the base rates of other laws, by key.
    """

    ecb: tuple[RatePeriod, ...] = ()
    legal: tuple[RatePeriod, ...] = ()
    national: Mapping[str, tuple[RatePeriod, ...]] = field(default_factory=dict)

    @cached_property
    def _ecb_starts(self) -> list[date]:
        return [period.start for period in self.ecb]

    @cached_property
    def _legal_starts(self) -> list[date]:
        return [period.start for period in self.legal]

    def ecb_on(self, day: date) -> RatePeriod:
        return _period_on(self.ecb, self._ecb_starts, day, ECB_RATE)

    def legal_on(self, day: date) -> RatePeriod:
        return _period_on(self.legal, self._legal_starts, day, LEGAL_INTEREST)

    def base_on(self, key: str, day: date) -> RatePeriod:
        periods = self.national.get(key, ())
        return _period_on(periods, [period.start for period in periods], day, key)


def _period_on(periods: tuple[RatePeriod, ...], starts: list[date], day: date, key: str) -> RatePeriod:
    index = bisect_right(starts, day) - 1
    if index < 0 or periods[index].end < day:
        raise MissingLegalParameter(key, day)
    return periods[index]


_RULE = re.compile(
    r"(ECB_PLUS_FROZEN|ECB_PLUS|FIXED|LEGAL_X)(_FLOORED)?\s*:\s*([0-9]{1,4}(?:[.,][0-9]{1,6})?)"
)


def parse_rule(text: str) -> Rule:
    """Read `ECB_PLUS:10`, `ECB_PLUS_FROZEN:8`, `FIXED:12`, `FIXED_FLOORED:5`, `LEGAL_X:3`. Raises RuleError."""
    found = _RULE.fullmatch(text.strip().upper())
    if not found or Decimal(found[3].replace(",", ".")) > MAX_RULE_VALUE:
        raise RuleError(
            _(
                "Règle de taux inconnue : « %(rule)s ». Règles admises : ECB_PLUS:points, "
                "ECB_PLUS_FROZEN:points, FIXED:taux, FIXED_FLOORED:taux, LEGAL_X:multiple."
            )
            % {"rule": text.strip()}
        )
    return Rule(RuleKind(found[1]), Decimal(found[3].replace(",", ".")), floored=bool(found[2]))


def rule_for(
    debtor: Debtor | str,
    clause: Rule | None,
    parameters: LateFeeParameters,
    *,
    formal_notice: bool = False,
) -> Rule | None:
    """The rule that a debtor's kind and the creditor's clause give; None when no interest runs.

    Professionals: the clause, subject to the floor, else ECB + margin (C. com. L441-10 II). Public bodies:
    ECB + margin, frozen; a clause cannot lower it (CCP L2192-13, R2192-31). Consumers: nothing before a
    formal notice, then the legal rate of the creditor's category (C. civ. 1231-6, 1344-1).
    """
    if debtor == Debtor.CONSUMER:
        return Rule(RuleKind.LEGAL_X, Decimal(1)) if formal_notice else None
    if debtor == Debtor.PUBLIC_BODY:
        return Rule(RuleKind.ECB_PLUS_FROZEN, parameters.public_margin)
    if clause is None:
        return Rule(RuleKind.ECB_PLUS, parameters.default_margin)
    return replace(clause, floored=True)


def applied_rates(
    rule: Rule,
    rates: ReferenceRates,
    parameters: LateFeeParameters,
    start: date,
    end: date,
) -> Iterable[AppliedRate]:
    """The rate of each day from `start` (the first day of interest) to `end`, cut at every half-year.

    Raises MissingLegalParameter for the first half-year whose reference rate is unknown.
    """
    frozen = _frozen_reference(rule, rates, start, end)
    day = start
    while day <= end:
        last = min(end, half_year_of(day).end)
        reference = frozen or _reference_on(rule, rates, day)
        rate = _rate_of(rule, reference)
        used = [reference] if reference is not None else []
        reasons: list[Reason] = []
        if rule.floored:
            rate = _above_floor(rate, rates, parameters, day, used, reasons)
        last = min([last, *(period.end for period in used if period is not frozen)])
        if not all(period.confirmed for period in used):
            reasons.append(Reason.UNCONFIRMED_RATE)
        yield AppliedRate(day, last, rate, tuple(reasons))
        day = last + ONE_DAY


def _frozen_reference(rule: Rule, rates: ReferenceRates, start: date, end: date) -> RatePeriod | None:
    """The one rate of the whole delay: of its first day (public buyers) or of its last (rate at payment)."""
    if start > end:
        return None
    if rule.kind is RuleKind.ECB_PLUS_FROZEN:
        return rates.ecb_on(start)
    return rates.ecb_on(end) if rule.at_payment else None


def _reference_on(rule: Rule, rates: ReferenceRates, day: date) -> RatePeriod | None:
    if rule.kind in _OF_ECB:
        return rates.ecb_on(day)
    if rule.kind is RuleKind.BASE_PLUS:
        return rates.base_on(rule.series, day)
    return rates.legal_on(day) if rule.kind is RuleKind.LEGAL_X else None


def _rate_of(rule: Rule, reference: RatePeriod | None) -> Decimal:
    if reference is None:
        return rule.value
    if rule.kind is RuleKind.LEGAL_X:
        return reference.rate_percent * rule.value
    rate = reference.rate_percent + rule.value
    if rule.kind is RuleKind.ECB_PLUS_ROUNDED and rule.step:
        return (rate / rule.step).to_integral_value(rounding=ROUND_CEILING) * rule.step
    return rate


def _above_floor(
    rate: Decimal,
    rates: ReferenceRates,
    parameters: LateFeeParameters,
    day: date,
    used: list[RatePeriod],
    reasons: list[Reason],
) -> Decimal:
    """The contractual rate after the floor of L441-10 II; notes the periods read and what to look at."""
    legal = rates.legal_on(day)
    floor = legal.rate_percent * parameters.floor_multiple
    if rate >= floor:
        # The law sets no ceiling; a clause above the default rate is unusual enough to be shown.
        try:
            if rate > rates.ecb_on(day).rate_percent + parameters.default_margin:
                reasons.append(Reason.CLAUSE_ABOVE_DEFAULT)
        except MissingLegalParameter:
            pass  # a mere warning needs no rate
        return rate
    reasons.append(Reason.CLAUSE_BELOW_FLOOR)
    if parameters.floor_policy is FloorPolicy.AS_WRITTEN_AND_FLAG:
        return rate
    if parameters.floor_policy is FloorPolicy.DEFAULT:
        default = rates.ecb_on(day)
        used.append(default)
        return default.rate_percent + parameters.default_margin
    used.append(legal)
    return floor
