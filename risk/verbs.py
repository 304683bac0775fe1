"""The audit's verbs of this floor, in words, with their tone in a timeline."""

from django.utils.translation import gettext_lazy as _

VERBS = {
    "risk.limit.set": (_("Plafond fixé"), ""),
    "risk.score.class_changed": (_("Classe de risque changée"), "watch"),
    "risk.portfolio.scored": (_("Scores calculés"), ""),
    "risk.provision_method.set": (_("Méthode de dépréciation changée"), ""),
    "risk.debt.assessed": (_("Créance évaluée individuellement"), "watch"),
    "risk.debt.assessment_ended": (_("Évaluation individuelle levée"), ""),
    "risk.provision.requested": (_("Dépréciation demandée"), ""),
    "risk.provision.computed": (_("Dépréciation calculée"), ""),
    "risk.provision.discarded": (_("Projet de dépréciation abandonné"), ""),
    "risk.provision.closed": (_("Dépréciation arrêtée"), "ok"),
}
