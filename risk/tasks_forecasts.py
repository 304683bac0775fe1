"""Payment forecasts: rewritten every night, their model trained every week."""

from celery import shared_task

from core import clock
from core.jobs import job_run
from core.rights import SYSTEM
from risk.operations.forecasts import TooFewData, rewrite_forecasts, train_model


@shared_task(name="risk.tasks.forecast_payments")
def forecast_payments() -> None:
    """Say when each open item will be paid; once a day."""
    today = clock.today()
    with job_run("risk.forecast_payments", str(today)) as job:
        if job is None:
            return
        outcome = rewrite_forecasts(actor=SYSTEM, today=today, now=clock.now())
        job.counts.update(items=outcome.items, by_model=outcome.by_model, removed=outcome.removed)


@shared_task(name="risk.tasks.train_payment_model")
def train_payment_model() -> None:
    """Train on the ledger; a house with too few settled items keeps its rules."""
    today = clock.today()
    with job_run("risk.train_payment_model", str(today)) as job:
        if job is None:
            return
        try:
            model = train_model(actor=SYSTEM, today=today, now=clock.now())
            job.counts.update(version=model.version, items=model.item_count, status=model.status)
        except TooFewData as error:
            job.counts["refused"] = str(error)
