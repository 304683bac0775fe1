"""The manifest of a batch of letters: which files it holds, for whom, how they travel. Pure.

The same rows give the same bytes, whatever the day: a batch handed over twice is the same batch.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

FORMAT = "encours-post"
VERSION = 1
ADDRESS_COLUMNS = 7
COLUMNS = (
    "reference", "file", "channel", "acknowledgement_of_receipt", "pages", "sha256", "customer",
    *(f"address_{number}" for number in range(1, ADDRESS_COLUMNS + 1)), "country",
)  # fmt: skip


@dataclass(frozen=True)
class ManifestRow:
    """One letter: its reference, its file and hash, the lines of its address block, first to last.

    `channel` is LETTER or REGISTERED; a registered letter goes with acknowledgement of receipt.
    """

    reference: str
    file: str
    channel: str
    pages: int
    sha256: str
    customer: str
    address: Sequence[str]
    country: str

    @property
    def has_receipt(self) -> bool:
        return self.channel == "REGISTERED"


@dataclass(frozen=True)
class ManifestHead:
    """The batch: its reference, who sends, where undeliverable letters come back to."""

    batch: str
    sender: str
    return_address: Sequence[str]
    channel: str


def manifest_json(head: ManifestHead, rows: Sequence[ManifestRow]) -> bytes:
    """The manifest for machines."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        **asdict(head),
        "return_address": list(head.return_address),
        "letter_count": len(rows),
        "page_count": sum(row.pages for row in rows),
        "letters": [
            {
                "reference": row.reference,
                "file": row.file,
                "channel": row.channel,
                "acknowledgement_of_receipt": row.has_receipt,
                "pages": row.pages,
                "sha256": row.sha256,
                "customer": row.customer,
                "address": list(row.address),
                "country": row.country,
            }
            for row in rows
        ],
    }
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def manifest_csv(rows: Iterable[ManifestRow]) -> Iterator[str]:
    """The manifest for people and tables: one line at a time, the head first, separated by semicolons."""
    yield _line(COLUMNS)
    for row in rows:
        address = [*row.address, *[""] * ADDRESS_COLUMNS][:ADDRESS_COLUMNS]
        yield _line(
            (
                row.reference, row.file, row.channel, "1" if row.has_receipt else "0", row.pages, row.sha256,
                row.customer, *address, row.country,
            )
        )  # fmt: skip


def _line(values: Sequence[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=";", lineterminator="\r\n").writerow([_inert(value) for value in values])
    return buffer.getvalue()


def _inert(value: object) -> object:
    """A name that begins like a formula is not one for the spreadsheet that opens the manifest."""
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else value
