"""How values are written for people: amounts, dates, delays, shares.

French typography: narrow no-break space (U+202F) between thousands, decimal comma, true minus (U+2212),
no-break space (U+00A0) before the currency and before « % ». Nothing here computes: it rounds for display,
half up, and writes. `None` and the empty string give the empty string.
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from core.money import MINUS, NARROW_NBSP, format_amount, round_money
from core.money import NBSP as NO_BREAK_SPACE

register = template.Library()

DASH = "\u2013"


def _french() -> bool:
    return not (get_language() or "fr").startswith("en")


def _decimal(value: object) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _grouped(number: Decimal, places: int) -> tuple[str, bool]:
    """The absolute value with separators, and whether what is written is negative."""
    rounded = number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    text = f"{abs(rounded):,.{places}f}"
    if _french():
        text = text.replace(",", NARROW_NBSP).replace(".", ",")
    return text, rounded < 0


@register.filter(is_safe=True)
def amount(value: object, currency: str = "") -> str:
    """`{{ item.open_amount|amount:item.currency }}`: « 1 234,56 € », « −12,00 € »; without currency « 1 234,56 »."""
    number = _decimal(value)
    if number is None:
        return ""
    return format_amount(number, str(currency) or None, "fr" if _french() else "en")


@register.filter(is_safe=True)
def amount_or_dash(value: object, currency: str = "") -> str:
    """As `amount`, zero written as a dash: for the cells of tables."""
    number = _decimal(value)
    if number is not None and round_money(number) == 0:
        return DASH
    return amount(value, currency)


@register.filter(is_safe=True)
def amount_round(value: object, currency: str = "") -> str:
    """As `amount`, without cents: for large figures whose exact value stands beside or behind."""
    number = _decimal(value)
    if number is None:
        return ""
    if currency and not _french():
        whole = number.quantize(Decimal(1), rounding=ROUND_HALF_UP)
        return format_amount(whole, str(currency), "en").removesuffix(".00")
    text, negative = _grouped(number, 0)
    sign = MINUS if negative else ""
    symbol = "€" if currency == "EUR" else str(currency)
    return f"{sign}{text}{NO_BREAK_SPACE}{symbol}" if currency else f"{sign}{text}"


@register.filter(is_safe=True)
def integer(value: object) -> str:
    """A count: « 10 000 »."""
    number = _decimal(value)
    if number is None:
        return ""
    text, negative = _grouped(number, 0)
    return f"{MINUS}{text}" if negative else text


@register.filter(is_safe=True)
def percent(value: object, places: int = 1) -> str:
    """A share given as a ratio (0.333 is a third): « 33,3 % »."""
    number = _decimal(value)
    if number is None:
        return ""
    text, negative = _grouped(number.scaleb(2), int(places))
    return f"{MINUS if negative else ''}{text}{NO_BREAK_SPACE if _french() else ''}%"


def _local(value: object) -> dt.date | dt.datetime | None:
    if isinstance(value, dt.datetime):
        return timezone.localtime(value) if timezone.is_aware(value) else value
    return value if isinstance(value, dt.date) else None


@register.filter(is_safe=True)
def date_short(value: object) -> str:
    """« 22/11/2026 », in every language."""
    day = _local(value)
    return day.strftime("%d/%m/%Y") if day else ""


@register.filter(is_safe=True)
def datetime_short(value: object) -> str:
    """« 22/11/2026 14:05 », in the time zone in force."""
    moment = _local(value)
    return moment.strftime("%d/%m/%Y %H:%M") if isinstance(moment, dt.datetime) else date_short(value)


@register.filter(is_safe=True)
def date_long(value: object) -> str:
    """« 22 novembre 2026 », « 1er janvier 2026 »."""
    day = _local(value)
    if day is None:
        return ""
    if _french():
        number = "1er" if day.day == 1 else str(day.day)
        return f"{number}{NO_BREAK_SPACE}{date_format(day, 'F Y')}"
    return date_format(day, "j F Y")


@register.filter(is_safe=True)
def days_signed(value: object) -> str:
    """A delay in days with its sign, late is positive: « +12 j », « −3 j », « 0 j »."""
    number = _decimal(value)
    if number is None:
        return ""
    text, negative = _grouped(number, 0)
    sign = MINUS if negative else ("" if text == "0" else "+")
    return _("%(days)s j") % {"days": f"{sign}{text}"}


@register.filter(is_safe=True)
def file_size(value: object) -> str:
    """A size in bytes, decimal units: « 12,4 ko », « 3,0 Mo »."""
    number = _decimal(value)
    if number is None:
        return ""
    if abs(number) < 1000:
        count = int(number)
        return ngettext("%(count)s octet", "%(count)s octets", count) % {"count": count}
    for unit in (_("ko"), _("Mo"), _("Go"), _("To")):
        number /= 1000
        if abs(number) < 1000 or unit == _("To"):
            break
    text, negative = _grouped(number, 1)
    return f"{MINUS if negative else ''}{text}{NO_BREAK_SPACE}{unit}"
