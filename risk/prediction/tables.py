"""Reading public sets: invoices in a simple CSV, ratio tables in CSV or ARFF; compressed (.gz) or not."""

import csv
import gzip
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from risk.prediction.ledger import OPEN, Ledger, ledger

# Ours first, then how public sets name the same column.
ALIASES = {
    "customer": ("customer", "customer_id", "cust_number", "client", "account_code"),
    "due_date": ("due_date", "due_in_date", "duedate", "echeance"),
    "clear_date": ("clear_date", "settled_date", "settleddate", "payment_date", "paid_date"),
    "amount": ("amount", "total_open_amount", "invoiceamount", "total_amount", "montant"),
    "issue_date": ("issue_date", "invoice_date", "invoicedate", "posting_date"),
    "segment": ("segment",),
}
REQUIRED = ("customer", "due_date", "clear_date", "amount")
# Said of outcomes or made from them: never read.
LABELS = ("bankrupt?", "class", "label", "failed", "bankrupt")
MOST_BYTES = 500_000_000


class UnreadableTable(ValueError):
    """The file is not of the documented shape; the message says where."""


@dataclass(frozen=True)
class InvoiceTable:
    """Invoices read from a file. Without issue dates they are taken as issued `days_before_due` days before due."""

    ledger: Ledger
    row_count: int
    duplicate_count: int
    has_issue_date: bool


@dataclass(frozen=True)
class RatioTable:
    values: NDArray[np.float64]
    failed: NDArray[np.bool_]
    names: tuple[str, ...]


def read_invoices(path: Path, days_before_due: int) -> InvoiceTable:
    """Read settled (and open) invoices; exact duplicates count once; the order of rows is never used."""
    lines = csv.reader(_text(path).splitlines())
    header = [name.strip().lower() for name in next(lines, [])]
    places = {
        ours: next((header.index(name) for name in names if name in header), None)
        for ours, names in ALIASES.items()
    }
    missing = [name for name in REQUIRED if places[name] is None]
    if missing:
        raise UnreadableTable(f"column missing: {', '.join(missing)}")
    found: dict[tuple[str, ...], None] = {}
    count = 0
    for number, line in enumerate(lines, start=2):
        if not line:
            continue
        count += 1
        try:
            key = tuple(line[place].strip() if place is not None else "" for place in places.values())
        except IndexError:
            raise UnreadableTable(f"line {number}: too few columns") from None
        found[key] = None
    # Sorted by value: what the order of the file might tell is lost.
    rows = [dict(zip(places, key, strict=True)) for key in sorted(found)]
    if not rows:
        raise UnreadableTable("no rows")
    due = [_day(row["due_date"], "due_date") for row in rows]
    has_issue = places["issue_date"] is not None
    issued = [
        min(_day(row["issue_date"], "issue_date"), day)
        if has_issue and row["issue_date"]
        else day - days_before_due
        for row, day in zip(rows, due, strict=True)
    ]
    customers = {name: code for code, name in enumerate(sorted({row["customer"] for row in rows}))}
    segments = {name: code for code, name in enumerate(sorted({row["segment"] for row in rows} - {""}))}
    return InvoiceTable(
        ledger(
            customer=[customers[row["customer"]] for row in rows],
            issued=issued,
            due=due,
            settled=[_day(row["clear_date"], "clear_date") if row["clear_date"] else OPEN for row in rows],
            amount=[_number(row["amount"]) for row in rows],
            segment=[segments.get(row["segment"], -1) for row in rows],
        ),
        count,
        count - len(rows),
        has_issue,
    )


def read_ratios(path: Path, label: str = "") -> RatioTable:
    """Read a table of ratios with a label column of 0 and 1. Columns that number or group the rows are left out."""
    text = _text(path).splitlines()
    if any(line.strip().lower().startswith("@relation") for line in text[:50]):
        names = [line.split()[1].strip("'\"") for line in text if line.lower().startswith("@attribute")]
        start = next(number for number, line in enumerate(text) if line.strip().lower() == "@data")
        rows = [line.split(",") for line in text[start + 1 :] if line.strip()]
    else:
        lines = list(csv.reader(text))
        names, rows = [name.strip() for name in lines[0]], [line for line in lines[1:] if line]
    lower = [name.lower() for name in names]
    wanted = (label.lower(),) if label else LABELS
    place = next((lower.index(name) for name in wanted if name in lower), None)
    if place is None:
        raise UnreadableTable(f"no label column among: {', '.join(wanted)}")
    kept = [n for n, name in enumerate(lower) if n != place and name not in ("index", "id", "cluster", "")]
    try:
        values = np.array([[_ratio(row[n]) for n in kept] for row in rows])
        failed = np.array([float(row[place]) for row in rows]) == 1
    except (IndexError, ValueError) as error:
        raise UnreadableTable(str(error)) from None
    return RatioTable(values, failed, tuple(names[n] for n in kept))


def _text(path: Path) -> str:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise UnreadableTable(str(error)) from None
    if len(data) > MOST_BYTES:
        raise UnreadableTable("file too large")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _day(text: str, column: str) -> int:
    text = text.split("T")[0].split(" ")[0].removesuffix(".0")
    try:
        if len(text) == 8 and text.isdigit():
            return date(int(text[:4]), int(text[4:6]), int(text[6:])).toordinal()
        return date.fromisoformat(text).toordinal()
    except ValueError:
        raise UnreadableTable(f"{column}: {text!r} is not a date (YYYY-MM-DD)") from None


def _number(text: str) -> float:
    try:
        found = float(text.replace(",", "."))
    except ValueError:
        raise UnreadableTable(f"amount: {text!r} is not a number") from None
    if not np.isfinite(found):
        raise UnreadableTable(f"amount: {text!r} is not a number")
    return found


def _ratio(text: str) -> float:
    text = text.strip()
    found = float(text) if text and text != "?" else float("nan")
    return found if np.isfinite(found) else float("nan")
