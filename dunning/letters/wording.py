"""The fixed words of a letter, by language: headings, labels, default subjects.

A letter speaks the debtor's language, whatever the language of the person who prepares it; so its words are
part of the letter template (and of its version) and not of the interface's translations.
"""

from dataclasses import dataclass

from dunning.letters.context import LetterKind


@dataclass(frozen=True, slots=True)
class Wording:
    months: tuple[str, ...]
    subjects: dict[LetterKind, str]
    letter_names: dict[LetterKind, str]
    # Company mentions
    with_capital: str
    registered_office: str
    vat: str
    phone: str
    # Head of the letter
    our_reference: str
    your_account: str
    your_reference: str
    your_siren: str
    your_office: str
    attention: str
    followed_by: str
    registered_post: str
    registered_email: str
    on_place: str
    subject: str
    # Table of items
    items_caption: str
    number: str
    issued: str
    due: str
    total: str
    paid: str
    open: str
    late: str
    days_unit: str
    credit_note: str
    receipt: str
    items_total: str
    balance: str
    of_which: str
    in_dispute: str
    promised: str
    # Interest
    interest_caption: str
    item: str
    period: str
    days: str
    basis: str
    rate: str
    interest: str
    interest_total: str
    basis_note: str
    day_count: str
    # Totals
    totals_caption: str
    principal: str
    interest_as_of: str
    indemnity: str
    indemnity_short: str
    total_due: str
    # Payment
    payment_caption: str
    beneficiary: str
    payment_reference: str
    amount: str
    before: str
    qr_caption: str
    qr_alt: str
    # Foot of the letter
    attachments: str
    legal_references: str
    page: str


_FR = Wording(
    months=(
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ),
    subjects={
        LetterKind.REMINDER: "Votre compte client – règlement en attente",
        LetterKind.SECOND_REMINDER: "Second rappel – factures échues et impayées",
        LetterKind.FORMAL_NOTICE: "Mise en demeure de payer",
        LetterKind.HAND_OVER_INFO: "Transmission de votre dossier en recouvrement amiable",
    },
    letter_names={
        LetterKind.REMINDER: "rappel",
        LetterKind.SECOND_REMINDER: "second rappel",
        LetterKind.FORMAL_NOTICE: "mise en demeure",
        LetterKind.HAND_OVER_INFO: "avis de transmission",
    },
    with_capital="au capital de",
    registered_office="Siège social : ",
    vat="TVA",
    phone="Tél.",
    our_reference="Nos références",
    your_account="Compte client",
    your_reference="Vos références",
    your_siren="Votre SIREN",
    your_office="Votre siège",
    attention="À l’attention de",
    followed_by="Dossier suivi par",
    registered_post="Lettre recommandée avec avis de réception",
    registered_email="Lettre recommandée électronique",
    on_place="le",
    subject="Objet : ",
    items_caption="Pièces échues",
    number="Pièce",
    issued="Date",
    due="Échéance",
    total="Montant TTC",
    paid="Déjà réglé",
    open="Reste dû",
    late="Retard",
    days_unit="j",
    credit_note="avoir",
    receipt="règlement",
    items_total="Total",
    balance="solde",
    of_which="dont",
    in_dispute="en litige",
    promised="promis",
    interest_caption="Pénalités de retard",
    item="Pièce",
    period="Du – au (inclus)",
    days="Jours",
    basis="Base",
    rate="Taux annuel",
    interest="Pénalités",
    interest_total="Total des pénalités",
    basis_note="Mode de calcul",
    day_count="année de",
    totals_caption="Sommes réclamées",
    principal="Principal restant dû",
    interest_as_of="Pénalités de retard arrêtées au",
    indemnity="Indemnité forfaitaire pour frais de recouvrement",
    indemnity_short="Indemnité",
    total_due="Total à payer",
    payment_caption="Pour régler par virement",
    beneficiary="Bénéficiaire",
    payment_reference="Référence à rappeler",
    amount="Montant",
    before="Au plus tard le",
    qr_caption="À scanner avec votre application bancaire",
    qr_alt="Code QR du virement",
    attachments="Pièces jointes",
    legal_references="Textes applicables",
    page="Page",
)

_EN = Wording(
    months=(
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    subjects={
        LetterKind.REMINDER: "Your account with us – payment outstanding",
        LetterKind.SECOND_REMINDER: "Second reminder – overdue invoices",
        LetterKind.FORMAL_NOTICE: "Formal notice to pay (mise en demeure de payer)",
        LetterKind.HAND_OVER_INFO: "Your file has been passed to a collection agency",
    },
    letter_names={
        LetterKind.REMINDER: "reminder",
        LetterKind.SECOND_REMINDER: "second reminder",
        LetterKind.FORMAL_NOTICE: "formal notice",
        LetterKind.HAND_OVER_INFO: "hand-over notice",
    },
    with_capital="with a share capital of",
    registered_office="Registered office: ",
    vat="VAT",
    phone="Tel.",
    our_reference="Our reference",
    your_account="Your account",
    your_reference="Your reference",
    your_siren="Your SIREN",
    your_office="Your office",
    attention="For the attention of",
    followed_by="File handled by",
    registered_post="Registered letter with acknowledgement of receipt",
    registered_email="Electronic registered letter",
    on_place="",
    subject="Subject: ",
    items_caption="Overdue items",
    number="Item",
    issued="Date",
    due="Due date",
    total="Amount incl. VAT",
    paid="Already paid",
    open="Outstanding",
    late="Overdue",
    days_unit="d",
    credit_note="credit note",
    receipt="payment",
    items_total="Total",
    balance="balance",
    of_which="of which",
    in_dispute="in dispute",
    promised="promised",
    interest_caption="Late-payment interest",
    item="Item",
    period="From – to (inclusive)",
    days="Days",
    basis="Basis",
    rate="Annual rate",
    interest="Interest",
    interest_total="Total interest",
    basis_note="Basis of calculation",
    day_count="year of",
    totals_caption="Amounts claimed",
    principal="Principal outstanding",
    interest_as_of="Late-payment interest up to",
    indemnity="Fixed recovery indemnity",
    indemnity_short="Indemnity",
    total_due="Total payable",
    payment_caption="To pay by bank transfer",
    beneficiary="Beneficiary",
    payment_reference="Reference to quote",
    amount="Amount",
    before="No later than",
    qr_caption="Scan with your banking app",
    qr_alt="Transfer QR code",
    attachments="Enclosures",
    legal_references="Legal references",
    page="Page",
)

WORDING: dict[str, Wording] = {"fr": _FR, "en": _EN}
