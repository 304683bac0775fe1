"""Mutated files through the real operations: receipt, child process, preview, posting. The books are whole or untouched."""

import io
import time
from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any

from bench._fuzz_reading import BANK, BATCHES

_IBAN = "FR7630006000011234567890189"
_SIREN = "732829320"


def upload(name: str, files: Iterable[tuple[int, str, bytes]]) -> dict[str, Any]:
    """What became of the files, and how often the books were neither whole nor untouched."""
    entity = _entity()
    take = _take_statement if name in BANK else _take_status if name == "cdar" else _take_batch
    results: Counter[str] = Counter()
    wrong: list[dict[str, Any]] = []
    slowest = 0.0
    for index, kind, content in files:
        started = time.perf_counter()
        try:
            result = take(entity, name, content)
        except Exception as error:  # every way to fail is a finding
            result = f"fault: {type(error).__name__}: {error}"[:300]
        slowest = max(slowest, time.perf_counter() - started)
        results[result.split(":")[0]] += 1
        if result.startswith(("fault", "partial")):
            wrong.append({"index": index, "kind": kind, "result": result})
    return {
        **results,
        "partial_writes": sum(finding["result"].startswith("partial") for finding in wrong),
        "slowest_s": round(slowest, 2),
        "first_wrong": wrong[:10],
    }


def _entity() -> Any:
    from django.core.management import call_command

    from core import clock
    from core.rights import SYSTEM
    from customers.models import Customer, LegalEntity, PaymentTerms
    from invoices.models import BankAccount
    from invoices.operations.bank_accounts import create_bank_account

    call_command("migrate", verbosity=0)
    found = LegalEntity.objects.filter(siren=_SIREN).first()
    if found is None:
        terms = PaymentTerms.objects.create(
            code="45FM", name="45 jours fin de mois", rule="EOM_AFTER", days=45
        )
        found = LegalEntity.objects.create(
            code="E1", name="Ateliers", legal_form="SAS", siren=_SIREN, vat_number="FR44732829320", rcs_city="Lyon",
            address_lines="-", iban=_IBAN, default_terms=terms, signatory_name="-", signatory_title="-",
        )  # fmt: skip
        Customer.objects.bulk_create(
            Customer(
                legal_entity=found, account_code=f"C{number}", name=f"Client {number}", terms=terms, updated_at=clock.now()
            )
            for number in range(8)
        )  # fmt: skip
    if not BankAccount.objects.filter(iban=_IBAN).exists():
        create_bank_account(actor=SYSTEM, entity=found, name="Courant", iban=_IBAN, now=clock.now())
    return found


def _books() -> dict[str, Any]:
    """Everything that a file may change once somebody accepts it."""
    from django.db.models import Sum

    from customers.models import Contact, Customer
    from invoices.models import Allocation, BankLine, EInvoiceStatus, OpenItem, Receipt

    return {
        "items": OpenItem.objects.count(),
        "open": OpenItem.objects.aggregate(total=Sum("open_amount"))["total"],
        "allocations": Allocation.objects.count(),
        "customers": Customer.objects.count(),
        "contacts": Contact.objects.count(),
        "receipts": Receipt.objects.count(),
        "lines": BankLine.objects.exclude(status__in=["DRAFT", "KNOWN"]).count(),
        "statuses": EInvoiceStatus.objects.count(),
    }


def _today() -> date:
    from core import clock

    return clock.today()


def _take_batch(entity: Any, name: str, content: bytes) -> str:
    from core import clock
    from core.errors import BusinessError
    from core.rights import SYSTEM
    from invoices.models import ImportBatch, OpenItem
    from invoices.operations.import_orders import commit_batch
    from invoices.operations.import_work import read_batch, write_batch
    from invoices.operations.imports import receive_batch

    subject, file_format = BATCHES[name]
    before = _books()
    now = clock.now()
    try:
        batch = receive_batch(
            actor=SYSTEM, entity=entity, file=io.BytesIO(content), name=f"mutation.{name}", now=now, subject=subject,
            file_format=file_format, creates_customers=True,
        )  # fmt: skip
    except BusinessError:
        return _untouched(before, "refused")
    read_batch(batch_id=batch.pk, today=_today(), now=now)
    batch.refresh_from_db()
    if batch.status == ImportBatch.Status.REJECTED:
        return "partial: rows of a rejected batch" if batch.rows.exists() else _untouched(before, "rejected")
    if batch.status != ImportBatch.Status.PREVIEWED or batch.rows.count() != batch.row_count:
        return f"partial: {batch.status} with {batch.rows.count()} of {batch.row_count} rows"
    if (found := _untouched(before, "previewed")) != "previewed":
        return found
    try:
        commit_batch(actor=SYSTEM, batch=batch, accept_rejects=True, today=_today(), now=clock.now())
    except BusinessError:
        return _untouched(before, "previewed")
    batch.refresh_from_db()
    if batch.status != ImportBatch.Status.COMMITTING:
        return _untouched(before, "waiting")
    write_batch(batch_id=batch.pk, today=_today(), now=clock.now())
    batch.refresh_from_db()
    if batch.status != ImportBatch.Status.COMMITTED:
        return _untouched(before, "previewed")
    if subject == "ITEMS" and OpenItem.objects.count() - before["items"] < batch.new_count:
        return f"partial: {OpenItem.objects.count() - before['items']} items of {batch.new_count}"
    return "committed"


def _take_statement(entity: Any, name: str, content: bytes) -> str:
    from core import clock
    from core.errors import BusinessError
    from core.rights import SYSTEM
    from invoices.models import BankAccount, BankFile
    from invoices.operations.bank_files import accept_bank_file, receive_bank_file
    from invoices.operations.bank_reading import read_bank_file

    before = _books()
    account = BankAccount.objects.get(iban=_IBAN) if name in ("bank_csv", "ofx") else None
    try:
        bank_file = receive_bank_file(
            actor=SYSTEM, entity=entity, file=io.BytesIO(content), name=f"mutation.{name}", now=clock.now(),
            bank_account=account,
        )  # fmt: skip
    except BusinessError:
        return _untouched(before, "refused")
    read_bank_file(bank_file_id=bank_file.pk, now=clock.now())
    bank_file.refresh_from_db()
    if bank_file.status == BankFile.Status.REJECTED:
        return (
            "partial: statements of a rejected file"
            if bank_file.statements.exists()
            else _untouched(before, "rejected")
        )
    if bank_file.status != BankFile.Status.PREVIEWED:
        return f"partial: {bank_file.status}"
    for statement in bank_file.statements.filter(status="PREVIEWED"):
        if statement.lines.count() != statement.line_count:
            return f"partial: {statement.lines.count()} of {statement.line_count} lines"
    if (found := _untouched(before, "previewed")) != "previewed":
        return found
    try:
        accept_bank_file(actor=SYSTEM, bank_file=bank_file, today=_today(), now=clock.now())
    except BusinessError:
        return _untouched(before, "previewed")
    return "accepted"


def _take_status(entity: Any, _name: str, content: bytes) -> str:
    from core import clock
    from core.errors import BusinessError
    from core.rights import SYSTEM
    from invoices.operations.einvoice_status_files import receive_status_file

    before = _books()
    try:
        receive_status_file(
            actor=SYSTEM,
            entity=entity,
            file=io.BytesIO(content),
            name="mutation.xml",
            today=_today(),
            now=clock.now(),
        )
    except BusinessError:
        return _untouched(before, "refused")
    return "accepted"


def _untouched(before: dict[str, Any], result: str) -> str:
    after = _books()
    changed = [name for name in before if before[name] != after[name]]
    return f"partial: {', '.join(changed)} changed" if changed else result
