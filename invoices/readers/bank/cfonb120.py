"""CFONB120, the French account statement: old balance (01), movements (04), complements (05), new balance (07).

Source: CFONB, « Relevé de compte sur support informatique », July 2004, and « Évolutions du relevé de compte 120
caractères pour les opérations de virements et de prélèvements SEPA ». One file holds as many accounts as it likes.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import IO, Any

from invoices.readers.bank.building import (
    Building,
    StatementError,
    account_text,
    clip,
    currency_code,
    money,
    reference,
    short_date,
)
from invoices.readers.bank.cfonb_codes import NATURE_OF, REASONS
from invoices.readers.bank.cfonb_records import Record, records, signed_amount
from invoices.readers.bank.model import Event
from invoices.readers.bank.return_codes import ISO_RETURNS
from invoices.readers.bank.text import return_code_in, speaks_of_return
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits

WIDTH = 120
_PAYER = re.compile(
    r"VIR(?:EMENT)?(?: (?:SEPA|INST|INSTANTANE|RECU|RE\u00c7U|DE|FAVEUR))* +(?:DE )?(.+)", re.I
)
_CREDITOR_REFERENCE = re.compile(r"\bRF[0-9]{2}[0-9A-Z]{1,21}\b")
_MOST_COMPLEMENTS = 200
_LONG_TEXT = 70


def read_cfonb120(stream: IO[bytes], options: dict[str, str], limits: Limits) -> Iterator[Event]:
    """Raises UnreadableFile when the records do not follow each other as they must."""
    reader = _Reader()
    for record in records(stream, limits, WIDTH, options.get("encoding", "")):
        yield from reader.see(record)
    yield from reader.finish()


class _Reader:
    def __init__(self) -> None:
        self._rank = 0
        self._building: Building | None = None
        self._number = ""
        self._movement: Record | None = None
        self._complements: list[tuple[str, str]] = []
        self._last_line = 0
        self._failure: UnreadableFile | None = None

    def see(self, record: Record) -> Iterator[Event]:
        self._last_line = record.line
        match record.code:
            case "01":
                self._expect(self._building is None, record, "07")
                self._open(record)
            case "04":
                self._expect(self._building is not None, record, "01")
                yield from self._flush()
                self._check_account(record)
                self._movement, self._complements = record, []
            case "05":
                self._expect(self._building is not None, record, "01")
                self._expect(self._movement is not None or self._is_failed, record, "04")
                if len(self._complements) < _MOST_COMPLEMENTS:
                    self._complements.append((record.part(46, 48), record.part(49, 118)))
            case "07":
                self._expect(self._building is not None, record, "01")
                yield from self._flush()
                self._check_account(record)
                yield self._close(record)
            case _:
                raise UnreadableFile("bank_record_unknown", line=record.line, value=record.code)

    def finish(self) -> Iterator[Event]:
        if self._building is not None:
            self._refuse("bank_record_order", line=self._last_line, found="", expected="07")
        yield from ()

    @property
    def _is_failed(self) -> bool:
        return self._building is not None and self._building.statement.remark_code != ""

    def _refuse(self, code: str, **params: Any) -> None:
        """An order that makes no sense is often the echo of what could not be read before: that is said first."""
        raise self._failure or UnreadableFile(code, **params)

    def _expect(self, is_right: bool, record: Record, expected: str) -> None:
        if not is_right:
            self._refuse(
                "bank_record_order", line=record.line, column=1, found=record.code, expected=expected
            )

    def _check_account(self, record: Record) -> None:
        # Banks of one group write another bank code on some movements: the account number decides.
        if record.part(22, 32) != self._number:
            self._refuse(
                "bank_account_differs",
                line=record.line,
                column=22,
                found=record.part(22, 32).strip(),
                expected=self._number.strip(),
            )

    def _open(self, record: Record) -> None:
        self._rank += 1
        self._building = Building(self._rank)
        self._number = record.part(22, 32)
        statement = self._building.statement
        statement.account_identification = _account(record)
        statement.currency = "EUR"
        try:
            statement.currency = currency_code(record.part(17, 19), line=record.line, column=17)
            statement.from_date = _date(record, 35)
            statement.opening_amount = signed_amount(record, 91, 104, _decimals(record))
        except StatementError as error:
            self._fail(error)

    def _fail(self, error: StatementError) -> None:
        assert self._building is not None
        self._building.statement.remark_code = error.code
        self._building.statement.remark_params = {"statement": self._rank, **error.params}
        self._failure = self._failure or error.for_file(self._rank)
        self._movement = None

    def _flush(self) -> Iterator[Event]:
        """The movement under way has all its complements."""
        record, self._movement = self._movement, None
        if record is None or self._building is None or self._is_failed:
            return
        try:
            fields = movement_fields(record, self._complements)
        except StatementError as error:
            self._fail(error)
            return
        self._building.entry_rank += 1
        line = self._building.line(**fields)
        if line is not None:
            yield line

    def _close(self, record: Record) -> Event:
        building, self._building = self._building, None
        assert building is not None
        statement = building.statement
        if not statement.remark_code:
            try:
                statement.to_date = _date(record, 35)
                statement.closing_amount = signed_amount(record, 91, 104, _decimals(record))
            except StatementError as error:
                self._failure = self._failure or error.for_file(self._rank)
                return building.fail(error)
        return building.close()


def _account(record: Record) -> str:
    """Bank, branch and account number, as in the French RIB without its key."""
    return f"{record.part(3, 7)}{record.part(12, 16)}{record.part(22, 32)}".replace(" ", "0")


def _decimals(record: Record) -> int:
    text = record.part(20, 20)
    if text == " ":
        return 2
    if text not in "0123":
        raise StatementError("decimals_invalid", line=record.line, column=20, value=text)
    return int(text)


def _date(record: Record, column: int) -> date:
    return short_date(record.part(column, column + 5), "dmy", line=record.line, column=column)


def movement_fields(record: Record, complements: list[tuple[str, str]]) -> dict[str, Any]:
    """What a movement and its complements say. Raises StatementError with line and column."""
    amount = signed_amount(record, 91, 104, _decimals(record))
    code = record.part(33, 34)
    label = clip(record.part(49, 79))
    value_text = record.part(43, 48)
    fields: dict[str, Any] = {
        "booking_date": _date(record, 35),
        "value_date": _date(record, 43) if value_text.strip("0 ") else None,
        "amount": amount,
        "currency": currency_code(record.part(17, 19), line=record.line, column=17),
        "bank_code": code.strip(),
        "nature": NATURE_OF.get(code, "OTHER"),
        "bank_reference": reference(record.part(105, 120)),
    }
    fields |= _complement_fields(complements, amount, label)
    reason = record.part(41, 42).strip()
    is_return = fields["nature"] == "RETURN" and (code != "34" or amount < 0)
    if (
        not is_return
        and amount < 0
        and (reason in REASONS or speaks_of_return(label))
        and fields["nature"] != "CHARGES"
    ):
        is_return = True
    if is_return:
        own = return_code_in(f"{label} {fields['remittance']}")
        fields |= {
            "is_return": True,
            "nature": "RETURN",
            "return_code": reason or own,
            "return_reason": REASONS.get(reason, "") or ISO_RETURNS.get(own, ""),
            "returned_end_to_end_id": fields["end_to_end_id"],
        }
    elif fields["nature"] == "RETURN":
        fields["nature"] = "OTHER"
    return fields


def _complement_fields(complements: list[tuple[str, str]], amount: Decimal, label: str) -> dict[str, Any]:
    found: dict[str, str] = {}
    free: list[str] = []
    for qualifier, text in complements:
        if qualifier == "LIB":
            free.append(clip(text))
        elif text.strip():
            found.setdefault(qualifier, text)
    party, other = ("NPY", "NBE") if amount > 0 else ("NBE", "NPY")
    account, other_account = ("CPY", "CBE") if amount > 0 else ("CBE", "CPY")
    name = clip(found.get(party, "")) or clip(found.get(other, ""))
    payer = _PAYER.fullmatch(label)
    if not name and payer is not None and amount > 0:
        name = clip(payer[1])
    first, second = found.get("LCC", ""), found.get("LC2", "")
    joined = first + second if len(first.rstrip()) == _LONG_TEXT else f"{first} {second}"
    remittance = clip(joined) or clip(" ".join([label, *free]))
    structured = clip(found.get("LCS", ""))
    creditor_reference = _CREDITOR_REFERENCE.search(structured)
    fields: dict[str, Any] = {
        "counterparty_name": name,
        "counterparty_iban": account_text((found.get(account) or found.get(other_account, ""))[:34])[:34],
        "ultimate_name": clip(found.get("NPO", "") or found.get("NBU", "")),
        "remittance": remittance,
        "structured_reference": creditor_reference[0] if creditor_reference else structured,
        "end_to_end_id": reference(found.get("RCN", "")[:35]),
        "mandate_reference": reference(found.get("RUM", "")[:35]),
    }
    own = reference(found.get("REF", "")[:35])
    if own:
        fields["bank_reference"] = own
    fields |= _money(found.get("MMO", ""), "original")
    fields |= _money(found.get("FEE", ""), "charges")
    return fields


def _money(text: str, prefix: str) -> dict[str, Any]:
    """Currency, number of decimals, fourteen digits. What cannot be read is left out: it moves nothing."""
    found = re.match(r"([A-Z]{3})([0-9])([0-9]{14})", text)
    if found is None:
        return {}
    try:
        amount = money(Decimal(int(found[3])).scaleb(-int(found[2])))
    except StatementError:
        return {}
    if prefix == "charges":
        return {"charges_amount": amount} if amount else {}
    return {"original_amount": amount, "original_currency": found[1]} if amount else {}
