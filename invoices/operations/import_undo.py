"""Taking a committed batch back: what it posted goes, what it changed is restored, its rows and its trail stay.

The one place where posted items and allocations are deleted: within `ImportBatch.UNDO_DAYS` and only while nothing
depends on them (docs/decisions/0008).
"""

from datetime import date, datetime

from django.db import transaction

from core import audit
from core.rights import SYSTEM, Actor
from core.states import check_move
from core.triggers import triggers_aside
from customers.operations.batches import take_back_customers
from invoices.import_dependents import rollback_dependents
from invoices.models import ImportBatch, ImportEffect
from invoices.operations.ageing import refresh_ageing
from invoices.operations.exclusive import exclusive
from invoices.operations.import_posting import lock_entity
from invoices.operations.import_work import start_work, work_key
from invoices.operations.matching import reset_matching
from invoices.staging import undo
from invoices.staging.author import Author

# Posted documents are kept and never rewritten: these triggers say so, and stand aside here alone.
_KEPT = (
    "invoices.OpenItem:kept",
    "invoices.OpenItem:posted",
    "invoices.Allocation:kept",
)
Status = ImportBatch.Status
Document = ImportEffect.Document


def roll_back_batch(*, batch_id: int, today: date, now: datetime) -> bool:
    """Take back a batch in ROLLING_BACK, all of it in one transaction; True when this call did it.

    When something has come to depend on it, nothing is taken back and the batch is COMMITTED again, saying why.
    """
    with exclusive(work_key(batch_id)) as mine:
        if not mine:
            return False
        batch = start_work(
            batch_id,
            (Status.ROLLING_BACK,),
            Status.ROLLING_BACK,
            "rollback_interrupted",
            now,
            given_up=Status.COMMITTED,
        )
        if batch is None:
            return False
        with transaction.atomic():
            _take_back(batch_id, today, now)
        return True


def _take_back(batch_id: int, today: date, now: datetime) -> None:
    batch = (
        ImportBatch.objects.select_for_update(of=("self",))
        .select_related("legal_entity", "rolled_back_by")
        .get(pk=batch_id)
    )
    check_move(batch, Status.ROLLED_BACK)
    lock_entity(batch.legal_entity_id)
    undo.lock_items(batch.pk)
    batch.updated_at = now
    dependents = rollback_dependents(batch)
    if dependents:
        batch.status, batch.error_code = Status.COMMITTED, "rollback_blocked"
        batch.error_params = {"dependents": ", ".join(str(dependent) for dependent in dependents)}
        batch.rolled_back_by = None
        batch.save()
        audit.record(
            actor=SYSTEM,
            verb="invoices.batch.rollback_refused",
            refs=[batch, batch.legal_entity],
            now=now,
            dependents=[{"label": one.label, "count": one.count} for one in dependents],
        )
        return
    actor = batch.rolled_back_by or SYSTEM
    customers, since = undo.moved_accounts(batch.pk)
    with triggers_aside(*_KEPT):
        items = undo.take_back_items(Author(batch, actor), now)
    refresh_ageing(customer_ids=customers, effective_from=min(since or today, today))
    gone = _take_back_customers(batch, actor, now)
    batch.effects.all()._raw_delete(batch.effects.db)
    batch.status, batch.rolled_back_at = Status.ROLLED_BACK, now
    batch.error_code, batch.error_params = "", {}
    batch.save()
    audit.record(
        actor=actor,
        verb="invoices.batch.rolled_back",
        refs=[batch, batch.legal_entity],
        now=now,
        reason=batch.rollback_reason,
        items=items,
        customers=gone,
    )
    reset_matching(entity_id=batch.legal_entity_id)


def _take_back_customers(batch: ImportBatch, actor: Actor, now: datetime) -> int:
    effects = list(
        batch.effects.filter(document__in=(Document.CUSTOMER, Document.CONTACT)).values_list(
            "document", "object_id", "before"
        )
    )
    if not effects:
        return 0

    def made(document: str) -> list[int]:
        return [pk for kind, pk, before in effects if kind == document and before is None]

    def changed(document: str) -> list[dict[str, object]]:
        return [
            {"id": pk, **before} for kind, pk, before in effects if kind == document and before is not None
        ]

    return take_back_customers(
        actor=actor,
        entity=batch.legal_entity,
        opened=made(Document.CUSTOMER),
        added_contacts=made(Document.CONTACT),
        customers_before=changed(Document.CUSTOMER),
        contacts_before=changed(Document.CONTACT),
        refs=[audit.ref(batch)],
        now=now,
    )
