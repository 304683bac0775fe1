"""The sweeps that read, write and take back batches. State is the queue: see `operations.imports`."""

from collections.abc import Callable

import structlog
from celery import shared_task

from core import clock
from core.jobs import Job, job_run
from invoices.models import ImportBatch
from invoices.operations.import_retention import forget_staged_rows as forget_rows
from invoices.operations.imports import read_batch, roll_back_batch, write_batch

log = structlog.get_logger(__name__)


@shared_task(name="invoices.tasks.read_batches")
def read_batches() -> int:
    """Read every batch that waits, and those whose reader was killed; how many were read."""
    return _sweep(
        "invoices.read_batch",
        (ImportBatch.Status.RECEIVED, ImportBatch.Status.READING),
        lambda pk: read_batch(batch_id=pk, today=clock.today(), now=clock.now()),
    )


@shared_task(name="invoices.tasks.commit_batches")
def commit_batches() -> int:
    """Write every approved batch into the ledger; how many were written."""
    return _sweep(
        "invoices.commit_batch",
        (ImportBatch.Status.COMMITTING,),
        lambda pk: write_batch(batch_id=pk, today=clock.today(), now=clock.now()),
    )


@shared_task(name="invoices.tasks.roll_back_batches")
def roll_back_batches() -> int:
    """Take back every batch for which that was ordered; how many were worked on."""
    return _sweep(
        "invoices.roll_back_batch",
        (ImportBatch.Status.ROLLING_BACK,),
        lambda pk: roll_back_batch(batch_id=pk, today=clock.today(), now=clock.now()),
    )


@shared_task(name="invoices.tasks.forget_staged_rows")
def forget_staged_rows() -> int:
    """Once a night: drop the staged rows that nobody can need any more; how many."""
    with job_run("invoices.forget_staged_rows", f"{clock.today():%Y-%m-%d}") as job:
        if job is None:
            return 0
        forgotten = forget_rows(now=clock.now())
        job.counts = {"rows": forgotten}
        return forgotten


def _sweep(name: str, statuses: tuple[str, ...], work: Callable[[int], bool]) -> int:
    waiting = ImportBatch.objects.filter(status__in=statuses).order_by("pk")
    done = 0
    for pk, ordered_at in waiting.values_list("pk", "updated_at"):
        # Ordered again (other reading choices, second try): another key, hence another run.
        try:
            with job_run(name, f"{pk}:{ordered_at:%Y%m%d%H%M%S%f}") as job:
                if job is None:
                    continue
                if work(pk):
                    done += 1
                    _report(job, pk)
                else:
                    # A command has it, or has just ended it: were it killed, the next sweep takes it up.
                    job.step_aside()
        except Exception:
            # The run keeps the error; the batch keeps its state and is tried again, the others must not wait.
            log.exception("import_sweep_failed", job=name, batch=pk)
    return done


def _report(job: Job, batch_id: int) -> None:
    batch = ImportBatch.objects.get(pk=batch_id)
    job.counts = {
        "status": batch.status,
        "new": batch.new_count,
        "changed": batch.changed_count,
        "cleared": batch.cleared_count,
        "unchanged": batch.unchanged_count,
        "errors": batch.error_count,
    }
    job.progress(batch.done, batch.total)
