"""The process that reads one untrusted file of the bank: `python -m invoices.readers.bank.child JSON <file`.

Standard output: `F` and the format, then `L` and a line or `S` and the statement of the lines before, all as JSON;
the last line starts with `!`: how it ended. The parent is `invoices.readers.bank.process`.
"""

import json
import sys
from typing import IO, Any

from invoices.readers.bank.model import ReadLine, to_json
from invoices.readers.bank.reading import bank_events
from invoices.readers.confinement import answer_confined
from invoices.readers.limits import Limits


def answer(stream: IO[bytes], out: IO[str], config: dict[str, Any]) -> None:
    """Write what the file says. Raises UnreadableFile."""
    file_format, events = bank_events(stream, config["options"], Limits.from_json(config["limits"]))
    out.write("F" + json.dumps(file_format) + "\n")
    for event in events:
        out.write(("L" if isinstance(event, ReadLine) else "S") + to_json(event) + "\n")
    out.write("!{}\n")


if __name__ == "__main__":
    answer_confined(sys.argv[1], answer)
