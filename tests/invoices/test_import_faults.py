"""Killing the worker at any moment loses nothing and doubles nothing. The processes here are really killed."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, connections

from core.models import AuditEvent, JobRun
from core.rights import SYSTEM
from customers.models import LegalEntity
from invoices.models import ImportBatch, ImportRow, OpenItem
from invoices.operations import import_work
from invoices.operations.imports import commit_batch, read_batch, receive_batch
from invoices.readers.limits import MIB, Limits
from invoices.tasks_imports import commit_batches, read_batches
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.database import database_url
from tests.invoices.files import TODAY, csv_bytes

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ROWS = 30_000
NAME = "killed-worker"

WORKER = """
import django
django.setup()
from invoices.readers.limits import MIB, Limits
from invoices.tasks_imports import commit_batches, read_batches
{sweep}()
"""


@pytest.fixture
def batch() -> ImportBatch:
    entity = LegalEntityFactory(code="FR01")
    CustomerFactory(legal_entity=entity, account_code="C1")
    return receive(entity, ROWS)


def receive(entity: LegalEntity, rows: int) -> ImportBatch:
    content = csv_bytes(*[f"C1;F{i};;15/10/2026;;{i + 1},00;;;Commande {i}" for i in range(rows)])
    return receive_batch(actor=SYSTEM, entity=entity, file=io.BytesIO(content), name="lot.csv", now=NOW)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Callable[[str], "subprocess.Popen[bytes]"]]:
    """Start a sweep in a process of its own, on the database and the files of the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(sweep: str) -> "subprocess.Popen[bytes]":
        environment = os.environ | {
            "DATABASE_URL": database_url(),
            "ENCOURS_HOME": str(tmp_path),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SECRET_KEY": "a-key-of-the-tests",
            "PGAPPNAME": NAME,
        }
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER.format(sweep=sweep)],
            cwd=settings.BASE_DIR,
            env=environment,
            stderr=subprocess.PIPE,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def wait_until(seen: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    """Look until the moment has come; a worker that ended before it is a failure of the test."""
    deadline = time.monotonic() + 60
    while not seen():
        assert process.stderr is not None
        if process.poll() is not None:
            pytest.fail(f"the worker ended too early: {process.stderr.read()[-2000:].decode()}")
        assert time.monotonic() < deadline
        time.sleep(0.002)


def kill(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    # The server notices the broken connection when the statement under way ends.
    deadline = time.monotonic() + 30
    while worker_at_work() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not worker_at_work()


def worker_at_work(query: str = "") -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = %s AND query ILIKE %s",
            [NAME, f"%{query}%"],
        )
        return bool(cursor.fetchone()[0])


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def assert_whole(batch: ImportBatch) -> None:
    batch.refresh_from_db()
    assert batch.status == "COMMITTED"
    assert OpenItem.objects.count() == ROWS
    assert batch.new_count == ROWS
    assert AuditEvent.objects.filter(verb="invoices.batch.committed").count() == 1
    assert AuditEvent.objects.filter(verb="invoices.batch.previewed").count() == 1
    assert JobRun.objects.exclude(status=JobRun.Status.DONE).count() == 0


def approve(batch: ImportBatch) -> None:
    commit_batch(actor=SYSTEM, batch=batch, accept_rejects=False, today=TODAY, now=NOW)


def test_killed_while_reading(batch: ImportBatch, worker):
    process = worker("read_batches")
    wait_until(
        lambda: ImportBatch.objects.filter(pk=batch.pk, status="READING", done__gt=0).exists(), process
    )
    readers = children_of(process.pid)
    assert readers
    kill(process)
    batch.refresh_from_db()
    assert batch.status == "READING"
    assert not ImportRow.objects.exists()
    # The child that parses does not outlive its parent.
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}/cmdline").exists() and alive(pid) for pid in readers):
        assert time.monotonic() < deadline
        time.sleep(0.02)

    assert read_batches() == 1
    batch.refresh_from_db()
    assert (batch.status, batch.attempts, batch.rows.count()) == ("PREVIEWED", 2, ROWS)
    approve(batch)
    assert commit_batches() == 1
    assert_whole(batch)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_killed_while_checking(batch: ImportBatch, worker):
    process = worker("read_batches")
    wait_until(lambda: worker_at_work("INSERT INTO invoices_importrow"), process)
    kill(process)
    batch.refresh_from_db()
    if batch.status == "READING":
        assert not ImportRow.objects.exists()
    read_batches()
    batch.refresh_from_db()
    assert (batch.status, batch.rows.count()) == ("PREVIEWED", ROWS)


def test_killed_while_committing(batch: ImportBatch, worker):
    assert read_batches() == 1
    approve(batch)
    process = worker("commit_batches")
    wait_until(lambda: worker_at_work("INSERT INTO invoices_openitem"), process)
    kill(process)
    batch.refresh_from_db()
    assert batch.status == "COMMITTING"
    assert OpenItem.objects.count() == 0

    assert commit_batches() == 1
    assert_whole(batch)
    assert commit_batches() == 0
    assert_whole(batch)


def test_a_reader_at_work_is_left_alone(batch: ImportBatch, worker):
    process = worker("read_batches")
    wait_until(lambda: ImportBatch.objects.filter(pk=batch.pk, status="READING").exists(), process)
    assert not read_batch(batch_id=batch.pk, today=TODAY, now=NOW)
    assert process.wait(timeout=60) == 0
    batch.refresh_from_db()
    assert (batch.status, batch.attempts) == ("PREVIEWED", 1)


def test_a_file_that_kills_its_reader_is_refused_once(batch: ImportBatch, monkeypatch):
    """It is not read for ever, and the batch behind it goes on."""
    starved = partial(Limits, memory_bytes=20 * MIB)
    monkeypatch.setattr(import_work, "Limits", starved)
    assert read_batches() == 1
    batch.refresh_from_db()
    assert batch.status == "REJECTED"
    assert batch.error_code in ("reader_out_of_memory", "reader_died")
    monkeypatch.undo()
    behind = receive(batch.legal_entity, 5)
    assert read_batches() == 1
    behind.refresh_from_db()
    assert behind.status == "PREVIEWED"


def test_a_lost_file_is_refused(batch: ImportBatch, tmp_path: Path):
    (tmp_path / "files" / batch.file.storage_name).unlink()
    assert read_batches() == 1
    batch.refresh_from_db()
    assert (batch.status, batch.error_code) == ("REJECTED", "file_missing")


def test_a_lost_broker_costs_nothing(batch: ImportBatch):
    """Nothing was listening when the batch was received: the sweep finds it by its state."""
    assert ImportBatch.objects.get().status == "RECEIVED"
    assert read_batches() == 1
    assert read_batches() == 0
    approve(batch)
    assert commit_batches() == 1
    assert_whole(batch)


@pytest.mark.parametrize("sweep", [read_batches, commit_batches])
def test_a_batch_that_a_command_had_when_it_was_killed_is_taken_up(batch: ImportBatch, sweep):
    """The sweep that finds somebody else at work leaves no trace that would keep a later one away."""
    if sweep is commit_batches:
        assert read_batches() == 1
        approve(batch)

    def command() -> None:
        with import_work.exclusive(import_work.work_key(batch.pk)) as mine:
            assert mine
            held.set()
            done.wait(20)
        connections.close_all()

    held, done = threading.Event(), threading.Event()
    other = threading.Thread(target=command)
    other.start()
    held.wait(20)
    assert sweep() == 0
    done.set()
    other.join()
    assert sweep() == 1
    assert not JobRun.objects.exclude(status=JobRun.Status.DONE).exists()
