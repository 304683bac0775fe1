"""Late-payment interest as a difference of two cumulated rates: the formula that the dunning run uses in SQL. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.legal_register import ECB_RATE, MissingLegalParameter, RatePeriod
from invoices.late_fee_rules import ONE_DAY


@dataclass(frozen=True)
class CumulativeRate:
    """One step of C(d), the sum of the daily rates up to a day: `before` is C on the eve of `start`."""

    start: date
    end: date
    rate_percent: Decimal
    before: Decimal

    def at(self, day: date) -> Decimal:
        """C(day), for a day from the eve of `start` to `end`."""
        return self.before + self.rate_percent * ((day - self.start).days + 1)


def cumulative_rate(
    series: Sequence[RatePeriod],
    margin: Decimal = Decimal(0),
    multiple: Decimal = Decimal(1),
    key: str = ECB_RATE,
) -> tuple[CumulativeRate, ...]:
    """The steps of C(d) for the rate `multiple` x reference + `margin`: the table that SQL joins.

    Under ACT/365, interest = principal x (C(end) - C(due)) / 36500, where `end` is the last day of interest;
    each part settled on a day counts as a principal of its own until that day (`closed_form_interest`).
    Raises MissingLegalParameter when the series has a gap.
    """
    table: list[CumulativeRate] = []
    total = Decimal(0)
    for period in series:
        if table and period.start != table[-1].end + ONE_DAY:
            raise MissingLegalParameter(key, table[-1].end + ONE_DAY)
        rate = period.rate_percent * multiple + margin
        table.append(CumulativeRate(period.start, period.end, rate, total))
        total += rate * ((period.end - period.start).days + 1)
    return tuple(table)


def cumulated_at(table: Sequence[CumulativeRate], day: date, key: str = ECB_RATE) -> Decimal:
    """C(day). Raises MissingLegalParameter outside the table."""
    for step in table:
        if step.start <= day + ONE_DAY and day <= step.end:
            return step.at(day)
    raise MissingLegalParameter(key, day)


def closed_form_interest(
    table: Sequence[CumulativeRate],
    *,
    due_date: date,
    end: date,
    open_amount: Decimal,
    settled: Iterable[tuple[date, Decimal]] = (),
) -> Decimal:
    """Unrounded interest of one item under ACT/365 and PRINCIPAL_FIRST; the formula the dunning run uses in SQL.

    `open_amount` is what is still due at `end`; `settled` are the allocations (day, amount) made until then.
    """
    if end <= due_date:
        return Decimal(0)
    from_due = cumulated_at(table, due_date)
    numerator = open_amount * (cumulated_at(table, end) - from_due)
    for day, amount in settled:
        if day > due_date:
            numerator += amount * (cumulated_at(table, min(day, end)) - from_due)
    return numerator / 36500
