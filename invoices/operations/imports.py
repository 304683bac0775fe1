"""Batches of items: received, read, previewed, committed or cancelled.

`receive_batch`, `reread_batch`, `commit_batch` and `cancel_batch` are what people ask for. `read_batch` and
`write_batch` are the work behind, done by whoever finds the batch in RECEIVED, READING or COMMITTING: a killed
worker leaves the status, so another one starts again; three starts without an end stop the batch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import IO

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import audit
from core.calendar import DateError
from core.errors import BusinessError
from core.files import open_file, store_file
from core.jobs import kick
from core.models import User
from core.operation import operation
from core.rights import SYSTEM, Actor
from core.states import check_move
from customers.models import LegalEntity, PaymentTerms
from customers.payment_terms import Term, TermKind, due_date
from invoices import staging
from invoices.import_messages import file_message
from invoices.models import ImportBatch, OpenItem
from invoices.operations.ageing import refresh_ageing
from invoices.readers.detection import DELIMITERS, ENCODINGS, container
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB, Limits
from invoices.readers.process import read_in_child

READ_TASK = "invoices.tasks.read_batches"
COMMIT_TASK = "invoices.tasks.commit_batches"
MOST_ATTEMPTS = 3

_CONTENT_TYPES = {
    "text": "text/csv",
    "zip": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_CHOICES = {
    "encoding": ENCODINGS,
    "delimiter": DELIMITERS,
    "decimal": (",", "."),
    "date_order": ("dmy", "mdy"),
}
Status = ImportBatch.Status


class FileRefused(BusinessError):
    """The file cannot be taken in at all: too large, empty, or of a format that is not read."""

    code = "file_refused"


class NothingToCommit(BusinessError):
    """No row of the batch would change the ledger."""

    code = "nothing_to_commit"


class RejectsNotAccepted(BusinessError):
    """Rows are in error and nobody has said that they may be left out."""

    code = "rejects_not_accepted"


class NotInScope(BusinessError):
    """The legal entity is not in the actor's scope."""

    code = "not_in_scope"


@operation("invoices.import")
def receive_batch(
    *,
    actor: Actor,
    entity: LegalEntity,
    file: IO[bytes],
    name: str,
    now: datetime,
    options: dict[str, str] | None = None,
) -> ImportBatch:
    """Keep an uploaded file and put it in line to be read.

    `options` may impose `encoding`, `delimiter`, `sheet`, `decimal`, `date_order`. Raises FileRefused for a file
    whose size or first bytes say that it is no list of items, NotInScope.
    """
    if not LegalEntity.objects.visible_to(actor).filter(pk=entity.pk).exists():
        raise NotInScope(_("Cette entité juridique n’est pas dans votre périmètre."), field="entity")
    chosen = _checked_options(options or {})
    kind = _first_look(file)
    stored = store_file(
        content=file, name=name or "pieces", kind="invoice_batch", content_type=_CONTENT_TYPES[kind], now=now
    )
    batch = ImportBatch.objects.create(
        legal_entity=entity,
        file=stored,
        uploaded_by=_person(actor),
        options=chosen,
        received_at=now,
        updated_at=now,
    )
    audit.record(
        actor=actor,
        verb="invoices.batch.received",
        refs=[batch, entity],
        now=now,
        file=stored.name,
        sha256=stored.sha256,
        size=stored.size,
    )
    kick(READ_TASK)
    return batch


@operation("invoices.import")
def reread_batch(*, actor: Actor, batch: ImportBatch, options: dict[str, str], now: datetime) -> ImportBatch:
    """Read the file again with other choices (encoding, separator, sheet, decimal mark, order of dates)."""
    locked = _lock(actor, batch.pk)
    check_move(locked, Status.RECEIVED)
    locked.options = _checked_options(options)
    locked.status, locked.attempts, locked.updated_at = Status.RECEIVED, 0, now
    locked.done = locked.total = 0
    locked.save()
    audit.record(
        actor=actor,
        verb="invoices.batch.reread",
        refs=[locked, locked.legal_entity],
        now=now,
        options=locked.options,
    )
    kick(READ_TASK)
    return locked


@operation("invoices.import")
def commit_batch(
    *, actor: Actor, batch: ImportBatch, accept_rejects: bool, today: date, now: datetime
) -> ImportBatch:
    """Order the new rows of a previewed batch to be written into the ledger; a worker writes them at once.

    Raises WrongState when somebody was quicker, RejectsNotAccepted while rows in error are not expressly left
    out, NothingToCommit when no row is new.
    """
    locked = _lock(actor, batch.pk)
    check_move(locked, Status.COMMITTING)
    if locked.new_count == 0:
        raise NothingToCommit(_("Ce lot ne contient aucune pièce nouvelle : il n’y a rien à enregistrer."))
    if locked.error_count and not accept_rejects:
        raise RejectsNotAccepted(
            ngettext(
                "%(count)d ligne est en erreur. Corrigez le fichier, ou cochez la case pour la laisser de côté.",
                "%(count)d lignes sont en erreur. Corrigez le fichier, ou cochez la case pour les laisser de côté.",
                locked.error_count,
            )
            % {"count": locked.error_count},
            field="accept_rejects",
        )
    locked.status, locked.accept_rejects = Status.COMMITTING, accept_rejects
    locked.committed_by, locked.attempts, locked.updated_at = _person(actor), 0, now
    locked.save()
    audit.record(
        actor=actor,
        verb="invoices.batch.approved",
        refs=[locked, locked.legal_entity],
        now=now,
        business_date=today.isoformat(),
        new=locked.new_count,
        errors=locked.error_count,
    )
    kick(COMMIT_TASK)
    return locked


@operation("invoices.import")
def cancel_batch(*, actor: Actor, batch: ImportBatch, now: datetime) -> ImportBatch:
    """Give a batch up before it is written; its staged rows go, the file stays."""
    locked = _lock(actor, batch.pk)
    check_move(locked, Status.CANCELLED)
    locked.rows.all()._raw_delete(locked.rows.db)
    locked.status, locked.updated_at = Status.CANCELLED, now
    locked.save()
    audit.record(actor=actor, verb="invoices.batch.cancelled", refs=[locked, locked.legal_entity], now=now)
    return locked


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


def _lock(actor: Actor, batch_id: int) -> ImportBatch:
    """The batch, locked, if it is in the actor's scope."""
    batch = (
        ImportBatch.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .select_related("legal_entity")
        .filter(pk=batch_id)
        .first()
    )
    if batch is None:
        raise NotInScope(_("Ce lot n’est pas dans votre périmètre."))
    return batch


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


def _first_look(file: IO[bytes]) -> str:
    """`zip` or `text`. Raises FileRefused for what no reader can take."""
    size = file.seek(0, 2)
    file.seek(0)
    if size > settings.IMPORT_MAX_BYTES:
        raise FileRefused(too_large_message(size), code="file_too_large", field="file")
    head = file.read(4096)
    file.seek(0)
    try:
        if not head.strip():
            raise UnreadableFile("empty")
        return container(head)
    except UnreadableFile as error:
        raise FileRefused(file_message(error.code, error.params), code=error.code, field="file") from None


def too_large_message(size: int) -> str:
    """What to do about a file over the limit."""
    return _(
        "Le fichier pèse %(size)d Mio, %(limit)d Mio au plus. Découpez-le, ou enregistrez-le en CSV sans colonnes inutiles."
    ) % {"size": -(-size // MIB), "limit": settings.IMPORT_MAX_BYTES // MIB}


def _checked_options(options: dict[str, str]) -> dict[str, str]:
    """The reading choices that are really made. Raises BusinessError for one that does not exist."""
    chosen = {}
    for name, value in options.items():
        if not value:
            continue
        if name == "sheet":
            chosen[name] = str(value)[:100]
        elif value in _CHOICES.get(name, ()):
            chosen[name] = str(value)
        else:
            raise BusinessError(
                _("« %(value)s » n’est pas un choix de lecture possible.") % {"value": value},
                code="option_unknown",
                field=name,
            )
    return chosen


def _longest_texts() -> tuple[tuple[str, int], ...]:
    """The longest texts that the ledger's columns hold."""
    fields = {"customer_code": 40}
    for name in ("number", "reference"):
        fields[name] = OpenItem._meta.get_field(name).max_length or 40
    return tuple(fields.items())


def _person(actor: Actor) -> User | None:
    return actor if isinstance(actor, User) else None


def _as_json(amounts: staging.Amounts) -> dict[str, str]:
    return {currency: str(amount) for currency, amount in sorted(amounts.items())}
