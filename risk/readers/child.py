"""The process that reads one untrusted file of accounts or ratings: `python -m risk.readers.child JSON <file`.

Standard output: `R` and a row as JSON per line; the last line starts with `!`. The parent is `risk.readers.process`.
"""

import json
import sys
from decimal import Decimal
from typing import IO, Any

from invoices.readers.confinement import answer_confined
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from risk.readers.outside_csv import table_rows
from risk.readers.public_services import rows_of

_DEEPEST = 30


def answer(stream: IO[bytes], out: IO[str], config: dict[str, Any]) -> None:
    """Write what the file says. Raises UnreadableFile."""
    limits = Limits.from_json(config["limits"])
    content = stream.read()
    text = _text(content)
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if start in ("{", "["):
        rows = rows_of(_json(text), config["options"].get("siren", ""))
        if rows is None:
            raise UnreadableFile("outside_shape")
    else:
        rows = table_rows(text, limits.rows)
    count = 0
    for row in rows:
        count += 1
        if count > limits.rows:
            raise UnreadableFile("too_many_rows", limit=limits.rows)
        out.write("R" + row.as_json() + "\n")
    if not count:
        raise UnreadableFile("empty")
    out.write("!{}\n")


def _text(content: bytes) -> str:
    if not content.strip():
        raise UnreadableFile("empty")
    if content.startswith((b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0")) or b"\x00" in content[:4096]:
        raise UnreadableFile("outside_shape")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _json(text: str) -> Any:
    if text.count("{") + text.count("[") > 2_000_000:
        raise UnreadableFile("outside_shape")
    try:
        return json.loads(text.lstrip("\ufeff"), parse_float=Decimal, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise UnreadableFile("outside_json", at=getattr(error, "pos", 0) + 1) from None


if __name__ == "__main__":
    answer_confined(sys.argv[1], answer)
