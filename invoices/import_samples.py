"""The first rows of a batch's file, column by column: as they stand there, and as they would be read."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from core.files import open_file
from core.money import format_amount
from customers.models import Customer
from invoices.import_messages import readable, row_message
from invoices.mapping import Proposal, fits, propose
from invoices.mapping_words import nature_label
from invoices.models import ImportBatch, ImportProfile
from invoices.readers.columns import CUSTOMER_FIELDS, simplify
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from invoices.readers.process import sample_in_child
from invoices.readers.vocabulary import KIND_WORDS

SHOWN = 5
_LIMITS = Limits(cpu_seconds=20)
_MOST_WORDS = 40
_DETAIL_KEYS = {
    "customer_name": "name", "address": "address_lines", "address_extra": "address_lines",
    "postcode": "address_lines", "city": "address_lines",
}  # fmt: skip
_AMOUNTS = {"net_amount": "total_amount", "debit_amount": "total_amount", "credit_amount": "total_amount", "side": "total_amount"}  # fmt: skip


@dataclass(frozen=True)
class Value:
    """A cell: what stands there, what is understood, and what is wrong with it."""

    text: str
    understood: str = ""
    error: str = ""


@dataclass(frozen=True)
class Column:
    """A column of the file: its name, the field it is read as, some of its cells."""

    index: int
    name: str
    field: str
    values: list[Value]
    proposal: Proposal | None = None


@dataclass(frozen=True)
class Word:
    """A word that the column of natures holds, how often, and what it is read as (empty: not known)."""

    text: str
    count: int
    kind: str


@dataclass(frozen=True)
class Sample:
    """What a person needs to say which column holds what."""

    dialect: dict[str, Any]
    sheets: list[str]
    missing: list[str]
    columns: list[Column]
    words: list[Word]
    rows: int
    wrong: int
    understood: list[dict[str, Any]] = field(default_factory=list)


def proposed_columns(
    batch: ImportBatch, options: Mapping[str, str], *, today: date
) -> tuple[dict[str, str], list[Proposal]]:
    """A mapping for the batch's file and the proposals it comes from. Raises UnreadableFile."""
    raw = _read(batch, options, {}, today)
    proposals = propose(
        raw["dialect"]["headers"], raw["cells"], known_codes=_known_codes(batch, raw["cells"])
    )
    return {found.field: found.name for found in proposals if found.field}, proposals


def sample_of(
    batch: ImportBatch,
    *,
    options: Mapping[str, str],
    columns: Mapping[str, str],
    constants: Mapping[str, str],
    values: Mapping[str, Mapping[str, str]],
    today: date,
    proposals: Sequence[Proposal] = (),
) -> Sample:
    """The first rows of the file read with this mapping. Raises UnreadableFile."""
    profile = {
        "columns": dict(columns),
        "constants": dict(constants),
        "values": dict(values),
        "imposed": True,
    }
    raw = _read(batch, options, profile, today)
    dialect, cells, rows = raw["dialect"], raw["cells"], raw["rows"]
    at = {name: index for index, name in enumerate(dialect["headers"])}
    fields = {at[header]: name for name, header in dialect["columns"].items() if header in at}
    by_column = {proposal.column: proposal for proposal in proposals}
    names = _customer_names(batch, rows)
    shown = [
        Column(
            index=index,
            name=name,
            field=fields.get(index, ""),
            values=_values(index, fields.get(index, ""), cells, rows, names),
            proposal=by_column.get(index),
        )
        for index, name in enumerate(dialect["headers"])
        if name
    ]
    kind_at = at.get(dialect["columns"].get("kind", ""), -1)
    return Sample(
        dialect=dialect,
        sheets=raw["sheets"],
        missing=raw["missing"],
        columns=shown,
        words=_words(cells, kind_at, values.get("kind", {})),
        rows=len(rows),
        wrong=sum(1 for row in rows if row["errors"]),
        understood=rows,
    )


def fitting_profiles(batch: ImportBatch) -> list[ImportProfile]:
    """The saved sources whose columns are all in the batch's file, those that name most of them first."""
    headers = batch.dialect.get("headers") or batch.error_params.get("headers") or []
    if not headers or batch.format != ImportBatch.Format.TABLE:
        return []
    found = [
        profile
        for profile in ImportProfile.objects.filter(
            legal_entity=batch.legal_entity_id, subject=batch.subject, is_archived=False
        ).order_by("-updated_at")[:200]
        if profile.pk != batch.profile_id and fits(profile.columns, headers)
    ]
    return sorted(found, key=lambda profile: -len(profile.columns))


def _read(
    batch: ImportBatch, options: Mapping[str, str], profile: dict[str, Any], today: date
) -> dict[str, Any]:
    try:
        file = open_file(batch.file)
    except FileNotFoundError:
        raise UnreadableFile("file_missing") from None
    with file:
        return sample_in_child(
            file,
            options=dict(options),
            limits=_LIMITS,
            currency=batch.legal_entity.currency,
            today=today,
            profile=profile,
        )


def _known_codes(batch: ImportBatch, cells: Sequence[Sequence[str]]) -> set[str]:
    """Which of the cells are codes of customers of the entity."""
    seen = {text.strip() for row in cells for text in row if 0 < len(text.strip()) <= 40}
    customers = Customer.objects.filter(legal_entity=batch.legal_entity_id, account_code__in=seen)
    return set(customers.values_list("account_code", flat=True))


def _customer_names(batch: ImportBatch, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    codes = {row["customer_code"] for row in rows if row["customer_code"]}
    found = Customer.objects.filter(legal_entity=batch.legal_entity_id, account_code__in=codes)
    return dict(found.values_list("account_code", "name"))


def _values(
    index: int,
    name: str,
    cells: Sequence[Sequence[str]],
    rows: Sequence[Mapping[str, Any]],
    customers: Mapping[str, str],
) -> list[Value]:
    """The first cells that say something, those of different content first; one that is wrong is among them."""
    places = [place for place, row in enumerate(cells) if index < len(row) and row[index]]
    wrong = [place for place in places if name and _error(name, rows[place])][:1]
    chosen = sorted({*wrong, *[place for place in places if place not in wrong][: SHOWN - len(wrong)]})
    return [
        Value(
            text=cells[place][index],
            understood=_understood(name, rows[place], customers) if name else "",
            error=_error(name, rows[place]) if name else "",
        )
        for place in chosen
    ]


def _error(name: str, row: Mapping[str, Any]) -> str:
    for error in row["errors"]:
        if error["column"] == name or (name in _AMOUNTS and error["column"] == "total_amount"):
            return row_message(error)
    return ""


def _understood(name: str, row: Mapping[str, Any], customers: Mapping[str, str]) -> str:
    """What a field of a row is read as, in words."""
    if name in CUSTOMER_FIELDS:
        told = row["details"].get("customer", {}).get(_DETAIL_KEYS.get(name, name), "")
        return str(told).replace("\n", ", ")
    if name == "customer_code":
        return customers.get(row["customer_code"] or "", "")
    if name in ("kind", "status"):
        return nature_label(row["skipped"] or row["kind"] or "")
    value = row.get(_AMOUNTS.get(name, name))
    if value is None:
        return ""
    if name.endswith("_amount") or name == "side":
        return format_amount(Decimal(value), row["currency"] or None)
    return readable(name, value)


def _words(cells: Sequence[Sequence[str]], index: int, known: Mapping[str, str]) -> list[Word]:
    if index < 0:
        return []
    counts = Counter(row[index].strip() for row in cells if index < len(row) and row[index].strip())
    return [
        Word(text, count, known.get(text) or KIND_WORDS.get(simplify(text), ""))
        for text, count in counts.most_common(_MOST_WORDS)
    ]
