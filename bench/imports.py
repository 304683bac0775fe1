"""A file of 100,000 items from received to preview to committed, by a real Celery worker with one process.

CSV and XLSX; then a full snapshot that settles a fifth of it, and both batches taken back. A step's clock starts with
the order and stops when the batch is where the step leads; a person's time to look at the preview is not in it. Peaks of
memory are those of the worker's process and of the reader it starts, apart. Baselines in the same run: the same file
parsed and written with the ORM's bulk_create, without staging or preview; and posted row by row, measured on some rows.
`--large N` adds one CSV of N rows, for its memory.
"""

import argparse
import csv
import io
import json
import os
import random
import statistics
import time
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from bench._watched_worker import Worker

HEADER = (
    "Code client", "N° facture", "Type", "Date facture", "Date d'échéance", "Montant TTC", "TVA", "Devise", "Référence",
)  # fmt: skip
CUSTOMERS = 5_000
PATIENCE = 600  # seconds
ONE_BY_ONE = 1_000


def set_up() -> None:
    """One legal entity and its customers."""
    from django.core.management import call_command

    from core import clock
    from core.models import Grant, Role, User
    from customers.models import Customer, EntityScope, LegalEntity, PaymentTerms

    call_command("migrate", verbosity=0)
    terms = PaymentTerms.objects.create(code="45FM", name="45 jours fin de mois", rule="EOM_AFTER", days=45)
    entity = LegalEntity.objects.create(
        code="E1", name="Ateliers", legal_form="SAS", siren="732829320", rcs_city="Lyon", address_lines="-",
        iban="FR7630006000011234567890189", default_terms=terms, signatory_name="-", signatory_title="-",
    )  # fmt: skip
    Customer.objects.bulk_create(
        Customer(
            legal_entity=entity,
            account_code=f"411C{number:05d}",
            name=f"Client {number}",
            terms=terms,
            updated_at=clock.now(),
        )
        for number in range(CUSTOMERS)
    )
    user = User.objects.create_user("comptable@example.test", None, full_name="Comptable")
    Grant.objects.create(user=user, role=Role.ACCOUNTANT)
    EntityScope.objects.create(user=user, legal_entity=None)


def file_of(rows: int, seed: int) -> bytes:
    """A French export in Windows-1252: one row in five without due date, one in twenty a credit note."""
    drawn = random.Random(seed)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADER)
    for number in range(rows):
        issued = date(2025, 1, 1) + timedelta(days=drawn.randrange(600))
        due = "" if drawn.random() < 0.2 else f"{issued + timedelta(days=45):%d/%m/%Y}"
        cents = drawn.randrange(1_000, 3_000_000)
        writer.writerow(
            [
                f"411C{drawn.randrange(CUSTOMERS):05d}",
                f"FA{number:07d}",
                "Avoir" if drawn.random() < 0.05 else "Facture",
                f"{issued:%d/%m/%Y}",
                due,
                french(cents),
                french(cents // 6),
                "EUR",
                f"Commande n° {drawn.randrange(10**6)}",
            ]
        )
    return out.getvalue().encode("cp1252")


def french(cents: int) -> str:
    return f"{cents // 100:,}".replace(",", " ") + f",{cents % 100:02d}"


def empty_the_ledger() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET encours.allow_truncate = 'on'")
        cursor.execute("TRUNCATE invoices_importrow, invoices_importbatch, invoices_openitem CASCADE")
    connection.connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


Step = dict[str, float]


def workbook_of(content: bytes) -> bytes:
    """The same rows as an XLSX workbook, dates and amounts as such."""
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"constant_memory": True, "default_date_format": "dd/mm/yyyy"})
    sheet = book.add_worksheet()
    for number, row in enumerate(csv.reader(io.StringIO(content.decode("cp1252")), delimiter=";")):
        for column, text in enumerate(row):
            if number and text and column in (3, 4):
                sheet.write_datetime(number, column, datetime.strptime(text, "%d/%m/%Y"))  # noqa: DTZ007
            elif number and text and column in (5, 6):
                sheet.write_number(number, column, float(text.replace(" ", "").replace(",", ".")))
            else:
                sheet.write_string(number, column, text)
    book.close()
    return out.getvalue()


def received(content: bytes, name: str, **choices: Any) -> tuple[Any, float]:
    """A batch, and the seconds until it shows its preview."""
    from core import clock
    from core.models import User
    from customers.models import LegalEntity
    from invoices.operations.imports import receive_batch

    start = time.perf_counter()
    batch = receive_batch(
        actor=User.objects.get(), entity=LegalEntity.objects.get(), file=io.BytesIO(content), name=name,
        now=clock.now(), **choices,
    )  # fmt: skip
    _wait_for(batch, "PREVIEWED")
    return batch, time.perf_counter() - start


def committed(batch: Any) -> float:
    """Seconds until a previewed batch is in the ledger."""
    from core import clock
    from core.models import User
    from invoices.operations.imports import commit_batch

    start = time.perf_counter()
    commit_batch(
        actor=User.objects.get(), batch=batch, accept_rejects=False, today=clock.today(), now=clock.now()
    )
    _wait_for(batch, "COMMITTED")
    return time.perf_counter() - start


def taken_back(batch: Any) -> float:
    """Seconds until a committed batch is out of the ledger."""
    from core import clock
    from core.models import User
    from invoices.operations.imports import request_rollback

    start = time.perf_counter()
    request_rollback(actor=User.objects.get(), batch=batch, reason="mesure", now=clock.now())
    _wait_for(batch, "ROLLED_BACK")
    return time.perf_counter() - start


def _wait_for(batch: Any, status: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while batch.status != status:
        if batch.status in ("REJECTED", "FAILED") or time.monotonic() > deadline:
            raise SystemExit(f"the batch is {batch.status} ({batch.error_code}), not {status}")
        time.sleep(0.02)
        batch.refresh_from_db()


def run_once(content: bytes, workbook: bytes, kept: bytes, rows: int, worker: Worker) -> dict[str, Any]:
    """Every step on an empty ledger, with the truths that must hold after each."""
    from django.db.models import Sum

    from core import clock
    from invoices.models import OpenItem

    def total() -> Decimal:
        return OpenItem.objects.aggregate(total=Sum("open_amount"))["total"] or Decimal(0)

    empty_the_ledger()
    worker.forget()
    step: Step = {}
    batch, step["xlsx_preview"] = received(workbook, "export.xlsx")
    assert (batch.new_count, batch.error_count) == (rows, 0), (batch.new_count, batch.error_count)
    reader_xlsx = worker.reader_peak_kib
    time.sleep(1)  # the worker still reports on the batch that goes
    empty_the_ledger()
    worker.forget()
    batch, step["csv_preview"] = received(content, "export.csv")
    assert (batch.new_count, batch.error_count) == (rows, 0)
    step["csv_commit"] = committed(batch)
    assert OpenItem.objects.count() == rows
    assert {"EUR": str(total())} == batch.receivable_after
    before = total()
    again, step["snapshot_preview"] = received(kept, "tout.csv", mode="SNAPSHOT", as_of=clock.today())
    assert again.cleared_count == rows - rows * 4 // 5
    step["snapshot_commit"] = committed(again)
    assert {"EUR": str(total())} == again.receivable_after
    step["snapshot_undo"] = taken_back(again)
    assert total() == before
    step["undo"] = taken_back(batch)
    assert not OpenItem.objects.exists()
    return {
        "step": step,
        "worker": worker.peak_kib,
        "reader": worker.reader_peak_kib,
        "reader_xlsx": reader_xlsx,
    }


def row_by_row(content: bytes, rows: int) -> float:
    """Seconds that posting one document at a time would take for the whole file, measured on its first rows."""
    from core import clock
    from core.calendar import parse_french_date
    from core.money import parse_amount
    from core.rights import SYSTEM
    from customers.models import Customer
    from customers.payment_terms import Term, TermKind, due_date
    from invoices.operations.items import post_item

    empty_the_ledger()
    start = time.perf_counter()
    measured = 0
    for row in csv.DictReader(io.StringIO(content.decode("cp1252")), delimiter=";"):
        customer = Customer.objects.select_related("terms").get(account_code=row["Code client"])
        issued = parse_french_date(row["Date facture"])
        credit = row["Type"] == "Avoir"
        sign = -1 if credit else 1
        terms = Term(TermKind(customer.terms.rule), customer.terms.days)
        given = row["Date d'échéance"]
        post_item(
            actor=SYSTEM, customer_id=customer.pk, kind="CREDIT_NOTE" if credit else "INVOICE", number=row["N° facture"],
            issue_date=issued, due_date=parse_french_date(given) if given else issued if credit else due_date(terms, issued),
            currency="EUR", total_amount=sign * parse_amount(row["Montant TTC"], ","),
            vat_amount=sign * parse_amount(row["TVA"], ","), now=clock.now(), reference=row["Référence"],
        )  # fmt: skip
        measured += 1
        if measured == ONE_BY_ONE:
            break
    return (time.perf_counter() - start) / measured * rows


def baseline(content: bytes) -> float:
    """Seconds of the straightforward way: csv, the same rules row by row, objects, bulk_create."""
    from django.db import transaction

    from core import clock
    from core.calendar import parse_french_date
    from core.money import parse_amount
    from customers.models import Customer
    from customers.payment_terms import Term, TermKind, due_date
    from invoices.models import OpenItem

    empty_the_ledger()
    start = time.perf_counter()
    now = clock.now()
    customers = {customer.account_code: customer for customer in Customer.objects.select_related("terms")}
    taken = set(OpenItem.objects.values_list("number", flat=True))
    items = []
    with transaction.atomic():
        for row in csv.DictReader(io.StringIO(content.decode("cp1252")), delimiter=";"):
            customer = customers[row["Code client"]]
            issued = parse_french_date(row["Date facture"])
            credit = row["Type"] == "Avoir"
            total = parse_amount(row["Montant TTC"], ",") * (-1 if credit else 1)
            if row["Date d'échéance"]:
                due = parse_french_date(row["Date d'échéance"])
            elif credit:
                due = issued
            else:
                due = due_date(Term(TermKind(customer.terms.rule), customer.terms.days), issued)
            if row["N° facture"] in taken:
                continue
            items.append(
                OpenItem(
                    legal_entity_id=customer.legal_entity_id, customer=customer, number=row["N° facture"],
                    kind="CREDIT_NOTE" if credit else "INVOICE", issue_date=issued, due_date=due, currency="EUR",
                    total_amount=total, open_amount=total, vat_amount=parse_amount(row["TVA"], ",") * (-1 if credit else 1),
                    reference=row["Référence"], disputed_amount=Decimal(0), posted_at=now, updated_at=now,
                )
            )  # fmt: skip
        OpenItem.objects.bulk_create(items, batch_size=1_000)
    return time.perf_counter() - start


def large(rows: int, seed: int, worker: Worker) -> dict[str, Any]:
    """One large file, for the memory that it takes."""
    empty_the_ledger()
    worker.forget()
    content = file_of(rows, seed)
    batch, preview = received(content, "grand.csv")
    assert (batch.new_count, batch.error_count) == (rows, 0)
    commit = committed(batch)
    return {
        "rows": rows,
        "bytes": len(content),
        "preview_seconds": round(preview, 2),
        "commit_seconds": round(commit, 2),
        "worker_peak_mib": round(worker.peak_kib / 1024, 1),
        "reader_peak_mib": round(worker.reader_peak_kib / 1024, 1),
    }


def measure(options: argparse.Namespace) -> dict[str, Any]:
    content = file_of(options.rows, options.seed)
    lines = content.splitlines(keepends=True)
    kept = b"".join(lines[: 1 + options.rows * 4 // 5])
    workbook = workbook_of(content)
    worker = Worker()
    found: dict[str, Any] = {}
    try:
        small = file_of(1_000, options.seed)
        empty_the_ledger()
        received(small, "export.csv")  # the worker has to start before the clock does
        runs = [run_once(content, workbook, kept, options.rows, worker) for _ in range(options.runs)]
        if options.large:
            found["large"] = large(options.large, options.seed, worker)
    finally:
        worker.stop()
    bulk, single = baseline(content), row_by_row(content, options.rows)
    median = {
        name: round(statistics.median(run["step"][name] for run in runs), 3) for name in runs[0]["step"]
    }
    whole = median["csv_preview"] + median["csv_commit"]
    return {
        "bench": "imports",
        "rows": options.rows,
        "bytes": len(content),
        "workbook_bytes": len(workbook),
        "customers": CUSTOMERS,
        "seed": options.seed,
        "runs": options.runs,
        "load_average": [round(load, 1) for load in os.getloadavg()[:2]],
        "median_seconds": round(whole, 3),
        "median_steps": median,
        "all_steps": [{name: round(value, 3) for name, value in run["step"].items()} for run in runs],
        "worker_peak_mib": round(max(run["worker"] for run in runs) / 1024, 1),
        "reader_peak_mib": round(max(run["reader"] for run in runs) / 1024, 1),
        "xlsx_reader_peak_mib": round(max(run["reader_xlsx"] for run in runs) / 1024, 1),
        "baseline": "csv, row by row in Python, bulk_create; no staging, no preview",
        "baseline_seconds": round(bulk, 3),
        "row_by_row_seconds": round(single, 1),
        "row_by_row_measured_rows": min(ONE_BY_ONE, options.rows),
        "ratio": round(bulk / whole, 2),
        **found,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--large", type=int, default=0, metavar="N")
    options = parser.parse_args()
    from bench.portfolio import scratch_database

    with scratch_database("encours_bench_imports"):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        os.environ.setdefault("LOG_LEVEL", "ERROR")
        import django

        django.setup()
        set_up()
        print(json.dumps(measure(options)))
        from django.db import connections

        connections.close_all()


if __name__ == "__main__":
    main()
