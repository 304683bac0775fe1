"""Excel workbooks in: the ZIP is checked before it is opened, then the first visible sheet with a header is read."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

import python_calamine

from invoices.readers.cells import Cell, CellError, cell_text
from invoices.readers.columns import Header, HeaderRule
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from invoices.readers.workbook_scan import check_archive, scan_sheet

Row = tuple[int, list[Cell]]


class XlsxFile:
    """One sheet of a workbook. Raises UnreadableFile when the file is no workbook or would not fit."""

    kind = "xlsx"
    encoding = ""
    delimiter = ""

    def __init__(
        self, stream: IO[bytes], limits: Limits, *, sheet: str = "", rule: HeaderRule | None = None
    ) -> None:
        self._stream = stream
        self._rule = rule or HeaderRule()
        self._limits = limits
        self._parts = check_archive(stream, limits)
        stream.seek(0)
        try:
            self._book = python_calamine.CalamineWorkbook.from_filelike(stream)
        except python_calamine.PasswordError:
            raise UnreadableFile("format_encrypted") from None
        except (python_calamine.CalamineError, OSError, ValueError) as error:
            raise UnreadableFile("workbook_broken", detail=str(error)[:200]) from None
        self.sheets = [
            item.name
            for item in self._book.sheets_metadata
            if item.visible == python_calamine.SheetVisibleEnum.Visible
            and item.typ == python_calamine.SheetTypeEnum.WorkSheet
        ]
        if not self.sheets:
            raise UnreadableFile("workbook_without_sheet")
        if sheet and sheet not in self.sheets:
            raise UnreadableFile("sheet_unknown", sheet=sheet, sheets=self.sheets[:20])
        self.sheet = sheet or self._first_with_header()
        self._open(self.sheet)

    def header(self) -> Header | None:
        """The header among the first rows of the sheet."""
        candidates = []
        for line, cells in self._rows(self._limits.header_search_lines):
            candidates.append(self._rule.read(line, [cell_text(cell) for cell in cells]))
            if self._rule.line == 0:
                break
        return self._rule.best(candidates)

    def rows(self) -> Iterator[Row]:
        """Every row that is not blank, with its number in the sheet, from 1."""
        return self._rows(None)

    def _first_with_header(self) -> str:
        """The first visible sheet that has every column we need; else the first one."""
        if len(self.sheets) > 1:
            for name in self.sheets[:20]:
                self._open(name)
                header = self.header()
                if header is not None and not header.missing:
                    return name
        return self.sheets[0]

    def _open(self, name: str) -> None:
        if name == getattr(self, "_opened", None):
            return
        part = self._parts.get(name)
        if part is None:
            raise UnreadableFile("workbook_broken", detail=name[:100])
        scan = scan_sheet(self._stream, part)
        if scan.columns * scan.lines > self._limits.sheet_cells:
            raise UnreadableFile("sheet_too_large", sheet=name, cell=scan.corner)
        if scan.columns > self._limits.columns:
            raise UnreadableFile(
                "too_many_columns",
                line=1,
                columns=scan.columns,
                limit=self._limits.columns,
            )
        self._sheet: Any = None  # the previous sheet's cells must go before the next ones come
        try:
            self._sheet = self._book.get_sheet_by_name(name)
        except (python_calamine.CalamineError, OSError, ValueError) as error:
            raise UnreadableFile("workbook_broken", detail=str(error)[:200]) from None
        self._failed = scan.failed
        self._opened = name

    def _rows(self, last: int | None) -> Iterator[Row]:
        start = self._sheet.start
        if start is None:
            return
        # The parser gives the rows from the top of the sheet, but the columns from the first that is used.
        left = [""] * start[1]
        failed = self._failed
        for line, values in enumerate(self._sheet.iter_rows(), 1):
            if last is not None and line > last:
                return
            cells: list[Cell] = [
                *left,
                *(value if type(value) is str else _cell(value) for value in values),
            ]
            if failed:
                for index in range(len(cells)):
                    text = failed.get((line, index + 1))
                    if text is not None:
                        cells[index] = CellError(text)
            if any(not isinstance(cell, str) or cell.strip() for cell in cells):
                yield line, cells


def _cell(value: Any) -> Cell:
    """A number becomes the shortest decimal that the binary float stands for; a date loses its hour."""
    if isinstance(value, bool):
        return "VRAI" if value else "FAUX"
    if isinstance(value, int | float):
        return Decimal(str(value))
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else str(value)
