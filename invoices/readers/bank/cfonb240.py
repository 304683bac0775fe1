"""CFONB240: operations restituted in the interbank format, above all unpaid debits and bills.

A header (31), the operations (34) and their total (39). Source: CFONB, « Opérations au format interbancaire
restituées à la clientèle », 240 characters. These files announce: they have no balances, and the account statement
brings the same movements.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Any

from invoices.readers.bank.building import Building, StatementError, clip, short_date
from invoices.readers.bank.cfonb_codes import NATURE_240, REASONS, RETURNS_240
from invoices.readers.bank.cfonb_records import Record, plain_amount, records
from invoices.readers.bank.model import Event
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits

WIDTH = 240


def read_cfonb240(stream: IO[bytes], options: dict[str, str], limits: Limits) -> Iterator[Event]:
    """Raises UnreadableFile when the records do not follow each other as they must."""
    building: Building | None = None
    rank = last_line = 0
    account = ""
    for record in records(stream, limits, WIDTH, options.get("encoding", "")):
        last_line = record.line
        if record.code not in ("31", "34", "39"):
            raise UnreadableFile("bank_record_unknown", line=record.line, value=record.code)
        if (record.code == "31") != (building is None):
            expected = "39" if record.code == "31" else "31"
            raise UnreadableFile(
                "bank_record_order", line=record.line, column=1, found=record.code, expected=expected
            )
        try:
            if record.code == "31":
                rank += 1
                building = Building(rank, kind="RETURNS", currency="EUR")
                account = _account(record, 22)
                building.statement.account_identification = account
                _check_currency(record)
            elif building is not None and not building.statement.remark_code and record.code == "34":
                building.entry_rank += 1
                line = building.line(**operation_fields(record, account))
                if line is not None:
                    yield line
            elif building is not None and record.code == "39":
                yield _close(building, record)
                building = None
        except StatementError as error:
            assert building is not None
            building.statement.remark_code = error.code
            building.statement.remark_params = {"statement": rank, **error.params}
            if record.code == "39":
                yield building.close()
                building = None
    if building is not None:
        raise UnreadableFile("bank_record_order", line=last_line, found="", expected="39")


def _close(building: Building, record: Record) -> Event:
    statement = building.statement
    if statement.remark_code:
        return building.close()
    total = plain_amount(record, 229, 240)
    if statement.credit_amount and not statement.debit_amount:
        statement.kind = "NOTIFICATION"
        return building.close(credit=total)
    if statement.credit_amount:
        # Both directions in one file: the total is the sum of all, whatever their sign.
        return building.close(debit=total - statement.credit_amount)
    return building.close(debit=total)


def _check_currency(record: Record) -> None:
    if record.part(17, 17) not in "E ":
        raise StatementError("currency_unknown", line=record.line, column=17, value=record.part(17, 17))


def _account(record: Record, column: int) -> str:
    return record.part(column, column + 20).replace(" ", "0")


def _iban(record: Record, column: int) -> str:
    """The IBAN of a French account, "" when the file does not give it."""
    account = _account(record, column)
    if not account.strip("0") or not account.isalnum() or not account.isascii():
        return ""
    from customers.identifiers import french_iban  # 60 ms to load

    return french_iban(account[:5], account[5:10], account[10:])


def operation_fields(record: Record, account: str) -> dict[str, Any]:
    """What an operation says. Raises StatementError with line and column."""
    _check_currency(record)
    code = record.part(9, 10)
    reason = record.part(227, 228).strip()
    is_return = code in RETURNS_240 or (code not in NATURE_240 and reason in REASONS)
    amount: Decimal = plain_amount(record, 229, 240)
    # The account that is not ours is the other side's; both layouts exist.
    other = 22 if _account(record, 22) != account else 78
    name = record.part(43, 66) if other == 22 else record.part(99, 122)
    fields: dict[str, Any] = {
        "booking_date": short_date(record.part(11, 16), "dmy", line=record.line, column=11),
        "amount": -amount if is_return else amount,
        "currency": "EUR",
        "bank_code": code.strip(),
        "nature": "RETURN" if is_return else NATURE_240.get(code, "OTHER"),
        "counterparty_name": clip(name),
        "counterparty_iban": _iban(record, other),
        "remittance": clip(record.part(123, 210)),
        "bank_reference": clip(record.part(123, 128)),
    }
    if is_return:
        fields |= {
            "is_return": True,
            "return_code": reason,
            "return_reason": REASONS.get(reason, ""),
            "returned_reference": clip(record.part(153, 183) if code == "81" else record.part(139, 148)),
        }
    return fields
