"""A row's cells -> what they mean, with everything that is wrong in them: one line for `COPY` per row."""

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from core.calendar import add_months
from invoices.readers.cell_reader import CellReader
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

_NULL = "\\N"
# What a nature that is none says of the row: why it is left out.
SKIPPED = {"draft": "draft", "not_receivable": "not_receivable"}
_JSON_NUL = "\\u0000"
_REPLACEMENT = "\ufffd"


class RowReader(CellReader):
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

    def _check_shape(self, texts: list[str]) -> None:
        if len(texts) > self._width and any(text.strip() for text in texts[self._width :]):
            self._fail("", "too_many_cells", cells=len(texts), columns=self._width)
        if not self._delimiter:
            return
        for text in texts:
            if "\n" in text and text.count(self._delimiter) >= max(2, len(self._at) - 1):
                self._fail("", "quote_unclosed", " ".join(text.split()))
                return

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


def _escaped(text: str | None) -> str:
    if text is None:
        return _NULL
    return text.replace("\\", "\\\\") if "\\" in text else text
