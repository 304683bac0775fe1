"""Reading a CSV file of worked cases: facts beside the result that is expected of a rule."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _


class CaseFileError(ValueError):
    """The file cannot be read as a whole; the message says what to change."""


@dataclass(frozen=True)
class WorkedCase:
    """One row of the file: `line` is its line number there, `fields` its cells by column name.

    `problem` says why the row as a whole cannot be trusted (more cells than columns); empty when it can.
    """

    line: int
    fields: dict[str, str]
    problem: str = ""

    def text(self, column: str) -> str:
        """The cell, without surrounding spaces; empty when the file has no such column."""
        return self.fields.get(column, "")

    @property
    def name(self) -> str:
        return self.text("id") or _("ligne %(line)d") % {"line": self.line}


def read_case_file(path: Path, required: Sequence[str]) -> list[WorkedCase]:
    """The rows of a file. Raises CaseFileError when it cannot be opened or lacks a column."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CaseFileError(
            _("Impossible de lire « %(path)s » : %(error)s.") % {"path": path, "error": error.strerror}
        ) from None
    return read_cases(data, required)


def read_cases(data: bytes, required: Sequence[str]) -> list[WorkedCase]:
    """The rows of a CSV: comma, semicolon or tab, UTF-8 or Windows-1252, columns in any order."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    head = text.split("\n", 1)[0]
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=max(",;\t", key=head.count),
        strict=True,
    )
    cases: list[WorkedCase] = []
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        missing = [name for name in required if name not in header]
        if missing:
            raise CaseFileError(
                _("Ligne 1 : colonnes absentes : %(columns)s.") % {"columns": ", ".join(missing)}
            )
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                problem = ""
                if len(cells) > len(header):
                    problem = _("%(count)d cellules pour %(columns)d colonnes.") % {
                        "count": len(cells),
                        "columns": len(header),
                    }
                padded = cells + [""] * (len(header) - len(cells))
                fields = {name: cell.strip() for name, cell in zip(header, padded, strict=False)}
                cases.append(WorkedCase(line, fields, problem))
            line = reader.line_num + 1
    except csv.Error as error:
        raise CaseFileError(
            _("Ligne %(line)d : ce n’est pas un fichier CSV (%(error)s).")
            % {"line": reader.line_num, "error": error}
        ) from None
    return cases
