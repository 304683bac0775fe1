"""A row of a file of accounts or ratings, and the reading of its values."""

import json
from calendar import monthrange
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from core.money import MAX_AMOUNT, AmountError, parse_amount
from risk.liasse_cells import CELLS

SHOWN = 60
STATEMENT = "STATEMENT"
RATING = "RATING"
FORMS = ("NORMAL", "SIMPLIFIED", "KEY_FIGURES")


@dataclass
class OutsideRow:
    """The accounts of a year or a rating, as a file gives them; `errors` and `warnings` are codes with their values.

    Amounts are texts in units of `unit`, dates ISO 8601.
    """

    number: int
    what: str = STATEMENT
    siren: str = ""
    customer: str = ""
    entity: str = ""
    source: str = "CSV"
    form: str = "NORMAL"
    basis: str = "INDIVIDUAL"
    publicity: str = "UNKNOWN"
    period_end: str = ""
    months: int = 12
    currency: str = "EUR"
    unit: int = 1
    values: dict[str, str] = field(default_factory=dict)
    previous: dict[str, str] = field(default_factory=dict)
    scale: str = ""
    value: str = ""
    rated_on: str = ""
    valid_until: str = ""
    reference: str = ""
    errors: list[dict[str, str]] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)

    def fail(self, code: str, column: str = "", value: object = "", **more: object) -> None:
        self.errors.append(_told(code, column, value, more))

    def warn(self, code: str, column: str = "", value: object = "", **more: object) -> None:
        self.warnings.append(_told(code, column, value, more))

    def as_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: bytes) -> "OutsideRow":
        return cls(**json.loads(text))

    # --- values, each checked -------------------------------------------------------------------------

    def set_siren(self, text: object) -> None:
        digits = "".join(char for char in str(text or "") if not char.isspace())
        if digits and not (len(digits) == 9 and digits.isascii() and digits.isdigit()):
            self.fail("SIREN", "siren", text)
        self.siren = digits if len(digits) == 9 and digits.isdigit() else ""

    def set_period_end(self, text: object, column: str = "period_end") -> None:
        self.period_end = self.day(text, column, required=True)

    def day(self, text: object, column: str, *, required: bool = False) -> str:
        """A date as ISO: 2025-12-31, 31/12/2025, or a month (2025-12), whose last day is meant."""
        told = str(text or "").strip()
        if not told:
            if required:
                self.fail("REQUIRED", column)
            return ""
        found = _date(told)
        if found is None:
            self.fail("DATE", column, told)
            return ""
        return found.isoformat()

    def whole(self, text: object, column: str, default: int) -> int:
        told = str(text if text is not None else "").strip()
        if not told:
            return default
        if told.isascii() and told.isdigit() and len(told) < 9:
            return int(told)
        self.fail("WHOLE", column, told)
        return default

    def choice(self, text: object, column: str, choices: tuple[str, ...], default: str) -> str:
        told = str(text or "").strip().upper()
        if not told:
            return default
        if told not in choices:
            self.fail("CHOICE", column, told, choices=", ".join(choices))
            return default
        return told

    def set_amount(self, code: str, value: object, *, previous: bool = False, column: str = "") -> None:
        """A cell: a number of JSON, or text as people write it. Empty is nothing."""
        if value is None or value == "":
            return
        amount = self._amount(value, column or code)
        if amount is None:
            return
        if abs(amount) > MAX_AMOUNT:
            self.fail("TOO_LARGE", column or code, value)
            return
        (self.previous if previous else self.values)[code] = str(amount)

    def _amount(self, value: object, column: str) -> Decimal | None:
        if isinstance(value, bool | list | dict):
            self.fail("AMOUNT", column, value)
            return None
        text = str(value).strip()
        try:
            found = Decimal(text)
            if found.is_finite() and abs(found) > MAX_AMOUNT:
                return found
            if found.is_finite():
                return found.quantize(Decimal("0.01"))
        except InvalidOperation:
            pass
        try:
            return parse_amount(text, "," if "," in text and "." not in text else None)
        except (AmountError, InvalidOperation):
            self.fail("AMOUNT", column, text)
            return None


def is_cell(code: str) -> bool:
    return code in CELLS


def _told(code: str, column: str, value: object, more: dict[str, Any]) -> dict[str, str]:
    told = {"code": code, "column": column, "value": str(value)[:SHOWN].replace("\x00", "\ufffd")}
    return told | {name: str(item)[:200] for name, item in more.items()}


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        pass
    parts = text.replace(".", "/").replace("-", "/").split("/")
    if not all(part.isascii() and part.isdigit() for part in parts):
        return None
    try:
        if len(parts) == 2 and len(parts[0]) == 4:
            year, month = int(parts[0]), int(parts[1])
            return date(year, month, monthrange(year, month)[1])
        if len(parts) == 3:
            return date(int(parts[2]), int(parts[1]), int(parts[0]))
    except (ValueError, IndexError):
        return None
    return None
