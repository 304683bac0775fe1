"""What the routes of the bank and of cash application have to show."""

from datetime import date
from decimal import Decimal
from typing import Any

from core import clock
from core.rights import SYSTEM
from invoices.models import DropFolder, DroppedFile, PayerAlias
from invoices.operations.applying import OnAccount
from invoices.operations.cash import apply_line
from invoices.operations.entry_exports import export_entries
from tests.invoices.bank import make_line
from tests.invoices.statements import Move, camt, make_account, previewed


def bank_world(entity: Any) -> dict[str, Any]:
    """An account with a statement to confirm, and a watched folder with a file."""
    account = make_account(entity)
    folder = DropFolder.objects.create(legal_entity=entity, path="monde", subject=DropFolder.Subject.BANK)
    DroppedFile.objects.create(
        folder=folder, name="a.xml", version="1", claimed_at=clock.now(), updated_at=clock.now()
    )
    bank_file = previewed(entity, camt(Move("10.00", day=clock.today()), day=clock.today()))
    return {"bank_account": account.pk, "bank_file": bank_file.uid, "drop_folder": folder.pk}


def cash_world(customer: Any, today: date) -> dict[str, Any]:
    """A bank line, an act that applied another one, its entries exported, and what it taught of the payer."""
    when: dict[str, Any] = {"actor": SYSTEM, "today": today, "now": clock.now()}
    rest = [OnAccount(customer.pk, Decimal("30.00"))]
    line = make_line(customer.legal_entity, "60.00", booking_date=today)
    applied = make_line(line.statement, "30.00", booking_date=today)
    (application,) = apply_line(line_id=applied.pk, on_account=rest, **when)
    export = export_entries(entity=customer.legal_entity, until=today, **when)
    alias = PayerAlias.objects.create(
        legal_entity=customer.legal_entity,
        customer=customer,
        kind=PayerAlias.Kind.IBAN,
        value="FR7630006000011234567890189",
        learned_on=today,
        last_used_on=today,
    )
    return {
        "bank_line": line.pk,
        "application": application.pk,
        "entry_export": export.pk,
        "payer_alias": alias.pk,
    }
