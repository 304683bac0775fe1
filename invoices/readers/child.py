"""The process that reads one untrusted file: `python -m invoices.readers.child JSON <file >rows`.

Standard output: one JSON line (dialect, number of rows), the rows in COPY text format, one last line that
starts with `!`: how it ended. The parent is `invoices.readers.process`.
"""

import io
import json
import os
import sys
from collections.abc import Iterable
from datetime import date
from importlib import import_module
from itertools import islice
from typing import IO, Any

from django.conf import settings

from invoices.readers.cells import cell_text
from invoices.readers.columns import Header
from invoices.readers.confinement import confine
from invoices.readers.csv_file import CsvFile
from invoices.readers.detection import Habits, container
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from invoices.readers.rows import RowReader
from invoices.readers.staged import RowSource, copy_line
from invoices.readers.xlsx_file import XlsxFile

# (subject, format) -> the function that opens such a file: `(stream, config) -> RowSource`. Tables of items have
# their own, faster way.
SOURCES = {
    ("ITEMS", "FEC"): "invoices.readers.fec:open_fec",
    ("ITEMS", "EINVOICE"): "invoices.readers.einvoices:open_einvoices",
    ("ITEMS", "JSON_LINES"): "invoices.readers.json_lines:open_json_lines",
    ("CUSTOMERS", "TABLE"): "invoices.readers.customer_rows:open_customers",
}
_BATCH = 500
_ENOUGH_VOTES = 5_000


def open_table(stream: IO[bytes], limits: Limits, options: dict[str, str]) -> CsvFile | XlsxFile:
    """The reader that the bytes call for, whatever the file is called."""
    stream.seek(0)
    head = stream.read(4096)
    if not head.strip():
        raise UnreadableFile("empty")
    if container(head) == "zip":
        return XlsxFile(stream, limits, sheet=options.get("sheet", ""))
    return CsvFile(
        stream,
        limits,
        encoding=options.get("encoding", ""),
        delimiter=options.get("delimiter", ""),
    )


def settle_header(table: CsvFile | XlsxFile) -> Header:
    """The header, or the refusal that says which columns are missing and which were found."""
    header = table.header()
    if header is None:
        first = next(iter(table.rows()), None)
        if first is None:
            raise UnreadableFile("empty")
        found = [cell_text(cell)[:60] for cell in first[1][:20]]
        raise UnreadableFile("header_missing", line=first[0], found=found)
    if header.missing:
        found = [name[:60] for name in header.names[:40] if name]
        raise UnreadableFile("columns_missing", line=header.line, missing=header.missing, found=found)
    if header.double is not None:
        raise UnreadableFile("column_double", line=header.line, name=header.double)
    return header


def look_through(table: CsvFile | XlsxFile, header: Header, limits: Limits) -> tuple[int, Habits]:
    """First pass: how many rows there are, and how they write decimals and dates."""
    habits = Habits()
    amounts = [header.positions[name] for name in ("total_amount", "vat_amount") if name in header.positions]
    dates = [header.positions[name] for name in ("issue_date", "due_date") if name in header.positions]
    seen: set[str] = set()
    count, sure = 0, False
    for line, cells in table.rows():
        if line <= header.line:
            continue
        count += 1
        if count > limits.rows:
            raise UnreadableFile("too_many_rows", limit=limits.rows)
        for index in amounts:
            if not sure and index < len(cells) and type(text := cells[index]) is str and text:
                habits.see_amount(text)
                sure = habits.decimals.total() >= _ENOUGH_VOTES
        for index in dates:
            if index < len(cells) and type(text := cells[index]) is str and text not in seen:
                habits.see_date(text)
                if len(seen) < 20_000:
                    seen.add(text)
    if not count:
        raise UnreadableFile("no_rows", line=header.line)
    return count, habits


def read(stream: IO[bytes], out: IO[str], config: dict[str, Any]) -> int:
    """Write the whole answer; the number of rows written."""
    reader = SOURCES.get((config.get("subject", "ITEMS"), config.get("format", "TABLE")))
    if reader is None:
        return read_table(stream, out, config)
    module, function = reader.split(":")
    source: RowSource = getattr(import_module(module), function)(stream, config)
    out.write(json.dumps({"dialect": source.dialect, "total": source.total}) + "\n")
    out.flush()
    done = 0
    for row in source.rows():
        out.write(copy_line(row))
        done += 1
    if not done:
        raise UnreadableFile("no_rows", line=1)
    out.write("!" + json.dumps({"rows": done, "repeated_headers": 0}) + "\n")
    return done


def read_table(stream: IO[bytes], out: IO[str], config: dict[str, Any]) -> int:
    """A table of items: two passes, the first one for its habits."""
    limits = Limits.from_json(config["limits"])
    options: dict[str, str] = config["options"]
    table = open_table(stream, limits, options)
    header = settle_header(table)
    total, habits = look_through(table, header, limits)
    decimal = options.get("decimal") or habits.decimal
    date_order = options.get("date_order") or habits.date_order
    dialect = {
        "kind": table.kind,
        "encoding": table.encoding,
        "delimiter": table.delimiter,
        "sheet": table.sheet,
        "decimal": decimal or "",
        "date_order": date_order,
        "header_line": header.line,
        "headers": list(header.names),
        "columns": {field: header.names[index] for field, index in header.positions.items()},
        "ignored": header.ignored[:40],
    }
    out.write(json.dumps({"dialect": dialect, "total": total}) + "\n")
    out.flush()
    reader = RowReader(
        header,
        decimal=decimal,
        date_order=date_order,
        delimiter=table.delimiter,
        currency=config["currency"],
        today=date.fromisoformat(config["today"]),
        limits=limits,
    )
    repeated = done = 0
    rows = ((line, cells) for line, cells in table.rows() if line > header.line)
    while batch := list(islice(rows, _BATCH)):
        lines: list[str] = []
        for line, cells in batch:
            if reader.is_header(cells):
                repeated += 1
            else:
                lines.append(reader.read(line, cells))
        done += len(lines)
        out.write("".join(lines))
    if not done:
        raise UnreadableFile("no_rows", line=header.line)
    out.write("!" + json.dumps({"rows": done, "repeated_headers": repeated}) + "\n")
    return done


def main(arguments: Iterable[str]) -> int:
    config = json.loads(next(iter(arguments)))
    confine(Limits.from_json(config["limits"]))
    settings.configure(USE_I18N=False)  # messages are chosen by the parent: here they are only thrown away
    out = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(1, "wb"), 256 * 1024),
        encoding="utf-8",
        newline="\n",
    )
    try:
        read(os.fdopen(0, "rb", buffering=0), out, config)
    except UnreadableFile as error:
        out.write("!" + json.dumps({"error": error.code, "params": error.params}) + "\n")
    except MemoryError:
        os._exit(12)
    out.flush()
    # No clean-up: freeing a large sheet cell by cell takes longer than reading it.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
