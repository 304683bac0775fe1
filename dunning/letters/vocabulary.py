"""The words that a dunning letter must not contain, and where it says them. Pure: the list is a dated file.

A letter may not look like an act of a court or of a bailiff (C. pén. 433-13), threaten with criminal proceedings
or with publicity, nor charge costs that the law leaves to the creditor (CPCE L111-8). The list stands in
`forbidden_words.csv`: language (`*` for all), severity, reason, words, source, dates.

A row's words: `(a|b)` are variants, `(s)` after a word an ending it may take, `*` any ending. They are compared
without case, accents, punctuation or mark-up, at the boundaries of words.
"""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dunning.letters.plain_words import as_written, fold_with_places
from dunning.letters.required_mentions import Mention, mandatory_mentions, missing_mentions

__all__ = [
    "ForbiddenWord",
    "Found",
    "Mention",
    "Severity",
    "UnknownVocabulary",
    "WordReason",
    "forbidden_words",
    "languages",
    "mandatory_mentions",
    "missing_mentions",
    "word_list",
]

WORDS_FILE = Path(__file__).with_name("forbidden_words.csv")
ANY_LANGUAGE = "*"


class Severity(StrEnum):
    """Whether the word bars the template, or asks a person to look."""

    FORBIDDEN = "FORBIDDEN"
    DOUBTFUL = "DOUBTFUL"


class WordReason(StrEnum):
    """What is wrong with a word."""

    OFFICIAL_ACT = "OFFICIAL_ACT"
    OFFICIAL_SIGN = "OFFICIAL_SIGN"
    CRIMINAL = "CRIMINAL"
    PUBLICITY = "PUBLICITY"
    COSTS = "COSTS"
    ENFORCEMENT = "ENFORCEMENT"
    PRESSURE = "PRESSURE"
    RELATIVE_DATE = "RELATIVE_DATE"


WORD_REASON_LABELS = {
    WordReason.OFFICIAL_ACT: gettext_lazy("imite un acte de justice"),
    WordReason.OFFICIAL_SIGN: gettext_lazy("imite un signe ou un titre officiel"),
    WordReason.CRIMINAL: gettext_lazy("menace de poursuites pénales"),
    WordReason.PUBLICITY: gettext_lazy("menace de publicité"),
    WordReason.COSTS: gettext_lazy("réclame des frais que la loi laisse au créancier"),
    WordReason.ENFORCEMENT: gettext_lazy("annonce une exécution forcée, impossible sans titre exécutoire"),
    WordReason.PRESSURE: gettext_lazy("pression ou propos blessant"),
    WordReason.RELATIVE_DATE: gettext_lazy("délai sans point de départ certain : écrivez une date"),
}


class UnknownVocabulary(LookupError):
    """No list of forbidden words exists for a language; the message names it."""

    def __init__(self, language: str) -> None:
        self.language = language
        super().__init__(
            _("Aucune liste de mots interdits n’existe pour la langue « %(language)s ».")
            % {"language": language}
        )


@dataclass(frozen=True)
class ForbiddenWord:
    """A row of the list. `valid_to` is inclusive, None while in force."""

    language: str
    severity: Severity
    reason: WordReason
    words: str
    source: str
    valid_from: date
    valid_to: date | None
    checked_on: date

    def covers(self, day: date | None) -> bool:
        """Whether the row is in force on a day; None asks for the rows that have no end."""
        if day is None:
            return self.valid_to is None
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class Found:
    """A forbidden word in a text: `text` as written, from `start` to `end` (positions in what was given)."""

    start: int
    end: int
    text: str
    word: ForbiddenWord

    @property
    def severity(self) -> Severity:
        return self.word.severity

    @property
    def message(self) -> str:
        return _("« %(text)s » : %(reason)s (%(source)s).") % {
            "text": self.text,
            "reason": WORD_REASON_LABELS[self.word.reason],
            "source": self.word.source,
        }


@cache
def word_list() -> tuple[ForbiddenWord, ...]:
    """Every row of the list."""
    with WORDS_FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            ForbiddenWord(
                language=row["language"],
                severity=Severity(row["severity"]),
                reason=WordReason(row["reason"]),
                words=row["words"],
                source=row["source"],
                valid_from=date.fromisoformat(row["valid_from"]),
                valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
                checked_on=date.fromisoformat(row["checked_on"]),
            )
            for row in csv.DictReader(file, delimiter=";")
        )


@cache
def languages() -> frozenset[str]:
    """The languages that have a list of their own."""
    return frozenset(row.language for row in word_list()) - {ANY_LANGUAGE}


def forbidden_words(text: str, language: str, *, on: date | None = None) -> list[Found]:
    """The forbidden and doubtful words of a text, in its order; of two that overlap, the worse or longer one.

    `text` may hold mark-up: tags count as nothing, entities as their character. `on` takes the list of a day
    instead of the present one. Raises UnknownVocabulary for a language without a list.
    """
    code = language.lower().split("-")[0]
    if code not in languages():
        raise UnknownVocabulary(language)
    folded, places = fold_with_places(text)
    hits = [
        Found(places[hit.start()], places[hit.end() - 1] + 1, "", row)
        for row in word_list()
        if row.language in (code, ANY_LANGUAGE) and row.covers(on)
        for hit in _pattern(row.words).finditer(folded)
    ]
    return [
        Found(hit.start, hit.end, as_written(text[hit.start : hit.end]), hit.word)
        for hit in _without_overlaps(hits)
    ]


def _without_overlaps(hits: Iterable[Found]) -> list[Found]:
    kept: list[Found] = []
    for hit in sorted(
        hits, key=lambda hit: (hit.severity is Severity.DOUBTFUL, hit.start - hit.end, hit.start)
    ):
        if all(hit.end <= other.start or other.end <= hit.start for other in kept):
            kept.append(hit)
    return sorted(kept, key=lambda hit: hit.start)


@cache
def _pattern(words: str) -> re.Pattern[str]:
    """The expression of a row: its variants, endings and spaces, at the boundaries of words."""
    text = re.sub(r"(?<=\w)\((\w{1,3})\)", r"(?:\1)?", words.replace("- ", " "))
    text = re.sub(r"(?<=\w)\*", r"\\w*", text)
    text = re.sub(r"\((?!\?)", "(?:", text)
    return re.compile(rf"(?<!\w)(?:{text})(?!\w)")
