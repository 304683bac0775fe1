"""The hourly look at payment plans."""

from celery import shared_task
from django.conf import settings

from core import clock
from core.jobs import job_run
from core.rights import SYSTEM
from invoices.operations import plan_sweeps


@shared_task(name="invoices.tasks.settle_plans")
def settle_plans() -> int:
    """Count receipts towards instalments, end plans, and mark the instalments to be reminded of."""
    now, today = clock.now(), clock.today()
    with job_run("invoices.settle_plans", f"{now:%Y-%m-%dT%H}") as job:
        if job is None:
            return 0
        job.counts |= plan_sweeps.settle_plans(actor=SYSTEM, today=today, now=now)
        job.counts["reminded"] = plan_sweeps.mark_instalments_due(
            actor=SYSTEM, today=today, now=now, days_ahead=settings.PLAN_REMINDER_DAYS
        )
        return int(sum(job.counts.values()))
