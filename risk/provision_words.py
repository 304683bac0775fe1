"""The words of allowances that stand on pages and in files."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

BUCKETS: tuple[Promise, ...] = (
    _("Non échu"),
    _("1 à 30 jours"),
    _("31 à 60 jours"),
    _("61 à 90 jours"),
    _("plus de 90 jours"),
)

MOVEMENTS: tuple[tuple[str, Promise, Promise], ...] = (
    ("new", _("Nouvelles créances"), _("créances qui n’étaient pas ouvertes à l’arrêté précédent")),
    ("settled", _("Réglées ou créditées"), _("ce que les règlements et avoirs ont rendu inutile")),
    ("used", _("Passées en pertes"), _("dépréciation utilisée : la perte est constatée")),
    ("aged", _("Vieillissement"), _("créances passées d’une tranche à l’autre")),
    ("rates", _("Taux et conjoncture"), _("autres taux observés, autre coefficient")),
    ("individual", _("Évaluations individuelles"), _("évaluations prises, changées ou levées")),
)

SOURCES = {
    "OBSERVED": _("observé"),
    "OBSERVED_ALL": _("observé plus largement"),
    "ENTERED": _("saisi"),
}


def bucket_labels() -> tuple[Promise, ...]:
    """The buckets by lateness, in the order of their rates."""
    return BUCKETS
