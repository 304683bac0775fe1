"""The XML of a CAMT message, streamed: the parts of a statement as small trees, whatever their namespace.

Read with Expat: memory does not grow with the file, every error has its line and column, and a document type
declaration is refused, so that no entity is ever expanded or fetched.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import IO, Any
from xml.parsers import expat

from invoices.readers.bank.building import StatementError, currency_code, exact_amount, iso_date
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB

STATEMENTS = {"Stmt": "BOOKED", "Rpt": "INTERIM", "Ntfctn": "NOTIFICATION"}
_MESSAGES = ("BkToCstmrStmt", "BkToCstmrAcctRpt", "BkToCstmrDbtCdtNtfctn")
_DEEPEST = 60
_LONGEST_TEXT = 200_000
_PIECE = MIB // 4


class Node:
    """An element with its text and its elements; `line` is where it begins."""

    __slots__ = ("attributes", "inner", "line", "name", "text")

    def __init__(self, name: str, line: int, attributes: dict[str, str]) -> None:
        self.name = name
        self.line = line
        self.attributes = attributes
        self.text = ""
        self.inner: list[Node] = []

    def get(self, name: str, default: str = "") -> str:
        """The value of an attribute."""
        return self.attributes.get(name, default)


# What a message is made of: ("open", Stmt), ("part", its Id, Bal, Ntry…), ("close", Stmt).
Step = tuple[str, Node]


def steps(stream: IO[bytes]) -> Iterator[Step]:
    """The statements of the message, part by part. Raises UnreadableFile when the XML is broken or dangerous."""
    reader = _Reader()
    stream.seek(0)
    try:
        while piece := stream.read(_PIECE):
            reader.parser.Parse(piece, False)
            yield from reader.take()
        reader.parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise UnreadableFile(
            "bank_xml_broken",
            line=error.lineno,
            column=error.offset + 1,
            detail=expat.ErrorString(error.code) or "",
        ) from None
    except (UnicodeError, LookupError, ValueError) as error:
        raise UnreadableFile("bank_xml_broken", line=1, detail=str(error)[:200]) from None
    yield from reader.take()


class _Reader:
    """Expat's calls, gathered into the parts of statements."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self._path: list[str] = []
        self._open: list[Node] = []
        self._statement: Node | None = None
        self._steps: list[Step] = []

    def take(self) -> list[Step]:
        """The steps since the last call."""
        found, self._steps = self._steps, []
        return found

    def _doctype(self, *_declared: Any) -> None:
        raise UnreadableFile("bank_xml_doctype")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        path = self._path
        if not path and name in _MESSAGES:
            path.append("Document")  # some banks leave the envelope out
        path.append(name)
        depth = len(path)
        if depth > _DEEPEST:
            raise UnreadableFile(
                "bank_xml_broken", line=self.parser.CurrentLineNumber, column=1, detail="too deep"
            )
        if self._statement is not None:
            node = Node(name, self.parser.CurrentLineNumber, attributes)
            if self._open:
                self._open[-1].inner.append(node)
            self._open.append(node)
        elif depth == 3 and name in STATEMENTS:
            self._statement = Node(name, self.parser.CurrentLineNumber, attributes)
            self._steps.append(("open", self._statement))

    def _text(self, data: str) -> None:
        if self._open and not data.isspace():
            node = self._open[-1]
            node.text += data
            if len(node.text) > _LONGEST_TEXT:
                raise UnreadableFile("line_too_long", line=node.line, limit=_LONGEST_TEXT)

    def _end(self, _tag: str) -> None:
        self._path.pop()
        if self._open:
            node = self._open.pop()
            if not self._open:
                self._steps.append(("part", node))
        elif self._statement is not None and len(self._path) == 2:
            self._steps.append(("close", self._statement))
            self._statement = None


def child(node: Node | None, *path: str) -> Node | None:
    """The first element at the path."""
    for step in path:
        if node is None:
            return None
        node = next((item for item in node.inner if item.name == step), None)
    return node


def children(node: Node | None, *path: str) -> list[Node]:
    """Every element at the path: all of the last step, the first one of those before."""
    holder = child(node, *path[:-1])
    return [] if holder is None else [item for item in holder.inner if item.name == path[-1]]


def text(node: Node | None, *path: str) -> str:
    """The text of the first element at the path, "" when it is not there."""
    found = child(node, *path)
    return "" if found is None else found.text.strip()


def amount_of(node: Node, *path: str) -> tuple[Decimal, str]:
    """The amount and currency of `Amt`. Raises StatementError."""
    found = child(node, *path, "Amt")
    if found is None:
        raise StatementError("amount_missing", line=node.line, field=node.name)
    where = {"line": found.line, "field": f"{node.name}/Amt"}
    return exact_amount(found.text, **where), currency_code(found.get("Ccy"), **where)


def account_of(node: Node) -> str:
    """The IBAN, else the identifier that the bank uses."""
    return (
        text(node, "Id", "IBAN")
        or text(node, "Id", "Othr", "Id")
        or text(node, "Id", "BBAN")
        or text(node, "Id", "UPIC")
        or text(node, "Id", "PrtryAcct", "Id")
    )


def day_of(node: Node, *names: str) -> date | None:
    """The day of the first of these elements that is there. Raises StatementError."""
    for step in names:
        found = child(node, step)
        if found is None:
            continue
        found = child(found, "Dt") or child(found, "DtTm") or found
        if found.text:
            return iso_date(found.text, line=found.line, field=f"{node.name}/{step}")
    return None
