"""Which new lines are movements that another kind of notice, or another format, has already told. Pure.

Inside one series (the account's statements of one kind and format) movements are recognised by fingerprint. Two
series may write the same movement with other references and other words: here they are compared by what they say.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from invoices.bank_fingerprints import normal_text


@dataclass(frozen=True)
class Movement:
    """A line as far as it is compared. `told_by` names the series that have told it: its own, and those of its repeats."""

    pk: int
    account_id: int
    booking_date: date
    amount: Decimal
    told_by: frozenset[str]
    end_to_end_id: str = ""
    structured_reference: str = ""
    counterparty_iban: str = ""
    counterparty_name: str = ""
    remittance: str = ""


Sign = Callable[[Movement], str]
# What two series may both say of a payment, the surest first. The first three contradict when they differ.
_SIGNS: tuple[Sign, ...] = (
    lambda line: line.end_to_end_id.strip().upper(),
    lambda line: line.structured_reference.strip().upper(),
    lambda line: line.counterparty_iban,
    lambda line: normal_text(line.remittance),
    lambda line: normal_text(line.counterparty_name),
)
_CONTRADICTING = _SIGNS[:3]


def repeats(new: Iterable[Movement], known: Iterable[Movement]) -> dict[int, int]:
    """The new lines that repeat a known movement: {new line: known line}.

    A series tells each movement once, so a known movement is only taken by a series that has not told it yet. Lines
    of the same account, day and amount are joined by a common sign; those that no sign joins, only when as many
    remain on both sides, and none that contradicts the other.
    """
    known_of: dict[tuple[int, date, Decimal], list[Movement]] = defaultdict(list)
    for line in known:
        known_of[line.account_id, line.booking_date, line.amount].append(line)
    groups: dict[tuple[int, date, Decimal, frozenset[str]], list[Movement]] = defaultdict(list)
    for line in new:
        groups[line.account_id, line.booking_date, line.amount, line.told_by].append(line)
    found: dict[int, int] = {}
    for (account_id, day, amount, series), lines in groups.items():
        candidates = [
            line for line in known_of.get((account_id, day, amount), []) if not series & line.told_by
        ]
        found.update(_joined(lines, candidates))
    return found


def _joined(new: list[Movement], known: list[Movement]) -> dict[int, int]:
    found: dict[int, int] = {}
    for sign in _SIGNS:
        waiting: dict[str, list[Movement]] = defaultdict(list)
        for line in known:
            if sign(line):
                waiting[sign(line)].append(line)
        rest: list[Movement] = []
        for line in new:
            same = waiting.get(sign(line), [])
            match = next((other for other in same if not contradict(line, other)), None)
            if match is None:
                rest.append(line)
            else:
                same.remove(match)
                found[line.pk] = match.pk
        taken = set(found.values())
        new, known = rest, [line for line in known if line.pk not in taken]
    if len(new) == len(known) and not any(contradict(one, other) for one in new for other in known):
        found.update({one.pk: other.pk for one, other in zip(new, known, strict=True)})
    return found


def contradict(one: Movement, other: Movement) -> bool:
    """Whether both give a reference or an account, and not the same one."""
    return any(sign(one) and sign(other) and sign(one) != sign(other) for sign in _CONTRADICTING)


@dataclass(frozen=True)
class Booking:
    """An entry of an account: one line, or the lines of its transactions, `amount` being their sum."""

    statement_id: int
    entry_rank: int
    account_id: int
    booking_date: date
    kind: str
    amount: Decimal
    lines: int
    first_id: int


def same_bookings(fresh: Iterable[Booking], told: Iterable[Booking]) -> list[tuple[Booking, Booking]]:
    """The new bookings that another kind of notice has told: same account, day and sum, each told one taken once."""
    waiting: dict[tuple[int, date, Decimal], list[Booking]] = defaultdict(list)
    for one in told:
        waiting[one.account_id, one.booking_date, one.amount].append(one)
    pairs = []
    for one in fresh:
        candidates = waiting.get((one.account_id, one.booking_date, one.amount), [])
        match = next((other for other in candidates if other.kind != one.kind), None)
        if match is not None:
            candidates.remove(match)
            pairs.append((one, match))
    return pairs
