"""What happened to the sendings of a notice, newest first, in words: attempts, answers, bounces, deliveries."""

from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from core.money import format_count
from dunning.models import Delivery, Level, MailEvent, Notice

_TONES = {
    Delivery.Status.STARTED: "info",
    Delivery.Status.SENT: "ok",
    Delivery.Status.HANDED: "ok",
    Delivery.Status.DELIVERED: "ok",
    Delivery.Status.RETRY: "watch",
    Delivery.Status.FAILED: "late",
    Delivery.Status.RETURNED: "late",
}
_EVENT_TONES = {
    MailEvent.Kind.HARD_BOUNCE: "late",
    MailEvent.Kind.SOFT_BOUNCE: "watch",
    MailEvent.Kind.COMPLAINT: "late",
    MailEvent.Kind.DELIVERED: "ok",
}


@dataclass(frozen=True, slots=True)
class Happening:
    """A line of the timeline; the moment is a day where only the day is known."""

    when: datetime | date
    title: str
    text: str = ""
    tone: str = ""


def story_of(notice: Notice) -> list[Happening]:
    """Every attempt with what followed from it."""
    told: list[Happening] = []
    deliveries = notice.deliveries.prefetch_related("mail_events").order_by("-attempt")
    for delivery in deliveries:
        events = sorted(
            delivery.mail_events.all(), key=lambda event: (event.happened_at, event.pk), reverse=True
        )
        told += [_of_event(event) for event in events]
        if not any(event.kind in ("HARD_BOUNCE", "SOFT_BOUNCE") for event in events):
            told += _of_post(delivery)
        told.append(_of_attempt(delivery))
    return told


def _of_attempt(delivery: Delivery) -> Happening:
    status = Delivery.Status(delivery.status)
    # What came afterwards has its own line.
    came_back = delivery.status in (Delivery.Status.RETURNED, Delivery.Status.DELIVERED)
    if came_back:
        status = (
            Delivery.Status.SENT
            if delivery.channel in (Level.Channel.EMAIL, Level.Channel.SMS)
            else Delivery.Status.HANDED
        )
    to = ", ".join(filter(None, [delivery.recipient, *delivery.copies]))
    title = _("Tentative %(number)s : %(state)s") % {
        "number": format_count(delivery.attempt),
        "state": status.label.lower(),
    }
    lines = [
        _("À %(recipients)s.") % {"recipients": to} if to else "",
        _("Suivi %(number)s.") % {"number": delivery.tracking_number} if delivery.tracking_number else "",
        "" if came_back else delivery.detail,
    ]
    return Happening(delivery.started_at, title, " ".join(filter(None, lines)), _TONES[status])


def _of_post(delivery: Delivery) -> list[Happening]:
    told = []
    if delivery.returned_on:
        told.append(
            Happening(
                delivery.returned_on,
                _("Revenue : %(reason)s") % {"reason": delivery.get_return_reason_display().lower()},
                tone="late",
            )
        )
    if delivery.delivered_on and not any(
        event.kind == MailEvent.Kind.DELIVERED for event in delivery.mail_events.all()
    ):
        told.append(Happening(delivery.delivered_on, _("Distribuée"), tone="ok"))
    if delivery.first_presented_on:
        told.append(Happening(delivery.first_presented_on, _("Première présentation")))
    return told


def answer_of(event: MailEvent) -> str:
    """What the mail system said, its code once."""
    return event.detail if event.code in event.detail else f"{event.code} {event.detail}".strip()


def _of_event(event: MailEvent) -> Happening:
    effect = (
        ""
        if event.effect in (MailEvent.Effect.NONE, MailEvent.Effect.DELIVERED)
        else event.get_effect_display()
    )
    text = " · ".join(filter(None, [event.recipient, answer_of(event)[:300], effect]))
    return Happening(
        event.happened_at, event.get_kind_display(), text, _EVENT_TONES.get(MailEvent.Kind(event.kind), "")
    )
