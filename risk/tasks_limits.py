"""Sweeps of credit limits: what expires, what is due for review, and the simulations that somebody asked for."""

import structlog
from celery import shared_task
from django.utils.translation import gettext as _

from core import clock
from core.jobs import job_run
from core.rights import SYSTEM
from risk.models import LimitSimulation
from risk.operations.limit_reviews import sweep_limits as sweep
from risk.operations.limit_simulations import compute_limit_simulation, fail_limit_simulation

MOST_ATTEMPTS = 3

log = structlog.get_logger(__name__)


@shared_task(name="risk.tasks.sweep_limits")
def sweep_limits() -> None:
    """End the limits that expired and open the reviews that are due; the day's work is done once."""
    today = clock.today()
    with job_run("risk.sweep_limits", str(today)) as job:
        if job is None:
            return
        swept = sweep(actor=SYSTEM, today=today, now=clock.now())
        job.counts.update(vars(swept))


@shared_task(name="risk.tasks.simulate_limits")
def simulate_limits() -> int:
    """Compute the simulations that wait; how many were done."""
    done = 0
    for simulation in LimitSimulation.objects.filter(status=LimitSimulation.Status.REQUESTED).order_by("pk"):
        try:
            with job_run("risk.simulate_limits", str(simulation.pk)) as job:
                if job is None:
                    continue
                try:
                    found = compute_limit_simulation(
                        actor=SYSTEM, simulation_id=simulation.pk, now=clock.now(), progress=job.progress
                    )
                    job.counts.update(found.counts)
                    done += 1
                except Exception as error:
                    if job.row.attempts >= MOST_ATTEMPTS:
                        told = _("La simulation n’a pas pu être faite : %(error)s") % {"error": error}
                        fail_limit_simulation(
                            actor=SYSTEM, simulation_id=simulation.pk, error=told, now=clock.now()
                        )
                    raise
        except Exception:
            # The job keeps the error; the other simulations must not wait for it.
            log.exception("limit_simulation_failed", simulation=simulation.pk)
    return done
