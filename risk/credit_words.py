"""The reasons of an answer to an order, in words that a person can act on."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.money import format_amount
from core.templatetags.format import date_short
from risk.credit_rules import Code
from risk.models import CreditHold

Values = Mapping[str, Any]

OUTCOME_TONES = {"APPROVED": "ok", "REFERRED": "watch", "REFUSED": "blocked"}
OUTCOME_TITLES = {
    "APPROVED": gettext_lazy("Oui, livrez."),
    "REFERRED": gettext_lazy("Une personne doit décider."),
    "REFUSED": gettext_lazy("Non, ne livrez pas."),
}


def told_reasons(reasons: Iterable[Values]) -> list[dict[str, str]]:
    """Each reason of a check (`CreditCheck.reasons`) with its `code`, its `outcome` and its `message`."""
    return [
        {"code": reason["code"], "outcome": reason["outcome"], "message": told(reason)} for reason in reasons
    ]


def told(reason: Values) -> str:
    """One reason, as a sentence in the language in force."""
    return _SENTENCES[Code(reason["code"])](reason)


def _amount(reason: Values, name: str) -> str:
    return format_amount(Decimal(reason[name]), reason.get("currency"))


def _day(reason: Values, name: str) -> str:
    return date_short(date.fromisoformat(reason[name]))


def _hold(reason: Values) -> str:
    values = {
        "kind": CreditHold.Kind(reason["kind"]).label,
        "day": _day(reason, "since"),
        "text": reason["text"],
    }
    if "left" in reason:
        return _(
            "Client bloqué depuis le %(day)s (%(kind)s : %(text)s) ; la levée ne couvre plus que %(left)s."
        ) % {**values, "left": _amount(reason, "left")}
    return _("Client bloqué depuis le %(day)s (%(kind)s : %(text)s).") % values


def _over(reason: Values) -> str:
    return _("Plafond dépassé de %(excess)s : encours %(exposure)s, plafond %(limit)s.") % {
        name: _amount(reason, name) for name in ("excess", "exposure", "limit")
    }


def _group(reason: Values) -> str:
    return _(
        "Plafond du groupe %(group)s dépassé de %(excess)s : encours du groupe %(exposure)s, plafond %(limit)s."
    ) % {
        "group": reason["group"],
        **{name: _amount(reason, name) for name in ("excess", "exposure", "limit")},
    }


def _overdue(reason: Values) -> str:
    days = int(reason["days"])
    return ngettext(
        "%(amount)s échus, le plus ancien depuis %(days)d jour ; le délai de grâce est de %(grace)d jours.",
        "%(amount)s échus, le plus ancien depuis %(days)d jours ; le délai de grâce est de %(grace)d jours.",
        days,
    ) % {"amount": _amount(reason, "amount"), "days": days, "grace": int(reason["grace_days"])}


_SENTENCES: dict[Code, Callable[[Values], str]] = {
    Code.CUSTOMER_CLOSED: lambda reason: _("Ce compte est clôturé : rouvrez-le avant de livrer."),
    Code.INSOLVENT: lambda reason: _(
        "Une procédure collective est ouverte : ne livrez que contre paiement, avec l’accord de l’administrateur "
        "ou du mandataire."
    ),
    Code.HOLD: _hold,
    Code.STOP_DELIVERY: lambda reason: (
        _("Livrer ferait perdre la garantie de l’assureur : %(text)s") % {"text": reason["text"]}
    ),
    Code.NO_CREDIT: lambda reason: _("Le plafond est à zéro : ce client paie comptant."),
    Code.OVER_LIMIT: _over,
    Code.GROUP_LIMIT: _group,
    Code.NO_LIMIT: lambda reason: _("Aucun plafond n’a été décidé pour ce client."),
    Code.LIMIT_EXPIRED: lambda reason: (
        _("Le plafond a expiré le %(day)s : faites-le renouveler.") % {"day": _day(reason, "on")}
    ),
    Code.OTHER_CURRENCY: lambda reason: (
        _(
            "La commande n’est pas dans la devise du plafond (%(currency)s) : les montants ne se comparent pas."
        )
        % {"currency": reason["limit_currency"]}
    ),
    Code.OVERDUE: _overdue,
    Code.WORST_CLASS: lambda reason: _("Classe de risque E : le score de paiement est au plus bas."),
}
