"""What kind of customer each one is, how much he buys and how he pays. Decided for all before any name is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import TypeVar

from customers.models import Customer

T = TypeVar("T")


class Behaviour(StrEnum):
    """How a customer pays."""

    PUNCTUAL = "PUNCTUAL"
    FEW_DAYS_LATE = "FEW_DAYS_LATE"
    CHRONIC = "CHRONIC"  # 30 to 60 days late, always
    DETERIORATING = "DETERIORATING"  # later and later for six months
    DISPUTER = "DISPUTER"
    DYING = "DYING"  # stopped paying some months ago
    NEW = "NEW"  # first invoices in the last months


class Segment(StrEnum):
    KEY_ACCOUNT = "Grands comptes"
    SMALL_BUSINESS = "PME"
    CRAFT = "Artisans"
    PUBLIC = "Public"
    EXPORT = "Export"
    CONSUMER = "Particuliers"


# How many of each in a block: every block of customers has the same composition, in another order.
_BEHAVIOURS = (
    (Behaviour.PUNCTUAL, 18),
    (Behaviour.FEW_DAYS_LATE, 11),
    (Behaviour.CHRONIC, 3),
    (Behaviour.DETERIORATING, 2),
    (Behaviour.DISPUTER, 2),
    (Behaviour.DYING, 1),
    (Behaviour.NEW, 3),
)
_SEGMENTS = (
    (Segment.KEY_ACCOUNT, 3),
    (Segment.SMALL_BUSINESS, 23),
    (Segment.CRAFT, 11),
    (Segment.PUBLIC, 6),
    (Segment.EXPORT, 5),
    (Segment.CONSUMER, 2),
)
_COUNTRIES = ("BE", "BE", "DE", "DE", "ES", "IT", "GB", "CH", "CH")
# Median of an invoice before tax, in cents, its spread (sigma of the logarithm), and how often they buy.
AMOUNTS: dict[Segment, tuple[int, float, float]] = {
    Segment.KEY_ACCOUNT: (950_000, 0.85, 2.6),
    Segment.SMALL_BUSINESS: (240_000, 0.9, 1.0),
    Segment.CRAFT: (64_000, 0.8, 0.8),
    Segment.PUBLIC: (310_000, 0.9, 0.9),
    Segment.EXPORT: (560_000, 0.8, 0.8),
    Segment.CONSUMER: (38_000, 0.6, 0.3),
}
_TERMS: dict[Segment, tuple[str, ...]] = {
    Segment.KEY_ACCOUNT: ("EOM45", "EOM45", "NET60", "EOM45B"),
    Segment.SMALL_BUSINESS: ("NET30", "NET30", "NET45", "EOM45", "NET60"),
    Segment.CRAFT: ("NET30", "NET30", "NET15"),
    Segment.PUBLIC: ("NET30",),
    Segment.EXPORT: ("NET60", "NET30", "NET45"),
    Segment.CONSUMER: ("NET15",),
}
_SHARE_OF_FIRST_ENTITY = 0.68


@dataclass(slots=True)
class Profile:
    """One customer to be: `index` from 0, `entity` 0 or 1, `count` invoices. `parent` is another's index."""

    index: int
    entity: int
    segment: Segment
    behaviour: Behaviour
    kind: str
    country: str
    currency: str
    terms: str
    activity: float
    level: float  # his own price level, a factor on the segment's amounts
    parent: int | None = None
    status: str = Customer.Status.ACTIVE
    pays_by_debit: bool = False
    pays_monthly: bool = False
    is_factored: bool = False
    count: int = 0


def make_profiles(customers: int, invoices: int, seed: int) -> list[Profile]:
    """The customers, whose counts of invoices add up to `invoices` exactly."""
    rng = Random(f"{seed}:profiles")
    behaviours = _blocks(_BEHAVIOURS, customers, rng)
    segments = _blocks(_SEGMENTS, customers, rng)
    profiles = [_profile(index, segments[index], behaviours[index], rng) for index in range(customers)]
    _link_groups(profiles, rng)
    _spread(profiles, invoices)
    _special_states(profiles)
    return profiles


def _blocks(parts: Sequence[tuple[T, int]], length: int, rng: Random) -> list[T]:
    """Shuffled blocks of one composition; the first begins with one of each, so that a small demo has them all."""
    block = [kind for kind, count in parts for _n in range(count)]
    found: list[T] = []
    while len(found) < length:
        rng.shuffle(block)
        if not found:
            kinds = [kind for kind, _count in parts]
            rest = list(block)
            for kind in kinds:
                rest.remove(kind)
            found += [*kinds, *rest]
        else:
            found += block
    return found[:length]


def _profile(index: int, segment: Segment, behaviour: Behaviour, rng: Random) -> Profile:
    if behaviour is Behaviour.DYING and segment in (Segment.PUBLIC, Segment.KEY_ACCOUNT, Segment.CONSUMER):
        segment = Segment.SMALL_BUSINESS
    country, currency = "FR", "EUR"
    kind: str = Customer.Kind.COMPANY
    if segment is Segment.EXPORT:
        country = rng.choice(_COUNTRIES)
        currency = {"GB": "GBP", "CH": "CHF"}.get(country, "EUR")
    elif segment is Segment.PUBLIC:
        kind = Customer.Kind.PUBLIC_BODY
    elif segment is Segment.CONSUMER:
        kind = Customer.Kind.CONSUMER
    elif segment is Segment.CRAFT and rng.random() < 0.55:
        kind = Customer.Kind.SOLE_TRADER
    activity = AMOUNTS[segment][2] * rng.lognormvariate(0, 0.4)
    if behaviour is Behaviour.NEW:
        activity *= 0.4
    level = rng.lognormvariate(0, 0.35)
    if behaviour is Behaviour.DYING:
        # Failures that nobody would notice teach nothing.
        activity, level = activity * 1.2, level * 1.4
    domestic = segment in (Segment.SMALL_BUSINESS, Segment.CRAFT)
    return Profile(
        index=index,
        entity=0 if rng.random() < _SHARE_OF_FIRST_ENTITY else 1,
        segment=segment,
        behaviour=behaviour,
        kind=kind,
        country=country,
        currency=currency,
        terms=rng.choice(_TERMS[segment]),
        activity=activity,
        level=level,
        pays_by_debit=domestic and behaviour is Behaviour.PUNCTUAL and rng.random() < 0.25,
        pays_monthly=rng.random() < 0.2,
        is_factored=segment is Segment.KEY_ACCOUNT and rng.random() < 0.12,
    )


def _link_groups(profiles: list[Profile], rng: Random) -> None:
    """Some companies are daughters of the last key account seen in their legal entity."""
    mothers: dict[int, tuple[int, int]] = {}
    for profile in profiles:
        if profile.segment is Segment.KEY_ACCOUNT:
            mothers[profile.entity] = (profile.index, 0)
        elif profile.segment is Segment.SMALL_BUSINESS and profile.entity in mothers and rng.random() < 0.12:
            mother, daughters = mothers[profile.entity]
            if daughters < 4:
                profile.parent = mother
                mothers[profile.entity] = (mother, daughters + 1)


def _spread(profiles: list[Profile], invoices: int) -> None:
    """Share the invoices out by activity; cumulated rounding makes the parts add up."""
    whole = sum(profile.activity for profile in profiles)
    reached, given = 0.0, 0
    for profile in profiles:
        reached += profile.activity
        target = invoices if profile is profiles[-1] else int(invoices * (reached / whole))
        profile.count = target - given
        given = target


def _special_states(profiles: list[Profile]) -> None:
    """Half the dying are insolvent by now, and one customer in sixty is on hold."""
    dying = [profile for profile in profiles if profile.behaviour is Behaviour.DYING]
    for profile in dying[1::2] if len(dying) > 1 else []:
        profile.status = Customer.Status.INSOLVENT
    others = (Behaviour.CHRONIC, Behaviour.DISPUTER, Behaviour.FEW_DAYS_LATE)
    candidates = [profile for profile in profiles if profile.behaviour in others]
    for profile in candidates[2::25]:
        profile.status = Customer.Status.ON_HOLD
