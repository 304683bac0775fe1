"""What a file is and how it writes things: decided from its bytes and its cells, never from its name."""

import codecs
import re
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from core.money import detect_decimal_mark
from invoices.readers.columns import simplify
from invoices.readers.errors import UnreadableFile
from invoices.readers.vocabulary import KIND_WORDS

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


_OFFICE = ("xl/", "word/", "ppt/", "docprops/", "_rels/", "customxml/", "[content_types].xml", "mimetype")
_FEC_START = re.compile(r'"?journalcode"?[\t|;]')


def batch_format(head: bytes, name: str) -> str:
    """`TABLE`, `FEC`, `EINVOICE` or `JSON_LINES`, from the first kibibytes; the name decides between archives only.

    What no reader takes (an image, a web page, a JSON array) is `TABLE`: that reader says why it is refused.
    """
    if head.startswith(b"%PDF"):
        return "EINVOICE"
    if head.startswith(b"PK\x03\x04"):
        return _archive_format(head, name)
    text = _start_of_text(head)
    if _FEC_START.match(text):
        return "FEC"
    if text.startswith("<"):
        markup = "<html" in text or "<!doctype html" in text or "mso-application" in text or "<table" in text
        return "TABLE" if markup else "EINVOICE"
    return "JSON_LINES" if re.match(r'\{\s*["}]', text) else "TABLE"


def _archive_format(head: bytes, name: str) -> str:
    """A workbook stays a table; an archive of documents holds electronic invoices."""
    names = [entry.lower() for entry in _entry_names(head)]
    if any(entry.startswith(_OFFICE) for entry in names) or name.lower().endswith((".xlsx", ".xlsm", ".ods")):
        return "TABLE"
    if any(entry.endswith((".xml", ".pdf", "/")) for entry in names):
        return "EINVOICE"
    return "TABLE"


def _entry_names(head: bytes) -> Iterator[str]:
    """The names of the entries whose local headers lie in these bytes, as far as sizes lead from one to the next."""
    at = 0
    while head[at : at + 4] == b"PK\x03\x04" and len(head) >= at + 30:
        flags, packed = struct.unpack_from("<H", head, at + 6)[0], struct.unpack_from("<I", head, at + 18)[0]
        name_size, extra_size = struct.unpack_from("<HH", head, at + 26)
        yield head[at + 30 : at + 30 + name_size].decode("utf-8", "replace")
        if flags & 8 and not packed:
            return
        at += 30 + name_size + extra_size + packed


def _start_of_text(head: bytes) -> str:
    """The first letters in lower case, whatever the encoding: enough to know a header or a root element."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = head[: len(head) // 2 * 2].decode("utf-16", "replace")
    else:
        text = head.removeprefix(codecs.BOM_UTF8).decode("latin-1")
    return text.lstrip()[:1_000].lower()


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


def usual_delimiter(lines: list[str]) -> str:
    """The separator that most lines hold equally often: decimal commas are not in the header."""
    counted = []
    for delimiter in DELIMITERS:
        counts = Counter(re.sub(r'"[^"]*"', "", line).count(delimiter) for line in lines if line.strip())
        counts.pop(0, None)
        often, same = max(
            ((count, lines) for count, lines in counts.items()), key=lambda pair: pair[1], default=(0, 0)
        )
        counted.append((same, often, delimiter))
    same, _often, best = max(counted, key=lambda entry: entry[:2])
    return best if same else ";"


_DATE = re.compile(r"([0-9]{1,2})([/.\-])([0-9]{1,2})\2(?:[0-9]{4}|[0-9]{2})")


@dataclass
class Habits:
    """Votes, cell by cell, on how a file writes decimals and dates."""

    decimals: Counter[str] = field(default_factory=Counter)
    dates: Counter[str] = field(default_factory=Counter)
    signs: Counter[str] = field(default_factory=Counter)

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

    def see_sign(self, kind: object, total: object) -> None:
        """Whether an item that is an invoice, or a credit note, stands with a minus."""
        nature = KIND_WORDS.get(simplify(kind)) if isinstance(kind, str) and kind else None
        text = str(total).strip()
        if nature in ("INVOICE", "CREDIT_NOTE", "PAYMENT") and text.strip("0.,- "):
            minus = "-" in (text[0], text[-1]) or text[0] in "(\u2212"
            self.signs[f"{'debit' if nature == 'INVOICE' else 'credit'}{'-' if minus else '+'}"] += 1

    @property
    def is_reversed(self) -> bool:
        """Invoices are negative and what the customer gave is positive: the source looks from the other side."""
        found = self.signs
        return (
            found["debit-"] >= 2
            and found["debit-"] > 9 * found["debit+"]
            and found["credit+"] >= found["credit-"]
        )

    @property
    def decimal(self) -> str | None:
        """The decimal mark, None when the file gives no clue."""
        comma, dot = self.decimals[","], self.decimals["."]
        return None if comma == dot == 0 else "," if comma >= dot else "."

    @property
    def date_order(self) -> str:
        """`dmy`, the French order, unless only the American one is possible."""
        return "mdy" if self.dates["mdy"] and not self.dates["dmy"] else "dmy"
