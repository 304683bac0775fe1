"""Taking in what was put into the watched folders: each file once, whatever dies on the way.

A file is claimed by a row (name and version), received in the transaction that says so, then moved away. Killed
before the commit, it is received at the next sweep; killed after, it is only moved.
"""

from datetime import date, datetime, timedelta
from typing import IO

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import F, Q
from django.utils import translation
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from core import audit
from core.errors import BusinessError
from core.files import sha256_of
from core.money import format_count
from core.rights import SYSTEM
from invoices.drop_reports import fate, report_text
from invoices.drop_storage import (
    ARCHIVE,
    REFUSED,
    REPORT_SUFFIX,
    DropArea,
    Found,
    drop_area,
    is_finished,
    is_readable_name,
)
from invoices.models import BankFile, BankStatement, DropFolder, DroppedFile, ImportBatch, ImportProfile
from invoices.operations.bank_files import accept_bank_file, receive_bank_file
from invoices.operations.einvoice_status_files import ReceivedFile, receive_status_file
from invoices.operations.exclusive import exclusive
from invoices.operations.imports import commit_batch, receive_batch

log = structlog.get_logger(__name__)

# A file that nobody touched for so long is whole; a younger one must look the same at two sweeps.
SETTLED = timedelta(seconds=60)
BETWEEN_LOOKS = timedelta(seconds=10)
MOST_FILES = 500
_REMEMBERED = 3600  # seconds
_GIVEN_UP = ("CANCELLED", "REJECTED", "FAILED", "ROLLED_BACK", "WITHDRAWN")
Status = DroppedFile.Status


def sweep_folders(*, today: date, now: datetime) -> int:
    """Go through every watched folder; how many files were taken in or refused.

    A folder that cannot be read says why and keeps nobody waiting; one that is being swept is left alone.
    """
    taken = 0
    with translation.override(settings.LANGUAGE_CODE):
        for folder in DropFolder.objects.filter(is_active=True).select_related("legal_entity", "profile"):
            with exclusive(f"invoices.drop_folder:{folder.pk}") as mine:
                if not mine:
                    continue
                error = ""
                try:
                    area = drop_area(folder.path)
                    count, error = _sweep(folder, area, today, now)
                    taken += count
                    _commit_clean(folder, today, now)
                    _follow(folder, area, now)
                except OSError as failed:
                    error = _("Le dossier ne peut pas être lu : %(reason)s.") % {
                        "reason": failed.strerror or type(failed).__name__
                    }
                    log.warning("drop_folder_unreadable", folder=folder.pk, error=str(failed))
                except Exception as failed:
                    # The other folders must not wait for this one.
                    error = _("Le passage s’est interrompu : %(reason)s.") % {"reason": type(failed).__name__}
                    log.exception("drop_folder_failed", folder=folder.pk)
                DropFolder.objects.filter(pk=folder.pk).update(swept_at=now, sweep_error=error[:200])
    return taken


def _sweep(folder: DropFolder, area: DropArea, today: date, now: datetime) -> tuple[int, str]:
    taken, error = 0, ""
    finished = [found for found in area.files() if is_finished(found.name)]
    for found in finished[:MOST_FILES]:
        if not is_readable_name(found.name):
            error = _("Un fichier a un nom illisible : renommez-le pour qu’il soit pris en charge.")
            continue
        try:
            if _is_settled(folder, found, now):
                taken += _take(folder, area, found, today, now)
        except FileNotFoundError:
            # Taken back, or written again, while it was looked at: the next sweep sees.
            continue
        except Exception as failed:
            error = _(
                "« %(name)s » n’a pas pu être pris en charge (%(reason)s) ; nouvel essai au prochain passage."
            ) % {
                "name": found.name[:80],
                "reason": type(failed).__name__,
            }
            log.exception("dropped_file_failed", folder=folder.pk, file=found.name)
    return taken, error


def _is_settled(folder: DropFolder, found: Found, now: datetime) -> bool:
    """Whether the file is no longer growing."""
    if now - found.modified_at >= SETTLED:
        return True
    key = f"drop:{folder.pk}:{found.name.encode().hex()[:180]}"
    try:
        version, seen_at = cache.get(key, ("", now))
        if version == found.version:
            return bool(now - seen_at >= BETWEEN_LOOKS)
        cache.set(key, (found.version, now), _REMEMBERED)
    except RedisError:
        # Nothing remembered: it waits until it is old enough.
        return False
    return False


def _take(folder: DropFolder, area: DropArea, found: Found, today: date, now: datetime) -> int:
    dropped, _created = DroppedFile.objects.get_or_create(
        folder=folder,
        name=found.name,
        version=found.version,
        defaults={"claimed_at": now, "updated_at": now},
    )
    fresh = dropped.status == Status.CLAIMED
    if fresh:
        with transaction.atomic():
            dropped = DroppedFile.objects.select_for_update(of=("self",)).get(pk=dropped.pk)
            if dropped.status == Status.CLAIMED:
                _receive(folder, dropped, area, found, today, now)
    if not dropped.archived_as:
        dropped.archived_as = _place(area, dropped, now)
        dropped.save(update_fields=["archived_as"])
    area.move(found.name, dropped.archived_as)
    area.write(dropped.archived_as + REPORT_SUFFIX, report_text(dropped, now))
    return int(fresh)


def _receive(
    folder: DropFolder, dropped: DroppedFile, area: DropArea, found: Found, today: date, now: datetime
) -> None:
    """Give the file to whom it is for, and say so, in one transaction."""
    with area.opened(found) as file:
        earlier = _same_content(folder, file)
        if earlier is not None:
            dropped.batch, dropped.bank_file = earlier.batch, earlier.bank_file
            dropped.status = Status.RECEIVED
            dropped.message = _(
                "Contenu déjà reçu le %(day)s sous le nom « %(name)s » : rien de nouveau."
            ) % {
                "day": f"{earlier.claimed_at:%d/%m/%Y}",
                "name": earlier.name,
            }
        else:
            try:
                _hand_over(folder, dropped, file, today, now)
                dropped.status, dropped.message = Status.RECEIVED, fate(dropped)
            except BusinessError as refused:
                dropped.status, dropped.message = Status.REFUSED, refused.message
    dropped.updated_at = now
    dropped.save()
    audit.record(
        actor=SYSTEM,
        verb="invoices.dropped_file.received"
        if dropped.status == Status.RECEIVED
        else "invoices.dropped_file.refused",
        refs=[dropped, folder, folder.legal_entity],
        now=now,
        folder=folder.path,
        file=dropped.name,
        message=dropped.message,
    )


def _hand_over(folder: DropFolder, dropped: DroppedFile, file: IO[bytes], today: date, now: datetime) -> None:
    entity, profile = folder.legal_entity, folder.profile
    if folder.subject == DropFolder.Subject.BANK:
        dropped.bank_file = receive_bank_file(
            actor=SYSTEM,
            entity=entity,
            file=file,
            name=dropped.name,
            now=now,
            source=BankFile.Source.FOLDER,
        )
    elif folder.subject == DropFolder.Subject.EINVOICE_STATUSES:
        read = receive_status_file(
            actor=SYSTEM, entity=entity, file=file, name=dropped.name, today=today, now=now
        )
        dropped.message = _told(read)
    else:
        dropped.batch = receive_batch(
            actor=SYSTEM,
            entity=entity,
            file=file,
            name=dropped.name,
            now=now,
            subject=folder.subject,
            mode=profile.mode if profile else ImportBatch.Mode.DELTA,
            as_of=today if profile and profile.mode == ImportBatch.Mode.SNAPSHOT else None,
            profile=profile,
            creates_customers=profile.creates_customers if profile else False,
            options=dict(profile.options) if profile else None,
            source=ImportBatch.Source.FOLDER,
        )


def _told(received: ReceivedFile) -> str:
    """What became of a file of life-cycle statuses, which is recorded at once."""
    recorded = received.recorded
    said = _(
        "Statuts enregistrés : %(new)s, déjà connus : %(known)s, en attente de leur pièce : %(waiting)s."
    ) % {
        "new": format_count(recorded.created),
        "known": format_count(recorded.known),
        "waiting": format_count(recorded.waiting),
    }
    return "\n".join(
        [said, *(f"{problem.name} {problem.message}".strip() for problem in received.problems[:50])]
    )


def _same_content(folder: DropFolder, file: IO[bytes]) -> DroppedFile | None:
    """The file of this folder that brought the same bytes before, unless what came of it was given up.

    A snapshot says how things stand now: the same one again may have to undo what came between.
    """
    profile: ImportProfile | None = folder.profile
    if profile is not None and profile.mode == ImportBatch.Mode.SNAPSHOT:
        return None
    sha256 = sha256_of(file)
    return (
        DroppedFile.objects.filter(folder=folder, status=Status.RECEIVED)
        .filter(Q(batch__file__sha256=sha256) | Q(bank_file__file__sha256=sha256))
        .exclude(batch__status__in=_GIVEN_UP)
        .exclude(bank_file__status__in=_GIVEN_UP)
        .select_related("batch", "bank_file")
        .order_by("pk")
        .first()
    )


def _place(area: DropArea, dropped: DroppedFile, now: datetime) -> str:
    """Where the file goes: archive/year/month or refused, under a name that nothing has yet."""
    if dropped.status == Status.REFUSED:
        place = f"{REFUSED}/{dropped.name}"
    else:
        place = f"{ARCHIVE}/{now:%Y/%m}/{dropped.name}"
    if not area.is_taken(place):
        return place
    before, dot, after = place.rpartition(".")
    return f"{before}-{dropped.pk}.{after}" if dot and "/" not in after else f"{place}-{dropped.pk}"


def _commit_clean(folder: DropFolder, today: date, now: datetime) -> None:
    """Commit what the folder may commit by itself: nothing in error, nothing doubtful, something new."""
    if not folder.commits_by_itself:
        return
    waiting = DroppedFile.objects.filter(folder=folder, status=Status.RECEIVED)
    for dropped in waiting.filter(
        batch__status=ImportBatch.Status.PREVIEWED,
        batch__source=ImportBatch.Source.FOLDER,
        batch__error_count=0,
    ).select_related("batch"):
        batch = dropped.batch
        if batch is not None and not batch.suspicions and not batch.error_code:
            _attempt(
                dropped,
                lambda batch=batch: commit_batch(
                    actor=SYSTEM, batch=batch, accept_rejects=False, today=today, now=now
                ),
            )
    for dropped in waiting.filter(
        bank_file__status=BankFile.Status.PREVIEWED, bank_file__source=BankFile.Source.FOLDER
    ).select_related("bank_file"):
        bank_file = dropped.bank_file
        if bank_file is not None and _is_clean(bank_file):
            _attempt(
                dropped,
                lambda bank_file=bank_file: accept_bank_file(
                    actor=SYSTEM, bank_file=bank_file, today=today, now=now
                ),
            )


def _is_clean(bank_file: BankFile) -> bool:
    """Whether a person would have nothing to look at: no statement refused or missing, one at least is new."""
    statements = list(bank_file.statements.values_list("status", "remark_code"))
    return any(status == BankStatement.Status.PREVIEWED for status, _code in statements) and not any(
        status == BankStatement.Status.REFUSED or code == "statement_missing" for status, code in statements
    )


def _attempt(dropped: DroppedFile, step: object) -> None:
    try:
        step()  # type: ignore[operator]
    except BusinessError as refused:
        log.info("drop_not_committed", dropped=dropped.pk, reason=refused.code)


def _follow(folder: DropFolder, area: DropArea, now: datetime) -> None:
    """Write the report again when what came of a file has changed."""
    changed = (
        DroppedFile.objects.filter(folder=folder, status=Status.RECEIVED)
        .filter(Q(batch__updated_at__gt=F("updated_at")) | Q(bank_file__updated_at__gt=F("updated_at")))
        .select_related("batch", "bank_file", "folder__legal_entity")
        .order_by("pk")[:MOST_FILES]
    )
    for dropped in changed:
        dropped.message, dropped.updated_at = fate(dropped), now
        dropped.save(update_fields=["message", "updated_at"])
        if dropped.archived_as:
            area.write(dropped.archived_as + REPORT_SUFFIX, report_text(dropped, now))
