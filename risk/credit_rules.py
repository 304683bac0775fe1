"""« Puis-je livrer ? »: the answer to an order, from what is known of the customer, with its coded reasons.

The gravest reason decides. For a natural person a score never refuses: it asks a person (GDPR, art. 22; CJEU,
C-634/21). What a person has released is not held against the order again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    APPROVED = "APPROVED"
    REFERRED = "REFERRED"
    REFUSED = "REFUSED"


class Code(StrEnum):
    """Why an order is not simply delivered. Stable: partners read them."""

    CUSTOMER_CLOSED = "customer_closed"
    INSOLVENT = "insolvent"
    HOLD = "hold"
    STOP_DELIVERY = "stop_delivery"
    NO_CREDIT = "no_credit"
    OVER_LIMIT = "over_limit"
    GROUP_LIMIT = "group_limit"
    NO_LIMIT = "no_limit"
    LIMIT_EXPIRED = "limit_expired"
    OTHER_CURRENCY = "other_currency"
    OVERDUE = "overdue"
    WORST_CLASS = "worst_class"


# What holds of a kind stand for; who releases the hold has decided on this reason too.
HOLD_REASONS = {
    "INSOLVENCY": Code.INSOLVENT,
    "COVER": Code.STOP_DELIVERY,
    "OVERDUE": Code.OVERDUE,
    "OVER_LIMIT": Code.OVER_LIMIT,
}
WORST_CLASS = "E"


@dataclass(frozen=True)
class Hold:
    """A hold that stands. Released, it lets pass until a day (included), or up to what is left of an amount."""

    kind: str
    since: date
    reason: str
    is_released: bool = False
    until: date | None = None
    left_amount: Decimal | None = None
    left_currency: str = ""

    def lets_pass(self, amount: Decimal, currency: str, today: date) -> bool:
        if not self.is_released or (self.until is not None and self.until < today):
            return False
        if self.left_amount is None:
            return True
        return self.left_currency == currency and amount <= self.left_amount


@dataclass(frozen=True)
class GroupRoom:
    """The limit of a whole group, and what its accounts use of it together."""

    name: str
    limit_amount: Decimal
    currency: str
    exposure_amount: Decimal


@dataclass(frozen=True)
class Facts:
    """What is known of a customer at the moment of the question. Amounts in the limit's currency.

    `late_amount` is what is overdue beyond `grace_days`, which is None where lateness does not hold deliveries;
    `overdue_days` counts from the oldest due date.
    `cover_stop` is why the insurer's rules forbid a delivery, else empty.
    """

    today: date
    is_closed: bool = False
    is_insolvent: bool = False
    is_natural_person: bool = False
    holds: Sequence[Hold] = ()
    limit_amount: Decimal | None = None
    limit_currency: str = ""
    limit_until: date | None = None
    expired_on: date | None = None
    exposure_amount: Decimal = Decimal(0)
    tolerance_percent: int = 0
    group: GroupRoom | None = None
    late_amount: Decimal = Decimal(0)
    late_currency: str = ""
    overdue_days: int = 0
    grace_days: int | None = None
    late_from_amount: Decimal = Decimal(0)
    risk_class: str = ""
    cover_stop: str = ""


@dataclass(frozen=True)
class Reason:
    """One reason with its figures (JSON-able), and how far it goes."""

    code: Code
    outcome: Outcome
    values: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code.value, "outcome": self.outcome.value, **self.values}


@dataclass(frozen=True)
class Answer:
    """`headroom_*` is the limit less the exposure, before and after the order; None without a limit to compare with."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    headroom_before: Decimal | None
    headroom_after: Decimal | None


def decide(facts: Facts, amount: Decimal, currency: str) -> Answer:
    """Answer an order of so much, all taxes included. Exactly up to the limit is within it."""
    released = {
        HOLD_REASONS[hold.kind]
        for hold in facts.holds
        if hold.kind in HOLD_REASONS and hold.lets_pass(amount, currency, facts.today)
    }
    reasons = [
        reason
        for reason in (
            *_standing(facts, amount, currency),
            *_limit(facts, amount, currency),
            *_group(facts, amount, currency),
            *_behaviour(facts),
        )
        if reason.code not in released
    ]
    before = None
    if facts.limit_amount is not None and currency == facts.limit_currency:
        before = facts.limit_amount - facts.exposure_amount
    order = (Outcome.REFUSED, Outcome.REFERRED)
    reasons.sort(key=lambda reason: order.index(reason.outcome))
    return Answer(
        reasons[0].outcome if reasons else Outcome.APPROVED,
        tuple(reasons),
        before,
        None if before is None else before - amount,
    )


def _standing(facts: Facts, amount: Decimal, currency: str) -> list[Reason]:
    """What stops deliveries whatever the amount."""
    found = []
    if facts.is_closed:
        found.append(Reason(Code.CUSTOMER_CLOSED, Outcome.REFUSED))
    if facts.is_insolvent:
        found.append(Reason(Code.INSOLVENT, Outcome.REFUSED))
    for hold in facts.holds:
        if hold.lets_pass(amount, currency, facts.today):
            continue
        values = {"kind": hold.kind, "since": hold.since.isoformat(), "text": hold.reason}
        if hold.is_released and hold.left_amount is not None:
            values |= {"left": str(hold.left_amount), "currency": hold.left_currency}
        found.append(Reason(Code.HOLD, Outcome.REFUSED, values))
    if facts.cover_stop:
        found.append(Reason(Code.STOP_DELIVERY, Outcome.REFUSED, {"text": facts.cover_stop}))
    return found


def _limit(facts: Facts, amount: Decimal, currency: str) -> list[Reason]:
    if facts.limit_amount is None:
        if facts.expired_on is not None:
            return [Reason(Code.LIMIT_EXPIRED, Outcome.REFERRED, {"on": facts.expired_on.isoformat()})]
        return [Reason(Code.NO_LIMIT, Outcome.REFERRED)]
    if currency != facts.limit_currency:
        return [Reason(Code.OTHER_CURRENCY, Outcome.REFERRED, {"limit_currency": facts.limit_currency})]
    excess = facts.exposure_amount + amount - facts.limit_amount
    if excess <= 0:
        return []
    if facts.limit_amount == 0:
        return [Reason(Code.NO_CREDIT, Outcome.REFUSED)]
    return [
        Reason(
            Code.OVER_LIMIT,
            _excess_outcome(excess, facts.limit_amount, facts.tolerance_percent),
            {
                "excess": str(excess),
                "limit": str(facts.limit_amount),
                "exposure": str(facts.exposure_amount),
                "currency": currency,
            },
        )
    ]


def _group(facts: Facts, amount: Decimal, currency: str) -> list[Reason]:
    group = facts.group
    if group is None or group.currency != currency:
        return []
    excess = group.exposure_amount + amount - group.limit_amount
    if excess <= 0:
        return []
    return [
        Reason(
            Code.GROUP_LIMIT,
            _excess_outcome(excess, group.limit_amount, facts.tolerance_percent),
            {
                "excess": str(excess),
                "limit": str(group.limit_amount),
                "exposure": str(group.exposure_amount),
                "currency": currency,
                "group": group.name,
            },
        )
    ]


def _behaviour(facts: Facts) -> list[Reason]:
    found = []
    if facts.grace_days is not None and facts.late_amount >= max(facts.late_from_amount, Decimal("0.01")):
        values = {
            "amount": str(facts.late_amount),
            "currency": facts.late_currency,
            "days": facts.overdue_days,
            "grace_days": facts.grace_days,
        }
        found.append(Reason(Code.OVERDUE, Outcome.REFERRED, values))
    if facts.risk_class == WORST_CLASS:
        outcome = Outcome.REFERRED if facts.is_natural_person else Outcome.REFUSED
        found.append(Reason(Code.WORST_CLASS, outcome))
    return found


def _excess_outcome(excess: Decimal, limit: Decimal, tolerance_percent: int) -> Outcome:
    """A small excess is a person's to let through; a larger one needs another limit."""
    return Outcome.REFERRED if excess * 100 <= limit * tolerance_percent else Outcome.REFUSED
