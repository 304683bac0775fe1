"""Batches for tests, taken from file to ledger without a worker."""

import io
from datetime import UTC, date, datetime
from typing import Any

from core.models import AuditEvent, StoredFile, User
from core.rights import SYSTEM, Actor
from customers.models import Customer, LegalEntity
from invoices.models import Allocation, ImportBatch, ImportClearing, ImportEffect, ImportRow, OpenItem
from invoices.operations.imports import (
    commit_batch,
    confirm_suspicion,
    read_batch,
    receive_batch,
    request_rollback,
    roll_back_batch,
    write_batch,
)
from tests.customers.factories import CustomerFactory, LegalEntityFactory, PaymentTermsFactory
from tests.invoices.files import TODAY, csv_bytes

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
FILE = csv_bytes(
    "C1;F1;Facture;15/10/2026;30/11/2026;1 200,00;200,00;EUR;Commande 1",
    "C2;F2;Facture;15/10/2026;;600,00;100,00;;",
    "C1;A1;Avoir;20/10/2026;;120,00;20,00;EUR;",
    "C2;R1;Règlement;21/10/2026;;300,00;;EUR;Virement",
)


def entity_with_customers() -> LegalEntity:
    """FR01, with customers C1 (30 days net) and C2 (45 days, then end of month)."""
    entity = LegalEntityFactory(code="FR01")
    CustomerFactory(legal_entity=entity, account_code="C1")
    CustomerFactory(
        legal_entity=entity,
        account_code="C2",
        terms=PaymentTermsFactory(code="45FM", rule="EOM_AFTER", days=45),
    )
    return entity


def receive(
    entity: LegalEntity,
    content: bytes,
    *,
    actor: Actor = SYSTEM,
    name: str = "export.csv",
    subject: str = "ITEMS",
    mode: str = "DELTA",
    as_of: date | None = None,
    creates_customers: bool = False,
    **options: str,
) -> ImportBatch:
    return receive_batch(
        actor=actor,
        entity=entity,
        file=io.BytesIO(content),
        name=name,
        now=NOW,
        options=options,
        subject=subject,
        mode=mode,
        as_of=as_of,
        creates_customers=creates_customers,
    )


def preview(entity: LegalEntity, content: bytes, **choices: Any) -> ImportBatch:
    batch = receive(entity, content, **choices)
    assert read_batch(batch_id=batch.pk, today=TODAY, now=NOW)
    batch.refresh_from_db()
    return batch


def commit(batch: ImportBatch, *, accept_rejects: bool = False) -> ImportBatch:
    commit_batch(actor=SYSTEM, batch=batch, accept_rejects=accept_rejects, today=TODAY, now=NOW)
    assert write_batch(batch_id=batch.pk, today=TODAY, now=NOW)
    batch.refresh_from_db()
    return batch


def confirm_all(batch: ImportBatch, person: User) -> ImportBatch:
    """A person says that everything suspicious is right."""
    for suspicion in batch.suspicions:
        confirm_suspicion(actor=person, batch=batch, code=suspicion["code"], now=NOW)
    batch.refresh_from_db()
    return batch


def roll_back(batch: ImportBatch, *, now: datetime = NOW) -> ImportBatch:
    request_rollback(actor=SYSTEM, batch=batch, reason="Mauvais fichier", now=now)
    assert roll_back_batch(batch_id=batch.pk, today=TODAY, now=now)
    batch.refresh_from_db()
    return batch


def world() -> dict[str, list[tuple[object, ...]]]:
    """Every row that an import could touch."""
    models = (
        OpenItem, Allocation, ImportBatch, ImportRow, ImportClearing, ImportEffect, Customer, AuditEvent, StoredFile,
    )  # fmt: skip
    return {model.__name__: list(model.objects.order_by("pk").values_list()) for model in models}
