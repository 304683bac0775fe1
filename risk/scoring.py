"""The score of a customer: facts in, points with their reasons out. Anybody can check it with a pencil.

The card (`risk.score_card`) gives each criterion its weight and scale. Where a criterion is not known, it gives half
of its points and says so, or leaves them to the others, as the card says: an unknown customer lands in the middle,
neither praised nor punished, and a customer without accounts is judged by what is known. Hard rules then cap the
total; open insolvency proceedings override everything.

Weighted average days late = Σ(amount × days late) ÷ Σ amount of the items settled in the window; what is paid
before its due date counts negative. On-time rate (D+5) = paid within five days of the due date ÷ falling due.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from core.calendar import add_months
from risk.default_cards import CARD_1
from risk.score_card import OVERRIDES, Card, Criterion, CriterionRule, Scale, WhenMissing, spread

CARD_VERSION = CARD_1.version
# Fewer settled items say more about chance than about the customer.
ENOUGH_ITEMS = 3
ENOUGH_PER_HALF = 2
# Classes by their lowest points, best first.
CLASS_BOUNDS = CARD_1.bounds
SCALES: Mapping[Criterion, Scale] = MappingProxyType(
    {rule.criterion: rule.scale(rule.weight) for rule in CARD_1.criteria}
)

__all__ = [
    "CARD_VERSION",
    "CLASS_BOUNDS",
    "ENOUGH_ITEMS",
    "ENOUGH_PER_HALF",
    "SCALES",
    "AccountsFacts",
    "Behaviour",
    "Criterion",
    "Facts",
    "LegalFacts",
    "RatingFacts",
    "Reason",
    "Scale",
    "Scored",
    "risk_class_of",
    "score",
    "score_facts",
]


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
class AccountsFacts:
    """The latest accounts: a value per financial criterion, or why there is none (`ZERO:turnover`)."""

    period_end: date
    source: str = ""
    values: Mapping[Criterion, Decimal] = field(default_factory=dict)
    gaps: Mapping[Criterion, str] = field(default_factory=dict)
    has_negative_equity: bool = False
    # C. com. L223-42, L225-248: equity below half of the capital.
    is_below_half_capital: bool = False


@dataclass(frozen=True)
class RatingFacts:
    """A rating by somebody else: `position` from 0 (worst) to 1 (best), None when it says nothing."""

    scale: str
    value: str
    rated_on: date
    position: Decimal | None = None
    valid_until: date | None = None
    is_insolvent: bool = False


@dataclass(frozen=True)
class LegalFacts:
    """What official announcements say: dates of adverse events, and since when the company is struck off."""

    adverse_on: tuple[date, ...] = ()
    struck_off_on: date | None = None


@dataclass(frozen=True)
class Facts:
    """All that is known of a customer as of a day. `legal` is None when nobody watches his announcements."""

    behaviour: Behaviour
    accounts: AccountsFacts | None = None
    ratings: tuple[RatingFacts, ...] = ()
    legal: LegalFacts | None = None
    naf_section: str = ""
    formal_notice_on: date | None = None


@dataclass(frozen=True)
class Reason:
    """The points of one criterion. `value` is what was measured, `count` over how many items or facts.

    `is_neutral`: too little is known; half of the points are given, or they went to the others (a maximum of 0).
    `why` tells what is missing, `on` of which day the input is, `source` where it comes from. A hard rule has no
    maximum: its points are what it takes off, its value the cap.
    """

    criterion: Criterion
    points: int
    maximum: int
    value: Decimal | None
    count: int
    is_neutral: bool = False
    why: str = ""
    on: date | None = None
    source: str = ""


@dataclass(frozen=True)
class Scored:
    """0 to 100 points, the class they fall in, and what they are the sum of."""

    points: int
    risk_class: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class _Found:
    """What a criterion measured, or why not."""

    value: Decimal | None = None
    count: int = 0
    why: str = ""
    on: date | None = None
    source: str = ""


def score(behaviour: Behaviour) -> Scored:
    """The score of version 1, from the account alone."""
    return score_facts(CARD_1, Facts(behaviour), date.max)


def risk_class_of(points: int) -> str:
    """A (very good payer) to E (very risky) by CLASS_BOUNDS."""
    return CARD_1.risk_class_of(points)


def score_facts(card: Card, facts: Facts, as_of: date) -> Scored:
    """The score of these facts by the card. Never raises, whatever is missing."""
    if facts.behaviour.is_insolvent and Criterion.INSOLVENCY in card.caps:
        cap = card.caps[Criterion.INSOLVENCY]
        return Scored(cap, card.risk_class_of(cap), (Reason(Criterion.INSOLVENCY, cap, 100, None, 0),))
    found = {
        rule.criterion: _find(rule.criterion, card, facts, as_of) for rule in card.criteria if rule.weight
    }
    missing = frozenset(
        rule.criterion
        for rule in card.criteria
        if rule.weight and rule.when_missing is WhenMissing.SPREAD and found[rule.criterion].value is None
    )
    maxima = spread(card.key, missing)
    reasons = [
        _reason(rule, found[rule.criterion], maxima.get(rule.criterion, 0))
        for rule in card.criteria
        if rule.weight
    ]
    points = sum(reason.points for reason in reasons)
    points, capped = _cap(card, facts, as_of, points)
    return Scored(points, card.risk_class_of(points), (*reasons, *capped))


def _reason(rule: CriterionRule, found: _Found, maximum: int) -> Reason:
    if found.value is None:
        neutral = (maximum + 1) // 2
        return Reason(
            rule.criterion, neutral, maximum, None, found.count, True, found.why, found.on, found.source
        )
    scale = rule.scale(maximum)
    shown = scale.shown(found.value)
    return Reason(
        rule.criterion,
        scale.points(shown),
        maximum,
        shown,
        found.count,
        on=found.on,
        source=found.source,
    )


def _find(criterion: Criterion, card: Card, facts: Facts, as_of: date) -> _Found:
    reader = _READERS.get(criterion)
    if reader is not None:
        return reader(facts.behaviour)
    if criterion == Criterion.LEGAL_EVENTS:
        return _legal(card, facts, as_of)
    if criterion == Criterion.SECTOR:
        return _sector(card, facts)
    if criterion == Criterion.EXTERNAL_RATING:
        return _rating(card, facts, as_of)
    return _accounts(criterion, card, facts, as_of)


def _accounts(criterion: Criterion, card: Card, facts: Facts, as_of: date) -> _Found:
    accounts = facts.accounts
    if accounts is None:
        return _Found(why="NO_ACCOUNTS")
    if not _is_fresh(accounts.period_end, card.accounts_months, as_of):
        return _Found(why="ACCOUNTS_OLD", on=accounts.period_end, source=accounts.source)
    value = accounts.values.get(criterion)
    why = "" if value is not None else accounts.gaps.get(criterion, "MISSING")
    return _Found(value, 1, why, accounts.period_end, accounts.source)


def _legal(card: Card, facts: Facts, as_of: date) -> _Found:
    if facts.legal is None:
        return _Found(why="NOT_WATCHED")
    recent = [day for day in facts.legal.adverse_on if _is_fresh(day, card.legal_months, as_of)]
    return _Found(Decimal(len(recent)), len(recent), on=max(recent, default=None), source="BODACC")


def _sector(card: Card, facts: Facts) -> _Found:
    if not facts.naf_section:
        return _Found(why="NO_NAF")
    share = card.sectors.get(facts.naf_section)
    if share is None:
        return _Found(why="NO_SECTOR_SCALE", source=facts.naf_section)
    return _Found(Decimal(share) / 100, 1, source=facts.naf_section)


def _rating(card: Card, facts: Facts, as_of: date) -> _Found:
    """The worst of the ratings that still hold."""
    if not facts.ratings:
        return _Found(why="NO_RATING")
    held = [rating for rating in facts.ratings if _holds(rating, card, as_of) and rating.position is not None]
    if not held:
        return _Found(why="RATING_OLD", on=max(rating.rated_on for rating in facts.ratings))
    worst = min(held, key=lambda rating: (rating.position or Decimal(0), rating.scale))
    return _Found(worst.position, len(held), on=worst.rated_on, source=f"{worst.scale}={worst.value}")


def _holds(rating: RatingFacts, card: Card, as_of: date) -> bool:
    if rating.valid_until is not None:
        return rating.valid_until >= as_of
    return _is_fresh(rating.rated_on, card.rating_months, as_of)


def _is_fresh(day: date, months: int, as_of: date) -> bool:
    return add_months(day, months) > as_of


def _cap(card: Card, facts: Facts, as_of: date, points: int) -> tuple[int, list[Reason]]:
    """The lowest cap of the hard rules that apply; the others are told, and take nothing off."""
    apply = [
        (criterion, card.caps[criterion], on)
        for criterion in OVERRIDES
        if criterion in card.caps
        for holds, on in (_applies(criterion, card, facts, as_of),)
        if holds
    ]
    if not apply:
        return points, []
    lowest = min(cap for _criterion, cap, _on in apply)
    taken = min(points, lowest) - points
    reasons = []
    for criterion, cap, on in apply:
        reasons.append(Reason(criterion, taken if cap == lowest else 0, 0, Decimal(cap), 1, on=on))
        # Two rules with the same cap take it off once.
        taken = 0 if cap == lowest else taken
    return min(points, lowest), reasons


def _applies(criterion: Criterion, card: Card, facts: Facts, as_of: date) -> tuple[bool, date | None]:
    accounts = facts.accounts
    if accounts is not None and not _is_fresh(accounts.period_end, card.accounts_months, as_of):
        accounts = None
    if criterion == Criterion.INSOLVENCY:
        return facts.behaviour.is_insolvent, None
    if criterion == Criterion.STRUCK_OFF:
        on = facts.legal.struck_off_on if facts.legal else None
        return on is not None, on
    if criterion == Criterion.RATED_INSOLVENT:
        told = [
            rating.rated_on for rating in facts.ratings if rating.is_insolvent and _holds(rating, card, as_of)
        ]
        return bool(told), max(told, default=None)
    if criterion == Criterion.UNPAID_FORMAL_NOTICE:
        on = facts.formal_notice_on
        return on is not None and (as_of - on).days > card.formal_notice_days, on
    if accounts is None:
        return False, None
    flag = (
        accounts.has_negative_equity
        if criterion == Criterion.NEGATIVE_EQUITY
        else accounts.is_below_half_capital and not accounts.has_negative_equity
    )
    return flag, accounts.period_end


def _days_late(found: Behaviour) -> _Found:
    is_known = found.settled_count >= ENOUGH_ITEMS
    return _Found(found.weighted_days_late if is_known else None, found.settled_count)


def _on_time(found: Behaviour) -> _Found:
    return _Found(found.on_time_share if found.due_count >= ENOUGH_ITEMS else None, found.due_count)


def _trend(found: Behaviour) -> _Found:
    trend: Decimal | None = None
    if (
        found.recent_days_late is not None
        and found.earlier_days_late is not None
        and min(found.recent_count, found.earlier_count) >= ENOUGH_PER_HALF
    ):
        # Both halves as they are shown, so that their difference is the one that a reader finds.
        step = SCALES[Criterion.TREND]
        trend = step.shown(found.recent_days_late) - step.shown(found.earlier_days_late)
    return _Found(trend, found.recent_count + found.earlier_count)


# Where he stands today. Somebody to whom nothing has fallen due yet has had no occasion to be late.
def _overdue_share(found: Behaviour) -> _Found:
    return _Found(found.overdue_share if found.fallen_due_count else None, found.fallen_due_count)


def _oldest_overdue(found: Behaviour) -> _Found:
    oldest = Decimal(found.oldest_overdue_days)
    return _Found(oldest if found.fallen_due_count else None, found.fallen_due_count)


def _broken_promises(found: Behaviour) -> _Found:
    return _Found(Decimal(found.broken_promises) if found.fallen_due_count else None, found.broken_promises)


def _bounced(found: Behaviour) -> _Found:
    return _Found(Decimal(found.bounced_payments) if found.fallen_due_count else None, found.bounced_payments)


def _disputes(found: Behaviour) -> _Found:
    disputed = Decimal(found.disputes) / max(found.invoice_count, found.disputes, 1)
    return _Found(disputed if found.fallen_due_count else None, found.disputes)


def _relation(found: Behaviour) -> _Found:
    days = max(found.relation_days or 0, 0)
    return _Found(Decimal(days), days)


_READERS = {
    Criterion.DAYS_LATE: _days_late,
    Criterion.ON_TIME: _on_time,
    Criterion.TREND: _trend,
    Criterion.OVERDUE_SHARE: _overdue_share,
    Criterion.OLDEST_OVERDUE: _oldest_overdue,
    Criterion.BROKEN_PROMISES: _broken_promises,
    Criterion.BOUNCED_PAYMENTS: _bounced,
    Criterion.DISPUTES: _disputes,
    Criterion.RELATION: _relation,
}
