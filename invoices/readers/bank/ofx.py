"""OFX 1 (SGML, tags left open) and OFX 2 (XML), by one tolerant reader of tags.

Nothing is declared, expanded or loaded: a document type is refused, entities are the five of XML and numbers.
Source: Open Financial Exchange 1.6 and 2.2, chapter 11. An OFX file gives the closing balance only.
"""

import codecs
import html
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import IO, Any

from invoices.readers.bank.building import (
    Building,
    StatementError,
    clip,
    currency_code,
    money,
    plausible,
    reference,
)
from invoices.readers.bank.model import Event
from invoices.readers.bank.text import encoding_of, return_code_in, speaks_of_return
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB, Limits

_TAG = re.compile(r"<(/?)([A-Za-z0-9_.]{1,64})(?:\s[^<>]*)?(/?)>([^<]*)")
_AMOUNT = re.compile(r"[+-]?[0-9]{0,15}(?:[.,][0-9]{0,10})?")
_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2}).*", re.S)
_LONGEST_TAG = 100_000
_TYPES = {
    "FEE": "CHARGES",
    "SRVCHG": "CHARGES",
    "INT": "CHARGES",
    "ATM": "CASH",
    "CASH": "CASH",
    "POS": "CARD",
    "CHECK": "CHEQUE",
    "XFER": "TRANSFER",
    "DIRECTDEP": "TRANSFER",
    "DIRECTDEBIT": "DIRECT_DEBIT",
}


def read_ofx(stream: IO[bytes], options: dict[str, str], limits: Limits) -> Iterator[Event]:
    """Raises UnreadableFile when the tags cannot be followed."""
    reader = _Reader(options)
    for line, closing, name, value in _tags(stream, options.get("encoding", "")):
        yield from reader.see(line, closing, name, value)
    yield from reader.finish()


def _tags(stream: IO[bytes], imposed: str) -> Iterator[tuple[int, bool, str, str]]:
    """Line, whether it closes, name, and the text that follows."""
    codec = encoding_of(stream, imposed)
    decoder = codecs.getincrementaldecoder(codec)("replace")
    stream.seek(0)
    line, rest, started = 1, "", False
    while True:
        chunk = stream.read(MIB // 4)
        rest += decoder.decode(chunk, final=not chunk)
        if not started and "<!DOCTYPE" in rest[:65_536].upper():
            raise UnreadableFile("bank_xml_doctype")
        started = True
        # The text of the last tag may go on in the next chunk.
        cut = rest.rfind("<") if chunk else len(rest)
        if cut < 0:
            cut = 0 if len(rest) < _LONGEST_TAG else len(rest)
        part, rest = rest[:cut], rest[cut:]
        at = 0
        for found in _TAG.finditer(part):
            line += part.count("\n", at, found.start())
            at = found.start()
            text = found[4].strip()
            yield line, bool(found[1]), found[2].upper(), html.unescape(text) if "&" in text else text
            if found[3]:
                yield line, True, found[2].upper(), ""
        line += part.count("\n", at)
        if len(rest) > _LONGEST_TAG:
            raise UnreadableFile("bank_ofx_broken", line=line)
        if not chunk:
            return


class _Reader:
    def __init__(self, options: dict[str, str]) -> None:
        self._options = options
        self._rank = 0
        self._building: Building | None = None
        self._account: dict[str, str] = {}
        self._group = ""
        self._entry: dict[str, tuple[str, int]] | None = None
        self._entry_line = 0
        self._failed = False
        self._header: dict[str, tuple[str, int]] = {}

    def see(self, line: int, closing: bool, name: str, value: str) -> Iterator[Event]:
        if name in ("STMTRS", "CCSTMTRS"):
            if closing:
                yield from self._end_entry()
                yield from self._close()
            else:
                yield from self._close()
                self._rank += 1
                self._building = Building(self._rank)
                self._account, self._header, self._failed, self._group = {}, {}, False, ""
        elif self._building is None or self._failed:
            return
        elif name == "STMTTRN":
            yield from self._end_entry()
            if not closing:
                self._entry, self._entry_line = {}, line
        elif name in (
            "BANKACCTFROM",
            "CCACCTFROM",
            "LEDGERBAL",
            "AVAILBAL",
            "BANKTRANLIST",
            "PAYEE",
            "BANKACCTTO",
        ):
            if closing and name == "BANKTRANLIST":
                yield from self._end_entry()
            self._group = "" if closing else name
        elif not closing and value:
            self._keep(name, value, line)

    def _keep(self, name: str, value: str, line: int) -> None:
        if self._entry is not None:
            if self._group == "PAYEE" and name == "NAME":
                name = "PAYEE"
            self._entry.setdefault(name, (value, line))
        elif self._group in ("BANKACCTFROM", "CCACCTFROM"):
            self._account.setdefault(name, value)
        elif self._group == "LEDGERBAL" or name in ("CURDEF", "DTSTART", "DTEND"):
            self._header.setdefault(name, (value, line))

    def _end_entry(self) -> Iterator[Event]:
        entry, self._entry = self._entry, None
        if entry is None or self._building is None:
            return
        try:
            fields = entry_fields(entry, self._entry_line)
            self._building.entry_rank += 1
            line = self._building.line(**fields, currency=self._currency())
        except StatementError as error:
            self._fail(error)
            return
        if line is not None:
            yield line

    def _currency(self) -> str:
        value, line = self._header.get("CURDEF", (self._options.get("currency", "EUR"), 0))
        return currency_code(value, line=line, field="CURDEF")

    def _fail(self, error: StatementError) -> None:
        assert self._building is not None
        self._failed = True
        self._building.statement.remark_code = error.code
        self._building.statement.remark_params = {"statement": self._rank, **error.params}

    def _close(self) -> Iterator[Event]:
        building = self._building
        if building is None:
            return
        statement = building.statement
        statement.currency = "EUR"
        statement.account_identification = _account(self._account)
        try:
            statement.currency = self._currency()
            if "BALAMT" in self._header:
                statement.closing_amount = _amount(*self._header["BALAMT"], "BALAMT")
            statement.from_date = self._day("DTSTART")
            statement.to_date = self._day("DTEND") or self._day("DTASOF")
        except StatementError as error:
            if not self._failed:
                self._fail(error)
        self._building = None
        yield building.close()

    def _day(self, name: str) -> date | None:
        if name not in self._header:
            return None
        value, line = self._header[name]
        return None if not value.strip("0") else _day(value, line, name)

    def finish(self) -> Iterator[Event]:
        yield from self._end_entry()
        yield from self._close()


def _account(parts: dict[str, str]) -> str:
    """The French bank, branch and account where the file gives them, else the account alone."""
    whole = "".join(parts.get(name, "") for name in ("BANKID", "BRANCHID", "ACCTID"))
    compact = "".join(whole.split())
    return compact if len(compact) in (21, 23) and compact[:10].isdigit() else parts.get("ACCTID", "")


def _amount(value: str, line: int, field: str) -> Decimal:
    text = value.replace(" ", "").replace("\u00a0", "")
    if not _AMOUNT.fullmatch(text) or not any(char.isdigit() for char in text):
        raise StatementError("amount_invalid", line=line, field=field, value=value[:40])
    return money(Decimal(text.replace(",", ".")), line=line, field=field)


def _day(value: str, line: int, field: str) -> date:
    found = _DATE.fullmatch(value)
    try:
        if found is not None:
            return plausible(date(int(found[1]), int(found[2]), int(found[3])), value, line=line, field=field)
    except ValueError:
        pass
    raise StatementError("date_invalid", line=line, field=field, value=value[:40])


def entry_fields(entry: dict[str, tuple[str, int]], line: int) -> dict[str, Any]:
    """What a transaction says. Raises StatementError with the line and the tag."""
    for name, code in (("TRNAMT", "amount_missing"), ("DTPOSTED", "date_missing")):
        if name not in entry:
            raise StatementError(code, line=line, field=name)
    said = {name: value for name, (value, _line) in entry.items()}
    amount = _amount(*entry["TRNAMT"], "TRNAMT")
    label = clip(said.get("NAME", "") or said.get("PAYEE", ""))
    memo = clip(said.get("MEMO", ""))
    kind = said.get("TRNTYPE", "").upper()
    remittance = memo if memo.startswith(label) else f"{label} {memo}".strip()
    available = said.get("DTAVAIL", "")
    fields: dict[str, Any] = {
        "booking_date": _day(*entry["DTPOSTED"], "DTPOSTED"),
        "value_date": _day(*entry["DTAVAIL"], "DTAVAIL") if available.strip("0") else None,
        "amount": amount,
        "nature": _TYPES.get(kind, "OTHER"),
        "bank_code": kind,
        "bank_reference": reference(said.get("FITID", "")),
        "end_to_end_id": reference(said.get("REFNUM", "")),
        "counterparty_name": clip(said.get("PAYEE", "") or label),
        "remittance": remittance,
    }
    if kind == "INT" and amount > 0:
        fields["nature"] = "OTHER"
    if amount < 0 and speaks_of_return(remittance) and fields["nature"] != "CHARGES":
        fields |= {"nature": "RETURN", "is_return": True, "return_code": return_code_in(remittance)}
    return fields
