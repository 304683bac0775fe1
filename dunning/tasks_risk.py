"""What dunning tells the floor of risk: the formal notices that nobody has paid."""

from celery import shared_task

from core import clock
from core.jobs import job_run
from core.rights import SYSTEM
from dunning.unpaid_formal_notices import unpaid_formal_notices
from risk.operations.formal_notices import tell_formal_notices


@shared_task(name="dunning.tasks.tell_formal_notices")
def tell_unpaid_formal_notices() -> None:
    """Before the night's scoring, once a day."""
    today = clock.today()
    with job_run("dunning.tell_formal_notices", str(today)) as job:
        if job is None:
            return
        told = tell_formal_notices(actor=SYSTEM, sent_on=unpaid_formal_notices(today), now=clock.now())
        job.counts.update(customers=told)
