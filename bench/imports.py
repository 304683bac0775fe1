"""A file of 100,000 items from upload to preview to committed, by a real Celery worker with one process.

The clock starts when the form is posted and stops when the batch is COMMITTED; a person's time to look at the
preview is not in it. Peaks of memory are those of the worker's process and of the reader it starts, apart.
Baseline in the same run: the same file parsed and written with the ORM's bulk_create, without staging or preview.
"""

import argparse
import csv
import io
import json
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

HEADER = (
    "Code client", "N° facture", "Type", "Date facture", "Date d'échéance", "Montant TTC", "TVA", "Devise", "Référence",
)  # fmt: skip
CUSTOMERS = 5_000
PATIENCE = 300  # seconds


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


class Worker:
    """A Celery worker of one process, watched for memory."""

    def __init__(self) -> None:
        self.peak_kib = self.reader_peak_kib = 0
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "celery",
                "-A",
                "config.celery",
                "worker",
                "-c",
                "1",
                "-l",
                "ERROR",
                "-n",
                "bench",
            ],
            stdout=subprocess.DEVNULL,
        )
        self._watching = True
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._watching = False
        self._thread.join()
        self._process.terminate()
        self._process.wait(timeout=60)

    def forget(self) -> None:
        """Start the peaks anew: the kernel keeps them per process."""
        self.peak_kib = self.reader_peak_kib = 0
        for pid in _children(self._process.pid):
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def _watch(self) -> None:
        while self._watching:
            for pid in _children(self._process.pid):
                self.peak_kib = max(self.peak_kib, _peak_kib(pid))
                for reader in _children(pid):
                    if b"invoices.readers.child" in _read(f"/proc/{reader}/cmdline"):
                        self.reader_peak_kib = max(self.reader_peak_kib, _peak_kib(reader))
            time.sleep(0.02)


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _children(pid: int) -> list[int]:
    return [int(child) for child in _read(f"/proc/{pid}/task/{pid}/children").split()]


def _peak_kib(pid: int) -> int:
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith(b"VmHWM:"):
            return int(line.split()[1])
    return 0


def empty_the_ledger() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE invoices_importrow, invoices_importbatch, invoices_openitem CASCADE")
    connection.connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def run_once(content: bytes, rows: int) -> dict[str, float]:
    """Post the form, wait for the preview, post the commit, wait for the end."""
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.test import Client
    from django.urls import reverse

    from core.models import User
    from customers.models import LegalEntity
    from invoices.models import ImportBatch, OpenItem

    empty_the_ledger()
    client = Client()
    client.force_login(User.objects.get())
    file = SimpleUploadedFile("export.csv", content, content_type="text/csv")
    start = time.perf_counter()
    answer = client.post(
        reverse("invoices:import-upload"), {"entity": LegalEntity.objects.get().pk, "file": file}, secure=True
    )
    assert answer.status_code == 302, answer.content
    uploaded = time.perf_counter()
    _wait_for("PREVIEWED")
    previewed = time.perf_counter()
    batch = ImportBatch.objects.get()
    assert (batch.new_count, batch.error_count) == (rows, 0)
    client.post(reverse("invoices:import-commit", kwargs={"uid": batch.uid}), secure=True)
    _wait_for("COMMITTED")
    committed = time.perf_counter()
    assert OpenItem.objects.count() == rows
    return {
        "upload": uploaded - start,
        "preview": previewed - uploaded,
        "commit": committed - previewed,
        "seconds": committed - start,
    }


def _wait_for(status: str) -> None:
    from invoices.models import ImportBatch

    deadline = time.monotonic() + PATIENCE
    while (found := ImportBatch.objects.values_list("status", flat=True).get()) != status:
        if found in ("REJECTED", "FAILED") or time.monotonic() > deadline:
            raise SystemExit(f"the batch is {found}, not {status}")
        time.sleep(0.02)


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


def measure(options: argparse.Namespace) -> dict[str, Any]:
    content = file_of(options.rows, options.seed)
    worker = Worker()
    try:
        run_once(file_of(1_000, options.seed), 1_000)  # the worker has to start before the clock does
        runs, peaks, readers = [], [], []
        for _ in range(options.runs):
            worker.forget()
            runs.append(run_once(content, options.rows))
            peaks.append(worker.peak_kib)
            readers.append(worker.reader_peak_kib)
    finally:
        worker.stop()
    simple = baseline(content)
    median = {name: round(statistics.median(run[name] for run in runs), 3) for name in runs[0]}
    return {
        "bench": "imports",
        "rows": options.rows,
        "bytes": len(content),
        "customers": CUSTOMERS,
        "seed": options.seed,
        "runs": options.runs,
        "median_seconds": median.pop("seconds"),
        "median_steps": median,
        "all_seconds": [round(run["seconds"], 3) for run in runs],
        "worker_peak_mib": round(max(peaks) / 1024, 1),
        "reader_peak_mib": round(max(readers) / 1024, 1),
        "baseline": "csv, row by row in Python, bulk_create; no staging, no preview",
        "baseline_seconds": round(simple, 3),
        "ratio": round(simple / statistics.median(run["seconds"] for run in runs), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    from bench.portfolio import scratch_database

    with scratch_database("encours_bench_imports"):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        os.environ.setdefault("LOG_LEVEL", "ERROR")
        import django

        django.setup()
        from django.conf import settings

        settings.ALLOWED_HOSTS = ["testserver"]
        set_up()
        print(json.dumps(measure(options)))
        from django.db import connections

        connections.close_all()


if __name__ == "__main__":
    main()
