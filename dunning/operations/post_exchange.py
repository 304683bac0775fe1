"""Handing batches to the printer: sealed, written into the shared folder, then said to be handed; each step once.

Killed before the seal is broken - before the folder shows the batch - the letters pass the gate again and the batch is
written anew; killed after, it is the printer's as it stands. docs/formats/post.md says what the printer sees.
"""

import hashlib
import io
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import IO

from django.conf import settings
from django.utils.translation import gettext as _
from pypdf import PdfReader

from core import audit
from core.files import open_file
from core.operation import operation
from core.rights import Actor
from dunning.letters.address import address_block
from dunning.letters.context import LetterContext
from dunning.models import Delivery, Notice, PostBatch
from dunning.operations.notices import passing_gate
from dunning.operations.post_batches import LetterDamaged, locked_batch, prepare_batches
from dunning.operations.posting import NothingToPost
from dunning.post.exchange import Exchange, exchange, exchange_is_configured
from dunning.post.manifest import ManifestHead, ManifestRow, manifest_csv, manifest_json
from dunning.post_reads import letters_of, to_post
from dunning.queues import is_stopped
from invoices.operations.exclusive import exclusive


def prepare_due_batches(*, actor: Actor, today: date, now: datetime) -> int:
    """Put waiting letters in batches for the printer, an entity at most every POST_BATCH_MINUTES; how many batches."""
    if not exchange_is_configured():
        return 0
    since = now - timedelta(minutes=settings.POST_BATCH_MINUTES)
    recent = PostBatch.objects.filter(provider=PostBatch.Provider.EXCHANGE, created_at__gt=since)
    due = to_post(now).exclude(legal_entity__in=recent.values("legal_entity"))
    keys = list(due.order_by("pk").values_list("pk", flat=True))
    if not keys:
        return 0
    try:
        return len(
            prepare_batches(
                actor=actor, provider=PostBatch.Provider.EXCHANGE, today=today, now=now, notice_ids=keys
            )
        )
    except NothingToPost:
        # All of them were held at the gate.
        return 0


def hand_over(*, actor: Actor, batch_id: int, today: date, now: datetime) -> PostBatch | None:
    """Hand one prepared batch to the printer; None when somebody else is at it or dunning is stopped.

    Raises LetterDamaged, and OSError when the shared folder cannot be written.
    """
    with exclusive(f"dunning.post_batch:{batch_id}") as mine:
        if not mine:
            return None
        batch = PostBatch.objects.get(pk=batch_id)
        if batch.status != PostBatch.Status.PREPARED or is_stopped(batch.legal_entity_id):
            return None
        folder = exchange()
        if not folder.is_published(batch.reference):
            batch = seal(actor=actor, batch_id=batch_id, today=today, now=now)
            if batch.status != PostBatch.Status.PREPARED:
                return batch
            _write(folder, batch)
        return mark_handed(actor=actor, batch_id=batch_id, now=now)


@operation("dunning.deliver")
def seal(*, actor: Actor, batch_id: int, today: date, now: datetime) -> PostBatch:
    """Look at each letter once more and say that those that pass are being sent; the others leave the batch."""
    batch = locked_batch(actor, batch_id)
    deliveries = {
        delivery.notice_id: delivery for delivery in letters_of(batch).filter(status=Delivery.Status.STARTED)
    }
    notices = list(
        Notice.objects.filter(pk__in=deliveries)
        .select_for_update(of=("self",))
        .select_related("customer", "legal_entity", "level", "run")
        .order_by("pk")
    )
    # Sealed before by a process that died: the printer has not seen it, so it may still be kept back.
    again = [notice for notice in notices if notice.status == Notice.Status.SENDING]
    for notice in again:
        notice.status = Notice.Status.RENDERED
    Notice.objects.filter(pk__in=[notice.pk for notice in again]).update(status=Notice.Status.RENDERED)
    waiting = [notice for notice in notices if notice.status == Notice.Status.RENDERED]
    passing = {notice.pk for notice in passing_gate(actor=actor, notices=waiting, today=today, now=now)}
    Delivery.objects.filter(
        pk__in=[delivery.pk for notice, delivery in deliveries.items() if notice not in passing]
    ).update(
        status=Delivery.Status.FAILED, finished_at=now, detail=_("Retirée du lot : retenue avant le dépôt.")
    )
    Notice.objects.filter(pk__in=passing).update(status=Notice.Status.SENDING)
    batch.letter_count = len(passing)
    if not passing:
        batch.status, batch.answered_at = PostBatch.Status.REFUSED, now
        batch.detail = _("Aucun courrier du lot ne pouvait plus partir.")
    batch.save(update_fields=["letter_count", "status", "answered_at", "detail"])
    return batch


@operation("dunning.deliver")
def mark_handed(*, actor: Actor, batch_id: int, now: datetime) -> PostBatch:
    """Say that the printer may see the batch. A second call changes nothing."""
    batch = locked_batch(actor, batch_id)
    if batch.status != PostBatch.Status.PREPARED:
        return batch
    deliveries = list(letters_of(batch).filter(status=Delivery.Status.STARTED))
    for delivery in deliveries:
        with open_file(delivery.notice.letter.file) as stream:
            delivery.page_count = len(PdfReader(stream).pages)
    Delivery.objects.bulk_update(deliveries, ["page_count"], batch_size=500)
    batch.status, batch.handed_at = PostBatch.Status.HANDED, now
    batch.page_count = sum(delivery.page_count for delivery in deliveries)
    batch.save(update_fields=["status", "handed_at", "page_count"])
    audit.record(
        actor=actor,
        verb="dunning.post_batch.handed",
        refs=[batch, f"legalentity:{batch.legal_entity_id}"],
        now=now,
        letters=len(deliveries),
        pages=batch.page_count,
    )
    return batch


def _write(folder: Exchange, batch: PostBatch) -> None:
    folder.begin(batch.reference)
    rows = []
    for delivery in letters_of(batch).filter(status=Delivery.Status.STARTED):
        row = manifest_row(delivery)
        with _checked(delivery) as content:
            folder.put(batch.reference, row.file, content)
        rows.append(row)
    head = ManifestHead(
        batch=batch.reference,
        sender=batch.legal_entity.name,
        return_address=batch.legal_entity.address_lines.splitlines(),
        channel=batch.channel,
    )
    folder.put(batch.reference, "manifest.json", io.BytesIO(manifest_json(head, rows)))
    folder.put(batch.reference, "manifest.csv", io.BytesIO("".join(manifest_csv(rows)).encode("utf-8-sig")))
    folder.publish(batch.reference, f"{len(rows)}\n")


def manifest_row(delivery: Delivery) -> ManifestRow:
    """The line of the manifest that names this letter, with the address printed on it."""
    letter, customer = delivery.notice.letter, delivery.notice.customer
    frozen = json.dumps(letter.context, sort_keys=True, ensure_ascii=False)
    debtor = LetterContext.from_json(frozen).debtor
    pages = delivery.page_count
    if not pages:
        with open_file(letter.file) as stream:
            pages = len(PdfReader(stream).pages)
    return ManifestRow(
        reference=letter.reference,
        file=f"{letter.reference}.pdf",
        channel=delivery.channel,
        pages=pages,
        sha256=letter.file.sha256,
        customer=customer.account_code,
        address=address_block(debtor),
        country=debtor.country or "FR",
    )


@contextmanager
def _checked(delivery: Delivery) -> Iterator[IO[bytes]]:
    """The letter's bytes, once their hash is the one that was kept. Raises LetterDamaged."""
    stored = delivery.notice.letter.file
    digest = hashlib.sha256()
    with open_file(stored) as stream, tempfile.SpooledTemporaryFile(max_size=4 * 1024 * 1024) as copy:
        while chunk := stream.read(1024 * 1024):
            digest.update(chunk)
            copy.write(chunk)
        if digest.hexdigest() != stored.sha256:
            raise LetterDamaged(delivery.notice.letter.reference)
        copy.seek(0)
        yield copy
