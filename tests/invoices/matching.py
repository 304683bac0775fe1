"""What the tests of matching share."""

from datetime import UTC, date, datetime
from typing import Any

from core.rights import SYSTEM
from customers.models import Customer
from invoices.models import BankLine, MatchProposal, PayerAlias
from invoices.operations.matching import match_lines

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)


def match(**changes: Any) -> dict[str, int]:
    """A pass of the sweep."""
    return match_lines(**{"actor": SYSTEM, "today": TODAY, "now": NOW} | changes)


def known_iban(customer: Customer, iban: str) -> PayerAlias:
    return PayerAlias.objects.create(
        legal_entity=customer.legal_entity,
        customer=customer,
        kind="IBAN",
        value=iban,
        learned_on=TODAY,
        last_used_on=TODAY,
    )


def first(line: BankLine) -> MatchProposal:
    return line.proposals.get(rank=1)
