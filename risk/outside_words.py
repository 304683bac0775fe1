"""What is wrong with a row of a file of accounts or ratings, in words."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from invoices.import_messages import file_message
from invoices.readers.errors import UnreadableFile

_WORDS = {
    "SIREN": gettext_lazy("« %(value)s » n’est pas un SIREN : neuf chiffres sont attendus."),
    "REQUIRED": gettext_lazy("« %(column)s » manque."),
    "DATE": gettext_lazy("« %(value)s » n’est pas une date (%(column)s)."),
    "WHOLE": gettext_lazy("« %(value)s » n’est pas un nombre entier (%(column)s)."),
    "CHOICE": gettext_lazy("« %(value)s » n’est pas admis pour %(column)s : %(choices)s."),
    "AMOUNT": gettext_lazy("« %(value)s » n’est pas un montant (case %(column)s)."),
    "TOO_LARGE": gettext_lazy("« %(value)s » dépasse ce qui peut être enregistré (case %(column)s)."),
    "CELL": gettext_lazy("« %(column)s » n’est pas une case connue."),
    "COLUMN": gettext_lazy("La colonne « %(column)s » n’est pas une case connue : retirez-la."),
    "TOO_MANY_CELLS": gettext_lazy("La ligne a plus de cellules que l’en-tête."),
    "SHAPE": gettext_lazy("« %(column)s » n’a pas la forme attendue."),
    "BANK_BALANCE_SHEET": gettext_lazy(
        "Bilan de banque ou d’assurance (type %(value)s) : ces ratios ne s’y lisent pas."
    ),
    "CONTRADICTION": gettext_lazy(
        "La source se contredit : marge d’EBE annoncée %(value)s %%, mais %(found)s %% d’après son chiffre d’affaires. Vérifiez le chiffre d’affaires."
    ),
}
_FILES = {
    "outside_shape": gettext_lazy(
        "Ce fichier n’a aucune des formes connues : liasse en CSV, réponse de la Banque de France, de la DGFiP ou des ratios INPI / BCE en JSON."
    ),
    "outside_json": gettext_lazy("Le JSON est mal formé à partir du caractère %(at)s."),
    "outside_head": gettext_lazy(
        "L’en-tête ne dit pas ce que contient le fichier : il faut une colonne « clôture » et des cases de la liasse, ou une colonne « échelle » pour des notes. Lu : %(head)s."
    ),
}


def row_problem(error: Mapping[str, str]) -> str:
    """One error of a row."""
    return str(_WORDS.get(error["code"], _("Valeur refusée : %(value)s."))) % {
        "column": error.get("column", ""),
        "value": error.get("value", ""),
        "choices": error.get("choices", ""),
        "found": error.get("found", ""),
    }


def file_problem(error: UnreadableFile) -> str:
    """Why the whole file cannot be read."""
    if error.code in _FILES:
        return str(_FILES[error.code]) % error.params
    return file_message(error.code, error.params)
