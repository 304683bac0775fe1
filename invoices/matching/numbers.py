"""The keys of a document number, and how well what a text says fits it."""

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

# What is read for a digit when a paper or a fax was scanned.
LOOKS_LIKE = str.maketrans({"O": "0", "I": "1", "L": "1", "S": "5", "B": "8", "Z": "2"})
SHORTEST_KEY = 3

_LAST_DIGITS = re.compile(r"([0-9]+)[^0-9]*\Z")
_YEAR_IN_FRONT = re.compile(r"(?:20)\d{2}(\d{3,})")
_PREFIX = re.compile(r"[A-Z]*")


class Strength(IntEnum):
    """How well a mention fits a number, weakest first."""

    NONE = 0
    RANGE = 1  # inside a range of numbers
    NOISY = 2  # after letters were read as digits
    TAIL = 3  # only its last part, the year or the series being lost
    DIGITS = 4  # all its digits, letters lost
    FULL = 5  # the whole number
    REFERENCE = 6  # a structured reference or a document reference of the bank's message


@dataclass(frozen=True, slots=True)
class NumberKeys:
    """What a number is looked up by: letters and digits; digits; last group of digits; that without its year.

    Digits stand without leading zeros. `prefix` are the letters in front.
    """

    compact: str
    digits: str
    tail: str
    short: str
    prefix: str


@lru_cache(maxsize=300_000)
def keys_of(number: str) -> NumberKeys:
    """The keys of a document number. `digits` and `tail` are those of the SQL functions `encours_number_…`."""
    upper = number.upper()
    compact = re.sub(r"[^A-Z0-9]", "", upper)
    digits = re.sub(r"[^0-9]", "", upper).lstrip("0")
    last = _LAST_DIGITS.search(number)
    tail = last.group(1).lstrip("0") if last else ""
    year = _YEAR_IN_FRONT.fullmatch(tail) if len(tail) >= 7 else None
    short = year.group(1).lstrip("0") if year else ""
    prefix = _PREFIX.match(compact)
    return NumberKeys(compact, digits, tail, short, prefix.group() if prefix else "")
