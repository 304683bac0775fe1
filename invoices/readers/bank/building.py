"""What all formats share: texts cut to fit, amounts and dates read strictly, sums and ranks kept per statement."""

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from core.money import MAX_AMOUNT
from invoices.readers.bank.balance import check_balance, check_totals
from invoices.readers.bank.model import ReadLine, ReadStatement
from invoices.readers.errors import UnreadableFile, storable
from invoices.readers.vocabulary import CURRENCIES

_CENT = Decimal("0.01")
_LONGEST_REMITTANCE = 4_000
_MOST_DOCUMENTS = 200
_LONGEST = {
    "bank_code": 40,
    "bank_reference": 80,
    "end_to_end_id": 80,
    "mandate_reference": 80,
    "structured_reference": 80,
    "remittance": _LONGEST_REMITTANCE,
    "counterparty_name": 140,
    "counterparty_iban": 34,
    "ultimate_name": 140,
    "return_code": 10,
    "return_reason": 140,
    "returned_end_to_end_id": 80,
    "returned_reference": 80,
    "original_currency": 3,
}
# Old currencies that statements of the past still name are read; BankLine asks for three capitals.
_CURRENCY = re.compile("[A-Z]{3}")
_XML_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ].*|Z|[+-][0-9]{2}:[0-9]{2})?", re.S)
_PLAIN = re.compile(r"[+-]?[0-9]{1,18}(?:[.,][0-9]{0,10})?|[+-]?[.,][0-9]{1,10}")
_NOT_PROVIDED = {"NOTPROVIDED", "NOT PROVIDED", "NONREF", "NOTAVAILABLE", "NONE", "N", "-", "/", "0"}


class StatementError(Exception):
    """One statement cannot be read, the others can: `code` and `params` become its remark."""

    def __init__(self, code: str, **params: Any) -> None:
        kept = {name: storable(value) for name, value in params.items()}
        super().__init__(code, kept)
        self.code = code
        self.params = kept

    def for_file(self, statement: int) -> UnreadableFile:
        return UnreadableFile(f"bank_{self.code}", statement=statement, **self.params)


class Building:
    """A statement under way: give it its lines, then close it."""

    def __init__(self, rank: int, *, kind: str = "BOOKED", currency: str = "") -> None:
        self.statement = ReadStatement(rank, currency, kind=kind)
        self.entry_rank = 0
        self.pending = 0
        self.zero = 0
        self._dates: tuple[date, date] | None = None

    def line(self, *, booking_date: date, amount: Decimal, currency: str, **fields: Any) -> ReadLine | None:
        """A movement of the entry under way; None for one of zero, which moves nothing."""
        if not amount:
            self.zero += 1
            return None
        statement = self.statement
        statement.line_count += 1
        if amount > 0:
            statement.credit_amount += amount
        else:
            statement.debit_amount -= amount
        first, last = self._dates or (booking_date, booking_date)
        self._dates = min(first, booking_date), max(last, booking_date)
        texts = {
            name: clip(value, _LONGEST.get(name, 0)) for name, value in fields.items() if type(value) is str
        }
        return ReadLine(
            statement.line_count,
            self.entry_rank,
            booking_date,
            amount,
            currency,
            **{
                **fields,
                **texts,
                "document_references": fields.get("document_references", [])[:_MOST_DOCUMENTS],
            },
        )

    def close(self, *, credit: Decimal | None = None, debit: Decimal | None = None) -> ReadStatement:
        """The statement, with its dates taken from its lines where the bank gave none, and its remark."""
        statement = self.statement
        statement.account_identification = account_text(statement.account_identification)
        statement.identification = clip(statement.identification, 80)
        statement.sequence = clip(statement.sequence, 30)
        if self._dates is not None:
            statement.from_date = statement.from_date or self._dates[0]
            statement.to_date = statement.to_date or self._dates[1]
        if not statement.remark_code:
            code, params = check_balance(statement)
            if not code or code in ("balance_missing", "interim_balance_differs"):
                totals, figures = check_totals(statement, credit, debit)
                code, params = (totals, figures) if totals else (code, params)
            if not code and self.pending:
                code, params = "pending_left_out", {"count": self.pending}
            statement.remark_code, statement.remark_params = code, params
        return statement

    def fail(self, error: StatementError) -> ReadStatement:
        """The statement that cannot be read any further."""
        self.statement.remark_code = error.code
        self.statement.remark_params = {"statement": self.statement.rank, **error.params}
        return self.close()


def clip(text: str, longest: int = 0) -> str:
    """The text on one line, without what no line shows, cut to what the ledger holds."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    text = " ".join(text.split())
    return text[:longest].rstrip() if longest and len(text) > longest else text


def account_text(text: str) -> str:
    """An account as it is compared: an IBAN without spaces, anything else without doubled spaces."""
    compact = re.sub(r"[\s.-]", "", text).upper()
    if re.fullmatch("[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}", compact):
        return compact
    return clip(text, 60)


def reference(text: str) -> str:
    """A reference, empty when it only says that there is none."""
    text = clip(text, 80)
    return "" if text.upper() in _NOT_PROVIDED else text


def exact_amount(text: str, **where: Any) -> Decimal:
    """A plain unsigned or signed amount with at most two decimals that count. Raises StatementError."""
    text = text.strip()
    if not _PLAIN.fullmatch(text):
        raise StatementError("amount_invalid", value=text[:60], **where)
    return money(Decimal(text.replace(",", ".")), **where)


def money(value: Decimal, **where: Any) -> Decimal:
    """The amount in cents, never rounded. Raises StatementError."""
    if abs(value) > MAX_AMOUNT:
        raise StatementError("amount_too_large", value=f"{value:f}"[:60], **where)
    try:
        amount = value.quantize(_CENT)
    except InvalidOperation:
        raise StatementError("amount_too_large", value=str(value)[:60], **where) from None
    if amount != value:
        raise StatementError("amount_decimals", value=f"{value:f}"[:60], **where)
    return amount + 0


def currency_code(text: str, **where: Any) -> str:
    """Three capitals: a currency, perhaps one of the past. Raises StatementError."""
    code = text.strip().upper()
    if code in CURRENCIES or _CURRENCY.fullmatch(code):
        return code
    raise StatementError("currency_unknown", value=text.strip()[:20], **where)


def iso_date(text: str, **where: Any) -> date:
    """The day of an ISO date or instant, in the zone it is written in. Raises StatementError."""
    match = _XML_DATE.fullmatch(text.strip())
    try:
        if match is not None:
            return plausible(date(int(match[1]), int(match[2]), int(match[3])), text, **where)
    except ValueError:
        pass
    raise StatementError("date_invalid", value=text.strip()[:40], **where)


def short_date(text: str, order: str, **where: Any) -> date:
    """Six digits, `order` being "ymd" or "dmy"; years from 80 on are of the last century. Raises StatementError."""
    if re.fullmatch("[0-9]{6}", text):
        first, month, last = int(text[:2]), int(text[2:4]), int(text[4:])
        year, day = (first, last) if order == "ymd" else (last, first)
        try:
            return date(year + (1900 if year >= 80 else 2000), month, day)
        except ValueError:
            pass
    raise StatementError("date_invalid", value=text.strip()[:40], **where)


def plausible(day: date, text: str, **where: Any) -> date:
    """The day, unless no statement can be of it. Raises StatementError."""
    if not 1980 <= day.year <= 2099:
        raise StatementError("date_invalid", value=text.strip()[:40], **where)
    return day
