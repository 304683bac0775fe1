"""The days of the demo as small integers: 0 is the first day of its 24 months, `today` the as-of date."""

from calendar import monthrange
from datetime import date, timedelta
from itertools import accumulate
from random import Random

from core.calendar import add_months, is_working_day
from customers.payment_terms import Term, TermKind, due_date

# How much is sold in each month, January first: little in August, much before summer and at the year's end.
SEASON = (0.85, 0.92, 1.08, 1.0, 1.02, 1.18, 0.95, 0.52, 1.1, 1.12, 1.08, 1.2)
_BEYOND = 150  # due dates, promises and postponed payments lie after the last day


class Diary:
    """Dates, working days and due dates by number, computed once for all customers."""

    def __init__(self, as_of: date, terms: dict[str, tuple[str, int]]) -> None:
        self.first = add_months(as_of, -24)
        self.as_of = as_of
        self.today = (as_of - self.first).days
        dates = [self.first + timedelta(days=day) for day in range(self.today + _BEYOND)]
        self.dates = dates
        self.iso = [day.isoformat() for day in dates]
        self.season = [SEASON[day.month - 1] for day in dates]
        open_days = [is_working_day(day) for day in dates]
        following, self.working_day = len(dates) - 1, [0] * len(dates)
        for day in reversed(range(len(dates))):
            following = day if open_days[day] else following
            self.working_day[day] = following
        self.month_day = [(day.day, monthrange(day.year, day.month)[1]) for day in dates]
        # Invoices leave on working days, more of them at the end of the month.
        weights = [
            self.season[day] * (2.2 if dates[day].day >= 25 else 1.0) if open_days[day] else 0.0
            for day in range(self.today + 1)
        ]
        self._cumulated = list(accumulate(weights))
        self._due = {
            code: [
                min((due_date(Term(TermKind(rule), days), day) - self.first).days, len(dates) - 1)
                for day in dates[: self.today + 1]
            ]
            for code, (rule, days) in terms.items()
        }

    def issue_days(self, rng: Random, count: int, since: int, until: int) -> list[int]:
        """`count` days of invoicing between two days, sorted, as the season has them."""
        since, until = max(0, since), min(self.today, until)
        before = self._cumulated[since - 1] if since else 0.0
        span = self._cumulated[until] - before
        if span <= 0:
            return [until] * count
        draws = [before + rng.random() * span for _n in range(count)]
        return sorted(self._search(draw, since, until) for draw in draws)

    def _search(self, draw: float, low: int, high: int) -> int:
        cumulated = self._cumulated
        while low < high:
            middle = (low + high) // 2
            if cumulated[middle] <= draw:
                low = middle + 1
            else:
                high = middle
        return low

    def due(self, terms: str, issue_day: int) -> int:
        return self._due[terms][issue_day]

    def working(self, day: int) -> int:
        """The day itself or the next working one, within the diary."""
        return self.working_day[min(max(day, 0), len(self.working_day) - 1)]

    def payment_round(self, day: int) -> int:
        """The next 10th or 25th: when those who pay in rounds pay."""
        day = min(day, len(self.dates) - 1)
        number, length = self.month_day[day]
        wait = 10 - number if number <= 10 else 25 - number if number <= 25 else length - number + 10
        return self.working(day + wait)
