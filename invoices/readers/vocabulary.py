"""The words of files: natures of items, currencies."""

from invoices.readers.columns import simplify

CREDIT_KINDS = frozenset({"CREDIT_NOTE", "PAYMENT"})

_WORDS: dict[str, tuple[str, ...]] = {
    "INVOICE": ("Facture", "Fact", "Fac", "FA", "F", "FC", "FV", "Facture de vente", "Invoice", "Inv", "I", "380"),
    "CREDIT_NOTE": (
        "Avoir", "Av", "A", "AVO", "Facture d'avoir", "Note de crédit", "Credit note", "Credit", "Credit memo", "CN",
        "CM", "381",
    ),
    "PAYMENT": (
        "Règlement", "Rég", "RG", "R", "RGT", "Paiement", "Encaissement", "Virement", "Chèque", "Payment", "Pmt",
        "P", "Receipt",
    ),
    "DEPOSIT": (
        "Acompte demandé", "Demande d'acompte", "Facture d'acompte", "Deposit", "Deposit request",
        "Deposit invoice", "386",
    ),
    "OTHER": ("Opération diverse", "Divers", "OD", "Other", "Misc", "Miscellaneous"),
}  # fmt: skip

KIND_WORDS = {simplify(word): kind for kind, words in _WORDS.items() for word in (*words, kind)}

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
