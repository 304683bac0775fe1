"""Fixed-width records of the CFONB files, with or without line breaks."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import IO

from invoices.readers.bank.building import StatementError, money
from invoices.readers.bank.text import encoding_of, text_lines
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB, Limits

_OVERPUNCH = {char: (index, 1) for index, char in enumerate("{ABCDEFGHI")}
_OVERPUNCH |= {char: (index, -1) for index, char in enumerate("}JKLMNOPQR")}
# What the signed zero becomes when a tool takes it for a letter of another national character set.
_OVERPUNCH |= {"\u00e9": (0, 1), "\u00e8": (0, -1)}
_SIGNED = re.compile(r"[ 0-9]{0,17}[0-9{}A-R\u00e9\u00e8]")


@dataclass(frozen=True)
class Record:
    """One record; columns count from 1, as in the brochure."""

    line: int
    text: str

    @property
    def code(self) -> str:
        return self.text[:2]

    def part(self, first: int, last: int) -> str:
        return self.text[first - 1 : last]


def records(stream: IO[bytes], limits: Limits, width: int, imposed: str = "") -> Iterator[Record]:
    """The records that are not blank, padded to their width. Raises UnreadableFile when one is too long."""
    lines = (
        _sliced(stream, width, imposed)
        if _is_unbroken(stream, width)
        else text_lines(stream, limits, imposed)
    )
    for number, text in lines:
        bare = text.rstrip("\x1a\x00 \r\t")
        if not bare.strip():
            continue
        if len(bare) > width:
            raise UnreadableFile("bank_record_length", line=number, length=len(bare), width=width)
        yield Record(number, bare.ljust(width))


def _is_unbroken(stream: IO[bytes], width: int) -> bool:
    """Whether the records follow each other without line breaks."""
    stream.seek(0)
    head = stream.read(width * 3)
    return len(head) > width and b"\n" not in head and b"\r" not in head


def _sliced(stream: IO[bytes], width: int, imposed: str) -> Iterator[tuple[int, str]]:
    codec = encoding_of(stream, imposed)
    decoder = codecs.getincrementaldecoder(codec)("replace")
    stream.seek(0)
    number, rest = 0, ""
    while chunk := stream.read(MIB):
        rest += decoder.decode(chunk).replace("\r", "").replace("\n", "")
        whole = len(rest) - len(rest) % width
        for start in range(0, whole, width):
            number += 1
            yield number, rest[start : start + width]
        rest = rest[whole:]
    if rest:
        yield number + 1, rest


def signed_amount(record: Record, first: int, last: int, decimals: int) -> Decimal:
    """An amount whose last digit carries the sign. Raises StatementError."""
    text = record.part(first, last).strip()
    where = {"line": record.line, "column": first}
    if not _SIGNED.fullmatch(text):
        raise StatementError("amount_invalid", value=text[:30], **where)
    body, last_char = text[:-1].replace(" ", "0"), text[-1]
    digit, sign = (int(last_char), 1) if last_char.isdigit() else _OVERPUNCH[last_char]
    return money(Decimal(sign * int(f"{body}{digit}")).scaleb(-decimals), **where)


def plain_amount(record: Record, first: int, last: int, decimals: int = 2) -> Decimal:
    """An amount of digits. Raises StatementError."""
    text = record.part(first, last).strip()
    where = {"line": record.line, "column": first}
    if not re.fullmatch("[0-9]{1,18}", text):
        raise StatementError("amount_invalid", value=text[:30], **where)
    return money(Decimal(int(text)).scaleb(-decimals), **where)
