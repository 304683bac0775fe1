"""The sweeps that read bank files and look through the watched folders. State is the queue."""

import structlog
from celery import shared_task

from core import clock
from core.jobs import job_run
from invoices.models import BankFile
from invoices.operations.bank_files import read_bank_file
from invoices.operations.drop_folders import sweep_folders

log = structlog.get_logger(__name__)


@shared_task(name="invoices.tasks.read_bank_files")
def read_bank_files() -> int:
    """Read every bank file that waits, and those whose reader was killed; how many were read."""
    waiting = BankFile.objects.filter(status__in=BankFile.UNDER_WAY).order_by("pk")
    done = 0
    for pk, ordered_at in waiting.values_list("pk", "updated_at"):
        # Ordered again (another account, second try): another key, hence another run.
        try:
            with job_run("invoices.read_bank_file", f"{pk}:{ordered_at:%Y%m%d%H%M%S%f}") as job:
                if job is None:
                    continue
                if read_bank_file(bank_file_id=pk, now=clock.now()):
                    done += 1
                    bank_file = BankFile.objects.get(pk=pk)
                    job.counts = {"status": bank_file.status, "statements": bank_file.statements.count()}
                else:
                    # A command has it, or has just ended it: were it killed, the next sweep takes it up.
                    job.step_aside()
        except Exception:
            # The run keeps the error; the file keeps its state and is tried again, the others must not wait.
            log.exception("bank_file_sweep_failed", bank_file=pk)
    return done


@shared_task(name="invoices.tasks.sweep_drop_folders")
def sweep_drop_folders() -> int:
    """Take in what was put into the watched folders; how many files were taken or refused."""
    return sweep_folders(today=clock.today(), now=clock.now())
