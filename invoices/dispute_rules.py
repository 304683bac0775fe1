"""Why customers contest, in groups, and by when each group is answered. Pure."""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum

from django.utils.translation import gettext_lazy as _


class ReasonGroup(StrEnum):
    """Who in the house can answer: sales, logistics, the billing desk, accounts."""

    PRICE = "PRICE"
    DELIVERY = "DELIVERY"
    REFERENCES = "REFERENCES"
    SUBSTANCE = "SUBSTANCE"
    ADDRESSING = "ADDRESSING"
    PAYMENT = "PAYMENT"
    OTHER = "OTHER"


GROUP_LABELS = {
    ReasonGroup.PRICE: _("Prix et montants"),
    ReasonGroup.DELIVERY: _("Livraison et qualité"),
    ReasonGroup.REFERENCES: _("Références et justificatifs"),
    ReasonGroup.SUBSTANCE: _("Facture contestée en entier"),
    ReasonGroup.ADDRESSING: _("Destinataire et acheminement"),
    ReasonGroup.PAYMENT: _("Règlement"),
    ReasonGroup.OTHER: _("Autre"),
}

# Codes of the French e-invoicing life cycle (statuses 206, 207, 208 and 210 of XP Z12-012), by who answers them.
GROUPS: Mapping[ReasonGroup, tuple[str, ...]] = {
    ReasonGroup.PRICE: ("PU_ERR", "REM_ERR", "TX_TVA_ERR", "MONTANTTOTAL_ERR", "CALCUL_ERR"),
    ReasonGroup.DELIVERY: ("QTE_ERR", "ART_ERR", "QUALITE_ERR", "LIVR_INCOMP"),
    ReasonGroup.REFERENCES: ("CMD_ERR", "REF_CT_ABSENT", "REF_ERR", "JUSTIF_ABS", "NON_CONFORME"),
    ReasonGroup.SUBSTANCE: ("DOUBLON", "DOUBLE_FACT", "TRANSAC_INC", "EMMET_INC", "CONTRAT_TERM"),
    ReasonGroup.ADDRESSING: (
        "DEST_INC", "DEST_ERR", "ADR_ERR", "SIRET_ERR", "CODE_ROUTAGE_ERR", "ROUTAGE_ERR", "NON_TRANSMISE",
    ),
    ReasonGroup.PAYMENT: ("COORD_BANC_ERR", "MODPAI_ERR"),
    ReasonGroup.OTHER: ("AUTRE",),
}  # fmt: skip

_GROUP_OF = {reason: group for group, reasons in GROUPS.items() for reason in reasons}


def group_of(reason: str) -> ReasonGroup:
    """The group of a reason code; an unknown code is of the last one."""
    return _GROUP_OF.get(reason, ReasonGroup.OTHER)


def default_deadline(reason: str, opened_on: date, days: Mapping[str, int]) -> date:
    """The day by which a dispute of this reason is answered, from so many calendar days per group.

    Raises KeyError for a group without days: an incomplete setting must be seen, not guessed.
    """
    return opened_on + timedelta(days=days[group_of(reason)])
