"""The parent's side of an untrusted file: a child process without database, secrets or much memory reads it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import structlog

from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB, Limits

log = structlog.get_logger(__name__)

_ROOT = Path(__file__).resolve().parents[2]


class ConfinedChild:
    """A child that is reading; `out` is what it says."""

    def __init__(self, process: "subprocess.Popen[bytes]", errors: IO[bytes]) -> None:
        assert process.stdout is not None
        self.out: IO[bytes] = process.stdout
        self._process = process
        self._errors = errors

    def death(self) -> UnreadableFile:
        """Why the child went away without a last word: which limit it broke, if one can tell."""
        code = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read()[-2000:].decode("utf-8", "replace")
        log.warning("reader_died", code=code, said=said)
        if code in (-signal.SIGXCPU, -signal.SIGALRM):
            return UnreadableFile("reader_too_slow")
        if code in (12, -signal.SIGABRT, -signal.SIGKILL, -signal.SIGSEGV) or "MemoryError" in said:
            return UnreadableFile("reader_out_of_memory")
        return UnreadableFile("reader_died")


@contextmanager
def confined_child(
    module: str, stream: IO[bytes], *, config: Mapping[str, Any], options: Mapping[str, str], limits: Limits
) -> Iterator[ConfinedChild]:
    """Start the module's `main` with the file as its input; it is gone when the block ends.

    The child gets `config`, the `options` that say something and the `limits` (see
    `invoices.readers.confinement.answer_confined`).
    """
    given = {
        **config,
        "options": {name: value for name, value in options.items() if value},
        "limits": limits.as_json(),
    }
    with _seekable(stream) as file, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-s", "-m", module, json.dumps(given)],
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
        child = ConfinedChild(process, errors)
        try:
            yield child
        finally:
            clock.cancel()
            process.kill()
            child.out.close()
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
