"""The audit's verbs of this floor, in words, with their tone in a timeline."""

from django.utils.translation import gettext_lazy as _

VERBS = {
    "customers.customer.created": (_("Compte client ouvert"), "ok"),
    "customers.customer.updated": (_("Fiche client modifiée"), ""),
    "customers.customer.held": (_("Relances suspendues"), "watch"),
    "customers.customer.released": (_("Relances reprises"), "ok"),
    "customers.customer.declared_insolvent": (_("Procédure collective déclarée"), "blocked"),
    "customers.customer.judgment_date_changed": (_("Date du jugement corrigée"), "watch"),
    "customers.customer.insolvency_lifted": (_("Sortie de procédure collective"), "watch"),
    "customers.contact.added": (_("Contact ajouté"), ""),
    "customers.contact.updated": (_("Contact modifié"), ""),
    "customers.customer.restored": (_("Fiche client rétablie"), "watch"),
    "customers.customer.withdrawn": (_("Compte client retiré"), "watch"),
}
