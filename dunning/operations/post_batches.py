"""Batches of letters: put together, printed by the house or handed to the printer, undone.

A letter is in a batch by its delivery, STARTED until the batch is posted. Printed by the house, its notice stays
RENDERED until somebody says that it was posted; given to the printer, it is SENDING from the moment it may be seen.
"""

import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from typing import IO, TypeVar

from django.utils.translation import gettext as _
from pypdf import PdfReader

from core import audit
from core.errors import BusinessError
from core.files import open_file, sha256_of, store_file
from core.jobs import kick
from core.models import User
from core.operation import operation
from core.rights import Actor
from dunning.models import Delivery, Level, Notice, PostBatch
from dunning.operations.notices import passing_gate
from dunning.operations.posting import NothingToPost
from dunning.post.house_print import PrintedLetter, print_batch
from dunning.post_reads import letters_of, to_post, visible_batches

MOST_LETTERS = 1_000
T = TypeVar("T")


class BatchRefused(BusinessError):
    """The batch cannot be printed, handed over or undone as it stands."""

    code = "post_batch_refused"


class LetterDamaged(Exception):
    """The stored PDF of a letter is not the one that was made: its bytes have another hash."""


@operation("dunning.deliver")
def prepare_batches(
    *,
    actor: Actor,
    provider: str,
    today: date,
    now: datetime,
    notice_ids: Sequence[int] | None = None,
    is_duplex: bool = False,
) -> list[PostBatch]:
    """Put the letters that wait, or those named, in batches: one an entity and channel, of 1,000 letters at most.

    Each passes the gate before. Raises NothingToPost when none is left.
    """
    waiting = to_post(now).filter(pk__in=Notice.objects.visible_to(actor).values("pk"))
    if notice_ids is not None:
        waiting = waiting.filter(pk__in=notice_ids)
    groups: dict[tuple[int, str], list[Notice]] = defaultdict(list)
    passing = 0
    for keys in _parts(list(waiting.order_by("pk").values_list("pk", flat=True))):
        locked = list(
            to_post(now)
            .filter(pk__in=keys)
            .select_for_update(of=("self",), skip_locked=True)
            .select_related("customer", "legal_entity", "level", "run")
            .order_by("pk")
        )
        for notice in passing_gate(actor=actor, notices=locked, today=today, now=now):
            groups[notice.legal_entity_id, notice.level.channel].append(notice)
            passing += 1
    if not passing:
        raise NothingToPost(_("Aucun courrier n’est à poster pour le moment."))
    created = []
    for (_entity, channel), notices in sorted(groups.items()):
        notices.sort(key=lambda notice: (notice.customer.name, notice.customer_id, notice.pk))
        for part in _parts(notices):
            created.append(_create(actor, part, channel, provider, is_duplex, now))
    kick("dunning.tasks.move_post_batches")
    return created


def _parts(rows: Sequence[T]) -> list[Sequence[T]]:
    return [rows[start : start + MOST_LETTERS] for start in range(0, len(rows), MOST_LETTERS)]


def _create(
    actor: Actor, notices: Sequence[Notice], channel: str, provider: str, is_duplex: bool, now: datetime
) -> PostBatch:
    entity = notices[0].legal_entity
    batch = PostBatch.objects.create(
        reference=f"{now:%Y%m%d%H%M%S%f}-{notices[0].pk}",
        legal_entity=entity,
        channel=channel,
        provider=provider,
        letter_count=len(notices),
        is_duplex=is_duplex,
        created_by=actor if isinstance(actor, User) else None,
        created_at=now,
    )
    # Also the name of a folder.
    batch.reference = f"{re.sub('[^A-Za-z0-9]', '', entity.code)[:20] or 'LOT'}-P{batch.pk:06d}"
    batch.save(update_fields=["reference"])
    attempts = Counter(
        Delivery.objects.filter(notice__in=[notice.pk for notice in notices]).values_list("notice", flat=True)
    )
    Delivery.objects.bulk_create(
        Delivery(
            notice=notice,
            channel=channel,
            attempt=attempts[notice.pk] + 1,
            started_at=now,
            post_batch=batch,
        )
        for notice in notices
    )
    audit.record(
        actor=actor,
        verb="dunning.post_batch.prepared",
        refs=[batch, entity],
        now=now,
        letters=len(notices),
        channel=channel,
        provider=provider,
    )
    return batch


# --- printed by the house ---------------------------------------------------------------------------------


def print_house_batch(*, actor: Actor, batch_id: int, now: datetime) -> PostBatch:
    """Write the PDF of a batch printed by the house, then keep it. Killed half-way, it is written anew.

    Raises LetterDamaged when a stored letter has changed.
    """
    batch = PostBatch.objects.select_related("legal_entity").get(pk=batch_id)
    deliveries = list(letters_of(batch).filter(status=Delivery.Status.STARTED))
    pages = {delivery.pk: _pages_of(delivery) for delivery in deliveries}
    letters = [
        PrintedLetter(
            reference=delivery.notice.letter.reference,
            customer=delivery.notice.customer.name,
            account=delivery.notice.customer.account_code,
            channel=str(Level.Channel(delivery.channel).label),
            pages=pages[delivery.pk],
            sha256=delivery.notice.letter.file.sha256,
            content=partial(open_file, delivery.notice.letter.file),
        )
        for delivery in deliveries
    ]
    with tempfile.TemporaryFile() as out:
        count = print_batch(batch.reference, batch.legal_entity.name, letters, out, is_duplex=batch.is_duplex)
        return keep_print(actor=actor, batch_id=batch_id, content=out, page_count=count, pages=pages, now=now)


@operation("dunning.deliver")
def keep_print(
    *,
    actor: Actor,
    batch_id: int,
    content: IO[bytes],
    page_count: int,
    pages: dict[int, int],
    now: datetime,
) -> PostBatch:
    """Keep the PDF of a batch with the pages of each of its deliveries; what was kept before stays."""
    batch = PostBatch.objects.select_for_update(of=("self",)).get(pk=batch_id)
    if batch.file_id is not None or batch.status != PostBatch.Status.PREPARED:
        return batch
    batch.file = store_file(
        content=content,
        name=f"{batch.reference}.pdf",
        kind="dunning.post_batch",
        content_type="application/pdf",
        now=now,
    )
    batch.page_count = page_count
    batch.save(update_fields=["file", "page_count"])
    _keep_pages(pages)
    audit.record(
        actor=actor,
        verb="dunning.post_batch.printed",
        refs=[batch, f"legalentity:{batch.legal_entity_id}"],
        now=now,
        pages=page_count,
        sha256=batch.file.sha256,
    )
    return batch


def _keep_pages(pages: dict[int, int]) -> None:
    Delivery.objects.bulk_update(
        [Delivery(pk=pk, page_count=count) for pk, count in pages.items()], ["page_count"], batch_size=500
    )


def _pages_of(delivery: Delivery) -> int:
    stored = delivery.notice.letter.file
    with open_file(stored) as stream:
        if sha256_of(stream) != stored.sha256:
            raise LetterDamaged(delivery.notice.letter.reference)
        return len(PdfReader(stream).pages)


@operation("dunning.deliver")
def undo_batch(*, actor: Actor, batch_id: int, now: datetime) -> PostBatch:
    """Give up a batch printed by the house and not posted: its letters wait for the post again.

    Raises BatchRefused for one that the printer may have, or that was posted.
    """
    batch = locked_batch(actor, batch_id)
    if batch.provider != PostBatch.Provider.HOUSE or batch.status != PostBatch.Status.PREPARED:
        raise BatchRefused(_("Ce lot ne peut plus être défait : il est déjà déposé ou remis au prestataire."))
    batch.status, batch.answered_at, batch.detail = PostBatch.Status.REFUSED, now, _("Lot défait.")
    batch.save(update_fields=["status", "answered_at", "detail"])
    letters_of(batch).filter(status=Delivery.Status.STARTED).update(
        status=Delivery.Status.FAILED, finished_at=now, detail=_("Lot défait avant le dépôt.")
    )
    audit.record(
        actor=actor,
        verb="dunning.post_batch.undone",
        refs=[batch, f"legalentity:{batch.legal_entity_id}"],
        now=now,
    )
    return batch


def locked_batch(actor: Actor, batch_id: int) -> PostBatch:
    """The batch, locked for the transaction under way. Raises BatchRefused outside one's scope."""
    batch = (
        visible_batches(actor)
        .filter(pk=batch_id)
        .select_for_update(of=("self",))
        .select_related("legal_entity")
        .first()
    )
    if batch is None:
        raise BatchRefused(_("Ce lot n’existe pas dans votre périmètre."), code="post_batch_unknown")
    return batch
