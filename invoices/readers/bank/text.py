"""Text files of the bank: their encoding, their lines with numbers, and what free texts say."""

import codecs
import io
import re
from collections.abc import Iterator
from typing import IO

from invoices.readers.bank.return_codes import ISO_RETURNS
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB, Limits

ENCODINGS = ("utf-8", "cp1252", "utf-16", "iso8859-15", "cp850")
LONGEST_LINE = 20_000
_RETURN_CODE = re.compile(r"(?<![A-Z0-9])(" + "|".join(sorted(ISO_RETURNS)) + r")(?![A-Z0-9])")
_RETURN_WORDS = re.compile(
    r"\b(IMPAYE[ES]*|REJET[SE]*|RETOUR VIR|RETOUR PRLV|RETOURNE|RUECKLASTSCHRIFT|R.CKLASTSCHRIFT|UNPAID|RETURNED ITEM)\b",
    re.I,
)


def encoding_of(stream: IO[bytes], imposed: str = "") -> str:
    """The codec of the file: imposed, announced by its mark, UTF-8 if all of it is, else Windows-1252 or Latin."""
    if imposed:
        if imposed not in ENCODINGS:
            raise UnreadableFile("encoding_unknown", encoding=imposed[:40])
        return "utf-8-sig" if imposed == "utf-8" else imposed
    stream.seek(0)
    head = stream.read(4)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for codec in ("utf-8", "cp1252"):
        if _decodes(stream, codec):
            return "utf-8-sig" if codec == "utf-8" else codec
    return "iso8859-1"


def _decodes(stream: IO[bytes], codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)("strict")
    stream.seek(0)
    try:
        while chunk := stream.read(MIB):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def text_lines(stream: IO[bytes], limits: Limits, imposed: str = "") -> Iterator[tuple[int, str]]:
    """The lines without their ends, numbered from 1. Raises UnreadableFile when they are none."""
    codec = encoding_of(stream, imposed)
    stream.seek(0)
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(codec)("replace"), translate=True)
    longest = min(LONGEST_LINE, limits.line_characters)
    number, rest = 0, ""
    while True:
        chunk = stream.read(MIB)
        try:
            rest += decoder.decode(chunk, final=not chunk)
        except UnicodeError:
            raise UnreadableFile("encoding_wrong", line=number + 1, encoding=codec) from None
        lines = rest.split("\n")
        rest = lines.pop()
        for line in lines:
            number += 1
            if len(line) > longest:
                raise UnreadableFile("line_too_long", line=number, limit=longest)
            yield number, line
        if len(rest) > longest:
            raise UnreadableFile("line_too_long", line=number + 1, limit=longest)
        if not chunk:
            break
    if rest:
        yield number + 1, rest


def return_code_in(text: str) -> str:
    """The ISO reason that a text names, "" when there is none."""
    found = _RETURN_CODE.search(text)
    return found[1] if found else ""


def speaks_of_return(text: str) -> bool:
    """Whether a label says that a payment came back."""
    return _RETURN_WORDS.search(text) is not None
