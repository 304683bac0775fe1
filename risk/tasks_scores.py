"""The sweep of simulations of score cards that somebody asked for."""

from celery import shared_task

from core import clock
from core.jobs import job_run
from core.rights import SYSTEM
from risk.models import CardSimulation
from risk.operations.card_trials import run_next_simulation


@shared_task(name="risk.tasks.run_card_simulations")
def run_card_simulations() -> int:
    """Run the simulations that wait; how many were run."""
    done = 0
    for pk in (
        CardSimulation.objects.filter(status=CardSimulation.Status.REQUESTED).order_by("pk").values_list("pk")
    ):
        with job_run("risk.card_simulation", str(pk[0])) as job:
            if job is None:
                continue
            simulation = run_next_simulation(actor=SYSTEM, now=clock.now())
            if simulation is not None:
                job.counts.update(customers=simulation.customers, moved=simulation.moved)
                done += 1
    return done
