"""CAMT.052, .053 and .054 (ISO 20022 account report, statement, notification), whatever the version.

The versions differ by their namespace and by a few elements that moved; names without namespace are looked at, and
both places. Sources: ISO 20022 message definition reports camt.052/053/054.001.02 to .001.13, French usage guide of
the CFONB. Files are streamed: memory does not grow with their size.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import IO

from invoices.readers.bank.building import Building, StatementError, currency_code
from invoices.readers.bank.camt_entry import Entry
from invoices.readers.bank.camt_xml import STATEMENTS, Node, account_of, amount_of, child, day_of, steps, text
from invoices.readers.bank.model import Event
from invoices.readers.limits import Limits

# The best balance first. Interim ones count only where no booked one is given.
_OPENING = ("OPBD", "PRCD", "ITBD")
_CLOSING = ("CLBD", "ITBD")
_MOST_BALANCES = 2_000


def read_camt(stream: IO[bytes], options: dict[str, str], limits: Limits) -> Iterator[Event]:
    """Raises UnreadableFile when the XML is broken, dangerous, or no CAMT."""
    reader = _Camt(options)
    for action, node in steps(stream):
        yield from reader.see(action, node)


class _Camt:
    """Where in the message we are."""

    def __init__(self, options: dict[str, str]) -> None:
        self._options = options
        self._rank = 0
        self._building = Building(0)
        self._balances: list[tuple[str, date | None, Decimal, str]] = []
        self._failure: StatementError | None = None

    def see(self, action: str, node: Node) -> Iterator[Event]:
        if action == "open":
            self._rank += 1
            self._building = Building(self._rank, kind=STATEMENTS[node.name])
            self._balances = []
            self._failure = None
        elif action == "close":
            yield self._close()
        elif self._failure is None:
            try:
                yield from self._part(node)
            except StatementError as error:
                self._failure = error

    def _part(self, element: Node) -> Iterator[Event]:
        building = self._building
        statement = building.statement
        match element.name:
            case "Id":
                statement.identification = element.text
            case "ElctrncSeqNb" | "LglSeqNb":
                statement.sequence = statement.sequence or element.text
            case "FrToDt":
                statement.from_date = day_of(element, "FrDt", "FrDtTm")
                statement.to_date = day_of(element, "ToDt", "ToDtTm")
            case "Acct":
                statement.account_identification = account_of(element)
                found = child(element, "Ccy")
                if found is not None and found.text:
                    statement.currency = currency_code(found.text, line=found.line, field="Acct/Ccy")
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
                        line=element.line,
                        value=entry.currency,
                        currency=statement.currency,
                    )
                building.entry_rank += 1
                for fields in entry.lines():
                    line = building.line(**fields)
                    if line is not None:
                        yield line

    def _balance(self, element: Node) -> None:
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
        if not self._building.statement.currency:
            self._building.statement.currency = currency

    def _close(self) -> Event:
        building = self._building
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
