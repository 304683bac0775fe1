"""A row's cells -> what they mean, with everything that is wrong in them: one line for `COPY` per row."""

import json
import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from core.calendar import DateError, add_months, parse_french_date
from core.money import MAX_AMOUNT, AmountError, parse_amount, round_money
from invoices.readers.cells import GUARDED, Cell, CellError, cell_text
from invoices.readers.columns import CUSTOMER_FIELDS, Header, simplify
from invoices.readers.customer_cells import CustomerCells
from invoices.readers.limits import Limits
from invoices.readers.profiles import Profile
from invoices.readers.vocabulary import (
    CREDIT_KINDS,
    CURRENCIES,
    CURRENCY_SIGNS,
    KIND_WORDS,
    SIDE_WORDS,
    SKIP_WORDS,
)

# The plain way to write an amount, read without ceremony; `parse_amount` judges everything else. A test holds
# both to the same answers.
_PLAIN_AMOUNT = {
    ",": re.compile("-?(?:[0-9]{1,12}|[0-9]{1,3}(?:[ \u00a0\u202f][0-9]{3}){1,3})(?:,[0-9]{1,2})?"),
    ".": re.compile(r"-?(?:[0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(?:\.[0-9]{1,2})?"),
}
_SEPARATORS = {
    ",": str.maketrans({" ": None, "\u00a0": None, "\u202f": None, ",": "."}),
    ".": str.maketrans({",": None}),
}
_FLOAT_NOISE = Decimal("0.000001")
_SHOWN = 120
_NULL = "\\N"
# What a nature that is none says of the row: why it is left out.
SKIPPED = {"draft": "draft", "not_receivable": "not_receivable"}
_HOUR = re.compile(r"[T ]\s*[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?\s*(?:Z|[+-][0-9]{2}:?[0-9]{2})?$")
_JSON_NUL = "\\u0000"
_REPLACEMENT = "\ufffd"


class RowReader:
    """Reads the rows of one file: its header, its decimal mark and its date order are settled.

    `currency` is the entity's, taken where the file names none; `today` bounds plausible dates.
    """

    def __init__(
        self,
        header: Header,
        *,
        decimal: str | None,
        date_order: str,
        delimiter: str,
        currency: str,
        today: date,
        limits: Limits,
        profile: Profile | None = None,
        reversed_sign: bool = False,
        credit_kind: str = "CREDIT_NOTE",
        creates_customers: bool = False,
    ) -> None:
        source = profile or Profile()
        self._at = header.positions
        self._constants = source.constants
        self._values = {name: words for name, words in source.values.items() if name != "kind"}
        self._names = [simplify(name) for name in header.names]
        self._number_name = header.names[header.positions["number"]] if "number" in header.positions else None
        self._width = len(header.names)
        self._decimal = decimal
        self._date_order = date_order
        self._delimiter = delimiter
        self._currency = currency
        self._earliest = add_months(today, -12 * 30)
        self._latest = add_months(today, 12)
        self._longest = dict(limits.texts)
        self._dates: dict[str, date | None] = {}
        self._kinds: dict[str, str | None] = dict(source.values.get("kind", {}))
        self._statuses: dict[str, str | None] = dict(source.values.get("status", {}))
        self._errors: list[dict[str, Any]] = []
        self._cells: Sequence[Cell] = ()
        self._reversed = reversed_sign
        self._credit_kind = credit_kind
        given = {*header.positions, *source.constants}
        self._has = given
        self._entry = bool({"debit_amount", "credit_amount"} & given) and "total_amount" not in given
        self._sided = "side" in given
        self._numbered = "instalment" in given
        self._booked = self._entry or self._sided
        self._identified = {"siret", "siren", "vat_number"} & given
        kind_at = header.positions.get("kind")
        if kind_at is not None and simplify(header.names[kind_at]) == "itemtype":
            self._kinds = {"draft": "OTHER", "Draft": "OTHER", "DRAFT": "OTHER"} | self._kinds
        fields = [name for name in CUSTOMER_FIELDS if name in given]
        self._customer_fields = fields
        self._customer = CustomerCells(fields, strict=creates_customers) if fields else None

    def is_header(self, cells: Sequence[Cell]) -> bool:
        """The header once more, as in files glued together."""
        if self._number_name is None:
            return False
        index = self._at["number"]
        if index >= len(cells) or cells[index] != self._number_name:
            return False
        return [simplify(cell_text(cell)) for cell in cells][: self._width] == self._names

    def read(self, line: int, cells: Sequence[Cell]) -> str:
        """The row as a line of PostgreSQL's COPY text format, columns as in `STAGED`."""
        self._errors = []
        self._cells = cells
        texts = [cell if type(cell) is str else cell_text(cell) for cell in cells]
        self._check_shape(texts)
        currency = self._read_currency()
        customer_code = self._read_text("customer_code")
        details = self._customer.read(self._customer_texts(), self._fail) if self._customer else "{}"
        known = customer_code or (self._identified and ('"siren"' in details or '"vat_number"' in details))
        if not known and not self._failed("customer_code"):
            self._fail("customer_code", "required")
        number = self._read_text("number", required=True)
        instalment = self._read_instalment() if self._numbered else 1
        issue_date = self._read_date("issue_date", required=True)
        due_date = self._read_date("due_date")
        if issue_date and due_date:
            self._check_due(issue_date, due_date)
        total = self._read_total(currency)
        kind = self._read_kind(total)
        skipped = SKIPPED.get(kind) if kind else None
        if skipped is None and "status" in self._has:
            skipped = self._read_status()
        if skipped:
            kind, self._errors = None, []
        total = self._signed(total, kind)
        vat = self._signed_vat(self._read_amount("vat_amount", currency), total, kind)
        left = self._read_open(total, currency) if "open_amount" in self._has else None
        reference = self._read_text("reference")
        if skipped:
            self._errors = []
        errors = json.dumps(self._errors, ensure_ascii=False) if self._errors else None
        # In what is left of texts no tab, line break or NUL is possible: only the backslash needs COPY's escape.
        return (
            f"{line}\t{_escaped(json.dumps(texts, ensure_ascii=False).replace(_JSON_NUL, _REPLACEMENT))}"
            f"\t{_escaped(customer_code)}\t{_escaped(number)}\t{instalment}\t{kind or _NULL}"
            f"\t{issue_date or _NULL}\t{due_date or _NULL}\t{currency or _NULL}"
            f"\t{_NULL if total is None else total}\t{_NULL if vat is None else vat}"
            f"\t{_NULL if left is None else left}\t{_escaped(reference or '')}\t{_escaped(details)}\t"
            f"\t{skipped or _NULL}\t{_escaped(errors)}\n"
        )

    def _failed(self, column: str) -> bool:
        return any(error["column"] == column for error in self._errors)

    def _customer_texts(self) -> tuple[str, ...]:
        texts = []
        for name in self._customer_fields:
            cell = self._cell(name)
            if isinstance(cell, CellError):
                texts.append("")
                continue
            text = (cell if isinstance(cell, str) else cell_text(cell)).strip().replace("\x00", _REPLACEMENT)
            if text[:1] == "'" and text[1:2] in GUARDED:
                text = text[1:]
            words = self._values.get(name)
            texts.append(words.get(text, text) if words else text)
        return tuple(texts)

    def _fail(self, column: str, code: str, value: str = "", **params: Any) -> None:
        error = {"column": column, "code": code}
        if value:
            error["value"] = value[:_SHOWN].replace("\x00", "\ufffd")
        self._errors.append(error | params)

    def _cell(self, field: str) -> Cell:
        index = self._at.get(field)
        if index is None:
            return self._constants.get(field, "")
        return self._cells[index] if index < len(self._cells) else ""

    def _text(self, field: str) -> str | None:
        """The stripped text of a field; None, with its error, when the cell cannot be used at all."""
        cell = self._cell(field)
        if type(cell) is str:
            text = cell.strip()
        elif isinstance(cell, CellError):
            self._fail(field, "cell_error", cell)
            return None
        else:
            text = cell_text(cell)
        if not text:
            return ""
        # Our own list of rejects guards against formulas with an apostrophe: take it away again.
        if text[0] == "'" and text[1:2] in GUARDED:
            text = text[1:]
        if "\x00" in text:
            self._fail(field, "nul_character", text)
            return None
        if self._values and field in self._values:
            return self._values[field].get(text, text)
        return text

    def _check_shape(self, texts: list[str]) -> None:
        if len(texts) > self._width and any(text.strip() for text in texts[self._width :]):
            self._fail("", "too_many_cells", cells=len(texts), columns=self._width)
        if not self._delimiter:
            return
        for text in texts:
            if "\n" in text and text.count(self._delimiter) >= max(2, len(self._at) - 1):
                self._fail("", "quote_unclosed", " ".join(text.split()))
                return

    def _read_text(self, field: str, *, required: bool = False) -> str | None:
        text = self._text(field)
        if text is None:
            return None
        if not text.isprintable():
            # Line breaks and tabs inside a quoted cell; spaces of every width are kept as one space.
            text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
        if not text:
            if required:
                self._fail(field, "required")
            return None
        if text.startswith(GUARDED) and field != "reference":
            self._fail(field, "formula_like", text)
            return None
        if len(text) > self._longest[field]:
            self._fail(
                field,
                "text_too_long",
                text,
                length=len(text),
                limit=self._longest[field],
            )
            return None
        return text

    def _read_instalment(self) -> int:
        text = self._text("instalment")
        if not text:
            return 1
        if not (text.isascii() and text.isdigit() and len(text) < 5 and int(text) > 0):
            self._fail("instalment", "instalment_invalid", text)
            return 1
        return int(text)

    def _read_currency(self) -> str | None:
        text = self._text("currency")
        if not text:
            return self._currency
        code = CURRENCY_SIGNS.get(text, text.upper())
        if code not in CURRENCIES:
            self._fail("currency", "currency_unknown", text)
            return None
        return code

    def _read_kind(self, total: Decimal | None) -> str | None:
        text = self._text("kind")
        if text is None:
            return None
        if not text:
            return self._credit_kind if total is not None and total < 0 else "INVOICE"
        if text not in self._kinds and len(self._kinds) < 1_000:
            self._kinds[text] = KIND_WORDS.get(simplify(text))
        kind = self._kinds.get(text)
        if kind is None:
            self._fail("kind", "kind_unknown", text)
        elif self._booked and total is not None and total > 0 and kind in CREDIT_KINDS:
            return "OTHER"  # a payment on the debit side went back
        return kind

    def _read_status(self) -> str | None:
        """Why the row is left out, if its status says so; words we do not know say nothing."""
        cell = self._cell("status")
        if type(cell) is not str or not cell:
            return None
        if cell not in self._statuses and len(self._statuses) < 1_000:
            self._statuses[cell] = SKIP_WORDS.get(simplify(cell))
        return self._statuses.get(cell)

    def _read_total(self, currency: str | None) -> Decimal | None:
        """The amount of the item as its columns give it, a debit positive."""
        if self._entry:
            total = self._read_entry(currency)
        elif "total_amount" in self._has and (
            self._cell("total_amount") != "" or "net_amount" not in self._has
        ):
            total = self._read_amount("total_amount", currency, required=True)
        elif "net_amount" not in self._has:
            self._fail("total_amount", "required")
            return None
        else:
            net = self._read_amount("net_amount", currency, required=True)
            vat = self._read_amount("vat_amount", currency)
            self._errors = [error for error in self._errors if error["column"] != "vat_amount"]
            total = None if net is None else net + (vat or 0)
        if self._sided and total is not None:
            return self._with_side(total)
        return -total if self._reversed and total is not None else total

    def _read_entry(self, currency: str | None) -> Decimal | None:
        debit = self._read_amount("debit_amount", currency)
        credit = self._read_amount("credit_amount", currency)
        if self._failed("debit_amount") or self._failed("credit_amount"):
            return None
        if debit and credit:
            self._fail("debit_amount", "debit_and_credit")
            return None
        if debit is None and credit is None:
            self._fail("debit_amount" if "debit_amount" in self._at else "credit_amount", "required")
            return None
        return (debit or Decimal(0)) - (credit or Decimal(0))

    def _with_side(self, total: Decimal) -> Decimal | None:
        text = self._text("side")
        if not text:
            if text is not None:
                self._fail("side", "side_missing")
            return None
        side = SIDE_WORDS.get(text) or SIDE_WORDS.get(simplify(text))
        if side is None:
            self._fail("side", "side_unknown", text)
            return None
        return total if side == "D" else -total

    def _read_open(self, total: Decimal | None, currency: str | None) -> Decimal | None:
        """What is left to pay, with the sign of the item."""
        left = self._read_amount("open_amount", currency)
        if left is None or total is None:
            return None
        if total < 0:
            left = -abs(left) + 0
        elif self._reversed:
            left = -left + 0
        if left < 0 < total:
            self._fail("open_amount", "open_sign", f"{left}".replace(".", ","))
            return None
        if abs(left) > abs(total):
            self._fail("open_amount", "open_above_total", f"{left}".replace(".", ","))
            return None
        return left

    def _read_date(self, field: str, *, required: bool = False) -> date | None:
        cell = self._cell(field)
        day: date | None
        if isinstance(cell, date):
            day, shown = cell, cell_text(cell)
        elif isinstance(cell, Decimal):
            # A number typed as yyyymmdd is a date; a bare serial number could be anything.
            shown = cell_text(cell)
            day = self._parse_date(shown) if len(shown) == 8 else None
            if day is None:
                self._fail(field, "date_is_number", shown)
                return None
        else:
            text = self._text(field)
            if not text:
                if text is not None and required:
                    self._fail(field, "required")
                return None
            shown = text
            day = self._parse_date(text)
            if day is None:
                self._fail(field, "date_invalid", text, order=self._date_order)
                return None
        if not self._earliest <= day or (field == "issue_date" and day > self._latest):
            self._fail(field, "date_implausible", shown)
            return None
        return day

    def _parse_date(self, text: str) -> date | None:
        """A date, remembered: a file of a year has 365 of them."""
        if text in self._dates:
            return self._dates[text]
        plain = _HOUR.sub("", text) if ":" in text else text
        try:
            day = parse_french_date(swap_month_and_day(plain) if self._date_order == "mdy" else plain)
        except DateError:
            day = None
        if len(self._dates) < 20_000:
            self._dates[text] = day
        return day

    def _check_due(self, issue_date: date, due_date: date) -> None:
        if due_date < issue_date:
            self._fail(
                "due_date",
                "due_before_issue",
                due_date.strftime("%d/%m/%Y"),
                issued=issue_date.isoformat(),
            )
        elif due_date > add_months(issue_date, 120):
            self._fail("due_date", "due_too_late", due_date.strftime("%d/%m/%Y"))

    def _read_amount(self, field: str, currency: str | None, *, required: bool = False) -> Decimal | None:
        cell = self._cell(field)
        if isinstance(cell, Decimal):
            return self._exact_amount(field, cell)
        if isinstance(cell, date):
            self._fail(field, "amount_is_date", cell_text(cell))
            return None
        text = self._text(field)
        if not text:
            if text is not None and required:
                self._fail(field, "required")
            return None
        try:
            return read_amount(text, self._decimal, currency or self._currency)
        except AmountError:
            self._fail(
                field,
                "amount_invalid",
                text,
                decimal=self._decimal or "",
                currency=currency or self._currency,
            )
            return None

    def _exact_amount(self, field: str, value: Decimal) -> Decimal | None:
        """A spreadsheet's number: binary noise far behind the cent is rounded away, a third decimal is not."""
        if abs(value) > MAX_AMOUNT:
            self._fail(field, "amount_too_large", cell_text(value))
            return None
        amount = round_money(value)
        if abs(amount - value) > _FLOAT_NOISE:
            self._fail(field, "amount_decimals", cell_text(value))
            return None
        return amount

    def _signed(self, total: Decimal | None, kind: str | None) -> Decimal | None:
        """Credit notes and payments are negative however the file writes them; an invoice never is."""
        if total is None:
            return None
        if total == 0:
            self._fail("total_amount", "amount_zero", "0")
            return None
        if kind in CREDIT_KINDS:
            return -abs(total)
        if total < 0 and kind is not None and kind != "OTHER":
            self._fail("total_amount", "amount_sign", f"{total}".replace(".", ","), kind=kind)
            return None
        return total

    def _signed_vat(self, vat: Decimal | None, total: Decimal | None, kind: str | None) -> Decimal | None:
        if vat is None or total is None or kind is None:
            return None
        signed = -abs(vat) + 0 if total < 0 else vat
        if abs(signed) > abs(total) or ((signed < 0) != (total < 0) and signed != 0):
            self._fail("vat_amount", "vat_above_total", f"{vat}".replace(".", ","))
            return None
        return signed


def read_amount(text: str, decimal: str | None, currency: str) -> Decimal:
    """As `parse_amount`, five times faster on plain amounts. Raises AmountError."""
    if decimal is not None and _PLAIN_AMOUNT[decimal].fullmatch(text):
        return Decimal(text.translate(_SEPARATORS[decimal])) + 0
    return parse_amount(text, decimal, currency)


def _escaped(text: str | None) -> str:
    if text is None:
        return _NULL
    return text.replace("\\", "\\\\") if "\\" in text else text


def swap_month_and_day(text: str) -> str:
    """`12/31/2026` as `31/12/2026`; anything else as it is."""
    for mark in "/-.":
        parts = text.strip().split(mark)
        if len(parts) == 3 and len(parts[0]) <= 2:
            return mark.join([parts[1], parts[0], parts[2]])
    return text
