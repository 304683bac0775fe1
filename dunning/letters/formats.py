"""How a letter writes amounts, rates, dates and numbers, in each language.

These are the template filters of the letters' own engine. They write what they are given: no rounding.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django import template

from dunning.letters.wording import WORDING

register = template.Library()

NBSP = "\u00a0"
NARROW = "\u202f"
MINUS = "\u2212"
_SYMBOLS = {"EUR": "€", "GBP": "£"}


@dataclass(frozen=True, slots=True)
class _Customs:
    """How a language writes figures and days."""

    thousands: str
    decimal: str
    # The sign stands after the amount, with a space; else before it, without one.
    sign_after: bool
    percent: str
    # Of day, month and year: with two digits, and in words.
    short_date: str
    long_date: str
    first_day: str = "1"


_CUSTOMS = {
    "fr": _Customs(
        NARROW, ",", True, f"{NBSP}%", "{d:02d}/{m:02d}/{y}", f"{{d}}{NBSP}{{month}}{NBSP}{{y}}", "1er"
    ),
    # No reader takes `22 Nov 2026` for another order.
    "en": _Customs(
        ",", ".", False, "%", f"{{d:02d}}{NBSP}{{mon}}{NBSP}{{y}}", f"{{d}}{NBSP}{{month}}{NBSP}{{y}}"
    ),
    "de": _Customs(".", ",", True, f"{NBSP}%", "{d:02d}.{m:02d}.{y}", f"{{d}}.{NBSP}{{month}}{NBSP}{{y}}"),
    "es": _Customs(
        ".", ",", True, f"{NBSP}%", "{d:02d}/{m:02d}/{y}", f"{{d}}{NBSP}de{NBSP}{{month}}{NBSP}de{NBSP}{{y}}"
    ),
    "it": _Customs(".", ",", True, "%", "{d:02d}/{m:02d}/{y}", f"{{d}}{NBSP}{{month}}{NBSP}{{y}}", "1º"),
}


def format_amount(amount: Decimal, currency: str, language: str) -> str:
    """`1 234,56 €` in French, `1.234,56 €` in German, `€1,234.56` in English; a true minus; the code when there is no symbol."""
    number = format_number(abs(amount), language)
    sign = MINUS if amount < 0 else ""
    symbol = _SYMBOLS.get(currency)
    if _CUSTOMS[language].sign_after:
        return f"{sign}{number}{NBSP}{symbol or currency}"
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{currency}{NBSP}{number}"


def format_number(amount: Decimal, language: str) -> str:
    """The amount without its currency, two places."""
    customs = _CUSTOMS[language]
    whole, places = f"{amount:,.2f}".replace("-", MINUS).split(".")
    return f"{whole.replace(',', customs.thousands)}{customs.decimal}{places}"


def format_rate(rate: Decimal, language: str) -> str:
    """`12,15 %` in French, `12.15%` in English; at least two places, no trailing zero beyond."""
    text = f"{rate.normalize():f}"
    whole, _, places = text.partition(".")
    customs = _CUSTOMS[language]
    return f"{whole}{customs.decimal}{places.ljust(2, '0')}{customs.percent}"


def format_plain(value: Decimal, language: str) -> str:
    """A figure in a sentence: `10`, `2,5`."""
    return f"{value.normalize():f}".replace(".", _CUSTOMS[language].decimal)


def format_date(day: date, language: str) -> str:
    """`22/11/2026` in French, `22.11.2026` in German, `22 Nov 2026` in English."""
    month = WORDING[language].months[day.month - 1]
    return _CUSTOMS[language].short_date.format(d=day.day, m=day.month, mon=month[:3], y=day.year)


def format_long_date(day: date, language: str) -> str:
    """`1er décembre 2026`, `22 November 2026`, `22. November 2026`, `22 de noviembre de 2026`."""
    customs = _CUSTOMS[language]
    number = customs.first_day if day.day == 1 else str(day.day)
    return customs.long_date.format(d=number, month=WORDING[language].months[day.month - 1], y=day.year)


def format_siren(value: str) -> str:
    """`732 829 320`; anything that is not nine digits is left as it is."""
    digits = value.replace(" ", "")
    if len(digits) != 9 or not digits.isdigit():
        return value
    return NBSP.join((digits[:3], digits[3:6], digits[6:]))


def format_iban(value: str) -> str:
    """Groups of four, as on a bank statement."""
    value = "".join(value.split())
    return NBSP.join(value[start : start + 4] for start in range(0, len(value), 4))


@register.simple_tag(takes_context=True)
def amount(context, value):
    return format_amount(value, context["letter"].currency, context["letter"].language)


@register.simple_tag(takes_context=True)
def number(context, value):
    return format_number(value, context["letter"].language)


@register.simple_tag(takes_context=True)
def rate(context, value):
    return format_rate(value, context["letter"].language)


@register.simple_tag(takes_context=True)
def short_date(context, value):
    return format_date(value, context["letter"].language)


@register.simple_tag(takes_context=True)
def long_date(context, value):
    return format_long_date(value, context["letter"].language)


register.filter("siren", format_siren)
register.filter("iban", format_iban)
