"""What announcements write: text cleaned of what cannot be kept, dates in all their spellings, folded words. Pure."""

import re
import unicodedata
from datetime import date

FRENCH_MONTHS = {
    "janvier": 1, "janv": 1, "jan": 1, "fevrier": 2, "fevr": 2, "fev": 2, "mars": 3, "mar": 3, "avril": 4, "avr": 4,
    "mai": 5, "juin": 6, "juillet": 7, "juil": 7, "aout": 8, "septembre": 9, "sept": 9, "sep": 9, "octobre": 10,
    "oct": 10, "novembre": 11, "nov": 11, "decembre": 12, "dec": 12,
}  # fmt: skip
FIRST_YEAR, LAST_YEAR = 1950, 2199

# UTF-8 read as Windows-1252 shows itself by these beginnings.
_MOJIBAKE = re.compile(
    "[\u00c3\u00c2\u00e2][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
)
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt ].*)?")
_NUMBERS = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})(?:\s.*)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_WORDS = re.compile(r"(?:[a-z]+ )*?(\d{1,2})(?:er)?\.? ([a-z]{3,9})\.? (\d{4})\b.*")


def clean(value: object, longest: int = 10_000) -> str:
    """A text on one line without what no table keeps (NUL, lone surrogates), mended when it was decoded wrongly."""
    if value is None or isinstance(value, (dict, list)):
        return ""
    text = str(value)[: longest * 2]
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = " ".join(_mended(text).replace("\x00", " ").split())
    return "".join(char for char in text if char.isprintable())[:longest]


def fold(text: str) -> str:
    """Lower case without accents, apostrophes and hyphens straight, one space between words."""
    plain = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "oe"))
    plain = "".join(char for char in plain if not unicodedata.combining(char)).lower()
    plain = re.sub("[\u2018\u2019\u02bc\u00b4`]", "'", plain)
    plain = re.sub("[\u2010-\u2015]", "-", plain)
    return " ".join(plain.split()).strip(" .;:,")


def parse_date(value: object) -> date | None:
    """A day in any spelling that announcements use: ISO, 27/11/2008, 20081127, « 10 décembre 2009 », « 1er févr. 2020 ».

    None when it is none, or lies outside the years that make sense.
    """
    text = fold(clean(value, 80))
    for pattern, order in ((_ISO, "ymd"), (_NUMBERS, "dmy"), (_COMPACT, "ymd")):
        if found := pattern.fullmatch(text):
            parts = dict(zip(order, (int(part) for part in found.groups()), strict=True))
            return _day(parts["y"], parts["m"], parts["d"])
    if found := _WORDS.fullmatch(text):
        return _day(int(found[3]), FRENCH_MONTHS.get(found[2], 0), int(found[1]))
    return None


def _day(year: int, month: int, day: int) -> date | None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _mended(text: str) -> str:
    """« procÃ©dure » as it was meant; the text itself when it reads well."""
    if not _MOJIBAKE.search(text):
        return text
    for encoding in ("cp1252", "latin-1"):
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return text
