"""The proposal of a limit in words: each line with its formula, source and day; why not more; what would raise it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.money import format_amount
from core.templatetags.format import date_short
from risk.limit_facts import Worked
from risk.limit_rules import Line, Part, Refusal

PART_LABELS = {
    Part.NEED: gettext_lazy("Besoin"),
    Part.EQUITY: gettext_lazy("Capitaux propres"),
    Part.TURNOVER: gettext_lazy("Chiffre d’affaires"),
    Part.SUPPLIER_DEBT: gettext_lazy("Dettes fournisseurs"),
    Part.WORKING_CAPITAL: gettext_lazy("Fonds de roulement"),
    Part.COVER: gettext_lazy("Garantie et risque propre"),
    Part.NEW_CUSTOMER: gettext_lazy("Nouveau client"),
    Part.RISK_CLASS: gettext_lazy("Classe de risque"),
    Part.INSOLVENCY: gettext_lazy("Procédure collective"),
}
REFUSAL_LABELS = {
    Refusal.INSOLVENCY: gettext_lazy("Procédure collective ouverte"),
    Refusal.BEHAVIOUR: gettext_lazy("Comportement de paiement"),
    Refusal.OVERDUE: gettext_lazy("Factures échues impayées"),
    Refusal.NEGATIVE_EQUITY: gettext_lazy("Capitaux propres négatifs"),
    Refusal.EQUITY: gettext_lazy("Capitaux propres insuffisants"),
    Refusal.TURNOVER: gettext_lazy("Chiffre d’affaires insuffisant"),
    Refusal.SUPPLIER_DEBT: gettext_lazy("Part trop grande des dettes fournisseurs"),
    Refusal.WORKING_CAPITAL: gettext_lazy("Fonds de roulement insuffisant"),
    Refusal.NO_ACCOUNTS: gettext_lazy("Comptes récents non communiqués"),
    Refusal.NEED: gettext_lazy("Achats inférieurs à ce que suppose la demande"),
    Refusal.NEW_CUSTOMER: gettext_lazy("Relation commerciale récente"),
    Refusal.COMMITMENT: gettext_lazy("Limite de nos engagements"),
}
SOURCE_LABELS = {
    "LEDGER": gettext_lazy("grand livre"),
    "LEDGER_PACE": gettext_lazy("grand livre, ramené à un an"),
    "REQUEST": gettext_lazy("annoncé dans la demande"),
    "TERMS": gettext_lazy("conditions du client"),
    "TERMS_MONTH_END": gettext_lazy("conditions du client, fin de mois comptée quinze jours"),
    "ACCOUNTS": gettext_lazy("comptes clos le"),
    "COVER": gettext_lazy("garantie jusqu’au"),
    "POLICY": gettext_lazy("politique de crédit"),
    "SCORE": gettext_lazy("score du"),
    "CUSTOMER": gettext_lazy("fiche du client"),
}
_DATED = ("LEDGER", "LEDGER_PACE", "REQUEST")
_MISSING = {
    "PURCHASES": gettext_lazy("aucun achat connu : annoncez ceux d’une année"),
    "ACCOUNTS": gettext_lazy("non communiqué"),
    "OLD_ACCOUNTS": gettext_lazy("comptes trop anciens"),
    "CURRENCY": gettext_lazy("la politique est dans une autre devise"),
}


@dataclass(frozen=True)
class ToldLine:
    """A line as a page shows it; `amount` None is a line that caps nothing."""

    label: str
    amount: Decimal | None
    formula: str
    source: str
    is_binding: bool


def stored(worked: Worked) -> dict[str, Any]:
    """The proposal as a request keeps it: numbers and codes, so that it reads in any language later."""
    proposal = worked.proposal
    return {
        "amount": str(proposal.amount),
        "currency": proposal.currency,
        "binding": proposal.binding or "",
        "risk_class": worked.facts.risk_class,
        "class_as_of": worked.facts.class_as_of.isoformat() if worked.facts.class_as_of else "",
        "refusals": list(proposal.refusals),
        "lines": [_stored_line(line) for line in proposal.lines],
        "levers": [
            {
                "part": lever.part,
                "current": _text(lever.current),
                "needed": _text(lever.needed),
                "risk_class": lever.risk_class,
            }
            for lever in worked.levers
        ],
    }


def _stored_line(line: Line) -> dict[str, Any]:
    return {
        "part": line.part,
        "amount": _text(line.amount),
        "value": _text(line.figure.value),
        "source": line.figure.source,
        "as_of": line.figure.as_of.isoformat() if line.figure.as_of else "",
        "rate": _text(line.rate),
        "numbers": {name: str(value) for name, value in line.numbers.items()},
        "missing": line.missing,
    }


def _text(value: Decimal | None) -> str:
    return "" if value is None else str(value)


def told_lines(kept: Mapping[str, Any]) -> list[ToldLine]:
    """The lines of a stored proposal, in the reader's language."""
    currency, binding = kept.get("currency", ""), kept.get("binding")
    return [
        ToldLine(
            str(PART_LABELS[Part(row["part"])]),
            _number(row["amount"]),
            _formula(row, currency),
            _source(row),
            row["part"] == binding,
        )
        for row in kept.get("lines", ())
    ]


def told_refusals(codes: "list[str] | tuple[str, ...]") -> list[str]:
    return [str(REFUSAL_LABELS[Refusal(code)]) for code in codes]


def told_levers(kept: Mapping[str, Any]) -> list[str]:
    """What each part that binds would have to be, a sentence each."""
    currency = kept.get("currency", "")
    return [_lever(row, currency) for row in kept.get("levers", ())]


def _number(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def plain(value: Decimal | str) -> str:
    """A number without its useless zeros: 1,3; 60; 12,5."""
    text = f"{Decimal(value):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace(".", _(",")).replace("-", "\u2212")


def _formula(row: Mapping[str, Any], currency: str) -> str:
    if row["missing"]:
        return str(_MISSING[row["missing"]])
    numbers, part = row["numbers"], Part(row["part"])
    if part is Part.NEED:
        return _("%(purchases)s ÷ 365 × (%(days)s j + %(delay)s j) × %(peak)s") % {
            "purchases": format_amount(Decimal(numbers["purchases"]), currency),
            "days": plain(numbers["contract_days"]),
            "delay": plain(numbers["delay_days"]),
            "peak": plain(numbers["peak_factor"]),
        }
    if part is Part.COVER:
        return _("%(insured)s ÷ %(quota)s\u00a0%% + %(own)s") % {
            "insured": format_amount(Decimal(numbers["insured"]), currency),
            "quota": plain(Decimal(numbers.get("quota_share", "1")) * 100),
            "own": format_amount(Decimal(numbers["own_risk"]), currency),
        }
    if row["rate"]:
        return _("%(value)s × %(rate)s\u00a0%%") % {
            "value": format_amount(Decimal(row["value"]), currency),
            "rate": plain(row["rate"]),
        }
    if part is Part.RISK_CLASS:
        return _("pas de crédit dans cette classe")
    if part is Part.INSOLVENCY:
        return _("pas de crédit nouveau pendant une procédure")
    return _("montant fixe")


def _source(row: Mapping[str, Any]) -> str:
    source = row["source"]
    if row["missing"] or source not in SOURCE_LABELS:
        return ""
    label = str(SOURCE_LABELS[source])
    if not row["as_of"]:
        return label.removesuffix(" jusqu’au")
    day = date_short(date.fromisoformat(row["as_of"]))
    return (
        _("%(source)s au %(day)s") % {"source": label, "day": day} if source in _DATED else f"{label} {day}"
    )


def _lever(row: Mapping[str, Any], currency: str) -> str:
    part, needed, better = Part(row["part"]), _number(row["needed"]), row["risk_class"]
    current = _number(row["current"])
    values = {
        "part": PART_LABELS[part],
        "needed": format_amount(needed, currency) if needed is not None else "",
        "current": format_amount(current, currency) if current is not None else _("inconnu"),
        "class": better,
    }
    if part is Part.RISK_CLASS:
        return _("Classe de risque : %(class)s ou mieux.") % values
    if part is Part.INSOLVENCY:
        return _("La clôture de la procédure collective.")
    if part is Part.NEW_CUSTOMER:
        return _("Une première facture réglée, ou l’ancienneté que demande la politique de crédit.")
    if part is Part.NEED:
        if needed is None:
            return _("Un délai de règlement : au comptant, il n’y a pas de besoin.")
        return _("Achats d’une année : %(needed)s au lieu de %(current)s.") % values
    if part is Part.COVER:
        return _("Montant garanti : %(needed)s au lieu de %(current)s.") % values
    if needed is None:
        return (
            _("%(part)s : classe %(class)s ou mieux.")
            if better
            else _("%(part)s : aucune part n’est admise dans cette classe.")
        ) % values
    told = _("%(part)s : %(needed)s au lieu de %(current)s") % values
    return told + (_(", ou classe %(class)s.") % values if better else ".")
