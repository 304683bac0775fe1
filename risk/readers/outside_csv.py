"""A table of accounts (a row per company and year, a column per cell of the tax return) or of ratings."""

import csv
import io
import unicodedata
from collections.abc import Iterator

from invoices.readers.errors import UnreadableFile
from risk.readers.public_services import read_rating_cells
from risk.readers.rows import FORMS, RATING, OutsideRow, is_cell

_DELIMITERS = ";,\t|"
_LONGEST_CELL = 400
# Names of columns as people write them -> ours.
_NAMES = {
    "siren": "siren", "client": "customer", "code client": "customer", "customer": "customer", "compte": "customer",
    "entite": "legal_entity", "legal_entity": "legal_entity", "cloture": "period_end", "date cloture": "period_end",
    "date de cloture": "period_end", "period_end": "period_end", "exercice": "period_end", "duree": "months",
    "mois": "months", "months": "months", "devise": "currency", "currency": "currency", "unite": "unit", "unit": "unit",
    "modele": "form", "form": "form", "nature": "basis", "basis": "basis", "publicite": "publicity",
    "publicity": "publicity", "echelle": "scale", "scale": "scale", "note": "value", "value": "value",
    "valeur": "value", "date": "rated_on", "date de la note": "rated_on", "rated_on": "rated_on",
    "validite": "valid_until", "valable jusqu'au": "valid_until", "valid_until": "valid_until",
    "reference": "reference",
}  # fmt: skip
_FORM_WORDS = {"2050": "NORMAL", "NORMALE": "NORMAL", "2033": "SIMPLIFIED", "SIMPLIFIEE": "SIMPLIFIED"}
_UNIT_WORDS = {"EUR": "1", "€": "1", "K€": "1000", "KEUR": "1000", "K": "1000", "M€": "1000000"}
_BASES = ("INDIVIDUAL", "CONSOLIDATED")
_PUBLICITIES = ("DEPOSITED", "CONFIDENTIAL", "NOT_DEPOSITED", "UNKNOWN")


def table_rows(text: str, limit: int) -> Iterator[OutsideRow]:
    """The rows of a table. Raises UnreadableFile: no head that says what it is, too many rows."""
    head = text[:20_000].splitlines()[0] if text.strip() else ""
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        names = next(reader)
    except (StopIteration, csv.Error):
        raise UnreadableFile("empty") from None
    columns = [_column(name) for name in names]
    is_rating = "scale" in columns
    if not is_rating and ("period_end" not in columns or not any(is_cell(name) for name in columns)):
        raise UnreadableFile("outside_head", head=", ".join(names)[:200])
    try:
        for count, cells in enumerate(reader, start=1):
            if count > limit:
                raise UnreadableFile("too_many_rows", limit=limit)
            if any(cell.strip() for cell in cells):
                yield _row(reader.line_num, columns, names, cells, is_rating)
    except csv.Error:
        raise UnreadableFile("csv_malformed", line=reader.line_num) from None


def fold(text: str) -> str:
    """Lower case, without accents, single spaces."""
    plain = unicodedata.normalize("NFKD", text.replace("’", "'"))
    return " ".join("".join(char for char in plain if not unicodedata.combining(char)).lower().split())


def _column(name: str) -> str:
    told = name.strip().lstrip("\ufeff")
    return (
        told.upper()
        if is_cell(told.upper())
        else _NAMES.get(fold(told), told if is_cell(told) else f"?{told}")
    )


def _row(line: int, columns: list[str], names: list[str], cells: list[str], is_rating: bool) -> OutsideRow:
    row = OutsideRow(line, what=RATING if is_rating else "STATEMENT", source="CSV")
    if len(cells) > len(columns):
        row.fail("TOO_MANY_CELLS", value=len(cells))
    given = {
        column: cell.strip().lstrip("'")[:_LONGEST_CELL] for column, cell in zip(columns, cells, strict=False)
    }
    row.set_siren(given.get("siren"))
    row.customer = given.get("customer", "")[:40]
    row.entity = given.get("legal_entity", "")[:20]
    if is_rating:
        read_rating_cells(row, given)
        return row
    form = fold(given.get("form", "")).upper()
    row.form = row.choice(_FORM_WORDS.get(form, form), "form", FORMS, _guessed_form(given))
    row.basis = row.choice(given.get("basis"), "basis", _BASES, "INDIVIDUAL")
    row.publicity = row.choice(given.get("publicity"), "publicity", _PUBLICITIES, "UNKNOWN")
    row.set_period_end(given.get("period_end"))
    row.months = row.whole(given.get("months"), "months", 12)
    unit = given.get("unit", "").upper()
    row.unit = row.whole(_UNIT_WORDS.get(unit, unit), "unit", 1)
    row.currency = (given.get("currency") or "EUR").upper()[:3]
    for column, name in zip(columns, names, strict=True):
        if column.startswith("?") and given.get(column):
            row.fail("COLUMN", name.strip())
        elif is_cell(column):
            row.set_amount(column, given.get(column))
    return row


def _guessed_form(given: dict[str, str]) -> str:
    filled = [code for code, value in given.items() if value and is_cell(code)]
    if filled and all(code.isdigit() for code in filled):
        return "SIMPLIFIED"
    return "KEY_FIGURES" if filled and all(code.islower() for code in filled) else "NORMAL"
