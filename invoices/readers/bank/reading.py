"""One door for all formats of the bank: bytes in, statements and lines out."""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import IO

from invoices.readers.bank.detection import FORMATS, HEAD, bank_format
from invoices.readers.bank.model import BankReading, Event, ReadStatement, gather
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits

# Format -> `(stream, options, limits) -> Iterator[Event]`.
_READERS = {
    "CAMT": "invoices.readers.bank.camt:read_camt",
    "MT940": "invoices.readers.bank.mt940:read_mt940",
    "CFONB120": "invoices.readers.bank.cfonb120:read_cfonb120",
    "CFONB240": "invoices.readers.bank.cfonb240:read_cfonb240",
    "OFX": "invoices.readers.bank.ofx:read_ofx",
    "CSV": "invoices.readers.bank.bank_csv:read_bank_csv",
}


def bank_events(stream: IO[bytes], options: dict[str, str], limits: Limits) -> tuple[str, Iterator[Event]]:
    """The format and what the file says, read as it is asked for: lines, then their statement.

    `options` may impose `format`, `encoding`, `delimiter`, `decimal` and `date_order`, and names the `currency`
    and the `account` of files that do not. Raises UnreadableFile, also while it is gone through.
    """
    stream.seek(0)
    head = stream.read(HEAD)
    chosen = options.get("format", "")
    if chosen and chosen not in FORMATS:
        raise UnreadableFile("bank_format_unknown")
    file_format = chosen or bank_format(head)
    module, function = _READERS[file_format].split(":")
    reader: Callable[[IO[bytes], dict[str, str], Limits], Iterator[Event]] = getattr(
        import_module(module), function
    )
    return file_format, _bounded(reader(stream, options, limits), limits)


def read_bank(
    stream: IO[bytes], options: dict[str, str] | None = None, limits: Limits | None = None
) -> BankReading:
    """The whole file, in this process and in memory. Raises UnreadableFile."""
    file_format, events = bank_events(stream, options or {}, limits or Limits())
    return gather(file_format, events)


def _bounded(events: Iterator[Event], limits: Limits) -> Iterator[Event]:
    lines = statements = 0
    for event in events:
        if isinstance(event, ReadStatement):
            statements += 1
        else:
            lines += 1
        if lines + statements > limits.rows:
            raise UnreadableFile("bank_too_many_lines", limit=limits.rows)
        yield event
    if not statements:
        raise UnreadableFile("bank_no_statement")
