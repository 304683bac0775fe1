"""From a message that came back to the events it tells of. No database."""

from dunning.mail.reports import read_reports
from dunning.models import MailEvent
from dunning.operations.mail_events import ToldEvent


def events_of(raw: bytes) -> list[ToldEvent]:
    """The events that a message reports; none when it is no report."""
    return [
        ToldEvent(
            kind=MailEvent.Kind(report.kind),
            source=MailEvent.Source.DSN,
            message_id=report.message_id,
            recipient=report.recipient,
            code=report.code,
            detail=report.detail,
            happened_at=report.happened_at,
            identity=report.identity,
        )
        for report in read_reports(raw)
    ]
