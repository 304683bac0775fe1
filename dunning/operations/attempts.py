"""One attempt at sending a notice: its row is there before it begins, and its answer is kept once.

The attempt holds a session lock while it lasts: an attempt found STARTED with its lock free was cut off by the death
of its process (docs/decisions/0004).
"""

from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from core import audit
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from dunning.delivery import DeliveryOutcome, OutcomeStatus
from dunning.mail.addresses import same_address
from dunning.mail.line import unknown_outcome
from dunning.mail.replies import is_address_fault
from dunning.models import Delivery, Level, MailEvent, Notice, SuppressedAddress
from dunning.operations.returns import take_back_sending
from dunning.operations.suppressions import write_suppression

# How long each refusal that may pass is waited out: greylisting ends within minutes, a full mailbox within hours.
RETRY_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (10, 20, 40, 80, 160, 320))
MAX_ATTEMPTS = len(RETRY_DELAYS) + 1
_BOUNCES = (MailEvent.Kind.HARD_BOUNCE, MailEvent.Kind.SOFT_BOUNCE)
# Channels whose attempts hold their lock from `begin` to their answer.
LOCKED_CHANNELS = (Level.Channel.EMAIL, Level.Channel.SMS)


# The attempt's lock is this session's, and there before anybody can see the attempt's row.
_LOCK = "hashtextextended('dunning.delivery', %(delivery)s)"
_BEGIN = (
    f"UPDATE dunning_notice SET status = %(status)s WHERE id = %(notice)s; SELECT pg_advisory_lock({_LOCK})"
)


def begin(
    *,
    notice: Notice,
    recipient: str,
    now: datetime,
    copies: tuple[str, ...] = (),
    domain: str = "",
    message_id: str = "",
    attempt: int = 0,
) -> Delivery:
    """Move a locked notice to SENDING and write the attempt's row; the attempt's lock is taken.

    `attempt`: which one it is; 0, it is counted here. Part of the operations that start an attempt.
    """
    check_move(notice, Notice.Status.SENDING)
    delivery = Delivery.objects.create(
        notice=notice,
        channel=notice.level.channel,
        recipient=recipient,
        copies=list(copies),
        domain=domain,
        message_id=message_id,
        attempt=attempt or notice.deliveries.count() + 1,
        started_at=now,
    )
    notice.status = Notice.Status.SENDING
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, {"status": notice.status, "notice": notice.pk, "delivery": delivery.pk})
    return delivery


@operation("dunning.deliver")
def finish_attempt(
    *,
    actor: Actor,
    delivery_id: int,
    outcome: DeliveryOutcome,
    today: date,
    now: datetime,
    message_id: str = "",
) -> Delivery:
    """Keep the server's answer and move the notice: sent, to be tried again, or failed.

    `message_id`: the name that the other side gave the message, where it gives one.
    """
    delivery, has_bounced = _locked(delivery_id)
    if delivery.status != Delivery.Status.STARTED:
        return delivery
    delivery.message_id = message_id or delivery.message_id
    close(actor=actor, delivery=delivery, outcome=outcome, today=today, now=now)
    if delivery.status == Delivery.Status.SENT and has_bounced:
        _take_back_early_bounce(actor, delivery, today, now)
    return delivery


def _take_back_early_bounce(actor: Actor, delivery: Delivery, today: date, now: datetime) -> None:
    """A bounce may be told before the server's own answer is written."""
    told = MailEvent.objects.filter(delivery=delivery, kind__in=_BOUNCES)
    theirs = {same_address(address) for address in (delivery.recipient, *delivery.copies)}
    if theirs <= set(told.values_list("recipient", flat=True)):
        take_back_sending(
            actor=actor,
            notice=delivery.notice,
            delivery=delivery,
            reason=Delivery.Return.BOUNCED,
            detail=told.latest("pk").detail,
            returned_on=today,
            now=now,
        )


@operation("dunning.deliver")
def close_cut_off_attempts(*, actor: Actor, today: date, now: datetime) -> int:
    """Attempts whose process died: nobody knows whether the message left, so a person decides.

    Sending again by itself could send twice; calling it sent could mean never. Returns how many. What the post or
    a provider carries is open for days under no lock: those attempts are told by their answers.
    """
    closed = 0
    started = Delivery.objects.filter(status=Delivery.Status.STARTED, channel__in=LOCKED_CHANNELS).order_by(
        "notice", "pk"
    )
    for delivery_id in list(started.values_list("pk", flat=True)[:100]):
        if not _try_lock(delivery_id):
            continue
        delivery, _has_bounced = _locked(delivery_id)
        if delivery.status == Delivery.Status.STARTED:
            close(actor=actor, delivery=delivery, outcome=unknown_outcome(), today=today, now=now)
            closed += 1
        unlock(delivery_id)
    return closed


def _locked(delivery_id: int) -> tuple[Delivery, bool]:
    """The attempt and its notice under lock, and whether a bounce was told of it already.

    The notice first, as everybody takes them: who tells of a bounce holds it too, so that none is missed.
    """
    of_delivery = Delivery.objects.filter(pk=delivery_id).values("notice")
    notices = Notice.objects.select_for_update(of=("self",)).select_related("level")
    notice = notices.get(pk__in=of_delivery)
    bounces = MailEvent.objects.filter(delivery=OuterRef("pk"), kind__in=_BOUNCES)
    deliveries = Delivery.objects.select_for_update(of=("self",)).annotate(has_bounced=Exists(bounces))
    delivery = deliveries.get(pk=delivery_id)
    delivery.notice = notice
    return delivery, delivery.has_bounced


def close(
    *, actor: Actor, delivery: Delivery, outcome: DeliveryOutcome, today: date, now: datetime
) -> Delivery:
    """Settle an attempt and its notice by the outcome. Part of the operations that end an attempt."""
    if delivery.channel == Level.Channel.EMAIL:
        _suppress_refused(actor, delivery, outcome, now)
    notice, sent_on = delivery.notice, None
    if outcome.status is OutcomeStatus.SENT:
        status, target, sent_on = Delivery.Status.SENT, Notice.Status.SENT, today
        notice.not_before, notice.wait_reason = None, ""
    elif outcome.status is OutcomeStatus.RETRY and delivery.attempt < MAX_ATTEMPTS:
        status = Delivery.Status.RETRY
        target = (
            Notice.Status.APPROVED if notice.level.channel in Level.WITHOUT_LETTER else Notice.Status.RENDERED
        )
        notice.not_before = now + RETRY_DELAYS[delivery.attempt - 1]
        notice.wait_reason = _("refus provisoire : nouvelle tentative plus tard")
    else:
        status, target = Delivery.Status.FAILED, Notice.Status.FAILED
        notice.not_before, notice.wait_reason = None, ""
    delivery.status, delivery.detail, delivery.finished_at = status, outcome.detail, now
    delivery.save(update_fields=["status", "detail", "finished_at", "message_id"])
    check_move(notice, target)
    notice.status, notice.sent_on = target, sent_on
    notice.save(update_fields=["status", "sent_on", "not_before", "wait_reason"])
    audit.record(
        actor=actor,
        verb={"SENT": "dunning.notice.sent", "FAILED": "dunning.notice.failed"}.get(
            target, "dunning.notice.delayed"
        ),
        refs=[notice, f"customer:{notice.customer_id}"],
        now=now,
        channel=delivery.channel,
        recipient=delivery.recipient,
        attempt=delivery.attempt,
        detail=outcome.detail,
    )
    return delivery


def _suppress_refused(actor: Actor, delivery: Delivery, outcome: DeliveryOutcome, now: datetime) -> None:
    """An address that the server says does not exist is not tried again: each attempt costs our good name."""
    for address, answer in outcome.refused:
        if is_address_fault(answer):
            write_suppression(
                actor=actor,
                address=address,
                reason=SuppressedAddress.Reason.HARD_BOUNCE,
                detail=answer,
                refs=[delivery.notice, f"customer:{delivery.notice.customer_id}"],
                now=now,
            )


def unlock(delivery_id: int) -> None:
    """Let the attempt's lock go, once its answer is committed."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_unlock({_LOCK})", {"delivery": delivery_id})


def _try_lock(delivery_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_lock({_LOCK})", {"delivery": delivery_id})
        return bool(cursor.fetchone()[0])
