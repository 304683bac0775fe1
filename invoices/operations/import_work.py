"""The work behind a batch: reading its file, and writing it into the ledger.

Done by whoever finds the batch in RECEIVED, READING or COMMITTING: a killed worker leaves the status, so another
one starts again; three starts without an end stop the batch.
"""

from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from core import audit
from core.files import open_file
from core.rights import SYSTEM
from core.states import check_move
from invoices.models import ImportBatch, OpenItem
from invoices.operations.einvoice_documents import store_documents
from invoices.operations.exclusive import exclusive
from invoices.operations.import_posting import post_batch
from invoices.operations.import_preview import preview_rows, summarize
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from invoices.readers.process import read_in_child
from invoices.staging.table import Staging

MOST_ATTEMPTS = 3
Status = ImportBatch.Status


def read_batch(*, batch_id: int, today: date, now: datetime) -> bool:
    """Read, check and match a batch that waits; True when this call did it.

    Several short transactions, so that progress shows. Killed half-way, it leaves READING and no row.
    """
    with exclusive(work_key(batch_id)) as mine:
        if not mine:
            return False
        batch = start_work(batch_id, (Status.RECEIVED, Status.READING), Status.READING, "interrupted", now)
        if batch is None:
            return False
        try:
            with Staging() as table:
                _stage(batch, table, today)
                preview_staged(batch, table, today, now)
        except UnreadableFile as error:
            stop_work(batch.pk, Status.REJECTED, error.code, error.params, now)
        return True


def write_batch(*, batch_id: int, today: date, now: datetime) -> bool:
    """Write an approved batch into the ledger, all of it in one transaction; True when this call did it.

    Everything is matched once more with the ledger as it is then. Where more would be cleared than was seen, or rows
    turn into errors or suspicions nobody accepted, nothing is written and the batch goes back to its preview.
    """
    with exclusive(work_key(batch_id)) as mine:
        if not mine:
            return False
        batch = start_work(batch_id, (Status.COMMITTING,), Status.COMMITTING, "commit_interrupted", now)
        if batch is None:
            return False
        documents = store_documents(batch=batch, now=now)
        with transaction.atomic():
            post_batch(batch_id=batch_id, documents=documents, today=today, now=now)
        return True


def _stage(batch: ImportBatch, table: Staging, today: date) -> None:
    """Copy the rows that the child understands into the session's table, piece by piece."""
    limits = Limits(rows=settings.IMPORT_MAX_ROWS, texts=_longest_texts())
    entity, profile = batch.legal_entity, batch.profile
    try:
        file = open_file(batch.file)
    except FileNotFoundError:
        raise UnreadableFile("file_missing") from None
    with (
        file,
        read_in_child(
            file,
            options={**(profile.options if profile else {}), **batch.options},
            limits=limits,
            currency=entity.currency,
            today=today,
            subject=batch.subject,
            file_format=batch.format,
            entity={"siren": entity.siren, "vat_number": entity.vat_number, "name": entity.name},
            profile=profile
            and {"columns": profile.columns, "constants": profile.constants, "values": profile.values},
            creates_customers=batch.creates_customers,
        ) as reading,
    ):
        batch.dialect, batch.total, batch.done = reading.dialect, reading.total, 0
        batch.save(update_fields=["dialect", "total", "done"])
        for piece, rows in reading.pieces():
            table.copy(piece)
            batch.done += rows
            ImportBatch.objects.filter(pk=batch.pk).update(done=batch.done, heartbeat_at=Now())
        batch.dialect["repeated_headers"] = reading.repeated_headers


def preview_staged(batch: ImportBatch, table: Staging, today: date, now: datetime) -> None:
    """Check, match; show what a commit would change."""
    with transaction.atomic():
        preview_rows(batch, table, today)
        locked = (
            ImportBatch.objects.select_for_update(of=("self",))
            .select_related("legal_entity")
            .get(pk=batch.pk)
        )
        check_move(locked, Status.PREVIEWED)
        locked.dialect, locked.done, locked.total = batch.dialect, batch.done, batch.done
        locked.status, locked.read_at, locked.updated_at = Status.PREVIEWED, now, now
        locked.error_code, locked.error_params = "", {}
        summarize(locked)
        locked.save()
        audit.record(
            actor=SYSTEM,
            verb="invoices.batch.previewed",
            refs=[locked, locked.legal_entity],
            now=now,
            new=locked.new_count,
            changed=locked.changed_count,
            cleared=locked.cleared_count,
            unchanged=locked.unchanged_count,
            errors=locked.error_count,
        )


def start_work(
    batch_id: int,
    expected: tuple[str, ...],
    status: str,
    interrupted: str,
    now: datetime,
    given_up: str = Status.FAILED,
) -> ImportBatch | None:
    """Count one more start of the work; None when there is nothing to do, or it was started too often.

    A batch that was started too often turns `given_up`, saying that it was `interrupted`.
    """
    with transaction.atomic():
        batch = (
            ImportBatch.objects.select_for_update(of=("self",))
            .select_related("legal_entity", "file", "profile")
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
                batch.clearings.all()._raw_delete(batch.clearings.db)
            return batch
        batch.save(update_fields=["status"])
    stop_work(batch_id, given_up, interrupted, {"attempts": MOST_ATTEMPTS}, now)
    return None


def stop_work(batch_id: int, status: str, code: str, params: dict[str, object], now: datetime) -> None:
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


def _longest_texts() -> tuple[tuple[str, int], ...]:
    """The longest texts that the ledger's columns hold."""
    fields = {"customer_code": 40}
    for name in ("number", "reference"):
        fields[name] = OpenItem._meta.get_field(name).max_length or 40
    return tuple(fields.items())


def work_key(batch_id: int) -> str:
    """What a worker holds while it works on a batch."""
    return f"invoices.batch:{batch_id}"
