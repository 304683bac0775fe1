"""Text messages: claimed, looked at once more, written down, given to the gateway, settled by its answer."""

from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from core.files import store_file
from core.legal import MissingLegalParameter
from core.operation import operation
from core.rights import Actor
from customers.models import Contact
from dunning.delivery import DeliveryOutcome, OutcomeStatus
from dunning.letter_context import LetterFacts, StatementChanged, letter_context, reference_of
from dunning.letters.context import LetterContextError
from dunning.letters.template_output import short_message
from dunning.models import Delivery, Level, Notice
from dunning.operations.attempts import begin, close, finish_attempt, unlock
from dunning.operations.notices import passes_gate
from dunning.phone_numbers import NotAMobile, mobile_number
from dunning.queues import ready
from dunning.sms import OutgoingText, send_text, sms_is_configured


@dataclass(frozen=True)
class StartedText:
    """An attempt that may now leave; a delivery without a key when there was nothing to send."""

    delivery: Delivery
    notice: Notice
    text: str = ""


def send_next_text(*, actor: Actor, facts: LetterFacts, today: date, now: datetime) -> Notice | None:
    """Send one approved SMS notice: start the attempt, send, keep the answer. None when nothing may leave now.

    Without a gateway nothing is begun: the notices wait for one.
    """
    if not sms_is_configured():
        return None
    started = start_text(actor=actor, facts=facts, today=today, now=now)
    if started is None or started.delivery.pk is None:
        return started.notice if started else None
    delivery, notice = started.delivery, started.notice
    try:
        sent = send_text(
            OutgoingText(
                key=str(notice.uid),
                to=delivery.recipient,
                text=started.text,
                reference=reference_of(notice),
            )
        )
        finish_attempt(
            actor=actor,
            delivery_id=delivery.pk,
            outcome=sent.outcome,
            today=today,
            now=now,
            message_id=sent.gateway_id,
        )
    finally:
        unlock(delivery.pk)
    return notice


@operation("dunning.deliver")
def start_text(*, actor: Actor, facts: LetterFacts, today: date, now: datetime) -> StartedText | None:
    """Claim an approved SMS notice, look once more through the gate, and write the attempt's row with its words."""
    notice = (
        ready(status=Notice.Status.APPROVED, channels=[Level.Channel.SMS], now=now)
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("legal_entity", "customer", "level")
        .first()
    )
    if notice is None:
        return None
    if not passes_gate(actor=actor, notice=notice, today=today, now=now):
        return StartedText(Delivery(), notice)
    typed = notice.send_to or _designated(notice.customer_id)
    try:
        number = mobile_number(typed, notice.customer.country)
        text = short_message(letter_context(notice, facts=facts, today=today))
    except NotAMobile:
        return _refused(actor, notice, typed, _not_a_mobile(typed), today, now)
    except (StatementChanged, LetterContextError, MissingLegalParameter) as error:
        told = _("Rien n’est parti : le message n’a pas pu être composé (%(error)s).") % {"error": error}
        return _refused(actor, notice, typed, told, today, now)
    if not text:
        told = _("Le modèle de ce niveau n’a pas de texte pour un SMS : écrivez-le, puis renvoyez.")
        return _refused(actor, notice, number, told, today, now)
    delivery = begin(notice=notice, recipient=number, now=now)
    delivery.proof = store_file(
        content=text.encode(),
        name=f"{reference_of(notice)}-{delivery.attempt}.txt",
        kind="dunning.text_message",
        content_type="text/plain",
        now=now,
    )
    delivery.save(update_fields=["proof"])
    return StartedText(delivery, notice, text)


def _designated(customer_id: int) -> str:
    """The number of the first contact who gets dunning and has one; the first mobile, if there is one."""
    rows = (
        Contact.objects.filter(customer=customer_id, gets_dunning=True)
        .exclude(phone="")
        .order_by("id")
        .values_list("phone", "customer__country")
    )
    for phone, country in rows:
        try:
            mobile_number(phone, country)
        except NotAMobile:
            continue
        return phone
    return rows[0][0] if rows else ""


def _not_a_mobile(typed: str) -> str:
    if not typed:
        return _(
            "Aucun contact du client qui reçoit les relances n’a de téléphone : ajoutez un numéro de mobile."
        )
    return _("« %(number)s » n’est pas un numéro de mobile : corrigez le contact du client.") % {
        "number": typed
    }


def _refused(
    actor: Actor, notice: Notice, recipient: str, told: str, today: date, now: datetime
) -> StartedText:
    delivery = begin(notice=notice, recipient=recipient, now=now)
    outcome = DeliveryOutcome(OutcomeStatus.FAILED, told)
    close(actor=actor, delivery=delivery, outcome=outcome, today=today, now=now)
    unlock(delivery.pk)
    return StartedText(Delivery(), notice)
