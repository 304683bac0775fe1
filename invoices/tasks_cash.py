"""Returned payments whose original the bank names are taken back by themselves."""

from celery import shared_task

from core import clock
from core.jobs import job_run
from invoices.cash_return_candidates import certain_originals
from invoices.operations.cash_returns import settle_returns as settle


@shared_task(name="invoices.tasks.settle_returns")
def settle_returns() -> int:
    """Take back what certain returns had settled; how many."""
    if not certain_originals(limit=1):
        return 0
    now = clock.now()
    with job_run("invoices.settle_returns", now.isoformat(timespec="seconds")) as job:
        if job is None:
            return 0
        job.counts |= settle(today=clock.today(), now=now)
        return int(job.counts.get("settled", 0))
