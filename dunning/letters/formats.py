"""How a letter writes amounts, rates, dates and numbers, in French and in English.

These are the template filters of the letters' own engine. They write what they are given: no rounding.
"""

import re
from datetime import date
from decimal import Decimal

from django import template
from django.utils.html import escape
from django.utils.safestring import mark_safe

from dunning.letters.wording import WORDING

register = template.Library()

NBSP = "\u00a0"
NARROW = "\u202f"
MINUS = "\u2212"
_SYMBOLS = {"EUR": "€", "GBP": "£"}


def format_amount(amount: Decimal, currency: str, language: str) -> str:
    """`1 234,56 €` in French, `€1,234.56` in English; a true minus; the code when there is no symbol."""
    number = format_number(abs(amount), language)
    sign = MINUS if amount < 0 else ""
    symbol = _SYMBOLS.get(currency)
    if language == "fr":
        return f"{sign}{number}{NBSP}{symbol or currency}"
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{currency}{NBSP}{number}"


def format_number(amount: Decimal, language: str) -> str:
    """The amount without its currency, two places."""
    text = f"{amount:,.2f}".replace("-", MINUS)
    if language == "fr":
        return text.replace(",", NARROW).replace(".", ",")
    return text


def format_rate(rate: Decimal, language: str) -> str:
    """`12,15 %` in French, `12.15%` in English; at least two places, no trailing zero beyond."""
    text = f"{rate.normalize():f}"
    whole, _, places = text.partition(".")
    places = places.ljust(2, "0")
    return f"{whole},{places}{NBSP}%" if language == "fr" else f"{whole}.{places}%"


def format_date(day: date, language: str) -> str:
    """`22/11/2026` in French; `22 Nov 2026` in English, which no reader takes for another order."""
    if language == "fr":
        return f"{day.day:02d}/{day.month:02d}/{day.year}"
    return f"{day.day:02d}{NBSP}{WORDING['en'].months[day.month - 1][:3]}{NBSP}{day.year}"


def format_long_date(day: date, language: str) -> str:
    """`1er décembre 2026`, `22 November 2026`."""
    month = WORDING[language].months[day.month - 1]
    number = "1er" if language == "fr" and day.day == 1 else str(day.day)
    return f"{number}{NBSP}{month}{NBSP}{day.year}"


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


@register.filter(needs_autoescape=True)
def paragraphs(text, autoescape=True):
    """Wrap each stretch of text between blank lines in a paragraph; the text is already escaped."""
    parts = (" ".join(part.split("\n")).strip() for part in re.split(r"\n\s*\n", text))
    return mark_safe("".join(f"<p>{part if autoescape else escape(part)}</p>" for part in parts if part))


register.filter("siren", format_siren)
register.filter("iban", format_iban)
