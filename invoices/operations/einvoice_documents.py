"""The documents of a batch of electronic invoices: what people look at, kept beside the item."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import PurePosixPath

from core.files import open_file, store_file
from core.models import StoredFile
from invoices.models import ImportBatch, ImportRow
from invoices.readers.einvoice.archive import Archive, BrokenMember
from invoices.readers.einvoice.documents import SINGLE_PDF, SINGLE_XML

KIND = "EINVOICE"
_TYPES = {".pdf": "application/pdf", ".xml": "application/xml"}
_AT_ONCE = 200


def store_documents(*, batch: ImportBatch, now: datetime) -> dict[str, int]:
    """Keep the document of every row that will be posted; document name -> key of the stored file.

    Not in the transaction of the commit: bytes kept for a commit that is given up are found again by their hash, so
    running it twice stores nothing twice. A single file is its own document.
    """
    if batch.format != ImportBatch.Format.EINVOICE:
        return {}
    names = list(_names(batch))
    if set(names) <= {SINGLE_PDF, SINGLE_XML} and _is_single(batch):
        return dict.fromkeys(names, batch.file_id)
    kept: dict[str, int] = {}
    with open_file(batch.file) as stream:
        archive = Archive(stream)
        wanted = iter(names)
        while some := list(islice(wanted, _AT_ONCE)):
            kept |= _keep(archive, [name for name in some if name in archive.members], now)
    return kept


def _names(batch: ImportBatch) -> Iterator[str]:
    outcomes = (ImportRow.Outcome.NEW, ImportRow.Outcome.CHANGED)
    rows = batch.rows.filter(outcome__in=outcomes).exclude(document_name="").order_by("document_name")
    return rows.values_list("document_name", flat=True).distinct().iterator(chunk_size=2_000)


def _is_single(batch: ImportBatch) -> bool:
    return batch.dialect.get("container") != "zip"


def _keep(archive: Archive, names: list[str], now: datetime) -> dict[str, int]:
    """Some documents: those whose bytes are kept under the same name already are taken as they are."""
    hashes: dict[str, str] = {}
    for name in names:
        try:
            hashes[name] = hashlib.sha256(archive.read(name)).hexdigest()
        except BrokenMember:
            continue
    known = {
        (row.sha256, row.name): row.pk
        for row in StoredFile.objects.filter(kind=KIND, sha256__in=hashes.values()).order_by("pk")
    }
    kept = {}
    for name, sha256 in hashes.items():
        base = PurePosixPath(name).name[:255]
        key = known.get((sha256, base))
        if key is None:
            suffix = PurePosixPath(base).suffix.lower()
            stored = store_file(
                content=archive.read(name),
                name=base,
                kind=KIND,
                content_type=_TYPES.get(suffix, "application/octet-stream"),
                now=now,
            )
            key = known[(sha256, base)] = stored.pk
        kept[name] = key
    return kept
