"""What mail systems tell us of our messages, and what follows from it."""

from datetime import timedelta
from uuid import uuid4

import pytest

from core.models import AuditEvent
from core.rights import SYSTEM
from dunning.models import Delivery, MailEvent, Notice, Policy, SuppressedAddress
from dunning.operations.deliveries import finish_attempt, retry_notice, send_next, start_attempt
from dunning.operations.mail_events import ToldEvent, receive_mail_events
from dunning.operations.suppressions import SuppressionRefused, lift_suppression, suppress_address
from tests.dunning.factories import NOW, TODAY, make_customer, make_item, make_step
from tests.dunning.steps import approve, propose, render

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(books, settings):
    """A notice by e-mail that the server accepted, and its delivery."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    entity, *_rest = books
    notice = propose(entity)
    approve(notice)
    render(notice)
    send_next(actor=SYSTEM, today=TODAY, now=NOW)
    notice.refresh_from_db()
    assert notice.status == Notice.Status.SENT
    return notice, notice.deliveries.get()


def told(delivery: Delivery, kind: str, **fields) -> ToldEvent:
    values = {
        "kind": kind,
        "source": "WEBHOOK",
        "message_id": delivery.message_id,
        "recipient": delivery.recipient,
        "code": "5.1.1",
        "detail": "550 5.1.1 No such user",
        "happened_at": NOW,
        "identity": str(uuid4()),
    }
    return ToldEvent(**values | fields)


def receive(*events: ToldEvent, now=NOW):
    return receive_mail_events(actor=SYSTEM, events=events, today=TODAY, now=now)


def test_a_hard_bounce_takes_the_sending_back_and_the_address_out(sent) -> None:
    notice, delivery = sent
    event = told(delivery, "HARD_BOUNCE", recipient=delivery.recipient.upper())
    received = receive(event, event)
    assert (received.created, received.known) == (1, 1)
    assert receive(event).known == 1
    notice.refresh_from_db()
    delivery.refresh_from_db()
    assert (notice.status, notice.sent_on) == (Notice.Status.FAILED, None)
    assert notice.lines.filter(in_force=True).count() == 1
    assert (delivery.status, delivery.return_reason) == (Delivery.Status.RETURNED, "BOUNCED")
    assert delivery.returned_on == TODAY
    assert SuppressedAddress.objects.get().address == delivery.recipient.lower()
    assert MailEvent.objects.get().effect == MailEvent.Effect.TAKEN_BACK
    assert AuditEvent.objects.filter(
        verb="dunning.notice.bounced", refs__contains=[f"customer:{notice.customer_id}"]
    ).exists()


def test_after_a_bounce_the_notice_goes_to_another_address_only(sent) -> None:
    notice, delivery = sent
    receive(told(delivery, "HARD_BOUNCE"))
    notice.refresh_from_db()
    retry_notice(actor=SYSTEM, notice=notice, now=NOW)
    send_next(actor=SYSTEM, today=TODAY, now=NOW)
    notice.refresh_from_db()
    assert notice.status == Notice.Status.FAILED
    assert "est écartée depuis le" in notice.deliveries.get(attempt=2).detail
    retry_notice(actor=SYSTEM, notice=notice, now=NOW, send_to="direction@client.example")
    send_next(actor=SYSTEM, today=TODAY, now=NOW)
    notice.refresh_from_db()
    third = notice.deliveries.get(attempt=3)
    assert (notice.status, third.recipient) == (Notice.Status.SENT, "direction@client.example")
    assert third.message_id == delivery.message_id
    # The same bounce once more, from elsewhere: it is of the first attempt and changes nothing.
    received = receive(told(delivery, "HARD_BOUNCE"))
    notice.refresh_from_db()
    assert received.effects == {"NONE": 1}
    assert notice.status == Notice.Status.SENT


def test_a_bounce_before_the_answer_is_written_counts_when_it_is(books, settings) -> None:
    entity, *_rest = books
    notice = propose(entity)
    approve(notice)
    render(notice)
    started = start_attempt(actor=SYSTEM, today=TODAY, now=NOW)
    receive(told(started.delivery, "HARD_BOUNCE"))
    from dunning.delivery import DeliveryOutcome, OutcomeStatus

    outcome = DeliveryOutcome(OutcomeStatus.SENT, "250")
    finish_attempt(actor=SYSTEM, delivery_id=started.delivery.pk, outcome=outcome, today=TODAY, now=NOW)
    notice.refresh_from_db()
    assert (notice.status, notice.sent_on) == (Notice.Status.FAILED, None)


def test_a_bounce_after_the_next_level_left_is_told_and_changes_nothing(sent, books) -> None:
    notice, delivery = sent
    _entity, policy, _customer, item = books
    later = make_step(item, policy.levels.get(rank=2), sent_on=TODAY)
    assert receive(told(delivery, "HARD_BOUNCE")).effects == {"TOO_LATE": 1}
    notice.refresh_from_db()
    later.refresh_from_db()
    assert (notice.status, notice.sent_on) == (Notice.Status.SENT, TODAY)
    assert later.status == Notice.Status.SENT
    event = AuditEvent.objects.get(verb="dunning.notice.bounced_late")
    assert f"customer:{notice.customer_id}" in event.refs


def test_a_bounce_holds_the_next_level_that_has_not_left(sent, books) -> None:
    notice, delivery = sent
    _entity, policy, _customer, item = books
    later = make_step(item, policy.levels.get(rank=2), sent_on=None)
    assert receive(told(delivery, "HARD_BOUNCE")).effects == {"TAKEN_BACK": 1}
    later.refresh_from_db()
    assert later.status == Notice.Status.HELD
    assert not later.lines.filter(in_force=True).exists()
    assert notice.lines.filter(in_force=True).exists()


def test_one_copy_that_bounces_leaves_the_sending_proven(sent) -> None:
    notice, delivery = sent
    Delivery.objects.filter(pk=delivery.pk).update(copies=["achats@client.example"])
    receive(told(delivery, "HARD_BOUNCE", recipient="achats@client.example"))
    notice.refresh_from_db()
    assert notice.status == Notice.Status.SENT
    assert SuppressedAddress.objects.get().address == "achats@client.example"
    receive(told(delivery, "HARD_BOUNCE"))
    notice.refresh_from_db()
    assert notice.status == Notice.Status.FAILED


def test_three_messages_refused_for_a_time_within_thirty_days_put_the_address_out(books) -> None:
    _entity, policy, customer, _item = books
    level = policy.levels.get(rank=1)
    address, suppressed = "compta@client.example", []
    for number, days in enumerate((40, 20, 10, 0)):
        when = NOW - timedelta(days=days)
        item = make_item(customer, "100.00", TODAY - timedelta(days=60))
        step = make_step(item, level, sent_on=TODAY - timedelta(days=days))
        delivery = Delivery.objects.create(
            notice=step, channel="EMAIL", recipient=address, message_id=f"<notice-{number}@x.example>",
            status="SENT", started_at=when, finished_at=when,
        )  # fmt: skip
        event = told(delivery, "SOFT_BOUNCE", code="4.2.2", happened_at=when)
        # Told twice of one message, by two sources: one refusal.
        receive(event, told(delivery, "SOFT_BOUNCE", code="4.2.2", happened_at=when), now=when)
        suppressed.append(SuppressedAddress.objects.filter(address=address).count())
        step.refresh_from_db()
        assert step.status == Notice.Status.FAILED
    assert suppressed == [0, 0, 0, 1]
    assert SuppressedAddress.objects.get().reason == "SOFT_BOUNCES"


def test_a_complaint_sends_the_customers_other_mail_to_a_person(sent, books) -> None:
    notice, delivery = sent
    entity, _policy, customer, _item = books
    customer.contacts.create(name="Direction", email="direction@client.example", gets_dunning=True)
    receive(told(delivery, "COMPLAINT", code="abuse"))
    notice.refresh_from_db()
    assert notice.status == Notice.Status.SENT
    assert SuppressedAddress.objects.get().reason == "COMPLAINT"
    Policy.objects.update(contact_gap_days=0)
    other = make_item(customer, "5000.00", TODAY - timedelta(days=30))
    later = propose_later(entity, other)
    assert later.status == Notice.Status.FAILED
    assert "indésirables" in later.deliveries.get().detail
    lift_suppression(
        actor=SYSTEM, suppression=SuppressedAddress.objects.get(), reason="vu avec le client", now=NOW
    )
    retry_notice(actor=SYSTEM, notice=later, now=NOW)
    send_next(actor=SYSTEM, today=TODAY, now=NOW)
    later.refresh_from_db()
    assert later.status == Notice.Status.SENT
    assert later.deliveries.get(attempt=2).copies == ["direction@client.example"]


def propose_later(entity, item) -> Notice:
    """A step of the item, printed and about to leave."""
    from core.legal import register
    from dunning.letter_context import LetterFacts
    from dunning.operations.letters import render_next

    level = Policy.objects.get().levels.get(rank=1)
    notice = make_step(item, level, sent_on=None)
    approve(notice)
    render_next(actor=SYSTEM, facts=LetterFacts(register()), today=TODAY, now=NOW)
    send_next(actor=SYSTEM, today=TODAY, now=NOW)
    notice.refresh_from_db()
    return notice


def test_a_delivery_report_is_kept_with_the_attempt(sent) -> None:
    notice, delivery = sent
    assert receive(told(delivery, "DELIVERED")).effects == {"DELIVERED": 1}
    delivery.refresh_from_db()
    assert (delivery.status, delivery.delivered_on) == (Delivery.Status.DELIVERED, TODAY)
    receive(told(delivery, "HARD_BOUNCE"))
    notice.refresh_from_db()
    assert notice.status == Notice.Status.FAILED


def test_a_delay_changes_nothing(sent) -> None:
    notice, delivery = sent
    assert receive(told(delivery, "DELAYED", code="4.4.1")).effects == {"NONE": 1}
    notice.refresh_from_db()
    assert notice.status == Notice.Status.SENT
    assert not SuppressedAddress.objects.exists()


def test_an_unknown_message_is_kept_and_suppresses_nobody(books) -> None:
    event = ToldEvent(
        kind="HARD_BOUNCE", source="DSN", message_id="<x@y>", recipient="victime@client.example"
    )
    assert receive(event).effects == {"UNKNOWN": 1}
    assert MailEvent.objects.get().delivery is None
    assert not SuppressedAddress.objects.exists()


def test_what_is_out_of_the_senders_scope_is_unknown(sent, books, make_user) -> None:
    from core.models import Role
    from tests.dunning.factories import make_entity

    notice, delivery = sent
    elsewhere = make_user(Role.API_PARTNER, sees=[make_entity()])
    received = receive_mail_events(
        actor=elsewhere, events=[told(delivery, "HARD_BOUNCE")], today=TODAY, now=NOW
    )
    assert received.effects == {"UNKNOWN": 1}
    notice.refresh_from_db()
    assert notice.status == Notice.Status.SENT


def test_endless_words_are_cut_and_kept(sent) -> None:
    _notice, delivery = sent
    event = told(delivery, "SOFT_BOUNCE", code="9" * 500, detail="a" * 50_000, recipient="x" * 5_000)
    assert receive(event).created == 1


def test_an_address_is_suppressed_and_lifted_by_a_person_with_a_reason(db) -> None:
    for address, detail, wrong in (("x", "y", "address"), ("a@b.example", " ", "detail")):
        with pytest.raises(SuppressionRefused) as refused:
            suppress_address(actor=SYSTEM, address=address, detail=detail, now=NOW)
        assert refused.value.field == wrong
    row = suppress_address(actor=SYSTEM, address=" Compta@B.example ", detail="départ", now=NOW)
    assert row.address == "compta@b.example"
    with pytest.raises(SuppressionRefused):
        suppress_address(actor=SYSTEM, address="compta@b.example", detail="encore", now=NOW)
    with pytest.raises(SuppressionRefused):
        lift_suppression(actor=SYSTEM, suppression=row, reason="", now=NOW)
    lift_suppression(actor=SYSTEM, suppression=row, reason="adresse rétablie", now=NOW)
    suppress_address(actor=SYSTEM, address="compta@b.example", detail="de nouveau", now=NOW)
    assert SuppressedAddress.objects.filter(lifted_at=None).count() == 1


def test_other_customers_are_not_concerned(sent, books) -> None:
    entity, *_rest = books
    make_item(make_customer(entity), "300.00", TODAY - timedelta(days=8))
    _notice, delivery = sent
    receive(told(delivery, "COMPLAINT"))
    other = Notice.objects.exclude(pk=delivery.notice_id)
    assert not other.filter(status=Notice.Status.FAILED).exists()
