"""The child's side of an untrusted file: the bounds of the process that reads it, and how it answers."""

import ctypes
import io
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import IO, Any, NoReturn

from django.conf import settings

from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB, Limits

_PR_SET_PDEATHSIG = 1


def confine(limits: Limits) -> None:
    """Bound memory, time and files before the first byte is looked at; die with the parent."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def answer_confined(
    argument: str, answer: Callable[[IO[bytes], IO[str], dict[str, Any]], object]
) -> NoReturn:
    """Answer about standard input on standard output, in bounds; `argument` is the configuration as JSON.

    A file that cannot be read is a last line that starts with `!`. The parent is `invoices.readers.confined_child`.
    """
    config = json.loads(argument)
    confine(Limits.from_json(config["limits"]))
    settings.configure(USE_I18N=False)  # messages are chosen by the parent: here they are only thrown away
    out = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(1, "wb"), 256 * 1024),
        encoding="utf-8",
        newline="\n",
    )
    try:
        answer(os.fdopen(0, "rb", buffering=0), out, config)
    except UnreadableFile as error:
        out.write("!" + json.dumps({"error": error.code, "params": error.params}) + "\n")
    except MemoryError:
        os._exit(12)
    out.flush()
    # No clean-up: freeing a large sheet cell by cell takes longer than reading it.
    os._exit(0)
