"""Writing an approved batch, in one transaction: matched once more, then posted, settled and told."""

from datetime import date, datetime

from django.db import connection
from django.utils.translation import gettext as _

from core import audit
from core.rights import SYSTEM, Actor
from core.states import check_move
from core.triggers import triggers_aside
from invoices.models import ImportBatch
from invoices.operations.ageing import refresh_ageing
from invoices.operations.import_customers import (
    create_new_customers,
    recheck_customers,
    write_rows_of_customers,
)
from invoices.operations.import_preview import summarize
from invoices.operations.matching import reset_matching
from invoices.staging import clearing, matching, posting
from invoices.staging.author import Author
from invoices.staging.suspicions import Found, harmful_changes
from invoices.staging.undo import moved_accounts

Status = ImportBatch.Status
Subject = ImportBatch.Subject
Mode = ImportBatch.Mode


def post_batch(*, batch_id: int, documents: posting.Documents, today: date, now: datetime) -> None:
    """Write a batch in COMMITTING, or send it back to PREVIEWED when what the person saw no longer holds."""
    batch = (
        ImportBatch.objects.select_for_update(of=("self",))
        .select_related("legal_entity", "committed_by")
        .get(pk=batch_id)
    )
    check_move(batch, Status.COMMITTED)
    lock_entity(batch.legal_entity_id)
    seen_errors, seen_suspicions = batch.error_count, list(batch.suspicions)
    more_cleared = _match_again(batch, today)
    summarize(batch)
    batch.updated_at = now
    if moved := _harm(batch, seen_errors, seen_suspicions, more_cleared):
        _send_back(batch, moved, now)
        return
    actor = batch.committed_by or SYSTEM
    if batch.subject == Subject.CUSTOMERS:
        write_rows_of_customers(actor=actor, batch=batch, now=now)
    else:
        _write_items(batch, actor, documents, today, now)
    batch.status, batch.committed_at = Status.COMMITTED, now
    batch.error_code, batch.error_params = "", {}
    batch.save()
    audit.record(
        actor=actor,
        verb="invoices.batch.committed",
        refs=[batch, batch.legal_entity],
        now=now,
        new=batch.new_count,
        changed=batch.changed_count,
        cleared=batch.cleared_count,
        unchanged=batch.unchanged_count,
        rejected=batch.error_count,
        new_customers=batch.new_customer_count,
        amounts=batch.new_amounts,
        cleared_amounts=batch.cleared_amounts,
    )


def lock_entity(entity_id: int) -> None:
    """One batch of an entity is written or taken back at a time: what is matched must still hold when it is written."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"invoices.commit:{entity_id}"]
        )


def _match_again(batch: ImportBatch, today: date) -> int:
    """Rows and clearings on the ledger as it is now; how many items would be cleared beyond what was seen."""
    if batch.subject == Subject.CUSTOMERS:
        recheck_customers(batch)
        return 0
    matching.lock_items(batch.pk)
    matching.recheck(
        batch_id=batch.pk,
        entity_id=batch.legal_entity_id,
        today=today,
        is_snapshot=batch.mode == Mode.SNAPSHOT,
        creates_customers=batch.creates_customers,
    )
    if batch.mode != Mode.SNAPSHOT:
        return 0
    assert batch.as_of is not None
    return clearing.find_clearings_again(
        batch_id=batch.pk, entity_id=batch.legal_entity_id, as_of=batch.as_of
    )


def _harm(
    batch: ImportBatch, seen_errors: int, seen_suspicions: list[Found], more_cleared: int
) -> dict[str, int]:
    """What a person did not see and would not expect: empty when the batch may be written."""
    moved: dict[str, int] = {}
    if batch.error_count > seen_errors and not batch.accept_rejects:
        moved["errors"] = batch.error_count - seen_errors
    if more_cleared:
        moved["cleared"] = more_cleared
    codes = harmful_changes(seen_suspicions, batch.suspicions)
    if codes:
        batch.confirmations.filter(code__in=codes).delete()
        moved["suspicions"] = len(codes)
    return moved


def _send_back(batch: ImportBatch, moved: dict[str, int], now: datetime) -> None:
    """Back to the preview, which shows what holds now; nothing is written into the ledger."""
    batch.status, batch.committed_by, batch.requested_by = Status.PREVIEWED, None, None
    batch.error_code = "ledger_changed"
    batch.error_params = {name: moved.get(name, 0) for name in ("errors", "cleared", "suspicions")}
    batch.save()
    audit.record(
        actor=SYSTEM,
        verb="invoices.batch.sent_back",
        refs=[batch, batch.legal_entity],
        now=now,
        **batch.error_params,
    )


def _write_items(
    batch: ImportBatch, actor: Actor, documents: posting.Documents, today: date, now: datetime
) -> None:
    entity_id = batch.legal_entity_id
    create_new_customers(actor=actor, batch=batch, now=now)
    # An amount of VAT that was not known is filled in, never replaced: the trigger that keeps it stands aside here.
    with triggers_aside("invoices.OpenItem:posted"):
        posting.post(batch_id=batch.pk, entity_id=entity_id, documents=documents, today=today, now=now)
    author = Author(batch, actor)
    posting.audit_rows(author, now)
    clearing.settle(
        author,
        as_of=batch.as_of or today,
        reason=_("Rouverte par le lot du %(day)s") % {"day": f"{today:%d/%m/%Y}"},
        today=today,
        now=now,
    )
    customers, since = moved_accounts(batch.pk)
    refresh_ageing(customer_ids=customers, effective_from=min(since or today, today))
    # Items that came may be what the bank's lines were waiting for.
    reset_matching(entity_id=entity_id)
