"""Background jobs: state is the queue, the broker only accelerates, every run leaves a row."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from django.db import connection, transaction
from django.utils import timezone

from core.models import JobRun

log = structlog.get_logger(__name__)

# A broker that did not answer is left alone for so long: the people who ask next do not wait for it again.
_SILENCE_SECONDS = 10
_silent_until = 0.0


def kick(task_name: str, *args: Any) -> None:
    """Ask a worker to run a task once this transaction is committed.

    Losing the broker costs time, never work: a sweep finds the rows again by their status.
    """
    transaction.on_commit(partial(_send, task_name, args))


def _send(task_name: str, args: tuple[Any, ...]) -> None:
    global _silent_until
    from celery import current_app

    if time.monotonic() < _silent_until:
        return
    try:
        # A minute later the sweep has come by itself: kicks do not pile up while the workers are busy.
        current_app.send_task(task_name, args=args, retry=False, expires=60)
    except Exception as error:
        _silent_until = time.monotonic() + _SILENCE_SECONDS
        log.warning("broker_unreachable", task=task_name, error=str(error))


class Job:
    """The handle a job writes its progress and its counts through."""

    def __init__(self, row: JobRun) -> None:
        self.row = row
        self.counts: dict[str, Any] = {}
        self.stepped_aside = False

    def progress(self, done: int, total: int) -> None:
        """Say how far it is; seen on the jobs page at once."""
        JobRun.objects.filter(pk=self.row.pk).update(done=done, total=total)

    def step_aside(self) -> None:
        """Somebody else is at this work: this run counts for nothing, so that a later one may take it up."""
        self.stepped_aside = True


@contextmanager
def job_run(name: str, key: str) -> Iterator[Job | None]:
    """Run the body as job (name, key). Yields None when that very job is done or under way elsewhere.

    An advisory lock held for the body tells a running job from one whose process was killed. Not to be called
    inside a transaction, whose rollback would take the row along: raises RuntimeError.
    """
    lock_key = f"{name}:{key}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [lock_key])
        if not cursor.fetchone()[0]:
            yield None
            return
    try:
        with transaction.atomic(durable=True):
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
        if job.stepped_aside:
            row.delete()
        else:
            JobRun.objects.filter(pk=row.pk).update(
                status=JobRun.Status.DONE, finished_at=timezone.now(), counts=job.counts
            )
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [lock_key])


def report_failure(name: str, key: str, error: BaseException | None, *, now: datetime) -> None:
    """Leave the trace of one document that a sweep could not work on, and went past."""
    told = f"{type(error).__name__}: {error}"[:4000]
    row, created = JobRun.objects.get_or_create(
        name=name,
        key=key,
        defaults={"status": JobRun.Status.FAILED, "started_at": now, "finished_at": now, "error": told},
    )
    if not created:
        row.status, row.attempts, row.finished_at, row.error = (
            JobRun.Status.FAILED,
            row.attempts + 1,
            now,
            told,
        )
        row.save(update_fields=["status", "attempts", "finished_at", "error"])
    log.error("sweep_went_past", job=name, key=key, exc_info=error)


def failed_keys(name: str, *, since: datetime) -> set[str]:
    """The keys of the documents that the sweep went past since that instant."""
    failed = JobRun.objects.filter(name=name, status=JobRun.Status.FAILED, finished_at__gt=since)
    return set(failed.values_list("key", flat=True))


def forget_failure(name: str, key: str) -> None:
    """The document could be worked on after all."""
    JobRun.objects.filter(name=name, key=key, status=JobRun.Status.FAILED).delete()
