"""The audit's verbs of this floor, in words, with their tone in a timeline."""

from django.utils.translation import gettext_lazy as _

VERBS = {
    "risk.limit.set": (_("Plafond fixé"), ""),
    "risk.score.class_changed": (_("Classe de risque changée"), "watch"),
    "risk.portfolio.scored": (_("Scores calculés"), ""),
}
