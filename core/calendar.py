"""Dates of the law and of the office: half-years, months (CPC 641), working days (CPC 642), French dates."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import holidays
from django.utils.translation import get_language
from django.utils.translation import gettext as _

FRENCH_MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip
ENGLISH_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
ENGLISH_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

FIRST_YEAR, LAST_YEAR = 1900, 2199


class DateError(ValueError):
    """A text is not a date, or a date falls outside the calendar; the message says why."""


@dataclass(frozen=True, order=True)
class HalfYear:
    """A calendar half-year: the step of reference rates (C. com. L441-10 II)."""

    year: int
    half: int

    @property
    def start(self) -> date:
        return date(self.year, 1 if self.half == 1 else 7, 1)

    @property
    def end(self) -> date:
        return date(self.year, 6, 30) if self.half == 1 else date(self.year, 12, 31)

    @property
    def following(self) -> "HalfYear":
        return HalfYear(self.year, 2) if self.half == 1 else HalfYear(self.year + 1, 1)

    def __str__(self) -> str:
        return f"{self.year}-S{self.half}"

    def label(self) -> str:
        """« 1er semestre 2027 »."""
        if self.half == 1:
            return _("1er semestre %(year)d") % {"year": self.year}
        return _("2e semestre %(year)d") % {"year": self.year}


def half_year_of(day: date) -> HalfYear:
    return HalfYear(day.year, 1 if day.month <= 6 else 2)


def end_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def add_days(day: date, count: int) -> date:
    """`count` calendar days later. Raises DateError past the end of the calendar."""
    try:
        return day + timedelta(days=count)
    except OverflowError:
        raise DateError(
            _("Cette durée dépasse le calendrier (%(count)d jours).") % {"count": count}
        ) from None


def add_months(day: date, count: int) -> date:
    """The same day of the month `count` months later, else the last day of that month (CPC 641 al. 2).

    Raises DateError past the end of the calendar.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    if not date.min.year <= year <= date.max.year:
        raise DateError(_("Cette durée dépasse le calendrier (%(count)d mois).") % {"count": count})
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def end_of_ten_days(day: date) -> date:
    """The 10th, the 20th or the last day of the month: the end of the « décade » (C. com. L441-11 II 1°)."""
    if day.day <= 10:
        return day.replace(day=10)
    return day.replace(day=20) if day.day <= 20 else end_of_month(day)


@cache
def public_holidays(year: int, alsace_moselle: bool = False) -> frozenset[date]:
    """The eleven French public holidays of a year (C. trav. L3133-1).

    With `alsace_moselle`, Good Friday and 26 December too (C. trav. L3134-13).
    """
    names = holidays.country_holidays("FR", subdiv="57" if alsace_moselle else None, years=year)
    return frozenset(day for day in names if day.year == year)


def is_working_day(day: date, alsace_moselle: bool = False) -> bool:
    """Neither a Saturday, nor a Sunday, nor a public holiday (CPC 642 al. 2)."""
    return day.weekday() < 5 and day not in public_holidays(day.year, alsace_moselle)


def next_working_day(day: date, alsace_moselle: bool = False) -> date:
    """The day itself when it is a working day, else the first one after it (CPC 642 al. 2)."""
    while not is_working_day(day, alsace_moselle):
        day = add_days(day, 1)
    return day


_DAY_FIRST = re.compile(r"([0-9]{1,2})([/.\-])([0-9]{1,2})\2([0-9]{2}|[0-9]{4})")
_YEAR_FIRST = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?)?")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")


def parse_french_date(text: str) -> date:
    """Read jj/mm/aaaa, jj/mm/aa, jj.mm.aaaa, jj-mm-aaaa, aaaa-mm-jj or aaaammjj.

    Two figures for the year mean 1970-2069. Raises DateError saying, in French, why the text is no date.
    """
    shown = text.strip()
    if not shown:
        raise DateError(_("La date est vide."))
    if found := _DAY_FIRST.fullmatch(shown):
        day, month, year = int(found[1]), int(found[3]), int(found[4])
        if len(found[4]) == 2:
            year += 2000 if year < 70 else 1900
    elif found := _YEAR_FIRST.fullmatch(shown) or _COMPACT.fullmatch(shown):
        year, month, day = int(found[1]), int(found[2]), int(found[3])
    else:
        raise DateError(
            _("« %(text)s » n’est pas une date : écrivez jj/mm/aaaa, par exemple 31/12/2026.")
            % {"text": shown}
        )
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise DateError(
            _("« %(text)s » : l’année %(year)d est hors du calendrier.") % {"text": shown, "year": year}
        )
    if not 1 <= month <= 12:
        raise DateError(
            _("« %(text)s » : %(month)d n’est pas un mois (le jour s’écrit avant le mois).")
            % {"text": shown, "month": month}
        )
    length = monthrange(year, month)[1]
    if not 1 <= day <= length:
        english = (get_language() or "fr").startswith("en")
        name = (ENGLISH_MONTHS if english else FRENCH_MONTHS)[month - 1]
        raise DateError(
            _("« %(text)s » : le jour %(day)d n’existe pas, %(month)s %(year)d compte %(length)d jours.")
            % {"text": shown, "day": day, "month": name, "year": year, "length": length}
        )
    return date(year, month, day)


def format_long_date(day: date, language: str = "fr") -> str:
    """« 1er mars 2026 », « 22 novembre 2026 »; in English `1 March 2026`."""
    if language == "en":
        return f"{day.day} {ENGLISH_MONTHS[day.month - 1]} {day.year}"
    number = "1er" if day.day == 1 else str(day.day)
    return f"{number} {FRENCH_MONTHS[day.month - 1]} {day.year}"
