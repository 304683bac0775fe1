"""CAMT.052, .053 and .054 (ISO 20022 account report, statement, notification), whatever the version.

The versions differ by their namespace and by a few elements that moved; names without namespace are looked at, and
both places. Sources: ISO 20022 message definition reports camt.052/053/054.001.02 to .001.13, French usage guide of
the CFONB. Files are streamed: memory does not grow with their size.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import IO, Any

from lxml import etree

from invoices.readers.bank.building import Building, StatementError, currency_code
from invoices.readers.bank.camt_entry import Entry
from invoices.readers.bank.camt_xml import account_of, amount_of, child, day_of, name, text
from invoices.readers.bank.model import Event
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB, Limits

_KINDS = {"Stmt": "BOOKED", "Rpt": "INTERIM", "Ntfctn": "NOTIFICATION"}
# The best balance first. Interim ones count only where no booked one is given.
_OPENING = ("OPBD", "PRCD", "ITBD")
_CLOSING = ("CLBD", "ITBD")
_MOST_BALANCES = 2_000


def read_camt(stream: IO[bytes], options: dict[str, str], limits: Limits) -> Iterator[Event]:
    """Raises UnreadableFile when the XML is broken, dangerous, or no CAMT."""
    reader = _Camt(options)
    try:
        for action, element in _steps(stream):
            yield from reader.see(action, element)
    except etree.XMLSyntaxError as error:
        line = error.lineno or 1
        raise UnreadableFile("bank_xml_broken", line=line, detail=str(error.msg)[:200]) from None
    except (UnicodeError, LookupError, ValueError) as error:
        raise UnreadableFile("bank_xml_broken", line=1, detail=str(error)[:200]) from None


def _steps(stream: IO[bytes]) -> Iterator[tuple[str, Any]]:
    """Parsed in pieces: no entities, no network, no declared document type, a bounded depth and text size."""
    parser = etree.XMLPullParser(
        ("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    stream.seek(0)
    first = True
    while piece := stream.read(MIB // 4):
        if first and b"<!DOCTYPE" in piece[:65_536].replace(b"\x00", b"").upper():
            raise UnreadableFile("bank_xml_doctype")
        first = False
        parser.feed(piece)
        yield from parser.read_events()
    parser.close()
    yield from parser.read_events()


class _Camt:
    """Where in the message we are."""

    def __init__(self, options: dict[str, str]) -> None:
        self._options = options
        self._path: list[str] = []
        self._rank = 0
        self._building: Building | None = None
        self._balances: list[tuple[str, date | None, Decimal, str]] = []
        self._failure: StatementError | None = None

    def see(self, action: str, element: Any) -> Iterator[Event]:
        if action == "start":
            self._enter(name(element), element)
            return
        depth = len(self._path)
        tag = self._path.pop()
        if self._building is None:
            if depth > 2:
                self._drop(element)
            return
        parent = self._path[-1] if self._path else ""
        if tag in _KINDS and depth == 3:
            yield self._close()
            self._drop(element)
        elif parent in _KINDS and depth == 4:
            if self._failure is None:
                try:
                    yield from self._child(tag, element)
                except StatementError as error:
                    self._failure = error
            self._drop(element)

    def _enter(self, tag: str, element: Any) -> None:
        depth = len(self._path)
        if depth > 60:
            raise UnreadableFile("bank_xml_broken", line=element.sourceline or 1, detail="depth")
        if depth == 0 and element.getroottree().docinfo.doctype:
            raise UnreadableFile("bank_xml_doctype")
        if depth == 0 and tag in ("BkToCstmrStmt", "BkToCstmrAcctRpt", "BkToCstmrDbtCdtNtfctn"):
            self._path.append("Document")  # some banks leave the envelope out
        self._path.append(tag)
        if tag in _KINDS and len(self._path) == 3:
            self._rank += 1
            self._building = Building(self._rank, kind=_KINDS[tag])
            self._balances = []
            self._failure = None

    @staticmethod
    def _drop(element: Any) -> None:
        """What was read must not stay in memory."""
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]

    def _child(self, tag: str, element: Any) -> Iterator[Event]:
        building = self._building
        assert building is not None
        statement = building.statement
        match tag:
            case "Id":
                statement.identification = element.text or ""
            case "ElctrncSeqNb" | "LglSeqNb":
                statement.sequence = statement.sequence or element.text or ""
            case "FrToDt":
                statement.from_date = day_of(element, "FrDt", "FrDtTm")
                statement.to_date = day_of(element, "ToDt", "ToDtTm")
            case "Acct":
                statement.account_identification = account_of(element)
                found = child(element, "Ccy")
                if found is not None and found.text:
                    statement.currency = currency_code(found.text, line=found.sourceline, field="Acct/Ccy")
            case "Bal":
                self._balance(element)
            case "Ntry":
                entry = Entry(element, statement.currency)
                if entry.is_pending:
                    building.pending += 1
                    return
                if not statement.currency:
                    statement.currency = entry.currency
                elif entry.currency != statement.currency:
                    raise StatementError(
                        "currency_mixed",
                        line=element.sourceline,
                        value=entry.currency,
                        currency=statement.currency,
                    )
                building.entry_rank += 1
                for fields in entry.lines():
                    line = building.line(**fields)
                    if line is not None:
                        yield line

    def _balance(self, element: Any) -> None:
        kind = text(element, "Tp", "CdOrPrtry", "Cd") or text(element, "Tp", "Cd")
        if kind not in (*_OPENING, *_CLOSING) or len(self._balances) >= _MOST_BALANCES:
            return
        amount, currency = amount_of(element)
        if text(element, "CdtDbtInd") == "DBIT":
            amount = -amount
        # A later page may repeat the balances as interim ones.
        sub = text(element, "Tp", "SubTp", "Cd")
        kind = "ITBD" if sub == "INTM" else kind
        self._balances.append((kind, day_of(element, "Dt"), amount, currency))
        if self._building is not None and not self._building.statement.currency:
            self._building.statement.currency = currency

    def _close(self) -> Event:
        building = self._building
        assert building is not None
        self._building = None
        statement = building.statement
        balances = [item for item in self._balances if item[3] == statement.currency]
        opening, closing = pick(balances, _OPENING, last=False), pick(balances, _CLOSING, last=True)
        if opening is not None and closing is opening:
            # One interim balance alone is where the account stands now.
            opening = None
        if opening is not None:
            statement.opening_amount = opening[2]
            # The balance of the day before: the statement starts after it.
            statement.from_date = statement.from_date or (opening[1] if opening[0] != "PRCD" else None)
        if closing is not None:
            statement.closing_amount = closing[2]
            statement.to_date = statement.to_date or closing[1]
        statement.currency = statement.currency or self._options.get("currency", "EUR")
        if self._failure is not None:
            return building.fail(self._failure)
        return building.close()


def pick(
    balances: list[tuple[str, date | None, Decimal, str]], kinds: tuple[str, ...], *, last: bool
) -> tuple[str, date | None, Decimal, str] | None:
    """The first or last balance in time of the best kind there is.

    A statement over several days may give the booked balances of every day.
    """
    for kind in kinds:
        found = [item for item in balances if item[0] == kind]
        if found:
            in_time = sorted(found, key=lambda item: item[1] or date.min)
            return in_time[-1 if last else 0]
    return None
