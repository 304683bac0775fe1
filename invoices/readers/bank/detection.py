"""Which format a file of the bank is in, from its first bytes, never from its name."""

import codecs
import re

from invoices.readers.detection import container
from invoices.readers.errors import UnreadableFile

HEAD = 65_536
FORMATS = ("CAMT", "MT940", "CFONB120", "CFONB240", "OFX", "CSV")

_CAMT = re.compile(rb"BkToCstmr|camt\.05[234]", re.I)
_OFX = re.compile(rb"OFXHEADER|<OFX[\s>]", re.I)
_MT940 = re.compile(rb"(?:\A|[\r\n]|\{4:\s*):(?:20|25P?|28C?|60[FM]|61|34F|62[FM]):")
_CFONB120 = re.compile(rb"\s*0[1457][0-9]{5}.{4}[0-9 ]{5}[A-Z ]{3}[0-9 ]")
_CFONB240 = re.compile(rb"\s*3[149][0-9]{2}[0-9]{6}[0-9 ]{6}[A-Z ]")


def bank_format(head: bytes) -> str:
    """A value of FORMATS. Raises UnreadableFile when it is none of them."""
    plain = _without_mark(head)
    if not plain.strip():
        raise UnreadableFile("empty")
    if _OFX.search(plain[:4096]):
        return "OFX"
    if plain.lstrip()[:1] == b"<":
        if _CAMT.search(plain):
            return "CAMT"
        raise UnreadableFile("bank_markup_unknown")
    if _CFONB120.match(plain):
        return "CFONB120"
    if _CFONB240.match(plain):
        return "CFONB240"
    if _MT940.search(plain):
        return "MT940"
    if container(plain) == "zip":
        raise UnreadableFile("bank_archive")
    if plain.count(0) * 5 > len(plain) or not re.search(rb"[;,\t|]", plain):
        raise UnreadableFile("bank_format_unknown")
    return "CSV"


def _without_mark(head: bytes) -> bytes:
    """The head as UTF-8 or an eight-bit encoding, without its byte order mark."""
    if head.startswith(codecs.BOM_UTF8):
        return head[3:]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "replace").encode()
    if head[:2] in (b"<\x00", b"\x00<"):
        return head.replace(b"\x00", b"")
    return head
