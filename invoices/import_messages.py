"""What is said about a file and its rows: a sentence per code, naming what to do.

Rows and batches keep codes and values, so that everybody reads them in his own language.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from core.calendar import DateError, parse_french_date
from core.money import AmountError, format_amount, format_count, parse_amount
from invoices import einvoice_messages, fec_messages, suspicion_messages
from invoices.models import OpenItem
from invoices.readers.cell_reader import swap_month_and_day
from invoices.readers.columns import NAMES
from invoices.suspicion_messages import suspicion_label as suspicion_label

_ISO_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PLAIN_DECIMAL = re.compile(r"-?[0-9]{1,12}\.[0-9]{2}")

COLUMNS = {
    "customer_code": lazy("Code client"),
    "number": lazy("N° de pièce"),
    "instalment": lazy("N° d’échéance"),
    "kind": lazy("Type"),
    "issue_date": lazy("Date de pièce"),
    "due_date": lazy("Date d’échéance"),
    "total_amount": lazy("Montant TTC"),
    "vat_amount": lazy("TVA"),
    "currency": lazy("Devise"),
    "reference": lazy("Référence"),
    "status": lazy("Statut de la pièce"),
    "net_amount": lazy("Montant HT"),
    "debit_amount": lazy("Débit"),
    "credit_amount": lazy("Crédit"),
    "side": lazy("Sens (débit ou crédit)"),
    "open_amount": lazy("Reste dû"),
    "customer_name": lazy("Nom du client"),
    "siren": lazy("SIREN du client"),
    "siret": lazy("SIRET du client"),
    "vat_number": lazy("N° de TVA du client"),
    "address": lazy("Adresse"),
    "address_extra": lazy("Complément d’adresse"),
    "postcode": lazy("Code postal"),
    "city": lazy("Ville"),
    "country": lazy("Pays"),
    "email": lazy("Adresse e-mail du client"),
    "phone": lazy("Téléphone du client"),
    "terms": lazy("Conditions de règlement"),
    "segment": lazy("Segment"),
    "language": lazy("Langue du client"),
    "name": lazy("Nom du client"),
    "customer_kind": lazy("Nature du client"),
    "address_lines": lazy("Adresse"),
    "naf_code": lazy("Code NAF"),
    "foreign_id": lazy("Identifiant étranger"),
    "contact": lazy("Contact"),
}

ENCODING_NAMES = {"utf-8": "UTF-8", "cp1252": "Windows-1252", "utf-16": "UTF-16"}

FILE_MESSAGES = {
    "empty": lazy(
        "Le fichier est vide. Exportez de nouveau les pièces, avec une ligne d’en-têtes, et déposez-le."
    ),
    "no_rows": lazy(
        "Le fichier ne contient que ses en-têtes (ligne %(line)s), aucune pièce. Vérifiez l’export d’origine."
    ),
    "header_missing": lazy(
        "Aucune ligne d’en-têtes reconnue. Colonnes attendues : %(expected)s. Ligne %(line)s lue : %(found)s."
    ),
    "columns_missing": lazy(
        "Ligne %(line)s : il manque %(missing)s. En-têtes trouvés : %(found)s. "
        "Renommez ou ajoutez la colonne dans le fichier."
    ),
    "column_double": lazy(
        "Ligne %(line)s : la colonne « %(name)s » figure deux fois. Supprimez ou renommez celle qui ne compte pas."
    ),
    "too_many_rows": lazy(
        "Le fichier dépasse %(limit)s lignes. Découpez-le en plusieurs fichiers, chacun avec ses en-têtes."
    ),
    "too_many_columns": lazy(
        "Ligne %(line)s : %(columns)s colonnes, %(limit)s au plus. Ne gardez que les colonnes utiles."
    ),
    "cell_too_long": lazy(
        "Ligne %(line)s : une cellule dépasse %(limit)s caractères. Videz-la, puis déposez de nouveau le fichier."
    ),
    "line_too_long": lazy(
        "La ligne %(line)s dépasse %(limit)s caractères : ce n’est sans doute pas un fichier CSV. "
        "Exportez les pièces au format CSV ou XLSX."
    ),
    "quote_unclosed": lazy(
        'Ligne %(line)s : un guillemet (") s’ouvre et ne se referme pas. Corrigez la cellule ou doublez le guillemet.'
    ),
    "csv_broken": lazy(
        "Ligne %(line)s : cette ligne n’est pas du CSV lisible. Exportez de nouveau le fichier."
    ),
    "delimiter_unknown": lazy(
        "Ce séparateur n’est pas connu : choisissez point-virgule, virgule, tabulation ou barre."
    ),
    "encoding_unknown": lazy("Cet encodage n’est pas connu : choisissez UTF-8, Windows-1252 ou UTF-16."),
    "encoding_wrong": lazy(
        "Ligne %(line)s : le fichier n’est pas en %(encoding)s. Choisissez un autre encodage, "
        "ou enregistrez le fichier en « CSV UTF-8 »."
    ),
    "encoding_none": lazy(
        "Ligne %(line)s : le texte n’est ni en UTF-8 ni en Windows-1252. Enregistrez le fichier en « CSV UTF-8 »."
    ),
    "encoding_utf16_unmarked": lazy(
        "Le fichier contient des octets nuls : il semble être en UTF-16 sans marque. "
        "Enregistrez-le en « CSV UTF-8 »."
    ),
    "format_binary": lazy(
        "Ce fichier n’est ni un texte CSV ni un classeur XLSX. Exportez les pièces dans un de ces formats."
    ),
    "format_pdf": lazy(
        "Ce fichier est un PDF, quel que soit son nom. Déposez l’export CSV ou XLSX des pièces."
    ),
    "format_ole": lazy(
        "Ce fichier est un ancien classeur Excel (.xls) ou un classeur protégé par mot de passe. "
        "Ouvrez-le et enregistrez-le en « Classeur Excel (.xlsx) », sans mot de passe."
    ),
    "format_encrypted": lazy("Ce classeur est protégé par mot de passe. Enregistrez-le sans mot de passe."),
    "format_ods": lazy("Ce fichier est un classeur LibreOffice (.ods). Enregistrez-le en XLSX ou en CSV."),
    "format_xlsb": lazy(
        "Ce fichier est un classeur Excel binaire (.xlsb). Enregistrez-le en « Classeur Excel (.xlsx) »."
    ),
    "format_archive": lazy(
        "Ce fichier est une archive, pas un classeur. Déposez le fichier CSV ou XLSX qu’elle contient."
    ),
    "format_gzip": lazy(
        "Ce fichier est compressé. Décompressez-le et déposez le fichier CSV ou XLSX qu’il contient."
    ),
    "format_image": lazy("Ce fichier est une image. Déposez l’export CSV ou XLSX des pièces."),
    "format_rtf": lazy("Ce fichier est un document RTF. Déposez l’export CSV ou XLSX des pièces."),
    "format_program": lazy("Ce fichier est un programme. Déposez l’export CSV ou XLSX des pièces."),
    "format_markup": lazy(
        "Ce fichier est une page HTML ou XML, quel que soit son nom. Ouvrez-le dans un tableur et enregistrez-le en XLSX."
    ),
    "format_json": lazy("Ce fichier est du JSON. Déposez l’export CSV ou XLSX des pièces."),
    "workbook_broken": lazy(
        "Le classeur est abîmé et ne s’ouvre pas. Ouvrez-le dans Excel et enregistrez-le de nouveau."
    ),
    "workbook_bomb": lazy(
        "Le classeur déclare %(size)s Mio une fois décompressé, bien plus qu’une liste de pièces. "
        "Copiez les lignes utiles dans un nouveau classeur."
    ),
    "workbook_without_sheet": lazy("Le classeur n’a aucune feuille visible. Affichez la feuille des pièces."),
    "sheet_unknown": lazy(
        "La feuille « %(sheet)s » n’est pas dans le classeur. Feuilles visibles : %(sheets)s."
    ),
    "sheet_too_large": lazy(
        "La feuille « %(sheet)s » s’étend jusqu’à la cellule %(cell)s. Supprimez les cellules isolées loin du "
        "tableau, ou copiez le tableau dans un nouveau classeur."
    ),
    "reader_out_of_memory": lazy(
        "La lecture du fichier demande plus de mémoire que permis. Découpez-le, ou enregistrez-le en CSV."
    ),
    "reader_too_slow": lazy(
        "La lecture du fichier prend plus de temps que permis. Découpez-le, ou enregistrez-le en CSV."
    ),
    "reader_died": lazy(
        "La lecture du fichier s’est interrompue : il est sans doute abîmé. Enregistrez-le de nouveau en CSV ou en XLSX."
    ),
    "interrupted": lazy(
        "La lecture a été interrompue %(attempts)s fois. Relancez-la ; si cela se répète, prévenez l’administrateur."
    ),
    "commit_interrupted": lazy(
        "L’enregistrement a été interrompu %(attempts)s fois, rien n’est écrit. Relancez la lecture, puis validez de nouveau."
    ),
    "file_missing": lazy("Le fichier déposé n’est plus dans le stockage. Déposez-le de nouveau."),
    **einvoice_messages.FILE_MESSAGES,
    **fec_messages.FILE_MESSAGES,
    **suspicion_messages.FILE_MESSAGES,
}

ROW_MESSAGES = {
    "required": lazy("La cellule est vide, or elle est obligatoire. Complétez-la."),
    "cell_error": lazy("La formule de la cellule est en erreur (%(value)s). Remplacez-la par sa valeur."),
    "nul_character": lazy("La cellule contient un caractère nul, illisible. Saisissez-la de nouveau."),
    "formula_like": lazy(
        "« %(value)s » ressemble à une formule de tableur, pas à un code. Saisissez la valeur elle-même."
    ),
    "text_too_long": lazy("Le texte compte %(length)s caractères, %(limit)s au plus. Raccourcissez-le."),
    "too_many_cells": lazy(
        "La ligne a %(cells)s cellules pour %(columns)s en-têtes : un séparateur s’est glissé dans une cellule. "
        "Mettez cette cellule entre guillemets."
    ),
    "quote_unclosed": lazy(
        "Un guillemet mal fermé a avalé la suite (« %(value)s »). Fermez-le ou supprimez-le."
    ),
    "instalment_invalid": lazy("« %(value)s » n’est pas un numéro d’échéance : écrivez 1, 2, 3…"),
    "currency_unknown": lazy("« %(value)s » n’est pas une devise : écrivez son code ISO en trois lettres, par exemple EUR."),
    "kind_unknown": lazy(
        "« %(value)s » n’est pas un type de pièce : écrivez Facture, Avoir, Règlement, Acompte demandé ou OD."
    ),
    "date_is_number": lazy(
        "« %(value)s » est un nombre, pas une date. Mettez la cellule au format Date, ou écrivez jj/mm/aaaa."
    ),
    "date_implausible": lazy("« %(value)s » est trop loin d’aujourd’hui pour une pièce. Vérifiez l’année."),
    "due_before_issue": lazy(
        "L’échéance du %(value)s précède la date de la pièce (%(issued)s). Corrigez l’une des deux."
    ),
    "due_too_late": lazy("L’échéance du %(value)s tombe plus de dix ans après la pièce. Vérifiez l’année."),
    "due_not_computable": lazy(
        "Sans date d’échéance dans le fichier, elle se calcule d’après les conditions de règlement ; celles de ce "
        "client ne le permettent pas. Écrivez l’échéance."
    ),
    "amount_is_date": lazy("« %(value)s » est une date, pas un montant. Mettez la cellule au format Nombre."),
    "amount_too_large": lazy("« %(value)s » dépasse le plus grand montant accepté. Vérifiez la cellule."),
    "amount_decimals": lazy("« %(value)s » a plus de deux décimales. Arrondissez le montant au centime."),
    "amount_zero": lazy("Une pièce de montant nul ne se suit pas. Corrigez le montant ou supprimez la ligne."),
    "amount_sign": lazy(
        "« %(value)s » est négatif, or la ligne est une facture. Corrigez le signe, ou indiquez le type Avoir ou Règlement."
    ),
    "side_unknown": lazy("« %(value)s » n’est pas un sens : écrivez D (débit) ou C (crédit)."),
    "side_missing": lazy("Le sens (débit ou crédit) est vide, or le montant en dépend. Complétez-le."),
    "debit_and_credit": lazy("La ligne a un débit et un crédit. Gardez un seul des deux montants."),
    "open_above_total": lazy("Le reste dû (%(value)s) dépasse le montant de la pièce. Corrigez l’un des deux."),
    "open_sign": lazy("Le reste dû (%(value)s) n’a pas le signe de la pièce. Corrigez-le."),
    "identifier_invalid": lazy("« %(value)s » n’est pas un identifiant valable : vérifiez chaque chiffre, ou videz la cellule."),
    "country_unknown": lazy("« %(value)s » n’est pas un pays : écrivez son code ISO en deux lettres, par exemple FR."),
    "email_invalid": lazy("« %(value)s » n’est pas une adresse e-mail. Corrigez-la, ou videz la cellule."),
    "line_not_json": lazy("La ligne n’est pas du JSON lisible (caractère %(at)s). Écrivez un objet JSON par ligne."),
    "line_not_object": lazy("La ligne n’est pas un objet JSON. Écrivez un objet JSON par ligne, entre accolades."),
    "field_unknown": lazy("Le champ « %(value)s » n’existe pas. Corrigez son nom ou retirez-le."),
    "field_double": lazy("Le champ « %(value)s » figure deux fois. N’en gardez qu’un."),
    "field_type": lazy("« %(value)s » n’a pas le type attendu : un texte, ou un montant écrit entre guillemets."),
    "vat_above_total": lazy("La TVA (%(value)s) dépasse le montant TTC ou n’a pas son signe. Corrigez l’une des deux cellules."),
    "customer_unknown": lazy(
        "Le client « %(value)s » n’existe pas dans cette entité. Corrigez le code ou créez le client d’abord."
    ),
    "duplicate_in_file": lazy(
        "Le numéro « %(value)s » figure aussi à la ligne %(other)s. Gardez une seule des deux lignes."
    ),
    "differs_from_ledger": lazy(
        "La pièce « %(number)s » est déjà au grand livre avec une autre valeur : %(ledger)s au lieu de %(value)s. "
        "Une pièce comptabilisée ne se modifie pas : passez un avoir, ou corrigez le fichier."
    ),
    **einvoice_messages.ROW_MESSAGES,
    **fec_messages.ROW_MESSAGES,
    **suspicion_messages.ROW_MESSAGES,
}  # fmt: skip


def column_label(field: str) -> str:
    """The name of a column as people know it; of the whole row when there is none."""
    return str(COLUMNS[field]) if field in COLUMNS else _("Ligne entière")


def file_message(code: str, params: Mapping[str, Any]) -> str:
    """Why a file as a whole is refused, and what to do."""
    values = dict(params)
    values["expected"] = _listed(
        [NAMES[field][0] for field in ("customer_code", "number", "issue_date", "total_amount")]
    )
    if "missing" in values:
        values["missing"] = _listed([NAMES[field][0] for field in values["missing"]])
    for name in ("found", "sheets"):
        if name in values:
            values[name] = _listed(values[name])
    if "encoding" in values:
        values["encoding"] = ENCODING_NAMES.get(values["encoding"], values["encoding"])
    for name in ("limit", "errors", "cleared", "suspicions"):
        if isinstance(values.get(name), int):
            values[name] = format_count(values[name])
    return str(FILE_MESSAGES[code]) % values


def row_message(error: Mapping[str, Any]) -> str:
    """What is wrong with a cell, and what to do. `error` is one of `ImportRow.errors`."""
    code, value = error["code"], str(error.get("value", ""))
    if code == "amount_invalid":
        return _why_no_amount(value, str(error.get("decimal", "")), str(error.get("currency", "EUR")))
    if code == "date_invalid":
        return _why_no_date(value, str(error.get("order", "dmy")))
    values: dict[str, Any] = {
        "number": "",
        "ledger": "",
        "other": "",
        "expected": "",
        "usual": "",
        "cap": "",
        **error,
        "value": value,
    }
    for name in ("issued", "ledger", "value", "expected", "usual", "cap"):
        values[name] = readable(error.get("column", ""), values.get(name, ""))
    return str(ROW_MESSAGES[code]) % values


def _why_no_amount(text: str, decimal: str, currency: str) -> str:
    try:
        parse_amount(text, decimal or None, currency)
    except AmountError as error:
        return str(error)
    return _("« %(value)s » n’est pas un montant.") % {"value": text}


def _why_no_date(text: str, order: str) -> str:
    if order == "mdy" and swap_month_and_day(text) != text:
        return _(
            "« %(value)s » n’est pas une date (mois/jour/année). Corrigez-la, ou changez l’ordre des dates."
        ) % {"value": text}
    try:
        parse_french_date(text)
    except DateError as error:
        return str(error)
    return _("« %(value)s » n’est pas une date.") % {"value": text}


def readable(column: str, value: Any) -> str:
    """ISO dates, plain decimals and natures, as SQL writes them, in the way people do."""
    text = str(value)
    if column == "kind":
        return str(dict(OpenItem.Kind.choices).get(text, text))
    if _ISO_DATE.fullmatch(text):
        return f"{text[8:]}/{text[5:7]}/{text[:4]}"
    if column.endswith("_amount") and _PLAIN_DECIMAL.fullmatch(text):
        return format_amount(Decimal(text))
    return text


def _listed(names: Sequence[str]) -> str:
    return ", ".join(_("« %(name)s »") % {"name": name} for name in names if name) or "—"
