"""Electronic registered letters: claimed, deposited with the provider, followed until they are accepted or closed.

The attempt's row is written before the deposit and names its key; a deposit that was cut off is looked up by that key
before it is asked again, so that no letter leaves twice and none is lost.
"""

from datetime import date, datetime, timedelta

import structlog
from django.utils.translation import gettext as _

from core import audit
from core.files import read_file, store_file
from core.operation import operation
from core.rights import SYSTEM, Actor
from core.states import check_move
from customers.models import Customer
from dunning.models import Delivery, Level, Notice
from dunning.operations.notices import passes_gate
from dunning.operations.returns import take_back_sending
from dunning.outgoing_email import mail_facts, recipients_of
from dunning.post.e_registered import (
    DepositRefused,
    EreLetter,
    EreState,
    ProviderAway,
    deposit,
    e_registered_is_configured,
    found_by_key,
    proof_of,
    state_of,
)
from dunning.queues import is_stopped, ready
from invoices.operations.exclusive import exclusive

log = structlog.get_logger(__name__)

CHANNEL = Level.Channel.E_REGISTERED
RETRY_AFTER = timedelta(minutes=10)
# The addressee has 15 days to accept; the provider says so itself, we stop asking after this.
FOLLOWED_FOR = timedelta(days=90)


def send_e_registered(*, today: date, now: datetime) -> int:
    """Claim what waits and deposit it, first what was cut off; returns how many the provider took.

    Raises ProviderAway when it cannot be reached: the rest waits for the next sweep.
    """
    if not e_registered_is_configured():
        return 0
    taken = 0
    begun = Delivery.objects.filter(status=Delivery.Status.STARTED, channel=CHANNEL).order_by("pk")
    for pk in list(begun.values_list("pk", flat=True)[:200]):
        taken += _deposit(pk, today, now)
    while (delivery := claim_next(actor=SYSTEM, today=today, now=now)) is not None:
        if delivery.status == Delivery.Status.STARTED:
            taken += _deposit(delivery.pk, today, now)
    return taken


@operation("dunning.deliver")
def claim_next(*, actor: Actor, today: date, now: datetime) -> Delivery | None:
    """Take the next letter that waits, once it passed the gate, and write its attempt; None when there is none.

    A delivery that is already FAILED says why the letter cannot go this way.
    """
    while True:
        notice = (
            ready(status=Notice.Status.RENDERED, channels=[CHANNEL], now=now)
            .select_for_update(of=("self",), skip_locked=True)
            .select_related("customer", "legal_entity", "level", "run")
            .order_by("pk")
            .first()
        )
        if notice is None:
            return None
        if passes_gate(actor=actor, notice=notice, today=today, now=now):
            break
    recipients = recipients_of(notice, mail_facts(notice))
    refusal = recipients.refusal
    if notice.customer.kind == Customer.Kind.CONSUMER:
        # CPCE L100: a letter to somebody who is not a professional needs consent beforehand, which nothing records.
        refusal = _(
            "Une lettre recommandée électronique à un particulier demande son accord préalable : envoyez un courrier."
        )
    check_move(notice, Notice.Status.SENDING)
    notice.status = Notice.Status.SENDING
    notice.save(update_fields=["status"])
    delivery = Delivery.objects.create(
        notice=notice,
        channel=CHANNEL,
        recipient=recipients.to,
        attempt=notice.deliveries.count() + 1,
        started_at=now,
    )
    if refusal:
        _fail(actor, delivery, notice, refusal, now)
    return delivery


def key_of(delivery: Delivery) -> str:
    """The intention: this notice, this attempt."""
    return f"{delivery.notice.uid}-{delivery.attempt}"


def _deposit(delivery_id: int, today: date, now: datetime) -> int:
    with exclusive(f"dunning.e_registered:{delivery_id}") as mine:
        if not mine:
            return 0
        delivery = Delivery.objects.select_related(
            "notice__customer", "notice__legal_entity", "notice__letter__file", "notice__level"
        ).get(pk=delivery_id)
        notice = delivery.notice
        if delivery.status != Delivery.Status.STARTED or (notice.not_before and notice.not_before > now):
            return 0
        try:
            state = found_by_key(key_of(delivery))
            if state is None:
                if delivery.started_at != now and not may_still_leave(
                    actor=SYSTEM, delivery_id=delivery_id, today=today, now=now
                ):
                    return 0
                state = deposit(_letter(delivery))
        except DepositRefused as refused:
            refuse_deposit(actor=SYSTEM, delivery_id=delivery_id, reason=str(refused), now=now)
            return 0
        except ProviderAway as away:
            wait_for_provider(actor=SYSTEM, delivery_id=delivery_id, reason=str(away), now=now)
            raise
        follow(actor=SYSTEM, delivery_id=delivery_id, state=state, proof=None, today=today, now=now)
        return 1


def _letter(delivery: Delivery) -> EreLetter:
    notice = delivery.notice
    return EreLetter(
        key=key_of(delivery),
        reference=notice.letter.reference,
        recipient_email=delivery.recipient,
        recipient_name=notice.customer.name,
        sender_name=notice.legal_entity.name,
        subject=f"{notice.level.get_kind_display()} {notice.letter.reference}",
        document=read_file(notice.letter.file),
        sha256=notice.letter.file.sha256,
    )


@operation("dunning.deliver")
def may_still_leave(*, actor: Actor, delivery_id: int, today: date, now: datetime) -> bool:
    """Look once more at a letter that the provider never got, because the attempt was cut off some time ago."""
    delivery = Delivery.objects.select_for_update(of=("self",)).get(pk=delivery_id)
    notice = (
        Notice.objects.select_for_update(of=("self",))
        .select_related("customer", "legal_entity", "level", "run")
        .get(pk=delivery.notice_id)
    )
    if is_stopped(notice.legal_entity_id):
        return False
    check_move(notice, Notice.Status.RENDERED)
    notice.status = Notice.Status.RENDERED
    notice.save(update_fields=["status"])
    if not passes_gate(actor=actor, notice=notice, today=today, now=now):
        delivery.status, delivery.finished_at = Delivery.Status.FAILED, now
        delivery.detail = _("Retenue avant le dépôt.")
        delivery.save(update_fields=["status", "finished_at", "detail"])
        return False
    notice.status = Notice.Status.SENDING
    notice.save(update_fields=["status"])
    return True


@operation("dunning.deliver")
def refuse_deposit(*, actor: Actor, delivery_id: int, reason: str, now: datetime) -> Delivery:
    """The provider does not take the letter: a person decides what follows."""
    delivery, notice = _locked(delivery_id)
    if delivery.status == Delivery.Status.STARTED:
        _fail(actor, delivery, notice, reason, now)
    return delivery


@operation("dunning.deliver")
def wait_for_provider(*, actor: Actor, delivery_id: int, reason: str, now: datetime) -> None:
    """The attempt goes on later, under the same key."""
    delivery, notice = _locked(delivery_id)
    notice.not_before = now + RETRY_AFTER
    notice.wait_reason = _("prestataire de recommandé électronique injoignable")
    notice.save(update_fields=["not_before", "wait_reason"])
    delivery.detail = reason
    delivery.save(update_fields=["detail"])


@operation("dunning.deliver")
def follow(
    *,
    actor: Actor,
    delivery_id: int,
    state: EreState,
    proof: bytes | None,
    today: date,
    now: datetime,
) -> Delivery:
    """Keep what the provider says of a letter: each fact once, none taken back."""
    delivery, notice = _locked(delivery_id)
    Status = Delivery.Status
    before = (delivery.status, delivery.first_presented_on, delivery.proof_id)
    if delivery.status == Status.STARTED:
        delivery.status, delivery.finished_at = Status.SENT, now
        delivery.posted_on = min(state.deposited_on or today, today)
        delivery.message_id, delivery.detail = state.provider_id, ""
        delivery.tracking_number = _free_number(delivery, state.tracking_number)
        delivery.save()
        check_move(notice, Notice.Status.SENT)
        notice.status, notice.sent_on = Notice.Status.SENT, delivery.posted_on
        notice.not_before, notice.wait_reason = None, ""
        notice.save(update_fields=["status", "sent_on", "not_before", "wait_reason"])
        audit.record(
            actor=actor,
            verb="dunning.notice.sent",
            refs=[notice, f"customer:{notice.customer_id}"],
            now=now,
            channel=delivery.channel,
            recipient=delivery.recipient,
            posted_on=delivery.posted_on.isoformat(),
        )
    if delivery.first_presented_on is None and state.presented_on is not None:
        delivery.first_presented_on = state.presented_on
    if proof is not None and delivery.proof_id is None:
        delivery.proof = store_file(
            content=proof,
            name=f"{notice.letter.reference}-preuve.pdf",
            kind="dunning.post_proof",
            content_type="application/pdf",
            now=now,
        )
    closed_on = state.closed_on or today
    if delivery.status == Status.SENT and state.status == "accepted":
        delivery.status, delivery.delivered_on = Status.DELIVERED, closed_on
    elif delivery.status == Status.SENT and state.status in ("refused", "ignored"):
        # A letter refused or left aside stays sent, as an unclaimed one on paper does.
        delivery.status, delivery.returned_on = Status.RETURNED, closed_on
        delivery.return_reason = (
            Delivery.Return.REFUSED if state.status == "refused" else Delivery.Return.UNCLAIMED
        )
    delivery.save()
    if delivery.status == Status.SENT and state.status == "undeliverable":
        take_back_sending(
            actor=actor,
            notice=notice,
            delivery=delivery,
            reason=Delivery.Return.UNKNOWN_ADDRESS,
            detail=_("adresse e-mail inconnue du prestataire"),
            returned_on=closed_on,
            now=now,
        )
    if before != (delivery.status, delivery.first_presented_on, delivery.proof_id):
        audit.record(
            actor=actor,
            verb="dunning.delivery.followed",
            refs=[notice, f"customer:{notice.customer_id}"],
            now=now,
            channel=delivery.channel,
            status=delivery.status,
            told=state.status,
        )
    return delivery


def follow_e_registered(*, today: date, now: datetime) -> int:
    """Ask the provider about the letters it has not closed; how many moved. Raises ProviderAway."""
    if not e_registered_is_configured():
        return 0
    moved = 0
    under_way = Delivery.objects.filter(
        channel=CHANNEL, status=Delivery.Status.SENT, started_at__gt=now - FOLLOWED_FOR
    )
    for delivery in under_way.order_by("pk").iterator():
        state = state_of(delivery.message_id)
        if state.status == "deposited":
            continue
        if state.status == "presented" and delivery.first_presented_on is not None:
            continue
        closed = state.status in ("accepted", "refused", "ignored")
        proof = proof_of(delivery.message_id) if closed and state.has_proof else None
        follow(actor=SYSTEM, delivery_id=delivery.pk, state=state, proof=proof, today=today, now=now)
        moved += 1
    return moved


def _locked(delivery_id: int) -> tuple[Delivery, Notice]:
    """The notice first, then its delivery: the order of the house."""
    notice_id = Delivery.objects.values_list("notice", flat=True).get(pk=delivery_id)
    notice = (
        Notice.objects.select_for_update(of=("self",)).select_related("letter", "level").get(pk=notice_id)
    )
    return Delivery.objects.select_for_update(of=("self",)).get(pk=delivery_id), notice


def _free_number(delivery: Delivery, number: str) -> str:
    taken = number and Delivery.objects.filter(tracking_number=number).exclude(pk=delivery.pk).exists()
    return "" if taken else number


def _fail(actor: Actor, delivery: Delivery, notice: Notice, reason: str, now: datetime) -> None:
    delivery.status, delivery.detail, delivery.finished_at = Delivery.Status.FAILED, reason, now
    delivery.save(update_fields=["status", "detail", "finished_at"])
    check_move(notice, Notice.Status.FAILED)
    notice.status, notice.not_before, notice.wait_reason = Notice.Status.FAILED, None, ""
    notice.save(update_fields=["status", "not_before", "wait_reason"])
    audit.record(
        actor=actor,
        verb="dunning.notice.failed",
        refs=[notice, f"customer:{notice.customer_id}"],
        now=now,
        channel=delivery.channel,
        recipient=delivery.recipient,
        detail=reason,
    )
