"""The process that reads one untrusted file of the bank: `python -m invoices.readers.bank.child JSON <file`.

Standard output: `F` and the format, then `L` and a line or `S` and the statement of the lines before, all as JSON;
the last line starts with `!`: how it ended. The parent is `invoices.readers.bank.process`.
"""

import io
import json
import os
import sys
from collections.abc import Iterable
from typing import IO

from django.conf import settings

from invoices.readers.bank.model import ReadLine, to_json
from invoices.readers.bank.reading import bank_events
from invoices.readers.confinement import confine
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits


def answer(stream: IO[bytes], out: IO[str], options: dict[str, str], limits: Limits) -> None:
    """Write what the file says. Raises UnreadableFile."""
    file_format, events = bank_events(stream, options, limits)
    out.write("F" + json.dumps(file_format) + "\n")
    for event in events:
        out.write(("L" if isinstance(event, ReadLine) else "S") + to_json(event) + "\n")
    out.write("!{}\n")


def main(arguments: Iterable[str]) -> int:
    config = json.loads(next(iter(arguments)))
    limits = Limits.from_json(config["limits"])
    confine(limits)
    settings.configure(USE_I18N=False)  # messages are chosen by the parent
    out = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(1, "wb"), 256 * 1024),
        encoding="utf-8",
        newline="\n",
    )
    try:
        answer(os.fdopen(0, "rb", buffering=0), out, config["options"], limits)
    except UnreadableFile as error:
        out.write("!" + json.dumps({"error": error.code, "params": error.params}) + "\n")
    except MemoryError:
        os._exit(12)
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
