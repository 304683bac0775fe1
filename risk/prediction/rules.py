"""Simple rules, for when data are few: the customer's own habits, drawn to those of his segment and of the house.

An item's delay is expected at the weighted median of what resembles it, the particular before the general: with n
settled items of the customer, his own weigh n / (n + SHRINK), the rest comes from the level above.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from risk.prediction.history import LATEST, History
from risk.prediction.ledger import OPEN, Days, Ledger, Numbers
from risk.prediction.payment import Estimates

SHRINK = 5.0
# From so many settled items on, what is said rests on the customer himself.
OWN_COUNT = 3
SEGMENT_COUNT = 20
# Without any history: on time, late by a month at the most. A house's first nights.
BLANK_LATE_SHARE = 0.4
BLANK_DELAYS = (-3.0, 0.0, 30.0)
_HOUSE_SAMPLE = 20_000


class Level(IntEnum):
    """What a forecast by rules rests on."""

    CUSTOMER = 1
    SEGMENT = 2
    HOUSE = 3


@dataclass(frozen=True)
class Habits:
    """Delays of each segment and of the house: share late, and the 10, 50 and 90 % quantiles, in days."""

    house_late: float
    house_delays: tuple[float, float, float]
    segment_late: dict[int, float]
    segment_delays: dict[int, tuple[float, float, float]]
    house_count: int


def habits_of(ledger: Ledger, until: int) -> Habits:
    """What segments and the house do, from items known settled before the day."""
    known = np.flatnonzero((ledger.known < until) & (ledger.settled < OPEN))
    latest = known[np.argsort(-ledger.known[known], kind="stable")[:_HOUSE_SAMPLE]]
    delay = (ledger.settled - ledger.due)[latest].astype(float)
    segment = ledger.segment[latest]
    segments = {
        int(code): delay[segment == code]
        for code in np.unique(segment)
        if code >= 0 and (segment == code).sum() >= SEGMENT_COUNT
    }
    return Habits(
        house_late=_late_share(delay) if len(delay) else BLANK_LATE_SHARE,
        house_delays=_three(delay) if len(delay) else BLANK_DELAYS,
        segment_late={code: _late_share(found) for code, found in segments.items()},
        segment_delays={code: _three(found) for code, found in segments.items()},
        house_count=len(delay),
    )


def by_rules(history: History, habits: Habits, asked: Ledger, moment: Days) -> tuple[Estimates, Days, Days]:
    """(estimates, level, settled items of the customer known then). Open now: never in the past."""
    size = len(asked)
    rows, exist = history.latest(asked, moment)
    own = exist.sum(1)
    delay = (
        np.where(exist, history.delay[rows], np.nan)
        if len(history.ledger)
        else np.full((size, LATEST), np.nan)
    )
    weight = own / (own + SHRINK)
    above_late = np.array([habits.segment_late.get(int(code), habits.house_late) for code in asked.segment])
    above = np.array([habits.segment_delays.get(int(code), habits.house_delays) for code in asked.segment])
    above = above.reshape(size, 3)
    own_late = np.where(own > 0, np.nansum(delay > 0, axis=1) / np.maximum(own, 1), 0.0)
    probability = weight * own_late + (1 - weight) * above_late
    own_delays = np.zeros((size, 3))
    some = own > 0
    if some.any():
        own_delays[some] = np.nanquantile(delay[some], (0.1, 0.5, 0.9), axis=1).T
    said = weight[:, None] * own_delays + (1 - weight[:, None]) * above
    is_overdue = moment > asked.due
    probability = np.where(is_overdue, 1.0, np.clip(probability, 0.01, 0.99))
    days = asked.due[:, None] + np.rint(said).astype(np.int64)
    waited = np.maximum(moment - asked.due, 0)
    # Past its own forecast: the longer it has waited, the longer it may still take.
    passed = days[:, 1] < moment
    expected = np.where(passed, moment + np.maximum(2, waited // 3), days[:, 1])
    low = np.maximum(np.minimum(days[:, 0], expected), moment)
    high = np.maximum(days[:, 2], np.where(passed, moment + np.maximum(10, waited), expected))
    level = np.where(
        own >= OWN_COUNT,
        int(Level.CUSTOMER),
        np.where(
            [int(code) in habits.segment_delays for code in asked.segment],
            int(Level.SEGMENT),
            int(Level.HOUSE),
        ),
    )
    return (
        Estimates(probability, expected, np.minimum(low, expected), np.maximum(high, expected)),
        level.astype(np.int64),
        _own_counts(history, asked, moment),
    )


def _own_counts(history: History, asked: Ledger, moment: Days) -> Days:
    start, stop = history.before(asked.customer, moment)
    counts: Days = stop - start
    return counts


def _late_share(delay: Numbers) -> float:
    return float((delay > 0).mean())


def _three(delay: Numbers) -> tuple[float, float, float]:
    low, middle, high = np.quantile(delay, (0.1, 0.5, 0.9))
    return float(low), float(middle), float(high)
