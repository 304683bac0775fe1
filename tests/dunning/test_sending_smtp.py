"""Notices sent to a real mail server: as whom, to whom, at what pace, over which line, and never twice."""

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from core.rights import SYSTEM
from customers.models import Contact
from dunning.mail.addresses import reply_token
from dunning.mail.line import MailLine, MailServerAway
from dunning.models import Delivery, DunningSettings, Level, Notice, Policy, SuppressedAddress
from dunning.operations.deliveries import Sweep, close_cut_off_attempts, retry_notice, send_next
from dunning.tasks import send_letters
from tests.database import database_url
from tests.dunning.factories import (
    NOW,
    TODAY,
    load_law,
    make_customer,
    make_entity,
    make_item,
    make_policy,
    make_step,
)  # fmt: skip
from tests.dunning.mail_server import Inbox, start
from tests.dunning.steps import approve, render

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def serve(settings):
    started = []

    def serving(**answers: list[str]) -> Inbox:
        inbox = Inbox(**answers)
        started.append((start(inbox, settings), inbox))
        return inbox

    yield serving
    for controller, inbox in started:
        inbox.answer.set()
        controller.stop()


def waiting(
    entity, count: int = 1, domain: str = "client.example", policy: Policy | None = None
) -> list[Notice]:
    """Printed notices to as many customers, none of whom was written to before."""
    policy = policy or Policy.objects.first()
    notices = []
    for number in range(count):
        customer = make_customer(entity)
        customer.contacts.update(email=f"compta{number}@{domain}")
        item = make_item(customer, "300.00", TODAY - timedelta(days=10))
        notice = make_step(item, policy.levels.get(rank=1), sent_on=None)
        approve(notice)
        notices.append(render(notice))
    assert {notice.status for notice in notices} == {"RENDERED"}
    return notices


@pytest.fixture
def entity(db):
    load_law()
    found = make_entity()
    make_policy(found, contact_gap_days=0)
    return found


def sweep(now=NOW) -> list[Notice]:
    """All that one sweep sends."""
    sent, passed = [], Sweep()
    with MailLine() as line:
        while (notice := send_next(actor=SYSTEM, today=TODAY, now=now, line=line, sweep=passed)) is not None:
            notice.refresh_from_db()
            sent.append(notice)
    return sent


def test_a_message_asks_the_database_few_questions(entity, serve) -> None:
    """Each is read directly before its sending, so that their number is what sending costs."""
    inbox = serve()
    waiting(entity, 3)
    passed, asked = Sweep(), []
    with MailLine() as line:
        for _ in range(3):
            with CaptureQueriesContext(connection) as queries:
                assert send_next(actor=SYSTEM, today=TODAY, now=NOW, line=line, sweep=passed) is not None
            frames = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
            asked.append(sum(not query["sql"].startswith(frames) for query in queries))
    assert len(inbox.messages) == 3
    # The first opens the line and reads the settings of its house.
    assert asked == [18, 15, 15]


def test_a_notice_leaves_as_its_legal_entity(entity, serve, settings) -> None:
    inbox = serve()
    DunningSettings.objects.create(
        legal_entity=entity, sender_name="Ateliers Méridien", sender_email="relances@meridien.example",
        reply_address="relances+{dossier}@meridien.example", copy_to="archives@meridien.example",
    )  # fmt: skip
    (notice,) = waiting(entity)
    notice.customer.contacts.create(name="Direction", email="direction@client.example", gets_dunning=True)
    notice.customer.contacts.create(name="Encore", email="COMPTA0@client.example", gets_dunning=True)
    notice.customer.contacts.create(name="Achats", email="achats@client.example")
    sweep()
    (message,), (envelope,) = inbox.messages, inbox.envelopes
    delivery = notice.deliveries.get()
    token = reply_token(notice.uid, secret=settings.SECRET_KEY)
    assert envelope == (
        "relances@meridien.example",
        ["compta0@client.example", "direction@client.example", "archives@meridien.example"],
    )
    assert message["From"].addresses[0].display_name == "Ateliers Méridien"
    assert message["Reply-To"] == f"relances+{token}@meridien.example"
    assert len(token) == 16
    assert (message["To"], message["Cc"], message["Bcc"]) == (
        "compta0@client.example",
        "direction@client.example",
        None,
    )
    assert message["Message-ID"] == delivery.message_id == f"<notice-{notice.uid}@meridien.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["In-Reply-To"] is None
    assert delivery.copies == ["direction@client.example"]
    assert [part.get_content_type() for part in message.iter_attachments()] == ["application/pdf"]


def test_the_next_step_answers_the_last_message(entity, serve) -> None:
    inbox = serve()
    (first,) = waiting(entity)
    item = first.lines.get().item
    sweep()
    other = make_item(first.customer, "90.00", TODAY - timedelta(days=9))
    unrelated = make_step(other, Policy.objects.get().levels.get(rank=1), sent_on=None)
    Level.objects.update(claims_interest=False, claims_indemnity=False)
    second = make_step(item, Policy.objects.get().levels.get(rank=2), sent_on=None)
    for notice in (unrelated, second):
        approve(notice)
        render(notice)
    sweep()
    by_id = {message["Message-ID"]: message for message in inbox.messages}
    answer = by_id[second.deliveries.get().message_id]
    assert answer["In-Reply-To"] == first.deliveries.get().message_id
    assert answer["References"].split() == [first.deliveries.get().message_id]
    assert by_id[unrelated.deliveries.get().message_id]["In-Reply-To"] is None


@pytest.mark.parametrize(
    "fields",
    [
        {"sender_name": "Méridien\r\nBcc: x@evil.example"},
        {"reply_address": "a@b.example\nBcc: x@evil.example"},
        {"copy_to": "a@b.example\nc"},
    ],
)
def test_no_setting_slips_a_header_in(entity, serve, fields) -> None:
    inbox = serve()
    DunningSettings.objects.create(legal_entity=entity, **fields)
    (notice,) = waiting(entity)
    sweep()
    notice.refresh_from_db()
    assert notice.status == Notice.Status.FAILED
    assert inbox.messages == []


def test_a_message_that_is_too_large_is_refused_before_it_leaves(entity, serve, settings) -> None:
    inbox = serve()
    settings.MAIL_MAX_BYTES = 10_000
    (notice,) = waiting(entity)
    sweep()
    notice.refresh_from_db()
    assert notice.status == Notice.Status.FAILED
    assert "la limite est de" in notice.deliveries.get().detail
    assert inbox.messages == []


def test_a_copy_that_is_refused_keeps_nobody_else_from_reading(entity, serve) -> None:
    inbox = serve(**{"direction@client.example": ["550 5.1.1 No such user"]})
    (notice,) = waiting(entity)
    notice.customer.contacts.create(name="Direction", email="direction@client.example", gets_dunning=True)
    sweep()
    notice.refresh_from_db()
    assert notice.status == Notice.Status.SENT
    assert "direction@client.example" in notice.deliveries.get().detail
    assert SuppressedAddress.objects.get().address == "direction@client.example"
    assert inbox.envelopes[0][1] == ["compta0@client.example"]


def test_one_who_may_be_served_later_keeps_the_message_alive(entity, serve) -> None:
    serve(
        **{
            "compta0@client.example": ["550 5.1.1 User unknown"],
            "direction@client.example": ["450 4.2.0 Greylisted"],
        }
    )
    (notice,) = waiting(entity)
    notice.customer.contacts.create(name="Direction", email="direction@client.example", gets_dunning=True)
    sweep()
    notice.refresh_from_db()
    assert notice.status == Notice.Status.RENDERED
    sweep(notice.not_before)
    notice.refresh_from_db()
    assert notice.status == Notice.Status.SENT
    assert notice.deliveries.get(attempt=2).recipient == "direction@client.example"


def test_an_address_refused_as_unknown_is_suppressed_others_are_not(entity, serve) -> None:
    serve(
        **{
            "compta0@client.example": ["550 5.1.1 User unknown"],
            "compta1@client.example": ["550 5.7.1 Blocked by policy"],
        }
    )
    unknown, blocked = waiting(entity, 2)
    sweep()
    for notice in (unknown, blocked):
        notice.refresh_from_db()
        assert notice.status == Notice.Status.FAILED
    assert [row.address for row in SuppressedAddress.objects.all()] == ["compta0@client.example"]


def test_each_domain_has_its_pace_and_keeps_no_other_waiting(entity, serve) -> None:
    inbox = serve()
    DunningSettings.objects.create(legal_entity=entity, mails_per_minute=2)
    slow, quick = waiting(entity, 5, "lent.example"), waiting(entity, 2, "vif.example")
    assert len(sweep()) == 4
    assert (
        sorted(message["To"].split("@")[1] for message in inbox.messages)
        == ["lent.example"] * 2 + ["vif.example"] * 2
    )
    assert sweep(NOW + timedelta(seconds=59)) == []
    assert len(sweep(NOW + timedelta(seconds=61))) == 2
    assert len(sweep(NOW + timedelta(seconds=122))) == 1
    for notice in slow + quick:
        notice.refresh_from_db()
        assert (notice.status, notice.deliveries.count()) == (Notice.Status.SENT, 1)


@pytest.mark.django_db(transaction=True)
def test_the_pace_is_that_of_all_workers_together(serve, settings) -> None:
    load_law()
    entity = make_entity()
    make_policy(entity, contact_gap_days=0)
    inbox = serve()
    DunningSettings.objects.create(legal_entity=entity, mails_per_minute=4)
    waiting(entity, 12)

    def work() -> None:
        sweep()
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(inbox.messages) == 4
    assert Notice.objects.filter(status=Notice.Status.RENDERED).count() == 8


def test_a_greylisted_message_is_tried_again_later_and_later_then_given_to_a_person(entity, serve) -> None:
    inbox = serve(RCPT=["450 4.2.0 Greylisted"] * 7)
    (notice,) = waiting(entity)
    now, delays = NOW, []
    for _attempt in range(7):
        sweep(now)
        notice.refresh_from_db()
        if notice.status == Notice.Status.FAILED:
            break
        assert notice.status == Notice.Status.RENDERED
        assert sweep(notice.not_before - timedelta(seconds=1)) == []
        delays.append(round((notice.not_before - now).total_seconds() / 60))
        now = notice.not_before
    assert delays == [10, 20, 40, 80, 160, 320]
    assert notice.status == Notice.Status.FAILED
    assert [row.status for row in notice.deliveries.order_by("attempt")] == ["RETRY"] * 6 + ["FAILED"]
    assert len({row.message_id for row in notice.deliveries.all()}) == 1
    retry_notice(actor=SYSTEM, notice=notice, now=now)
    sweep(now)
    notice.refresh_from_db()
    assert notice.status == Notice.Status.SENT
    assert len(inbox.messages) == 1


def test_many_messages_take_one_line_and_a_cut_one_is_opened_again(entity, serve) -> None:
    inbox = serve()
    waiting(entity, 4)
    assert len(sweep()) == 4
    assert len(inbox.lines) == 1
    inbox.lines.clear()
    inbox.most_per_line = 2
    waiting(entity, 5, "autre.example")
    assert [notice.status for notice in sweep()] == ["SENT"] * 5
    assert len(inbox.lines) == 3
    ids = [message["Message-ID"] for message in inbox.messages]
    assert len(ids) == len(set(ids)) == 9
    assert not Delivery.objects.filter(attempt__gt=1).exists()


def test_a_server_that_is_away_costs_no_notice_an_attempt(entity, serve, settings) -> None:
    serve()
    (notice,) = waiting(entity)
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    with pytest.raises(MailServerAway):
        send_next(actor=SYSTEM, today=TODAY, now=NOW)
    assert send_letters() == 0
    notice.refresh_from_db()
    assert notice.status == Notice.Status.RENDERED
    assert not Delivery.objects.exists()
    settings.EMAIL_PORT = port
    sweep()
    notice.refresh_from_db()
    assert notice.status == Notice.Status.SENT


def test_without_mail_nobody_calls_the_server(entity, settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 1
    assert send_next(actor=SYSTEM, today=TODAY, now=NOW) is None


_SENDER = """
import django
django.setup()
from datetime import date, datetime
from core.rights import SYSTEM
from dunning.operations.deliveries import send_next
send_next(actor=SYSTEM, today=date.fromisoformat("{today}"), now=datetime.fromisoformat("{now}"))
"""


@pytest.mark.django_db(transaction=True)
def test_a_process_killed_between_the_message_and_the_answer_sends_it_once(serve, settings) -> None:
    """Whoever finds its attempt afterwards cannot know whether the message left: a person decides."""
    load_law()
    entity = make_entity()
    make_policy(entity)
    inbox = serve()
    inbox.answer.clear()
    (notice,) = waiting(entity)
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "EMAIL_URL": f"smtp://127.0.0.1:{settings.EMAIL_PORT}",
        "ENCOURS_HOME": str(settings.HOME),
    }
    # The letter lies in this test's own folder.
    location = settings.STORAGES["private"]["OPTIONS"]["location"]
    script = f"""
import os
from django.conf import settings
settings.STORAGES["private"]["OPTIONS"]["location"] = {str(location)!r}
settings.STORAGES["default"]["OPTIONS"]["location"] = {str(location)!r}
""" + _SENDER.format(today=TODAY, now=NOW.isoformat())
    command = [sys.executable, "-c", script]
    child = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=subprocess.PIPE)
    try:
        assert inbox.received.wait(60), child.stderr.read() if child.poll() is not None else "no message came"
        # Under way: nobody touches it.
        assert close_cut_off_attempts(actor=SYSTEM, today=TODAY, now=NOW) == 0
        assert Delivery.objects.get().status == Delivery.Status.STARTED
        os.kill(child.pid, signal.SIGKILL)
    finally:
        child.wait(30)
        child.stderr.close()
    inbox.answer.set()
    for _try in range(50):
        if close_cut_off_attempts(actor=SYSTEM, today=TODAY, now=NOW):
            break
        threading.Event().wait(0.1)
    delivery = Delivery.objects.get()
    notice.refresh_from_db()
    assert (notice.status, notice.sent_on) == (Notice.Status.FAILED, None)
    assert "vérifiez auprès du client" in delivery.detail
    assert delivery.message_id == inbox.messages[0]["Message-ID"]
    assert sweep() == []
    assert len(inbox.messages) == 1
    # A person looked and sends it again: the same name lets the customer's mailbox tell.
    retry_notice(actor=SYSTEM, notice=notice, now=NOW)
    sweep()
    assert [message["Message-ID"] for message in inbox.messages] == [delivery.message_id] * 2


def test_a_bounced_contact_leaves_the_others(entity, serve) -> None:
    inbox, (notice,) = serve(), waiting(entity)
    other = "direction@client.example"
    Contact.objects.create(customer=notice.customer, name="Direction", email=other, gets_dunning=True)
    SuppressedAddress(address="compta0@client.example", reason="HARD_BOUNCE", suppressed_at=NOW).save()
    sweep()
    assert inbox.envelopes[0][1] == [other]
