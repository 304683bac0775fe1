"""The audit's verbs of this floor, in words, with their tone in a timeline."""

from django.utils.translation import gettext_lazy as _

VERBS = {
    "dunning.run.requested": (_("Campagne de relance demandée"), ""),
    "dunning.run.planned": (_("Campagne de relance planifiée"), ""),
    "dunning.run.failed": (_("Campagne de relance échouée"), "late"),
    "dunning.notice.proposed": (_("Relance proposée"), ""),
    "dunning.notice.approved": (_("Relance validée"), ""),
    "dunning.notice.rejected": (_("Relance écartée"), "watch"),
    "dunning.notice.held": (_("Relance retenue avant l’envoi"), "watch"),
    "dunning.notice.sent": (_("Relance envoyée"), "ok"),
    "dunning.notice.delayed": (_("Envoi de la relance reporté"), "watch"),
    "dunning.notice.failed": (_("Envoi de la relance échoué"), "late"),
    "dunning.notice.retried": (_("Envoi de la relance relancé"), ""),
    "dunning.letter.rendered": (_("Courrier produit"), ""),
    "dunning.case.opened": (_("Dossier de recouvrement ouvert"), "late"),
    "dunning.case.prepared": (_("Dossier de recouvrement prêt"), ""),
    "dunning.case.handed_over": (_("Dossier remis à l’agence"), "late"),
    "dunning.case.recalled": (_("Dossier rappelé de l’agence"), "watch"),
}
