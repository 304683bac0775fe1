"""Background jobs: state is the queue, the broker only accelerates, every run leaves a row."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import structlog
from django.db import connection, transaction
from django.utils import timezone

from core.models import JobRun

log = structlog.get_logger(__name__)


def kick(task_name: str, *args: Any) -> None:
    """Ask a worker to run a task once this transaction is committed.

    Losing the broker costs time, never work: a sweep finds the rows again by their status.
    """
    transaction.on_commit(partial(_send, task_name, args))


def _send(task_name: str, args: tuple[Any, ...]) -> None:
    from celery import current_app

    try:
        current_app.send_task(task_name, args=args, retry=False)
    except Exception as error:
        log.warning("broker_unreachable", task=task_name, error=str(error))


class Job:
    """The handle a job writes its progress and its counts through."""

    def __init__(self, row: JobRun) -> None:
        self.row = row
        self.counts: dict[str, Any] = {}

    def progress(self, done: int, total: int) -> None:
        """Say how far it is; seen on the jobs page at once."""
        JobRun.objects.filter(pk=self.row.pk).update(done=done, total=total)


@contextmanager
def job_run(name: str, key: str) -> Iterator[Job | None]:
    """Run the body as job (name, key). Yields None when that very job is done or under way elsewhere.

    An advisory lock held for the body tells a running job from one whose process was killed.
    """
    lock_key = f"{name}:{key}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [lock_key])
        if not cursor.fetchone()[0]:
            yield None
            return
    try:
        row, created = JobRun.objects.get_or_create(
            name=name, key=key, defaults={"started_at": timezone.now()}
        )
        if not created and row.status == JobRun.Status.DONE:
            yield None
            return
        if not created:
            row.status, row.attempts, row.started_at, row.error = (
                JobRun.Status.RUNNING, row.attempts + 1, timezone.now(), "",
            )  # fmt: skip
            row.finished_at = None
            row.save()
        job = Job(row)
        try:
            yield job
        except Exception as error:
            JobRun.objects.filter(pk=row.pk).update(
                status=JobRun.Status.FAILED,
                finished_at=timezone.now(),
                error=f"{type(error).__name__}: {error}"[:4000],
                counts=job.counts,
            )
            raise
        JobRun.objects.filter(pk=row.pk).update(
            status=JobRun.Status.DONE, finished_at=timezone.now(), counts=job.counts
        )
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [lock_key])
