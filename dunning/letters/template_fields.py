"""What a letter's text may name: fields, conditions and blocks, in the words of a credit manager.

`vocabulary` is what the texts are read with; `field_values` gives each field of one letter, already written in
its language. A field without value is an empty text, and false as a condition.
"""

import functools
import re
from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dunning.letters.context import DebtorKind, LetterContext, LetterKind
from dunning.letters.formats import NBSP, format_amount, format_iban, format_long_date, format_siren
from dunning.letters.template_language import FieldKind
from dunning.letters.wording import WORDING

_AGENCY = (LetterKind.HAND_OVER_INFO,)
_CLAIMS = (LetterKind.SECOND_REMINDER, LetterKind.FORMAL_NOTICE, LetterKind.HAND_OVER_INFO)
_ASKS_PAYMENT = tuple(kind for kind in LetterKind if kind is not LetterKind.HAND_OVER_INFO)


@dataclass(frozen=True, slots=True)
class FieldHelp:
    """`kinds`: the letters in which it can have a value; empty means all."""

    name: str
    kind: FieldKind
    label: str | Promise
    kinds: tuple[LetterKind, ...] = ()

    def has_value_in(self, kind: LetterKind) -> bool:
        return not self.kinds or kind in self.kinds


_TEXT, _BLOCK, _CONDITION = FieldKind.TEXT, FieldKind.BLOCK, FieldKind.CONDITION

FIELDS: tuple[FieldHelp, ...] = (
    FieldHelp("client.nom", _TEXT, _("nom du client")),
    FieldHelp("client.compte", _TEXT, _("numéro de compte du client")),
    FieldHelp("client.siren", _TEXT, _("SIREN du client")),
    FieldHelp("client.reference", _TEXT, _("référence du client : commande, contrat")),
    FieldHelp("client.interlocuteur", _TEXT, _("personne à qui le courrier est adressé")),
    FieldHelp("societe.nom", _TEXT, _("nom de votre société")),
    FieldHelp("societe.telephone", _TEXT, _("téléphone de votre société")),
    FieldHelp("societe.email", _TEXT, _("e-mail de votre société")),
    FieldHelp("contact", _TEXT, _("votre interlocuteur, avec téléphone et e-mail")),
    FieldHelp("contact.nom", _TEXT, _("nom de votre interlocuteur")),
    FieldHelp("contact.telephone", _TEXT, _("téléphone de votre interlocuteur")),
    FieldHelp("contact.email", _TEXT, _("e-mail de votre interlocuteur")),
    FieldHelp("signataire.nom", _TEXT, _("nom du signataire")),
    FieldHelp("signataire.fonction", _TEXT, _("fonction du signataire")),
    FieldHelp("reference", _TEXT, _("référence du courrier")),
    FieldHelp("reference_paiement", _TEXT, _("référence à rappeler avec le virement")),
    FieldHelp("iban", _TEXT, _("IBAN où payer")),
    FieldHelp("bic", _TEXT, _("BIC où payer")),
    FieldHelp("date", _TEXT, _("date du courrier")),
    FieldHelp("date_limite", _TEXT, _("date limite de règlement"), _ASKS_PAYMENT),
    FieldHelp("date_decompte", _TEXT, _("date à laquelle les sommes sont arrêtées")),
    FieldHelp("total", _TEXT, _("total demandé")),
    FieldHelp("principal", _TEXT, _("principal restant dû")),
    FieldHelp("penalites", _TEXT, _("pénalités de retard"), _CLAIMS),
    FieldHelp("indemnites", _TEXT, _("indemnités forfaitaires"), _CLAIMS),
    FieldHelp("indemnite_unitaire", _TEXT, _("indemnité forfaitaire par facture"), _CLAIMS),
    FieldHelp("penalites_par_jour", _TEXT, _("pénalités d’un jour de plus"), _CLAIMS),
    FieldHelp("nombre_pieces", _TEXT, _("nombre de pièces")),
    FieldHelp("plus_ancienne_echeance", _TEXT, _("échéance de la pièce la plus ancienne")),
    FieldHelp("retard_maximal", _TEXT, _("jours de retard de la pièce la plus ancienne")),
    FieldHelp("courriers_precedents", _TEXT, _("nos courriers précédents, avec date et référence")),
    FieldHelp("dernier_courrier", _TEXT, _("notre dernier courrier, avec date et référence")),
    FieldHelp("agence.nom", _TEXT, _("nom du cabinet de recouvrement"), _AGENCY),
    FieldHelp("agence.telephone", _TEXT, _("téléphone du cabinet de recouvrement"), _AGENCY),
    FieldHelp("agence.email", _TEXT, _("e-mail du cabinet de recouvrement"), _AGENCY),
    FieldHelp("plusieurs_pieces", _CONDITION, _("il y a plusieurs pièces")),
    FieldHelp("accessoires", _CONDITION, _("des pénalités ou indemnités sont réclamées"), _CLAIMS),
    FieldHelp("particulier", _CONDITION, _("le client est un particulier")),
    FieldHelp("organisme_public", _CONDITION, _("le client est un organisme public")),
    FieldHelp("avoirs", _CONDITION, _("des avoirs ou règlements viennent en déduction")),
    FieldHelp("paiements_partiels", _CONDITION, _("une pièce a été payée en partie")),
    FieldHelp("sommes_exclues", _CONDITION, _("une partie en litige ou promise n’est pas réclamée")),
    FieldHelp("tableau_pieces", _BLOCK, _("tableau des pièces")),
    FieldHelp("tableau_penalites", _BLOCK, _("tableau des pièces, pénalités et indemnités"), _CLAIMS),
    FieldHelp("decompte", _BLOCK, _("décompte : pièces, périodes, taux et pénalités"), _CLAIMS),
    FieldHelp("mode_calcul", _BLOCK, _("mode de calcul des pénalités"), _CLAIMS),
    FieldHelp("totaux", _BLOCK, _("principal, pénalités, indemnités et total")),
    FieldHelp("paiement", _BLOCK, _("cadre de règlement : IBAN, référence, code QR"), _ASKS_PAYMENT),
    FieldHelp("agence", _BLOCK, _("nom et adresse du cabinet de recouvrement"), _AGENCY),
    FieldHelp("signature", _BLOCK, _("signature")),
)


@functools.cache
def vocabulary() -> dict[str, FieldKind]:
    return {field.name: field.kind for field in FIELDS}


@functools.cache
def field_help() -> dict[str, FieldHelp]:
    return {field.name: field for field in FIELDS}


def field_values(context: LetterContext) -> dict[str, str]:
    """Every text field of one letter, in its language."""
    language, totals, debtor, creditor = context.language, context.totals, context.debtor, context.creditor
    contact, signatory, agency = context.contact, context.signatory, context.agency
    due_dates = [line.due_date for line in context.lines if line.due_date is not None]
    previous = previous_letters(context)

    def amount(value: Decimal) -> str:
        return format_amount(value, context.currency, language) if value else ""

    return {
        "client.nom": debtor.name,
        "client.compte": debtor.account_code,
        "client.siren": format_siren(debtor.siren),
        "client.reference": debtor.their_reference,
        "client.interlocuteur": debtor.attention,
        "societe.nom": creditor.name,
        "societe.telephone": _unbroken(creditor.phone),
        "societe.email": creditor.email,
        "contact": contact_words(context),
        "contact.nom": contact.name,
        "contact.telephone": _unbroken(contact.phone),
        "contact.email": contact.email,
        "signataire.nom": signatory.name,
        "signataire.fonction": signatory.capacity,
        "reference": context.reference,
        "reference_paiement": context.payment_reference or context.reference,
        "iban": format_iban(creditor.iban),
        "bic": creditor.bic,
        "date": format_long_date(context.date, language),
        "date_limite": format_long_date(context.pay_by, language),
        "date_decompte": format_long_date(context.as_of, language),
        "total": amount(totals.total),
        "principal": amount(totals.principal),
        "penalites": amount(totals.interest),
        "indemnites": amount(totals.indemnity),
        "indemnite_unitaire": amount(totals.indemnity_unit),
        "penalites_par_jour": amount(context.daily_interest),
        "nombre_pieces": str(len(context.lines)),
        "plus_ancienne_echeance": format_long_date(min(due_dates), language) if due_dates else "",
        "retard_maximal": str(max(line.days_late for line in context.lines)),
        "courriers_precedents": _listed(previous, language),
        "dernier_courrier": previous[-1] if previous else "",
        "agence.nom": agency.name if agency else "",
        "agence.telephone": _unbroken(agency.phone) if agency else "",
        "agence.email": agency.email if agency else "",
    }


def field_truth(context: LetterContext) -> dict[str, bool]:
    """The conditions of one letter that are not the presence of a field."""
    return {
        "plusieurs_pieces": len(context.lines) > 1,
        "accessoires": bool(context.totals.interest or context.totals.indemnity),
        "particulier": context.debtor.is_consumer,
        "organisme_public": context.debtor.kind is DebtorKind.PUBLIC_BODY,
        "avoirs": any(line.open_amount < 0 for line in context.lines),
        "paiements_partiels": any(line.paid_amount for line in context.lines),
        "sommes_exclues": any(line.disputed or line.promised for line in context.lines),
    }


def previous_letters(context: LetterContext) -> list[str]:
    """`notre rappel du 3 novembre 2026 (réf. R-1)`, oldest first."""
    words = WORDING[context.language].previous
    named = [
        words[letter.kind].format(
            date=format_long_date(letter.date, context.language), reference=letter.reference
        )
        for letter in context.previous_letters
    ]
    # Italian elides before the two days that begin with a vowel.
    return [
        re.sub(r"\bdel (8|11)\b", r"dell’\1", text) if context.language == "it" else text for text in named
    ]


def _listed(texts: list[str], language: str) -> str:
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} {WORDING[language].and_word} {texts[-1]}"


def contact_words(context: LetterContext) -> str:
    """`Mme Martin (04 72 00 00 00, recouvrement@exemple.fr)`"""
    contact = context.contact
    ways = ", ".join(way for way in (_unbroken(contact.phone), contact.email) if way)
    return f"{contact.name} ({ways})" if ways else contact.name


def _unbroken(phone: str) -> str:
    return phone.replace(" ", NBSP)
