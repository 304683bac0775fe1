"""What an electronic invoice says, by the business terms (BT) of EN 16931, whatever its syntax."""

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from invoices.readers.einvoice import xml

_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})")
_SHOWN = 120


@dataclass
class Party:
    """A seller (BG-4), buyer (BG-7) or payee (BG-10). `ids` are (scheme, identifier), the scheme may be empty."""

    name: str = ""
    trade_name: str = ""
    ids: list[tuple[str, str]] = field(default_factory=list)
    legal_id: tuple[str, str] = ("", "")
    vat_number: str = ""
    tax_number: str = ""
    endpoint: tuple[str, str] = ("", "")
    address: list[str] = field(default_factory=list)
    country: str = ""
    contact: str = ""
    email: str = ""
    phone: str = ""


@dataclass
class Term:
    """One line of payment terms (BT-9, BT-20 and their extensions). `is_discount`: what is taken off for paying early."""

    due_date: date | None = None
    amount: Decimal | None = None
    text: str = ""
    is_discount: bool = False


@dataclass
class VatRow:
    """One rate of the VAT breakdown (BG-23): BT-116, BT-117 and BT-119."""

    basis: Decimal | None
    amount: Decimal | None
    rate: Decimal | None


@dataclass
class Invoice:
    """One invoice. Amounts are those written, None when not written; lists are empty in the small profiles."""

    syntax: str = ""
    profile: str = ""
    process: str = ""
    is_test: bool = False
    number: str = ""
    type_code: str = ""
    issue_date: date | None = None
    currency: str = ""
    seller: Party = field(default_factory=Party)
    buyer: Party = field(default_factory=Party)
    payee: Party | None = None
    terms: list[Term] = field(default_factory=list)
    order_reference: str = ""
    buyer_reference: str = ""
    contract_reference: str = ""
    preceding: list[str] = field(default_factory=list)
    payment_reference: str = ""
    iban: str = ""
    means_code: str = ""
    mandate: str = ""
    delivery_date: date | None = None
    line_total: Decimal | None = None
    allowance_total: Decimal | None = None
    charge_total: Decimal | None = None
    net_total: Decimal | None = None
    vat_total: Decimal | None = None
    total: Decimal | None = None
    prepaid: Decimal | None = None
    rounding: Decimal | None = None
    adjustments: list[Decimal] = field(default_factory=list)
    due: Decimal | None = None
    lines: list[Decimal] = field(default_factory=list)
    allowances: list[Decimal] = field(default_factory=list)
    charges: list[Decimal] = field(default_factory=list)
    vat_rows: list[VatRow] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_extended(self) -> bool:
        """Factur-X EXTENDED and the French extension allow a cent of rounding per line (BR-FXEXT, BR-FREXT)."""
        return "extended" in self.profile.lower()

    def fail(self, column: str, code: str, value: str = "", **params: Any) -> None:
        error: dict[str, Any] = {"column": column, "code": code}
        if value:
            error["value"] = value[:_SHOWN]
        self.errors.append(error | params)

    def amount(self, element: Any, path: str, column: str = "total_amount") -> Decimal | None:
        """The amount at a path; None when there is none, with an error when it is no decimal number."""
        return self.number_of(xml.text(element, path), column)

    def amounts(self, element: Any, path: str) -> list[Decimal]:
        found = (self.number_of(text, "total_amount") for text in xml.texts(element, path))
        return [amount for amount in found if amount is not None]

    def number_of(self, text: str, column: str) -> Decimal | None:
        if not text:
            return None
        if not _DECIMAL.fullmatch(text):
            self.fail(column, "einvoice_amount", text)
            return None
        return Decimal(text)

    def day_of(self, text: str, column: str) -> date | None:
        """A date as UBL and CII write it; None when there is none, with an error when it is no date."""
        if not text:
            return None
        day = read_day(text)
        if day is None:
            self.fail(column, "einvoice_date", text)
        return day


_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ].*|Z|[+-][0-9]{2}:[0-9]{2})?")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[0-9]{4}|[0-9]{6})?(?:Z|[+-][0-9]{4})?")


def read_day(text: str) -> date | None:
    """`2026-11-23` (with or without a zone or an hour), `20261123`, `202611231200`; None for anything else."""
    found = _ISO.fullmatch(text) or _COMPACT.fullmatch(text)
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None
