"""The sweep of allowances that somebody asked for. A worker that dies in one leaves it to be done again."""

import structlog
from celery import shared_task
from django.utils.translation import gettext as _

from core import clock
from core.jobs import job_run
from core.rights import SYSTEM
from risk.models import ProvisionRun
from risk.operations.provisions import compute_provision, fail_provision

MOST_ATTEMPTS = 3

log = structlog.get_logger(__name__)


@shared_task(name="risk.tasks.compute_provisions")
def compute_provisions() -> int:
    """Compute the allowances that wait; how many were computed."""
    done = 0
    for run in ProvisionRun.objects.filter(status=ProvisionRun.Status.REQUESTED).order_by("pk"):
        try:
            with job_run("risk.compute_provision", str(run.pk)) as job:
                if job is None:
                    continue
                try:
                    run = compute_provision(actor=SYSTEM, run=run, now=clock.now())
                    job.counts["debts"] = sum(row["debts"] for row in run.totals)
                    done += 1
                except Exception as error:
                    if job.row.attempts >= MOST_ATTEMPTS:
                        told = _("La dépréciation n’a pas pu être calculée : %(error)s") % {"error": error}
                        fail_provision(actor=SYSTEM, run=run, error=told, now=clock.now())
                    raise
        except Exception:
            # The job keeps the error; the others must not wait for it.
            log.exception("provision_failed", provision=run.pk)
    return done
