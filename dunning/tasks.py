"""Sweeps of the dunning floor. The status columns are the queue; running any of them twice is harmless."""

import time
from collections.abc import Callable

from celery import shared_task

from core import clock
from core.errors import BusinessError
from core.jobs import job_run, kick
from core.legal import MissingLegalParameter, register
from core.rights import SYSTEM
from customers.models import LegalEntity
from dunning.letter_context import LetterFacts
from dunning.models import Case, Run
from dunning.operations.cases import build_dossier_of
from dunning.operations.deliveries import close_cut_off_attempts, send_next
from dunning.operations.letters import render_next
from dunning.operations.runs import fail_run, plan_run, request_run

# A sweep gives its worker back after this long and asks to be called again: other queues get their turn.
SWEEP_SECONDS = 60


@shared_task(name="dunning.tasks.plan_nightly_runs")
def plan_nightly_runs() -> None:
    """One run a day for every legal entity, planned at once; a day missed is caught up by the next."""
    today = clock.today()
    for entity in LegalEntity.objects.order_by("pk"):
        with job_run("dunning.plan_nightly_runs", f"{entity.code}:{today}") as job:
            if job is None:
                continue
            run = request_run(actor=SYSTEM, legal_entity=entity, as_of=today, now=clock.now())
            job.counts["run"] = run.pk
            _plan(run)


@shared_task(name="dunning.tasks.plan_requested_runs")
def plan_requested_runs() -> None:
    """Plan the runs that somebody asked for."""
    for run in Run.objects.filter(status=Run.Status.REQUESTED).order_by("pk"):
        with job_run("dunning.plan_run", str(run.pk)) as job:
            if job is not None:
                _plan(run)


def _plan(run: Run) -> None:
    try:
        plan_run(actor=SYSTEM, run=run, now=clock.now())
    except (BusinessError, MissingLegalParameter) as error:
        # The person who asked reads why on the run's page; nothing was written.
        fail_run(actor=SYSTEM, run=run, error=str(error), now=clock.now())


@shared_task(name="dunning.tasks.render_letters")
def render_letters() -> int:
    """Print the approved notices, one after the other; several workers share them."""
    facts = LetterFacts(register())
    return _sweep(
        lambda: render_next(actor=SYSTEM, facts=facts, today=clock.today(), now=clock.now()),
        "dunning.tasks.render_letters",
    )


@shared_task(name="dunning.tasks.send_letters")
def send_letters() -> int:
    """Send the rendered e-mail notices; first close what a dead process left open."""
    close_cut_off_attempts(actor=SYSTEM, today=clock.today(), now=clock.now())
    return _sweep(
        lambda: send_next(actor=SYSTEM, today=clock.today(), now=clock.now()), "dunning.tasks.send_letters"
    )


@shared_task(name="dunning.tasks.build_dossiers")
def build_dossiers() -> int:
    """Freeze the dossiers of the cases opened since."""
    cases = Case.objects.filter(status=Case.Status.OPENED).order_by("pk").values_list("pk", flat=True)
    for case_id in cases:
        build_dossier_of(actor=SYSTEM, case_id=case_id, today=clock.today(), now=clock.now())
    return len(cases)


def _sweep(step: Callable[[], object | None], task_name: str) -> int:
    done, end = 0, time.monotonic() + SWEEP_SECONDS
    while step() is not None:
        done += 1
        if time.monotonic() > end:
            kick(task_name)
            break
    return done
