"""The day's judgment of promises to pay."""

from celery import shared_task

from core import clock
from core.jobs import job_run
from core.rights import SYSTEM
from invoices.operations.promises import settle_promises as settle


@shared_task(name="invoices.tasks.settle_promises")
def settle_promises() -> int:
    """Tell kept promises from broken ones, as of today; how many were judged."""
    today = clock.today()
    with job_run("invoices.settle_promises", today.isoformat()) as job:
        if job is None:
            return 0
        job.counts |= settle(actor=SYSTEM, today=today, now=clock.now())
        return int(sum(job.counts.values()))
