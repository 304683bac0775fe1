"""The parent's side of reading accounts and ratings: a confined child reads, its rows come back one by one."""

import json
from typing import IO

from invoices.readers.confined_child import confined_child
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB, Limits
from risk.readers.rows import OutsideRow

MAX_BYTES = 10 * MIB
MAX_ROWS = 2_000
LIMITS = Limits(rows=MAX_ROWS, memory_bytes=512 * MIB, cpu_seconds=30)


def read_outside_file(stream: IO[bytes], *, siren: str = "") -> list[OutsideRow]:
    """The rows of a file of accounts or ratings. Raises UnreadableFile when it is none."""
    rows = []
    with confined_child(
        "risk.readers.child", stream, config={}, options={"siren": siren}, limits=LIMITS
    ) as child:
        while text := child.out.readline(MIB):
            if not text.endswith(b"\n"):
                raise child.death()
            if text[:1] == b"R":
                rows.append(OutsideRow.from_json(text[1:]))
                continue
            tail = json.loads(text[1:])
            if "error" in tail:
                raise UnreadableFile(tail["error"], **tail["params"])
            return rows
        raise child.death()
