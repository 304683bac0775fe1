"""The sweep that gives life-cycle statuses to the items they waited for."""

from celery import shared_task

from core import clock
from invoices.operations.einvoice_statuses import sweep_waiting_statuses


@shared_task(name="invoices.tasks.attach_einvoice_statuses")
def attach_einvoice_statuses() -> int:
    """Attach every status whose item has come; how many were attached. Run twice, it changes nothing."""
    return sweep_waiting_statuses(today=clock.today(), now=clock.now())
