"""The parent's side of reading: start the child, pass its rows on in pieces, say how it ended."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import IO, Any

from invoices.readers.confined_child import ConfinedChild, confined_child
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB, Limits

_CHILD = "invoices.readers.child"
_PIECE = MIB
_LARGEST_SAMPLE = 24 * MIB


class Reading:
    """A file being read by a child process. `dialect` and `total` are known before the first row."""

    def __init__(self, child: ConfinedChild) -> None:
        self._child = child
        self.dialect: dict[str, Any] = {}
        self.total = 0
        self.repeated_headers = 0
        self._read_head()

    def pieces(self) -> Iterator[tuple[bytes, int]]:
        """The rows in COPY text format, about a mebibyte at a time, and how many rows are in the piece.

        Raises UnreadableFile when the child says so, breaks a limit or dies.
        """
        rest = b""
        while chunk := self._child.out.read(_PIECE):
            data = rest + chunk
            cut = data.rfind(b"\n") + 1
            data, rest = data[:cut], data[cut:]
            last = data.rfind(b"\n", 0, -1) + 1
            if data[last : last + 1] == b"!":
                if last:
                    yield data[:last], data.count(b"\n", 0, last)
                self._read_tail(data[last:])
                return
            if data:
                yield data, data.count(b"\n")
        raise self._child.death()

    def _read_head(self) -> None:
        line = self._child.out.readline(MIB)
        if line.startswith(b"!"):
            self._read_tail(line)
        if not line.endswith(b"\n"):
            raise self._child.death()
        head = json.loads(line)
        self.dialect, self.total = head["dialect"], head["total"]

    def _read_tail(self, line: bytes) -> None:
        tail = json.loads(line[1:])
        if "error" in tail:
            raise UnreadableFile(tail["error"], **tail["params"])
        self.repeated_headers = tail["repeated_headers"]


@contextmanager
def read_in_child(
    stream: IO[bytes],
    *,
    options: dict[str, str],
    limits: Limits,
    currency: str,
    today: date,
    subject: str = "ITEMS",
    file_format: str = "TABLE",
    entity: dict[str, str] | None = None,
    profile: dict[str, Any] | None = None,
    creates_customers: bool = False,
) -> Iterator[Reading]:
    """Read a file in a child process that has no database, no secrets and little memory.

    `options` may impose `encoding`, `delimiter`, `sheet`, `header_line` ("0": none), `decimal` ("," or "."),
    `date_order` ("dmy" or "mdy"), `sign` ("normal" or "reversed") and `credit_kind` (what a credit without a kind
    is); with `creates_customers` what is wrong in a customer's columns is an error of the row. `currency` is taken where the file names none. `entity` identifies the creditor (`siren`, `vat_number`,
    `name`), `profile` is the saved reading of the source (`columns`, `constants`, `values`). Raises UnreadableFile.
    """
    config = {
        "subject": subject,
        "format": file_format,
        "entity": entity or {},
        "profile": profile or {},
        "creates_customers": creates_customers,
        "currency": currency,
        "today": today.isoformat(),
    }
    with confined_child(_CHILD, stream, config=config, options=options, limits=limits) as child:
        yield Reading(child)


def sample_in_child(
    stream: IO[bytes],
    *,
    options: dict[str, str],
    limits: Limits,
    currency: str,
    today: date,
    profile: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The first rows of a table, read by a confined child: see `readers.sample`. Raises UnreadableFile."""
    config = {
        "task": "sample",
        "profile": profile or {},
        "currency": currency,
        "today": today.isoformat(),
    }
    with confined_child(_CHILD, stream, config=config, options=options, limits=limits) as child:
        answer = child.out.read(_LARGEST_SAMPLE + 1)
        if not answer.endswith(b"\n") or len(answer) > _LARGEST_SAMPLE:
            raise child.death()
    found: dict[str, Any] = json.loads(answer)
    if "error" in found:
        raise UnreadableFile(found["error"], **found["params"])
    return found
