"""Bounces, complaints and deliveries that mail systems tell us: kept once, and what follows from them done once."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.timezone import localdate

from core import audit
from core.operation import operation
from core.rights import Actor
from dunning.mail.addresses import same_address
from dunning.models import Delivery, MailEvent, Notice, SuppressedAddress
from dunning.operations.returns import take_back_sending
from dunning.operations.suppressions import write_suppression

Kind, Effect = MailEvent.Kind, MailEvent.Effect
BOUNCES = (Kind.HARD_BOUNCE, Kind.SOFT_BOUNCE)
# So many messages refused within so many days: the address is as good as dead.
SOFT_BOUNCES, SOFT_WINDOW = 3, timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldEvent:
    """An event as it was told. `identity` is the same when the same event is told again by the same source."""

    kind: str
    source: str
    message_id: str
    recipient: str
    code: str = ""
    detail: str = ""
    happened_at: datetime | None = None
    identity: str = ""

    @property
    def fingerprint(self) -> str:
        told = self.identity or f"{self.happened_at} {self.code}"
        parts = (self.source, told, self.kind, same_address(self.recipient), self.message_id)
        return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()


@dataclass
class Received:
    """How many events are new, how many were known, and how many of each effect the new ones had."""

    created: int = 0
    known: int = 0
    effects: Counter[str] = field(default_factory=Counter)


@operation("dunning.receive_mail_events")
def receive_mail_events(*, actor: Actor, events: Sequence[ToldEvent], today: date, now: datetime) -> Received:
    """Keep events and do what follows: told twice, done once. A message that is not ours, or out of the actor's scope,
    is kept as unknown and changes nothing.
    """
    received = Received()
    prints = [event.fingerprint for event in events]
    known = set(MailEvent.objects.filter(fingerprint__in=prints).values_list("fingerprint", flat=True))
    deliveries = _deliveries(actor, events)
    fresh = []
    for event, fingerprint in zip(events, prints, strict=True):
        if fingerprint in known:
            received.known += 1
            continue
        known.add(fingerprint)
        fresh.append((_delivery_of(event, deliveries[event.message_id]), event, fingerprint))
    # Notices are locked in the house's order.
    fresh.sort(key=lambda row: (row[0].notice_id if row[0] else 0, str(row[1].happened_at)))
    for delivery, event, fingerprint in fresh:
        try:
            with transaction.atomic():
                effect = _record(actor, event, fingerprint, delivery, today, now)
        except IntegrityError:
            # Told at the same moment to another worker, who has done it.
            received.known += 1
            continue
        received.created += 1
        received.effects[effect] += 1
    return received


def _deliveries(actor: Actor, events: Sequence[ToldEvent]) -> dict[str, list[Delivery]]:
    found: dict[str, list[Delivery]] = defaultdict(list)
    ids = {event.message_id for event in events} - {""}
    rows = Delivery.objects.filter(message_id__in=ids, notice__in=Notice.objects.visible_to(actor))
    for delivery in rows.order_by("-attempt"):
        found[delivery.message_id].append(delivery)
    return found


def _addresses(delivery: Delivery) -> set[str]:
    return {same_address(address) for address in (delivery.recipient, *delivery.copies)}


def _delivery_of(event: ToldEvent, attempts: Sequence[Delivery]) -> Delivery | None:
    """The attempt that the event is of: the last one to that address; a forwarded or unnamed address: the last one."""
    recipient = same_address(event.recipient)
    return next((row for row in attempts if recipient in _addresses(row)), next(iter(attempts), None))


def _record(
    actor: Actor,
    event: ToldEvent,
    fingerprint: str,
    delivery: Delivery | None,
    today: date,
    now: datetime,
) -> str:
    recipient = same_address(event.recipient)[:254]
    happened_at = min(event.happened_at or now, now)
    effect: str = Effect.UNKNOWN
    if delivery is not None:
        notice = Notice.objects.select_for_update(of=("self",)).get(pk=delivery.notice_id)
        delivery = Delivery.objects.select_for_update(of=("self",)).get(pk=delivery.pk)
        delivery.notice = notice
        theirs = _addresses(delivery)
        if recipient not in theirs and len(theirs) == 1:
            # It was passed on from there: the address that we write to is the one that does not work.
            recipient = next(iter(theirs))
        effect = _follow(actor, event, delivery, recipient, localdate(happened_at), now)
    MailEvent.objects.create(
        fingerprint=fingerprint,
        kind=event.kind,
        source=event.source,
        message_id=event.message_id[:200],
        recipient=recipient,
        code=event.code[:20],
        detail=event.detail[:2_000],
        effect=effect,
        delivery=delivery,
        happened_at=happened_at,
        received_at=now,
    )
    return effect


def _follow(
    actor: Actor, event: ToldEvent, delivery: Delivery, recipient: str, day: date, now: datetime
) -> str:
    theirs = _addresses(delivery)
    if recipient not in theirs:
        return Effect.NONE
    refs = [delivery.notice, f"customer:{delivery.notice.customer_id}"]
    if event.kind == Kind.DELIVERED:
        return _delivered(actor, delivery, day, now)
    if event.kind == Kind.COMPLAINT:
        write_suppression(
            actor=actor,
            address=recipient,
            reason=SuppressedAddress.Reason.COMPLAINT,
            detail=event.detail,
            refs=refs,
            now=now,
        )
        audit.record(actor=actor, verb="dunning.mail.complained", refs=refs, now=now, recipient=recipient)
        return Effect.NONE
    if event.kind not in BOUNCES:
        return Effect.NONE
    if event.kind == Kind.HARD_BOUNCE:
        reason = SuppressedAddress.Reason.HARD_BOUNCE
    else:
        reason = SuppressedAddress.Reason.SOFT_BOUNCES
    if event.kind == Kind.HARD_BOUNCE or _soft_bounces(recipient, delivery, now) >= SOFT_BOUNCES:
        write_suppression(
            actor=actor, address=recipient, reason=reason, detail=event.detail, refs=refs, now=now
        )
    gone = set(
        MailEvent.objects.filter(delivery=delivery, kind__in=BOUNCES).values_list("recipient", flat=True)
    )
    if not theirs <= gone | {recipient}:
        # It reached somebody: the customer has been told.
        return Effect.NONE
    return _take_back(actor, delivery, f"{event.code} {event.detail}".strip(), day, now)


def _delivered(actor: Actor, delivery: Delivery, day: date, now: datetime) -> str:
    if delivery.status != Delivery.Status.SENT:
        return Effect.NONE
    delivery.status, delivery.delivered_on = Delivery.Status.DELIVERED, day
    delivery.save(update_fields=["status", "delivered_on"])
    audit.record(
        actor=actor,
        verb="dunning.notice.delivered",
        refs=[delivery.notice, f"customer:{delivery.notice.customer_id}"],
        now=now,
        recipient=delivery.recipient,
    )
    return Effect.DELIVERED


def _take_back(actor: Actor, delivery: Delivery, detail: str, day: date, now: datetime) -> str:
    if delivery.status not in (Delivery.Status.SENT, Delivery.Status.DELIVERED):
        # Still under way: `finish_attempt` looks again when it ends. Returned or failed: already known.
        return Effect.NONE
    taken = take_back_sending(
        actor=actor,
        notice=delivery.notice,
        delivery=delivery,
        reason=Delivery.Return.BOUNCED,
        detail=detail,
        returned_on=day,
        now=now,
    )
    return Effect.TAKEN_BACK if taken else Effect.TOO_LATE


def _soft_bounces(recipient: str, delivery: Delivery, now: datetime) -> int:
    """Messages to the address that were refused for a time, this one included, since it was last lifted."""
    told = MailEvent.objects.filter(
        kind=Kind.SOFT_BOUNCE, recipient=recipient, received_at__gt=now - SOFT_WINDOW, delivery__isnull=False
    ).exclude(delivery=delivery)
    lifted = (
        SuppressedAddress.objects.filter(address=recipient, lifted_at__isnull=False)
        .order_by("-lifted_at")
        .values_list("lifted_at", flat=True)
        .first()
    )
    if lifted is not None:
        told = told.filter(received_at__gt=lifted)
    return told.values("delivery").distinct().count() + 1
