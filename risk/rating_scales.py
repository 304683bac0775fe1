"""The scales of those who rate companies: their values from the best to the worst, and which versions are which.

A rating means nothing without its scale, its version and its direction: the same digit of the Banque de France names
another risk before and after 8 January 2022. Scales of insurers are known from practice only (`is_confirmed`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_PLACES = Decimal("0.0001")


@dataclass(frozen=True)
class RatingScale:
    """`values` from the best to the worst, or whole numbers from `best` to `worst`.

    `silent` values say nothing, `insolvent` ones that proceedings are open.
    """

    key: str
    provider: "str | Promise"
    label: "str | Promise"
    values: tuple[str, ...] = ()
    best: int = 0
    worst: int = 0
    silent: tuple[str, ...] = ()
    insolvent: tuple[str, ...] = ()
    first_day: date | None = None
    last_day: date | None = None
    is_confirmed: bool = True
    note: "str | Promise" = ""

    @property
    def range_text(self) -> str:
        """From the best to the worst."""
        return f"{self.values[0]} … {self.values[-1]}" if self.values else f"{self.best} … {self.worst}"


@dataclass(frozen=True)
class RatingReading:
    """A value as its scale reads it: written as the scale does, and from 0 (worst) to 1 (best)."""

    value: str
    position: Decimal | None
    is_insolvent: bool = False


class RatingRefused(ValueError):
    """The value is none of its scale's; `code` is VALUE or DAY."""

    def __init__(self, code: str, scale: RatingScale) -> None:
        super().__init__(code)
        self.code = code
        self.scale = scale


_BDF_CHANGE = date(2022, 1, 8)
SCALES: Mapping[str, RatingScale] = {
    scale.key: scale
    for scale in (
        RatingScale(
            "BDF_2022",
            _("Banque de France"),
            _("cotation depuis le 8 janvier 2022"),
            (
                *("1+", "1", "1-", "2+", "2", "2-", "3+", "3", "3-", "4+", "4", "4-"),
                *("5+", "5", "5-", "6+", "6", "6-", "7", "8", "P"),
            ),
            silent=("0",),
            insolvent=("P",),
            first_day=_BDF_CHANGE,
            note=_(
                "Accès réservé aux banques, aux assureurs et à l’entreprise elle-même ; ne se diffuse pas."
            ),
        ),
        RatingScale(
            "BDF_2004",
            _("Banque de France"),
            _("ancienne cotation, jusqu’au 7 janvier 2022"),
            ("3++", "3+", "3", "4+", "4", "5+", "5", "6", "7", "8", "9", "P"),
            silent=("0",),
            insolvent=("P",),
            last_day=date(2022, 1, 7),
            note=_(
                "Le même chiffre n’y vaut pas celui d’aujourd’hui : l’ancien 4 équivaut au nouveau 4+ à 3+."
            ),
        ),
        RatingScale(
            "ALLIANZ_GRADE", "Allianz Trade", _("grade, 1 le meilleur"), best=1, worst=10, is_confirmed=False
        ),
        RatingScale("COFACE_DRA", "Coface", _("DRA, 10 la meilleure"), best=10, worst=0, is_confirmed=False),
        RatingScale(
            "ATRADIUS_BUYER",
            "Atradius",
            _("Buyer Rating, 1 le meilleur"),
            best=1,
            worst=100,
            is_confirmed=False,
        ),
        RatingScale("AFDCC_20", "AFDCC", _("note sur 20, 20 la meilleure"), best=20, worst=0),
        RatingScale("AGENCY_20", _("Autre agence"), _("note sur 20, 20 la meilleure"), best=20, worst=0),
        RatingScale("AGENCY_100", _("Autre agence"), _("note sur 100, 100 la meilleure"), best=100, worst=0),
        RatingScale("AGENCY_10", _("Autre agence"), _("note sur 10, 10 la meilleure"), best=10, worst=0),
    )
}


def read_rating(scale: RatingScale, text: str, rated_on: date) -> RatingReading:
    """The value on its scale. Raises RatingRefused: not a value of the scale, or the scale was not in use that day."""
    if (scale.first_day and rated_on < scale.first_day) or (scale.last_day and rated_on > scale.last_day):
        raise RatingRefused("DAY", scale)
    value = text.strip().upper().replace("−", "-").replace("–", "-").replace(" ", "")
    if not scale.values:
        return _number(scale, value)
    if value in scale.silent:
        return RatingReading(value, None)
    if value not in scale.values:
        raise RatingRefused("VALUE", scale)
    if value in scale.insolvent:
        return RatingReading(value, Decimal(0), True)
    steps = len(scale.values) - 1
    return RatingReading(value, _position(Decimal(steps - scale.values.index(value)) / steps))


def _number(scale: RatingScale, text: str) -> RatingReading:
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise RatingRefused("VALUE", scale) from None
    if not number.is_finite() or not min(scale.best, scale.worst) <= number <= max(scale.best, scale.worst):
        raise RatingRefused("VALUE", scale)
    if len(text) > 6:
        raise RatingRefused("VALUE", scale)
    return RatingReading(text, _position((number - scale.worst) / (scale.best - scale.worst)))


def _position(share: Decimal) -> Decimal:
    return share.quantize(_PLACES, rounding=ROUND_HALF_UP) + 0
