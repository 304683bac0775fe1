"""What a batch would change or clear, row by row, and what is suspicious in it: for the preview's pages and the API."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.models import User
from invoices.import_messages import column_label, readable, row_message
from invoices.models import ImportBatch, ImportClearing, ImportRow
from invoices.suspicion_messages import suspicion_label, suspicion_message


@dataclass(frozen=True)
class Suspicion:
    """One kind of suspicion of a batch; `amounts` per currency is what it moves, as far as it moves any."""

    code: str
    label: str
    count: int
    message: str
    amounts: dict[str, Decimal]
    is_confirmed: bool
    confirmed_by: User | None
    confirmed_at: datetime | None


@dataclass(frozen=True)
class FieldChange:
    """One field that the batch puts right, in words."""

    field: str
    label: str
    before: str
    after: str


@dataclass(frozen=True)
class ChangedRow:
    """A row that changes what is there: an item or a customer, field by field."""

    line: int
    number: str
    customer_code: str
    currency: str
    changes: list[FieldChange]
    remarks: list[str]


@dataclass(frozen=True)
class Clearing:
    """An open item that the file does not show any more, and what is open of it."""

    id: int
    item_id: int
    number: str
    customer_code: str
    customer_name: str
    due_date: date
    currency: str
    open_amount: Decimal


def batch_suspicions(batch: ImportBatch) -> list[Suspicion]:
    """What a person must confirm before the batch is written, and who did."""
    confirmed = {row.code: row for row in batch.confirmations.select_related("confirmed_by")}
    found = []
    for suspicion in batch.suspicions:
        row = confirmed.get(suspicion["code"])
        amounts: Mapping[str, str] = suspicion.get("params", {}).get("amounts", {})
        found.append(
            Suspicion(
                code=suspicion["code"],
                label=suspicion_label(suspicion["code"]),
                count=suspicion["count"],
                message=suspicion_message(suspicion),
                amounts={currency: Decimal(amount) for currency, amount in amounts.items()},
                is_confirmed=row is not None,
                confirmed_by=row.confirmed_by if row else None,
                confirmed_at=row.confirmed_at if row else None,
            )
        )
    return found


def field_changes(row: ImportRow) -> list[FieldChange]:
    """The changes of a row in words."""
    return [
        FieldChange(
            field=change["column"],
            label=column_label(change["column"]),
            before=_shown(change["column"], change["before"]),
            after=_shown(change["column"], change["after"]),
        )
        for change in row.changes
    ]


def row_remarks(row: ImportRow) -> list[str]:
    """What is suspicious in a row, in words."""
    return [row_message(suspicion) for suspicion in row.suspicions]


def changed_rows(batch: ImportBatch, *, after_line: int = 0, rows: int = 100) -> list[ChangedRow]:
    """The next rows that change what is there, in the order of the file."""
    found = batch.rows.filter(outcome=ImportRow.Outcome.CHANGED, line__gt=after_line).order_by("line")[:rows]
    return [_changed(row) for row in found.defer("cells")]


def suspicious_rows(
    batch: ImportBatch, *, code: str = "", after_line: int = 0, rows: int = 100
) -> list[ChangedRow]:
    """The next suspicious rows, of one kind or of all."""
    found = batch.rows.filter(line__gt=after_line).exclude(suspicions=[])
    if code:
        found = found.filter(suspicions__contains=[{"code": code}])
    return [_changed(row) for row in found.order_by("line").defer("cells")[:rows]]


def clearings(batch: ImportBatch, *, after_id: int = 0, rows: int = 100) -> list[Clearing]:
    """The next items that a full snapshot settles."""
    found = (
        ImportClearing.objects.filter(batch=batch, pk__gt=after_id)
        .select_related("item__customer")
        .order_by("pk")[:rows]
    )
    return [
        Clearing(
            id=row.pk,
            item_id=row.item_id,
            number=row.item.number,
            customer_code=row.item.customer.account_code,
            customer_name=row.item.customer.name,
            due_date=row.item.due_date,
            currency=row.item.currency,
            open_amount=row.open_amount,
        )
        for row in found
    ]


def _changed(row: ImportRow) -> ChangedRow:
    return ChangedRow(
        line=row.line,
        number=row.number or "",
        customer_code=row.customer_code or "",
        currency=row.currency or "",
        changes=field_changes(row),
        remarks=row_remarks(row),
    )


def _shown(column: str, value: Any) -> str:
    return "" if value is None else readable(column, value)
