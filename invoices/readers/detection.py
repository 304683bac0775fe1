"""What a file is and how it writes things: decided from its bytes and its cells, never from its name."""

import codecs
import re
from collections import Counter
from dataclasses import dataclass, field

from core.money import detect_decimal_mark
from invoices.readers.errors import UnreadableFile

ENCODINGS = ("utf-8", "cp1252", "utf-16")
DELIMITERS = (";", ",", "\t", "|")

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "pdf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"\x1f\x8b", "gzip"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"Rar!", "archive"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"{\\rtf", "rtf"),
    (b"\x7fELF", "program"),
    (b"MZ\x90\x00", "program"),
)


def container(head: bytes) -> str:
    """`zip` (maybe XLSX) or `text`, from the first bytes. Raises UnreadableFile for anything else."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            raise UnreadableFile(f"format_{kind}")
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<table")):
        raise UnreadableFile("format_markup")
    if start.startswith((b'{"', b"[{", b"{\n", b"{\r")):
        raise UnreadableFile("format_json")
    return "text"


def encoding_of_mark(head: bytes) -> str | None:
    """The encoding that a byte order mark announces."""
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None


def delimiter_of(line: str) -> str:
    """The separator that is most frequent outside quotes; a semicolon when there is none."""
    bare = re.sub(r'"[^"]*"', "", line)
    counts = {delimiter: bare.count(delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: counts[delimiter])
    return best if counts[best] else ";"


_DATE = re.compile(r"([0-9]{1,2})([/.\-])([0-9]{1,2})\2(?:[0-9]{4}|[0-9]{2})")


@dataclass
class Habits:
    """Votes, cell by cell, on how a file writes decimals and dates."""

    decimals: Counter[str] = field(default_factory=Counter)
    dates: Counter[str] = field(default_factory=Counter)

    def see_amount(self, text: str) -> None:
        mark = detect_decimal_mark((text,))
        if mark is not None:
            self.decimals[mark] += 1

    def see_date(self, text: str) -> None:
        match = _DATE.fullmatch(text.strip())
        if match is None:
            return
        first, second = int(match[1]), int(match[3])
        if first > 12 >= second:
            self.dates["dmy"] += 1
        elif second > 12 >= first:
            self.dates["mdy"] += 1

    @property
    def decimal(self) -> str | None:
        """The decimal mark, None when the file gives no clue."""
        comma, dot = self.decimals[","], self.decimals["."]
        return None if comma == dot == 0 else "," if comma >= dot else "."

    @property
    def date_order(self) -> str:
        """`dmy`, the French order, unless only the American one is possible."""
        return "mdy" if self.dates["mdy"] and not self.dates["dmy"] else "dmy"
