"""What a file of the bank says: statements and lines whose fields are named as those of `BankStatement`, `BankLine`."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

# Remarks that only inform; a statement with any other remark must not be accepted.
INFORMING_REMARKS = frozenset(
    {"balance_missing", "interim_balance_differs", "pending_left_out", "zero_left_out"}
)


@dataclass(slots=True)
class ReadLine:
    """A movement: money received is positive. `entry_rank` is common to the transactions of one booking.

    `returned_end_to_end_id` and `returned_reference` are what the file says of the payment that comes back.
    """

    rank: int
    entry_rank: int
    booking_date: date
    amount: Decimal
    currency: str
    nature: str = "OTHER"
    value_date: date | None = None
    original_amount: Decimal | None = None
    original_currency: str = ""
    charges_amount: Decimal | None = None
    bank_code: str = ""
    bank_reference: str = ""
    end_to_end_id: str = ""
    mandate_reference: str = ""
    structured_reference: str = ""
    remittance: str = ""
    document_references: list[dict[str, str]] = field(default_factory=list)
    counterparty_name: str = ""
    counterparty_iban: str = ""
    ultimate_name: str = ""
    is_return: bool = False
    return_code: str = ""
    return_reason: str = ""
    returned_end_to_end_id: str = ""
    returned_reference: str = ""


class Lines(Protocol):
    """The lines of a statement, to go through as often as needed."""

    def __iter__(self) -> Iterator[ReadLine]: ...

    def __len__(self) -> int: ...


@dataclass(slots=True)
class ReadStatement:
    """One statement of one account. `remark_code` says what is wrong with it or worth knowing.

    `account_identification` is an IBAN where the file gives one, else the account as the bank writes it.
    """

    rank: int
    currency: str
    kind: str = "BOOKED"
    account_identification: str = ""
    identification: str = ""
    sequence: str = ""
    from_date: date | None = None
    to_date: date | None = None
    opening_amount: Decimal | None = None
    closing_amount: Decimal | None = None
    credit_amount: Decimal = Decimal("0.00")
    debit_amount: Decimal = Decimal("0.00")
    line_count: int = 0
    remark_code: str = ""
    remark_params: dict[str, Any] = field(default_factory=dict)
    lines: Lines = field(default_factory=list, compare=False)

    @property
    def is_refused(self) -> bool:
        """Whether what is wrong forbids to accept the statement."""
        return self.remark_code != "" and self.remark_code not in INFORMING_REMARKS


@dataclass(slots=True)
class BankReading:
    """A file that was read: its format (a value of `BankFile.Format`) and its statements in the file's order."""

    format: str
    statements: list[ReadStatement] = field(default_factory=list)


# What a reader gives, one after the other: the lines of a statement, then the statement.
Event = ReadLine | ReadStatement

_STATEMENT_FIELDS = tuple(item.name for item in fields(ReadStatement) if item.name != "lines")
_LINE_FIELDS = tuple(item.name for item in fields(ReadLine))


def to_json(event: Event) -> str:
    """The event on one line. Amounts are texts: JSON's numbers are binary."""
    names = _LINE_FIELDS if isinstance(event, ReadLine) else _STATEMENT_FIELDS
    values = ((name, getattr(event, name)) for name in names)
    return json.dumps({name: _plain(value) for name, value in values if value not in (None, "", [], {})})


def line_from_json(text: str | bytes) -> ReadLine:
    return ReadLine(**_values(text))


def statement_from_json(text: str | bytes, lines: Lines | None = None) -> ReadStatement:
    statement = ReadStatement(**_values(text))
    statement.lines = [] if lines is None else lines
    return statement


def gather(file_format: str, events: Iterable[Event]) -> BankReading:
    """The whole file in memory."""
    reading = BankReading(file_format)
    lines: list[ReadLine] = []
    for event in events:
        if isinstance(event, ReadLine):
            lines.append(event)
        else:
            event.lines = lines
            reading.statements.append(event)
            lines = []
    return reading


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def _values(text: str | bytes) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(text)
    for name, value in values.items():
        if name.endswith("amount"):
            values[name] = Decimal(value)
        elif name.endswith("_date"):
            values[name] = date.fromisoformat(value)
    return values
