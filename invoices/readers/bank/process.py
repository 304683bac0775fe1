"""The parent's side of reading a file of the bank: a confined child reads, its answer is kept on disk."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import structlog

from invoices.readers.bank.model import BankReading, ReadLine, line_from_json, statement_from_json
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB, Limits

log = structlog.get_logger(__name__)

_ROOT = Path(__file__).resolve().parents[3]
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
    config = {
        "options": {name: value for name, value in options.items() if value},
        "limits": limits.as_json(),
    }
    answers = tempfile.TemporaryFile()  # noqa: SIM115 - the lines of the reading live in it
    with _seekable(stream) as file, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-s", "-m", "invoices.readers.bank.child", json.dumps(config)],
            cwd=_ROOT,
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=errors,
            bufsize=MIB,
        )
        # A child that waits for ever uses no processor time: a clock ends it.
        clock = threading.Timer(limits.cpu_seconds * 5, process.kill)
        clock.daemon = True
        clock.start()
        assert process.stdout is not None
        try:
            reading = _keep(process.stdout, answers)
            if reading is None:
                raise _death(process, errors)
            return reading
        finally:
            clock.cancel()
            process.kill()
            process.stdout.close()
            process.wait()


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


def _death(process: "subprocess.Popen[bytes]", errors: IO[bytes]) -> UnreadableFile:
    """Which limit the child broke, if one can tell."""
    code = process.wait()
    errors.seek(0)
    said = errors.read()[-2000:].decode("utf-8", "replace")
    log.warning("bank_child_died", code=code, said=said)
    if code in (-signal.SIGXCPU, -signal.SIGALRM):
        return UnreadableFile("reader_too_slow")
    if code in (12, -signal.SIGABRT, -signal.SIGKILL, -signal.SIGSEGV) or "MemoryError" in said:
        return UnreadableFile("reader_out_of_memory")
    return UnreadableFile("reader_died")


@contextmanager
def _seekable(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    """The file as something a child can be given: storages elsewhere hand out streams without a descriptor."""
    try:
        stream.fileno()
    except (AttributeError, OSError):
        with tempfile.TemporaryFile() as copy:
            stream.seek(0)
            shutil.copyfileobj(stream, copy, MIB)
            copy.seek(0)
            yield copy
    else:
        yield stream
