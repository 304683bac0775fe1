"""MT940 and MT942 (SWIFT customer statement and interim report), with or without their envelopes.

Source: SWIFT User Handbook, Category 9, message types 940 and 942. Pages of one statement (60M, 62M) become one
statement. A statement that cannot be read is given with the reason, the others are read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import IO, Any

from invoices.readers.bank.building import (
    Building,
    StatementError,
    clip,
    currency_code,
    exact_amount,
    reference,
    short_date,
)
from invoices.readers.bank.model import Event
from invoices.readers.bank.mt940_details import read_details
from invoices.readers.bank.text import text_lines
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits

_FIELD = re.compile(r":(20|21|25P?|28C?|60[FM]|61|62[FM]|64|65|86|34F|13D?|90[CD]|[A-Z]{2,3}):(.*)", re.S)
_END = re.compile(r"-[}\u00e5]?\s*(?:\{5:.*)?")
_BALANCE = re.compile(r"([CD])([0-9]{6})([A-Z]{3})([0-9. ]+(?:,[0-9]*)?)\s*")
_ENTRY = re.compile(
    r"([0-9]{6})([0-9]{4})?(R[CD]|E[CD]|[CD])([A-Z])? ?([0-9]+(?:[,.][0-9]*)?)([A-Z][A-Z0-9]{3})?(.*)"
)
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{10,30}")
_TYPES = {
    "TRF": "TRANSFER",
    "STO": "TRANSFER",
    "DDT": "DIRECT_DEBIT",
    "DCR": "TRANSFER",
    "CHK": "CHEQUE",
    "CLR": "CHEQUE",
    "BOE": "BILL",
    "CHG": "CHARGES",
    "COM": "CHARGES",
    "INT": "CHARGES",
    "RTI": "RETURN",
    "CSH": "CASH",
}
_MOST_LINES = 200


@dataclass
class _Field:
    tag: str
    line: int
    lines: list[str] = field(default_factory=list)


def read_mt940(stream: IO[bytes], options: dict[str, str], limits: Limits) -> Iterator[Event]:
    """Raises UnreadableFile when a field stands outside of any statement, or nothing is a statement."""
    reader = _Reader(options)
    for item in _fields(text_lines(stream, limits, options.get("encoding", ""))):
        yield from reader.see(item)
    yield from reader.finish()


def _fields(lines: Iterator[tuple[int, str]]) -> Iterator[_Field]:
    """The fields with their continuation lines; the end of a message is a field "-"."""
    current: _Field | None = None
    for number, line in lines:
        start = line.find(":20:") if line.startswith(("{", "\u00e44:")) else 0
        if start > 0:
            line = line[start:]
        found = _FIELD.fullmatch(line)
        if found is not None:
            if current is not None:
                yield current
            current = _Field(found[1], number, [found[2]])
        elif _END.fullmatch(line) or line.startswith(("{1:", "{5:")):
            if current is not None:
                yield current
                current = None
            yield _Field("-", number)
        elif current is not None and len(current.lines) < _MOST_LINES:
            current.lines.append(line)
    if current is not None:
        yield current


class _Reader:
    def __init__(self, options: dict[str, str]) -> None:
        self._options = options
        self._rank = 0
        self._building: Building | None = None
        self._held: Building | None = None  # closed by an intermediate balance: the next page may go on
        self._entry: dict[str, Any] | None = None
        self._failed = False
        self._totals: dict[str, Decimal] = {}

    def see(self, item: _Field) -> Iterator[Event]:
        if item.tag != "86":
            yield from self._flush()
        if item.tag == "20":
            yield from self._close()
            self._rank += 1
            self._building = Building(self._rank)
            self._building.statement.identification = item.lines[0]
            self._failed = False
            self._totals = {}
            return
        if item.tag == "-":
            yield from self._close()
            return
        if self._building is None:
            if item.tag in ("61", "60F", "60M", "62F", "62M"):
                raise UnreadableFile("bank_field_outside", line=item.line, field=f":{item.tag}:")
            return
        if self._failed:
            return
        try:
            yield from self._take(item)
        except StatementError as error:
            self._failed = True
            self._entry = None
            self._building.statement.remark_code = error.code
            self._building.statement.remark_params = {"statement": self._rank, **error.params}

    def finish(self) -> Iterator[Event]:
        yield from self._flush()
        yield from self._close()
        yield from self._release()

    def _take(self, item: _Field) -> Iterator[Event]:
        assert self._building is not None
        statement = self._building.statement
        text = item.lines[0].strip()
        match item.tag:
            case "25" | "25P":
                statement.account_identification = _account(text)
            case "28" | "28C":
                statement.sequence = text
            case "60F" | "60M":
                yield from self._open(item, text)
            case "62F" | "62M":
                amount, currency, day = _balance(text, item)
                self._check_currency(currency, item)
                self._building.statement.closing_amount = amount
                self._building.statement.to_date = day
                if item.tag == "62M":
                    yield from self._release()
                    self._held, self._building = self._building, None
            case "34F":
                statement.kind = "INTERIM"
                if not statement.currency:
                    statement.currency = currency_code(text[:3], line=item.line, column=6)
            case "61":
                self._start_entry(item)
            case "86":
                if self._entry is not None:
                    details = read_details(item.lines)
                    if not details.get("nature") or self._entry["is_return"]:
                        details.pop("nature", None)
                    self._entry |= details
                    yield from self._flush()
            case "90C" | "90D":
                found = re.match(r"[0-9]{1,5}[A-Z]{3}([0-9]+(?:,[0-9]*)?)", text)
                if found is not None:
                    self._totals[item.tag] = exact_amount(found[1], line=item.line, column=5)

    def _open(self, item: _Field, text: str) -> Iterator[Event]:
        assert self._building is not None
        amount, currency, day = _balance(text, item)
        held, statement = self._held, self._building.statement
        if item.tag == "60M" and held is not None:
            before = held.statement
            if (
                before.account_identification == statement.account_identification
                and before.currency == currency
            ):
                if before.closing_amount != amount:
                    raise StatementError(
                        "pages_differ",
                        line=item.line,
                        before=str(before.closing_amount),
                        after=str(amount),
                        currency=currency,
                    )
                self._rank -= 1
                self._building, self._held = held, None
                before.closing_amount = None
                return
        yield from self._release()
        statement.currency = currency
        statement.opening_amount = amount
        statement.from_date = day

    def _check_currency(self, currency: str, item: _Field) -> None:
        assert self._building is not None
        statement = self._building.statement
        if not statement.currency:
            statement.currency = currency
        elif statement.currency != currency:
            raise StatementError(
                "currency_mixed", line=item.line, value=currency, currency=statement.currency
            )

    def _start_entry(self, item: _Field) -> None:
        assert self._building is not None
        self._building.statement.currency = self._building.statement.currency or self._options.get(
            "currency", ""
        )
        if not self._building.statement.currency:
            raise StatementError("currency_missing", line=item.line)
        self._entry = entry_fields(item.lines, item.line)
        self._building.entry_rank += 1

    def _flush(self) -> Iterator[Event]:
        """The entry under way is complete."""
        entry, self._entry = self._entry, None
        if entry is None or self._building is None:
            return
        if entry.pop("is_expected"):
            self._building.pending += 1
            return
        if entry["is_return"]:
            entry["nature"] = "RETURN"
        line = self._building.line(**entry, currency=self._building.statement.currency)
        if line is not None:
            yield line

    def _close(self) -> Iterator[Event]:
        building, self._building = self._building, None
        if building is None:
            return
        yield from self._release()
        yield from self._end(building, self._totals)

    def _release(self) -> Iterator[Event]:
        held, self._held = self._held, None
        if held is not None:
            yield from self._end(held, {})

    def _end(self, building: Building, totals: dict[str, Decimal]) -> Iterator[Event]:
        statement = building.statement
        statement.currency = statement.currency or self._options.get("currency", "")
        if not statement.currency and not statement.remark_code:
            statement.remark_code, statement.remark_params = "currency_missing", {"statement": statement.rank}
        statement.currency = statement.currency or "EUR"
        yield building.close(credit=totals.get("90C"), debit=totals.get("90D"))


def _account(text: str) -> str:
    """The IBAN wherever it stands (`BIC/IBAN`, `IBAN EUR`), else the account as written."""
    compact = "".join(text.split())
    for part in (compact, *reversed(compact.split("/"))):
        found = _IBAN.fullmatch(part[:-3] if part[-3:].isalpha() and len(part) > 20 else part)
        if found is not None:
            return found[0]
    return text


def _balance(text: str, item: _Field) -> tuple[Decimal, str, date | None]:
    """Amount, currency and day. A day that does not exist is left out: the amounts are checked, it counts for nothing."""
    found = _BALANCE.fullmatch(text)
    if found is None:
        raise StatementError("balance_invalid", line=item.line, column=len(item.tag) + 3, value=text[:40])
    try:
        day: date | None = short_date(found[2], "ymd")
    except StatementError:
        day = None
    column = len(item.tag) + 13
    currency = currency_code(found[3], line=item.line, column=column - 3)
    amount = exact_amount(found[4].replace(" ", ""), line=item.line, column=column)
    return (-amount if found[1] == "D" else amount), currency, day


def entry_fields(lines: list[str], number: int) -> dict[str, Any]:
    """What a field 61 says. Raises StatementError, with the column in the line."""
    text = lines[0].strip()
    found = _ENTRY.fullmatch(text)
    if found is None:
        raise StatementError("entry_invalid", line=number, column=5, value=text[:60])
    value_date = short_date(found[1], "ymd", line=number, column=5)
    booked = _entry_date(found[2], value_date, number) if found[2] else value_date
    mark = found[3]
    amount = exact_amount(found[5], line=number, column=5 + found.start(5))
    credit = mark in ("C", "EC", "RD")
    code = found[6] or ""
    own, _slash, bank = found[7].partition("//")
    fields: dict[str, Any] = {
        "booking_date": booked,
        "value_date": value_date,
        "amount": amount if credit else -amount,
        "is_expected": mark[0] == "E",
        "is_return": mark[0] == "R" or code[1:] == "RTI",
        "nature": _TYPES.get(code[1:], "OTHER"),
        "bank_code": code,
        "bank_reference": reference(bank) or reference(own),
        "end_to_end_id": reference(own) if bank else "",
    }
    extra = " ".join(line.strip() for line in lines[1:] if line.strip())
    if extra:
        fields |= {"remittance": clip(extra, 200)} | read_details(
            [f"{extra}"] if extra.startswith("/") else []
        )
    return fields


def _entry_date(text: str, value_date: date, number: int) -> date:
    """Month and day: of the year that brings it nearest to the value date."""
    days = []
    for year in (value_date.year - 1, value_date.year, value_date.year + 1):
        try:
            days.append(date(year, int(text[:2]), int(text[2:])))
        except ValueError:
            continue
    if not days:
        raise StatementError("date_invalid", line=number, column=11, value=text)
    return min(days, key=lambda day: abs(day - value_date))
