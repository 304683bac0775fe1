"""Sweeps of the dunning floor. The status columns are the queue; running any of them twice is harmless."""

import time
from collections.abc import Callable
from datetime import timedelta

import structlog
from celery import shared_task
from django.utils.translation import gettext as _

from core import clock
from core.errors import BusinessError
from core.jobs import Job, failed_keys, forget_failure, job_run, kick, report_failure
from core.legal import MissingLegalParameter, register
from core.rights import SYSTEM
from customers.models import LegalEntity
from dunning.letter_context import LetterFacts
from dunning.mail.line import MailLine, MailServerAway
from dunning.models import Case, Run
from dunning.operations.attempts import close_cut_off_attempts
from dunning.operations.bulk_decisions import hold_if_outdated
from dunning.operations.cases import build_dossier_of
from dunning.operations.deliveries import Sweep, send_next
from dunning.operations.letters import RenderingFailed, render_next
from dunning.operations.runs import fail_run, plan_run, request_run
from dunning.outdated import possibly_outdated
from dunning.tasks_mail import read_mail_reports, send_texts
from dunning.tasks_post import (
    follow_e_registered_letters,
    move_post_batches,
    send_e_registered_letters,
    sweep_post_answers,
)
from dunning.tasks_risk import tell_unpaid_formal_notices
from dunning.tasks_simulations import run_simulations

# A sweep gives its worker back after this long and asks to be called again: other queues get their turn.
SWEEP_SECONDS = 60
# What the machine could not do is tried again after this long; until then it keeps nobody waiting.
RETRY_AFTER = timedelta(minutes=10)
MOST_ATTEMPTS = 3
# So many notices are looked at in one transaction.
CHUNK = 500

log = structlog.get_logger(__name__)

# Where Celery looks for tasks, those of other files included.
__all__ = [
    "follow_e_registered_letters",
    "move_post_batches",
    "read_mail_reports",
    "run_simulations",
    "send_e_registered_letters",
    "send_texts",
    "sweep_post_answers",
    "tell_unpaid_formal_notices",
]


@shared_task(name="dunning.tasks.plan_nightly_runs")
def plan_nightly_runs() -> None:
    """One run a day for every legal entity, planned at once; a day missed is caught up by the next."""
    today = clock.today()
    for entity in LegalEntity.objects.order_by("pk"):
        try:
            with job_run("dunning.plan_nightly_runs", f"{entity.code}:{today}") as job:
                if job is None:
                    continue
                run = request_run(actor=SYSTEM, legal_entity=entity, as_of=today, now=clock.now())
                job.counts["run"] = run.pk
                _plan(job, run)
        except Exception:
            # The job keeps the error; the other entities must not go without their run.
            log.exception("nightly_run_failed", entity=entity.code)


@shared_task(name="dunning.tasks.plan_requested_runs")
def plan_requested_runs() -> None:
    """Plan the runs that somebody asked for."""
    for run in Run.objects.filter(status=Run.Status.REQUESTED).order_by("pk"):
        try:
            with job_run("dunning.plan_run", str(run.pk)) as job:
                if job is not None:
                    _plan(job, run)
        except Exception:
            log.exception("requested_run_failed", run=run.pk)


def _plan(job: Job, run: Run) -> None:
    """Plan, or keep why not: the person who asked reads it on the run's page. Nothing is half-written."""
    try:
        plan_run(actor=SYSTEM, run=run, now=clock.now())
    except (BusinessError, MissingLegalParameter) as error:
        fail_run(actor=SYSTEM, run=run, error=str(error), now=clock.now())
    except Exception as error:
        if job.row.attempts >= MOST_ATTEMPTS:
            told = _(
                "La campagne n’a pas pu être préparée : erreur technique (%(error)s). Rien n’a été écrit. Demandez-la de "
                "nouveau ; si l’erreur revient, transmettez ce message à la personne qui administre l’application."
            ) % {"error": type(error).__name__}
            fail_run(actor=SYSTEM, run=run, error=told, now=clock.now())
        raise


@shared_task(name="dunning.tasks.render_letters")
def render_letters() -> int:
    """Print the approved notices, one after the other; several workers share them."""
    facts = LetterFacts(register())
    name = "dunning.render_letter"
    passed_over = {int(key) for key in failed_keys(name, since=clock.now() - RETRY_AFTER)}

    def step() -> bool | None:
        try:
            notice = render_next(
                actor=SYSTEM, facts=facts, today=clock.today(), now=clock.now(), passed_over=passed_over
            )
        except RenderingFailed as failure:
            report_failure(name, str(failure.notice_id), failure.__cause__, now=clock.now())
            passed_over.add(failure.notice_id)
            return False
        if notice is None:
            return None
        forget_failure(name, str(notice.pk))
        return True

    return _sweep(step, "dunning.tasks.render_letters")


@shared_task(name="dunning.tasks.send_letters")
def send_letters() -> int:
    """Send the rendered e-mail notices over one line; first close what a dead process left open."""
    close_cut_off_attempts(actor=SYSTEM, today=clock.today(), now=clock.now())
    sweep, name = Sweep(), "dunning.mail_server"
    with MailLine() as line:

        def step() -> bool | None:
            sent = send_next(actor=SYSTEM, today=clock.today(), now=clock.now(), line=line, sweep=sweep)
            if sent is None:
                return None
            forget_failure(name, "line")
            return True

        try:
            return _sweep(step, "dunning.tasks.send_letters")
        except MailServerAway as away:
            # No notice is at fault and none has lost an attempt: the next sweep asks again.
            report_failure(name, "line", away, now=clock.now())
            return 0


@shared_task(name="dunning.tasks.hold_outdated_notices")
def hold_outdated_notices() -> int:
    """Take from the lists what people or the bank made wrong since its run; the gate would hold it back anyway."""
    today, held = clock.today(), 0
    waiting = possibly_outdated(today)
    for start in range(0, len(waiting), CHUNK):
        held += hold_if_outdated(
            actor=SYSTEM, notice_ids=waiting[start : start + CHUNK], today=today, now=clock.now()
        )
    return held


@shared_task(name="dunning.tasks.build_dossiers")
def build_dossiers() -> int:
    """Freeze the dossiers of the cases opened since."""
    name = "dunning.build_dossier"
    passed_over = failed_keys(name, since=clock.now() - RETRY_AFTER)
    opened = Case.objects.filter(status=Case.Status.OPENED).order_by("pk").values_list("pk", flat=True)
    waiting = iter(list(opened))

    def step() -> bool | None:
        case_id = next((pk for pk in waiting if str(pk) not in passed_over), None)
        if case_id is None:
            return None
        try:
            case = build_dossier_of(actor=SYSTEM, case_id=case_id, today=clock.today(), now=clock.now())
        except Exception as error:
            report_failure(name, str(case_id), error, now=clock.now())
            return False
        forget_failure(name, str(case_id))
        return case is not None

    return _sweep(step, "dunning.tasks.build_dossiers")


def _sweep(step: Callable[[], bool | None], task_name: str) -> int:
    """Take steps until there is none left (None) or time is up; how many did something (True)."""
    done, end = 0, time.monotonic() + SWEEP_SECONDS
    while (did := step()) is not None:
        done += did
        if time.monotonic() > end:
            kick(task_name)
            break
    return done
