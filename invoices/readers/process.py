"""The parent's side of reading: start the child, pass its rows on in pieces, say how it ended."""

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
from datetime import date
from pathlib import Path
from typing import IO, Any, NoReturn

import structlog

from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB, Limits

log = structlog.get_logger(__name__)

_ROOT = Path(__file__).resolve().parents[2]
_PIECE = MIB
_LARGEST_SAMPLE = 24 * MIB


class Reading:
    """A file being read by a child process. `dialect` and `total` are known before the first row."""

    def __init__(self, process: "subprocess.Popen[bytes]", errors: IO[bytes]) -> None:
        assert process.stdout is not None
        self._process = process
        self._errors = errors
        self._out = process.stdout
        self.dialect: dict[str, Any] = {}
        self.total = 0
        self.repeated_headers = 0
        self._read_head()

    def pieces(self) -> Iterator[tuple[bytes, int]]:
        """The rows in COPY text format, about a mebibyte at a time, and how many rows are in the piece.

        Raises UnreadableFile when the child says so, breaks a limit or dies.
        """
        rest = b""
        while chunk := self._out.read(_PIECE):
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
        _fail(self._process, self._errors)

    def _read_head(self) -> None:
        line = self._out.readline(MIB)
        if line.startswith(b"!"):
            self._read_tail(line)
        if not line.endswith(b"\n"):
            _fail(self._process, self._errors)
        head = json.loads(line)
        self.dialect, self.total = head["dialect"], head["total"]

    def _read_tail(self, line: bytes) -> None:
        tail = json.loads(line[1:])
        if "error" in tail:
            raise UnreadableFile(tail["error"], **tail["params"])
        self.repeated_headers = tail["repeated_headers"]


def _fail(process: "subprocess.Popen[bytes]", errors: IO[bytes]) -> NoReturn:
    """The child went away without a word: say which limit it broke, if one can tell."""
    code = process.wait()
    errors.seek(0)
    said = errors.read()[-2000:].decode("utf-8", "replace")
    log.warning("import_child_died", code=code, said=said)
    if code in (-signal.SIGXCPU, -signal.SIGALRM):
        raise UnreadableFile("reader_too_slow")
    if code in (12, -signal.SIGABRT, -signal.SIGKILL, -signal.SIGSEGV) or "MemoryError" in said:
        raise UnreadableFile("reader_out_of_memory")
    raise UnreadableFile("reader_died")


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
        "options": {name: value for name, value in options.items() if value},
        "limits": limits.as_json(),
        "currency": currency,
        "today": today.isoformat(),
    }
    with _child(stream, config, limits) as (process, errors):
        yield Reading(process, errors)


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
        "options": {name: value for name, value in options.items() if value},
        "limits": limits.as_json(),
        "currency": currency,
        "today": today.isoformat(),
    }
    with _child(stream, config, limits) as (process, errors):
        assert process.stdout is not None
        answer = process.stdout.read(_LARGEST_SAMPLE + 1)
        if not answer.endswith(b"\n") or len(answer) > _LARGEST_SAMPLE:
            _fail(process, errors)
    found: dict[str, Any] = json.loads(answer)
    if "error" in found:
        raise UnreadableFile(found["error"], **found["params"])
    return found


@contextmanager
def _child(
    stream: IO[bytes], config: dict[str, Any], limits: Limits
) -> Iterator[tuple["subprocess.Popen[bytes]", IO[bytes]]]:
    """The child with the file as its input, gone when the block ends."""
    with _seekable(stream) as file, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-s", "-m", "invoices.readers.child", json.dumps(config)],
            cwd=_ROOT,
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=errors,
            bufsize=_PIECE,
        )
        # A child that waits for ever uses no processor time: a clock ends it.
        clock = threading.Timer(limits.cpu_seconds * 5, process.kill)
        clock.daemon = True
        clock.start()
        try:
            yield process, errors
        finally:
            clock.cancel()
            process.kill()
            assert process.stdout is not None
            process.stdout.close()
            process.wait()


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
