"""Files of life-cycle statuses: an XML or a ZIP from a platform, uploaded, dropped in a folder or sent by a partner."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import IO

from core.errors import BusinessError
from core.files import sha256_of, store_file
from core.models import StoredFile
from core.operation import operation
from core.rights import Actor
from customers.models import LegalEntity
from invoices.import_messages import file_message
from invoices.operations.einvoice_statuses import Recorded, StatusRefused, check_status, record_statuses
from invoices.readers.errors import UnreadableFile
from invoices.readers.life_cycle import read_statuses

KIND = "EINVOICE_STATUS"


class StatusFileRefused(BusinessError):
    """Nothing in the file can be taken."""

    code = "status_file_refused"


@dataclass(frozen=True)
class FileProblem:
    """What of a file was left out: its name in the archive (empty for a single file) and why."""

    name: str
    message: str


@dataclass(frozen=True)
class ReceivedFile:
    """What became of a file: what was recorded, and what was left out."""

    recorded: Recorded
    problems: list[FileProblem]


@operation("invoices.record_einvoice_status")
def receive_status_file(
    *, actor: Actor, entity: LegalEntity, file: IO[bytes], name: str, today: date, now: datetime
) -> ReceivedFile:
    """Record every status of the file that is one of the entity's invoices; the others are told, with why.

    The file is kept, once. Raises StatusFileRefused when none of it can be taken.
    """
    try:
        reading = read_statuses(file)
    except UnreadableFile as error:
        raise StatusFileRefused(
            file_message(error.code, error.params), code=error.code, field="file"
        ) from None
    problems = [
        FileProblem(problem.name, file_message(problem.code, problem.params)) for problem in reading.problems
    ]
    good = []
    for status in reading.statuses:
        try:
            check_status(status, entity, now)
        except StatusRefused as refused:
            problems.append(FileProblem("", refused.message))
        else:
            good.append(status)
    if not good:
        raise StatusFileRefused(problems[0].message, field="file")
    recorded = record_statuses(
        actor=actor, entity=entity, statuses=good, now=now, today=today, file=_kept(file, name, now)
    )
    return ReceivedFile(recorded, problems)


def _kept(file: IO[bytes], name: str, now: datetime) -> StoredFile:
    known = StoredFile.objects.filter(kind=KIND, sha256=sha256_of(file)).order_by("pk").first()
    if known is not None:
        return known
    content_type = "application/zip" if file.read(2) == b"PK" else "application/xml"
    file.seek(0)
    return store_file(content=file, name=name, kind=KIND, content_type=content_type, now=now)
