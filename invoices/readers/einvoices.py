"""Batches of electronic invoices: each document is a row, or a row per instalment. Runs in the confined child."""

import logging
from collections.abc import Iterator
from datetime import date
from typing import IO, Any

from invoices.readers.einvoice.cii import read_cii
from invoices.readers.einvoice.documents import Document, Documents
from invoices.readers.einvoice.row import CELLS, rows_of
from invoices.readers.einvoice.ubl import read_ubl
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from invoices.readers.staged import StagedRow

_COLUMNS = {
    "kind": "type",
    "number": "number",
    "issue_date": "issued",
    "due_date": "due",
    "currency": "currency",
    "vat_amount": "vat",
    "total_amount": "total",
}


def open_einvoices(stream: IO[bytes], config: dict[str, Any]) -> "EInvoices":
    """An XML, a PDF that carries one, or a ZIP of any mix. Raises UnreadableFile when the whole is refused."""
    # The PDF library tells every oddity of every file.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    return EInvoices(Documents(stream), config)


class EInvoices:
    """The rows of the documents. One that cannot be read is a row in error: the others go on."""

    def __init__(self, documents: Documents, config: dict[str, Any]) -> None:
        self._documents = documents
        self._limits = Limits.from_json(config["limits"])
        self._today = date.fromisoformat(config["today"])
        self._entity: dict[str, str] = config.get("entity") or {}
        self.total = documents.total
        self.dialect: dict[str, Any] = {
            "kind": "einvoice",
            "container": documents.container,
            "headers": list(CELLS),
            "columns": dict(_COLUMNS),
            "ignored": [],
            "header_line": 0,
        }
        if self.total > self._limits.rows:
            raise UnreadableFile("too_many_rows", limit=self._limits.rows)

    def rows(self) -> Iterator[StagedRow]:
        """The rows, numbered from 1 in the order of the archive."""
        line = 0
        for document in self._documents:
            for row in self._rows_of(document):
                line += 1
                row.line = line
                yield row

    def _rows_of(self, document: Document) -> list[StagedRow]:
        if document.root is None:
            error = {"column": "", "code": document.code, **(document.params or {})}
            return [StagedRow(line=0, cells=[document.name], document_name=document.name, errors=[error])]
        invoice = read_ubl(document.root) if document.kind == "UBL" else read_cii(document.root)
        return rows_of(
            invoice,
            entity=self._entity,
            today=self._today,
            longest=dict(self._limits.texts),
            name=document.name,
        )
