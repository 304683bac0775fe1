"""Late-payment interest and fixed recovery indemnity of one invoice. Pure: rates and values are passed in.

C. com. L441-10 II and D441-5; C. civ. 1343-1 (order of allocation); C. com. L622-28 (insolvency). Convention:
interest runs from the day after the due date to the last day inclusive; money credited on day P reduces the
principal from P + 1; one rounding per invoice, half up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from math import lcm

from django.utils.translation import gettext as _

from core.money import round_money
from invoices.fixed_costs import UnknownTier
from invoices.late_fee_rules import (
    ONE_DAY,
    Debtor,
    LateFeeParameters,
    Reason,
    ReferenceRates,
    Rule,
    applied_rates,
)

ZERO = Decimal("0.00")
_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)


class DayCount(StrEnum):
    """The divisor of a year; no text fixes it, a contract may."""

    ACT_365 = "ACT/365"
    ACT_ACT = "ACT/ACT"
    ACT_360 = "ACT/360"

    def divisor(self, year: int) -> int:
        if self is DayCount.ACT_360:
            return 360
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        return 366 if self is DayCount.ACT_ACT and leap else 365


class AllocationOrder(StrEnum):
    """What a part payment settles first; C. civ. 1343-1 says interest, unless otherwise agreed."""

    PRINCIPAL_FIRST = "PRINCIPAL_FIRST"
    INTEREST_FIRST = "INTEREST_FIRST"


class CreditNotePolicy(StrEnum):
    """A credit note reduces the principal from its date, or from the start when it corrects an error."""

    EFFECTIVE_DATE = "EFFECTIVE_DATE"
    RETROACTIVE = "RETROACTIVE"


class MovementKind(StrEnum):
    PAY = "PAY"
    CREDIT = "CREDIT"


class ClaimError(ValueError):
    """The facts contradict the rules (a negative invoice or payment); the message says which."""


@dataclass(frozen=True)
class Movement:
    """Money credited to the creditor's account on a day, or a credit note; the amount is positive."""

    day: date
    amount: Decimal
    kind: MovementKind = MovementKind.PAY


@dataclass(frozen=True)
class Claim:
    """The facts of one invoice. `rule` None: no interest runs.

    `interest_start` is the first day of interest when it is later than the day after the due date (the day
    after a consumer's formal notice); `interest_stop` its last day; `judgment_date` that of an insolvency.
    """

    amount: Decimal
    due_date: date
    as_of: date
    rule: Rule | None
    movements: Sequence[Movement] = ()
    debtor: Debtor | str = Debtor.COMPANY
    day_count: DayCount = DayCount.ACT_365
    allocation: AllocationOrder = AllocationOrder.PRINCIPAL_FIRST
    credit_notes: CreditNotePolicy = CreditNotePolicy.EFFECTIVE_DATE
    interest_start: date | None = None
    interest_stop: date | None = None
    judgment_date: date | None = None
    currency: str = "EUR"


@dataclass(frozen=True)
class Segment:
    """Consecutive days with one principal and one rate. `printed` adds up to the invoice's interest.

    Where the rate is that of the day of payment, the parts paid on different days stand one beside the other.
    """

    start: date
    end: date
    principal: Decimal
    rate_percent: Decimal
    divisor: int
    printed: Decimal = ZERO

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    @property
    def weight(self) -> Decimal:
        """Principal x rate x days: exact, divided once for the whole invoice."""
        return _WIDE.multiply(_WIDE.multiply(self.principal, self.rate_percent), Decimal(self.days))

    @property
    def interest(self) -> Decimal:
        """Unrounded."""
        return _WIDE.divide(self.weight, Decimal(100 * self.divisor))

    @property
    def rounded(self) -> Decimal:
        return round_money(self.interest)


@dataclass(frozen=True)
class LateFees:
    """What is due for one invoice at `as_of`, and why."""

    segments: tuple[Segment, ...]
    interest: Decimal
    interest_paid: Decimal
    indemnity: Decimal
    principal_open: Decimal
    surplus: Decimal
    reasons: tuple[Reason, ...]
    # A fixed sum that the law sets in another currency than the invoice's: claimed apart, never added.
    indemnity_apart: Decimal = ZERO
    indemnity_apart_currency: str = ""

    @property
    def interest_open(self) -> Decimal:
        return self.interest - self.interest_paid

    @property
    def total_claim(self) -> Decimal:
        return self.principal_open + self.interest_open + self.indemnity

    @property
    def daily_interest(self) -> Decimal:
        """Interest of one more day on what is open, unrounded; nothing once a judgment stopped it."""
        if not self.segments or not self.principal_open or Reason.STOPPED_BY_JUDGMENT in self.reasons:
            return ZERO
        last = self.segments[-1]
        return self.principal_open * last.rate_percent / 100 / last.divisor

    @property
    def sum_of_rounded_segments(self) -> Decimal:
        """What rounding each segment would give: shown beside, never claimed."""
        return sum((segment.rounded for segment in self.segments), ZERO)


def late_fees(claim: Claim, rates: ReferenceRates, parameters: LateFeeParameters) -> LateFees:
    """Interest, indemnity and what is left to pay of one invoice.

    Raises MissingLegalParameter when a half-year in which interest runs has no rate, ClaimError for
    negative amounts.
    """
    if claim.amount < 0 or any(movement.amount < 0 for movement in claim.movements):
        raise ClaimError(_("Les montants d’une facture, d’un règlement et d’un avoir sont positifs."))
    ledger = _Ledger(claim)
    reasons = ledger.reasons
    ledger.apply_until(claim.due_date)
    balance_at_due = ledger.principal
    start = max(claim.due_date + ONE_DAY, claim.interest_start or date.min)
    stop = _last_day(claim, reasons)
    rule = claim.rule
    if claim.debtor == Debtor.CONSUMER and claim.interest_start is None:
        reasons.append(Reason.CONSUMER_WITHOUT_NOTICE)
        rule = None
    if rule is not None and stop is not None and start <= stop:
        ledger.apply_until(start - ONE_DAY)
        if rule.at_payment:
            reasons.extend(ledger.accrue_at_payment(rule, rates, parameters, start, stop))
        runs = ledger.principal and not rule.at_payment
        steps = iter(applied_rates(rule, rates, parameters, start, stop) if runs else ())
        # Nothing is asked of the series once the principal is settled: a later half-year may be unknown.
        while ledger.principal and (applied := next(steps, None)):
            ledger.accrue(applied.start, applied.end, applied.rate_percent)
            reasons.extend(applied.reasons)
    ledger.apply_until(claim.as_of)
    indemnity, apart, apart_currency = _indemnity(
        claim, parameters, balance_at_due, stop is not None, reasons
    )
    if ledger.surplus > 0:
        reasons.append(Reason.OVERPAID)
    interest = ledger.accrued()
    return LateFees(
        segments=printable(ledger.segments, interest),
        interest=interest,
        interest_paid=ledger.interest_paid,
        indemnity=indemnity,
        principal_open=ledger.principal + ZERO,
        surplus=ledger.surplus,
        reasons=tuple(dict.fromkeys(reasons)),
        indemnity_apart=apart,
        indemnity_apart_currency=apart_currency,
    )


def _last_day(claim: Claim, reasons: list[Reason]) -> date | None:
    """The last day of interest; None when an insolvency judgment forbade payment at the due date.

    C. com. L622-28 stops interest; the day of the judgment itself is undecided, so it stops on the eve.
    """
    stop = min(claim.as_of, claim.interest_stop or date.max)
    if claim.judgment_date is not None:
        if claim.due_date >= claim.judgment_date:
            reasons.append(Reason.DUE_AFTER_JUDGMENT)
            return None
        if claim.judgment_date <= claim.as_of:
            reasons.append(Reason.STOPPED_BY_JUDGMENT)
            stop = min(stop, claim.judgment_date - ONE_DAY)
    return stop


def _indemnity(
    claim: Claim,
    parameters: LateFeeParameters,
    balance_at_due: Decimal,
    payable: bool,
    reasons: list[Reason],
) -> tuple[Decimal, Decimal, str]:
    """C. com. L441-10 II and D441-5: per invoice, in full, professionals only, from the first day late.

    Returns it, and what is due apart in another currency.
    """
    nothing = (ZERO, ZERO, "")
    if claim.as_of <= claim.due_date:
        reasons.append(Reason.NOT_LATE)
        return nothing
    if balance_at_due <= 0:
        reasons.append(Reason.SETTLED_IN_TIME)
        return nothing
    if claim.debtor == Debtor.CONSUMER:
        reasons.append(Reason.CONSUMER_WITHOUT_INDEMNITY)
        return nothing
    if not payable:
        return nothing
    if balance_at_due <= parameters.de_minimis:
        reasons.append(Reason.DE_MINIMIS)
        return nothing
    try:
        amount, currency = parameters.indemnity_on(balance_at_due, claim.currency)
    except UnknownTier:
        reasons.append(Reason.INDEMNITY_IN_OTHER_CURRENCY)
        return nothing
    if currency == claim.currency or not amount:
        return round_money(amount), ZERO, ""
    reasons.append(Reason.INDEMNITY_IN_OTHER_CURRENCY)
    return ZERO, round_money(amount), currency


class _Ledger:
    """Principal and accrued interest as the days pass."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.principal = claim.amount
        self.surplus = ZERO
        self.interest_paid = ZERO
        self.segments: list[Segment] = []
        self.reasons: list[Reason] = []
        self._weights: dict[int, Decimal] = {}
        retroactive = claim.credit_notes is CreditNotePolicy.RETROACTIVE
        known = [movement for movement in claim.movements if movement.day <= claim.as_of and movement.amount]
        # Credit notes of a day come before its payments: they correct what the payments settle.
        known.sort(key=lambda movement: (movement.day, movement.kind is MovementKind.PAY))
        self.pending: list[Movement] = []
        for movement in known:
            if retroactive and movement.kind is MovementKind.CREDIT:
                self._apply(movement)
            else:
                self.pending.append(movement)

    def apply_until(self, day: date) -> None:
        """Apply the movements dated up to a day."""
        while self.pending and self.pending[0].day <= day:
            self._apply(self.pending.pop(0))

    def accrue(self, start: date, end: date, rate_percent: Decimal) -> None:
        """Let interest run from `start` to `end`, cut at every movement."""
        while start <= end and self.principal:
            last = min(end, self.pending[0].day) if self.pending else end
            divisor = self.claim.day_count.divisor(start.year)
            self._add(Segment(start, last, self.principal, rate_percent, divisor))
            self.apply_until(last)
            start = last + ONE_DAY

    def accrue_at_payment(
        self, rule: Rule, rates: ReferenceRates, parameters: LateFeeParameters, start: date, stop: date
    ) -> list[Reason]:
        """Let interest run from `start`, each part at the rate of the day it is paid, the rest at that of `stop`."""
        if self.claim.allocation is AllocationOrder.INTEREST_FIRST and self.pending:
            raise ClaimError(
                _(
                    "Au taux du jour du paiement, un règlement partiel ne peut s’imputer d’abord que sur le principal."
                )
            )
        reasons: list[Reason] = []

        def add(principal: Decimal, end: date) -> None:
            for applied in applied_rates(rule, rates, parameters, start, end) if principal else ():
                divisor = self.claim.day_count.divisor(applied.start.year)
                self._add(Segment(applied.start, applied.end, principal, applied.rate_percent, divisor))
                reasons.extend(applied.reasons)

        while self.principal and self.pending and self.pending[0].day <= stop:
            day = self.pending[0].day
            settled = sum((movement.amount for movement in self.pending if movement.day == day), ZERO)
            add(min(self.principal, settled), day)
            self.apply_until(day)
        add(self.principal, stop)
        return reasons

    def accrued(self) -> Decimal:
        """Interest so far, rounded once: one exact fraction over the common divisor."""
        common = lcm(*self._weights) if self._weights else 1
        weight = Decimal(0)
        for divisor, part in self._weights.items():
            weight = _WIDE.fma(part, Decimal(common // divisor), weight)
        return round_money(_WIDE.divide(weight, Decimal(100 * common)))

    def _add(self, segment: Segment) -> None:
        self.segments.append(segment)
        known = self._weights.get(segment.divisor, Decimal(0))
        self._weights[segment.divisor] = _WIDE.add(known, segment.weight)

    def _apply(self, movement: Movement) -> None:
        left = movement.amount
        if movement.kind is MovementKind.PAY and self.claim.allocation is AllocationOrder.INTEREST_FIRST:
            left -= self._pay_interest(left)
        part = min(left, self.principal)
        self.principal -= part
        left -= part
        if left and movement.kind is MovementKind.PAY:
            left -= self._pay_interest(left)
        self.surplus += left

    def _pay_interest(self, amount: Decimal) -> Decimal:
        part = min(amount, self.accrued() - self.interest_paid)
        self.interest_paid += part
        return part


def printable(segments: list[Segment], total: Decimal) -> tuple[Segment, ...]:
    """The segments in whole cents that add up to the total: the residue goes to the last one.

    A residue that would make it negative is carried to the one before.
    """
    residue = total - sum((segment.rounded for segment in segments), ZERO)
    printed: list[Segment] = []
    for segment in reversed(segments):
        cents = max(ZERO, segment.rounded + residue)
        residue -= cents - segment.rounded
        printed.append(
            Segment(
                segment.start,
                segment.end,
                segment.principal,
                segment.rate_percent,
                segment.divisor,
                cents,
            )
        )
    return tuple(reversed(printed))
