"""The night's work on the ledger: the ageing of the day is stored, then the books are checked."""

import structlog
from celery import shared_task

from core import clock
from core.jobs import job_run
from core.rights import SYSTEM
from customers.models import LegalEntity
from invoices.models import AgeingDay
from invoices.operations.ageing import forget_old_days, store_ageing
from invoices.operations.reconciliation import reconcile_ledger

log = structlog.get_logger(__name__)


@shared_task(name="invoices.tasks.store_ageing")
def store_ageing_of_the_day() -> int:
    """Store every entity's ageing as of today, and again the older days that turned stale; how many days."""
    today, stored = clock.today(), 0
    forget_old_days(today=today)
    for entity in LegalEntity.objects.all():
        with job_run("invoices.store_ageing", f"{entity.code}:{today}") as job:
            if job is None:
                continue
            stale = AgeingDay.objects.filter(legal_entity=entity, is_stale=True, as_of__lt=today)
            days = [today, *stale.order_by("-as_of").values_list("as_of", flat=True)]
            for done, day in enumerate(days, start=1):
                written = store_ageing(actor=SYSTEM, legal_entity=entity, as_of=day, now=clock.now())
                job.counts[day.isoformat()] = written.row_count
                job.progress(done, len(days))
            stored += len(days)
    return stored


@shared_task(name="invoices.tasks.reconcile")
def reconcile() -> int:
    """Check every entity's ledger; how many truths are broken. Each is an audit event."""
    today, broken = clock.today(), 0
    for entity in LegalEntity.objects.all():
        with job_run("invoices.reconcile", f"{entity.code}:{today}") as job:
            if job is None:
                continue
            found = reconcile_ledger(actor=SYSTEM, legal_entity=entity, now=clock.now())
            job.counts |= {finding.check: finding.count for finding in found}
            for finding in found:
                log.error("ledger_mismatch", entity=entity.code, check=finding.check, count=finding.count)
            broken += len(found)
    return broken
