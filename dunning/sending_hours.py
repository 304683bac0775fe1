"""Days and hours at which a policy lets its messages leave. Pure; times are those of the installation's zone.

E-mails, short messages and calls keep days and hours; what the post carries keeps the days only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

# The public holidays of a year, as `core.calendar.public_holidays` gives them.
Holidays = Callable[[int], frozenset[date]]

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class SendingRules:
    """When messages may leave: ISO weekdays ("12345"), from an hour (included) until another (excluded)."""

    weekdays: str = "12345"
    from_time: time = time(8)
    until_time: time = time(18)
    on_holidays: bool = False

    def __post_init__(self) -> None:
        if not self.weekdays or self.from_time >= self.until_time:
            raise ValueError("Rules that never let anything leave.")


def is_sending_day(rules: SendingRules, day: date, holidays: Holidays) -> bool:
    """Whether messages may leave on that day."""
    return str(day.isoweekday()) in rules.weekdays and (rules.on_holidays or day not in holidays(day.year))


def next_sending_day(rules: SendingRules, day: date, holidays: Holidays) -> date:
    """The day itself when it is one, else the first one after it."""
    while not is_sending_day(rules, day, holidays):
        day += ONE_DAY
    return day


def next_sending_moment(rules: SendingRules, now: datetime, holidays: Holidays, zone: tzinfo) -> datetime:
    """`now` when a message may leave at that instant, else the opening of the next window. In UTC.

    An opening that the change to summer time skips is one hour later on the clock, if the window is open then.
    """
    local = now.astimezone(zone)
    day = local.date()
    if is_sending_day(rules, day, holidays) and rules.from_time <= local.time() < rules.until_time:
        return now.astimezone(UTC)
    if local.time() >= rules.from_time:
        day += ONE_DAY
    while True:
        day = next_sending_day(rules, day, holidays)
        opening = _opening(day, rules.from_time, zone, after=now)
        # A window of an hour that summer time skips does not open that day.
        if opening.astimezone(zone).time() < rules.until_time:
            return opening
        day += ONE_DAY


def _opening(day: date, at: time, zone: tzinfo, after: datetime) -> datetime:
    """The instant of that wall time; of the two that winter time makes of one hour, the first still to come."""
    opening = datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
    if opening < after:
        opening = datetime.combine(day, at.replace(fold=1), tzinfo=zone).astimezone(UTC)
    return opening
