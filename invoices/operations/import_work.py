"""The work behind a batch: reading its file, and writing it into the ledger.

Done by whoever finds the batch in RECEIVED, READING or COMMITTING: a killed worker leaves the status, so another
one starts again; three starts without an end stop the batch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from core import audit
from core.calendar import DateError
from core.files import open_file
from core.rights import SYSTEM
from core.states import check_move
from customers.models import PaymentTerms
from customers.payment_terms import Term, TermKind, due_date
from invoices import staging
from invoices.models import ImportBatch, OpenItem
from invoices.operations.ageing import refresh_ageing
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from invoices.readers.process import read_in_child

MOST_ATTEMPTS = 3
Status = ImportBatch.Status


def read_batch(*, batch_id: int, today: date, now: datetime) -> bool:
    """Read, check and match a batch that waits; True when this call did it.

    Several short transactions, so that progress shows. Killed half-way, it leaves READING and no row.
    """
    with _exclusive(batch_id) as mine:
        if not mine:
            return False
        batch = _start(batch_id, (Status.RECEIVED, Status.READING), Status.READING, "interrupted", now)
        if batch is None:
            return False
        try:
            with staging.Staging() as table:
                _stage(batch, table, today)
                _preview(batch, table, now)
        except UnreadableFile as error:
            _stop(batch.pk, Status.REJECTED, error.code, error.params, now)
        return True


def write_batch(*, batch_id: int, today: date, now: datetime) -> bool:
    """Write an approved batch into the ledger, all of it in one transaction; True when this call did it.

    When the ledger has changed since the preview so that rows turn into errors nobody accepted, nothing is
    written and the batch goes back to its preview.
    """
    with _exclusive(batch_id) as mine:
        if not mine:
            return False
        batch = _start(batch_id, (Status.COMMITTING,), Status.COMMITTING, "commit_interrupted", now)
        if batch is None:
            return False
        with transaction.atomic():
            _post(batch_id, today, now)
        return True


def _stage(batch: ImportBatch, table: staging.Staging, today: date) -> None:
    """Copy the rows that the child understands into the session's table, piece by piece."""
    limits = Limits(rows=settings.IMPORT_MAX_ROWS, texts=_longest_texts())
    try:
        file = open_file(batch.file)
    except FileNotFoundError:
        raise UnreadableFile("file_missing") from None
    with (
        file,
        read_in_child(
            file, options=batch.options, limits=limits, currency=batch.legal_entity.currency, today=today
        ) as reading,
    ):
        batch.dialect, batch.total, batch.done = reading.dialect, reading.total, 0
        batch.save(update_fields=["dialect", "total", "done"])
        for piece, rows in reading.pieces():
            table.copy(piece)
            batch.done += rows
            ImportBatch.objects.filter(pk=batch.pk).update(done=batch.done, heartbeat_at=Now())
        batch.dialect["repeated_headers"] = reading.repeated_headers


def _preview(batch: ImportBatch, table: staging.Staging, now: datetime) -> None:
    """Compute due dates, check, match; show what a commit would change."""
    entity = batch.legal_entity
    with transaction.atomic():
        table.set_due_dates(_due_dates(table.terms_in_use(entity.pk)))
        table.resolve(batch_id=batch.pk, entity_id=entity.pk)
        locked = ImportBatch.objects.select_for_update(of=("self",)).get(pk=batch.pk)
        check_move(locked, Status.PREVIEWED)
        locked.dialect, locked.done, locked.total = batch.dialect, batch.done, batch.done
        locked.status, locked.read_at, locked.updated_at = Status.PREVIEWED, now, now
        locked.error_code, locked.error_params = "", {}
        _set_figures(locked)
        locked.save()
        audit.record(
            actor=SYSTEM,
            verb="invoices.batch.previewed",
            refs=[locked, entity],
            now=now,
            new=locked.new_count,
            unchanged=locked.unchanged_count,
            errors=locked.error_count,
        )


def _post(batch_id: int, today: date, now: datetime) -> None:
    batch = (
        ImportBatch.objects.select_for_update(of=("self",))
        .select_related("legal_entity", "committed_by")
        .get(pk=batch_id)
    )
    check_move(batch, Status.COMMITTED)
    entity = batch.legal_entity
    # One commit per entity at a time: what is matched here must still hold when the rows are inserted.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"invoices.commit:{entity.pk}"]
        )
    errors = staging.recheck(batch_id=batch.pk, entity_id=entity.pk)
    _set_figures(batch)
    batch.updated_at = now
    if errors and not batch.accept_rejects:
        batch.status, batch.committed_by = Status.PREVIEWED, None
        batch.error_code, batch.error_params = "ledger_changed", {"errors": errors}
        batch.save()
        return
    actor = batch.committed_by or SYSTEM
    posted = staging.post(batch_id=batch.pk, entity_id=entity.pk, now=now)
    staging.audit_customers(
        batch_id=batch.pk,
        batch_ref=audit.ref(batch),
        actor_id=actor.pk,
        actor_name=str(actor),
        now=now,
    )
    customers, since = staging.moved_accounts(batch.pk)
    refresh_ageing(customer_ids=customers, effective_from=since or today)
    batch.status, batch.committed_at = Status.COMMITTED, now
    batch.error_code, batch.error_params = "", {}
    batch.save()
    audit.record(
        actor=actor,
        verb="invoices.batch.committed",
        refs=[batch, entity],
        now=now,
        new=posted,
        unchanged=batch.unchanged_count,
        rejected=batch.error_count,
        amounts=batch.new_amounts,
    )


def _set_figures(batch: ImportBatch) -> None:
    """Counts and amounts of a batch as its rows and the ledger stand now."""
    found = staging.counts(batch.pk)
    batch.new_count = found.get("NEW", 0)
    batch.unchanged_count = found.get("UNCHANGED", 0)
    batch.error_count = found.get("ERROR", 0)
    added, before = staging.new_amounts(batch.pk), staging.receivable(batch.legal_entity_id)
    after = {
        currency: before.get(currency, Decimal(0)) + added.get(currency, Decimal(0))
        for currency in {**before, **added}
    }
    batch.new_amounts = _as_json(added)
    batch.receivable_before, batch.receivable_after = _as_json(before), _as_json(after)


def _due_dates(pairs: list[tuple[int, date]]) -> Iterator[tuple[int, date, date]]:
    """The due date of each (payment terms, issue date); none where the terms lead out of the calendar."""
    terms = {row.pk: Term(TermKind(row.rule), row.days) for row in PaymentTerms.objects.all()}
    for terms_id, issued in pairs:
        try:
            yield terms_id, issued, due_date(terms[terms_id], issued)
        except DateError:
            continue


def _start(
    batch_id: int, expected: tuple[str, ...], status: str, interrupted: str, now: datetime
) -> ImportBatch | None:
    """Count one more start of the work; None when there is nothing to do, or it was started too often."""
    with transaction.atomic():
        batch = (
            ImportBatch.objects.select_for_update(of=("self",))
            .select_related("legal_entity", "file")
            .filter(pk=batch_id, status__in=expected)
            .first()
        )
        if batch is None:
            return None
        batch.status, batch.attempts = status, batch.attempts + 1
        if batch.attempts <= MOST_ATTEMPTS:
            batch.done = 0
            batch.save(update_fields=["status", "attempts", "done"])
            ImportBatch.objects.filter(pk=batch.pk).update(heartbeat_at=Now())
            if status == Status.READING:
                batch.rows.all()._raw_delete(batch.rows.db)
            return batch
        batch.save(update_fields=["status"])
    _stop(batch_id, Status.FAILED, interrupted, {"attempts": MOST_ATTEMPTS}, now)
    return None


def _stop(batch_id: int, status: str, code: str, params: dict[str, object], now: datetime) -> None:
    """End a batch that cannot go on, saying why."""
    with transaction.atomic():
        batch = ImportBatch.objects.select_for_update(of=("self",)).get(pk=batch_id)
        check_move(batch, status)
        batch.status, batch.updated_at = status, now
        batch.error_code, batch.error_params = code, params
        batch.save()
        audit.record(
            actor=SYSTEM,
            verb="invoices.batch.rejected" if status == Status.REJECTED else "invoices.batch.failed",
            refs=[batch, batch.legal_entity],
            now=now,
            reason=code,
        )


@contextmanager
def _exclusive(batch_id: int) -> Iterator[bool]:
    """Hold the batch for the work: PostgreSQL frees the lock when the process that holds it dies."""
    key = f"invoices.batch:{batch_id}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine and connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])


def _longest_texts() -> tuple[tuple[str, int], ...]:
    """The longest texts that the ledger's columns hold."""
    fields = {"customer_code": 40}
    for name in ("number", "reference"):
        fields[name] = OpenItem._meta.get_field(name).max_length or 40
    return tuple(fields.items())


def _as_json(amounts: staging.Amounts) -> dict[str, str]:
    return {currency: str(amount) for currency, amount in sorted(amounts.items())}
