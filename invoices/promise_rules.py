"""When a promise to pay counts as kept: paid in full by its date and a short grace."""

from datetime import date, timedelta

from core.calendar import is_working_day

# A transfer ordered on the promised day needs its banking days to arrive and be posted.
GRACE_WORKING_DAYS = 3


def promise_deadline(promised_date: date, grace: int = GRACE_WORKING_DAYS) -> date:
    """The last day on which a payment still keeps the promise: `grace` working days after its date."""
    day, left = promised_date, grace
    while left:
        day += timedelta(days=1)
        left -= is_working_day(day)
    return day
