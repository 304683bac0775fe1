"""Money: one rounding, one splitting, one reading and one writing of amounts.

Amounts are `Decimal` in the currency's main unit and fit `numeric(14,2)`. The currency travels beside them:
nothing here adds amounts of different currencies, because nothing here adds amounts.
"""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal

from django.utils.translation import get_language
from django.utils.translation import gettext as _

CENT = Decimal("0.01")
MAX_AMOUNT = Decimal("999999999999.99")  # numeric(14,2)

NBSP = "\u00a0"
NARROW_NBSP = "\u202f"
MINUS = "\u2212"

# Wide enough for any product of an amount, a rate and a number of days: only `quantize` may round.
_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)

_SPACES = re.compile("[\u0020\u00a0\u202f\u2009\u2007\u2002\u2003\t]")
_GROUPED = re.compile("[0-9]*|[0-9]{1,3}(?: [0-9]{3})+")
_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}


class AmountError(ValueError):
    """A text is not an amount; the message says why, in the reader's language."""


def round_money(value: Decimal) -> Decimal:
    """The amount to the cent, half up (0.005 -> 0.01, -0.005 -> -0.01); never a negative zero.

    Raises TypeError for a float: a binary fraction has lost the cent already.
    """
    if isinstance(value, float):
        raise TypeError("money is Decimal, never float")
    return Decimal(value).quantize(CENT, rounding=ROUND_HALF_UP, context=_WIDE) + 0


def split_money(total: Decimal, weights: Sequence[Decimal | int]) -> list[Decimal]:
    """Split an amount in whole cents in proportion to `weights`; the parts add up to `total` exactly.

    Largest remainder; between equal remainders the earlier part wins, so the answer is always the same.
    Raises ValueError when the total has fractions of a cent, a weight is negative, or all are zero.
    """
    if round_money(total) != total:
        raise ValueError("only whole cents can be split")
    exact = [Decimal(weight) for weight in weights]
    if not exact or any(weight < 0 for weight in exact):
        raise ValueError("weights must be given and not be negative")
    scale = max(0, *(-int(weight.as_tuple().exponent) for weight in exact))
    parts_of = [int(weight.scaleb(scale, context=_WIDE)) for weight in exact]
    whole = sum(parts_of)
    if whole == 0:
        raise ValueError("at least one weight must be positive")
    cents = int(abs(total).scaleb(2, context=_WIDE))
    shares = [divmod(cents * part, whole) for part in parts_of]
    left = cents - sum(quotient for quotient, _remainder in shares)
    by_remainder = sorted(range(len(shares)), key=lambda index: (-shares[index][1], index))
    lucky = set(by_remainder[:left])
    sign = -1 if total < 0 else 1
    return [
        Decimal(sign * (quotient + (index in lucky))).scaleb(-2, context=_WIDE) + Decimal("0.00")
        for index, (quotient, _remainder) in enumerate(shares)
    ]


def parse_amount(text: str, decimal: str | None = None, currency: str = "EUR") -> Decimal:
    """Read an amount as people and exports write it: « 1 234,56 € », `1,234.56`, `(12.00)`, `12,50-`.

    `decimal` is the decimal mark of the file ("," or ".") when it is known. Without it, a single mark
    followed by exactly three digits (`1,234`) could mean two amounts and is refused. `currency` is the
    only currency whose code or sign may stand beside the figures.

    Raises AmountError, with a message for the person who typed the amount.
    """
    shown = text.strip()
    body, negative = _unsigned(_SPACES.sub(" ", text).strip(), shown, currency)
    whole, fraction = _whole_and_fraction(body, shown, decimal)
    if len(fraction) > 2:
        raise AmountError(_("« %(text)s » a plus de deux décimales.") % {"text": shown})
    digits = whole.replace(" ", "").replace("'", "").replace(",", "").replace(".", "")
    if len(digits.lstrip("0")) > 12:
        raise AmountError(
            _("« %(text)s » dépasse le plus grand montant accepté (%(limit)s).")
            % {"text": shown, "limit": format_amount(MAX_AMOUNT)}
        )
    amount = Decimal(f"{digits or '0'}.{fraction.ljust(2, '0')}")
    return -amount + 0 if negative else amount


def detect_decimal_mark(texts: Sequence[str]) -> str | None:
    """The decimal mark used by a column of amounts, or None when nothing in it tells, or it contradicts itself."""
    found: set[str] = set()
    for text in texts:
        marks = [char for char in text if char in ",."]
        if not marks:
            continue
        last = marks[-1]
        after = re.sub(r"[^0-9]", "", text[text.rindex(last) + 1 :])
        if len(set(marks)) == 2 or (len(marks) == 1 and len(after) != 3):
            found.add(last)
        elif len(marks) > 1:
            found.add("." if last == "," else ",")
    return found.pop() if len(found) == 1 else None


def format_amount(value: Decimal, currency: str | None = None, language: str | None = None) -> str:
    """The amount as it is printed: « 1 234,56 € » (narrow no-break groups, true minus) or `€1,234.56`.

    In the language in force, unless one is given.
    """
    amount = round_money(value)
    whole, fraction = f"{abs(amount):,.2f}".split(".")
    sign = MINUS if amount < 0 else ""
    if (language or get_language() or "fr").startswith("en"):
        prefix = ""
        if currency:
            prefix = _SIGNS.get(currency) or f"{currency}{NBSP}"
        return f"{sign}{prefix}{whole}.{fraction}"
    suffix = ""
    if currency:
        suffix = NBSP + ("€" if currency == "EUR" else currency)
    return f"{sign}{whole.replace(',', NARROW_NBSP)},{fraction}{suffix}"


def format_count(count: int, language: str | None = None) -> str:
    """A whole number with its thousands apart: « 10 000 », `10,000`; in the language in force by default."""
    text = f"{abs(count):,}"
    if not (language or get_language() or "fr").startswith("en"):
        text = text.replace(",", NARROW_NBSP)
    return f"{MINUS}{text}" if count < 0 else text


def _unsigned(text: str, shown: str, currency: str) -> tuple[str, bool]:
    """The figures without currency and sign, and whether the sign was negative."""
    if not text:
        raise AmountError(_("Le montant est vide."))
    body = text
    negative = False
    signs = 0
    # Sign and currency may stand in either order (« -12 € », « € -12 », « (12 €) »): peel until stable.
    peeled = True
    currencies = 0
    while peeled and body:
        peeled = False
        if body[0] == "(" and body[-1] == ")":
            body, negative, signs, peeled = body[1:-1].strip(), True, signs + 1, True
            continue
        if body[0] in "+-\u2212\u2013":
            negative = negative or body[0] != "+"
            body, signs, peeled = body[1:].strip(), signs + 1, True
            continue
        if body[-1] in "+-\u2212\u2013":
            negative = negative or body[-1] != "+"
            body, signs, peeled = body[:-1].strip(), signs + 1, True
            continue
        for mark in (currency, _SIGNS.get(currency, currency)):
            upper = body.upper()
            if upper.startswith(mark):
                body, currencies, peeled = body[len(mark) :].strip(), currencies + 1, True
                break
            if upper.endswith(mark):
                body, currencies, peeled = body[: -len(mark)].strip(), currencies + 1, True
                break
    if signs > 1:
        raise AmountError(_("« %(text)s » porte plusieurs signes.") % {"text": shown})
    stranger = re.search(r"[^0-9.,' \u2019]", body)
    if stranger and stranger.group().isalpha():
        raise AmountError(_("« %(text)s » n’est pas un montant : il contient des lettres.") % {"text": shown})
    if stranger or currencies > 1 or not re.search("[0-9]", body):
        raise AmountError(_("« %(text)s » n’est pas un montant.") % {"text": shown})
    return body.replace("\u2019", "'"), negative


def _whole_and_fraction(body: str, shown: str, decimal: str | None) -> tuple[str, str]:
    """Split the figures at the decimal mark; check that the groups before it are groups of three."""
    mark = _decimal_mark(body, shown, decimal)
    whole, fraction = body, ""
    if mark is not None:
        whole, _mark, fraction = body.rpartition(mark)
        if not re.fullmatch("[0-9]+", fraction):
            raise AmountError(_("« %(text)s » n’est pas un montant.") % {"text": shown})
    group_marks = set(re.findall("[,.' ]", whole))
    if len(group_marks) > 1 or mark in group_marks or not _GROUPED.fullmatch(re.sub("[,.' ]", " ", whole)):
        raise AmountError(
            _("« %(text)s » : les milliers ne vont pas par groupes de trois.") % {"text": shown}
        )
    return whole, fraction


def _decimal_mark(body: str, shown: str, decimal: str | None) -> str | None:
    """Which character of the figures is their decimal mark, if any."""
    marks = [char for char in body if char in ",."]
    mark: str | None = None
    if len(set(marks)) == 2:
        mark = marks[-1]
    elif len(marks) == 1:
        before, after = body.split(marks[0])
        if decimal is None and re.fullmatch("[1-9][0-9]{0,2}", before) and re.fullmatch("[0-9]{3}", after):
            raise AmountError(
                _("« %(text)s » est ambigu : milliers ou décimales ? Écrivez %(grouped)s ou %(plain)s.")
                % {"text": shown, "grouped": f"{before}{after},00", "plain": f"{before},{after[:2]}"}
            )
        mark = marks[0] if decimal in (None, marks[0]) else None
    if (decimal is not None and (mark or decimal) != decimal) or (decimal in marks and mark is None):
        raise AmountError(
            _("« %(text)s » n’utilise pas la marque décimale du fichier (%(mark)s).")
            % {"text": shown, "mark": decimal}
        )
    return mark
