"""Getting notices out: e-mail, post, and what happens when a process dies on the way."""

import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection, connections

from core.errors import BusinessError
from core.legal import register
from core.models import AuditEvent
from core.rights import SYSTEM
from customers.models import Contact
from dunning.letter_context import LetterFacts
from dunning.models import Delivery, Letter, Notice, NoticeLine
from dunning.operations.deliveries import (
    close_cut_off_attempts,
    retry_notice,
    send_next,
    start_attempt,
)
from dunning.operations.letters import render_next
from dunning.operations.notices import approve_notices, reject_notices
from dunning.operations.posting import NothingToPost, confirm_posting
from dunning.operations.runs import dun
from invoices.models import OpenItem
from tests.dunning.factories import (
    NOW,
    TODAY,
    make_customer,
    make_item,
)
from tests.dunning.steps import approve, at_level, propose, render

pytestmark = pytest.mark.django_db


def test_customer_without_address_fails_visibly_and_can_be_sent_again(books, settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    entity, _policy, customer, _item = books
    customer.contacts.update(email="")
    notice = propose(entity)
    approve(notice)
    render(notice)
    send_next(actor=SYSTEM, today=TODAY, now=NOW)
    notice.refresh_from_db()
    assert notice.status == Notice.Status.FAILED
    assert "Aucun contact" in Delivery.objects.get(notice=notice).detail

    Contact.objects.filter(customer=customer).update(email="compta@client.example")
    retry_notice(actor=SYSTEM, notice=notice, now=NOW)
    send_next(actor=SYSTEM, today=TODAY, now=NOW)
    notice.refresh_from_db()
    assert notice.status == Notice.Status.SENT
    assert [delivery.attempt for delivery in notice.deliveries.order_by("attempt")] == [1, 2]


def test_registered_letter_waits_for_the_post_and_counts_from_that_day(books) -> None:
    entity, policy, _customer, item = books
    item.due_date, item.issue_date = TODAY - timedelta(days=100), TODAY - timedelta(days=130)
    item.save()
    at_level(policy, item, 3)
    notice = propose(entity)
    approve(notice)
    render(notice)
    assert send_next(actor=SYSTEM, today=TODAY, now=NOW) is None
    with pytest.raises(BusinessError, match="futur"):
        confirm_posting(
            actor=SYSTEM, notice_ids=[notice.pk], posted_on=TODAY + timedelta(days=1), today=TODAY, now=NOW
        )
    told = {"actor": SYSTEM, "today": TODAY + timedelta(days=1), "now": NOW + timedelta(days=1)}
    assert confirm_posting(notice_ids=[notice.pk], posted_on=TODAY, **told) == 1
    notice.refresh_from_db()
    assert (notice.status, notice.sent_on) == (Notice.Status.SENT, TODAY)
    with pytest.raises(NothingToPost):
        confirm_posting(notice_ids=[notice.pk], posted_on=TODAY, **told)


@pytest.mark.django_db(transaction=True)
def test_attempt_cut_off_by_the_death_of_its_process_waits_for_a_person(books) -> None:
    entity, *_rest = books
    notice = propose(entity)
    approve(notice)
    render(notice)

    def die_after_starting() -> None:
        start_attempt(actor=SYSTEM, today=TODAY, now=NOW)
        connections.close_all()  # what the kernel does for a killed process

    worker = threading.Thread(target=die_after_starting)
    worker.start()
    worker.join()
    notice.refresh_from_db()
    assert notice.status == Notice.Status.SENDING
    assert close_cut_off_attempts(actor=SYSTEM, today=TODAY, now=NOW) == 1
    notice.refresh_from_db()
    assert notice.status == Notice.Status.FAILED
    assert "interrompu" in Delivery.objects.get(notice=notice).detail


@pytest.mark.django_db(transaction=True)
def test_attempt_under_way_elsewhere_is_left_alone(books) -> None:
    entity, *_rest = books
    notice = propose(entity)
    approve(notice)
    render(notice)
    started, finish = threading.Event(), threading.Event()

    def slow() -> None:
        start_attempt(actor=SYSTEM, today=TODAY, now=NOW)
        started.set()
        finish.wait(10)
        connection.close()

    worker = threading.Thread(target=slow)
    worker.start()
    started.wait(10)
    assert close_cut_off_attempts(actor=SYSTEM, today=TODAY, now=NOW) == 0
    finish.set()
    worker.join()


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_send_the_same_notice(books, settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    entity, *_rest = books
    for _ in range(6):
        make_item(make_customer(entity), "300.00", TODAY - timedelta(days=8))
    planned = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    ids = list(Notice.objects.filter(run=planned.run_id).values_list("pk", flat=True))
    approve_notices(actor=SYSTEM, notice_ids=ids, today=TODAY, now=NOW)

    def work() -> None:
        facts = LetterFacts(register())
        while render_next(actor=SYSTEM, facts=facts, today=TODAY, now=NOW):
            pass
        while send_next(actor=SYSTEM, today=TODAY, now=NOW):
            pass
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    work_left = Notice.objects.exclude(status=Notice.Status.SENT).count()
    assert work_left == 0
    assert len(mail.outbox) == len(ids) == Letter.objects.count() == Delivery.objects.count()


def test_letter_is_not_posted_before_it_is_printed(books) -> None:
    entity, policy, _customer, item = books
    at_level(policy, item, 3)
    item.due_date = TODAY - timedelta(days=100)
    item.issue_date = item.due_date
    item.save()
    notice = propose(entity)
    approve(notice)
    render(notice)
    assert notice.status == Notice.Status.RENDERED
    with pytest.raises(BusinessError) as refused:
        confirm_posting(
            actor=SYSTEM, notice_ids=[notice.pk], posted_on=TODAY - timedelta(days=1), today=TODAY, now=NOW
        )
    assert (refused.value.code, refused.value.field) == ("before_printing", "posted_on")
    assert not Delivery.objects.filter(notice=notice).exists()
    assert confirm_posting(actor=SYSTEM, notice_ids=[notice.pk], posted_on=TODAY, today=TODAY, now=NOW) == 1


def test_failed_notice_can_be_set_aside_and_is_proposed_again(books) -> None:
    entity, *_rest = books
    Contact.objects.update(email="")
    notice = propose(entity)
    approve(notice)
    render(notice)
    send_next(actor=SYSTEM, today=TODAY, now=NOW)
    notice.refresh_from_db()
    assert notice.status == Notice.Status.FAILED
    reject_notices(actor=SYSTEM, notice_ids=[notice.pk], reason="Adresse perdue", now=NOW)
    assert not NoticeLine.objects.filter(notice=notice, in_force=True).exists()
    assert propose(entity).pk != notice.pk


def test_posting_many_letters_asks_as_many_questions_as_posting_few(
    books, django_assert_max_num_queries
) -> None:
    entity, policy, _customer, _item = books
    late = [make_item(make_customer(entity), "300.00", TODAY - timedelta(days=100)) for _ in range(12)]
    for each in late:
        at_level(policy, each, 3)
    planned = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    ids = list(
        Notice.objects.filter(run=planned.run_id, level__channel="REGISTERED").values_list("pk", flat=True)
    )
    assert len(ids) == 12
    approve_notices(actor=SYSTEM, notice_ids=ids, today=TODAY, now=NOW)
    Notice.objects.filter(pk__in=ids).update(status=Notice.Status.RENDERED)
    OpenItem.objects.filter(pk=late[0].pk).update(open_amount="200.00")
    with django_assert_max_num_queries(32):
        posted = confirm_posting(actor=SYSTEM, notice_ids=ids, posted_on=TODAY, today=TODAY, now=NOW)
    assert posted == 11
    assert Delivery.objects.filter(status=Delivery.Status.HANDED).count() == 11
    assert AuditEvent.objects.filter(verb="dunning.notice.sent").count() == 11
    held = Notice.objects.get(pk__in=ids, status=Notice.Status.HELD)
    assert held.lines.get().item == late[0]
