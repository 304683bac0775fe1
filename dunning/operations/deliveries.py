"""Getting e-mails out, and what a person does about those that did not arrive."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import structlog
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection
from django.db.models import CharField, F, Func, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce, Lower, NullIf
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.jobs import kick
from core.operation import operation
from core.rights import Actor
from customers.models import Contact, LegalEntity
from dunning.delivery import DeliveryOutcome, OutcomeStatus
from dunning.mail.addresses import domain_of, same_address
from dunning.mail.line import MailLine
from dunning.models import Delivery, DunningSettings, Letter, Level, Notice, SuppressedAddress
from dunning.operations.attempts import begin, close, close_cut_off_attempts, finish_attempt, unlock
from dunning.operations.notices import passes_gate
from dunning.operations.returns import take_back_sending
from dunning.outgoing_email import mail_facts, message_id_of, outgoing_email, recipients_of, settings_of
from dunning.queues import ready

__all__ = ["close_cut_off_attempts", "finish_attempt", "take_back_sending"]

log = structlog.get_logger(__name__)

PACE = timedelta(minutes=1)


class NothingToRetry(BusinessError):
    """The notice is not one whose sending failed."""

    code = "nothing_to_retry"


@dataclass(frozen=True)
class Started:
    """An attempt that may now leave the house; a delivery without a key when there was nothing to send.

    `passed_over`: the notice stays where it is, because its domain has had its mail of this minute.
    """

    delivery: Delivery
    notice: Notice
    passed_over: bool = False
    thread: tuple[str, ...] = ()


@dataclass
class Sweep:
    """What one sender keeps in mind: how far it came in the queue, the domains that have had their minute's mail, and
    the settings of the houses it writes for, which it reads once.
    """

    after: int = 0
    full: set[str] = field(default_factory=set)
    houses: dict[int, DunningSettings] = field(default_factory=dict)

    def house(self, entity_id: int) -> DunningSettings:
        """The settings of an entity, as they stood when the sweep first met it."""
        if entity_id not in self.houses:
            self.houses[entity_id] = settings_of(LegalEntity.objects.get(pk=entity_id))
        return self.houses[entity_id]


def send_next(
    *, actor: Actor, today: date, now: datetime, line: MailLine | None = None, sweep: Sweep | None = None
) -> Notice | None:
    """Send one rendered e-mail notice: start the attempt, send, keep the answer; three transactions.

    None when nothing may leave now. Raises MailServerAway, before anything is begun, when there is no line to the
    server: its absence costs no notice an attempt.
    """
    if line is None:
        with MailLine() as own:
            return send_next(actor=actor, today=today, now=now, line=own, sweep=sweep)
    sweep = sweep or Sweep()
    if not line.is_open:
        if not ready(status=Notice.Status.RENDERED, channels=[Level.Channel.EMAIL], now=now).exists():
            return None
        line.open()
    started = start_attempt(actor=actor, today=today, now=now, sweep=sweep)
    if started is None or started.delivery.pk is None:
        return started.notice if started else None
    try:
        outcome = _sent(started, line, sweep.house(started.notice.legal_entity_id))
        finish_attempt(actor=actor, delivery_id=started.delivery.pk, outcome=outcome, today=today, now=now)
    finally:
        unlock(started.delivery.pk)
    return started.notice


def _sent(started: Started, line: MailLine, house: DunningSettings) -> DeliveryOutcome:
    notice = started.notice
    try:
        letter = Letter.objects.select_related("file").get(notice=notice)
        message = outgoing_email(notice, letter, started.delivery, house, started.thread)
    except Exception as error:
        log.exception("message_not_composed", notice=notice.pk)
        return DeliveryOutcome(
            OutcomeStatus.FAILED,
            _("Rien n’est parti : le message n’a pas pu être composé (%(error)s).") % {"error": error},
        )
    return line.send(message)


def start_attempt(*, actor: Actor, today: date, now: datetime, sweep: Sweep | None = None) -> Started | None:
    """Claim a rendered e-mail notice, look once more through the gate, and write the attempt's row.

    Notices whose domain has had its mail of this minute are passed over, each in a transaction of its own: others
    do not wait for them.
    """
    sweep = sweep or Sweep()
    while (started := _start(actor=actor, today=today, now=now, sweep=sweep)) is not None:
        if not started.passed_over:
            return started
    return None


@operation("dunning.deliver")
def _start(*, actor: Actor, today: date, now: datetime, sweep: Sweep) -> Started | None:
    notice = _claimed(now, sweep)
    if notice is None:
        return None
    sweep.after = notice.pk
    if not passes_gate(actor=actor, notice=notice, today=today, now=now):
        return Started(Delivery(), notice)
    mail = mail_facts(notice)
    recipients, attempt = recipients_of(notice, mail), mail.attempts + 1
    if recipients.refusal:
        delivery = begin(notice=notice, recipient=recipients.to, attempt=attempt, now=now)
        refused = DeliveryOutcome(OutcomeStatus.FAILED, recipients.refusal)
        close(actor=actor, delivery=delivery, outcome=refused, today=today, now=now)
        unlock(delivery.pk)
        return Started(Delivery(), notice)
    house, domain = sweep.house(notice.legal_entity_id), domain_of(recipients.to)
    if not _has_room(domain, house.mails_per_minute, now):
        sweep.full.add(domain)
        return Started(Delivery(), notice, passed_over=True)
    delivery = begin(
        notice=notice,
        recipient=recipients.to,
        copies=recipients.copies,
        domain=domain,
        message_id=message_id_of(notice, house, mail),
        attempt=attempt,
        now=now,
    )
    return Started(delivery, notice, thread=mail.thread)


def _claimed(now: datetime, sweep: Sweep) -> Notice | None:
    waiting = ready(status=Notice.Status.RENDERED, channels=[Level.Channel.EMAIL], now=now)
    if sweep.full:
        first = Contact.objects.filter(customer=OuterRef("customer"), gets_dunning=True).exclude(email="")
        to = Coalesce(NullIf(F("send_to"), Value("")), Subquery(first.order_by("id").values("email")[:1]))
        domain = Func(Lower(to), Value("@"), Value(2), function="split_part", output_field=CharField())
        waiting = waiting.alias(domain=Coalesce(domain, Value(""))).exclude(domain__in=sweep.full)
    return (
        waiting.filter(pk__gt=sweep.after)
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("level")
        .first()
    )


# Two statements in one go: the second one counts what was committed before the first got the lock.
_PACE = """
SELECT pg_advisory_xact_lock(hashtextextended('mail:' || %(domain)s, 0));
SELECT count(*) FROM dunning_delivery
WHERE domain = %(domain)s AND domain <> '' AND started_at > %(since)s AND started_at <= %(now)s
"""


def _has_room(domain: str, limit: int, now: datetime) -> bool:
    """Whether the last minute saw fewer than `limit` attempts at a domain, by all workers.

    Starts at one domain are counted one after the other: the lock is kept until the attempt's row is committed.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PACE, {"domain": domain, "since": now - PACE, "now": now})
        return bool(cursor.fetchone()[0] < limit)


@operation("dunning.deliver")
def retry_notice(*, actor: Actor, notice: Notice, now: datetime, send_to: str = "") -> Notice:
    """Put a failed notice back in the queue, after a person looked at why it failed.

    `send_to`: an address or a number in place of the contacts', for this notice alone.
    """
    notice = (
        Notice.objects.visible_to(actor)
        .select_related("level")
        .select_for_update(of=("self",))
        .get(pk=notice.pk)
    )
    if notice.status != Notice.Status.FAILED:
        raise NothingToRetry(_("Cette relance n’est pas en échec : rechargez la page."))
    send_to = send_to.strip()
    if send_to and notice.level.channel == Level.Channel.EMAIL:
        _check_address(send_to)
    notice.status = (
        Notice.Status.APPROVED if notice.level.channel in Level.WITHOUT_LETTER else Notice.Status.RENDERED
    )
    notice.send_to = send_to or notice.send_to
    notice.not_before, notice.wait_reason = None, ""
    notice.save(update_fields=["status", "send_to", "not_before", "wait_reason"])
    audit.record(
        actor=actor,
        verb="dunning.notice.retried",
        refs=[notice, f"customer:{notice.customer_id}"],
        now=now,
        send_to=notice.send_to,
    )
    kick("dunning.tasks.send_letters")
    return notice


def _check_address(address: str) -> None:
    try:
        validate_email(address)
    except ValidationError as error:
        raise BusinessError(_("Saisissez une adresse e-mail complète."), field="send_to") from error
    if SuppressedAddress.objects.filter(address=same_address(address), lifted_at=None).exists():
        raise BusinessError(
            _("« %(address)s » est écartée : levez d’abord sa mise à l’écart, ou prenez-en une autre.")
            % {"address": address},
            code="address_suppressed",
            field="send_to",
        )
