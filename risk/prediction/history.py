"""The settled history of each customer before a moment, and what he held open at it.

Everything is read strictly before the moment of prediction: an item settled on that very day, or later, counts as
open. That rule stands here once, in the searches of `History`.
"""

import numpy as np
from numpy.typing import NDArray

from risk.prediction.ledger import Days, Ledger, Numbers

_KEY = 10_000_000
WINDOWS = (14, 30, 90, 180)
# The latest settled items that weighted habits are read from.
LATEST = 120
_BLOCK = 500


class History:
    """A ledger indexed by customer and by the day on which each settlement was known."""

    def __init__(self, ledger: Ledger) -> None:
        # Ties are broken by values, never by the order of rows: a file's order may tell the future.
        order = np.lexsort((ledger.amount, ledger.due, ledger.settled, ledger.known, ledger.customer))
        self.ledger = ledger.take(order)
        rows = self.ledger
        self.key = rows.customer * _KEY + rows.known
        self.delay = np.clip(rows.settled - rows.due, -120, 365).astype(np.float64)
        self.is_late = (rows.settled > rows.due).astype(np.float64)
        self.log_amount = np.log1p(np.abs(rows.amount))
        self._delay_sum = _sums(self.delay)
        self._late_sum = _sums(self.is_late)
        self._amount_sum = _sums(self.log_amount)

    def before(self, customer: Days, moment: Days) -> tuple[Days, Days]:
        """For each asked row, the range of positions of the customer's items known settled before the moment."""
        start = np.searchsorted(self.key, customer * _KEY)
        return start, np.searchsorted(self.key, customer * _KEY + moment)

    def totals(self, asked: Ledger, moment: Days) -> dict[str, Numbers]:
        """Counts, mean delay, share late, over all the history and over windows of days."""
        start, stop = self.before(asked.customer, moment)
        found: dict[str, Numbers] = {}
        count = (stop - start).astype(np.float64)
        found["settled_count"] = count
        found["delay_mean"] = _mean(self._delay_sum, start, stop)
        found["late_share"] = _mean(self._late_sum, start, stop)
        found["relative_amount"] = np.log1p(np.abs(asked.amount)) - _mean(self._amount_sum, start, stop)
        for days in WINDOWS:
            since = np.maximum(np.searchsorted(self.key, asked.customer * _KEY + moment - days), start)
            found[f"settled_count_{days}"] = (stop - since).astype(np.float64)
            found[f"delay_mean_{days}"] = _mean(self._delay_sum, since, stop)
            found[f"late_share_{days}"] = _mean(self._late_sum, since, stop)
        found["trend"] = found["delay_mean_30"] - found["delay_mean_180"]
        return found

    def latest(self, asked: Ledger, moment: Days) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The positions of the customer's latest settled items, the last one first, and which of them exist."""
        start, stop = self.before(asked.customer, moment)
        positions = stop[:, None] - 1 - np.arange(LATEST)[None, :]
        exist = positions >= start[:, None]
        return np.where(exist, positions, 0), exist

    def held_open(self, asked: Ledger, moment: Days) -> dict[str, Numbers]:
        """What the customer held open at the moment: how many, how late, and beside the asked item's due date."""
        names = (
            "open_count", "overdue_count", "overdue_age", "older_open", "same_due_open", "overdue_share",
        )  # fmt: skip
        found = {name: np.zeros(len(asked)) for name in names}
        rows = self.ledger
        first = np.searchsorted(rows.customer, asked.customer, side="left")
        last = np.searchsorted(rows.customer, asked.customer, side="right")
        order = np.lexsort((moment, asked.customer))
        cuts = np.flatnonzero(np.diff(asked.customer[order])) + 1
        for group in np.split(order, cuts) if len(order) else []:
            history = slice(int(first[group[0]]), int(last[group[0]]))
            for begin in range(0, len(group), _BLOCK):
                block = group[begin : begin + _BLOCK]
                self._held(found, history, block, asked, moment)
        return found

    def _held(
        self,
        found: dict[str, Numbers],
        history: slice,
        block: NDArray[np.int64],
        asked: Ledger,
        moment: Days,
    ) -> None:
        rows, days = self.ledger, moment[block]
        seen = (rows.known[history] >= days.min()) & (rows.issued[history] <= days.max())
        due, known = rows.due[history][seen][None, :], rows.known[history][seen][None, :]
        issued, amount = rows.issued[history][seen][None, :], np.abs(rows.amount[history][seen])[None, :]
        day, asked_due = days[:, None], asked.due[block][:, None]
        is_open = (known >= day) & (issued <= day)
        is_overdue = is_open & (due < day)
        found["open_count"][block] = is_open.sum(1)
        found["overdue_count"][block] = is_overdue.sum(1)
        if due.size:
            found["overdue_age"][block] = np.where(is_overdue, day - due, 0).max(1)
        found["older_open"][block] = (is_open & (due < asked_due)).sum(1)
        found["same_due_open"][block] = (is_open & (due == asked_due)).sum(1)
        owed = (is_open * amount).sum(1)
        found["overdue_share"][block] = np.divide(
            (is_overdue * amount).sum(1), owed, out=np.zeros(len(block)), where=owed > 0
        )


def _sums(values: Numbers) -> Numbers:
    return np.concatenate([[0.0], np.cumsum(values)])


def _mean(sums: Numbers, start: Days, stop: Days) -> Numbers:
    """The mean over each range; NaN over an empty one."""
    count = (stop - start).astype(np.float64)
    return np.divide(sums[stop] - sums[start], count, out=np.full(len(count), np.nan), where=count > 0)
