"""The rows of a batch as a file of ours: what becomes of each, and why."""

import csv
import io
from collections.abc import Iterator

from django.utils.translation import gettext as _

from core.exports import safe_text
from invoices.import_changes import field_changes, row_remarks
from invoices.imports import errors_of
from invoices.models import ImportBatch

_CHUNK = 2_000


def report_csv(batch: ImportBatch) -> Iterator[str]:
    """One line per row of the file: outcome, what was understood, changes, doubts, errors. For spreadsheets."""
    yield "\ufeff" + _line(
        [
            _("Ligne"), _("Sort"), _("Code client"), _("N° de pièce"), _("N° d’échéance"), _("Type"),
            _("Date de pièce"), _("Date d’échéance"), _("Devise"), _("Montant TTC"), _("TVA"), _("Reste dû"),
            _("Modifications"), _("Points douteux"), _("Erreurs"),
        ]
    )  # fmt: skip
    headers = batch.dialect.get("columns", {})
    for row in batch.rows.order_by("line").defer("cells").iterator(chunk_size=_CHUNK):
        changes = [
            _("%(label)s : %(before)s → %(after)s")
            % {"label": change.label, "before": change.before or "—", "after": change.after or "—"}
            for change in field_changes(row)
        ]
        errors = [
            _("%(label)s : %(value)s") % {"label": error.column, "value": error.message}
            for error in errors_of(row, headers)
        ]
        yield _line(
            [
                str(row.line), row.outcome, safe_text(row.customer_code or ""), safe_text(row.number or ""),
                str(row.instalment),
                row.kind or "", _day(row.issue_date), _day(row.due_date), row.currency or "",
                _amount(row.total_amount), _amount(row.vat_amount), _amount(row.open_amount),
                safe_text(" | ".join(changes)), safe_text(" | ".join(row_remarks(row))), safe_text(" | ".join(errors)),
            ]
        )  # fmt: skip


def _day(day: object) -> str:
    return "" if day is None else str(day)


def _amount(amount: object) -> str:
    return "" if amount is None else str(amount)


def _line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, delimiter=";", lineterminator="\r\n").writerow(cells)
    return line.getvalue()
