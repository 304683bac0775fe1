"""When an electronic invoice is to be paid: its due date (BT-9), its instalments, or a date in its terms (BT-20)."""

import re
from datetime import date
from decimal import Decimal

from core.calendar import DateError, parse_french_date
from core.money import round_money
from invoices.readers.einvoice.model import Invoice, Term

_MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
    "décembre",
)  # fmt: skip
_FIGURES = re.compile(
    r"(?<![0-9])(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}([/.-])[0-9]{1,2}\1[0-9]{4})(?![0-9])"
)
_WORDS = re.compile(rf"(?<![0-9])([0-9]{{1,2}})(?:er)? ({'|'.join(_MONTHS)}) ([0-9]{{4}})", re.IGNORECASE)
# A date beside one of these is the last day of a discount, not of the payment.
_DISCOUNT = re.compile(r"escompte|skonto|discount|remise|%", re.IGNORECASE)
_LONGEST_TERM_DAYS = 366


def instalments(invoice: Invoice) -> list[Term]:
    """The parts to pay, each with its date and amount, in the order of their dates; empty when it is one sum."""
    parts = [
        term
        for term in invoice.terms
        if term.due_date is not None and term.amount is not None and not term.is_discount
    ]
    return sorted(parts, key=lambda term: term.due_date or date.min) if len(parts) > 1 else []


def instalments_add_up(parts: list[Term], due: Decimal) -> bool:
    """Whether the parts are whole cents, each of the sign of what is due, and make it up."""
    amounts = [term.amount or Decimal(0) for term in parts]
    return sum(amounts, Decimal(0)) == due and all(
        round_money(amount) == amount and amount and (amount < 0) == (due < 0) for amount in amounts
    )


def due_date(invoice: Invoice) -> date | None:
    """The last day named for paying all of it; None leaves it to the customer's terms."""
    written = [term.due_date for term in invoice.terms if term.due_date is not None and not term.is_discount]
    if written:
        return max(written)
    return None if invoice.issue_date is None else date_in_terms(invoice, invoice.issue_date)


def date_in_terms(invoice: Invoice, issue_date: date) -> date | None:
    """The only date that the words of the terms name from the issue date on, unless they speak of a discount."""
    words = " ".join(term.text for term in invoice.terms)
    if not words or _DISCOUNT.search(words):
        return None
    found = {day for day in _dates(words) if 0 <= (day - issue_date).days <= _LONGEST_TERM_DAYS}
    return found.pop() if len(found) == 1 else None


def _dates(words: str) -> set[date]:
    days = set()
    for match in _FIGURES.finditer(words):
        try:
            days.add(parse_french_date(match[0]))
        except DateError:
            continue
    for match in _WORDS.finditer(words):
        try:
            days.add(date(int(match[3]), _MONTHS.index(match[2].lower()) + 1, int(match[1])))
        except ValueError:
            continue
    return days
