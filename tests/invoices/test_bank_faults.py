"""Killing the worker that reads files of the bank loses nothing and doubles nothing. It is really killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from core.models import AuditEvent, JobRun
from core.rights import SYSTEM
from invoices.models import BankFile, BankLine, BankStatement
from invoices.operations import bank_reading
from invoices.operations.bank_files import accept_bank_file
from invoices.readers.limits import MIB, Limits
from invoices.tasks_bank import read_bank_files
from tests.customers.factories import LegalEntityFactory
from tests.database import database_url
from tests.invoices.statements import NOW, TODAY, Move, csv_export, make_account, received

pytestmark = pytest.mark.django_db(transaction=True)
LINES = 12_000
NAME = "killed-bank-reader"
WORKER = """
import django
django.setup()
from invoices.tasks_bank import read_bank_files
read_bank_files()
"""


@pytest.fixture
def bank_file() -> BankFile:
    entity = LegalEntityFactory(code="FR01")
    account = make_account(entity)
    content = csv_export(*[Move(f"{n + 1}.00", f"VIR CLIENT {n} FACTURE {n}") for n in range(LINES)])
    return received(entity, content, bank_account=account, name="releve.csv")


@pytest.fixture
def worker(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The sweep in a process of its own, on the database and the files of the test."""
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "ENCOURS_HOME": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "a-key-of-the-tests",
        "PGAPPNAME": NAME,
    }
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER], cwd=settings.BASE_DIR, env=environment, stderr=subprocess.PIPE
    )
    yield process
    process.kill()
    process.wait()
    assert process.stderr is not None
    process.stderr.close()


def wait_until(seen: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while not seen():
        if process.poll() is not None:
            assert process.stderr is not None
            pytest.fail(f"the worker ended too early: {process.stderr.read()[-2000:].decode()}")
        assert time.monotonic() < deadline
        time.sleep(0.002)


def at_work(query: str = "") -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = %s AND query ILIKE %s",
            [NAME, f"%{query}%"],
        )
        return bool(cursor.fetchone()[0])


def kill(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 30
    while at_work() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not at_work()


def assert_read_once(bank_file: BankFile) -> None:
    bank_file.refresh_from_db()
    assert bank_file.status == "PREVIEWED"
    assert (BankStatement.objects.count(), BankLine.objects.count()) == (1, LINES)
    assert AuditEvent.objects.filter(verb="invoices.bank_file.previewed").count() == 1
    assert not JobRun.objects.exclude(status=JobRun.Status.DONE).exists()
    accept_bank_file(actor=SYSTEM, bank_file=bank_file, today=TODAY, now=NOW)
    assert BankLine.objects.filter(status="OPEN").count() == LINES


@pytest.mark.parametrize("moment", ["reading", "copying"])
def test_killed_at_work(bank_file: BankFile, worker, moment: str) -> None:
    if moment == "reading":
        wait_until(lambda: BankFile.objects.filter(pk=bank_file.pk, status="READING").exists(), worker)
    else:
        wait_until(lambda: at_work("COPY invoices_bankline") or at_work("ANALYZE"), worker)
    kill(worker)
    bank_file.refresh_from_db()
    assert bank_file.status == "READING"
    assert not BankStatement.objects.exists()
    assert read_bank_files() == 1
    assert_read_once(bank_file)
    assert read_bank_files() == 0


def test_a_file_that_kills_its_reader_is_refused_and_the_next_one_is_read(bank_file, monkeypatch) -> None:
    starved = Limits(memory_bytes=20 * MIB)
    monkeypatch.setattr(bank_reading, "Limits", lambda **_named: starved)
    assert read_bank_files() == 1
    bank_file.refresh_from_db()
    assert bank_file.status == "REJECTED"
    assert bank_file.error_code in ("reader_out_of_memory", "reader_died")
    monkeypatch.undo()
    behind = received(bank_file.legal_entity, csv_export(Move("1.00")), bank_account=bank_file.bank_account)
    assert read_bank_files() == 1
    behind.refresh_from_db()
    assert behind.status == "PREVIEWED"


def test_three_starts_without_an_end_stop_the_file(bank_file: BankFile) -> None:
    BankFile.objects.filter(pk=bank_file.pk).update(status="READING", attempts=3)
    assert read_bank_files() == 0
    bank_file.refresh_from_db()
    assert (bank_file.status, bank_file.error_code) == ("FAILED", "interrupted")


def test_a_lost_file_is_refused(bank_file: BankFile, tmp_path: Path) -> None:
    (tmp_path / "files" / bank_file.file.storage_name).unlink()
    assert read_bank_files() == 1
    bank_file.refresh_from_db()
    assert (bank_file.status, bank_file.error_code) == ("REJECTED", "file_missing")
