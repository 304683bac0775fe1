"""The sweep that matches bank lines, and the night's look at credits. State is the queue: see `operations.matching`."""

from celery import shared_task

from core import clock
from core.jobs import job_run
from core.rights import SYSTEM
from customers.models import LegalEntity
from invoices.operations.credit_matching import match_credits
from invoices.operations.matching import match_lines


@shared_task(name="invoices.tasks.match_bank_lines")
def match_bank_lines() -> int:
    """Seek proposals for every open line that waits, and post what is certain; how many lines were looked at."""
    return match_lines(actor=SYSTEM, today=clock.today(), now=clock.now())["lines"]


@shared_task(name="invoices.tasks.match_credits")
def match_credits_of_the_day() -> int:
    """Seek proposals for the credits that stand open on accounts; how many were looked at."""
    today, seen = clock.today(), 0
    for entity in LegalEntity.objects.order_by("pk"):
        with job_run("invoices.match_credits", f"{entity.code}:{today}") as job:
            if job is None:
                continue
            job.counts |= match_credits(actor=SYSTEM, today=today, now=clock.now(), entity=entity)
            seen += job.counts["credits"]
    return seen
