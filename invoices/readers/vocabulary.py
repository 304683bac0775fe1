"""The words of files: natures of items, currencies."""

from invoices.readers.columns import simplify

CREDIT_KINDS = frozenset({"CREDIT_NOTE", "PAYMENT"})

_WORDS: dict[str, tuple[str, ...]] = {
    "INVOICE": (
        "Facture", "Fact", "Fac", "FA", "F", "FC", "FV", "Facture de vente", "Facture client", "Invoice", "Inv", "I",
        "380", "Sales invoice", "Customer invoice", "out_invoice", "DR", "RV", "Facture de solde", "Facture de situation",
    ),
    "CREDIT_NOTE": (
        "Avoir", "Av", "A", "AVO", "Facture d'avoir", "Note de crédit", "Credit note", "Credit", "Credit memo", "CN",
        "CM", "381", "Avoir client", "out_refund", "Refund", "DG", "Customer credit note", "Sales credit note",
    ),
    "PAYMENT": (
        "Règlement", "Rég", "RG", "R", "RGT", "RGL", "Paiement", "Encaissement", "Virement", "Chèque", "Payment",
        "Pmt", "P", "Receipt", "Prélèvement", "DZ", "Customer payment", "Règlement client", "Unallocated payment",
    ),
    "DEPOSIT": (
        "Acompte demandé", "Demande d'acompte", "Facture d'acompte", "Deposit", "Deposit request",
        "Deposit invoice", "386", "DPA", "Down payment request", "Downpayment request", "Acompte",
    ),
    "OTHER": (
        "Opération diverse", "Opérations diverses", "Divers", "OD", "ODI", "Other", "Misc", "Miscellaneous",
        "Miscellaneous transaction", "Traite", "Effet", "Effet à recevoir", "LCR", "BOR", "TRT", "Bill of exchange",
        "AB", "Journal entry", "Entry", "Report à nouveau", "AN",
    ),
}  # fmt: skip

# A row that is right and yet no receivable: why it is left out.
_SKIPPED: dict[str, tuple[str, ...]] = {
    "draft": ("Brouillon", "Draft", "Provisoire", "Projet", "À valider", "Unposted", "Parked", "draft invoice"),
    "not_receivable": (
        "Pro forma", "Proforma", "Facture pro forma", "Devis", "Quote", "Quotation", "Commande", "Order",
        "Sales order", "Bon de livraison", "BL", "Delivery note", "Annulée", "Annulé", "Cancelled", "Canceled", "Void",
        "Abandonnée", "Cancel",
    ),
}  # fmt: skip

SKIP_WORDS = {simplify(word): code for code, words in _SKIPPED.items() for word in words}
KIND_WORDS = {simplify(word): kind for kind, words in _WORDS.items() for word in (*words, kind)} | SKIP_WORDS
# In the columns of the market's closest product a draft is a bill of exchange under way: a receivable.
BILL_WORDS = {"draft": "OTHER"}

SIDE_WORDS = {
    simplify(word): side
    for side, words in {
        "D": ("D", "Débit", "Debit", "Deb", "Dr", "S", "Db"),
        "C": ("C", "Crédit", "Credit", "Cre", "Cr", "H"),
    }.items()
    for word in words
} | {"+": "D", "-": "C", "0": "D", "1": "C"}  # fmt: skip

CURRENCY_SIGNS = {
    "€": "EUR",
    "$": "USD",
    "£": "GBP",
    "euro": "EUR",
    "Euro": "EUR",
    "euros": "EUR",
    "Euros": "EUR",
}

# ISO 4217, currencies in circulation.
_CODES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP
CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG
HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL
MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR
RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD
TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(_CODES.split())

LANGUAGE_WORDS = {
    "fr": "fr", "fra": "fr", "francais": "fr", "french": "fr", "frfr": "fr",
    "en": "en", "eng": "en", "anglais": "en", "english": "en", "engb": "en", "enus": "en",
    "de": "de", "deu": "de", "ger": "de", "allemand": "de", "german": "de", "deutsch": "de", "dede": "de",
    "dech": "de", "deat": "de",
    "es": "es", "spa": "es", "espagnol": "es", "spanish": "es", "espanol": "es", "eses": "es",
    "it": "it", "ita": "it", "italien": "it", "italian": "it", "italiano": "it", "itit": "it",
}  # fmt: skip
