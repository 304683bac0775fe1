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
    "risk.watch_file.taken": (_("Annonces reçues"), ""),
    "risk.legal_event.received": (_("Annonce légale reçue"), "watch"),
    "risk.legal_event.attached": (_("Annonce rapprochée"), "watch"),
    "risk.legal_event.set_aside": (_("Annonce écartée"), ""),
    "risk.legal_event.decided": (_("Annonce légale revue"), ""),
    "risk.insolvency.opened": (_("Procédure collective ouverte"), "blocked"),
    "risk.insolvency.converted": (_("Procédure collective convertie"), "blocked"),
    "risk.insolvency.planned": (_("Plan arrêté par le tribunal"), "watch"),
    "risk.insolvency.closed": (_("Procédure collective clôturée"), "watch"),
    "risk.insolvency.corrected": (_("Annonce corrigée par le greffe"), "watch"),
    "risk.insolvency.changed": (_("Procédure collective corrigée"), "watch"),
    "risk.insolvency.cancelled": (_("Procédure collective annulée"), "watch"),
    "risk.insolvency.account_reactivated": (_("Compte réactivé après la procédure"), "ok"),
    "risk.insolvency.representative_confirmed": (_("Mandataire confirmé"), "ok"),
    "risk.insolvency.task_done": (_("Tâche de procédure faite"), "ok"),
    "risk.insolvency.task_dropped": (_("Tâche de procédure sans objet"), ""),
    "risk.insolvency.task_reopened": (_("Tâche de procédure rouverte"), "watch"),
    "risk.insolvency.dispute_received": (_("Contestation du mandataire reçue"), "watch"),
}
