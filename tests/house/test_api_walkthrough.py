"""The commands of docs/api.md, run as they stand."""

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from django.db import connection

from core.files import store_file
from core.models import AuditEvent, Role
from dunning.models import Letter
from invoices.models import BankLine, EInvoiceStatus, ImportBatch, OpenItem
from invoices.tasks import commit_batches, read_bank_files, read_batches
from tests.api_client import make_key
from tests.dunning.factories import NOW, TODAY, make_customer, make_entity, make_item, make_policy, make_step
from tests.invoices.statements import IBAN, make_account

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "api.md"
PDF = b"%PDF-1.7 relance"


@contextmanager
def worker() -> Iterator[None]:
    """Reads and commits batches and reads bank files, as the background processes do."""
    stopped = threading.Event()

    def work() -> None:
        while not stopped.wait(0.3):
            read_batches()
            commit_batches()
            read_bank_files()
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


@pytest.mark.django_db(transaction=True)
def test_the_walk_through_works(live_server, make_user, tmp_path) -> None:
    entity = make_entity()
    make_account(entity)
    item = make_item(make_customer(entity), "300.00", TODAY - timedelta(days=20))
    notice = make_step(item, make_policy(entity).levels.get(rank=1), sent_on=TODAY)
    file = store_file(
        content=PDF, name="r.pdf", kind="dunning.letter", content_type="application/pdf", now=NOW
    )
    Letter.objects.create(
        notice=notice, reference="R1", context={}, context_sha256="0" * 64, file=file, rendered_at=NOW
    )
    blocks = re.findall(r"^```sh\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) > 5
    environment = {
        **os.environ,
        "API": f"{live_server.url}/api/v1",
        "KEY": make_key(make_user(Role.API_PARTNER)),
        "IBAN": IBAN,
        "LC_ALL": "C.UTF-8",
        "no_proxy": "*",
    }
    with worker():
        done = subprocess.run(
            ["sh", "-eu", "-c", "\n".join(blocks)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert list(ImportBatch.objects.order_by("pk").values_list("status", "format")) == [
        ("COMMITTED", "TABLE"),
        ("COMMITTED", "JSON_LINES"),
    ]
    posted = OpenItem.objects.get(number="WALK-F1")
    assert (str(posted.total_amount), posted.customer.name, posted.customer.segment) == (
        "1200.50",
        "Exemple SARL",
        "PME",
    )
    assert str(posted.disputed_amount) == "50.00"
    assert OpenItem.objects.filter(number="WALK-F2", total_amount=300).exists()
    assert EInvoiceStatus.objects.get().item == posted
    assert [(str(line.amount), line.status) for line in BankLine.objects.all()] == [("300.00", "OPEN")]
    assert sha256(PDF).hexdigest() in done.stdout
    assert AuditEvent.objects.filter(verb="invoices.batch.received").count() == 2
