"""Tables as files: CSV for French spreadsheets, and XLSX. Written row by row, whatever their length.

Text from outside never becomes a formula: in CSV an apostrophe is put before what a spreadsheet would compute,
in XLSX it is written as a string. Numbers stay numbers.
"""

import csv
import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from tempfile import TemporaryFile
from typing import IO, Any

import xlsxwriter
from django.http import FileResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import content_disposition_header

ROWS_PER_CHUNK = 500
BOM = "\ufeff"
# What starts a formula; a cell that a spreadsheet would trim to one of these is caught by the tab and line ends.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS_OF_A_SHEET = 1_048_576
LONGEST_TEXT_OF_A_CELL = 32_767

Row = Sequence[object]


class Kind(Enum):
    """What a column holds: str, Decimal, int, or date. None is an empty cell in each."""

    TEXT = "text"
    AMOUNT = "amount"
    INTEGER = "integer"
    DATE = "date"


@dataclass(frozen=True)
class Column:
    """`width` is in characters, for XLSX."""

    label: str
    kind: Kind = Kind.TEXT
    width: int = 0

    @property
    def shown_width(self) -> int:
        return self.width or {Kind.TEXT: 24, Kind.AMOUNT: 15, Kind.INTEGER: 10, Kind.DATE: 12}[self.kind]


def safe_text(text: str) -> str:
    """The text with an apostrophe before it when a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(DANGEROUS) else text


class _Echo:
    """A file for `csv.writer` that hands back what is written."""

    def write(self, text: str) -> str:
        return text


def csv_chunks(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[bytes]:
    """UTF-8 with BOM, semicolons, decimal commas, dates as 22/11/2026; the head at once, then rows by the hundred."""
    line: Callable[[Iterable[str]], str] = csv.writer(_Echo(), delimiter=";", lineterminator="\r\n").writerow
    yield (BOM + line(safe_text(column.label) for column in columns)).encode()
    kinds = [column.kind for column in columns]
    waiting: list[str] = []
    for row in rows:
        waiting.append(line(_csv_cell(kind, value) for kind, value in zip(kinds, row, strict=True)))
        if len(waiting) == ROWS_PER_CHUNK:
            yield "".join(waiting).encode()
            waiting.clear()
    if waiting:
        yield "".join(waiting).encode()


def _csv_cell(kind: Kind, value: object) -> str:
    if value is None:
        return ""
    if kind is Kind.AMOUNT:
        assert isinstance(value, Decimal)
        return f"{value:f}".replace(".", ",")
    if kind is Kind.DATE:
        assert isinstance(value, dt.date)
        return f"{value:%d/%m/%Y}"
    if kind is Kind.INTEGER:
        assert isinstance(value, int)
        return str(value)
    return safe_text(str(value))


def xlsx_file(columns: Sequence[Column], rows: Iterable[Row], title: str) -> IO[bytes]:
    """A workbook in a temporary file, rewound; past the length of a sheet it goes on in another."""
    target: IO[bytes] = TemporaryFile(suffix=".xlsx")  # noqa: SIM115  the response closes it
    book = xlsxwriter.Workbook(
        target,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    formats = {
        Kind.TEXT: None,
        Kind.AMOUNT: book.add_format({"num_format": "#,##0.00"}),
        Kind.INTEGER: book.add_format({"num_format": "#,##0"}),
        Kind.DATE: book.add_format({"num_format": "dd/mm/yyyy"}),
    }
    sheet: Any = None
    place = MOST_ROWS_OF_A_SHEET
    number = 0
    for row in _with_head(rows):
        if place == MOST_ROWS_OF_A_SHEET:
            number += 1
            sheet = book.add_worksheet(_sheet_name(title, number))
            sheet.freeze_panes(1, 1)
            for index, column in enumerate(columns):
                sheet.set_column(index, index, column.shown_width, formats[column.kind])
                sheet.write_string(0, index, column.label, head)
            place = 1
        if row is None:
            continue
        for index, (column, value) in enumerate(zip(columns, row, strict=True)):
            _write_cell(sheet, place, index, column.kind, value, formats[column.kind])
        place += 1
    book.close()
    target.seek(0)
    return target


def _with_head(rows: Iterable[Row]) -> Iterator[Row | None]:
    """The rows after a None, so that a table without rows still has its sheet and head."""
    yield None
    yield from rows


def _write_cell(sheet: Any, row: int, index: int, kind: Kind, value: object, form: Any) -> None:
    if value is None:
        return
    if kind is Kind.DATE:
        assert isinstance(value, dt.date)
        sheet.write_datetime(row, index, value, form)
    elif kind is Kind.TEXT:
        sheet.write_string(row, index, str(value)[:LONGEST_TEXT_OF_A_CELL])
    else:
        assert isinstance(value, (Decimal, int))
        sheet.write_number(row, index, value, form)


def _sheet_name(title: str, number: int) -> str:
    """At most 31 characters and none that a sheet's name may not hold."""
    kept = "".join(" " if letter in "[]:*?/\\'" else letter for letter in title).strip() or "1"
    return kept[:31] if number == 1 else f"{kept[:27]} {number}"


FORMATS = ("csv", "xlsx")


def export_response(
    file_format: str, *, name: str, title: str, columns: Sequence[Column], rows: Iterable[Row]
) -> HttpResponseBase:
    """The table as a download named `name`.csv or `name`.xlsx. The caller has checked the right and the scope.

    Raises ValueError for a format that is not of FORMATS.
    """
    if file_format == "csv":
        response: HttpResponseBase = StreamingHttpResponse(
            csv_chunks(columns, rows), content_type="text/csv; charset=utf-8"
        )
        response["Content-Disposition"] = content_disposition_header(True, f"{name}.csv") or "attachment"
    elif file_format == "xlsx":
        response = FileResponse(
            xlsx_file(columns, rows, title),
            as_attachment=True,
            filename=f"{name}.xlsx",
            content_type=XLSX_TYPE,
        )
    else:
        raise ValueError(file_format)
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def export_urls(name: str, query: QueryDict) -> dict[str, str]:
    """The addresses of a list's exports by format: `name` takes the format; the query keeps filters and order."""
    kept = query.copy()
    for parameter in ("cursor", "piece"):
        kept.pop(parameter, None)
    tail = f"?{kept.urlencode()}" if kept else ""
    return {file_format: f"{reverse(name, args=[file_format])}{tail}" for file_format in FORMATS}
