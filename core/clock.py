"""The only place where the business date is read; everything below a screen, a task or a command gets it passed."""

from datetime import date, datetime

from django.utils import timezone


def now() -> datetime:
    """The instant, in UTC."""
    return timezone.now()


def today() -> date:
    """The business date: the calendar day in the installation's time zone."""
    return timezone.localdate()
