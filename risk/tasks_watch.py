"""Sweeps of the watch: the folder, the Bodacc's service, the directory. Run twice, they change nothing."""

from datetime import date
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db.models import Max

from core import clock
from core.jobs import job_run
from core.models import JobRun
from customers.models import Customer
from invoices.operations.exclusive import exclusive
from risk.open_data.http import ServiceAway
from risk.operations.watch_sources import (
    Read,
    bodacc_service,
    read_bodacc,
    read_directory,
    read_new_customers,
    sweep_watch_folder,
)

BODACC_JOB = "risk.read_bodacc"
DIRECTORY_JOB = "risk.read_directory"


@shared_task(name="risk.tasks.sweep_watch_folder")
def sweep_folder() -> int:
    """Take in what was put into the watched folder."""
    with exclusive("risk.watch_folder") as mine:
        return sweep_watch_folder(today=clock.today(), now=clock.now()) if mine else 0


@shared_task(name="risk.tasks.read_bodacc")
def read_announcements() -> None:
    """Ask the service for the days since the last one read: once a day, again while it fails."""
    if not settings.BODACC_URL:
        return
    today, now = clock.today(), clock.now()
    with job_run(BODACC_JOB, today.isoformat()) as job:
        if job is None:
            return
        known = _last_counts(BODACC_JOB, job.row.pk)
        service = bodacc_service()
        last = known.get("until")
        read = read_bodacc(
            service, last_read=date.fromisoformat(last) if last else None, today=today, now=now
        )
        job.counts.update(
            files=read.files, new=read.new, until=read.until.isoformat() if read.until else last
        )
        job.counts["customer"] = known.get("customer")
        _fail_on(read)
        highest = Customer.objects.aggregate(highest=Max("pk"))["highest"] or 0
        before = known.get("customer")
        if before is not None and highest > before:
            # Companies that became customers since: what was published of them before counts too.
            more = read_new_customers(service, after=before, upto=highest, today=today, now=now)
            job.counts["new"] += more.new
            _fail_on(more)
        job.counts["customer"] = highest


@shared_task(name="risk.tasks.read_directory")
def read_companies() -> None:
    """Ask the directory for some companies, the next ones at the next hour."""
    if not settings.SIRENE_URL:
        return
    today, now = clock.today(), clock.now()
    with job_run(DIRECTORY_JOB, f"{now:%Y-%m-%dT%H}") as job:
        if job is None:
            return
        after = _last_counts(DIRECTORY_JOB, job.row.pk).get("last") or 0
        job.counts["last"] = after
        read, last = read_directory(after=after, today=today, now=now)
        job.counts.update(last=last, files=read.files, new=read.new)


def _last_counts(name: str, but: int) -> dict[str, Any]:
    """What the run before, or the failed attempts of this one, had reached."""
    rows = JobRun.objects.filter(name=name).exclude(counts={}).order_by("-started_at", "-pk")
    same = rows.filter(pk=but).first()
    return dict((same or rows.exclude(pk=but).first() or JobRun(counts={})).counts)


def _fail_on(read: Read) -> None:
    """The job says what the service did, and is tried again at the next sweep."""
    if read.error:
        raise ServiceAway(read.error)
