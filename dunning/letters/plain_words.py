"""A letter's text as its reader hears it: no case, no accents, no punctuation, no mark-up. Pure."""

import html
import re
import unicodedata
from functools import cache

# A tag of the mark-up or of the template language; both may stand inside a word and hide it.
_MARKUP = re.compile(r"<!--.*?-->|<[^<>]*>|\{#.*?#\}|\{%.*?%\}", re.DOTALL)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_BREAKS = re.compile(r"<\s*/?\s*(?:p|br|div|td|th|tr|li|h[1-6]|table|ul|ol|section|title)\b", re.IGNORECASE)
_PRINTED_ATTRIBUTE = re.compile(r"""\sdata-[a-z-]+="([^"<>]*)\"""")
# Ligatures and letters that no normal form takes apart.
_LETTERS = {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i"}


def fold_with_places(text: str) -> tuple[str, list[int]]:
    """The text in small letters without accents, each run of anything else one space; and where each stood."""
    folded: list[str] = []
    places: list[int] = []

    def add(character: str, place: int) -> None:
        for letter in _folded(character):
            if letter != " " or (folded and folded[-1] != " "):
                folded.append(letter)
                places.append(place)

    position = 0
    while position < len(text):
        tag = _MARKUP.match(text, position)
        entity = _ENTITY.match(text, position) if tag is None else None
        if tag is not None:
            if _gap(tag):
                add(" ", position)
            position = tag.end()
        elif entity is not None:
            for character in html.unescape(entity[0]):
                add(character, position)
            position = entity.end()
        else:
            add(text[position], position)
            position += 1
    return "".join(folded), places


@cache
def _folded(character: str) -> str:
    if character == "_":
        return " "
    if unicodedata.category(character) == "Cf":
        return ""  # soft hyphens and zero-width characters hide a word from a search, not from a reader
    plain = "".join(
        _LETTERS.get(letter, letter)
        for letter in unicodedata.normalize("NFKD", character).casefold()
        if not unicodedata.combining(letter)
    )
    return "".join(letter if letter.isalnum() else " " for letter in plain)


def _gap(tag: re.Match[str]) -> str:
    """What stands between the words around a tag: a blank for those that break the line."""
    return " " if _BREAKS.match(tag[0]) or tag[0].startswith("{%") else ""


def as_written(text: str) -> str:
    """The text without its mark-up and its runs of blanks."""
    return " ".join(html.unescape(_MARKUP.sub(_gap, text)).split())


def printed(markup: str) -> str:
    """The mark-up followed by the texts that its style sheet prints at the foot of pages (`data-` attributes)."""
    return " ".join((markup, *_PRINTED_ATTRIBUTE.findall(markup)))


def compact(text: str) -> str:
    """The letters and digits alone: two writings of one number or name are equal."""
    return fold_with_places(text)[0].replace(" ", "")
