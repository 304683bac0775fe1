"""Files of items for tests: made in memory, read without or with the child process."""

import io
import json
from datetime import date
from typing import Any

import pytest
import xlsxwriter

from invoices.import_messages import file_message
from invoices.readers.child import read
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from invoices.readers.staged import STAGED

TODAY = date(2026, 11, 23)
HEADER = ("Code client", "N° facture", "Type", "Date facture", "Date d'échéance", "Montant TTC", "TVA", "Devise", "Référence")  # fmt: skip


def csv_bytes(
    *rows: str, header: str = ";".join(HEADER), encoding: str = "utf-8", end: str = "\r\n"
) -> bytes:
    return end.join([header, *rows, ""]).encode(encoding)


def xlsx_bytes(rows: list[list[Any]], *, before: int = 0, hidden_first: bool = False) -> bytes:
    """A workbook with the usual header; dates, numbers and texts as given."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "dd/mm/yyyy"})
    if hidden_first:
        notes = book.add_worksheet("Notes")
        notes.write(0, 0, "brouillon")
    sheet = book.add_worksheet("Factures")
    if hidden_first:
        sheet.activate()
        sheet.set_first_sheet()
        notes.hide()
    sheet.write_row(before, 0, HEADER)
    for index, row in enumerate(rows, before + 1):
        for column, value in enumerate(row):
            sheet.write(index, column, value)
    book.close()
    return out.getvalue()


def read_rows(
    content: bytes, *, limits: Limits | None = None, **options: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The head and the rows, as the child would write them. Raises UnreadableFile."""
    out = io.StringIO()
    config = {
        "limits": (limits or Limits()).as_json(),
        "options": options,
        "currency": "EUR",
        "today": TODAY.isoformat(),
    }
    read(io.BytesIO(content), out, config)
    head, *lines = out.getvalue().split("\n")
    rows = [
        dict(zip(STAGED, map(_plain, line.split("\t")), strict=True)) for line in lines if line[:1].isdigit()
    ]
    for row in rows:
        row["line"] = int(row["line"])
        row["cells"] = json.loads(row["cells"])
        row["errors"] = json.loads(row["errors"] or "[]")
    return json.loads(head), rows


def read_row(*cells: str, **options: str) -> dict[str, Any]:
    """One row under the usual header."""
    _head, rows = read_rows(csv_bytes(";".join(cells)), **options)
    return rows[0]


def refused(content: bytes, limits: Limits | None = None, **options: str) -> UnreadableFile:
    """The refusal of a file, whose message must be complete."""
    with pytest.raises(UnreadableFile) as caught:
        read_rows(content, limits=limits, **options)
    assert "%(" not in file_message(caught.value.code, caught.value.params)
    return caught.value


def codes(row: dict[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with a row: (column, code)."""
    return [(error["column"], error["code"]) for error in row["errors"]]


def _plain(text: str) -> str | None:
    if text == "\\N":
        return None
    return text.replace("\\\\", "\\")
