"""Which open items a line names: mentions of its text held against the numbers of candidates."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from invoices.matching.masks import reference_of
from invoices.matching.numbers import Strength
from invoices.matching.texts import CUES, Mention, Reading, read_text
from invoices.matching.values import Item, Line, Naming

# Four digits that nothing announces are likelier a year.
_YEAR = re.compile(r"19[89]\d|20[0-3]\d")


@dataclass(slots=True)
class LineReading:
    """What a line's texts say: free text, structured references, document references."""

    text: Reading
    references: list[str] = field(default_factory=list)

    def look_up_keys(self) -> set[str]:
        """What to look numbers up by, without leading zeros."""
        found = {mention.key for mention in self.text.mentions if not mention.other}
        for mention in self.text.ranges:
            found.update(str(number) for number in range(int(mention.key), int(mention.range_end) + 1))
        for reference in self.references:
            digits = re.sub("[^0-9]", "", reference).lstrip("0")
            if digits:
                found.add(digits)
        return found


def read_line(line: Line) -> LineReading:
    """Read all that a line says. An end-to-end reference that only counts is no text of the payer's."""
    end_to_end = (
        ""
        if re.fullmatch(r"(?i)\s*NOT ?PROVIDED\s*|[0-9A-F-]{24,}", line.end_to_end_id)
        else line.end_to_end_id
    )
    reading = read_text(" | ".join(part for part in (line.remittance, end_to_end) if part))
    references = [*reading.references]
    for given in (line.structured_reference, line.end_to_end_id, *line.documents):
        found = reference_of(given)
        if found:
            references.append(found)
    references += [_compact(number) for number in line.documents if not reference_of(number)]
    if line.structured_reference and not reference_of(line.structured_reference):
        references.append(_compact(line.structured_reference))
    return LineReading(reading, [reference for reference in dict.fromkeys(references) if reference])


def name_items(reading: LineReading, items: Iterable[Item]) -> list[Naming]:
    """The items that are named, each by its best mention; a weaker reading of the same place gives way."""
    by_key: dict[str, list[Mention]] = {}
    for mention in reading.text.mentions:
        by_key.setdefault(mention.key, []).append(mention)
    found: list[Naming] = []
    for item in items:
        best = _best(item, by_key, reading)
        if best is not None:
            found.append(best)
    return _undominated(found)


def looks_like_ours(reading: LineReading, namings: list[Naming], items: Iterable[Item]) -> list[str]:
    """Mentions that fit no open item and yet look like a document's number: announced, or shaped as ours are."""
    taken = [(naming.start, naming.end) for naming in namings]
    shapes = {(len(item.keys.digits), item.keys.digits[:2]) for item in items}
    tails = {len(item.keys.tail) for item in items if item.keys.tail}
    prefixes = {item.keys.prefix for item in items if item.keys.prefix}
    found: dict[tuple[int, int], str] = {}
    for mention in (*reading.text.mentions, *reading.text.ranges):
        if (
            mention.other
            or mention.noisy
            or any(mention.start < end and start < mention.end for start, end in taken)
        ):
            continue
        shaped = (len(mention.key), mention.key[:2]) in shapes or (
            mention.letters in prefixes and mention.letters
        )
        if (
            shaped
            or (mention.announced and len(mention.key) in tails)
            or (mention.announced and len(mention.key) >= 4)
        ):
            found.setdefault((mention.start, mention.end), mention.full)
    widest = [
        place
        for place in found
        if not any(o != place and o[0] <= place[0] and place[1] <= o[1] for o in found)
    ]
    texts = [found[place] for place in widest]
    texts += [
        reference
        for reference in reading.references
        if not any(
            naming.strength == Strength.REFERENCE and naming.written == reference for naming in namings
        )
        and any(character.isdigit() for character in reference)
    ]
    return texts[:5]


def _compact(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def _best(item: Item, by_key: dict[str, list[Mention]], reading: LineReading) -> Naming | None:
    keys = item.keys
    for reference in reading.references:
        if reference == keys.compact:
            return Naming(item, Strength.REFERENCE, reference, -1, -1)
    best: Naming | None = None
    for key in {keys.digits, keys.tail, keys.short} - {""}:
        for mention in by_key.get(key, ()):
            strength = _strength(item, mention)
            if strength and (best is None or _rank(strength, mention) > _rank_of(best)):
                best = Naming(item, strength, mention.full, mention.start, mention.end)
    if best is None and keys.tail:
        for mention in reading.text.ranges:
            if not mention.other and _inside(keys.tail, keys.digits, mention):
                return Naming(item, Strength.RANGE, mention.full, mention.start, mention.end)
    return best


def _strength(item: Item, mention: Mention) -> Strength:
    keys = item.keys
    whole = mention.full == keys.compact or (mention.letters == keys.prefix and mention.key == keys.digits)
    if whole and keys.prefix and not mention.derived:
        return Strength.NOISY if mention.noisy else Strength.FULL
    if mention.other or (mention.glued and not _letters_may_announce(mention, keys.prefix)):
        return Strength.NONE
    if mention.noisy:
        return Strength.NOISY
    if mention.derived:
        return Strength.TAIL
    if not mention.announced and _YEAR.fullmatch(mention.full):
        return Strength.NONE
    return Strength.DIGITS if mention.key == keys.digits and len(mention.key) >= 4 else Strength.TAIL


def _letters_may_announce(mention: Mention, prefix: str) -> bool:
    letters = mention.letters
    return (
        letters in CUES
        or letters == prefix
        or (len(prefix) > 1 and letters.endswith(prefix))
        or letters.endswith(("FACT", "FACTURE", "FAC", "INV", "NR", "NO", "RECHNUNG"))
    )


def _inside(tail: str, digits: str, mention: Mention) -> bool:
    first, last = int(mention.key), int(mention.range_end)
    return any(number.isdigit() and first <= int(number) <= last for number in (tail, digits))


def _rank(strength: Strength, mention: Mention) -> tuple[int, int]:
    return int(strength), mention.end - mention.start


def _rank_of(naming: Naming) -> tuple[int, int]:
    return int(naming.strength), naming.end - naming.start


def _undominated(found: list[Naming]) -> list[Naming]:
    """Where two readings of one place fit different numbers, the longer and stronger one is meant."""
    return [naming for naming in found if not any(_beats(other, naming) for other in found)]


def _beats(other: Naming, naming: Naming) -> bool:
    if Strength.REFERENCE in (other.strength, naming.strength) or other.item.number == naming.item.number:
        return False
    if naming.strength == Strength.RANGE:
        # « 2026-31 » is one number where such a number is open, and no range.
        return other.strength != Strength.RANGE and other.start <= naming.start and naming.end <= other.end
    if other.strength == Strength.RANGE or other.start >= naming.end or naming.start >= other.end:
        return False
    lengths = other.end - other.start, naming.end - naming.start
    return other.strength >= naming.strength and (lengths[0], other.strength) > (lengths[1], naming.strength)
