"""The accounting-entry file (FEC) as lines of entries: separator, encoding, columns, amounts in cents.

Source: article A47 A-1 of the Livre des procédures fiscales: 18 columns in order, tab or bar, AAAAMMJJ, decimal
comma; `Montant` and `Sens` may stand for `Debit` and `Credit`; files of professions that keep cash books have four
columns more.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import IO

from core.calendar import DateError, parse_french_date
from invoices.readers.bank.text import encoding_of, text_lines
from invoices.readers.columns import simplify
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits

COLUMNS = (
    "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib", "CompAuxNum", "CompAuxLib",
    "PieceRef", "PieceDate", "EcritureLib", "Debit", "Credit", "EcritureLet", "DateLet", "ValidDate", "Montantdevise",
    "Idevise",
)  # fmt: skip
_OTHER_NAMES = {
    "JournalCode": ("code_jrnl", "Code journal"),
    "JournalLib": ("lib_jrnl", "Libellé journal"),
    "EcritureNum": ("num_ecr", "Numéro écriture", "N° écriture"),
    "EcritureDate": ("date_cpt", "Date écriture", "Date comptable"),
    "CompteNum": ("num_cpte_gen", "Numéro compte", "N° compte"),
    "CompteLib": ("lib_cpte_gen", "Libellé compte"),
    "CompAuxNum": ("num_cpt_aux", "CompteAuxNum", "N° compte auxiliaire"),
    "CompAuxLib": ("lib_cpt_aux", "CompteAuxLib", "Libellé compte auxiliaire"),
    "PieceRef": ("num_piece", "Référence pièce", "N° pièce"),
    "PieceDate": ("date_piece", "Date pièce"),
    "EcritureLib": ("lib_ecriture", "Libellé écriture", "Libellé"),
    "Debit": ("mtn_debit", "Débit"),
    "Credit": ("mtn_credit", "Crédit"),
    "EcritureLet": ("code_lettrage", "Lettrage", "Let"),
    "DateLet": ("date_lettrage", "Date lettrage"),
    "ValidDate": ("valid_date", "Date validation"),
    "Montantdevise": ("mtn_devise", "Montant devise"),
    "Idevise": ("idevise", "Devise"),
    "Montant": ("Amount",),
    "Sens": (),
}
_KNOWN = {simplify(name): name for name in (*COLUMNS, *_OTHER_NAMES)} | {
    simplify(other): name for name, others in _OTHER_NAMES.items() for other in others
}
_NEEDED = ("JournalCode", "EcritureNum", "EcritureDate", "CompteNum", "PieceRef", "EcritureLib")
_DELIMITERS = ("\t", "|", ";")
_AMOUNT = re.compile(r"([+-]?)([0-9]{0,13})(?:[.,]([0-9]{0,6}))?([+-]?)")
_COMPACT_DATE = re.compile("[0-9]{8}")
_MOST_COLUMNS = 64
_MOST_DAYS = 20_000


@dataclass(frozen=True, slots=True)
class FecColumns:
    names: tuple[str, ...]
    at: dict[str, int]

    def cell(self, cells: list[str], name: str) -> str:
        index = self.at.get(name, -1)
        return cells[index] if 0 <= index < len(cells) else ""


class FecFile:
    """A FEC, to go through as often as needed. Raises UnreadableFile when its header is not one."""

    def __init__(self, stream: IO[bytes], limits: Limits, options: dict[str, str]) -> None:
        self._stream = stream
        self._limits = limits
        self._imposed = options.get("encoding", "")
        self.encoding = encoding_of(stream, self._imposed).removesuffix("-sig")
        number, first = next(((line, text) for line, text in self._texts() if text.strip()), (0, ""))
        if not number:
            raise UnreadableFile("empty")
        self._header_line = number
        self.delimiter = max(_DELIMITERS, key=first.count)
        names = _split(first, self.delimiter)
        if len(names) < 13 or len(names) > _MOST_COLUMNS:
            raise UnreadableFile("fec_header", line=number, found=[name[:40] for name in names[:20]])
        self.columns = _columns(names, number)

    def lines(self) -> Iterator[tuple[int, list[str]]]:
        """The lines below the header that are not blank, cell by cell."""
        least = max(self.columns.at[name] for name in ("EcritureDate", "CompteNum", "EcritureLib"))
        for count, (line, text) in enumerate(self._texts()):
            if line <= self._header_line or not text.strip():
                continue
            if count > self._limits.rows + self._header_line:
                raise UnreadableFile("too_many_rows", limit=self._limits.rows)
            cells = _split(text, self.delimiter)
            if len(cells) <= least or len(cells) > _MOST_COLUMNS:
                raise UnreadableFile(
                    "fec_cells", line=line, cells=len(cells), columns=len(self.columns.names)
                )
            yield line, cells

    def _texts(self) -> Iterator[tuple[int, str]]:
        return text_lines(self._stream, self._limits, self._imposed)

    def sides(self, line: int, cells: list[str]) -> tuple[int, int]:
        """Debit and credit in cents. Raises UnreadableFile with the line and the column."""
        columns = self.columns
        if "Montant" in columns.at and "Debit" not in columns.at:
            amount = cents(columns.cell(cells, "Montant"), line, "Montant")
            side = columns.cell(cells, "Sens").strip().upper()
            if side in ("D", "+1", "1", "DEBIT", "DÉBIT"):
                return amount, 0
            if side in ("C", "-1", "CREDIT", "CRÉDIT"):
                return 0, abs(amount) if side == "-1" else amount
            raise UnreadableFile("fec_side", line=line, column="Sens", value=side[:20])
        return (
            cents(columns.cell(cells, "Debit"), line, "Debit"),
            cents(columns.cell(cells, "Credit"), line, "Credit"),
        )


def _split(text: str, delimiter: str) -> list[str]:
    cells = text.split(delimiter)
    # Some packages put every cell in quotes, which the text forbids but which costs nothing to take.
    if text.startswith('"'):
        cells = [cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell for cell in cells]
    return cells


def _columns(names: list[str], line: int) -> FecColumns:
    at: dict[str, int] = {}
    for index, name in enumerate(names):
        known = _KNOWN.get(simplify(name))
        if known is not None:
            at.setdefault(known, index)
    amounts = {"Debit", "Credit"} <= set(at) or {"Montant", "Sens"} <= set(at)
    if len(at) < 4 and 18 <= len(names) <= 22 and not _COMPACT_DATE.fullmatch(names[3].strip()):
        # Other names, but the 18 columns of the law: their order counts.
        at = {name: index for index, name in enumerate(COLUMNS)}
        amounts = True
    missing = [name for name in _NEEDED if name not in at]
    if not amounts:
        missing.append("Debit, Credit")
    if missing:
        raise UnreadableFile(
            "fec_columns",
            line=line,
            lacking=", ".join(missing),
            found=[name.strip()[:40] for name in names[:24]],
        )
    return FecColumns(tuple(name.strip()[:60] for name in names), at)


def cents(text: str, line: int, column: str) -> int:
    """An amount in whole cents; empty is zero. Raises UnreadableFile when it is no amount."""
    text = text.strip().replace("\u00a0", "").replace("\u202f", "").replace(" ", "")
    if not text:
        return 0
    found = _AMOUNT.fullmatch(text)
    if found is None or not (found[2] or found[3]) or (found[1] and found[4]):
        raise UnreadableFile("fec_amount", line=line, column=column, value=text[:30])
    fraction = (found[3] or "").rstrip("0")
    if len(fraction) > 2:
        raise UnreadableFile("fec_amount", line=line, column=column, value=text[:30])
    amount = int(found[2] or 0) * 100 + int((fraction + "00")[:2])
    return -amount if "-" in (found[1], found[4]) else amount


class Days:
    """Dates of the file, each read once."""

    def __init__(self) -> None:
        self._known: dict[str, date | None] = {}

    def read(self, text: str) -> date | None:
        """AAAAMMJJ, or another usual way; None when it is no date."""
        text = text.strip()
        if text in self._known:
            return self._known[text]
        day: date | None = None
        try:
            day = parse_french_date(text) if text else None
        except DateError:
            pass
        if len(self._known) < _MOST_DAYS:
            self._known[text] = day
        return day
