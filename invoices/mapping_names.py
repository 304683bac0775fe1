"""Headers as programs write them: technical names of common accounting programs, and abbreviations spelt out."""

import re
import unicodedata

from invoices.readers.columns import simplify

# program -> {its name of a column: our field}
_PROGRAMS: dict[str, dict[str, str]] = {
    "SAP": {
        "KUNNR": "customer_code", "Customer Account": "customer_code", "NAME1": "customer_name", "BELNR": "number",
        "Document Number": "number", "BLART": "kind", "BLDAT": "issue_date", "Document Date": "issue_date",
        "NETDT": "due_date", "FAEDT": "due_date", "Net Due Date": "due_date", "WRBTR": "total_amount",
        "Amount in Doc. Curr.": "total_amount", "Amount in Document Currency": "total_amount", "WAERS": "currency",
        "Document Currency": "currency", "SHKZG": "side", "Debit/Credit Ind.": "side", "XBLNR": "reference",
        "Assignment": "reference", "ZTERM": "terms", "LAND1": "country", "STCEG": "vat_number", "STCD1": "siret",
        "MWSTS": "vat_amount", "PSTLZ": "postcode", "ORT01": "city", "STRAS": "address",
    },
    "Sage": {
        "CT_Num": "customer_code", "CT_Intitule": "customer_name", "EC_Piece": "number", "DO_Piece": "number",
        "EC_RefPiece": "reference", "DO_Ref": "reference", "EC_Date": "issue_date", "DO_Date": "issue_date",
        "EC_Echeance": "due_date", "DR_Date": "due_date", "EC_Montant": "total_amount", "DO_NetAPayer": "total_amount",
        "DO_TotalTTC": "total_amount", "DO_TotalHTNet": "net_amount", "EC_Sens": "side", "DO_Type": "kind",
        "JO_Num": "kind", "CT_Siret": "siret", "CT_Identifiant": "vat_number", "CT_EMail": "email",
        "CT_Telephone": "phone", "CT_Adresse": "address", "CT_CodePostal": "postcode", "CT_Ville": "city",
        "CT_Pays": "country", "N_Devise": "currency",
    },
    "Cegid": {
        "E_AUXILIAIRE": "customer_code", "T_AUXILIAIRE": "customer_code", "T_LIBELLE": "customer_name",
        "E_REFINTERNE": "number", "E_REFEXTERNE": "reference", "E_DATECOMPTABLE": "issue_date",
        "E_DATEPIECE": "issue_date", "E_DATEECHEANCE": "due_date", "E_DEBIT": "debit_amount",
        "E_CREDIT": "credit_amount", "E_DEBITDEV": "debit_amount", "E_CREDITDEV": "credit_amount",
        "E_NATUREPIECE": "kind", "E_DEVISE": "currency", "E_LIBELLE": "reference", "T_SIRET": "siret",
        "T_NIF": "vat_number", "T_PAYS": "country", "T_EMAIL": "email",
    },
    "Odoo": {
        "name": "number", "Number": "number", "partner_id": "customer_name", "partner_id/ref": "customer_code",
        "invoice_partner_display_name": "customer_name", "invoice_date": "issue_date",
        "invoice_date_due": "due_date", "amount_total": "total_amount", "amount_total_signed": "total_amount",
        "Total Signed": "total_amount", "Total in Currency Signed": "total_amount",
        "amount_total_in_currency_signed": "total_amount", "amount_untaxed": "net_amount",
        "Tax Excluded": "net_amount", "Untaxed Amount Signed": "net_amount", "amount_tax": "vat_amount",
        "amount_residual": "open_amount", "amount_residual_signed": "open_amount",
        "Amount Due Signed": "open_amount", "move_type": "kind", "state": "status", "currency_id": "currency",
        "ref": "reference", "payment_reference": "reference", "invoice_payment_term_id": "terms",
        "Hors taxes": "net_amount", "Montant dû": "open_amount", "Partenaire": "customer_name",
        "Nom affiché du partenaire de la facture": "customer_name",
    },
    "EBP": {
        "Code (tiers)": "customer_code", "Code tiers facturé": "customer_code", "Nom (tiers)": "customer_name",
        "Numéro du document": "number", "Date du document": "issue_date", "Montant total TTC": "total_amount",
        "Total HT net": "net_amount", "Solde dû": "open_amount", "Type de document": "kind",
        "N° du document": "number", "Total TTC net": "total_amount",
    },
    "Pennylane": {
        "Identifiant externe": "customer_code", "Identifiant client": "customer_code",
        "Nom du client facturé": "customer_name", "Montant restant dû": "open_amount", "Libellé de la facture": "reference",
    },
}  # fmt: skip

PROGRAMS = {
    simplify(name): (field, program)
    for program, names in reversed(list(_PROGRAMS.items()))
    for name, field in names.items()
}

_ABBREVIATIONS = {
    "fact": "facture", "fac": "facture", "ech": "echeance", "echeanc": "echeance", "mt": "montant", "mnt": "montant",
    "mont": "montant", "cli": "client", "clt": "client", "dt": "date", "cpt": "compte", "cpte": "compte",
    "rgt": "reglement", "regl": "reglement", "lib": "libelle", "dev": "devise", "ref": "reference",
    "doc": "document", "inv": "invoice", "amt": "amount", "cust": "customer", "curr": "currency", "cur": "currency",
    "no": "no", "nr": "no", "num": "no", "numero": "no", "n": "no", "nbr": "no", "nb": "no", "tel": "telephone",
    "adr": "adresse", "cp": "codepostal", "dnt": "dont", "tot": "total", "emis": "emission", "emi": "emission",
    "rs": "raisonsociale", "soc": "sociale", "ttl": "total", "bal": "balance", "desc": "description", "pce": "piece",
}  # fmt: skip
_EMPTY_WORDS = frozenset(
    ("de", "du", "des", "la", "le", "les", "l", "d", "the", "of", "en", "a", "eur", "euros", "euro")
)
_CAMEL = re.compile(r"(?<=[a-zà-ÿ])(?=[A-Z])")


def expanded(name: str) -> str:
    """The words of a header in full and without articles: `Mt_TTC` gives « montant ttc », `DtFact` « date facture »."""
    text = unicodedata.normalize(
        "NFKD", _CAMEL.sub(" ", name.replace("°", "o ").replace("º", "o "))
    ).casefold()
    text = "".join(char for char in text if not unicodedata.combining(char))
    words = [_ABBREVIATIONS.get(word, word) for word in re.findall(r"[a-z0-9]+", text)]
    return " ".join(word for word in words if word not in _EMPTY_WORDS)
