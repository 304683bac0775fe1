"""Sections of the NAF (rév. 2, decree 2007-1888): which one a code falls in."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# section, its first and last division, its title
SECTIONS: "tuple[tuple[str, int, int, str | Promise], ...]" = (
    ("A", 1, 3, _("Agriculture, sylviculture et pêche")),
    ("B", 5, 9, _("Industries extractives")),
    ("C", 10, 33, _("Industrie manufacturière")),
    ("D", 35, 35, _("Électricité, gaz, vapeur et air conditionné")),
    ("E", 36, 39, _("Eau, assainissement, déchets et dépollution")),
    ("F", 41, 43, _("Construction")),
    ("G", 45, 47, _("Commerce, réparation d’automobiles et de motocycles")),
    ("H", 49, 53, _("Transports et entreposage")),
    ("I", 55, 56, _("Hébergement et restauration")),
    ("J", 58, 63, _("Information et communication")),
    ("K", 64, 66, _("Activités financières et d’assurance")),
    ("L", 68, 68, _("Activités immobilières")),
    ("M", 69, 75, _("Activités spécialisées, scientifiques et techniques")),
    ("N", 77, 82, _("Services administratifs et de soutien")),
    ("O", 84, 84, _("Administration publique")),
    ("P", 85, 85, _("Enseignement")),
    ("Q", 86, 88, _("Santé humaine et action sociale")),
    ("R", 90, 93, _("Arts, spectacles et activités récréatives")),
    ("S", 94, 96, _("Autres services")),
    ("T", 97, 98, _("Ménages employeurs")),
    ("U", 99, 99, _("Activités extra-territoriales")),
)
LETTERS = tuple(letter for letter, _first, _last, _title in SECTIONS)
_BY_DIVISION = {
    division: letter for letter, first, last, _title in SECTIONS for division in range(first, last + 1)
}


def section_of(naf_code: str) -> str:
    """The section of a code (« 46.69B », « 4669B »); nothing for one that is none."""
    digits = naf_code.strip()[:2]
    return _BY_DIVISION.get(int(digits), "") if digits.isascii() and digits.isdigit() else ""
