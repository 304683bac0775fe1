"""The first rows of a table as they would be read: what a person maps columns by."""

import json
from collections.abc import Sequence
from itertools import islice
from typing import IO, Any

from invoices.readers.cells import cell_text
from invoices.readers.columns import Header, likely_header
from invoices.readers.detection import Habits
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from invoices.readers.profiles import Profile
from invoices.readers.staged import NULL, STAGED
from invoices.readers.tables import Reading, dialect_of, open_table, row_reader, see_habits
from invoices.readers.xlsx_file import XlsxFile

ROWS = 200
_CELL = 80


def take_sample(stream: IO[bytes], config: dict[str, Any]) -> dict[str, Any]:
    """Dialect, header and first rows, each with what is understood; of a file that cannot be opened, why."""
    try:
        return _sample(stream, config)
    except UnreadableFile as error:
        return {"error": error.code, "params": error.params}


def _sample(stream: IO[bytes], config: dict[str, Any]) -> dict[str, Any]:
    limits = Limits.from_json(config["limits"])
    options: dict[str, str] = config["options"]
    profile = Profile.from_json(config.get("profile"))
    rule = profile.header_rule(options)
    table = open_table(stream, limits, options, rule)
    header = table.header()
    if header is None:
        found = likely_header(
            (line, [cell_text(cell) for cell in cells])
            for line, cells in islice(table.rows(), limits.header_search_lines)
        )
        if found is None:
            raise UnreadableFile("empty")
        header = rule.read(*found)
    first = [
        (line, cells)
        for line, cells in islice(table.rows(), ROWS + limits.header_search_lines)
        if line > header.line
    ][:ROWS]
    habits = Habits()
    see_habits(habits, header, first)
    reading = Reading.settle(header, habits, options)
    reader = row_reader(table, header, reading, profile, config, limits)
    width = min(len(header.names), limits.columns)
    return {
        "dialect": dialect_of(table, header, reading),
        "sheets": table.sheets[:50] if isinstance(table, XlsxFile) else [],
        "missing": header.missing,
        "double": header.double,
        "lines": [line for line, _cells in first],
        "cells": [_shown(cells, width) for _line, cells in first],
        "rows": [_understood(reader.read(line, cells), header) for line, cells in first],
    }


def _shown(cells: Sequence[Any], width: int) -> list[str]:
    texts = [" ".join(cell_text(cell)[: _CELL * 2].split())[:_CELL] for cell in cells[:width]]
    return texts + [""] * (width - len(texts))


def _understood(line: str, header: Header) -> dict[str, Any]:
    """A row read, without what it lacks only because no column was named for it yet."""
    values: dict[str, Any] = {
        name: None if text == NULL else text.replace("\\\\", "\\")
        for name, text in zip(STAGED, line.rstrip("\n").split("\t"), strict=True)
    }
    del values["cells"]
    given = {*header.positions, *header.constants}
    errors = json.loads(values["errors"] or "[]")
    values["errors"] = [
        error
        for error in errors
        if error["code"] != "required" or error["column"] in given or error["column"] not in header.missing
    ]
    values["details"] = json.loads(values["details"] or "{}")
    return values
