"""Days and hours at which messages leave."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from core.calendar import public_holidays
from dunning.sending_hours import SendingRules, is_sending_day, next_sending_day, next_sending_moment

PARIS = ZoneInfo("Europe/Paris")
OFFICE = SendingRules()
NIGHT = SendingRules("1234567", time(2, 30), time(3, 30), True)


def at(*parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=PARIS, fold=fold).astimezone(UTC)


CASES = [
    ("open: at once", OFFICE, at(2026, 11, 23, 9, 5), at(2026, 11, 23, 9, 5)),
    ("opening minute is inside", OFFICE, at(2026, 11, 23, 8), at(2026, 11, 23, 8)),
    ("closing minute is outside", OFFICE, at(2026, 11, 23, 18), at(2026, 11, 24, 8)),
    ("before hours: the same day", OFFICE, at(2026, 11, 23, 4), at(2026, 11, 23, 8)),
    ("Friday evening: Monday", OFFICE, at(2026, 11, 20, 19), at(2026, 11, 23, 8)),
    ("14 July 2026, a Tuesday: the day after", OFFICE, at(2026, 7, 14, 10), at(2026, 7, 15, 8)),
    ("Whit Monday 2026: Tuesday", OFFICE, at(2026, 5, 22, 20), at(2026, 5, 26, 8)),
    ("1 January by the year before", OFFICE, at(2026, 12, 31, 20), at(2027, 1, 4, 8)),
    ("holidays allowed", SendingRules(on_holidays=True), at(2026, 7, 14, 10), at(2026, 7, 14, 10)),
    ("summer time skips 02:30 to 03:30: the night after", NIGHT, at(2026, 3, 29, 0), at(2026, 3, 30, 2, 30)),
    ("winter time: first 02:30", NIGHT, at(2026, 10, 25, 1), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    (
        "winter time: between the two 02:30, the second",
        NIGHT,
        at(2026, 10, 25, 2, 10, fold=1),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    ),
    ("the day after the change is 8 o'clock there", OFFICE, at(2026, 10, 24, 12), at(2026, 10, 26, 8)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "now", "moment"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_next_sending_moment(rules: SendingRules, now: datetime, moment: datetime) -> None:
    assert next_sending_moment(rules, now, public_holidays, PARIS) == moment


def test_it_never_goes_back_and_what_it_gives_is_open() -> None:
    for hour in range(24 * 365):
        now = datetime.fromtimestamp(1767225600 + 3600 * hour, tz=UTC)
        for rules in (OFFICE, NIGHT):
            moment = next_sending_moment(rules, now, public_holidays, PARIS)
            assert moment >= now
            assert next_sending_moment(rules, moment, public_holidays, PARIS) == moment


def test_days_alone() -> None:
    assert next_sending_day(OFFICE, date(2026, 4, 4), public_holidays) == date(2026, 4, 7)
    assert not is_sending_day(OFFICE, date(2026, 11, 11), public_holidays)
    assert is_sending_day(OFFICE, date(2026, 11, 12), public_holidays)


def test_rules_that_let_nothing_leave_are_refused() -> None:
    for days, start, end in (("", time(8), time(18)), ("1", time(8), time(8))):
        with pytest.raises(ValueError):
            SendingRules(days, start, end)
