"""What company correspondence must show: name, form, capital, registered office, SIREN and RCS city.

Source: Code de commerce, articles R123-237 and R123-238. Printed at the foot of every page and e-mail.
"""

import re

from dunning.letters.context import Creditor
from dunning.letters.formats import NBSP, format_amount, format_siren
from dunning.letters.wording import WORDING


def company_mentions(creditor: Creditor, language: str) -> tuple[str, ...]:
    """Return the lines of mentions: the company and its office, then its numbers and how to reach it."""
    words = WORDING[language]
    form = creditor.legal_form
    if creditor.share_capital is not None:
        capital = format_amount(creditor.share_capital, creditor.share_capital_currency, language)
        # A capital in whole euros is written without cents: 150 000 €, €150,000.
        capital = re.sub(r"[.,]00(?=\D*$)", "", capital)
        form = f"{form} {words.with_capital} {capital}".strip()
    office = ", ".join(creditor.address_lines)
    numbers = ""
    if creditor.siren:
        numbers = format_siren(creditor.siren)
        numbers += f" RCS{NBSP}{creditor.rcs_city}" if creditor.rcs_city else ""
    vat = f"{words.vat}{NBSP}{creditor.vat_number}" if creditor.vat_number else ""
    phone = f"{words.phone}{NBSP}{creditor.phone}" if creditor.phone else ""
    first = (
        creditor.name,
        form,
        *creditor.extra_mentions,
        f"{words.registered_office}{office}" if office else "",
    )
    second = (numbers, vat, phone, creditor.email, creditor.website)
    return tuple(" · ".join(part for part in line if part) for line in (first, second) if any(line))
