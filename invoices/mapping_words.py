"""The mapping of columns in words: fields by subject, natures, and why a column is taken for what it is."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from core.money import format_count
from invoices.import_messages import column_label
from invoices.mapping import Proposal
from invoices.models import OpenItem
from invoices.readers.columns import CUSTOMER_FIELDS, ITEM_FIELDS

SKIPPED_LABELS = {
    "draft": lazy("Brouillon : ligne laissée de côté"),
    "not_receivable": lazy("Pas une créance : ligne laissée de côté"),
    "settled_group": lazy("Groupe lettré : ligne laissée de côté"),
}
SIGN_LABELS = {
    "normal": lazy("Une facture est positive, un avoir ou un règlement négatif"),
    "reversed": lazy("Une facture est négative, un règlement positif"),
}
CREDIT_LABELS = {"CREDIT_NOTE": lazy("un avoir"), "PAYMENT": lazy("un règlement")}
AMOUNT_LABELS = {
    "debit_credit": lazy("deux colonnes, débit et crédit"),
    "side": lazy("une colonne donne le sens, débit ou crédit"),
    "kind": lazy("le signe suit le type de la pièce"),
    "sign": lazy("le signe dit si c’est une facture ou un avoir"),
}
_REASONS = {
    "name": lazy("c’est un nom connu de cette donnée"),
    "name_alike": lazy("le nom s’en approche"),
    "names": lazy("la colonne contient des noms, pas des codes"),
    "dates": lazy("la colonne contient des dates"),
    "later_dates": lazy("les dates y sont plus tardives que celles des pièces"),
    "amounts": lazy("les plus grands montants de la ligne"),
    "sum": lazy("hors taxe + TVA = toutes taxes comprises, ligne à ligne"),
    "unique_codes": lazy("une valeur différente à chaque ligne"),
    "currencies": lazy("la colonne contient des devises"),
    "kinds": lazy("la colonne contient des types de pièces"),
    "sides": lazy("la colonne contient débit ou crédit"),
    "identifiers": lazy("les clés de contrôle sont justes"),
    "emails": lazy("la colonne contient des adresses e-mail"),
    "empty": lazy("la colonne est vide"),
    "unnamed": lazy("la colonne n’a pas de nom"),
    "nothing": lazy("aucune donnée attendue ne lui ressemble"),
    "contents_differ": lazy("le contenu dément le nom"),
}


def field_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """The fields a column may hold, grouped."""
    return [
        (_("Pièce"), [(name, column_label(name)) for name in ITEM_FIELDS]),
        (_("Client"), [(name, column_label(name)) for name in CUSTOMER_FIELDS]),
    ]


def nature_choices() -> list[tuple[str, str]]:
    """What a word of the column of types may mean."""
    natures = [(value, str(label)) for value, label in OpenItem.Kind.choices]
    return [*natures, *((code, str(SKIPPED_LABELS[code])) for code in ("draft", "not_receivable"))]


def nature_label(code: str) -> str:
    """A nature of items, or why a row is left aside."""
    if code in SKIPPED_LABELS:
        return str(SKIPPED_LABELS[code])
    return str(dict(OpenItem.Kind.choices).get(code, code))


def reason_of(proposal: Proposal) -> str:
    """Why a column is proposed for a field, in one short sentence without its point."""
    if proposal.reason == "program":
        return _("nom de cette donnée dans %(program)s") % {"program": proposal.program}
    if proposal.reason == "codes_exist":
        return _("%(share)s\u202f%% des valeurs sont des codes de vos clients") % {
            "share": format_count(proposal.share)
        }
    return str(_REASONS[proposal.reason])


def confidence_of(proposal: Proposal) -> tuple[str, str]:
    """How sure a proposal is: tone and word."""
    if proposal.confidence >= 80:
        return "ok", _("Sûr")
    if proposal.confidence >= 55:
        return "info", _("Probable")
    return "watch", _("À vérifier")
