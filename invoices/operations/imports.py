"""Batches of items: received, read, previewed, committed or cancelled.

`receive_batch`, `reread_batch`, `commit_batch` and `cancel_batch` are what people ask for. `read_batch` and
`write_batch`, the work that follows, stand in `import_work`.
"""

from datetime import date, datetime
from typing import IO

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import audit
from core.errors import BusinessError
from core.files import store_file
from core.jobs import kick
from core.models import User
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from customers.models import LegalEntity
from invoices.import_messages import file_message
from invoices.models import ImportBatch
from invoices.operations.import_work import read_batch, write_batch
from invoices.readers.detection import DELIMITERS, ENCODINGS, container
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB
from invoices.readers.profiles import CREDIT_CHOICES, SIGNS

__all__ = [
    "FileRefused", "NotInScope", "NothingToCommit", "RejectsNotAccepted", "cancel_batch", "commit_batch", "read_batch",
    "receive_batch", "reread_batch", "too_large_message", "write_batch",
]  # fmt: skip

READ_TASK = "invoices.tasks.read_batches"
COMMIT_TASK = "invoices.tasks.commit_batches"

_CONTENT_TYPES = {
    "text": "text/csv",
    "zip": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_CHOICES = {
    "encoding": ENCODINGS,
    "delimiter": DELIMITERS,
    "decimal": (",", "."),
    "date_order": ("dmy", "mdy"),
    "sign": SIGNS,
    "credit_kind": CREDIT_CHOICES,
    "header_line": tuple(str(line) for line in range(51)),
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


def _person(actor: Actor) -> User | None:
    return actor if isinstance(actor, User) else None
