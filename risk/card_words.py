"""Score cards in words: faults of an edit, units of the scales, what moved a customer from one class to another."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from risk.card_content import CardFault
from risk.score_card import Criterion
from risk.score_words import LABELS

PERCENTAGES = frozenset(
    {
        Criterion.ON_TIME,
        Criterion.OVERDUE_SHARE,
        Criterion.DISPUTES,
        Criterion.EQUITY_RATIO,
        Criterion.NET_MARGIN,
        Criterion.INTEREST_BURDEN,
        Criterion.SECTOR,
        Criterion.EXTERNAL_RATING,
    }
)
UNITS: "Mapping[Criterion, str | Promise]" = {
    Criterion.DAYS_LATE: gettext_lazy("jours"),
    Criterion.TREND: gettext_lazy("jours"),
    Criterion.OLDEST_OVERDUE: gettext_lazy("jours"),
    Criterion.RELATION: gettext_lazy("jours"),
    Criterion.BROKEN_PROMISES: gettext_lazy("par an"),
    Criterion.BOUNCED_PAYMENTS: gettext_lazy("par an"),
    Criterion.LEGAL_EVENTS: gettext_lazy("annonces"),
    Criterion.CONAN_HOLDER: "N",
    Criterion.LIQUIDITY: gettext_lazy("fois"),
} | dict.fromkeys(PERCENTAGES, "%")
_WORDS = {
    "SAME_BOUNDS": gettext_lazy("Le meilleur et le pire ne peuvent être égaux."),
    "BOUNDS_REVERSED": gettext_lazy("Le meilleur et le pire sont inversés pour ce critère."),
    "UNKNOWN": gettext_lazy("« %(value)s » n’est pas connu ici."),
    "TOTAL": gettext_lazy("Les poids font %(value)s points : il en faut 100."),
    "NOTHING_CERTAIN": gettext_lazy(
        "Un critère au moins doit donner des points neutres : sinon un client inconnu n’a pas de score."
    ),
    "BOUNDS_ORDER": gettext_lazy("Chaque classe commence plus bas que celle d’avant."),
    "LAST_CLASS": gettext_lazy("La dernière classe commence à zéro."),
    "INSOLVENCY_IS_ZERO": gettext_lazy("Une procédure collective met toujours le score à zéro."),
    "SHAPE": gettext_lazy("Cette partie de la grille ne se lit pas."),
    "WHOLE": gettext_lazy("Un nombre entier est attendu."),
    "NUMBER": gettext_lazy("Un nombre est attendu."),
}


def fault_words(fault: CardFault) -> str:
    """What is wrong, and what to do."""
    return str(_WORDS[fault.code]) % {"value": fault.value}


def written_bound(criterion: Criterion, value: Decimal) -> str:
    """A bound as it is typed: percentages as such, a decimal comma, nothing superfluous."""
    shown = value * 100 if criterion in PERCENTAGES else value
    return f"{shown.normalize():f}".replace(".", ",")


def told_causes(causes: Iterable[Mapping[str, Any]]) -> str:
    """« Conan-Holder : 0 sur 0 → 6 sur 8 ; … »."""
    told = []
    for cause in causes:
        label = LABELS.get(Criterion(cause["criterion"])) if cause["criterion"] in list(Criterion) else None
        if label is None:
            continue
        told.append(
            _("%(label)s : %(old)s → %(new)s")
            % {
                "label": label,
                "old": _points(cause["old"], cause["old_maximum"]),
                "new": _points(cause["new"], cause["new_maximum"]),
            }
        )
    return " ; ".join(told)


def _points(points: int, maximum: int) -> str:
    return (
        _("%(points)d sur %(maximum)d") % {"points": points, "maximum": maximum} if maximum else str(points)
    )
