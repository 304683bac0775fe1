"""What is said about electronic invoices and archives of them: a sentence per code, naming what to do."""

from django.utils.translation import gettext_lazy as lazy

# The file as a whole; those of one document also serve for a file that holds only one.
DOCUMENT_MESSAGES = {
    "xml_broken": lazy(
        "Ce XML est mal formé (ligne %(at)s) : il est tronqué ou abîmé. Demandez de nouveau le fichier à la plateforme."
    ),
    "xml_dtd": lazy(
        "Ce XML déclare un type de document ou des entités, interdits dans une facture électronique. Il n’est pas lu."
    ),
    "xml_too_large": lazy(
        "Ce XML dépasse %(limit)s Mio. Retirez les pièces jointes de la facture, puis déposez-la de nouveau."
    ),
    "einvoice_is_order": lazy(
        "Ce document est une commande (Order-X ou UBL Order), pas une facture. Retirez-le du dépôt."
    ),
    "einvoice_is_status": lazy(
        "Ce document est un statut de cycle de vie, pas une facture. Déposez-le à la rubrique « Statuts électroniques »."
    ),
    "einvoice_is_bank": lazy(
        "Ce document est un message bancaire, pas une facture. Déposez-le à la rubrique « Banque »."
    ),
    "einvoice_root": lazy(
        "Ce XML n’est ni une facture UBL ni une facture CII : sa racine est « %(value)s ». Vérifiez l’export."
    ),
    "pdf_without_xml": lazy(
        "Ce PDF ne porte aucune facture électronique : c’est une simple image. Demandez le PDF Factur-X ou le XML."
    ),
    "pdf_encrypted": lazy("Ce PDF est protégé par un mot de passe. Déposez-le sans protection."),
    "pdf_broken": lazy("Ce PDF est abîmé et ne s’ouvre pas. Demandez-le de nouveau."),
    "pdf_too_slow": lazy(
        "La lecture de ce PDF prend plus de temps que permis. Déposez plutôt le XML de la facture."
    ),
    "member_not_invoice": lazy(
        "Ce fichier n’est ni un XML ni un PDF. Retirez-le de l’archive si ce n’est pas une facture."
    ),
    "member_broken": lazy("Ce fichier de l’archive est abîmé et ne se décompresse pas. Refaites l’archive."),
    "member_too_large": lazy("Ce fichier de l’archive dépasse %(limit)s Mio, trop pour une facture."),
}

_FILES = {
    **DOCUMENT_MESSAGES,
    "einvoice_not_one": lazy(
        "Ce fichier n’est ni un XML, ni un PDF, ni une archive ZIP de factures électroniques."
    ),
    "einvoice_too_large": lazy("Ce fichier dépasse %(limit)s Mio, trop pour une facture."),
    "zip_broken": lazy("L’archive est abîmée ou incomplète et ne s’ouvre pas. Refaites-la, puis déposez-la."),
    "zip_empty": lazy("L’archive ne contient aucun fichier. Vérifiez l’export d’origine."),
    "zip_encrypted": lazy(
        "L’archive est protégée par un mot de passe (« %(name)s »). Refaites-la sans mot de passe."
    ),
    "zip_nested": lazy(
        "L’archive contient une autre archive (« %(name)s »). Déposez un ZIP qui contient directement les factures."
    ),
    "zip_path": lazy(
        "L’archive contient un chemin interdit (« %(name)s ») : il sort de son dossier, ou c’est un lien. Refaites-la."
    ),
    "zip_duplicate": lazy(
        "L’archive contient deux fois le fichier « %(name)s » : on ne sait lequel compte. Refaites-la."
    ),
    "zip_bomb": lazy(
        "Le fichier « %(name)s » se décompresse en %(size)s Mio, bien plus qu’une facture. L’archive n’est pas lue."
    ),
    "zip_too_large": lazy(
        "L’archive dépasse %(limit)s Mio une fois décompressée. Découpez-la en plusieurs archives."
    ),
    "zip_too_many": lazy("L’archive contient plus de %(limit)s fichiers. Découpez-la en plusieurs archives."),
}

# Files of life-cycle statuses, and the messages in them.
STATUS_MESSAGES = {
    "status_not_one": lazy(
        "Ce fichier n’est ni un XML de cycle de vie (CDAR), ni une archive ZIP de tels XML."
    ),
    "status_file_too_large": lazy("Ce fichier dépasse %(limit)s Mio. Découpez-le en plusieurs archives."),
    "status_too_many": lazy(
        "Ce fichier contient plus de %(limit)s statuts. Découpez-le en plusieurs archives."
    ),
    "status_root": lazy(
        "Ce XML n’est pas un message de cycle de vie (CDAR) : sa racine est « %(value)s ». Une facture se dépose à la "
        "rubrique « Lots déposés »."
    ),
    "status_empty": lazy(
        "Ce message de cycle de vie ne porte sur aucune facture. Vérifiez-le auprès de la plateforme."
    ),
    "status_number": lazy(
        "Ce message ne nomme pas de facture, ou son numéro dépasse 40 caractères (« %(value)s »)."
    ),
    "status_code": lazy(
        "La facture %(number)s porte le statut « %(value)s », inconnu du cycle de vie (200 à 228, 501)."
    ),
    "status_instant": lazy("Le statut de la facture %(number)s n’a pas de date lisible."),
    "status_refused": lazy("%(message)s"),
}

FILE_MESSAGES = {**_FILES, **STATUS_MESSAGES}

# Rows. The sums are named by their rule in EN 16931.
ROW_MESSAGES = {
    **DOCUMENT_MESSAGES,
    "einvoice_amount": lazy(
        "« %(value)s » n’est pas un montant : la norme attend des chiffres et un point décimal."
    ),
    "einvoice_date": lazy("« %(value)s » n’est pas une date de la norme (AAAA-MM-JJ ou AAAAMMJJ)."),
    "einvoice_missing": lazy(
        "La facture ne porte pas la donnée %(term)s, obligatoire dans la norme. Faites-la réémettre."
    ),
    "einvoice_type_unknown": lazy(
        "Le type « %(value)s » (BT-3) n’est pas celui d’une facture ou d’un avoir. Vérifiez le document."
    ),
    "einvoice_pro_forma": lazy("Une facture pro forma (type %(value)s) ne se paie pas. Retirez-la du dépôt."),
    "einvoice_is_test": lazy(
        "Cette facture est marquée « test » par son émetteur : elle n’engage personne. Déposez la facture réelle."
    ),
    "einvoice_credit_sign": lazy(
        "L’avoir porte un total négatif (%(value)s) : on ne sait s’il crédite ou débite le client. Faites-le réémettre."
    ),
    "einvoice_instalments": lazy(
        "Les échéances font %(value)s, or il reste à payer %(expected)s. Faites réémettre la facture."
    ),
    "other_seller": lazy(
        "Cette facture est émise par %(value)s, pas par %(entity)s. Déposez-la dans l’entité qui l’a émise."
    ),
    "br_co_10": lazy(
        "Règle BR-CO-10 : le total des lignes (BT-106) est de %(value)s, or les lignes font %(expected)s. "
        "Faites réémettre la facture."
    ),
    "br_co_11": lazy(
        "Règle BR-CO-11 : le total des remises (BT-107) est de %(value)s, or les remises font %(expected)s. "
        "Faites réémettre la facture."
    ),
    "br_co_12": lazy(
        "Règle BR-CO-12 : le total des frais (BT-108) est de %(value)s, or les frais font %(expected)s. "
        "Faites réémettre la facture."
    ),
    "br_co_13": lazy(
        "Règle BR-CO-13 : le total hors TVA (BT-109) est de %(value)s, or lignes, remises et frais font "
        "%(expected)s. Faites réémettre la facture."
    ),
    "br_co_14": lazy(
        "Règle BR-CO-14 : le total de TVA (BT-110) est de %(value)s, or sa ventilation fait %(expected)s. "
        "Faites réémettre la facture."
    ),
    "br_co_15": lazy(
        "Règle BR-CO-15 : le total TTC (BT-112) est de %(value)s, or le total hors TVA et la TVA font "
        "%(expected)s. Faites réémettre la facture."
    ),
    "br_co_16": lazy(
        "Règle BR-CO-16 : le net à payer (BT-115) est de %(value)s, or le TTC moins l’acompte fait %(expected)s. "
        "Faites réémettre la facture."
    ),
    "br_co_17": lazy(
        "Règle BR-CO-17 : la TVA d’un taux (BT-117) est de %(value)s, or sa base fois son taux fait %(expected)s. "
        "Faites réémettre la facture."
    ),
}  # fmt: skip

CELL_LABELS = {
    "file": lazy("Fichier"),
    "type": lazy("Type (BT-3)"),
    "number": lazy("Numéro (BT-1)"),
    "issued": lazy("Émise le (BT-2)"),
    "due": lazy("Échéance (BT-9)"),
    "currency": lazy("Devise (BT-5)"),
    "net": lazy("Hors TVA (BT-109)"),
    "vat": lazy("TVA (BT-110)"),
    "total": lazy("TTC (BT-112)"),
    "to_pay": lazy("À payer (BT-115)"),
    "seller": lazy("Vendeur (BT-27)"),
    "buyer": lazy("Acheteur (BT-44)"),
}
