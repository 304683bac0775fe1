"""What a batch shows: its rows and errors in words, its rejects as a file, an example to start from."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from customers.models import Customer, LegalEntity
from invoices.import_changes import batch_suspicions, changed_rows, clearings, suspicious_rows
from invoices.import_dependents import may_roll_back_until, rollback_dependents
from invoices.import_messages import column_label, file_message, readable, row_message
from invoices.models import ImportBatch, ImportRow
from invoices.readers.cells import GUARDED
from invoices.readers.columns import NAMES

__all__ = [
    "ErrorKind", "RowError", "batch_errors", "batch_suspicions", "changed_rows", "clearings", "error_kinds", "errors_of",
    "file_error", "guarded", "may_roll_back_until", "new_rows", "rejects_csv", "rollback_dependents", "row_reports",
    "same_file_batches", "sample_csv", "suspicious_rows",
]  # fmt: skip

_CHUNK = 2_000

_ERROR_KINDS = """
SELECT e ->> 'column', e ->> 'code', count(*), min(r.line), (array_agg(e ORDER BY r.line))[1]
FROM invoices_importrow r, jsonb_array_elements(r.errors) e
WHERE r.batch_id = %(batch)s AND r.outcome = 'ERROR'
GROUP BY 1, 2
HAVING count(*) > 1
ORDER BY 3 DESC, 1, 2
LIMIT 8
"""


@dataclass(frozen=True)
class RowError:
    """One thing that is wrong with one line of the file."""

    line: int
    field: str
    column: str
    code: str
    value: str
    message: str
    pointer: str = ""


@dataclass(frozen=True)
class ErrorKind:
    """A kind of error that occurs more than once: how often, where first, and what it says there."""

    column: str
    code: str
    count: int
    first_line: int
    example: str


def file_error(batch: ImportBatch) -> str:
    """Why the batch as a whole stopped, or an empty text."""
    return file_message(batch.error_code, batch.error_params) if batch.error_code else ""


def errors_of(row: ImportRow, headers: dict[str, str]) -> list[RowError]:
    """The errors of a row in words; `headers` are the names that the file itself gives its columns."""
    return [
        RowError(
            line=row.line,
            field=error["column"],
            column=headers.get(error["column"]) or column_label(error["column"]),
            code=error["code"],
            value=readable(error["column"], error.get("value", "")),
            message=row_message(error),
            pointer=error.get("pointer", ""),
        )
        for error in row.errors
    ]


def batch_errors(batch: ImportBatch, *, after_line: int = 0, rows: int = 100) -> list[RowError]:
    """The errors of the next rows in error, in the order of the file."""
    headers = batch.dialect.get("columns", {})
    found = batch.rows.filter(outcome=ImportRow.Outcome.ERROR, line__gt=after_line).order_by("line")[:rows]
    return [error for row in found for error in errors_of(row, headers)]


def error_kinds(batch: ImportBatch) -> list[ErrorKind]:
    """The kinds of error that repeat in a batch, the most frequent first."""
    headers = batch.dialect.get("columns", {})
    with connection.cursor() as cursor:
        cursor.execute(_ERROR_KINDS, {"batch": batch.pk})
        return [
            ErrorKind(
                headers.get(column) or column_label(column),
                code,
                count,
                line,
                row_message(json.loads(example)),
            )
            for column, code, count, line, example in cursor.fetchall()
        ]


def same_file_batches(batch: ImportBatch) -> list[ImportBatch]:
    """Earlier batches of the entity made of the very same bytes, the latest first."""
    return list(
        ImportBatch.objects.filter(
            legal_entity=batch.legal_entity_id, file__sha256=batch.file.sha256, pk__lt=batch.pk
        )
        .exclude(status=ImportBatch.Status.CANCELLED)
        .select_related("file")
        .order_by("-pk")[:3]
    )


def row_reports(batch: ImportBatch, *, after_line: int = 0, rows: int = 100) -> list[dict[str, Any]]:
    """The rows of a batch with outcome and errors, as JSON-able objects."""
    headers = batch.dialect.get("columns", {})
    return [
        {
            "line": row.line,
            "outcome": row.outcome,
            "customer_code": row.customer_code,
            "number": row.number,
            "kind": row.kind,
            "issue_date": row.issue_date and row.issue_date.isoformat(),
            "due_date": row.due_date and row.due_date.isoformat(),
            "due_date_computed": row.due_date_computed,
            "currency": row.currency,
            "total_amount": None if row.total_amount is None else str(row.total_amount),
            "errors": [
                {"column": error.column, "field": error.field, "code": error.code, "message": error.message}
                for error in errors_of(row, headers)
            ],
        }
        for row in batch.rows.filter(line__gt=after_line).order_by("line")[:rows]
    ]


def rejects_csv(batch: ImportBatch) -> Iterator[str]:
    """The rows in error as the person's own file, with the line number and what is wrong: correct, upload again.

    A cell that a spreadsheet would run as a formula is preceded by an apostrophe; our readers take it away again.
    """
    delimiter = batch.dialect.get("delimiter") or ";"
    headers = batch.dialect.get("headers", [])
    yield "\ufeff" + _csv_line([*headers, _("Ligne du fichier"), _("Erreurs")], delimiter)
    names = batch.dialect.get("columns", {})
    rows = batch.rows.filter(outcome=ImportRow.Outcome.ERROR).order_by("line").only("line", "cells", "errors")
    width = len(headers)
    for row in rows.iterator(chunk_size=_CHUNK):
        cells = [str(cell) for cell in row.cells]
        cells = cells[:width] + [""] * (width - len(cells)) if len(cells) <= width else cells
        said = " | ".join(
            _("%(label)s : %(value)s") % {"label": error.column, "value": error.message}
            for error in errors_of(row, names)
        )
        yield _csv_line([*cells, str(row.line), said], delimiter)


def guarded(cell: str) -> str:
    """The cell, harmless in a spreadsheet."""
    return f"'{cell}" if cell.startswith(GUARDED) else cell


def _csv_line(cells: list[str], delimiter: str) -> str:
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="\r\n").writerow([guarded(cell) for cell in cells])
    return line.getvalue()


_SAMPLE_FIELDS = (
    "customer_code", "number", "kind", "issue_date", "due_date", "total_amount", "vat_amount", "currency", "reference",
)  # fmt: skip
_SAMPLE_AMOUNTS = ("1 200,00", "348,60", "12 750,00", "96,00", "5 430,24", "2 184,00", "780,12", "15 000,00")


def sample_csv(entity: LegalEntity, today: date) -> str:
    """A file that imports as it is: invoices, a credit note and a payment on customers of the entity."""
    customers = list(
        Customer.objects.filter(legal_entity=entity, status=Customer.Status.ACTIVE)
        .order_by("pk")
        .values_list("account_code", flat=True)[: len(_SAMPLE_AMOUNTS)]
    )
    text = io.StringIO()
    text.write("\ufeff")
    text.write(_csv_line([NAMES[field][0] for field in _SAMPLE_FIELDS], ";"))
    stem = f"EX-{today:%Y%m%d}"
    for index, code in enumerate(customers):
        issued = today - timedelta(days=75 - 9 * index)
        amount = _SAMPLE_AMOUNTS[index]
        vat = (Decimal(amount.replace(" ", "").replace(",", ".")) / 6).quantize(Decimal("0.01"))
        due = f"{issued + timedelta(days=30):%d/%m/%Y}" if index % 3 else ""
        text.write(
            _csv_line(
                [
                    code, f"{stem}-{index + 1:02d}", "Facture", f"{issued:%d/%m/%Y}", due, amount,
                    str(vat).replace(".", ","), entity.currency, f"Commande {100 + index}",
                ],
                ";",
            )
        )  # fmt: skip
    for kind, number, amount in (("Avoir", "A1", "120,00"), ("Règlement", "R1", "348,60")):
        if customers:
            cells = [
                customers[0],
                f"{stem}-{number}",
                kind,
                f"{today:%d/%m/%Y}",
                "",
                amount,
                "",
                entity.currency,
                "",
            ]
            text.write(_csv_line(cells, ";"))
    return text.getvalue()


def new_rows(batch: ImportBatch, count: int = 10) -> list[ImportRow]:
    """The first rows that a commit would write."""
    return list(batch.rows.filter(outcome=ImportRow.Outcome.NEW).order_by("line")[:count])
