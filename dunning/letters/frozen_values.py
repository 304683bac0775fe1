"""The values a letter's context is made of: cleaned text, money to the cent, frozen."""

import dataclasses
import unicodedata
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django.utils.translation import gettext as _

from core.errors import BusinessError

CENT = Decimal("0.01")


class LetterContextError(BusinessError):
    """The context does not hold together: it would print a letter that lies."""

    code = "letter_context"


def _clean(value: str, *, lines: bool = False) -> str:
    """NFC, no control characters; line breaks survive in a template's text only, never in a value."""
    text = unicodedata.normalize("NFC", value)
    kept = "\n" if lines else ""
    return "".join(
        " " if char not in kept and unicodedata.category(char) in ("Cc", "Cs", "Co", "Cn") else char
        for char in text.replace("\r\n", "\n")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenValue:
    """Base of every value of a context: cleans text, fixes the places of money fields."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if type(value) is str:
                cleaned = _clean(value, lines=field.metadata.get("lines", False))
                object.__setattr__(self, field.name, cleaned.strip())
            elif type(value) is Decimal and field.metadata.get("money", True):
                object.__setattr__(self, field.name, _exact_cents(value, field.name))
            elif type(value) is tuple and value and type(value[0]) is str:
                object.__setattr__(self, field.name, tuple(_clean(item).strip() for item in value))


def _exact_cents(value: Decimal, name: str) -> Decimal:
    if not value.is_finite() or value != value.quantize(CENT, ROUND_HALF_UP):
        raise LetterContextError(
            _("Le montant %(amount)s n’est pas arrondi au centime.") % {"amount": value},
            field=name,
        )
    # A zero keeps no sign: "-0.00" and "0.00" must not give two hashes.
    return abs(value.quantize(CENT)) if not value else value.quantize(CENT)
