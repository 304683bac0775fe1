"""Sweeps of electronic mail and text messages besides the sending of letters: what came back, and texts."""

import time

import structlog
from celery import shared_task
from django.conf import settings

from core import clock
from core.jobs import forget_failure, kick, report_failure
from core.legal import register
from core.rights import SYSTEM
from dunning.letter_context import LetterFacts
from dunning.mail.maildir import Maildir
from dunning.mail.reports import HEAD_BYTES
from dunning.operations.mail_events import receive_mail_events
from dunning.operations.texts import send_next_text
from dunning.reported_events import events_of
from dunning.sms import sms_is_configured

# A sweep gives its worker back after this long.
SWEEP_SECONDS = 60

log = structlog.get_logger(__name__)


@shared_task(name="dunning.tasks.send_texts")
def send_texts() -> int:
    """Give the approved SMS notices to the gateway."""
    if not sms_is_configured():
        return 0
    facts, sent, end = LetterFacts(register()), 0, time.monotonic() + SWEEP_SECONDS
    while send_next_text(actor=SYSTEM, facts=facts, today=clock.today(), now=clock.now()) is not None:
        sent += 1
        if time.monotonic() > end:
            kick("dunning.tasks.send_texts")
            break
    return sent


@shared_task(name="dunning.tasks.read_mail_reports")
def read_mail_reports() -> int:
    """Read what came back to the senders' addresses, where the mail server puts it in a Maildir."""
    if not settings.MAIL_REPORTS_MAILDIR:
        return 0
    name, folder = "dunning.read_mail_report", Maildir(settings.MAIL_REPORTS_MAILDIR)
    read, end = 0, time.monotonic() + SWEEP_SECONDS
    try:
        waiting = folder.claimed()
    except OSError as error:
        report_failure(name, "maildir", error, now=clock.now())
        return 0
    forget_failure(name, "maildir")
    for path in waiting:
        key = path.name[:100]
        try:
            events = events_of(folder.head(path, HEAD_BYTES))
            receive_mail_events(actor=SYSTEM, events=events, today=clock.today(), now=clock.now())
        except FileNotFoundError:
            # Another sweep has read and archived it.
            continue
        except Exception as error:
            # It stays claimed: the next sweep begins with it.
            report_failure(name, key, error, now=clock.now())
            continue
        forget_failure(name, key)
        folder.archive(path, is_report=bool(events))
        read += 1
        if time.monotonic() > end:
            kick("dunning.tasks.read_mail_reports")
            break
    return read
