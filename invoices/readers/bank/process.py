"""The parent's side of reading a file of the bank: a confined child reads, its answer is kept on disk."""

import json
import tempfile
from collections.abc import Iterator
from typing import IO

from invoices.readers.bank.model import BankReading, ReadLine, line_from_json, statement_from_json
from invoices.readers.confined_child import confined_child
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB, Limits

_LONGEST_ANSWER = MIB


class KeptLines:
    """The lines of one statement, in the file that holds the child's answer: a statement can be long."""

    def __init__(self, answers: IO[bytes], start: int, count: int) -> None:
        self._answers = answers
        self._start = start
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[ReadLine]:
        at = self._start
        for _index in range(self._count):
            self._answers.seek(at)
            text = self._answers.readline()
            at = self._answers.tell()
            yield line_from_json(text[1:])


def read_bank_in_child(stream: IO[bytes], *, options: dict[str, str], limits: Limits) -> BankReading:
    """Read a file of the bank in a child process that has no database, no secrets and little memory.

    `options` as `reading.bank_events` takes them. The lines of the statements are read back from a temporary file
    each time they are gone through. Raises UnreadableFile.
    """
    answers = tempfile.TemporaryFile()  # noqa: SIM115 - the lines of the reading live in it
    with confined_child(
        "invoices.readers.bank.child", stream, config={}, options=options, limits=limits
    ) as child:
        reading = _keep(child.out, answers)
        if reading is None:
            raise child.death()
        return reading


def _keep(out: IO[bytes], answers: IO[bytes]) -> BankReading | None:
    """What the child says; None when it goes away without an end."""
    reading = BankReading("")
    start = count = 0
    while text := out.readline(_LONGEST_ANSWER):
        if not text.endswith(b"\n"):
            return None
        mark, rest = text[:1], text[1:]
        if mark == b"L":
            answers.write(text)
            count += 1
        elif mark == b"S":
            reading.statements.append(statement_from_json(rest, KeptLines(answers, start, count)))
            start, count = answers.tell(), 0
        elif mark == b"F":
            reading.format = json.loads(rest)
        else:
            tail = json.loads(rest)
            if "error" in tail:
                raise UnreadableFile(tail["error"], **tail["params"])
            return reading
    return None
