"""Sweeps of the risk floor."""

from celery import shared_task

from core import clock
from core.jobs import job_run
from core.rights import SYSTEM
from risk.operations import scoring
from risk.tasks_forecasts import forecast_payments, train_payment_model
from risk.tasks_limits import simulate_limits, sweep_limits
from risk.tasks_orders import settle_orders, sweep_holds
from risk.tasks_provisions import compute_provisions
from risk.tasks_scores import run_card_simulations
from risk.tasks_watch import read_announcements, read_companies, sweep_folder

__all__ = [
    "compute_provisions",
    "forecast_payments",
    "read_announcements",
    "read_companies",
    "run_card_simulations",
    "score_customers",
    "settle_orders",
    "simulate_limits",
    "sweep_folder",
    "sweep_holds",
    "sweep_limits",
    "train_payment_model",
]


@shared_task(name="risk.tasks.score_customers")
def score_customers() -> None:
    """Score every customer as of today; the day's work is done once."""
    today = clock.today()
    with job_run("risk.score_customers", str(today)) as job:
        if job is None:
            return
        outcome = scoring.score_customers(actor=SYSTEM, as_of=today, now=clock.now())
        job.counts.update(customers=outcome.customers, class_changes=outcome.class_changes, **outcome.classes)
