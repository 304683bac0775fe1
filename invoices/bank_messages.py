"""What is said about a file of the bank and its statements: a sentence per code, naming what to do."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from core.money import format_amount, format_count
from customers.identifiers import format_iban
from invoices.import_messages import FILE_MESSAGES

_FIGURE = re.compile(r"-?[0-9]+(?:\.[0-9]+)")
_AMOUNTS = {"opening", "movements", "closing", "expected", "difference", "said", "found", "before", "after"}
_FORMATS = lazy("CAMT.052, .053 ou .054, MT940 ou MT942, CFONB120, CFONB240, OFX ou CSV")

BANK_FILE_MESSAGES = {
    "empty": lazy("Le fichier est vide. Téléchargez-le de nouveau depuis le site de la banque."),
    "bank_archive": lazy(
        "Ce fichier est une archive. Décompressez-la, puis déposez les fichiers de relevé qu’elle contient."
    ),
    "bank_format_unknown": lazy("Ce fichier n’est pas un relevé que l’on sache lire. Demandez à la banque : %(formats)s."),
    "bank_markup_unknown": lazy(
        "Ce fichier XML n’est pas un relevé CAMT. Demandez à la banque un camt.053 ou un camt.054."
    ),
    "bank_no_statement": lazy("Le fichier ne contient aucun relevé. Vérifiez la période demandée à la banque."),
    "bank_too_many_lines": lazy("Le fichier dépasse %(limit)s mouvements. Demandez à la banque des périodes plus courtes."),
    "bank_xml_broken": lazy(
        "Ligne %(line)s : le fichier XML est abîmé ou incomplet. Téléchargez-le de nouveau depuis le site de la banque."
    ),
    "bank_xml_doctype": lazy(
        "Le fichier XML déclare des entités, ce qu’aucune banque ne fait. Il est refusé par sécurité : "
        "téléchargez-le de nouveau depuis le site de la banque."
    ),
    "bank_field_outside": lazy(
        "Ligne %(line)s : le champ %(field)s se trouve hors d’un relevé. Le fichier est incomplet : téléchargez-le de nouveau."
    ),
    "bank_columns_missing": lazy(
        "Ce CSV n’a pas les colonnes d’un relevé : une date, un libellé et un montant (ou un débit et un crédit). "
        "Première ligne lue : %(found)s."
    ),
    "bank_no_movement": lazy(
        "Le fichier n’a que ses en-têtes (ligne %(line)s), aucun mouvement. Vérifiez la période demandée à la banque."
    ),
    "bank_ofx_broken": lazy("Ligne %(line)s : le fichier OFX est abîmé. Téléchargez-le de nouveau depuis le site de la banque."),
    "bank_record_length": lazy(
        "Ligne %(line)s : %(length)s caractères au lieu de %(width)s. Le fichier a été modifié ou coupé : téléchargez-le de nouveau."
    ),
    "bank_record_order": lazy(
        "Ligne %(line)s : enregistrement « %(found)s » là où « %(expected)s » est attendu. "
        "Le fichier est incomplet : téléchargez-le de nouveau."
    ),
    "bank_record_unknown": lazy(
        "Ligne %(line)s : l’enregistrement « %(value)s » n’existe pas dans ce format. Téléchargez de nouveau le fichier."
    ),
    "bank_account_differs": lazy(
        "Ligne %(line)s, colonne %(column)s : le compte %(found)s n’est pas celui du relevé en cours, %(expected)s. "
        "Le fichier est incomplet : téléchargez-le de nouveau."
    ),
    "interrupted": lazy(
        "La lecture a été interrompue %(attempts)s fois. Relancez-la ; si cela se répète, prévenez l’administrateur."
    ),
}  # fmt: skip

REMARKS = {
    # Ours
    "account_unknown": lazy(
        "Le compte « %(account)s » n’est pas connu. Créez le compte bancaire, puis relisez le fichier."
    ),
    "account_elsewhere": lazy(
        "Le compte « %(account)s » est celui d’une autre entité juridique. Déposez ce fichier pour elle."
    ),
    "account_archived": lazy(
        "Le compte « %(account)s » est archivé. Réactivez-le, puis relisez le fichier, ou laissez ce relevé de côté."
    ),
    "account_not_named": lazy(
        "Le fichier ne dit pas de quel compte il s’agit. Choisissez le compte ci-dessous, puis relisez le fichier."
    ),
    "currency_differs": lazy(
        "Le relevé est en %(statement)s, le compte bancaire est en %(account)s. "
        "Corrigez la devise du compte ou choisissez un autre compte."
    ),
    "totals_too_large": lazy("Les mouvements dépassent le plus grand montant accepté. Vérifiez le fichier."),
    "duplicate": lazy(
        "Ce relevé est déjà enregistré, par le fichier « %(file)s » (%(format)s) : même compte, mêmes soldes, mêmes "
        "mouvements. Il ne sera pas enregistré deux fois."
    ),
    "duplicate_in_file": lazy("Ce relevé figure deux fois dans le fichier : le n° %(rank)s suffit."),
    "statement_missing": lazy(
        "Il manque un relevé : celui du %(previous)s finit à %(closing)s, celui-ci commence à %(opening)s. "
        "Demandez à la banque les jours manquants."
    ),
    # Of the readers
    "balance_differs": lazy(
        "Le relevé ne tombe pas juste : ouverture %(opening)s + mouvements %(movements)s = %(expected)s, "
        "or la clôture annoncée est %(closing)s (écart %(difference)s). Le fichier est incomplet : "
        "téléchargez-le de nouveau."
    ),
    "interim_balance_differs": lazy(
        "Relevé intrajournalier provisoire : ouverture %(opening)s + mouvements %(movements)s = %(expected)s, "
        "et non %(closing)s. Le relevé définitif le dira."
    ),
    "balance_missing": lazy(
        "Le fichier ne donne pas tous les soldes : l’égalité ouverture + mouvements = clôture n’a pas pu être vérifiée."
    ),
    "totals_differ": lazy(
        "La banque annonce un total de %(said)s, les mouvements lus font %(found)s. Le fichier est incomplet : "
        "téléchargez-le de nouveau."
    ),
    "pending_left_out": lazy("%(count)s opérations en attente ne sont pas reprises : elles viendront une fois comptabilisées."),
    "zero_left_out": lazy("%(count)s mouvements de montant nul ne sont pas repris."),
    "amount_missing": lazy("Ligne %(line)s : il manque un montant. Téléchargez de nouveau le fichier."),
    "amount_invalid": lazy("« %(value)s » n’est pas un montant. Téléchargez de nouveau le fichier."),
    "amount_too_large": lazy("« %(value)s » dépasse le plus grand montant accepté. Vérifiez le fichier auprès de la banque."),
    "amount_decimals": lazy("« %(value)s » a plus de deux décimales : le montant n’est pas arrondi à la place de la banque. Vérifiez le fichier."),
    "balance_invalid": lazy("Ligne %(line)s : « %(value)s » n’est pas un solde. Téléchargez de nouveau le fichier."),
    "entry_invalid": lazy("Ligne %(line)s : « %(value)s » n’est pas un mouvement. Téléchargez de nouveau le fichier."),
    "currency_missing": lazy("Le relevé ne dit pas sa devise. Demandez à la banque un fichier complet."),
    "currency_unknown": lazy("« %(value)s » n’est pas une devise. Demandez à la banque un fichier conforme."),
    "date_invalid": lazy("« %(value)s » n’est pas une date possible. Demandez à la banque un fichier conforme."),
    "date_missing": lazy("Ligne %(line)s : un mouvement n’a pas de date d’opération. Demandez à la banque un fichier conforme."),
    "accounts_mixed": lazy(
        "Ligne %(line)s : le fichier mêle les comptes %(expected)s et %(value)s. Exportez un fichier par compte."
    ),
    "currency_mixed": lazy("Ligne %(line)s : un mouvement est en %(value)s, le relevé en %(currency)s. Demandez à la banque un fichier par devise."),
    "decimals_invalid": lazy("Ligne %(line)s : « %(value)s » n’est pas un nombre de décimales. Demandez à la banque un fichier conforme."),
    "pages_differ": lazy(
        "Ligne %(line)s : une page du relevé finit à %(before)s et la suivante commence à %(after)s. "
        "Il manque une page : téléchargez de nouveau le fichier."
    ),
    "sign_invalid": lazy("Ligne %(line)s : « %(value)s » n’est ni un débit ni un crédit. Demandez à la banque un fichier conforme."),
}  # fmt: skip


def bank_file_message(code: str, params: Mapping[str, Any]) -> str:
    """Why a file of the bank as a whole is refused, and what to do."""
    message = (
        BANK_FILE_MESSAGES.get(code) or REMARKS.get(code.removeprefix("bank_")) or FILE_MESSAGES.get(code)
    )
    if message is None:
        return _("Le fichier ne peut pas être lu (%(code)s). Demandez à la banque un fichier conforme.") % {
            "code": code
        }
    return _where(message, params) + str(message) % _Values(_shown(params) | {"formats": str(_FORMATS)})


def remark_message(code: str, params: Mapping[str, Any]) -> str:
    """What is wrong with a statement, or worth knowing; empty when nothing is."""
    if not code:
        return ""
    message = REMARKS.get(code) or BANK_FILE_MESSAGES.get(f"bank_{code}")
    if message is None:
        return _("Ce relevé ne peut pas être lu (%(code)s). Demandez à la banque un fichier conforme.") % {
            "code": code
        }
    return _where(message, params) + str(message) % _Values(_shown(params))


def _where(message: Any, params: Mapping[str, Any]) -> str:
    """The place in the file, where the sentence does not say it itself."""
    if "line" not in params or "%(line)s" in str(message):
        return ""
    column = params.get("column") or params.get("field")
    if isinstance(column, int):
        column = _("colonne %(number)s") % {"number": column}
    if column:
        return _("Ligne %(line)s, %(column)s :") % {"line": params["line"], "column": column} + " "
    return _("Ligne %(line)s :") % {"line": params["line"]} + " "


class _Values(dict[str, Any]):
    """What a sentence may lack is a dash, not an error."""

    def __missing__(self, name: str) -> str:
        return "—"


def _shown(params: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(params)
    currency = str(values.get("currency", ""))
    for name in _AMOUNTS & values.keys():
        # Elsewhere these names are texts: a record's code, an account.
        if not isinstance(values[name], str) or not _FIGURE.fullmatch(values[name]):
            continue
        try:
            values[name] = format_amount(Decimal(str(values[name])), currency or None)
        except InvalidOperation:
            continue
    for name in ("limit", "count"):
        if isinstance(values.get(name), int):
            values[name] = format_count(values[name])
    if isinstance(values.get("found"), list):
        values["found"] = ", ".join(str(name) for name in values["found"][:12])
    if values.get("iban"):
        values["account"] = format_iban(values["iban"])
    if values.get("previous"):
        values["previous"] = f"{date.fromisoformat(values['previous']):%d/%m/%Y}"
    return values
