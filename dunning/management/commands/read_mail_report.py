"""`read_mail_report`: take one message that came back to a sender's address, as a mail server pipes it."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error as DatabaseFault
from django.utils.translation import gettext as _

from core import clock
from core.rights import SYSTEM
from dunning.mail.reports import HEAD_BYTES
from dunning.operations.mail_events import receive_mail_events
from dunning.reported_events import events_of

# sysexits.h: the mail server keeps the message and calls again.
_TRY_AGAIN = 75


class Command(BaseCommand):
    help = "Read a bounce or a complaint from the standard input. Last line: JSON. Exit status 75: try again later."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        events = events_of(sys.stdin.buffer.read(HEAD_BYTES))
        # The writer of a pipe that nobody reads to its end would be told of an error.
        while sys.stdin.buffer.read(64 * 1024):
            pass
        try:
            received = receive_mail_events(actor=SYSTEM, events=events, today=clock.today(), now=clock.now())
        except DatabaseFault as error:
            self.stderr.write(_("Base de données injoignable : %(error)s") % {"error": error})
            sys.exit(_TRY_AGAIN)
        self.stdout.write(
            json.dumps(
                {
                    "events": len(events),
                    "created": received.created,
                    "known": received.known,
                    "effects": dict(received.effects),
                }
            )
        )
