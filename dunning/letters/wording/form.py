"""The fixed words of a letter, by language: headings, labels, names of earlier letters.

A letter speaks the debtor's language, whatever the language of the person who prepares it; so its words are
part of the letter and not of the interface's translations.
"""

from dataclasses import dataclass

from dunning.letters.context import LetterKind
from invoices.late_fee_rules import RuleKind


@dataclass(frozen=True, slots=True)
class Wording:
    months: tuple[str, ...]
    # « notre rappel du {date} (réf. {reference}) », in the case or form that all templates of the language put it in.
    previous: dict[LetterKind, str]
    and_word: str
    colon: str
    semicolon: str
    subject: str
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
    number_mark: str
    on_place: str
    # Table of items
    items_caption: str
    items_to_come_caption: str
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
    year_of_365: str
    # By rule, with its value: « taux contractuel de {value} % l’an ».
    rate_bases: dict[RuleKind, str]
    # The national rates that some laws follow, by the key of their series.
    base_rates: dict[str, str]
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
    # What may be enclosed
    statement_of_account: str
    statement_title: str
    statement_balance: str
    statement_intro: str
    statement_not_due: str
    copy_of: str
    copies_of_invoices: str
    # French law stays French law: its articles with a label in the language.
    formal_notice_articles: tuple[str, ...]
    professional_articles: tuple[str, ...]
    public_articles: tuple[str, ...]
