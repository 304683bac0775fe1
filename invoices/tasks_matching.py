"""The sweep that matches bank lines. State is the queue: see `operations.matching`."""

from celery import shared_task

from core import clock
from core.rights import SYSTEM
from invoices.operations.matching import match_lines


@shared_task(name="invoices.tasks.match_bank_lines")
def match_bank_lines() -> int:
    """Seek proposals for every open line that waits, and post what is certain; how many lines were looked at."""
    return match_lines(actor=SYSTEM, today=clock.today(), now=clock.now())["lines"]
