"""Batches of items and customers: received, read, previewed, committed or cancelled, and taken back.

`receive_batch`, `reread_batch` and `cancel_batch` stand here, the orders to write or take back in `import_orders`.
The work that follows an order stands in `import_work` and `import_undo`.
"""

from datetime import date, datetime
from typing import IO, Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.files import store_file
from core.jobs import kick
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from customers.models import LegalEntity
from invoices.import_messages import file_message
from invoices.models import ImportBatch, ImportProfile
from invoices.operations.import_orders import (
    NothingToCommit,
    NotInScope,
    RejectsNotAccepted,
    RollbackRefused,
    SamePerson,
    SuspicionsNotConfirmed,
    approve_batch,
    commit_batch,
    confirm_suspicion,
    locked_batch,
    person,
    request_rollback,
    return_batch,
)
from invoices.operations.import_undo import roll_back_batch
from invoices.operations.import_work import read_batch, write_batch
from invoices.readers.detection import batch_format, container
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB
from invoices.readers.profiles import checked_options

__all__ = [
    "FileRefused", "NotInScope", "NothingToCommit", "RejectsNotAccepted", "RollbackRefused", "SamePerson",
    "SuspicionsNotConfirmed", "approve_batch", "cancel_batch", "commit_batch", "confirm_suspicion", "read_batch",
    "receive_batch", "request_rollback", "reread_batch", "return_batch", "roll_back_batch", "too_large_message",
    "write_batch",
]  # fmt: skip

READ_TASK = "invoices.tasks.read_batches"

_KEEP: Any = object()
Status = ImportBatch.Status
Format = ImportBatch.Format
Subject = ImportBatch.Subject
Mode = ImportBatch.Mode


class FileRefused(BusinessError):
    """The file cannot be taken in at all: too large, empty, or of a format that is not read."""

    code = "file_refused"


@operation("invoices.import")
def receive_batch(
    *,
    actor: Actor,
    entity: LegalEntity,
    file: IO[bytes],
    name: str,
    now: datetime,
    options: dict[str, str] | None = None,
    subject: str = Subject.ITEMS,
    file_format: str = "",
    mode: str = Mode.DELTA,
    as_of: date | None = None,
    profile: ImportProfile | None = None,
    creates_customers: bool = False,
    source: str = ImportBatch.Source.UPLOAD,
) -> ImportBatch:
    """Keep an uploaded file and put it in line to be read.

    `options` may impose `encoding`, `delimiter`, `sheet`, `decimal`, `date_order`. Without `file_format` the bytes
    tell it. A SNAPSHOT shows every open item as of `as_of`, which is not in the future. Raises FileRefused for a file
    whose size or first bytes say that it is no list of items, NotInScope, BusinessError naming a choice at fault.
    """
    if not LegalEntity.objects.visible_to(actor).filter(pk=entity.pk).exists():
        raise NotInScope(_("Cette entité juridique n’est pas dans votre périmètre."), field="entity")
    chosen = _checked_options(options or {})
    found, content_type = _first_look(file, name, file_format)
    batch = ImportBatch(
        legal_entity=entity,
        uploaded_by=person(actor),
        options=chosen,
        subject=_one_of(Subject.values, subject, "subject"),
        format=found,
        source=_one_of(ImportBatch.Source.values, source, "source"),
        creates_customers=creates_customers,
        received_at=now,
        updated_at=now,
    )
    _set_reading(batch, mode=mode, as_of=as_of, profile=profile, now=now)
    batch.file = store_file(
        content=file, name=name or "pieces", kind="invoice_batch", content_type=content_type, now=now
    )
    batch.save(force_insert=True)
    audit.record(
        actor=actor,
        verb="invoices.batch.received",
        refs=[batch, entity],
        now=now,
        file=batch.file.name,
        sha256=batch.file.sha256,
        size=batch.file.size,
        mode=batch.mode,
        as_of=batch.as_of and batch.as_of.isoformat(),
    )
    kick(READ_TASK)
    return batch


@operation("invoices.import")
def reread_batch(
    *,
    actor: Actor,
    batch: ImportBatch,
    options: dict[str, str],
    now: datetime,
    mode: str | None = None,
    as_of: date | None = None,
    profile: ImportProfile | None = _KEEP,
    creates_customers: bool | None = None,
) -> ImportBatch:
    """Read the file again with other choices (encoding, separator, sheet, decimal mark, order of dates, source, mode).

    `profile` None reads without a saved source; what is not given stays. Confirmations of the last reading go.
    """
    locked = locked_batch(actor, batch.pk)
    check_move(locked, Status.RECEIVED)
    locked.options = _checked_options(options)
    if creates_customers is not None:
        locked.creates_customers = creates_customers
    _set_reading(
        locked,
        mode=mode or locked.mode,
        as_of=as_of or locked.as_of,
        profile=locked.profile if profile is _KEEP else profile,
        now=now,
    )
    locked.confirmations.all().delete()
    locked.status, locked.attempts, locked.updated_at = Status.RECEIVED, 0, now
    locked.done = locked.total = 0
    locked.save()
    audit.record(
        actor=actor,
        verb="invoices.batch.reread",
        refs=[locked, locked.legal_entity],
        now=now,
        options=locked.options,
        mode=locked.mode,
        as_of=locked.as_of and locked.as_of.isoformat(),
    )
    kick(READ_TASK)
    return locked


@operation("invoices.import")
def cancel_batch(*, actor: Actor, batch: ImportBatch, now: datetime) -> ImportBatch:
    """Give a batch up before it is written; its staged rows go, the file stays."""
    locked = locked_batch(actor, batch.pk)
    check_move(locked, Status.CANCELLED)
    locked.rows.all()._raw_delete(locked.rows.db)
    locked.clearings.all()._raw_delete(locked.clearings.db)
    locked.status, locked.updated_at = Status.CANCELLED, now
    locked.save()
    audit.record(actor=actor, verb="invoices.batch.cancelled", refs=[locked, locked.legal_entity], now=now)
    return locked


def _set_reading(
    batch: ImportBatch, *, mode: str, as_of: date | None, profile: ImportProfile | None, now: datetime
) -> None:
    """How the batch is to be understood. Raises BusinessError naming the choice at fault."""
    batch.mode = _one_of(Mode.values, mode, "mode")
    batch.as_of = as_of if batch.mode == Mode.SNAPSHOT else None
    if batch.mode == Mode.SNAPSHOT:
        if batch.subject == Subject.CUSTOMERS or batch.format == Format.EINVOICE:
            raise BusinessError(
                _(
                    "Ce fichier ne peut pas montrer toutes les pièces ouvertes : choisissez le mode « %(mode)s »."
                )
                % {"mode": Mode.DELTA.label},
                code="mode_refused",
                field="mode",
            )
        if as_of is None:
            raise BusinessError(
                _("Indiquez à quelle date le fichier montre les pièces ouvertes."),
                code="as_of_missing",
                field="as_of",
            )
        if as_of > timezone.localdate(now):
            raise BusinessError(
                _("Le fichier ne peut pas montrer une situation à venir : indiquez la date de l’export."),
                code="as_of_future",
                field="as_of",
            )
    if profile is not None and (
        profile.legal_entity_id != batch.legal_entity_id or profile.subject != batch.subject
    ):
        raise BusinessError(
            _("La source « %(name)s » n’est pas faite pour ce fichier. Choisissez-en une autre.")
            % {"name": profile.name},
            code="profile_refused",
            field="profile",
        )
    batch.profile = profile


def _first_look(file: IO[bytes], name: str, file_format: str) -> tuple[str, str]:
    """The format and the type of its content. Raises FileRefused for what no reader can take."""
    size = file.seek(0, 2)
    file.seek(0)
    if size > settings.IMPORT_MAX_BYTES:
        raise FileRefused(too_large_message(size), code="file_too_large", field="file")
    head = file.read(4096)
    file.seek(0)
    try:
        if not head.strip():
            raise UnreadableFile("empty")
        found = (
            _one_of(Format.values, file_format, "file_format") if file_format else batch_format(head, name)
        )
        return found, _content_type(found, head)
    except UnreadableFile as error:
        raise FileRefused(file_message(error.code, error.params), code=error.code, field="file") from None


def _content_type(file_format: str, head: bytes) -> str:
    """The media type to keep. Raises UnreadableFile for a table that is none."""
    if file_format == Format.TABLE:
        if container(head) == "zip":
            return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        return "text/csv"
    if file_format == Format.EINVOICE:
        if head.startswith(b"%PDF"):
            return "application/pdf"
        return "application/zip" if head.startswith(b"PK") else "application/xml"
    return "application/x-ndjson" if file_format == Format.JSON_LINES else "text/plain"


def too_large_message(size: int) -> str:
    """What to do about a file over the limit."""
    return _(
        "Le fichier pèse %(size)d Mio, %(limit)d Mio au plus. Découpez-le, ou enregistrez-le en CSV sans colonnes inutiles."
    ) % {"size": -(-size // MIB), "limit": settings.IMPORT_MAX_BYTES // MIB}


def _one_of(choices: list[str], value: str, field: str) -> str:
    if value not in choices:
        raise BusinessError(
            _("« %(value)s » n’est pas un choix possible.") % {"value": value},
            code="choice_unknown",
            field=field,
        )
    return value


def _checked_options(options: dict[str, str]) -> dict[str, str]:
    """The reading choices that are really made. Raises BusinessError for one that does not exist."""
    try:
        return checked_options(options)
    except ValueError as error:
        raise BusinessError(
            _("« %(value)s » n’est pas un choix de lecture possible.") % {"value": str(error)},
            code="option_unknown",
            field=next((name for name, value in options.items() if value == str(error)), None),
        ) from None
