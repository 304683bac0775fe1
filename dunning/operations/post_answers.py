"""Taking in what the printer answered: each file once, each line for what it is worth.

A file is claimed by a row (name and version), read in the transaction that says so, then moved away. Killed before
the commit, it is read again at the next sweep; killed after, it is only moved. docs/formats/post.md.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from core import audit
from core.files import store_file
from core.money import format_count
from core.operation import operation
from core.rights import SYSTEM, Actor
from dunning.models import Delivery, PostAnswerFile, PostAnswerLine, PostBatch
from dunning.operations.post_answer_writing import Outcome, Proofs, state_of, write_answers
from dunning.post.answer_rules import Contradiction, LetterState, merged
from dunning.post.answers import (
    MOST_BYTES,
    AnswerFile,
    AnswerFileRefused,
    AnswerFileUnfinished,
    read_answers,
)
from dunning.post.exchange import exchange, exchange_is_configured
from dunning.post_reads import open_answer_lines
from invoices.drop_storage import (
    ARCHIVE,
    REFUSED,
    REPORT_SUFFIX,
    DropArea,
    Found,
    is_finished,
    is_readable_name,
)
from invoices.operations.exclusive import exclusive

log = structlog.get_logger(__name__)

# A file without its last line is still being written; after so long, it was cut off.
CUT_OFF_AFTER = timedelta(hours=1)
MOST_FILES = 200
Status = PostAnswerFile.Status
Kind = PostAnswerLine.Kind


def sweep_answers(*, today: date, now: datetime) -> int:
    """Take in the files of the folder of answers, the oldest first; returns how many. Raises OSError."""
    if not exchange_is_configured():
        return 0
    taken = 0
    with exclusive("dunning.post_answers") as mine, translation.override(settings.LANGUAGE_CODE):
        if not mine:
            return 0
        area, proofs = exchange().answers(), exchange().proofs()
        try:
            lying = area.files()
        except FileNotFoundError:
            # A bucket has no empty folder: no answer yet.
            return 0
        found = [file for file in lying if is_finished(file.name) and is_readable_name(file.name)]
        for file in found[:MOST_FILES]:
            try:
                taken += _take(area, proofs, file, today, now)
            except FileNotFoundError:
                # Taken back, or written again, while it was looked at: the next sweep sees.
                continue
    return taken


def _take(area: DropArea, proofs: DropArea, found: Found, today: date, now: datetime) -> int:
    row = PostAnswerFile.objects.filter(name=found.name, version=found.version).first()
    if row is None or row.status == Status.CLAIMED:
        with area.opened(found) as stream:
            content = stream.read(MOST_BYTES + 1)
        refusal, answers = "", AnswerFile()
        try:
            answers = read_answers(content)
        except AnswerFileUnfinished as unfinished:
            if now - found.modified_at < CUT_OFF_AFTER:
                return 0
            refusal = str(unfinished)
        except AnswerFileRefused as refused:
            refusal = str(refused)
        row = read_answer_file(
            actor=SYSTEM, found=found, content=content, answers=answers, refusal=refusal,
            proofs=Proofs(proofs), today=today, now=now,
        )  # fmt: skip
    if not row.archived_as:
        row.archived_as = _place(area, row, now)
        row.save(update_fields=["archived_as"])
    area.move(found.name, row.archived_as)
    area.write(row.archived_as + REPORT_SUFFIX, report_of(row))
    return 1


def _place(area: DropArea, row: PostAnswerFile, now: datetime) -> str:
    folder = REFUSED if row.status == Status.REFUSED else f"{ARCHIVE}/{now:%Y/%m}"
    place = f"{folder}/{row.name}"
    return f"{folder}/{row.pk}-{row.name}" if area.is_taken(place) else place


def report_of(row: PostAnswerFile) -> str:
    """What became of a file, in words, for the printer and for us."""
    lines = [row.name, row.message]
    lines += [
        _("Ligne %(line)s (%(reference)s) : %(message)s.")
        % {"line": problem.line, "reference": problem.reference or "?", "message": problem.message}
        for problem in row.problems.order_by("line")[:500]
    ]
    return "\n".join(line for line in lines if line) + "\n"


@operation("dunning.deliver")
def read_answer_file(
    *,
    actor: Actor,
    found: Found,
    content: bytes,
    answers: AnswerFile,
    refusal: str,
    proofs: Proofs,
    today: date,
    now: datetime,
) -> PostAnswerFile:
    """Claim a file and write all that its lines say, or why it is refused; a file read before is left as it is."""
    row, _created = PostAnswerFile.objects.get_or_create(
        name=found.name, version=found.version, defaults={"claimed_at": now}
    )
    row = PostAnswerFile.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if row.status != Status.CLAIMED:
        return row
    row.file = store_file(
        content=content, name=found.name, kind="dunning.post_answer", content_type="text/csv", now=now
    )
    row.line_count = answers.line_count
    if refusal:
        row.status, row.message = Status.REFUSED, refusal
    else:
        outcome = _decide(answers, today)
        write_answers(actor, outcome, proofs, now)
        for problem in outcome.problems:
            problem.file = row
        PostAnswerLine.objects.bulk_create(outcome.problems, batch_size=500)
        row.status = Status.READ
        row.applied_count, row.known_count = len(outcome.applied), outcome.known
        row.problem_count = len(outcome.problems)
        row.message = _(
            "Lignes prises en compte : %(applied)s, déjà connues : %(known)s, à regarder : %(problems)s."
        ) % {
            "applied": format_count(row.applied_count),
            "known": format_count(row.known_count),
            "problems": format_count(row.problem_count),
        }
    row.save()
    audit.record(
        actor=actor,
        verb="dunning.post_answers.read" if not refusal else "dunning.post_answers.refused",
        refs=[row],
        now=now,
        file=row.name,
        message=row.message,
    )
    return row


def _decide(answers: AnswerFile, today: date) -> Outcome:
    """Hold every line to what is known, each after the lines before it."""
    outcome = Outcome()
    for bad in answers.bad_lines:
        outcome.problem(Kind.BAD, bad.line, bad.reference, bad.message)
    deliveries = _deliveries({answer.reference for answer in answers.answers})
    states: dict[int, LetterState] = {}
    for answer in answers.answers:
        delivery = deliveries.get((answer.batch, answer.reference)) or (
            deliveries.get(("", answer.reference)) if not answer.batch else None
        )
        told = {name: str(value) for name, value in asdict(answer).items() if value}
        if delivery is None:
            outcome.problem(
                Kind.UNKNOWN,
                answer.line,
                answer.reference,
                _("aucun courrier de cette référence n’a été remis dans ce lot"),
                content=told,
            )
            continue
        known = states.get(delivery.pk) or state_of(delivery)
        try:
            after = merged(known, answer, today)
        except Contradiction as contradiction:
            outcome.problem(
                Kind.CONTRADICTORY,
                answer.line,
                answer.reference,
                str(contradiction),
                content=told,
                delivery=delivery,
            )
            continue
        if after == known and not (answer.proof and delivery.proof_id is None):
            outcome.known += 1
            continue
        states[delivery.pk] = after
        outcome.applied.append((delivery, known, after, answer))
    return outcome


def _deliveries(references: set[str]) -> dict[tuple[str, str], Delivery]:
    """The letters given to the printer, locked, by batch and reference; by reference alone, the latest."""
    rows: QuerySet[Delivery] = (
        Delivery.objects.filter(
            notice__letter__reference__in=references,
            post_batch__provider=PostBatch.Provider.EXCHANGE,
        )
        .select_related("post_batch", "notice__letter")
        .select_for_update(of=("self",))
        .order_by("pk")
    )
    found: dict[tuple[str, str], Delivery] = {}
    for delivery in rows:
        reference = delivery.notice.letter.reference
        found[delivery.post_batch.reference, reference] = delivery  # type: ignore[union-attr]
        found["", reference] = delivery
    return found


@operation("dunning.deliver")
def close_answer_lines(*, actor: Actor, line_ids: Sequence[int], now: datetime) -> int:
    """Say that the lines were looked at, those in one's scope; how many."""
    lines = list(
        open_answer_lines(actor).filter(pk__in=line_ids).select_for_update(of=("self",)).order_by("pk")
    )
    PostAnswerLine.objects.filter(pk__in=[line.pk for line in lines]).update(is_closed=True)
    audit.record_each(
        actor=actor,
        verb="dunning.post_answers.closed",
        events=(
            ([f"postanswerfile:{line.file_id}"], {"line": line.line, "reference": line.reference})
            for line in lines
        ),
        now=now,
    )
    return len(lines)
