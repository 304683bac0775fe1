"""From a record to notices: one per person, with what is published of it in plain values. Pure; never raises.

`id` is letter, year, issue and number (A202600991234); where it is missing it is built from the issue and the number,
and for extracts that have neither, from what they say (so that the same row is the same notice tomorrow).
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from risk.bodacc.identities import Person, as_dict, as_object, persons_of
from risk.bodacc.natures import Nature, classify
from risk.bodacc.records import Problem, Record
from risk.bodacc.register_facts import facts_of
from risk.bodacc.texts import clean, fold, parse_date

MOST_PERSONS = 50
INITIAL, CORRECTION, CANCELLATION = "INITIAL", "CORRECTION", "CANCELLATION"
_ID = re.compile(r"[A-C][0-9]{8,20}")


@dataclass(frozen=True)
class Notice:
    """What one announcement publishes of one person. `earlier_id` is the notice that it corrects or cancels."""

    number: int
    notice_id: str
    person_rank: int
    person: Person
    nature: Nature
    notice_type: str
    publication_date: date
    judgment_date: date | None
    published_nature: str = ""
    family: str = ""
    court: str = ""
    complement: str = ""
    url: str = ""
    earlier_id: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()


def notices_of(record: Record) -> tuple[list[Notice], list[Problem]]:
    """The notices of a record, one per person; or why it gives none."""
    fields = record.fields
    published = parse_date(fields.get("dateparution") or fields.get("date_publication"))
    if published is None:
        shown = clean(fields.get("dateparution") or fields.get("date_publication"), 80)
        return [], [Problem(record.number, "publication_date", shown)]
    raw = fields.get("jugement")
    judgment = as_dict(raw)
    doubts: list[str] = []
    if raw not in (None, "", {}, []) and not judgment:
        doubts.append("judgment_unreadable")
    annulled = as_dict(fields.get("jugementannule") or judgment.get("jugementAnnule"))
    family = clean(
        fields.get("familleavis") or fields.get("familleavis_lib") or fields.get("type_annonce"), 120
    )
    published_nature = clean(judgment.get("nature") or annulled.get("nature"), 300)
    complement = clean(judgment.get("complementJugement") or judgment.get("complement"), 8_000)
    nature = classify(
        family=family,
        nature=published_nature,
        judgment_family=clean(judgment.get("famille"), 120),
        complement=complement,
    )
    persons = persons_of(fields)
    problems = []
    if len(persons) > MOST_PERSONS:
        problems.append(Problem(record.number, "too_many_persons", str(len(persons))))
        persons = persons[:MOST_PERSONS]
    if not any(person.name or person.siren or person.register_number for person in persons):
        return [], [Problem(record.number, "nobody_named")]
    judged = _judgment_date(judgment, published, doubts)
    facts, nature = facts_of(fields, nature)
    notice_id = _notice_id(fields, published, family, persons)
    kind = _notice_type(fields, judgment)
    earlier = _earlier_id(fields, judgment, notice_id)
    if kind != INITIAL and not earlier:
        doubts.append("earlier_missing")
    found = [
        Notice(
            number=record.number,
            notice_id=notice_id,
            person_rank=rank,
            person=person,
            nature=nature,
            notice_type=kind,
            publication_date=published,
            judgment_date=judged,
            published_nature=published_nature,
            family=clean(judgment.get("famille"), 120) or family,
            court=clean(fields.get("tribunal") or fields.get("greffe"), 160),
            complement=complement,
            url=_url(fields),
            earlier_id=earlier,
            facts=facts,
            doubts=tuple(dict.fromkeys((*doubts, *nature.doubts, *person.doubts))),
        )
        for rank, person in enumerate(persons, start=1)
    ]
    return found, problems


def _judgment_date(judgment: dict[str, Any], published: date, doubts: list[str]) -> date | None:
    """The day of the judgment; none, with a doubt, when it is unreadable or lies after its own publication."""
    if not judgment:
        return None
    text = judgment.get("date")
    judged = parse_date(text)
    if judged is None:
        doubts.append("judgment_date_unreadable" if clean(text) else "judgment_date_missing")
        return None
    if judged > published:
        doubts.append("judgment_after_publication")
        return None
    return judged


def _notice_type(fields: dict[str, Any], judgment: dict[str, Any]) -> str:
    for text in (fields.get("typeavis"), fields.get("typeavis_lib"), judgment.get("type")):
        words = fold(clean(text, 60))
        if "rectificatif" in words:
            return CORRECTION
        if "annulation" in words:
            return CANCELLATION
    return INITIAL


def _notice_id(fields: dict[str, Any], published: date, family: str, persons: list[Person]) -> str:
    text = clean(fields.get("id"), 60).upper()
    if _ID.fullmatch(text):
        return text
    built = _built_id(fields.get("publicationavis"), fields.get("parution"), fields.get("numeroannonce"))
    if built:
        return built
    if text:
        return text
    said = "|".join(
        [published.isoformat(), fold(family), *(f"{person.siren}:{fold(person.name)}" for person in persons)]
    )
    return "EXTRAIT-" + hashlib.sha256(said.encode()).hexdigest()[:32]


def _built_id(letter: Any, issue: Any, number: Any) -> str:
    """A, 20260099 and 1234 give A202600991234; empty when a part is missing."""
    letters = re.findall(r"\b[ABC]\b", clean(letter, 40).upper())
    digits = re.sub(r"\D", "", clean(issue, 20))
    rank = re.sub(r"\D", "", clean(number, 20))
    return f"{letters[-1]}{digits}{rank}"[:60] if letters and digits and rank else ""


def _earlier_id(fields: dict[str, Any], judgment: dict[str, Any], notice_id: str) -> str:
    """The notice that this one corrects or cancels, from `parutionavisprecedent` in its several spellings."""
    value = fields.get("parutionavisprecedent") or judgment.get("parutionAvisPrecedent")
    found = as_object(value)
    if isinstance(found, list):
        found = found[0] if found and isinstance(found[0], dict) else None
    if not isinstance(found, dict):
        text = clean(value, 60).upper()
        return text if _ID.fullmatch(text) else ""
    for name in ("id", "_id", "idAnnonce"):
        text = clean(found.get(name), 60).upper()
        if _ID.fullmatch(text):
            return text
    letter = found.get("nomPublication") or found.get("publicationAvis") or found.get("type") or notice_id[:1]
    issue = found.get("numeroParution") or found.get("parution")
    return _built_id(letter, issue, found.get("numeroAnnonce")) or _built_id(
        notice_id[:1], issue, found.get("numeroAnnonce")
    )


def _url(fields: dict[str, Any]) -> str:
    """The announcement's page; only an address of the web is kept."""
    url = clean(fields.get("url_complete"), 400)
    return url if re.match(r"https?://[^\s<>\"']+$", url) else ""
