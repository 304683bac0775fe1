"""Getting e-mails out. Each attempt is a row written before it starts; letters on paper are in `posting`."""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog
from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.files import read_file
from core.jobs import kick
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from customers.models import Contact
from dunning.delivery import DeliveryOutcome, OutcomeStatus, OutgoingEmail, send_email
from dunning.letters.context import LetterContext
from dunning.letters.email import render_email
from dunning.models import Delivery, Level, Notice
from dunning.operations.notices import passes_gate
from dunning.queues import ready

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 5
RETRY_AFTER = timedelta(minutes=10)


class NothingToRetry(BusinessError):
    """The notice is not one whose sending failed."""

    code = "nothing_to_retry"


@dataclass(frozen=True)
class Started:
    """An attempt that may now leave the house; None in its place when there was nothing to send."""

    delivery: Delivery
    notice: Notice


def send_next(*, actor: Actor, today: date, now: datetime) -> Notice | None:
    """Send one rendered e-mail notice: start the attempt, send, keep the answer; three transactions.

    The attempt holds a session lock while it lasts: an attempt found STARTED with its lock free was cut off
    by the death of its process, see `close_cut_off_attempts`.
    """
    started = start_attempt(actor=actor, today=today, now=now)
    if started is None or started.delivery.pk is None:
        return started.notice if started else None
    try:
        outcome = _sent(started)
        finish_attempt(actor=actor, delivery_id=started.delivery.pk, outcome=outcome, today=today, now=now)
    finally:
        _unlock(started.delivery.pk)
    return started.notice


def _sent(started: Started) -> DeliveryOutcome:
    try:
        message = _message(started)
    except Exception as error:
        log.exception("message_not_composed", notice=started.notice.pk)
        return DeliveryOutcome(
            OutcomeStatus.FAILED,
            _("Rien n’est parti : le message n’a pas pu être composé (%(error)s).") % {"error": error},
        )
    return send_email(message)


@operation("dunning.deliver")
def start_attempt(*, actor: Actor, today: date, now: datetime) -> Started | None:
    """Claim a rendered e-mail notice, look once more through the gate, and write the attempt's row."""
    notice = (
        ready(status=Notice.Status.RENDERED, channels=[Level.Channel.EMAIL], now=now)
        .exclude(
            Exists(
                Delivery.objects.filter(
                    notice=OuterRef("pk"), status=Delivery.Status.RETRY, finished_at__gt=now - RETRY_AFTER
                )
            )
        )
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("legal_entity", "customer", "level", "letter__file")
        .first()
    )
    if notice is None:
        return None
    if not passes_gate(actor=actor, notice=notice, today=today, now=now):
        return Started(Delivery(), notice)
    recipient = (
        Contact.objects.filter(customer=notice.customer_id, gets_dunning=True)
        .exclude(email="")
        .order_by("id")
        .values_list("email", flat=True)
        .first()
    )
    check_move(notice, Notice.Status.SENDING)
    notice.status = Notice.Status.SENDING
    notice.save(update_fields=["status"])
    delivery = Delivery.objects.create(
        notice=notice,
        channel=notice.level.channel,
        recipient=recipient or "",
        attempt=notice.deliveries.count() + 1,
        started_at=now,
    )
    _lock(delivery.pk)
    if not recipient:
        _close(
            actor,
            delivery,
            DeliveryOutcome(
                OutcomeStatus.FAILED,
                _("Aucun contact du client ne reçoit les relances par e-mail : ajoutez-en un."),
            ),
            today,
            now,
        )
        _unlock(delivery.pk)
        return Started(Delivery(), notice)
    return Started(delivery, notice)


@operation("dunning.deliver")
def finish_attempt(
    *, actor: Actor, delivery_id: int, outcome: DeliveryOutcome, today: date, now: datetime
) -> Delivery:
    """Keep the server's answer and move the notice: sent, to be tried again, or failed."""
    delivery = Delivery.objects.select_for_update(of=("self",)).select_related("notice").get(pk=delivery_id)
    if delivery.status != Delivery.Status.STARTED:
        return delivery
    return _close(actor, delivery, outcome, today, now)


@operation("dunning.deliver")
def close_cut_off_attempts(*, actor: Actor, today: date, now: datetime) -> int:
    """Attempts whose process died: nobody knows whether the message left, so a person decides.

    Sending again by itself could send twice; calling it sent could mean never. Returns how many.
    """
    closed = 0
    cut_off = Delivery.objects.filter(status=Delivery.Status.STARTED).select_for_update(
        of=("self",), skip_locked=True
    )
    for delivery in cut_off.select_related("notice").order_by("pk")[:100]:
        if not _try_lock(delivery.pk):
            continue
        outcome = DeliveryOutcome(
            OutcomeStatus.FAILED,
            _(
                "L’envoi a été interrompu sans réponse du serveur : vérifiez auprès du client avant de renvoyer."
            ),
        )
        _close(actor, delivery, outcome, today, now)
        _unlock(delivery.pk)
        closed += 1
    return closed


@operation("dunning.deliver")
def retry_notice(*, actor: Actor, notice: Notice, now: datetime) -> Notice:
    """Put a failed notice back in the queue, after a person looked at why it failed."""
    notice = Notice.objects.visible_to(actor).select_for_update(of=("self",)).get(pk=notice.pk)
    if notice.status != Notice.Status.FAILED:
        raise NothingToRetry(_("Cette relance n’est pas en échec : rechargez la page."))
    notice.status = Notice.Status.RENDERED
    notice.save(update_fields=["status"])
    audit.record(
        actor=actor, verb="dunning.notice.retried", refs=[notice, f"customer:{notice.customer_id}"], now=now
    )
    kick("dunning.tasks.send_letters")
    return notice


def _close(
    actor: Actor, delivery: Delivery, outcome: DeliveryOutcome, today: date, now: datetime
) -> Delivery:
    again = outcome.status is OutcomeStatus.RETRY and delivery.attempt < MAX_ATTEMPTS
    if outcome.status is OutcomeStatus.SENT:
        return _settle(actor, delivery, Delivery.Status.SENT, outcome.detail, Notice.Status.SENT, today, now)
    if again:
        return _settle(
            actor, delivery, Delivery.Status.RETRY, outcome.detail, Notice.Status.RENDERED, None, now
        )
    return _settle(actor, delivery, Delivery.Status.FAILED, outcome.detail, Notice.Status.FAILED, None, now)


def _settle(
    actor: Actor,
    delivery: Delivery,
    status: str,
    detail: str,
    target: str,
    sent_on: date | None,
    now: datetime,
) -> Delivery:
    delivery.status, delivery.detail, delivery.finished_at = status, detail, now
    delivery.save(update_fields=["status", "detail", "finished_at"])
    notice = delivery.notice
    check_move(notice, target)
    notice.status, notice.sent_on = target, sent_on
    notice.save(update_fields=["status", "sent_on"])
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
        detail=detail,
    )
    return delivery


def _message(started: Started) -> OutgoingEmail:
    notice, delivery = started.notice, started.delivery
    context = LetterContext.from_json(_canonical(notice.letter.context))
    content = render_email(context)
    return OutgoingEmail(
        key=f"notice-{notice.uid}",
        sender_name=notice.legal_entity.name,
        reply_to=notice.legal_entity.email,
        recipient=delivery.recipient,
        subject=content.subject,
        text=content.text,
        html=content.html,
        attachment_name=notice.letter.file.name,
        attachment=read_file(notice.letter.file),
    )


def _canonical(frozen: object) -> str:
    return json.dumps(frozen, sort_keys=True, ensure_ascii=False)


_LOCK = "hashtextextended('dunning.delivery', %s)"


def _lock(delivery_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_lock({_LOCK})", [delivery_id])


def _try_lock(delivery_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_lock({_LOCK})", [delivery_id])
        return bool(cursor.fetchone()[0])


def _unlock(delivery_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_unlock({_LOCK})", [delivery_id])
