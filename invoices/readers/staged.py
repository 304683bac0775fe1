"""One row of a batch on its way into the staging table, whatever format it was read from."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

# The columns of the staging table, in the order of the lines that `copy_line` gives.
STAGED = (
    "line", "cells", "customer_code", "number", "instalment", "kind", "issue_date", "due_date", "currency",
    "total_amount", "vat_amount", "open_amount", "reference", "details", "document_name", "skipped", "errors",
)  # fmt: skip

NULL = "\\N"
_REPLACEMENT = "\ufffd"
_FORBIDDEN = str.maketrans({"\\": "\\\\", "\t": " ", "\n": " ", "\r": " ", "\x00": _REPLACEMENT})


@dataclass
class StagedRow:
    """What one row says. Amounts are signed as in `OpenItem`; None is what the file does not say.

    `skipped` is the code of the reason for which a row that is right is left out (a draft, a settled group).
    `errors` are objects with `column`, `code`, `value` and what the sentence of the code needs.
    """

    line: int
    cells: list[str] = field(default_factory=list)
    customer_code: str | None = None
    number: str | None = None
    instalment: int = 1
    kind: str | None = None
    issue_date: date | None = None
    due_date: date | None = None
    currency: str | None = None
    total_amount: Decimal | None = None
    vat_amount: Decimal | None = None
    open_amount: Decimal | None = None
    reference: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    document_name: str = ""
    skipped: str | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)


class RowSource(Protocol):
    """A file that was opened and understood: how it is written, how many rows it has, and the rows."""

    dialect: dict[str, Any]
    total: int

    def rows(self) -> Iterator[StagedRow]:
        """The rows in the order of the file. Raises UnreadableFile when the rest cannot be read."""


def copy_line(row: StagedRow) -> str:
    """The row as a line of PostgreSQL's COPY text format, columns as in `STAGED`."""
    return (
        "\t".join(
            (
                str(row.line),
                copy_json(row.cells),
                copy_text(row.customer_code),
                copy_text(row.number),
                str(row.instalment),
                row.kind or NULL,
                NULL if row.issue_date is None else row.issue_date.isoformat(),
                NULL if row.due_date is None else row.due_date.isoformat(),
                row.currency or NULL,
                NULL if row.total_amount is None else str(row.total_amount),
                NULL if row.vat_amount is None else str(row.vat_amount),
                NULL if row.open_amount is None else str(row.open_amount),
                copy_text(row.reference),
                copy_json(row.details),
                copy_text(row.document_name),
                copy_text(row.skipped),
                copy_json(row.errors) if row.errors else NULL,
            )
        )
        + "\n"
    )


def copy_text(text: str | None) -> str:
    """A text as COPY takes it: no tab, no line break, no NUL."""
    return NULL if text is None else text.translate(_FORBIDDEN)


def copy_json(value: Any) -> str:
    """A value as JSON that COPY takes and PostgreSQL holds."""
    return json.dumps(value, ensure_ascii=False).replace("\\u0000", _REPLACEMENT).replace("\\", "\\\\")
