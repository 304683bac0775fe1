"""What a printer's answers change: letters, their notices and their batches, set by set."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from core import audit
from core.files import store_file
from core.rights import Actor
from dunning.models import Delivery, Notice, PostAnswerLine, PostBatch
from dunning.operations.returns import take_back_sending
from dunning.post.answer_rules import FAILED, RETURNED, STARTED, LetterState
from dunning.post.answers import Answer
from invoices.drop_storage import DropArea, Found

MOST_PROOF_BYTES = 10 * 1024 * 1024
Kind = PostAnswerLine.Kind
_DATES = ("posted_on", "first_presented_on", "delivered_on", "returned_on")
_FIELDS = ("tracking_number", *_DATES, "return_reason")


@dataclass
class Proofs:
    """The PDF files that lie beside the answers, listed once."""

    area: DropArea
    _found: dict[str, Found] | None = None
    taken: list[str] = field(default_factory=list)

    def read(self, name: str) -> bytes | None:
        """The proof of that name, None when there is none that is a PDF of a proper size."""
        if self._found is None:
            try:
                self._found = {found.name: found for found in self.area.files()}
            except FileNotFoundError:
                self._found = {}
        found = self._found.get(name)
        if found is None or found.size > MOST_PROOF_BYTES:
            return None
        with self.area.opened(found) as stream:
            content: bytes = stream.read(MOST_PROOF_BYTES)
        return content if content.startswith(b"%PDF-") else None


@dataclass
class Outcome:
    """What the lines of a file come to."""

    applied: list[tuple[Delivery, LetterState, LetterState, Answer]] = field(default_factory=list)
    known: int = 0
    problems: list[PostAnswerLine] = field(default_factory=list)

    def problem(self, kind: str, line: int, reference: str, message: str, **fields: Any) -> None:
        self.problems.append(
            PostAnswerLine(kind=kind, line=line, reference=reference, message=message, **fields)
        )


def state_of(delivery: Delivery) -> LetterState:
    """What is known of a letter in the post."""
    batch = delivery.post_batch
    return LetterState(
        status=delivery.status,
        given_on=localdate(batch.created_at if batch else delivery.started_at),
        **{name: getattr(delivery, name) for name in _FIELDS},
    )


def write_answers(actor: Actor, outcome: Outcome, proofs: Proofs, now: datetime) -> None:
    """Write what the lines change: the letters, their notices and batches. Part of `read_answer_file`."""
    outcome.applied, clashes = _without_clashes(outcome.applied)
    for delivery, answer in clashes:
        outcome.problem(
            Kind.CONTRADICTORY,
            answer.line,
            answer.reference,
            _("le numéro de suivi %(number)s est déjà celui d’un autre courrier")
            % {"number": answer.tracking_number},
            delivery=delivery,
        )
    final: dict[int, tuple[Delivery, LetterState, str]] = {}
    for delivery, _before, after, answer in outcome.applied:
        if answer.proof and delivery.proof_id is None:
            if (content := proofs.read(answer.proof)) is None:
                outcome.problem(
                    Kind.CONTRADICTORY,
                    answer.line,
                    answer.reference,
                    _("la preuve « %(name)s » manque dans « proofs » ou n’est pas un PDF de moins de 10 Mo")
                    % {"name": answer.proof},
                    delivery=delivery,
                )
            else:
                delivery.proof = store_file(
                    content=content, name=answer.proof, kind="dunning.post_proof",
                    content_type="application/pdf", now=now,
                )  # fmt: skip
        final[delivery.pk] = (delivery, after, answer.reason)
    _write_deliveries(list(final.values()), now)
    _move_notices(actor, list(final.values()), now)
    _settle_batches(
        {delivery.post_batch_id for delivery, _after, _reason in final.values() if delivery.post_batch_id},
        now,
    )


def _without_clashes(
    applied: Sequence[tuple[Delivery, LetterState, LetterState, Answer]],
) -> tuple[list[tuple[Delivery, LetterState, LetterState, Answer]], list[tuple[Delivery, Answer]]]:
    """Leave out the lines whose number of the post is another letter's."""
    numbers = {after.tracking_number for _d, _b, after, _a in applied if after.tracking_number}
    owner: dict[str, int] = dict(
        Delivery.objects.filter(tracking_number__in=numbers).values_list("tracking_number", "pk")
    )
    kept, clashes, left_out = [], [], set()
    for delivery, before, after, answer in applied:
        number = after.tracking_number
        if delivery.pk in left_out or (number and owner.setdefault(number, delivery.pk) != delivery.pk):
            left_out.add(delivery.pk)
            clashes.append((delivery, answer))
        else:
            kept.append((delivery, before, after, answer))
    return kept, clashes


def _write_deliveries(final: Sequence[tuple[Delivery, LetterState, str]], now: datetime) -> None:
    started = [
        delivery
        for delivery, after, _reason in final
        if delivery.status == STARTED and after.status not in (STARTED, FAILED)
    ]
    # In the post before it is delivered or comes back.
    Delivery.objects.filter(pk__in=[delivery.pk for delivery in started]).update(
        status=Delivery.Status.HANDED, finished_at=now
    )
    for delivery, after, reason in final:
        delivery.was = delivery.status  # type: ignore[attr-defined]
        delivery.status = after.status
        if delivery.was == STARTED and after.status != STARTED:  # type: ignore[attr-defined]
            delivery.finished_at = now
        delivery.detail = reason or delivery.detail
        for name in _FIELDS:
            setattr(delivery, name, getattr(after, name))
    Delivery.objects.bulk_update(
        [delivery for delivery, _after, _reason in final],
        ["status", "finished_at", "detail", "proof", *_FIELDS],
        batch_size=500,
    )


def _move_notices(actor: Actor, final: Sequence[tuple[Delivery, LetterState, str]], now: datetime) -> None:
    """Proven sendings count from their day; refused letters fail; a letter to a wrong address is taken back."""
    notices = {
        notice.pk: notice
        for notice in Notice.objects.filter(pk__in=[delivery.notice_id for delivery, _a, _r in final])
        .select_related("level")
        .select_for_update(of=("self",))
        .order_by("pk")
    }
    moved: list[Notice] = []
    events: list[tuple[list[Notice | str], dict[str, Any]]] = []
    failed: list[tuple[list[Notice | str], dict[str, Any]]] = []
    returned: list[Delivery] = []
    for delivery, after, reason in final:
        notice = notices[delivery.notice_id]
        refs: list[Notice | str] = [notice, f"customer:{notice.customer_id}"]
        if after.sent_on is not None and (
            notice.status == Notice.Status.SENDING
            or (notice.status == Notice.Status.SENT and notice.sent_on != after.sent_on)
        ):
            notice.status, notice.sent_on = Notice.Status.SENT, after.sent_on
            moved.append(notice)
            events.append((refs, _proof_of(delivery, after)))
        elif after.status == FAILED and notice.status == Notice.Status.SENDING:
            notice.status = Notice.Status.FAILED
            moved.append(notice)
            failed.append((refs, {"channel": delivery.channel, "detail": reason}))
        if after.return_reason == Delivery.Return.UNKNOWN_ADDRESS and delivery.was != RETURNED:  # type: ignore[attr-defined]
            returned.append(delivery)
    Notice.objects.bulk_update(moved, ["status", "sent_on"], batch_size=500)
    audit.record_each(actor=actor, verb="dunning.notice.sent", events=events, now=now)
    audit.record_each(actor=actor, verb="dunning.notice.failed", events=failed, now=now)
    audit.record_each(
        actor=actor,
        verb="dunning.delivery.followed",
        events=(
            (
                [notices[delivery.notice_id], f"customer:{notices[delivery.notice_id].customer_id}"],
                _proof_of(delivery, after) | {"status": after.status},
            )
            for delivery, after, _reason in final
            if after.status not in (STARTED, FAILED)
        ),
        now=now,
    )
    for delivery in returned:
        take_back_sending(
            actor=actor,
            notice=notices[delivery.notice_id],
            delivery=delivery,
            reason=delivery.return_reason,
            detail=_("courrier revenu : destinataire inconnu à l’adresse"),
            returned_on=delivery.returned_on,  # type: ignore[arg-type]
            now=now,
        )


def _proof_of(delivery: Delivery, after: LetterState) -> dict[str, Any]:
    told = {name: getattr(after, name) for name in _FIELDS}
    return {"channel": delivery.channel} | {
        name: value.isoformat() if isinstance(value, date) else value for name, value in told.items() if value
    }


def _settle_batches(batch_ids: set[int], now: datetime) -> None:
    """A batch whose every letter was answered is acknowledged, or refused when none of them was taken."""
    open_batches = PostBatch.objects.filter(pk__in=batch_ids, status=PostBatch.Status.HANDED).exclude(
        deliveries__status=Delivery.Status.STARTED
    )
    refused = open_batches.exclude(
        deliveries__status__in=[
            Delivery.Status.HANDED, Delivery.Status.DELIVERED, Delivery.Status.RETURNED
        ]
    )  # fmt: skip
    PostBatch.objects.filter(pk__in=list(refused.values_list("pk", flat=True))).update(
        status=PostBatch.Status.REFUSED, answered_at=now
    )
    PostBatch.objects.filter(pk__in=list(open_batches.values_list("pk", flat=True))).update(
        status=PostBatch.Status.ACKNOWLEDGED, answered_at=now
    )
