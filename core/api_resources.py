"""What partner systems may be given access to: the resources of the API, by the name their key's scopes use."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

RESOURCES = {
    "customers": _("Clients"),
    "invoices": _("Factures et pièces"),
    "ageing": _("Balance âgée"),
    "credit-checks": _("Contrôles de crédit"),
    "orders": _("Commandes et livraisons"),
    "exposures": _("Encours et plafonds"),
    "credit-limits": _("Plafonds de crédit"),
    "limit-requests": _("Demandes de plafond"),
    "holds": _("Blocages de livraison"),
    "scores": _("Scores de solvabilité"),
    "financial-statements": _("Comptes annuels"),
    "external-ratings": _("Notes externes"),
    "notices": _("Relances et courriers"),
    "mail-events": _("Retours de messagerie"),
    "invoice-batches": _("Lots de factures"),
    "einvoice-statuses": _("Statuts de factures électroniques"),
    "bank-statements": _("Relevés de compte"),
}


def scope_choices() -> list[tuple[str, str]]:
    """Every scope with its words, for a form."""
    words = {"read": _("lire"), "write": _("écrire")}
    return [
        (f"{resource}:{action}", gettext("%(label)s : %(value)s") % {"label": label, "value": words[action]})
        for resource, label in RESOURCES.items()
        for action in words
    ]
