"""What a life-cycle status of an electronic invoice does here. Pure.

Source: life cycle of the French reform (XP Z12-012, flow 6, ProcessConditionCode of the CDAR message); effects as
`docs/legal.md` states them: what the buyer contests is not chased, what was never validly delivered is not due, a
payment announced is no payment, a receivable given to a factor is his to collect. Statuses 214 and 224 differ
between implementations: they are kept and shown, and change nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from core.money import round_money


class Effect(StrEnum):
    """What is done when a status arrives; kept with it."""

    NOTED = "NOTED"
    EVIDENCE = "EVIDENCE"
    DISPUTED = "DISPUTED"
    DISPUTED_PART = "DISPUTED_PART"
    NOT_DELIVERED = "NOT_DELIVERED"
    RESOLVED = "RESOLVED"
    APPROVED = "APPROVED"
    PAYMENT_ANNOUNCED = "PAYMENT_ANNOUNCED"
    FACTORED = "FACTORED"
    NOT_FACTORED = "NOT_FACTORED"
    FLAGGED = "FLAGGED"
    # What became of an effect that could not be had.
    WAITING = "WAITING"
    SUPERSEDED = "SUPERSEDED"
    NOTHING_OPEN = "NOTHING_OPEN"
    ALREADY_SO = "ALREADY_SO"


EFFECT_LABELS = {
    Effect.NOTED: _("Noté"),
    Effect.EVIDENCE: _("Gardé comme preuve"),
    Effect.DISPUTED: _("Litige ouvert"),
    Effect.DISPUTED_PART: _("Litige sur la part refusée"),
    Effect.NOT_DELIVERED: _("Non remise, non relancée"),
    Effect.RESOLVED: _("Litige résolu"),
    Effect.APPROVED: _("Gardée comme preuve"),
    Effect.PAYMENT_ANNOUNCED: _("Promesse notée"),
    Effect.FACTORED: _("Pièce marquée cédée"),
    Effect.NOT_FACTORED: _("Pièce rendue à l’entité"),
    Effect.FLAGGED: _("À vérifier"),
    Effect.WAITING: _("En attente de la pièce"),
    Effect.SUPERSEDED: _("Dépassé par un plus récent"),
    Effect.NOTHING_OPEN: _("Rien à encaisser"),
    Effect.ALREADY_SO: _("Déjà fait"),
}
EFFECT_TONES = {
    Effect.EVIDENCE: "ok",
    Effect.DISPUTED: "watch",
    Effect.DISPUTED_PART: "watch",
    Effect.NOT_DELIVERED: "late",
    Effect.RESOLVED: "ok",
    Effect.APPROVED: "ok",
    Effect.PAYMENT_ANNOUNCED: "info",
    Effect.FACTORED: "info",
    Effect.NOT_FACTORED: "info",
    Effect.FLAGGED: "late",
    Effect.WAITING: "watch",
}

# Code -> (words, tone, effect).
STATUSES: Mapping[str, tuple[object, str, Effect]] = {
    "200": (_("Déposée"), "ok", Effect.EVIDENCE),
    "201": (_("Émise par la plateforme"), "info", Effect.NOTED),
    "202": (_("Reçue par la plateforme de l’acheteur"), "info", Effect.NOTED),
    "203": (_("Mise à disposition"), "ok", Effect.EVIDENCE),
    "204": (_("Prise en charge"), "info", Effect.NOTED),
    "205": (_("Approuvée"), "ok", Effect.APPROVED),
    "206": (_("Approuvée partiellement"), "watch", Effect.DISPUTED_PART),
    "207": (_("En litige"), "watch", Effect.DISPUTED),
    "208": (_("Suspendue"), "watch", Effect.DISPUTED),
    "209": (_("Complétée"), "info", Effect.RESOLVED),
    "210": (_("Refusée"), "late", Effect.DISPUTED),
    "211": (_("Paiement transmis"), "info", Effect.PAYMENT_ANNOUNCED),
    "212": (_("Encaissée"), "ok", Effect.NOTED),
    "213": (_("Rejetée"), "late", Effect.NOT_DELIVERED),
    "214": (_("Visée"), "info", Effect.NOTED),
    "220": (_("Annulée"), "late", Effect.NOT_DELIVERED),
    "221": (_("Erreur de routage"), "late", Effect.NOT_DELIVERED),
    "224": (_("Demande de paiement direct"), "watch", Effect.FLAGGED),
    "225": (_("Affacturée"), "info", Effect.FACTORED),
    "226": (_("Affacturée confidentiel"), "info", Effect.FACTORED),
    "227": (_("Changement de compte à payer"), "late", Effect.FLAGGED),
    "228": (_("Non affacturée"), "info", Effect.NOT_FACTORED),
    "501": (_("Irrecevable"), "late", Effect.NOT_DELIVERED),
}

# Statuses that answer each other: among those of one family, the latest by its own instant is the one that holds.
_OPINION = frozenset({"205", "206", "207", "208", "209", "210", "213", "220", "221", "501"})
_FACTORING = frozenset({"225", "226", "228"})

# The reason where the status gives none, or one of a list that is not the buyer's (REJ_…, IRR_…).
_DEFAULT_REASONS = {
    "208": "JUSTIF_ABS",
    "213": "NON_TRANSMISE",
    "220": "NON_TRANSMISE",
    "501": "NON_TRANSMISE",
}
_ROUTING = {"221": "ROUTAGE_ERR"}


@dataclass(frozen=True)
class Reason:
    """A reason of a status: a code of the taxonomy, and words."""

    code: str = ""
    text: str = ""


@dataclass(frozen=True)
class ReceivedStatus:
    """A status as it was read or given. `amounts` maps MEN, MPA, RAP, MAP, MAPTTC, MNA, MNATTC to amounts.

    `currency` is empty when it is the invoice's; `seller` is the SIREN of who issued the invoice, when told.
    """

    number: str
    code: str
    occurred_at: datetime
    reasons: tuple[Reason, ...] = ()
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    currency: str = ""
    note: str = ""
    seller: str = ""


def family_of(code: str) -> frozenset[str]:
    """The statuses among which only the latest has its effect; empty for one that stands alone."""
    return next((family for family in (_OPINION, _FACTORING) if code in family), frozenset())


def dispute_reason(code: str, reasons: Iterable[Reason], known: Iterable[str]) -> str:
    """The reason of the dispute that a status opens: the first known code it gives, else the status's own."""
    if STATUSES[code][2] is Effect.NOT_DELIVERED:
        return _ROUTING.get(code, "NON_TRANSMISE")
    allowed = set(known)
    given = next((reason.code for reason in reasons if reason.code in allowed), "")
    return given or _DEFAULT_REASONS.get(code, "AUTRE")


def contested_amount(
    code: str,
    amounts: Mapping[str, Decimal],
    *,
    total: Decimal,
    vat: Decimal | None,
    open_amount: Decimal,
) -> Decimal:
    """How much of an invoice its status contests, with VAT, within what is open.

    All of it, except for a part approved (206): what is not approved (MNATTC), else the total less what is (MAPTTC),
    else the same without VAT (MNA, MAP) brought to the invoice's own share of VAT; all when the status names no
    amount. A status that approves everything contests nothing.
    """
    if code != "206":
        return open_amount
    if "MNATTC" in amounts:
        part = amounts["MNATTC"]
    elif "MAPTTC" in amounts:
        part = total - amounts["MAPTTC"]
    elif "MNA" in amounts:
        part = _with_vat(amounts["MNA"], total, vat)
    elif "MAP" in amounts:
        part = total - _with_vat(amounts["MAP"], total, vat)
    else:
        return open_amount
    return max(Decimal(0), min(round_money(part), open_amount))


def _with_vat(amount: Decimal, total: Decimal, vat: Decimal | None) -> Decimal:
    return amount if not vat or total == vat else amount * total / (total - vat)
