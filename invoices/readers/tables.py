"""A table of items: opened, its header and its habits settled, its rows read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import IO, Any

from invoices.readers.cells import Cell, cell_text
from invoices.readers.columns import Header, HeaderRule, column_names, likely_header
from invoices.readers.csv_file import CsvFile
from invoices.readers.detection import Habits, container
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from invoices.readers.profiles import Profile
from invoices.readers.rows import RowReader
from invoices.readers.xlsx_file import XlsxFile

BATCH = 500
_ENOUGH_VOTES = 5_000
_SIGNED_ROWS = 2_000
_AMOUNTS = ("total_amount", "vat_amount", "net_amount", "debit_amount", "credit_amount", "open_amount")
_DATES = ("issue_date", "due_date")


def open_table(
    stream: IO[bytes], limits: Limits, options: dict[str, str], rule: HeaderRule | None = None
) -> CsvFile | XlsxFile:
    """The reader that the bytes call for, whatever the file is called."""
    stream.seek(0)
    head = stream.read(4096)
    if not head.strip():
        raise UnreadableFile("empty")
    if container(head) == "zip":
        return XlsxFile(stream, limits, sheet=options.get("sheet", ""), rule=rule)
    return CsvFile(
        stream,
        limits,
        encoding=options.get("encoding", ""),
        delimiter=options.get("delimiter", ""),
        rule=rule,
    )


def settle_header(table: CsvFile | XlsxFile, limits: Limits) -> Header:
    """The header, or the refusal that says which columns are missing and which were found."""
    header = table.header()
    if header is None:
        rows = list(islice(table.rows(), limits.header_search_lines))
        if not rows:
            raise UnreadableFile("empty")
        found = [cell_text(cell)[:60] for cell in rows[0][1][:20]]
        likely = likely_header((line, [cell_text(cell) for cell in cells]) for line, cells in rows)
        names = list(column_names(likely[1])) if likely else []
        raise UnreadableFile("header_missing", line=rows[0][0], found=found, headers=names[: limits.columns])
    if header.missing:
        found = [name[:60] for name in header.names[:40] if name]
        raise UnreadableFile(
            "columns_missing",
            line=header.line,
            missing=header.missing,
            found=found,
            headers=list(header.names),
        )
    if header.double is not None:
        raise UnreadableFile("column_double", line=header.line, name=header.double)
    return header


def look_through(table: CsvFile | XlsxFile, header: Header, limits: Limits) -> tuple[int, Habits]:
    """First pass: how many rows there are, and how they write decimals, dates and signs."""
    habits = Habits()
    count = see_habits(habits, header, table.rows(), limits.rows)
    if not count:
        raise UnreadableFile("no_rows", line=header.line)
    return count, habits


def see_habits(habits: Habits, header: Header, rows: Iterable[Any], most: int = 1_000_000) -> int:
    """Let the cells of the rows vote; how many rows there are. Raises UnreadableFile beyond `most`."""
    amounts = [header.positions[name] for name in _AMOUNTS if name in header.positions]
    dates = [header.positions[name] for name in _DATES if name in header.positions]
    kind, total = header.positions.get("kind"), header.positions.get("total_amount")
    signed = kind is not None and total is not None
    seen: set[str] = set()
    count, sure = 0, False
    for line, cells in rows:
        if line <= header.line:
            continue
        count += 1
        if count > most:
            raise UnreadableFile("too_many_rows", limit=most)
        if signed and count <= _SIGNED_ROWS and max(kind, total) < len(cells):
            habits.see_sign(cells[kind], cells[total])
        for index in amounts:
            if not sure and index < len(cells) and type(text := cells[index]) is str and text:
                habits.see_amount(text)
                sure = habits.decimals.total() >= _ENOUGH_VOTES
        for index in dates:
            if index < len(cells) and type(text := cells[index]) is str and text not in seen:
                habits.see_date(text)
                if len(seen) < 20_000:
                    seen.add(text)
    return count


@dataclass(frozen=True)
class Reading:
    """How a table is read: what was imposed, else what its cells show."""

    decimal: str | None
    date_order: str
    sign: str
    credit_kind: str

    @classmethod
    def settle(cls, header: Header, habits: Habits, options: dict[str, str]) -> "Reading":
        given = {*header.positions, *header.constants}
        booked = "side" in given or (
            "total_amount" not in given and {"debit_amount", "credit_amount"} & given
        )
        sign = options.get("sign") or ("reversed" if habits.is_reversed and not booked else "normal")
        return cls(
            decimal=options.get("decimal") or habits.decimal,
            date_order=options.get("date_order") or habits.date_order,
            sign=sign,
            credit_kind=options.get("credit_kind") or ("PAYMENT" if booked else "CREDIT_NOTE"),
        )


def dialect_of(table: CsvFile | XlsxFile, header: Header, reading: Reading) -> dict[str, Any]:
    """How the file is written, as it is shown and kept."""
    given = {*header.positions, *header.constants}
    if "total_amount" not in given and {"debit_amount", "credit_amount"} & given:
        amounts = "debit_credit"
    elif "side" in given:
        amounts = "side"
    else:
        amounts = "kind" if "kind" in given else "sign"
    return {
        "kind": table.kind,
        "encoding": table.encoding,
        "delimiter": table.delimiter,
        "sheet": table.sheet,
        "decimal": reading.decimal or "",
        "date_order": reading.date_order,
        "sign": reading.sign,
        "amounts": amounts,
        "credit_kind": reading.credit_kind,
        "header_line": header.line,
        "headers": list(header.names),
        "columns": {field: header.names[index] for field, index in header.positions.items()},
        "ignored": header.ignored[:40],
    }


def row_reader(
    table: CsvFile | XlsxFile,
    header: Header,
    reading: Reading,
    profile: Profile,
    config: dict[str, Any],
    limits: Limits,
) -> RowReader:
    """The reader of the rows below the header."""
    return RowReader(
        header,
        decimal=reading.decimal,
        date_order=reading.date_order,
        delimiter=table.delimiter,
        currency=config["currency"],
        today=date.fromisoformat(config["today"]),
        limits=limits,
        profile=profile,
        reversed_sign=reading.sign == "reversed",
        credit_kind=reading.credit_kind,
        creates_customers=bool(config.get("creates_customers")),
    )


def batches(table: CsvFile | XlsxFile, header: Header) -> Iterator[list[tuple[int, list[Cell]]]]:
    """The rows below the header, some at a time."""
    rows: Iterator[Any] = ((line, cells) for line, cells in table.rows() if line > header.line)
    while batch := list(islice(rows, BATCH)):
        yield batch
