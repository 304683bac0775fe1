"""Items as JSON lines: one object per line, its fields named as on the API. Strict, and said line by line.

A line is an object like `{"customer": {"external_id": "C1"}, "external_id": "F1", "kind": "INVOICE",
"issue_date": "2026-11-23", "total_amount": "120.00"}`. Amounts are texts with a decimal point, dates ISO 8601; an
unknown field, a repeated one or another type is an error of its line, at a pointer (`/customer/external_id`).
"""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import IO, Any

from core.calendar import add_months
from core.money import MAX_AMOUNT
from invoices.readers.cells import GUARDED
from invoices.readers.customer_cells import customer_of
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from invoices.readers.staged import StagedRow
from invoices.readers.vocabulary import CREDIT_KINDS, CURRENCIES

KINDS = ("INVOICE", "CREDIT_NOTE", "PAYMENT", "DEPOSIT", "OTHER")
_LONGEST_LINE = 100_000
_DEEPEST = 8
_SHOWN = 120

# field of the API -> column of the staged row
_FIELDS = {
    "external_id": "number", "instalment": "instalment", "kind": "kind", "issue_date": "issue_date",
    "due_date": "due_date", "currency": "currency", "total_amount": "total_amount", "vat_amount": "vat_amount",
    "open_amount": "open_amount", "reference": "reference", "is_draft": "status",
}  # fmt: skip
# field of the customer -> column of a table of items
_CUSTOMER = {
    "external_id": "customer_code", "name": "customer_name", "siren": "siren", "siret": "siret",
    "vat_number": "vat_number", "country": "country", "address_lines": "address", "email": "email",
    "phone": "phone", "terms": "terms", "segment": "segment", "language": "language",
}  # fmt: skip


class Twice(ValueError):
    """A name stands twice in an object."""


def open_json_lines(stream: IO[bytes], config: dict[str, Any]) -> "JsonLines":
    """The rows of the file, counted. Raises UnreadableFile: too many lines, one too long, no UTF-8."""
    limits = Limits.from_json(config["limits"])
    source = JsonLines(stream, limits, config)
    source.total = sum(1 for _line in source.lines())
    return source


class JsonLines:
    """One item per line; blank lines count for nothing."""

    def __init__(self, stream: IO[bytes], limits: Limits, config: dict[str, Any]) -> None:
        self._stream = stream
        self._limits = limits
        self._currency: str = config["currency"]
        self._strict = bool(config.get("creates_customers"))
        today = date.fromisoformat(config["today"])
        self._earliest, self._latest = add_months(today, -12 * 30), add_months(today, 12)
        self._longest = dict(limits.texts)
        self.dialect: dict[str, Any] = {
            "kind": "jsonl",
            "encoding": "utf-8",
            "headers": ["JSON"],
            "columns": {},
        }
        self.total = 0

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """The lines that are not blank, with their numbers from 1, none longer than the limit."""
        self._stream.seek(0)
        rest, number, count = b"", 0, 0
        while True:
            chunk = self._stream.read(262_144)
            parts = (rest + chunk).split(b"\n")
            rest = parts.pop() if chunk else b""
            for line in parts:
                number += 1
                if len(line) > _LONGEST_LINE:
                    raise UnreadableFile("line_too_long", line=number, limit=_LONGEST_LINE)
                text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if text.strip():
                    count += 1
                    if count > self._limits.rows:
                        raise UnreadableFile("too_many_rows", limit=self._limits.rows)
                    yield number, text
            if len(rest) > _LONGEST_LINE:
                raise UnreadableFile("line_too_long", line=number + 1, limit=_LONGEST_LINE)
            if not chunk:
                return

    def rows(self) -> Iterator[StagedRow]:
        """Each line as a row, whatever is wrong with it."""
        for number, line in self.lines():
            yield self._row(number, line)

    def _row(self, number: int, line: bytes) -> StagedRow:
        row = StagedRow(line=number)
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise UnreadableFile("encoding_wrong", line=number, encoding="utf-8") from error
        row.cells = [text.strip()[:_LONGEST_LINE]]
        data = self._parsed(row, text)
        if data is None:
            return row
        reader = _Line(row, self._longest)
        reader.refuse_unknown(data, {*_FIELDS, "customer"}, "")
        self._read_customer(reader, data)
        self._read_item(reader, data)
        if row.skipped:
            row.errors, row.kind = [], None
        return row

    @staticmethod
    def _parsed(row: StagedRow, text: str) -> dict[str, Any] | None:
        try:
            if text.count("{") + text.count("[") > 100 or _depth(text) > _DEEPEST:
                raise ValueError
            data = json.loads(text, object_pairs_hook=_once, parse_float=Decimal, parse_constant=Decimal)
        except Twice as error:
            row.errors.append({"column": "", "code": "field_double", "value": str(error)[:_SHOWN]})
            return None
        except (ValueError, RecursionError) as error:
            at = getattr(error, "pos", 0) + 1
            row.errors.append({"column": "", "code": "line_not_json", "at": at})
            return None
        if not isinstance(data, dict):
            row.errors.append({"column": "", "code": "line_not_object"})
            return None
        return data

    def _read_customer(self, reader: "_Line", data: dict[str, Any]) -> None:
        row, given = reader.row, data.get("customer")
        if isinstance(given, str):
            given = {"external_id": given}
        if given is None:
            reader.fail("customer_code", "required", pointer="/customer")
            return
        if not isinstance(given, dict):
            reader.fail("customer_code", "field_type", given, pointer="/customer")
            return
        reader.refuse_unknown(given, _CUSTOMER, "/customer")
        cells = {}
        for name, column in _CUSTOMER.items():
            text = given.get(name)
            if name == "address_lines" and isinstance(text, list):
                text = ", ".join(str(part) for part in text[:6])
            if text is None:
                continue
            if not isinstance(text, str):
                reader.fail(column, "field_type", text, pointer=f"/customer/{name}")
                continue
            cells[column] = text.replace("\x00", "\ufffd")
        row.customer_code = reader.text(
            "customer_code", cells.pop("customer_code", None), "/customer/external_id"
        )
        details, errors = customer_of(cells)
        row.details = {"customer": details} if details else {}
        if self._strict:
            for column, code, value in errors:
                reader.fail(column, code, value, pointer=f"/customer/{column}")
        known = row.customer_code or {"siren", "siret", "vat_number"} & details.keys()
        if not known and not reader.failed("customer_code"):
            reader.fail("customer_code", "required", pointer="/customer/external_id")

    def _read_item(self, reader: "_Line", data: dict[str, Any]) -> None:
        row = reader.row
        draft = data.get("is_draft", False)
        if not isinstance(draft, bool):
            reader.fail("status", "field_type", draft, pointer="/is_draft")
        elif draft:
            row.skipped = "draft"
        row.number = reader.text("number", data.get("external_id"), "/external_id", required=True)
        row.reference = reader.text("reference", data.get("reference"), "/reference") or ""
        instalment = data.get("instalment", 1)
        if type(instalment) is not int or not 0 < instalment < 10_000:
            reader.fail("instalment", "instalment_invalid", instalment, pointer="/instalment")
        else:
            row.instalment = instalment
        row.currency = reader.one_of(
            "currency", data.get("currency", self._currency), CURRENCIES, "currency_unknown"
        )
        row.issue_date = reader.day("issue_date", data.get("issue_date"), required=True)
        row.due_date = reader.day("due_date", data.get("due_date"))
        if row.issue_date and not self._earliest <= row.issue_date <= self._latest:
            reader.fail("issue_date", "date_implausible", row.issue_date)
            row.issue_date = None
        if row.issue_date and row.due_date and row.due_date < row.issue_date:
            reader.fail("due_date", "due_before_issue", row.due_date, issued=row.issue_date.isoformat())
        row.total_amount = reader.amount("total_amount", data.get("total_amount"), required=True)
        row.kind = reader.one_of("kind", data.get("kind", "INVOICE"), KINDS, "kind_unknown")
        self._check_signs(reader, data)

    def _check_signs(self, reader: "_Line", data: dict[str, Any]) -> None:
        row = reader.row
        vat, left = (
            reader.amount("vat_amount", data.get("vat_amount")),
            reader.amount("open_amount", data.get("open_amount")),
        )
        total = row.total_amount
        if total is None:
            return
        if total == 0:
            reader.fail("total_amount", "amount_zero", total)
            row.total_amount = None
            return
        if row.kind in CREDIT_KINDS:
            total = row.total_amount = -abs(total)
        elif total < 0 and row.kind not in (None, "OTHER"):
            reader.fail("total_amount", "amount_sign", total, kind=row.kind)
        row.vat_amount = reader.within("vat_amount", vat, total, "vat_above_total")
        row.open_amount = reader.within("open_amount", left, total, "open_above_total")


class _Line:
    """The values of one line, each checked; what is wrong goes to the row's errors with its pointer."""

    def __init__(self, row: StagedRow, longest: dict[str, int]) -> None:
        self.row = row
        self._longest = longest

    def fail(self, column: str, code: str, value: object = "", *, pointer: str = "", **params: Any) -> None:
        name = next((field for field, known in _FIELDS.items() if known == column), column)
        error = {"column": column, "code": code, "pointer": pointer or f"/{name}"} | params
        shown = str(value)[:_SHOWN].replace("\x00", "\ufffd")
        self.row.errors.append(error | ({"value": shown} if shown else {}))

    def failed(self, column: str) -> bool:
        return any(error["column"] == column for error in self.row.errors)

    def refuse_unknown(self, data: dict[str, Any], known: Any, below: str) -> None:
        for name in data:
            if name not in known:
                self.fail("", "field_unknown", name, pointer=f"{below}/{name[:_SHOWN]}")

    def text(self, column: str, value: object, pointer: str, *, required: bool = False) -> str | None:
        if value is None or value == "":
            if required:
                self.fail(column, "required", pointer=pointer)
            return None
        if not isinstance(value, str):
            self.fail(column, "field_type", value, pointer=pointer)
            return None
        text = " ".join("".join(char if char.isprintable() else " " for char in value).split())
        limit = self._longest.get(column, 80)
        if "\x00" in value:
            self.fail(column, "nul_character", value, pointer=pointer)
        elif not text:
            if required:
                self.fail(column, "required", pointer=pointer)
        elif text.startswith(GUARDED) and column != "reference":
            self.fail(column, "formula_like", text, pointer=pointer)
        elif len(text) > limit:
            self.fail(column, "text_too_long", text, pointer=pointer, length=len(text), limit=limit)
        else:
            return text
        return None

    def one_of(self, column: str, value: object, allowed: Any, code: str) -> str | None:
        if isinstance(value, str) and value in allowed:
            return value
        self.fail(column, code, value)
        return None

    def day(self, column: str, value: object, *, required: bool = False) -> date | None:
        if value is None:
            if required:
                self.fail(column, "required")
            return None
        try:
            if not isinstance(value, str) or len(value) != 10:
                raise ValueError
            return date.fromisoformat(value)
        except ValueError:
            self.fail(column, "date_invalid", value, order="dmy")
            return None

    def amount(self, column: str, value: object, *, required: bool = False) -> Decimal | None:
        if value is None:
            if required:
                self.fail(column, "required")
            return None
        try:
            if not isinstance(value, str) or len(value) > 40:
                raise InvalidOperation
            amount = Decimal(value)
            if not amount.is_finite() or abs(amount) > MAX_AMOUNT:
                raise InvalidOperation
        except InvalidOperation:
            self.fail(
                column, "field_type" if not isinstance(value, str) else "amount_invalid", value, decimal="."
            )
            return None
        if amount != round(amount, 2):
            self.fail(column, "amount_decimals", value)
            return None
        return round(amount, 2) + 0

    def within(self, column: str, value: Decimal | None, total: Decimal, code: str) -> Decimal | None:
        """A part of the total: as large at most, and of its sign whatever the line writes for a credit."""
        if value is None:
            return None
        signed = -abs(value) + 0 if total < 0 else value
        if abs(signed) > abs(total) or signed < 0 < total:
            self.fail(column, code, value)
            return None
        return signed


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object, if each name stands in it once."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Twice(name)
        found[name] = value
    return found


def _depth(text: str) -> int:
    """How deep brackets nest, texts included: an upper bound that needs no parser."""
    depth = deepest = 0
    for char in text:
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest
