"""The payment-behaviour score of a customer, from his account alone: scorecard version 1.

Nine facts read from the ledger, each turned into points by its scale, 100 points in all. A scale gives its
maximum at its best value, nothing at its worst, and is straight between the two; points are rounded half up
after the value itself is rounded to what is shown, so that anybody can check them with a pencil.

Where the account says too little, a scale gives half of its points and says so: an unknown customer lands in
the middle (class C), neither praised nor punished. Open insolvency proceedings override everything.

Weighted average days late = Σ(amount × days late) ÷ Σ amount of the items settled in the window; what is paid
before its due date counts negative. On-time rate (D+5) = paid within five days of the due date ÷ falling due.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from types import MappingProxyType

CARD_VERSION = 1
# Fewer settled items say more about chance than about the customer.
ENOUGH_ITEMS = 3
ENOUGH_PER_HALF = 2
# Classes by their lowest points, best first.
CLASS_BOUNDS = (("A", 85), ("B", 70), ("C", 50), ("D", 30), ("E", 0))

TENTH = Decimal("0.1")
THOUSANDTH = Decimal("0.001")
UNIT = Decimal(1)


class Criterion(StrEnum):
    """What the card looks at, in the order in which it is shown."""

    DAYS_LATE = "DAYS_LATE"
    ON_TIME = "ON_TIME"
    TREND = "TREND"
    OVERDUE_SHARE = "OVERDUE_SHARE"
    OLDEST_OVERDUE = "OLDEST_OVERDUE"
    BROKEN_PROMISES = "BROKEN_PROMISES"
    BOUNCED_PAYMENTS = "BOUNCED_PAYMENTS"
    DISPUTES = "DISPUTES"
    RELATION = "RELATION"
    INSOLVENCY = "INSOLVENCY"


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


SCALES: Mapping[Criterion, Scale] = MappingProxyType(
    {
        Criterion.DAYS_LATE: Scale(30, best=Decimal(0), worst=Decimal(30), step=TENTH),
        Criterion.ON_TIME: Scale(20, best=Decimal("0.95"), worst=Decimal("0.20"), step=THOUSANDTH),
        Criterion.TREND: Scale(10, best=Decimal(0), worst=Decimal(15), step=TENTH),
        Criterion.OVERDUE_SHARE: Scale(15, best=Decimal(0), worst=Decimal("0.50"), step=THOUSANDTH),
        Criterion.OLDEST_OVERDUE: Scale(10, best=Decimal(0), worst=Decimal(90)),
        Criterion.BROKEN_PROMISES: Scale(5, best=Decimal(0), worst=Decimal(2)),
        Criterion.BOUNCED_PAYMENTS: Scale(4, best=Decimal(0), worst=Decimal(2)),
        Criterion.DISPUTES: Scale(3, best=Decimal(0), worst=Decimal("0.30"), step=THOUSANDTH),
        Criterion.RELATION: Scale(3, best=Decimal(1095), worst=Decimal(0)),
    }
)


@dataclass(frozen=True)
class Behaviour:
    """What a customer's account says as of a day. Shares are ratios (0.25 is a quarter); windows end that day.

    Days late, on-time share and overdue share are measured in the currency of the account.
    """

    fallen_due_count: int = 0  # invoices whose due date has passed
    settled_count: int = 0  # invoices settled by payment in the last twelve months
    weighted_days_late: Decimal | None = None  # of these, early payments negative
    recent_count: int = 0  # settled in the last six months
    recent_days_late: Decimal | None = None
    earlier_count: int = 0  # settled in the six months before
    earlier_days_late: Decimal | None = None
    due_count: int = 0  # invoices whose fifth day after the due date fell in the last twelve months
    on_time_share: Decimal | None = None  # of their amount, what was paid by that fifth day
    overdue_share: Decimal = Decimal(0)  # overdue ÷ receivable, credits taken off both
    oldest_overdue_days: int = 0
    broken_promises: int = 0  # in the last twelve months
    bounced_payments: int = 0  # in the last twelve months
    disputes: int = 0  # opened in the last twelve months
    invoice_count: int = 0  # issued in the last twelve months
    relation_days: int | None = None  # since the customer is one
    is_insolvent: bool = False


@dataclass(frozen=True)
class Reason:
    """The points of one criterion. `value` is what was measured, `count` over how many items or facts.

    `is_neutral`: the account says too little, half of the points are given.
    """

    criterion: Criterion
    points: int
    maximum: int
    value: Decimal | None
    count: int
    is_neutral: bool = False


@dataclass(frozen=True)
class Scored:
    """0 to 100 points, the class they fall in, and what they are the sum of."""

    points: int
    risk_class: str
    reasons: tuple[Reason, ...]


def score(behaviour: Behaviour) -> Scored:
    """The score of a behaviour. Open insolvency proceedings give 0 points and class E, whatever the account says."""
    if behaviour.is_insolvent:
        return Scored(0, risk_class_of(0), (Reason(Criterion.INSOLVENCY, 0, 100, None, 0),))
    reasons = (*_habits(behaviour), *_position(behaviour), *_incidents(behaviour), _relation(behaviour))
    points = sum(reason.points for reason in reasons)
    return Scored(points, risk_class_of(points), reasons)


def risk_class_of(points: int) -> str:
    """A (very good payer) to E (very risky) by CLASS_BOUNDS."""
    return next(name for name, lowest in CLASS_BOUNDS if points >= lowest)


def _habits(found: Behaviour) -> tuple[Reason, ...]:
    """How he has paid over the last year."""
    is_known = found.settled_count >= ENOUGH_ITEMS
    trend: Decimal | None = None
    if (
        found.recent_days_late is not None
        and found.earlier_days_late is not None
        and min(found.recent_count, found.earlier_count) >= ENOUGH_PER_HALF
    ):
        # Both halves as they are shown, so that their difference is the one that a reader finds.
        step = SCALES[Criterion.TREND]
        trend = step.shown(found.recent_days_late) - step.shown(found.earlier_days_late)
    return (
        _measured(Criterion.DAYS_LATE, found.weighted_days_late if is_known else None, found.settled_count),
        _measured(
            Criterion.ON_TIME,
            found.on_time_share if found.due_count >= ENOUGH_ITEMS else None,
            found.due_count,
        ),
        _measured(Criterion.TREND, trend, found.recent_count + found.earlier_count),
    )


def _position(found: Behaviour) -> tuple[Reason, ...]:
    """Where he stands today. Somebody to whom nothing has fallen due yet has had no occasion to be late."""
    is_known = found.fallen_due_count > 0
    share, oldest = found.overdue_share, Decimal(found.oldest_overdue_days)
    return (
        _measured(Criterion.OVERDUE_SHARE, share if is_known else None, found.fallen_due_count),
        _measured(Criterion.OLDEST_OVERDUE, oldest if is_known else None, found.fallen_due_count),
    )


def _incidents(found: Behaviour) -> tuple[Reason, ...]:
    is_known = found.fallen_due_count > 0
    disputed = Decimal(found.disputes) / max(found.invoice_count, found.disputes, 1)
    return (
        _counted(Criterion.BROKEN_PROMISES, found.broken_promises, is_known),
        _counted(Criterion.BOUNCED_PAYMENTS, found.bounced_payments, is_known),
        _measured(Criterion.DISPUTES, disputed if is_known else None, found.disputes),
    )


def _relation(found: Behaviour) -> Reason:
    days = found.relation_days or 0
    return _measured(Criterion.RELATION, Decimal(max(days, 0)), max(days, 0))


def _counted(criterion: Criterion, count: int, is_known: bool) -> Reason:
    return _measured(criterion, Decimal(count) if is_known else None, count)


def _measured(criterion: Criterion, value: Decimal | None, count: int) -> Reason:
    scale = SCALES[criterion]
    if value is None:
        return Reason(criterion, scale.neutral, scale.maximum, None, count, is_neutral=True)
    shown = scale.shown(value)
    return Reason(criterion, scale.points(shown), scale.maximum, shown, count)
