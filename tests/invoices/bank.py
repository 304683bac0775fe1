"""Bank lines for tests, as an accepted statement leaves them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from core.files import store_file
from customers.models import LegalEntity
from invoices.models import BankAccount, BankFile, BankLine, BankStatement

RECEIVED_AT = datetime(2026, 2, 11, 6, 0, tzinfo=UTC)
_numbers = count(1)


def make_bank_account(entity: LegalEntity, **changes: Any) -> BankAccount:
    number = next(_numbers)
    values = {"name": f"Compte {number}", "iban": f"FR76{number:023d}", "currency": "EUR"}
    return BankAccount.objects.create(legal_entity=entity, **values | changes)


def make_statement(account: BankAccount, **changes: Any) -> BankStatement:
    number = next(_numbers)
    file = BankFile.objects.create(
        legal_entity=account.legal_entity,
        file=store_file(
            content=f"releve {number}".encode(),
            name=f"releve-{number}.xml",
            kind="BANK_FILE",
            content_type="text/xml",
            now=RECEIVED_AT,
        ),
        format=BankFile.Format.CAMT,
        status=BankFile.Status.ACCEPTED,
        received_at=RECEIVED_AT,
        updated_at=RECEIVED_AT,
    )
    values = {
        "rank": 1,
        "status": BankStatement.Status.ACCEPTED,
        "currency": account.currency,
        "identification": f"R{number}",
        "fingerprint": f"{number:064d}",
    }
    return BankStatement.objects.create(bank_file=file, bank_account=account, **values | changes)


def make_line(
    entity_or_statement: LegalEntity | BankStatement, amount: str | Decimal = "1200.00", **changes: Any
) -> BankLine:
    """An open transfer received on 10 February 2026, unless told otherwise."""
    if isinstance(entity_or_statement, LegalEntity):
        account = BankAccount.objects.filter(legal_entity=entity_or_statement).first()
        statement = make_statement(account or make_bank_account(entity_or_statement))
    else:
        statement = entity_or_statement
    number = next(_numbers)
    values: dict[str, Any] = {
        "rank": number,
        "entry_rank": number,
        "status": BankLine.Status.OPEN,
        "nature": BankLine.Nature.TRANSFER,
        "booking_date": date(2026, 2, 10),
        "currency": statement.currency,
        "remittance": "REGLEMENT FACTURE",
        "counterparty_name": "CLIENT",
        "fingerprint": f"{number:064d}",
        "updated_at": RECEIVED_AT,
    }
    return BankLine.objects.create(
        statement=statement,
        bank_account=statement.bank_account,
        amount=Decimal(amount),
        **values | changes,
    )
