"""Taking in announcements: a file is read whole, matched by SIREN alone, applied to every account, once.

One take at a time: two files that hold the same notice do not race. Everything is one transaction, so that a process
killed in the middle leaves nothing, and the same file taken again does it all.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.files import store_file
from core.legal import register
from core.models import User
from core.operation import operation
from core.rights import Actor
from customers.models import Customer
from risk.bodacc.natures import is_judgment_family
from risk.bodacc.notices import Notice, notices_of
from risk.bodacc.records import ReadFile, UnreadableFile, read_records
from risk.bodacc.texts import fold
from risk.models import EventOutcome, LegalEvent, WatchFile
from risk.operations.insolvency_effects import Setting, apply_to, reopen_outcome
from risk.sirene import read_units

MOST_PROBLEMS = 200
_CHUNK = 1_000
Matching, Kind, Type = LegalEvent.Matching, LegalEvent.Kind, LegalEvent.NoticeType


class WatchFileRefused(BusinessError):
    """The file holds nothing that can be read; the message says what was expected."""

    code = "watch_file_refused"


@dataclass(frozen=True)
class Taken:
    """The file, and whether it was new: the same bytes change nothing."""

    file: WatchFile
    is_new: bool


@operation("risk.watch")
def take_watch_file(
    *, actor: Actor, content: bytes, name: str, source: str, today: date, now: datetime
) -> Taken:
    """Take in a file or an answer of announcements or of the Sirene directory. Raises WatchFileRefused.

    What can be read is applied; what cannot is told by its number. The same bytes again change nothing.
    """
    _one_at_a_time()
    sha256 = hashlib.sha256(content).hexdigest()
    known = WatchFile.objects.filter(sha256=sha256).first()
    if known is not None:
        return Taken(known, False)
    try:
        read = read_records(content)
    except UnreadableFile as unreadable:
        raise WatchFileRefused(refusal_words(unreadable.code), code=unreadable.code, field="file") from None
    units = read_units(read, today=today)
    subject = WatchFile.Subject.SIRENE if units is not None else WatchFile.Subject.BODACC
    file = WatchFile.objects.create(
        subject=subject,
        source=source,
        name=name[-255:] or "annonces",
        sha256=sha256,
        file=store_file(
            content=content, name=name or "annonces.json", kind="watch_file", content_type="application/octet-stream", now=now
        ),
        received_at=now,
        received_by=actor if isinstance(actor, User) else None,
    )  # fmt: skip
    notices, problems = units if units is not None else _notices(read)
    source_name = LegalEvent.Source.SIRENE if units is not None else LegalEvent.Source.BODACC
    _write(file, notices, source_name, today=today, now=now)
    file.record_count = len(read.records) + len(read.problems)
    file.problem_count = len(problems)
    file.problems = problems[:MOST_PROBLEMS]
    file.save()
    audit.record(
        actor=actor,
        verb="risk.watch_file.taken",
        refs=[file],
        now=now,
        name=file.name,
        source=source,
        records=file.record_count,
        new=file.new_count,
        known=file.known_count,
        problems=file.problem_count,
    )
    return Taken(file, True)


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('risk.take_watch_file', 0))")


def _notices(read: ReadFile) -> tuple[list[Notice], list[dict[str, object]]]:
    notices: list[Notice] = []
    problems = [problem.told for problem in read.problems]
    for record in read.records:
        found, wrong = notices_of(record)
        notices += found
        problems += [problem.told for problem in wrong]
    return notices, problems


def _write(file: WatchFile, notices: Sequence[Notice], source: str, *, today: date, now: datetime) -> None:
    """Keep the notices that concern an account, or that nobody's SIREN settles; then apply them in their order."""
    unique = {(notice.notice_id, notice.person_rank): notice for notice in reversed(notices)}
    wanted = sorted(unique.values(), key=lambda notice: (notice.publication_date, notice.notice_id, notice.person_rank))  # fmt: skip
    ids = list({notice.notice_id for notice in wanted} | {notice.earlier_id for notice in wanted} - {""})
    held = _held(source, ids)
    accounts = _accounts({notice.person.siren for notice in wanted} - {""})
    earlier_ids = {key[0] for key in held}
    fresh: list[LegalEvent] = []
    for notice in wanted:
        if (notice.notice_id, notice.person_rank) in held:
            file.known_count += 1
            continue
        if _says_nothing_new(notice, accounts):
            file.known_count += 1
            continue
        matching = _matching(notice, accounts, earlier_ids)
        if matching is None:
            file.foreign_count += 1
            continue
        fresh.append(_event(notice, matching, source, file, now))
        earlier_ids.add(notice.notice_id)
    LegalEvent.objects.bulk_create(fresh, batch_size=_CHUNK)
    file.new_count = len(fresh)
    _link_earlier(fresh, {notice.notice_id: notice.earlier_id for notice in wanted}, source)
    setting = Setting(register(), today, now)
    for event in fresh:
        _settle(event, accounts, setting)


def _held(source: str, ids: list[str]) -> set[tuple[str, int]]:
    held: set[tuple[str, int]] = set()
    for start in range(0, len(ids), _CHUNK):
        held.update(
            LegalEvent.objects.filter(source=source, notice_id__in=ids[start : start + _CHUNK]).values_list(
                "notice_id", "person_rank"
            )
        )
    return held


def _accounts(sirens: Iterable[str]) -> dict[str, list[Customer]]:
    """Every account of these SIRENs, in all entities: nobody's scope limits what a judgment reaches."""
    wanted, found = sorted(sirens), defaultdict(list)
    for start in range(0, len(wanted), _CHUNK):
        for customer in Customer.objects.filter(siren__in=wanted[start : start + _CHUNK]).order_by("pk"):
            found[customer.siren].append(customer)
    return dict(found)


def _says_nothing_new(notice: Notice, accounts: dict[str, list[Customer]]) -> bool:
    """Whether a directory tells what every account of the company bears already."""
    mine = accounts.get(notice.person.siren, [])
    if notice.nature.kind == Kind.REVIVED:
        ended = LegalEvent.objects.filter(siren=notice.person.siren, kind__in=(Kind.CEASED, Kind.STRIKE_OFF))
        return not ended.exists()
    if notice.family != "Sirene" or not mine:
        return False
    if notice.nature.kind == Kind.RENAMED:
        return all(fold(customer.name) == fold(str(notice.facts["name"])) for customer in mine)
    if notice.nature.kind == Kind.MOVED:
        return all(fold(customer.address_lines) == fold(str(notice.facts["address"])) for customer in mine)
    return False


def _matching(notice: Notice, accounts: dict[str, list[Customer]], earlier_ids: set[str]) -> str | None:
    """How a notice finds its account: by SIREN or, for a judgment without a usable one, by a person. Else None."""
    if notice.person.siren in accounts:
        return Matching.MATCHED
    if notice.earlier_id and notice.earlier_id in earlier_ids:
        # It corrects or cancels a notice of ours, whatever SIREN it bears.
        return Matching.MATCHED if notice.person.siren else Matching.UNMATCHED
    if not notice.person.siren and (
        notice.nature.kind in LegalEvent.JUDGMENTS or is_judgment_family(notice.family)
    ):
        return Matching.UNMATCHED
    return None


def _event(notice: Notice, matching: str, source: str, file: WatchFile, now: datetime) -> LegalEvent:
    return LegalEvent(
        source=source,
        notice_id=notice.notice_id,
        person_rank=notice.person_rank,
        siren=notice.person.siren,
        register_number=notice.person.register_number,
        name=notice.person.name,
        is_natural_person=notice.person.is_natural,
        kind=notice.nature.kind,
        procedure=notice.nature.procedure,
        closure=notice.nature.closure,
        nature=notice.published_nature,
        family=notice.family,
        notice_type=notice.notice_type,
        judgment_date=notice.judgment_date,
        publication_date=notice.publication_date,
        court=notice.court,
        complement=notice.complement,
        url=notice.url,
        facts=_facts(notice),
        doubts=list(notice.doubts),
        matching=matching,
        file=file,
        received_at=now,
    )  # fmt: skip


def _facts(notice: Notice) -> dict[str, object]:
    """What is published, with the address of the person and the notice that this one names."""
    said = {"published_address": notice.person.address, "earlier_notice": notice.earlier_id}
    return {**notice.facts, **{name: text for name, text in said.items() if text}}


def _link_earlier(fresh: Sequence[LegalEvent], earlier_ids: dict[str, str], source: str) -> None:
    """Tie corrections and cancellations to the notice they name: of the same person when it has several."""
    wanted = {earlier_ids[event.notice_id] for event in fresh} - {""}
    by_id: dict[str, list[LegalEvent]] = defaultdict(list)
    for earlier in LegalEvent.objects.filter(source=source, notice_id__in=wanted).order_by("person_rank"):
        by_id[earlier.notice_id].append(earlier)
    for event in fresh:
        candidates = by_id.get(earlier_ids[event.notice_id], [])
        same = [earlier for earlier in candidates if earlier.siren and earlier.siren == event.siren]
        ranked = [earlier for earlier in candidates if earlier.person_rank == event.person_rank]
        found = next(iter(same or ranked or candidates), None)
        if found is None or found.pk == event.pk:
            continue
        event.earlier = found
        event.save(update_fields=["earlier"])


def _settle(event: LegalEvent, accounts: dict[str, list[Customer]], setting: Setting) -> None:
    """Apply a fresh event to its accounts; what cancels or moves an earlier notice gives that back to a person."""
    mine = accounts.get(event.siren, [])
    earlier = event.earlier
    cancelled = _cancelled_before(event)
    if cancelled is not None:
        # Its cancellation came first: nothing is done that would have to be undone.
        event.annulled_on = cancelled.publication_date
        event.save(update_fields=["annulled_on"])
        LegalEvent.objects.filter(pk=cancelled.pk).update(earlier=event)
    if earlier is not None and event.notice_type == Type.CANCELLATION:
        LegalEvent.objects.filter(pk=earlier.pk).update(annulled_on=event.publication_date)
    for customer in mine:
        apply_to(event, customer, setting)
    if earlier is None:
        return
    reason = "annulled" if event.notice_type == Type.CANCELLATION else "corrected_to_another"
    elsewhere = [
        outcome.customer
        for outcome in EventOutcome.objects.filter(event=earlier).select_related("customer")
        if outcome.customer_id not in {customer.pk for customer in mine}
    ]
    for customer in elsewhere:
        reopen_outcome(earlier, customer, reason, setting)


def _cancelled_before(event: LegalEvent) -> LegalEvent | None:
    """The cancellation of this notice that another file brought before it."""
    found: LegalEvent | None = (
        LegalEvent.objects.filter(
            source=event.source,
            notice_type=Type.CANCELLATION,
            earlier__isnull=True,
            facts__earlier_notice=event.notice_id,
        )
        .exclude(pk=event.pk)
        .first()
    )
    return found


@operation("risk.watch")
def attach_event(
    *, actor: Actor, event: LegalEvent, customer: Customer, note: str, today: date, now: datetime
) -> EventOutcome:
    """Say that an announcement without a usable SIREN is this account's: it is applied there as any other.

    Raises WatchFileRefused: no reason, somebody else's announcement, an account out of the actor's scope.
    """
    note = _note(note)
    if not isinstance(actor, User):
        raise WatchFileRefused(_("Seule une personne peut rapprocher une annonce sans SIREN."))
    _one_at_a_time()
    locked = _locked(event)
    target = Customer.objects.visible_to(actor).filter(pk=customer.pk).first()
    if target is None:
        raise WatchFileRefused(_("Ce client n’existe pas dans votre périmètre."), field="customer")
    if locked.siren and target.siren and locked.siren != target.siren:
        raise WatchFileRefused(
            _("L’annonce porte un autre SIREN que ce client : elle n’est pas la sienne."), field="customer"
        )
    locked.matching, locked.customer = Matching.ATTACHED, target
    locked.matched_by, locked.matched_at, locked.matching_note = actor, now, note
    locked.save()
    audit.record(
        actor=actor,
        verb="risk.legal_event.attached",
        refs=[locked, target],
        now=now,
        notice=locked.notice_id,
        published_name=locked.name,
        published_number=locked.register_number,
        note=note,
    )
    return apply_to(locked, target, Setting(register(), today, now))


@operation("risk.watch")
def set_event_aside(*, actor: Actor, event: LegalEvent, note: str, now: datetime) -> LegalEvent:
    """Say that an announcement without a usable SIREN concerns no customer. Raises WatchFileRefused."""
    note = _note(note)
    locked = _locked(event)
    if locked.matching != Matching.UNMATCHED:
        raise WatchFileRefused(_("Cette annonce n’attend plus de rapprochement. Rechargez la page."))
    locked.matching, locked.matching_note, locked.matched_at = Matching.SET_ASIDE, note, now
    locked.matched_by = actor if isinstance(actor, User) else None
    locked.save()
    audit.record(actor=actor, verb="risk.legal_event.set_aside", refs=[locked], now=now, notice=locked.notice_id, note=note)  # fmt: skip
    return locked


def _locked(event: LegalEvent) -> LegalEvent:
    locked = LegalEvent.objects.select_for_update(of=("self",)).get(pk=event.pk)
    if locked.matching not in (Matching.UNMATCHED, Matching.SET_ASIDE):
        raise WatchFileRefused(_("Cette annonce n’attend plus de rapprochement. Rechargez la page."))
    return locked


def _note(text: str) -> str:
    note = " ".join(text.split())
    if not note:
        raise WatchFileRefused(_("Indiquez sur quoi repose votre décision."), field="note")
    if len(note) > 200:
        raise WatchFileRefused(_("Le motif compte 200 caractères au plus."), field="note")
    return note


def refusal_words(code: str) -> str:
    """Why a file is none of announcements, and what to do."""
    words = {
        "empty": _("Le fichier est vide. Téléchargez-le de nouveau."),
        "broken_json": _("Le fichier JSON est coupé ou abîmé. Téléchargez-le de nouveau en entier."),
        "broken_csv": _("Le fichier CSV est abîmé. Exportez-le de nouveau du site du Bodacc."),
        "service_error": _("Le service a répondu par une erreur au lieu d’annonces. Refaites la requête."),
        "too_many_records": _("Le fichier compte trop d’annonces. Partagez-le par dates de parution."),
    }
    return words.get(
        code,
        _(
            "Ce fichier n’est pas un export d’annonces du Bodacc (JSON ou CSV) ni une réponse de l’API Sirene. "
            "Exportez « annonces-commerciales » du service de données ouvertes."
        ),
    )
