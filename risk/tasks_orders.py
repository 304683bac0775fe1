"""Sweeps of orders, holds and alerts."""

from celery import shared_task

from core import clock
from core.jobs import job_run
from core.rights import SYSTEM
from risk.operations import hold_sweeps, order_sweeps


@shared_task(name="risk.tasks.settle_orders")
def settle_orders() -> int:
    """Bring orders and deliveries to where invoices and days have brought them."""
    now, today = clock.now(), clock.today()
    key = f"{now:%Y-%m-%dT%H}:{now.minute // 5}"
    with job_run("risk.settle_orders", key) as job:
        if job is None:
            return 0
        job.counts |= order_sweeps.settle_orders(actor=SYSTEM, today=today, now=now)
        if not job.counts:
            # Nothing moved: not a line of history every five minutes.
            job.step_aside()
        return int(sum(job.counts.values()))


@shared_task(name="risk.tasks.sweep_holds")
def sweep_holds() -> int:
    """Raise alerts, place holds, and end those whose cause has gone; once a day."""
    now, today = clock.now(), clock.today()
    with job_run("risk.sweep_holds", str(today)) as job:
        if job is None:
            return 0
        job.counts |= hold_sweeps.sweep_holds(actor=SYSTEM, today=today, now=now)
        return int(sum(job.counts.values()))
