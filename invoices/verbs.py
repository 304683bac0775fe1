"""The audit's verbs of this floor, in words, with their tone in a timeline."""

from django.utils.translation import gettext_lazy as _

VERBS = {
    "invoices.item.posted": (_("Pièce comptabilisée"), ""),
    "invoices.items.imported": (_("Pièces importées"), ""),
    "invoices.allocation.made": (_("Lettrage"), "ok"),
    "invoices.allocation.reversed": (_("Lettrage défait"), "watch"),
    "invoices.dispute.opened": (_("Litige ouvert"), "watch"),
    "invoices.dispute.resolved": (_("Litige résolu"), "ok"),
    "invoices.promise.made": (_("Promesse de règlement"), ""),
    "invoices.promise.withdrawn": (_("Promesse de règlement retirée"), ""),
    "invoices.promise.kept": (_("Promesse de règlement tenue"), "ok"),
    "invoices.promise.broken": (_("Promesse de règlement non tenue"), "late"),
    "invoices.ageing.stored": (_("Balance âgée enregistrée"), ""),
    "invoices.ledger.mismatch_found": (_("Écart trouvé dans le grand livre auxiliaire"), "late"),
    "invoices.batch.received": (_("Fichier de pièces reçu"), ""),
    "invoices.batch.reread": (_("Fichier de pièces relu avec d’autres choix"), ""),
    "invoices.batch.previewed": (_("Lot de pièces prêt à valider"), ""),
    "invoices.batch.rejected": (_("Fichier de pièces illisible"), "late"),
    "invoices.batch.approved": (_("Lot de pièces validé"), ""),
    "invoices.batch.committed": (_("Lot de pièces enregistré"), "ok"),
    "invoices.batch.cancelled": (_("Lot de pièces annulé"), ""),
    "invoices.batch.failed": (_("Traitement du lot interrompu"), "late"),
}
