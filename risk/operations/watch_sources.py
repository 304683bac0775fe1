"""Where announcements come from by themselves: the watched folder, the Bodacc's service, the Sirene directory.

Each step may be cut off and run again: what was taken once changes nothing, and a day counts as read when it was
read whole.
"""

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import structlog
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from core.errors import BusinessError
from core.rights import SYSTEM
from customers.models import Customer
from invoices.drop_storage import (
    ARCHIVE,
    REFUSED,
    REPORT_SUFFIX,
    DropArea,
    Found,
    clean_drop_path,
    drop_area,
    is_finished,
    is_readable_name,
)
from risk.models import WatchFile
from risk.open_data.bodacc_service import BodaccService, units
from risk.open_data.http import Line, ServiceAway
from risk.operations.legal_events import Taken, take_watch_file

log = structlog.get_logger(__name__)

# A file that nobody touched for so long is whole.
SETTLED = timedelta(seconds=60)
MOST_FILES = 200
# Announcements of a day may still come on the next ones.
OVERLAP_DAYS = 3
SIRENS_AT_ONCE = 20
DIRECTORY_AT_ONCE = 25


def sweep_watch_folder(*, today: date, now: datetime) -> int:
    """Take in what was put into the watched folder; how many files left it, archived or refused."""
    with translation.override(settings.LANGUAGE_CODE):
        area = drop_area(clean_drop_path(settings.WATCH_FOLDER))
        taken = 0
        for found in [file for file in area.files() if is_finished(file.name)][:MOST_FILES]:
            if not is_readable_name(found.name) or now - found.modified_at < SETTLED:
                continue
            try:
                taken += _take_from_folder(area, found, today, now)
            except FileNotFoundError:
                continue
            except Exception:
                # The other files must not wait for this one; it is tried again at the next sweep.
                log.exception("watch_file_failed", file=found.name)
        return taken


def _take_from_folder(area: DropArea, found: Found, today: date, now: datetime) -> int:
    if found.size > settings.WATCH_MAX_BYTES:
        _put_away(area, found, REFUSED, _("Le fichier dépasse la taille permise (WATCH_MAX_BYTES)."))
        return 1
    with area.opened(found) as file:
        content = file.read(settings.WATCH_MAX_BYTES + 1)
    try:
        taken = take_watch_file(
            actor=SYSTEM,
            content=content,
            name=found.name,
            source=WatchFile.Source.FOLDER,
            today=today,
            now=now,
        )
    except BusinessError as refused:
        _put_away(area, found, REFUSED, refused.message)
        return 1
    _put_away(area, found, f"{ARCHIVE}/{now:%Y/%m}", told(taken))
    return 1


def _put_away(area: DropArea, found: Found, place: str, said: str) -> None:
    target = f"{place}/{found.name}"
    number = 1
    while area.is_taken(target):
        stem, dot, suffix = found.name.rpartition(".")
        target = f"{place}/{stem}-{number}.{suffix}" if dot else f"{place}/{found.name}-{number}"
        number += 1
    area.move(found.name, target)
    area.write(target + REPORT_SUFFIX, said + "\n")


def told(taken: Taken) -> str:
    """What became of a file, in the report beside it."""
    file = taken.file
    if not taken.is_new:
        return _("Contenu déjà reçu le %(day)s : rien de nouveau.") % {"day": f"{file.received_at:%d/%m/%Y}"}
    lines = [
        _(
            "Annonces lues : %(read)d, nouvelles : %(new)d, déjà connues : %(known)d, sans rapport : %(foreign)d."
        )
        % {
            "read": file.record_count,
            "new": file.new_count,
            "known": file.known_count,
            "foreign": file.foreign_count,
        }
    ]
    lines += [
        _("Enregistrement n° %(number)s illisible (%(code)s) : %(value)s")
        % {"number": problem["number"], "code": problem["code"], "value": problem["value"]}
        for problem in file.problems[:50]
    ]
    return "\n".join(lines)


@dataclass
class Read:
    """What a query of the service brought: up to which day, and how much of it was new."""

    until: date | None = None
    new: int = 0
    files: int = 0
    error: str = ""
    days: list[str] = field(default_factory=list)


def line(*, pace: float = 0.2) -> Line:
    return Line(
        most_bytes=settings.WATCH_MAX_BYTES,
        inner_hosts=tuple(settings.WATCH_INNER_HOSTS),
        pace_seconds=pace,
    )


def bodacc_service(asked: Line | None = None) -> BodaccService:
    return BodaccService(settings.BODACC_URL, tuple(settings.BODACC_FAMILIES), asked or line())


def read_bodacc(service: BodaccService, *, last_read: date | None, today: date, now: datetime) -> Read:
    """Read the days since the last one read whole, the overlap with it. A day that fails ends the reading there."""
    since = today - timedelta(days=settings.BODACC_SINCE_DAYS)
    day = max(since, last_read - timedelta(days=OVERLAP_DAYS)) if last_read else since
    read = Read()
    while day <= today:
        try:
            _take(service.day(day), f"bodacc-{day.isoformat()}.json", read, today, now)
        except (ServiceAway, BusinessError) as failed:
            read.error = f"{day.isoformat()}: {failed}"
            return read
        read.until = day
        read.days.append(day.isoformat())
        day += timedelta(days=1)
    return read


def read_new_customers(service: BodaccService, *, after: int, upto: int, today: date, now: datetime) -> Read:
    """What was published before of companies that became customers since: their accounts have keys in ]after, upto]."""
    sirens = list(
        Customer.objects.filter(pk__gt=after, pk__lte=upto)
        .exclude(siren="")
        .order_by()
        .values_list("siren", flat=True)
        .distinct()[:MOST_FILES]
    )
    read = Read()
    for start in range(0, len(sirens), SIRENS_AT_ONCE):
        try:
            _take(service.sirens(sirens[start : start + SIRENS_AT_ONCE]), f"bodacc-clients-{now:%Y%m%d%H%M}-{start}.json", read, today, now)  # fmt: skip
        except (ServiceAway, BusinessError) as failed:
            read.error = str(failed)
            return read
    return read


def read_directory(*, after: int, today: date, now: datetime, asked: Line | None = None) -> tuple[Read, int]:
    """Ask the directory for the next companies after a key; what it says, and the key to go on from (0: the start)."""
    rows = list(
        Customer.objects.filter(pk__gt=after)
        .exclude(siren="")
        .order_by("pk")
        .values_list("pk", "siren")[:DIRECTORY_AT_ONCE]
    )
    if not rows:
        return Read(), 0
    call = asked or line(pace=2.1)
    if settings.SIRENE_KEY:
        call.headers = {"X-INSEE-Api-Key-Integration": settings.SIRENE_KEY}
    answers = list(units(call, settings.SIRENE_URL, list(dict.fromkeys(siren for _pk, siren in rows))))
    read = Read()
    if answers:
        content = json.dumps(_rows_of(answers), ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")
        _take(content, f"sirene-{now:%Y%m%d%H%M}.json", read, today, now)
    return read, rows[-1][0]


def _rows_of(answers: list[dict[str, object]]) -> list[object]:
    """The answers as one list; those of a search by their results."""
    found: list[object] = []
    for answer in answers:
        results = answer.get("results")
        found += results if isinstance(results, list) else [answer]
    return found


def _take(content: bytes, name: str, read: Read, today: date, now: datetime) -> None:
    if content in (b'{"results":[],"total_count":0}', b"[]"):
        return
    taken = take_watch_file(
        actor=SYSTEM, content=content, name=name, source=WatchFile.Source.URL, today=today, now=now
    )
    if taken.is_new:
        read.files += 1
        read.new += taken.file.new_count
