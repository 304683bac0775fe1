"""What is said about accounting-entry files and files of customers: a sentence per code, naming what to do."""

from django.utils.translation import gettext_lazy as lazy

FILE_MESSAGES = {
    "fec_header": lazy(
        "Ligne %(line)s : ce n’est pas l’en-tête d’un fichier des écritures comptables (18 colonnes, JournalCode à Idevise, "
        "séparées par des tabulations ou des barres). Lu : %(found)s. Exportez de nouveau le FEC."
    ),
    "fec_columns": lazy(
        "Ligne %(line)s : il manque la colonne %(lacking)s. En-têtes trouvés : %(found)s. Exportez de nouveau le FEC."
    ),
    "fec_cells": lazy(
        "Ligne %(line)s : %(cells)s zones pour %(columns)s colonnes. Un libellé contient sans doute un retour à la ligne ou "
        "un séparateur : corrigez-le dans la comptabilité, puis exportez de nouveau le FEC."
    ),
    "fec_amount": lazy(
        "Ligne %(line)s, colonne %(column)s : « %(value)s » n’est pas un montant. "
        "Corrigez l’écriture, puis exportez de nouveau le FEC."
    ),
    "fec_side": lazy(
        "Ligne %(line)s, colonne %(column)s : « %(value)s » n’est pas un sens. Écrivez D (débit) ou C (crédit)."
    ),
    "fec_entry_unbalanced": lazy(
        "Ligne %(line)s : l’écriture %(entry)s du journal %(journal)s n’est pas équilibrée (débit %(debit)s, crédit "
        "%(credit)s). Écritures déséquilibrées : %(count)s. Corrigez-les, puis exportez de nouveau le FEC."
    ),
    "fec_unbalanced": lazy(
        "Le fichier n’est pas équilibré : total des débits %(debit)s, total des crédits %(credit)s. "
        "Il est sans doute incomplet : exportez de nouveau le FEC."
    ),
    "fec_no_customer": lazy(
        "Aucune écriture sur les comptes clients (%(accounts)s). Indiquez les racines de vos comptes clients, "
        "ou exportez la comptabilité de la bonne société."
    ),
    "fec_accounts": lazy(
        "« %(value)s » n’est pas une racine de compte : écrivez des racines séparées par des virgules, par exemple 411,416."
    ),
    "fec_control": lazy(
        "Compte %(account)s : les pièces ouvertes font %(open)s, le solde du compte est %(balance)s. Rien n’est repris : "
        "vérifiez le lettrage de ce compte, puis exportez de nouveau le FEC."
    ),
}  # fmt: skip

ROW_MESSAGES = {
    "yes_no_unknown": lazy("« %(value)s » n’est ni oui ni non. Écrivez Oui ou Non, ou videz la cellule."),
}
