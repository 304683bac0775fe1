"""Jobs: what runs once, what is taken up again, and what leaves no trace."""

import time
from collections.abc import Iterator

import pytest
from celery import Celery, current_app
from django.conf import settings
from django.db import connection, transaction

from core import jobs
from core.jobs import failed_keys, forget_failure, job_run, report_failure
from core.models import JobRun
from tests.dunning.factories import NOW


@pytest.mark.django_db
def test_a_job_that_is_done_does_not_run_again() -> None:
    with job_run("test.job", "1") as job:
        assert job is not None
        job.counts["seen"] = 3
    with job_run("test.job", "1") as again:
        assert again is None
    assert JobRun.objects.get().counts == {"seen": 3}


@pytest.mark.django_db
def test_a_job_that_failed_runs_again_and_keeps_count() -> None:
    with pytest.raises(ZeroDivisionError), job_run("test.job", "1"):
        1 / 0  # noqa: B018
    row = JobRun.objects.get()
    assert (row.status, row.attempts) == (JobRun.Status.FAILED, 1)
    assert row.error.startswith("ZeroDivisionError")
    with job_run("test.job", "1") as job:
        assert job is not None
    row.refresh_from_db()
    assert (row.status, row.attempts, row.error) == (JobRun.Status.DONE, 2, "")


@pytest.mark.django_db
def test_a_job_that_steps_aside_leaves_no_trace() -> None:
    with job_run("test.job", "1") as job:
        assert job is not None
        job.step_aside()
    assert not JobRun.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_job_is_not_run_inside_a_transaction_and_leaves_no_lock() -> None:
    with pytest.raises(RuntimeError), transaction.atomic(), job_run("test.job", "1"):
        pass
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone()[0] == 0


@pytest.mark.django_db
def test_failures_are_counted_by_document_and_forgotten() -> None:
    report_failure("test.step", "7", OSError("disk away"), now=NOW)
    report_failure("test.step", "7", OSError("disk away"), now=NOW)
    assert JobRun.objects.get().attempts == 2
    assert failed_keys("test.step", since=NOW.replace(hour=0)) == {"7"}
    assert failed_keys("test.step", since=NOW) == set()
    forget_failure("test.step", "7")
    assert not JobRun.objects.exists()


@pytest.fixture
def lost_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    ours = current_app._get_current_object()
    lost = Celery("lost", broker="redis://127.0.0.1:1/0", set_as_current=False)
    lost.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    monkeypatch.setattr(jobs, "_silent_until", 0.0)
    lost.set_current()
    yield
    ours.set_current()


def test_a_lost_broker_keeps_nobody_waiting(lost_broker, db, django_capture_on_commit_callbacks) -> None:
    began = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True) as asked:
        for _ in range(4):
            jobs.kick("core.tasks.nothing")
    assert len(asked) == 4
    assert time.monotonic() - began < 2
    assert jobs._silent_until > time.monotonic()


def test_a_broker_that_was_silent_is_asked_again_later(lost_broker, db, monkeypatch) -> None:
    monkeypatch.setattr(jobs, "_silent_until", time.monotonic() - 1)
    jobs._send("core.tasks.nothing", ())
    assert jobs._silent_until > time.monotonic()
