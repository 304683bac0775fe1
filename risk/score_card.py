"""What a score card is: criteria with weights and scales, hard rules, bounds of classes. A value, checked elsewhere.

A scale gives all of its points at its best value, nothing at its worst, and is straight between the two; points are
rounded half up after the value itself is rounded to what is shown. A criterion about which nothing is known either
gives half of its points (NEUTRAL) or leaves them to the others (SPREAD), in proportion to their weights, so that the
points still add up to 100.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from core.money import split_money

TENTH = Decimal("0.1")
HUNDREDTH = Decimal("0.01")
THOUSANDTH = Decimal("0.001")
UNIT = Decimal(1)


class Family(StrEnum):
    """What the criteria are about, in the order in which they are shown."""

    BEHAVIOUR = "BEHAVIOUR"
    FINANCE = "FINANCE"
    LEGAL = "LEGAL"
    SECTOR = "SECTOR"
    RATINGS = "RATINGS"


class Criterion(StrEnum):
    """What a card may look at, in the order in which it is shown; the last ones are hard rules."""

    DAYS_LATE = "DAYS_LATE"
    ON_TIME = "ON_TIME"
    TREND = "TREND"
    OVERDUE_SHARE = "OVERDUE_SHARE"
    OLDEST_OVERDUE = "OLDEST_OVERDUE"
    BROKEN_PROMISES = "BROKEN_PROMISES"
    BOUNCED_PAYMENTS = "BOUNCED_PAYMENTS"
    DISPUTES = "DISPUTES"
    CONAN_HOLDER = "CONAN_HOLDER"
    EQUITY_RATIO = "EQUITY_RATIO"
    LIQUIDITY = "LIQUIDITY"
    NET_MARGIN = "NET_MARGIN"
    INTEREST_BURDEN = "INTEREST_BURDEN"
    RELATION = "RELATION"
    LEGAL_EVENTS = "LEGAL_EVENTS"
    SECTOR = "SECTOR"
    EXTERNAL_RATING = "EXTERNAL_RATING"
    INSOLVENCY = "INSOLVENCY"
    STRUCK_OFF = "STRUCK_OFF"
    RATED_INSOLVENT = "RATED_INSOLVENT"
    UNPAID_FORMAL_NOTICE = "UNPAID_FORMAL_NOTICE"
    NEGATIVE_EQUITY = "NEGATIVE_EQUITY"
    EQUITY_BELOW_HALF_CAPITAL = "EQUITY_BELOW_HALF_CAPITAL"


# Hard rules, most severe first.
OVERRIDES = (
    Criterion.INSOLVENCY,
    Criterion.STRUCK_OFF,
    Criterion.RATED_INSOLVENT,
    Criterion.UNPAID_FORMAL_NOTICE,
    Criterion.NEGATIVE_EQUITY,
    Criterion.EQUITY_BELOW_HALF_CAPITAL,
)
FAMILIES: Mapping[Family, tuple[Criterion, ...]] = MappingProxyType(
    {
        Family.BEHAVIOUR: (
            Criterion.DAYS_LATE,
            Criterion.ON_TIME,
            Criterion.TREND,
            Criterion.OVERDUE_SHARE,
            Criterion.OLDEST_OVERDUE,
            Criterion.BROKEN_PROMISES,
            Criterion.BOUNCED_PAYMENTS,
            Criterion.DISPUTES,
        ),
        Family.FINANCE: (
            Criterion.CONAN_HOLDER,
            Criterion.EQUITY_RATIO,
            Criterion.LIQUIDITY,
            Criterion.NET_MARGIN,
            Criterion.INTEREST_BURDEN,
        ),
        Family.LEGAL: (Criterion.RELATION, Criterion.LEGAL_EVENTS),
        Family.SECTOR: (Criterion.SECTOR,),
        Family.RATINGS: (Criterion.EXTERNAL_RATING,),
    }
)
FAMILY_OF: Mapping[Criterion, Family] = MappingProxyType(
    {criterion: family for family, criteria in FAMILIES.items() for criterion in criteria}
)
# What a value is rounded to before it gives points.
STEPS: Mapping[Criterion, Decimal] = MappingProxyType(
    {
        Criterion.DAYS_LATE: TENTH,
        Criterion.ON_TIME: THOUSANDTH,
        Criterion.TREND: TENTH,
        Criterion.OVERDUE_SHARE: THOUSANDTH,
        Criterion.OLDEST_OVERDUE: UNIT,
        Criterion.BROKEN_PROMISES: UNIT,
        Criterion.BOUNCED_PAYMENTS: UNIT,
        Criterion.DISPUTES: THOUSANDTH,
        Criterion.CONAN_HOLDER: HUNDREDTH,
        Criterion.EQUITY_RATIO: THOUSANDTH,
        Criterion.LIQUIDITY: HUNDREDTH,
        Criterion.NET_MARGIN: THOUSANDTH,
        Criterion.INTEREST_BURDEN: THOUSANDTH,
        Criterion.RELATION: UNIT,
        Criterion.LEGAL_EVENTS: UNIT,
        Criterion.SECTOR: HUNDREDTH,
        Criterion.EXTERNAL_RATING: HUNDREDTH,
    }
)
# More is better for these; less is better for the others.
HIGHER_IS_BETTER = frozenset(
    {
        Criterion.ON_TIME,
        Criterion.CONAN_HOLDER,
        Criterion.EQUITY_RATIO,
        Criterion.LIQUIDITY,
        Criterion.NET_MARGIN,
        Criterion.RELATION,
        Criterion.SECTOR,
        Criterion.EXTERNAL_RATING,
    }
)


class WhenMissing(StrEnum):
    NEUTRAL = "NEUTRAL"
    SPREAD = "SPREAD"


@dataclass(frozen=True)
class Scale:
    """`maximum` points at `best` or beyond, none at `worst` or beyond. `step` is what a value is rounded to."""

    maximum: int
    best: Decimal
    worst: Decimal
    step: Decimal = UNIT

    def shown(self, value: Decimal) -> Decimal:
        return value.quantize(self.step, rounding=ROUND_HALF_UP) + 0

    def points(self, value: Decimal) -> int:
        """The points of a value already rounded by `shown`."""
        share = (self.worst - value) / (self.worst - self.best)
        share = min(max(share, Decimal(0)), Decimal(1))
        return int((self.maximum * share).quantize(UNIT, rounding=ROUND_HALF_UP))

    @property
    def neutral(self) -> int:
        """What is given when nothing is known: half, rounded up."""
        return (self.maximum + 1) // 2


@dataclass(frozen=True)
class CriterionRule:
    """A criterion of a card: its weight (points when all is known) and its scale."""

    criterion: Criterion
    weight: int
    best: Decimal
    worst: Decimal
    when_missing: WhenMissing = WhenMissing.NEUTRAL

    def scale(self, maximum: int) -> Scale:
        return Scale(maximum, self.best, self.worst, STEPS[self.criterion])


@dataclass(frozen=True)
class Card:
    """A card. `bounds` are the lowest points of each class, best first; `caps` the most that a hard rule leaves.

    `sectors` gives each section of the NAF (A to U) a share of the points, from 0 to 100; a section that is not there
    is not judged. Freshness in months: what is older counts as not known.
    """

    version: int
    criteria: tuple[CriterionRule, ...]
    bounds: tuple[tuple[str, int], ...]
    caps: Mapping[Criterion, int] = field(default_factory=dict)
    sectors: Mapping[str, int] = field(default_factory=dict)
    accounts_months: int = 24
    rating_months: int = 12
    legal_months: int = 36
    formal_notice_days: int = 8

    def risk_class_of(self, points: int) -> str:
        return next(name for name, lowest in self.bounds if points >= lowest)

    def weight_of(self, family: Family) -> int:
        return sum(rule.weight for rule in self.criteria if FAMILY_OF[rule.criterion] == family)

    @property
    def key(self) -> tuple[tuple[Criterion, int], ...]:
        return tuple((rule.criterion, rule.weight) for rule in self.criteria)


@lru_cache(maxsize=4096)
def spread(
    weights: tuple[tuple[Criterion, int], ...], missing: frozenset[Criterion]
) -> Mapping[Criterion, int]:
    """The points that each known criterion is out of: 100 in all, in proportion to the weights.

    Whole points by the largest remainder, the earlier criterion first. Nothing known at all: nothing to give.
    """
    known = [(criterion, weight) for criterion, weight in weights if criterion not in missing and weight]
    if not known:
        return MappingProxyType({})
    # The splitting of amounts works to the hundredth: a point is a cent here.
    parts = split_money(Decimal(100) / 100, [weight for _criterion, weight in known])
    return MappingProxyType(
        {criterion: int(part * 100) for (criterion, _weight), part in zip(known, parts, strict=True)}
    )
