"""Comparing two groups drawn by lot: Welch's interval, and how alike the groups were at the start. Pure.

Statistics are floating-point by nature; money enters and leaves as Decimal (`euros_gained`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256
from math import exp, lgamma, log, sqrt
from statistics import fmean, variance

CONFIDENCE = 0.95
DAYS_OF_A_YEAR = 365
# Under so many customers in a group, the interval of skewed delays is not to be trusted.
FEWEST = 10


@dataclass(frozen=True)
class Difference:
    """`value` = mean of the control group less that of the treated one, with its interval."""

    value: float
    low: float
    high: float
    freedom: float

    @property
    def is_conclusive(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def is_control(trial_id: int, contact_key: str, share_percent: int) -> bool:
    """The lot: the same customer gets the same group however often it is drawn."""
    digest = sha256(f"{trial_id}:{contact_key}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < share_percent


def welch(
    control: Sequence[float], treated: Sequence[float], confidence: float = CONFIDENCE
) -> Difference | None:
    """The difference of two means whose variances differ (Welch, 1947); None when a group has fewer than two."""
    if len(control) < 2 or len(treated) < 2:
        return None
    value = fmean(control) - fmean(treated)
    parts = [variance(group) / len(group) for group in (control, treated)]
    spread = sum(parts)
    if spread == 0:
        return Difference(value, value, value, float(len(control) + len(treated) - 2))
    freedom = spread**2 / sum(
        part**2 / (len(group) - 1) for part, group in zip(parts, (control, treated), strict=True)
    )
    half = student_quantile(0.5 + confidence / 2, freedom) * sqrt(spread)
    return Difference(value, value - half, value + half, freedom)


def standardised_difference(control: Sequence[float], treated: Sequence[float]) -> float | None:
    """Difference of the means over the pooled standard deviation: within ±0.1 the groups were alike."""
    if len(control) < 2 or len(treated) < 2:
        return None
    pooled = sqrt((variance(control) + variance(treated)) / 2)
    return (fmean(control) - fmean(treated)) / pooled if pooled else 0.0


def days_unpaid(amount: Decimal, unpaid_amount_days: Decimal) -> float:
    """The days a customer's euros stayed unpaid after their due date, on average over his euros."""
    return float(unpaid_amount_days / amount)


def euros_gained(days: float, amounts: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    """What `days` gained are worth: Σ amount fallen due × yearly cost of money in per cent, to the cent."""
    yearly = sum((amount * percent / 100 for amount, percent in amounts), Decimal(0))
    gained = yearly * Decimal(repr(days)) / DAYS_OF_A_YEAR
    return gained.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP) + 0


def student_quantile(probability: float, freedom: float) -> float:
    """The quantile of Student's distribution, for a probability of at least one half."""
    if not 0.5 <= probability < 1 or freedom <= 0:
        raise ValueError("probability in [0.5, 1) and positive degrees of freedom")
    low, high = 0.0, 1.0
    while student_cumulative(high, freedom) < probability:
        low, high = high, high * 2
    for _step in range(200):
        middle = (low + high) / 2
        if student_cumulative(middle, freedom) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def student_cumulative(value: float, freedom: float) -> float:
    """P(T <= value) for a value of zero or more."""
    return 1 - 0.5 * _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + value * value))


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (DLMF 8.17.22)."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x))
    if x > (a + 1) / (a + b + 2):
        return 1 - front * _fraction(b, a, 1 - x) / b
    return front * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    """Lentz's evaluation of the fraction."""
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    result = d
    for step in range(1, 500):
        for numerator in (
            step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step)),
            -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1)),
        ):
            d = 1 + numerator * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + numerator / c
            c = c if abs(c) > tiny else tiny
            result *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return result
