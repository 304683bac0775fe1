"""The process that reads one untrusted file: `python -m invoices.readers.child JSON <file >rows`.

Standard output: one JSON line (dialect, number of rows), the rows in COPY text format, one last line that
starts with `!`: how it ended. The parent is `invoices.readers.process`.
"""

import json
import sys
from importlib import import_module
from typing import IO, Any

from invoices.readers.confinement import answer_confined
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from invoices.readers.profiles import Profile
from invoices.readers.sample import take_sample
from invoices.readers.staged import RowSource, copy_line
from invoices.readers.tables import (
    Reading,
    batches,
    dialect_of,
    look_through,
    open_table,
    row_reader,
    settle_header,
)

# (subject, format) -> the function that opens such a file: `(stream, config) -> RowSource`. Tables of items have
# their own, faster way.
SOURCES = {
    ("ITEMS", "FEC"): "invoices.readers.fec:open_fec",
    ("ITEMS", "EINVOICE"): "invoices.readers.einvoices:open_einvoices",
    ("ITEMS", "JSON_LINES"): "invoices.readers.json_lines:open_json_lines",
    ("CUSTOMERS", "TABLE"): "invoices.readers.customer_rows:open_customers",
}


def read(stream: IO[bytes], out: IO[str], config: dict[str, Any]) -> int:
    """Write the whole answer; the number of rows written."""
    if config.get("task") == "sample":
        out.write(json.dumps(take_sample(stream, config), ensure_ascii=False) + "\n")
        return 0
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
    profile = Profile.from_json(config.get("profile"))
    table = open_table(stream, limits, options, profile.header_rule(options))
    header = settle_header(table, limits)
    total, habits = look_through(table, header, limits)
    reading = Reading.settle(header, habits, options)
    out.write(json.dumps({"dialect": dialect_of(table, header, reading), "total": total}) + "\n")
    out.flush()
    reader = row_reader(table, header, reading, profile, config, limits)
    repeated = done = 0
    for batch in batches(table, header):
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


if __name__ == "__main__":
    answer_confined(sys.argv[1], read)
