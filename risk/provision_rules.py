"""Expected credit losses from the house's own roll rates, and the French allowance entries. Pure.

Simplified approach of IFRS 9 (5.5.15, B5.5.35): what was sold is followed through the buckets of lateness; the loss
rate of a bucket is what was finally lost of each euro that reached it, times an outlook factor. Debts assessed one by
one stand apart. In French accounts (PCG, accounts 416, 491, 68174, 78174) the loss is estimated debt by debt and
without VAT, which the State gives back (CGI 272, 1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from core.money import round_money

# A bucket begins the day after its bound: not due, 1-30, 31-60, 61-90, over 90 days late.
BOUNDS = (0, 30, 60, 90)
BUCKET_COUNT = len(BOUNDS) + 1
RATE_STEP = Decimal("0.000001")
ONE = Decimal(1)
ZERO = Decimal(0)


class RatesMissing(ValueError):
    """The ledger shows too little for some buckets, and nobody entered a rate for them; `buckets` names them."""

    def __init__(self, buckets: Sequence[int]) -> None:
        super().__init__(", ".join(map(str, buckets)))
        self.buckets = tuple(buckets)


@dataclass(frozen=True)
class Step:
    """From one bucket into the next; from the last one into loss.

    `entered_amount` is what was in the bucket and had the time to move on, `rolled_amount` what of it did.
    """

    entered_amount: Decimal
    rolled_amount: Decimal
    count: int

    @property
    def rate(self) -> Decimal | None:
        """Rolled ÷ entered; None when nothing was observed."""
        return None if self.entered_amount <= 0 else self.rolled_amount / self.entered_amount


@dataclass(frozen=True)
class BucketRate:
    """The loss rate of a bucket, a ratio to six decimals, before the outlook factor.

    `source` says where it comes from: OBSERVED in the group, OBSERVED_ALL over all groups, or ENTERED by a person.
    """

    bucket: int
    rate: Decimal
    source: str


def bucket_of(days_late: int) -> int:
    """0 is not due (the due day itself is not late), 4 over 90 days late."""
    return sum(days_late > bound for bound in BOUNDS)


def loss_rates(
    steps: Sequence[Step],
    *,
    minimum_count: int,
    wider: Sequence[Sequence[Step]] = (),
    entered: Mapping[int, Decimal] | None = None,
) -> tuple[BucketRate, ...]:
    """The loss rate of each bucket: the product of the roll rates from it to the end.

    A step seen on fewer than `minimum_count` documents is taken from the first of the `wider` books that saw enough (all
    groups together, then the house's own currency: a ratio has none). Where none did, the rate that a person `entered`
    for the bucket holds. Raises RatesMissing.
    """
    found: list[BucketRate] = []
    missing: list[int] = []
    product: Decimal | None = ONE
    source = "OBSERVED"
    for bucket in reversed(range(BUCKET_COUNT)):
        rate, where = _step_rate(steps, wider, bucket, minimum_count)
        if where == "OBSERVED_ALL" and source == "OBSERVED":
            source = where
        product = None if product is None or rate is None else product * rate
        if product is not None:
            found.append(BucketRate(bucket, _rate(min(product, ONE)), source))
        elif entered is not None and bucket in entered:
            found.append(BucketRate(bucket, _rate(entered[bucket]), "ENTERED"))
            # What comes before it rolls into a bucket whose rate is known again.
            product, source = entered[bucket], "OBSERVED"
        else:
            missing.append(bucket)
    if missing:
        raise RatesMissing(sorted(missing))
    return tuple(reversed(found))


def _step_rate(
    steps: Sequence[Step], wider: Sequence[Sequence[Step]], bucket: int, minimum_count: int
) -> tuple[Decimal | None, str]:
    for source, candidates in (("OBSERVED", steps), *(("OBSERVED_ALL", book) for book in wider)):
        if len(candidates) > bucket and candidates[bucket].count >= minimum_count:
            rate = candidates[bucket].rate
            if rate is not None:
                return rate, source
    return None, ""


def with_outlook(rate: Decimal, factor: Decimal) -> Decimal:
    """The rate for what is expected to come: times the factor, a loss of the whole at most."""
    return _rate(min(rate * factor, ONE))


def allowance(base_amount: Decimal, rate: Decimal) -> Decimal:
    """The expected loss on a base, to the cent, half up."""
    return round_money(base_amount * rate)


def amount_without_vat(open_amount: Decimal, total_amount: Decimal, vat_amount: Decimal | None) -> Decimal:
    """The part of what is still open that is not VAT, in the proportion of the document.

    VAT that the ledger does not know counts as none: the amount stays whole.
    """
    if vat_amount is None or total_amount == 0:
        return open_amount
    return round_money(open_amount * (total_amount - vat_amount) / total_amount)


@dataclass(frozen=True)
class Held:
    """One debt in one closing, and what was set aside for it."""

    base_amount: Decimal
    bucket: int
    rate: Decimal
    allowance_amount: Decimal
    is_individual: bool


@dataclass(frozen=True)
class Movement:
    """From one closing to the next, for one debt. The parts add up to closing less opening, to the cent."""

    new: Decimal = ZERO  # debts that were not there
    settled: Decimal = ZERO  # debts paid or credited, wholly or in part
    used: Decimal = ZERO  # debts written off: the allowance did its work
    aged: Decimal = ZERO  # debts that moved to another bucket
    rates: Decimal = ZERO  # other rates, another outlook
    individual: Decimal = ZERO  # debts that came to be assessed one by one, or no longer are, or otherwise

    @property
    def total(self) -> Decimal:
        return self.new + self.settled + self.used + self.aged + self.rates + self.individual


def movement(
    before: Held | None,
    after: Held | None,
    before_rates: Mapping[int, Decimal],
    *,
    written_off: Decimal = ZERO,
) -> Movement:
    """What became of one debt.

    `before_rates` are the earlier closing's rates by bucket, outlook included; `written_off` is the part of the
    earlier base that was given up as lost in between.
    """
    if before is None:
        return Movement(new=after.allowance_amount if after else ZERO)
    left = after.base_amount if after else ZERO
    on_left = allowance(left, before.rate)
    used = -allowance(min(written_off, max(before.base_amount - left, ZERO)), before.rate)
    settled = on_left - before.allowance_amount - used
    if after is None:
        return Movement(settled=settled, used=used)
    if before.is_individual or after.is_individual:
        return Movement(settled=settled, used=used, individual=after.allowance_amount - on_left)
    older = allowance(left, before_rates.get(after.bucket, after.rate))
    return Movement(settled=settled, used=used, aged=older - on_left, rates=after.allowance_amount - older)


def _rate(value: Decimal) -> Decimal:
    return value.quantize(RATE_STEP, rounding=ROUND_HALF_UP)
