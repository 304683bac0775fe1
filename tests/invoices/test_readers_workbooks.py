"""Workbooks in: what is understood, what is refused before it is opened."""

import io
import zipfile
from collections.abc import Callable
from datetime import date

import pytest
import xlsxwriter

from invoices.import_messages import row_message
from invoices.readers.limits import MIB
from tests.invoices.files import codes, read_rows, refused, xlsx_bytes


def test_a_workbook_with_dates_numbers_and_texts():
    content = xlsx_bytes(
        [
            [411001, 7001, "Facture", date(2026, 3, 31), date(2026, 4, 30), 0.1 + 0.2, 0.05, "EUR", "x"],
            ["C2", "F2", "Avoir", "31/03/2026", "", "1 234,50", "", "", ""],
        ]
    )
    head, rows = read_rows(content)
    assert (head["dialect"]["kind"], head["dialect"]["sheet"], head["total"]) == ("xlsx", "Factures", 2)
    assert rows[0]["errors"] == rows[1]["errors"] == []
    assert (rows[0]["customer_code"], rows[0]["number"]) == ("411001", "7001")
    assert (rows[0]["issue_date"], rows[0]["total_amount"], rows[0]["vat_amount"]) == (
        "2026-03-31",
        "0.30",
        "0.05",
    )
    assert rows[1]["total_amount"] == "-1234.50"


def test_a_workbook_with_a_title_blank_rows_and_a_hidden_first_sheet():
    rows = [["C1", "F1", "", date(2026, 3, 31), "", 5], [], [], ["C1", "F2", "", date(2026, 3, 31), "", 6]]
    head, found = read_rows(xlsx_bytes(rows, before=3, hidden_first=True))
    assert head["dialect"]["sheet"] == "Factures"
    assert [row["line"] for row in found] == [5, 8]


def test_what_is_wrong_in_a_workbook_is_said():
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet("Factures")
    sheet.write_row(0, 0, ["Code client", "Facture", "Date", "Montant TTC", "Échéance"])
    sheet.write_row(1, 0, ["C1", "F1", 46_000, 12.345])
    sheet.write_row(2, 0, ["C1", "F2", "31/03/2026"])
    sheet.write_formula(2, 3, "=1/0", None, "#DIV/0!")
    sheet.write_formula(2, 4, "=NA()", None, "#N/A")
    sheet.merge_range(3, 0, 4, 0, "C1")
    for line in (3, 4):
        sheet.write_row(line, 1, [f"G{line}", "31/03/2026", 1e14 if line == 3 else 2])
    book.close()
    _head, rows = read_rows(out.getvalue())
    assert codes(rows[0]) == [("issue_date", "date_is_number"), ("total_amount", "amount_decimals")]
    assert codes(rows[1]) == [("due_date", "cell_error"), ("total_amount", "cell_error")]
    assert "#DIV/0!" in row_message(rows[1]["errors"][1])
    assert codes(rows[2]) == [("total_amount", "amount_too_large")]
    assert codes(rows[3]) == [("customer_code", "required")]


def far_away_cells() -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet("Factures")
    sheet.write(0, 0, "Code client")
    sheet.write(1_048_575, 16_383, "loin")
    book.close()
    return out.getvalue()


def bomb(name: str = "xl/worksheets/sheet1.xml") -> bytes:
    """A small ZIP that unpacks to 300 MiB of zeros."""
    source = xlsx_bytes([["C1", "F1"]])
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(source)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            if entry != name:
                new.writestr(entry, old.read(entry))
        with new.open(name, "w") as part:
            for _ in range(300):
                part.write(bytes(MIB))
    return out.getvalue()


def zipped(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (lambda: far_away_cells(), "sheet_too_large"),
        (lambda: bomb(), "workbook_bomb"),
        (lambda: b"PK\x03\x04" + b"\x00" * 40, "workbook_broken"),
        (lambda: xlsx_bytes([["C1", "F1"]])[:3_000], "workbook_broken"),
        (lambda: zipped(readme_txt=b"bonjour"), "format_archive"),
        (
            lambda: zipped(mimetype=b"application/vnd.oasis.opendocument.spreadsheet", content_xml=b"<a/>"),
            "format_ods",
        ),
        (lambda: zipped(xl__workbook_bin=b"x"), "format_xlsb"),
        (lambda: zipped(xl__workbook_xml=b"<a/>"), "workbook_broken"),
        (lambda: xlsx_bytes([]), "no_rows"),
    ],
)
def test_workbooks_that_are_refused(content: Callable[[], bytes], code: str):
    assert refused(content()).code == code


def test_a_sheet_can_be_chosen():
    assert refused(xlsx_bytes([["C1"]]), sheet="Absente").code == "sheet_unknown"
