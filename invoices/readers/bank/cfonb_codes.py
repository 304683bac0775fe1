"""Codes of the French interbank files.

Sources: CFONB, « Codes opérations interbancaires » (codes of the 04 records of the 120-character statement) and
« Liste interbancaire des codes motifs de rejet » (two-digit reasons, the same in the files of 240 characters).
"""

NATURES = {
    "CHEQUE": "01 02 15",
    "CASH": "04 29",
    "TRANSFER": "05 06 13 14 18 21 39 41 44 45 90 C1 C2",
    "BILL": "07 31 32 35 37",
    "DIRECT_DEBIT": "08 09 22 24 96 97 A1 A2 B1 B2",
    "CARD": "11 28 30 36",
    "CHARGES": "61 62 64 65 66 67 70 88",
    # Unpaid cheques, debits, transfers, bills and cards; money given back on a recall or by the creditor himself.
    "RETURN": "03 10 12 26 27 33 34 38 98 A3 A4 A5 A6 B3 B4 C3 C4 C5",
}
NATURE_OF = {code: nature for nature, codes in NATURES.items() for code in codes.split()}

# Operations of the 240-character files, by the codes of the interbank exchange: direct and returned.
TRANSFERS_240 = frozenset({"20"})
RETURNS_240 = frozenset({"21", "22", "61", "62", "81", "82", "84", "85"})
NATURE_240 = {"20": "TRANSFER", "60": "BILL", "80": "DIRECT_DEBIT"}

REASONS = {
    "01": "Endos erroné",
    "02": "Échéance hors limite",
    "03": "Date incohérente",
    "04": "Réclamation partielle",
    "05": "Réclamation totale",
    "06": "Acceptation non retournée",
    "11": "Annulation bancaire",
    "12": "Coordonnées bancaires inexploitables",
    "13": "Créance non identifiable",
    "14": "Compte clôturé",
    "16": "Destinataire non reconnu",
    "18": "Émetteur non reconnu",
    "19": "Créance cédée à une autre banque",
    "20": "Provision insuffisante",
    "31": "Pas d’autorisation",
    "32": "Décision judiciaire (procédure collective)",
    "34": "Opposition sur le compte",
    "35": "Titulaire décédé",
    "39": "Ne paie que LCR acceptées ou billets à ordre",
    "52": "Code opération incorrect",
    "54": "Adresse invalide",
    "57": "Format invalide",
    "58": "Sur ordre du client",
    "59": "Raison non communiquée",
    "60": "Code banque incorrect",
    "61": "Heure limite dépassée",
    "62": "Motif réglementaire",
    "63": "Service spécifique",
    "64": "Opération en double",
    "65": "Retour à la suite d’une demande",
    "66": "Donnée du mandat incorrecte",
    "70": "Tirage contesté",
    "71": "Reçu à tort ou déjà réglé",
    "72": "Code d’acceptation erroné",
    "73": "Montant contesté",
    "74": "Date d’échéance contestée",
    "75": "Demande de prorogation",
    "76": "Réclamation tardive",
    "80": "Contestation du débiteur",
    "88": "Banque hors échanges",
    "90": "Paiement partiel du tiré",
    "99": "Opération non admise",
}
