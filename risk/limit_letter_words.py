"""The words of the letters on credit limits, in each language in which they are written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.calendar import ENGLISH_MONTHS, FRENCH_MONTHS
from core.money import format_amount


@dataclass(frozen=True)
class LetterWords:
    """One language's letter. `reasons` are by code of refusal; none of them tells what an insurer said."""

    language: str
    reference: str
    account: str
    greeting: str
    because: str
    granted_subject: str
    refused_subject: str
    granted: str
    lowered: str
    until: str
    conditions: str
    granted_after: str
    refused: str
    refused_after: str
    person: str
    end: str
    reasons: Mapping[str, str]

    def amount(self, value: Decimal, currency: str) -> str:
        return format_amount(value, currency, self.language)

    def day(self, value: date) -> str:
        if self.language == "fr":
            first = "1er" if value.day == 1 else str(value.day)
            return f"{first} {FRENCH_MONTHS[value.month - 1]} {value.year}"
        return f"{value.day} {ENGLISH_MONTHS[value.month - 1]} {value.year}"


FRENCH = LetterWords(
    language="fr",
    reference="Notre référence",
    account="Votre compte",
    greeting="Madame, Monsieur,",
    because="Cette décision tient aux raisons suivantes\u00a0:",
    granted_subject="Votre encours autorisé",
    refused_subject="Votre demande d’encours",
    granted=(
        "Vous avez demandé le %(day)s un encours autorisé de %(asked)s. Nous avons le plaisir de vous l’accorder\u00a0: "
        "vous pouvez nous devoir jusqu’à %(granted)s, toutes taxes comprises, commandes en cours incluses."
    ),
    lowered=(
        "Vous avez demandé le %(day)s un encours autorisé de %(asked)s. Après étude, nous pouvons vous accorder "
        "%(granted)s, toutes taxes comprises, commandes en cours incluses."
    ),
    until="Cet encours vaut jusqu’au %(until)s. Il peut être revu avant, si votre situation change.",
    conditions="Il est accordé aux conditions suivantes\u00a0: %(conditions)s.",
    granted_after=(
        "Au-delà, ou si une facture reste impayée après son échéance, nos livraisons se font contre paiement à la commande."
    ),
    refused=(
        "Vous avez demandé le %(day)s un encours autorisé de %(asked)s. Après étude, nous ne pouvons pas y donner "
        "une suite favorable."
    ),
    refused_after=(
        "Nos conditions actuelles restent inchangées, et vos commandes sont les bienvenues contre paiement à la commande. "
        "Des comptes récents, une caution ou un acompte nous permettraient de revoir votre demande."
    ),
    person=(
        "Cette décision a été prise par une personne. Vous pouvez nous présenter vos observations, en demander les "
        "raisons et la contester en nous écrivant."
    ),
    end="Nous vous prions d’agréer, Madame, Monsieur, nos salutations distinguées.",
    reasons={
        "INSOLVENCY": "une procédure collective est ouverte\u00a0;",
        "BEHAVIOUR": "les délais de règlement constatés sur votre compte\u00a0;",
        "OVERDUE": "des factures échues restent impayées à ce jour\u00a0;",
        "NEGATIVE_EQUITY": "vos capitaux propres sont négatifs dans les derniers comptes dont nous disposons\u00a0;",
        "EQUITY": "vos capitaux propres, rapportés au montant demandé, dans les derniers comptes dont nous disposons\u00a0;",
        "TURNOVER": "votre chiffre d’affaires, rapporté au montant demandé\u00a0;",
        "SUPPLIER_DEBT": "la part que le montant demandé prendrait dans vos dettes envers vos fournisseurs\u00a0;",
        "WORKING_CAPITAL": "votre fonds de roulement, rapporté au montant demandé\u00a0;",
        "NO_ACCOUNTS": "nous ne disposons pas de vos comptes récents\u00a0;",
        "NEED": "vos achats des douze derniers mois ne supposent pas un tel encours\u00a0;",
        "NEW_CUSTOMER": "notre relation commerciale est encore récente\u00a0;",
        "COMMITMENT": "le montant total de nos engagements est limité\u00a0;",
    },
)
ENGLISH = LetterWords(
    language="en",
    reference="Our reference",
    account="Your account",
    greeting="Dear Sir or Madam,",
    because="This decision rests on the following:",
    granted_subject="Your credit limit",
    refused_subject="Your request for a credit limit",
    granted=(
        "On %(day)s you asked for a credit limit of %(asked)s. We are pleased to grant it: you may owe us up to "
        "%(granted)s, taxes and orders in progress included."
    ),
    lowered=(
        "On %(day)s you asked for a credit limit of %(asked)s. Having considered your request, we can grant "
        "%(granted)s, taxes and orders in progress included."
    ),
    until="This limit is valid until %(until)s. It may be reviewed earlier should your situation change.",
    conditions="It is granted on the following conditions: %(conditions)s.",
    granted_after="Beyond it, or if an invoice remains unpaid after its due date, we deliver against payment with order.",
    refused=(
        "On %(day)s you asked for a credit limit of %(asked)s. Having considered your request, we regret that we "
        "cannot grant it."
    ),
    refused_after=(
        "Our present terms remain unchanged, and your orders are welcome against payment with order. Recent accounts, "
        "a guarantee or a deposit would allow us to look at your request again."
    ),
    person=(
        "This decision was taken by a person. You may submit your observations, ask for its reasons and contest it "
        "by writing to us."
    ),
    end="Yours faithfully,",
    reasons={
        "INSOLVENCY": "insolvency proceedings are open;",
        "BEHAVIOUR": "the payment times observed on your account;",
        "OVERDUE": "invoices past their due date remain unpaid to this day;",
        "NEGATIVE_EQUITY": "your equity is negative in the latest accounts available to us;",
        "EQUITY": "your equity, compared with the amount asked for, in the latest accounts available to us;",
        "TURNOVER": "your turnover, compared with the amount asked for;",
        "SUPPLIER_DEBT": "the share that the amount asked for would take in your trade payables;",
        "WORKING_CAPITAL": "your working capital, compared with the amount asked for;",
        "NO_ACCOUNTS": "we have not received your recent accounts;",
        "NEED": "your purchases of the last twelve months do not call for such a limit;",
        "NEW_CUSTOMER": "our business relationship is still recent;",
        "COMMITMENT": "the total of our commitments is limited;",
    },
)
WORDS: Mapping[str, LetterWords] = {"fr": FRENCH, "en": ENGLISH}
