"""What is known of an item at the moment of prediction, as a row of numbers.

The calendar of its due date, its size, the customer's totals, his habits (weighted by how recent, of the same weekday,
of the same time of the month, of a like amount a settled item is), his days of payment, and what he held open.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.calendar import public_holidays
from risk.prediction.history import LATEST, History
from risk.prediction.ledger import Days, Ledger, Numbers

_CHUNK = 5_000
RECENT_DAYS = 45.0
MONTH_HABIT_DAYS = 120.0
OTHER_WEEKDAY_WEIGHT = 0.03
AMOUNT_SPREAD = 0.5
MONTH_DAY_SPREAD = 1.5
_EPOCH = 719_163


@dataclass(frozen=True)
class Table:
    """Rows of features and the names of their columns. NaN: not known."""

    values: NDArray[np.float32]
    names: tuple[str, ...]

    def column(self, name: str) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self.values[:, self.names.index(name)]
        return found


def features(history: History, asked: Ledger, moment: Days) -> Table:
    """One row per asked item as of its moment; `history` may hold anything, only what was known before is read."""
    columns = {
        **_calendar(asked, moment),
        **history.totals(asked, moment),
        **history.held_open(asked, moment),
    }
    parts = [
        _habits(
            history,
            asked.take(np.arange(begin, min(begin + _CHUNK, len(asked)))),
            moment[begin : begin + _CHUNK],
        )
        for begin in range(0, len(asked), _CHUNK)
    ]
    for name in parts[0] if parts else ():
        columns[name] = np.concatenate([part[name] for part in parts])
    values = np.column_stack(list(columns.values())).astype(np.float32)
    return Table(values, tuple(columns))


def _calendar(asked: Ledger, moment: Days) -> dict[str, Numbers]:
    due = asked.due
    day, month, length = month_days(due)
    amount = np.abs(asked.amount)
    return {
        "due_weekday": weekday(due).astype(float),
        "due_day": day.astype(float),
        "due_month": month.astype(float),
        "due_to_month_end": (length - day).astype(float),
        "due_is_day_off": _is_day_off(due),
        "amount": np.log1p(amount),
        "is_round_amount": (np.mod(amount, 1) == 0).astype(float),
        "terms": np.clip(due - asked.issued, -30, 365).astype(float),
        "days_to_due": np.clip(due - moment, -400, 400).astype(float),
        "age": np.clip(moment - asked.issued, 0, 800).astype(float),
        "moment_weekday": weekday(moment).astype(float),
    }


def _habits(history: History, asked: Ledger, moment: Days) -> dict[str, Numbers]:
    rows, exist = history.latest(asked, moment)
    settled = history.ledger
    delay = np.where(exist, history.delay[rows], 0.0) if len(settled) else np.zeros(rows.shape)
    if not len(settled):
        exist = np.zeros(rows.shape, dtype=bool)
        return _empty_habits(len(asked))
    due, paid = settled.due[rows], settled.settled[rows]
    late = np.where(exist, history.is_late[rows], 0.0)
    known_some = exist[:, 0]
    found: dict[str, Numbers] = {}
    for rank in range(3):
        found[f"delay_last_{rank + 1}"] = np.where(exist[:, rank], delay[:, rank], np.nan)
    found["days_since_payment"] = np.where(known_some, moment - paid[:, 0], np.nan)
    found["due_after_payment"] = np.where(known_some, asked.due - paid[:, 0], np.nan)
    ranks = np.argsort(np.where(exist, delay, 1e9), axis=1, kind="stable")
    age = np.where(exist, moment[:, None] - paid, 0).astype(float)
    recent = np.where(exist, np.exp(-age / RECENT_DAYS), 0.0)
    same_day = recent * np.where(weekday(due) == weekday(asked.due)[:, None], 1.0, OTHER_WEEKDAY_WEIGHT)
    distance = np.abs(history.log_amount[rows] - np.log1p(np.abs(asked.amount))[:, None])
    like_amount = same_day * np.exp(-distance / AMOUNT_SPREAD)
    gap = np.abs(month_days(due)[0] - month_days(asked.due)[0][:, None])
    gap = np.minimum(gap, 31 - gap)
    same_time = np.where(exist, np.exp(-age / MONTH_HABIT_DAYS) * np.exp(-gap / MONTH_DAY_SPREAD), 0.0)
    for name, weights, shares in (
        ("recent", recent, (0.1, 0.25, 0.5, 0.75, 0.9)),
        ("weekday", same_day, (0.25, 0.5, 0.75)),
        ("amount", like_amount, (0.25, 0.5, 0.75)),
        ("month", same_time, (0.5,)),
    ):
        total = weights.sum(1)
        sure = np.where(total > 0, total, 1.0)
        found[f"{name}_weight"] = total
        found[f"{name}_late_share"] = np.where(total > 0, (weights * late).sum(1) / sure, np.nan)
        found[f"{name}_delay_mean"] = np.where(total > 0, (weights * delay).sum(1) / sure, np.nan)
        for share, value in zip(shares, _quantiles(delay, weights, ranks, shares), strict=True):
            found[f"{name}_delay_{round(share * 100)}"] = value
    total = np.where(recent.sum(1) > 0, recent.sum(1), 1.0)
    for day in range(5):
        found[f"pays_on_{day}"] = (recent * (weekday(paid) == day)).sum(1) / total
    for days in (0, 3):
        near = exist & (np.abs(due - asked.due[:, None]) <= days)
        count = near.sum(1)
        found[f"same_due_{days}_settled"] = count.astype(float)
        found[f"same_due_{days}_delay"] = np.where(
            count > 0, (near * delay).sum(1) / np.maximum(count, 1), np.nan
        )
    return found


def _empty_habits(size: int) -> dict[str, Numbers]:
    """The same columns when nothing at all is settled."""
    names = [f"delay_last_{rank}" for rank in (1, 2, 3)] + ["days_since_payment", "due_after_payment"]
    for name, shares in (
        ("recent", (10, 25, 50, 75, 90)),
        ("weekday", (25, 50, 75)),
        ("amount", (25, 50, 75)),
        ("month", (50,)),
    ):
        names += [f"{name}_weight", f"{name}_late_share", f"{name}_delay_mean"]
        names += [f"{name}_delay_{share}" for share in shares]
    names += [f"pays_on_{day}" for day in range(5)]
    names += [f"same_due_{days}_{what}" for days in (0, 3) for what in ("settled", "delay")]
    return {name: np.full(size, np.nan) for name in names}


def _quantiles(
    values: Numbers, weights: Numbers, ranks: NDArray[np.int64], shares: tuple[float, ...]
) -> list[Numbers]:
    """Weighted quantiles of each row of `values`, sorted by `ranks`; NaN where nothing weighs."""
    ordered = np.take_along_axis(values, ranks, axis=1)
    running = np.cumsum(np.take_along_axis(weights, ranks, axis=1), axis=1)
    total = running[:, -1]
    rows = np.arange(len(values))
    found = []
    for share in shares:
        at = np.minimum((running < (share * total)[:, None]).sum(1), LATEST - 1)
        found.append(np.where(total > 0, ordered[rows, at], np.nan))
    return found


def weekday(days: Days) -> Days:
    """Monday is 0, as in datetime."""
    found: Days = (days - 1) % 7
    return found


def month_days(days: Days) -> tuple[Days, Days, Days]:
    """Day of the month, month, and length of that month."""
    dates = (days - _EPOCH).astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    day = (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    length = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64)
    return day, months.astype(np.int64) % 12 + 1, length


def _is_day_off(days: Days) -> Numbers:
    """Weekends and French public holidays."""
    if not len(days):
        return np.zeros(0)
    years = range(
        int((days.min() - _EPOCH).astype("datetime64[D]").astype("datetime64[Y]").astype(int)) + 1970,
        int((days.max() - _EPOCH).astype("datetime64[D]").astype("datetime64[Y]").astype(int)) + 1971,
    )
    holidays = [day.toordinal() for year in years for day in public_holidays(year)]
    return ((weekday(days) >= 5) | np.isin(days, holidays)).astype(float)
