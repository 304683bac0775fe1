"""The sweep of simulations that somebody asked for. A worker that dies in one leaves it to be done again."""

import structlog
from celery import shared_task
from django.utils.translation import gettext as _

from core import clock
from core.jobs import job_run
from core.rights import SYSTEM
from dunning.models import Simulation
from dunning.operations.simulations import complete_simulation, fail_simulation
from dunning.simulation_outcome import compute

MOST_ATTEMPTS = 3

log = structlog.get_logger(__name__)


@shared_task(name="dunning.tasks.run_simulations")
def run_simulations() -> int:
    """Do the simulations that wait; how many were done."""
    done = 0
    for simulation in Simulation.objects.filter(status=Simulation.Status.REQUESTED).order_by("pk"):
        try:
            with job_run("dunning.run_simulation", str(simulation.pk)) as job:
                if job is None:
                    continue
                try:
                    outcome = compute(simulation, job.progress)
                    with outcome.file:
                        complete_simulation(
                            actor=SYSTEM, simulation=simulation, outcome=outcome, now=clock.now()
                        )
                    job.counts["contacts"] = outcome.counts["sides"][0]["count"]
                    done += 1
                except Exception as error:
                    if job.row.attempts >= MOST_ATTEMPTS:
                        told = _("La simulation n’a pas pu être faite : %(error)s") % {"error": error}
                        fail_simulation(actor=SYSTEM, simulation=simulation, error=told, now=clock.now())
                    raise
        except Exception:
            # The job keeps the error; the other simulations must not wait for it.
            log.exception("simulation_failed", simulation=simulation.pk)
    return done
