"""Tables as files: what a French spreadsheet reads, and what it must never compute."""

import csv
import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from zipfile import ZipFile

import pytest
from python_calamine import CalamineWorkbook

from core import exports
from core.exports import Column, Kind, csv_chunks, export_response, safe_text, xlsx_file

COLUMNS = [
    Column("Client"),
    Column("Encours", Kind.AMOUNT),
    Column("Jours", Kind.INTEGER),
    Column("Échéance", Kind.DATE),
]
HOSTILE = [
    '=HYPERLINK("http://example.test";"x")',
    "+33 1 02 03 04 05",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
]


def read_back(rows: list[tuple[object, ...]]) -> list[list[str]]:
    text = b"".join(csv_chunks(COLUMNS, rows)).decode("utf-8")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";"))


def test_csv_is_what_a_french_spreadsheet_reads() -> None:
    written = b"".join(csv_chunks(COLUMNS, [("Énergie ; Fils", Decimal("-1234.50"), 12, date(2026, 11, 22))]))
    assert written.decode("utf-8") == (
        '\ufeffClient;Encours;Jours;Échéance\r\n"Énergie ; Fils";-1234,50;12;22/11/2026\r\n'
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_csv_text_never_starts_a_formula(text: str) -> None:
    assert read_back([(text, Decimal("1.00"), 1, None)])[1][0] == f"'{text}"


def test_csv_head_never_starts_a_formula() -> None:
    assert b"".join(csv_chunks([Column("=1+1")], [])).decode("utf-8") == "\ufeff'=1+1\r\n"


def test_csv_negative_numbers_stay_numbers_and_plain_text_is_untouched() -> None:
    assert read_back([("Dupont & Fils - Lyon", Decimal("-0.01"), -3, None)])[1] == [
        "Dupont & Fils - Lyon",
        "-0,01",
        "-3",
        "",
    ]
    assert safe_text("") == ""


def test_csv_rows_are_consumed_as_they_are_sent() -> None:
    consumed = 0

    def rows() -> Iterator[tuple[object, ...]]:
        nonlocal consumed
        for number in range(exports.ROWS_PER_CHUNK * 3):
            consumed += 1
            yield (str(number), Decimal(number), number, None)

    chunks = csv_chunks(COLUMNS, rows())
    assert next(chunks).startswith(b"\xef\xbb\xbfClient") and consumed == 0
    next(chunks)
    assert consumed == exports.ROWS_PER_CHUNK
    assert sum(chunk.count(b"\r\n") for chunk in chunks) == exports.ROWS_PER_CHUNK * 2


def test_xlsx_keeps_numbers_dates_and_hostile_text_as_text() -> None:
    rows = [(text, Decimal("-1234.56"), 7, date(2026, 11, 22)) for text in HOSTILE]
    with xlsx_file(COLUMNS, [*rows, ("http://example.test", None, None, None)], "Balance âgée") as file:
        content = file.read()
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert book.sheet_names == ["Balance âgée"]
    table = book.get_sheet_by_index(0).to_python()
    assert table[0] == ["Client", "Encours", "Jours", "Échéance"]
    assert [row[0] for row in table[1:-1]] == HOSTILE
    assert table[1][1:] == [-1234.56, 7.0, date(2026, 11, 22)]
    assert table[-1][0] == "http://example.test"
    sheet = ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "hyperlink" not in sheet


def test_xlsx_without_rows_has_its_head() -> None:
    with xlsx_file(COLUMNS, [], "Rien") as file:
        table = CalamineWorkbook.from_filelike(io.BytesIO(file.read())).get_sheet_by_index(0).to_python()
    assert table == [["Client", "Encours", "Jours", "Échéance"]]


def test_xlsx_goes_on_in_another_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MOST_ROWS_OF_A_SHEET", 3)
    with xlsx_file([Column("N", Kind.INTEGER)], [(number,) for number in range(5)], "Balance [a/b]") as file:
        book = CalamineWorkbook.from_filelike(io.BytesIO(file.read()))
    assert book.sheet_names == ["Balance  a b", "Balance  a b 2", "Balance  a b 3"]
    assert [book.get_sheet_by_index(index).to_python()[1:] for index in range(3)] == [
        [[0.0], [1.0]],
        [[2.0], [3.0]],
        [[4.0]],
    ]


def test_xlsx_text_longer_than_a_cell_is_cut() -> None:
    with xlsx_file([Column("Texte")], [("x" * 40_000,)], "T") as file:
        table = CalamineWorkbook.from_filelike(io.BytesIO(file.read())).get_sheet_by_index(0).to_python()
    assert len(table[1][0]) == exports.LONGEST_TEXT_OF_A_CELL


@pytest.mark.parametrize(
    ("file_format", "content_type"),
    [("csv", "text/csv; charset=utf-8"), ("xlsx", exports.XLSX_TYPE)],
)
def test_download_names_itself(file_format: str, content_type: str) -> None:
    response = export_response(file_format, name="balance-agee", title="Balance", columns=COLUMNS, rows=[])
    assert response["Content-Type"] == content_type
    assert response["Content-Disposition"] == f'attachment; filename="balance-agee.{file_format}"'
    assert response["Cache-Control"] == "private, no-store"


def test_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="pdf"):
        export_response("pdf", name="x", title="x", columns=COLUMNS, rows=[])
