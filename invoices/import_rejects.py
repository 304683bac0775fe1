"""The rows in error as the person's own file, with what is wrong beside them: correct, upload again."""

import re
import tempfile
from datetime import date
from decimal import Decimal
from typing import IO, Any

import xlsxwriter
from django.utils.translation import gettext as _

from core.calendar import DateError, parse_french_date
from invoices.imports import errors_of, rejects_csv
from invoices.models import ImportBatch, ImportRow

__all__ = ["rejects_csv", "rejects_xlsx"]

_CHUNK = 2_000
_LONGEST_CELL = 32_767
# As `cell_text` writes the numbers and dates of a workbook; a code with leading zeros stays a text.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:,[0-9]{1,6})?")
_DAY = re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4}")


def rejects_xlsx(batch: ImportBatch) -> IO[bytes]:
    """A workbook of the rows in error, made on disk row by row; at its start, to be read and closed.

    Numbers and dates are numbers and dates again, so that the corrected file is read as the first one was.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115 - handed over open
    book = xlsxwriter.Workbook(file, {"constant_memory": True, "default_date_format": "dd/mm/yyyy"})
    sheet = book.add_worksheet(_("Rejets"))
    bold, wrong = book.add_format({"bold": True}), book.add_format({"font_color": "#9C0006"})
    headers = [str(name) for name in batch.dialect.get("headers", [])]
    width = len(headers)
    for column, name in enumerate([*headers, _("Ligne du fichier"), _("Erreurs")]):
        sheet.write_string(0, column, name[:_LONGEST_CELL], bold)
    names = batch.dialect.get("columns", {})
    rows = batch.rows.filter(outcome=ImportRow.Outcome.ERROR).order_by("line").only("line", "cells", "errors")
    for place, row in enumerate(rows.iterator(chunk_size=_CHUNK), 1):
        for column, cell in enumerate(row.cells[:width]):
            _write(sheet, place, column, str(cell))
        sheet.write_number(place, width, row.line)
        said = " | ".join(
            _("%(label)s : %(value)s") % {"label": error.column, "value": error.message}
            for error in errors_of(row, names)
        )
        sheet.write_string(place, width + 1, said[:_LONGEST_CELL], wrong)
    sheet.freeze_panes(1, 0)
    book.close()
    file.seek(0)
    return file


def _write(sheet: Any, row: int, column: int, text: str) -> None:
    if not text:
        return
    if _NUMBER.fullmatch(text):
        # A spreadsheet's own number, which is binary: fifteen digits come back as they went.
        sheet.write_number(row, column, Decimal(text.replace(",", ".")))
    elif _DAY.fullmatch(text) and (day := _day(text)) is not None:
        sheet.write_datetime(row, column, day)
    else:
        sheet.write_string(row, column, text[:_LONGEST_CELL])


def _day(text: str) -> date | None:
    try:
        return parse_french_date(text)
    except DateError:
        return None
