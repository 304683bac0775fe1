"""Jobs: what runs once, what is taken up again, and what leaves no trace."""

import pytest
from django.db import connection, transaction

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
