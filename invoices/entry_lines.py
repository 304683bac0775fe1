"""Accounting entries in the eighteen columns of the FEC (LPF A47 A-1), from values. Pure.

Dates are written AAAAMMJJ, amounts with a decimal comma and no thousands separator. Every entry balances.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

COLUMNS = (
    "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib", "CompAuxNum", "CompAuxLib",
    "PieceRef", "PieceDate", "EcritureLib", "Debit", "Credit", "EcritureLet", "DateLet", "ValidDate", "Montantdevise",
    "Idevise",
)  # fmt: skip
SEPARATORS = {"tab": "\t", "semicolon": ";"}
# What starts a formula in a spreadsheet.
_DANGEROUS = ("=", "+", "-", "@")
ZERO = Decimal("0.00")


class UnbalancedEntry(ValueError):
    """Debits and credits of an entry differ: a defect, never a choice."""


@dataclass(frozen=True)
class Line:
    """One side of an entry. `amount` is positive for a debit, negative for a credit."""

    account: str
    account_label: str
    amount: Decimal
    auxiliary: str = ""
    auxiliary_label: str = ""
    piece: str = ""
    piece_date: date | None = None
    letter: str = ""
    letter_date: date | None = None
    foreign_amount: Decimal | None = None
    foreign_currency: str = ""


@dataclass(frozen=True)
class Entry:
    journal: str
    journal_label: str
    number: str
    day: date
    label: str
    lines: Sequence[Line]

    @property
    def debit(self) -> Decimal:
        return sum((line.amount for line in self.lines if line.amount > 0), ZERO)


def written(entry: Entry) -> Iterable[list[str]]:
    """The rows of an entry. Raises UnbalancedEntry."""
    if sum((line.amount for line in entry.lines), ZERO) != 0:
        raise UnbalancedEntry(entry.number)
    for line in entry.lines:
        yield [
            entry.journal,
            _text(entry.journal_label),
            entry.number,
            _day(entry.day),
            line.account,
            _text(line.account_label),
            _text(line.auxiliary),
            _text(line.auxiliary_label),
            _text(line.piece or entry.number),
            _day(line.piece_date or entry.day),
            _text(entry.label),
            _amount(line.amount if line.amount > 0 else ZERO),
            _amount(-line.amount if line.amount < 0 else ZERO),
            line.letter,
            _day(line.letter_date) if line.letter and line.letter_date else "",
            "",
            "" if line.foreign_amount is None else _amount(line.foreign_amount),
            line.foreign_currency,
        ]


def reversed_entry(entry: Entry, number: str, day: date, label: str) -> Entry:
    """The same accounts on the other sides, without letters."""
    lines = [
        Line(
            account=line.account,
            account_label=line.account_label,
            amount=-line.amount,
            auxiliary=line.auxiliary,
            auxiliary_label=line.auxiliary_label,
            piece=line.piece,
            piece_date=line.piece_date,
            foreign_amount=None if line.foreign_amount is None else -line.foreign_amount,
            foreign_currency=line.foreign_currency,
        )
        for line in entry.lines
    ]
    return Entry(entry.journal, entry.journal_label, number, day, label, lines)


def _amount(value: Decimal) -> str:
    return f"{value:.2f}".replace(".", ",")


def _day(day: date) -> str:
    return f"{day:%Y%m%d}"


def _text(text: str) -> str:
    """On one line, without separators, and nothing that a spreadsheet would compute."""
    plain = " ".join(text.replace(";", ",").replace('"', "’").split())[:200]
    return f"'{plain}" if plain.startswith(_DANGEROUS) else plain
