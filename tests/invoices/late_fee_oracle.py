"""An independent computation of late-payment interest: one day after the other, in exact fractions.

It shares no arithmetic with the product: it knows the rate of every half-year by a table of its own.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import floor

# Half-year -> (ECB main refinancing rate, legal interest rate of professionals), per cent.
RATES = {
    (2022, 1): ("0.00", "0.76"),
    (2022, 2): ("0.00", "0.77"),
    (2023, 1): ("2.50", "2.06"),
    (2023, 2): ("4.00", "4.22"),
    (2024, 1): ("4.50", "5.07"),
    (2024, 2): ("4.25", "4.92"),
    (2025, 1): ("3.15", "3.71"),
    (2025, 2): ("2.15", "2.76"),
    (2026, 1): ("2.15", "2.62"),
    (2026, 2): ("2.40", "2.75"),
}


def rate_on(day: date, rule: str, value: Fraction, first_day: date) -> Fraction:
    anchor = first_day if rule == "ECB_PLUS_FROZEN" else day
    ecb, legal = (Fraction(text) for text in RATES[anchor.year, 1 if anchor.month < 7 else 2])
    if rule.startswith("ECB_PLUS"):
        return ecb + value
    if rule == "LEGAL_X":
        return legal * value
    if rule == "FIXED_FLOORED":
        return max(value, 3 * legal)
    return value


def half_up(value: Fraction) -> Fraction:
    return Fraction(floor(value * 100 + Fraction(1, 2)), 100)


def year_length(day: date, day_count: str) -> int:
    if day_count == "ACT/360":
        return 360
    if day_count == "ACT/365":
        return 365
    return (date(day.year + 1, 1, 1) - date(day.year, 1, 1)).days


@dataclass
class Outcome:
    interest: Fraction
    paid: Fraction
    principal: Fraction
    indemnity: int


def day_by_day(
    *,
    amount: Fraction,
    due: date,
    as_of: date,
    rule: str,
    value: Fraction,
    movements: list[tuple[date, Fraction, str]],
    day_count: str,
    interest_first: bool,
    stop: date | None = None,
) -> Outcome:
    """Walk from the day after `due` to `as_of`; money of a day counts from the next one."""
    principal, accrued, paid = amount, Fraction(0), Fraction(0)

    def settle(day: date) -> None:
        nonlocal principal, paid
        today = sorted((m for m in movements if m[0] == day), key=lambda m: m[2])  # CREDIT before PAY
        for _day, money, kind in today:
            if kind == "PAY" and interest_first:
                part = min(money, half_up(accrued) - paid)
                paid += part
                money -= part
            part = min(money, principal)
            principal -= part
            if kind == "PAY":
                paid += min(money - part, half_up(accrued) - paid)

    for day in sorted({m[0] for m in movements if m[0] <= min(due, as_of)}):
        settle(day)
    late_balance = principal
    day = due + timedelta(days=1)
    while day <= as_of:
        if principal and (stop is None or day <= stop):
            rate = rate_on(day, rule, value, due + timedelta(days=1))
            accrued += principal * rate / 100 / year_length(day, day_count)
        settle(day)
        day += timedelta(days=1)
    return Outcome(half_up(accrued), paid, principal, 40 if late_balance > 0 and as_of > due else 0)
