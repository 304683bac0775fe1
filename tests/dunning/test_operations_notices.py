"""Deciding on notices, printing them, the gate, and getting them out."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import mail
from django.db import InternalError, connection, connections, transaction

from core.errors import BusinessError, NotAllowed, WrongState
from core.files import read_file
from core.legal import register
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from customers.models import Contact
from dunning.letter_context import LetterFacts
from dunning.letters.context import LetterContext
from dunning.models import Delivery, Letter, Notice, NoticeLine, Run
from dunning.operations.deliveries import (
    NothingToPost,
    close_cut_off_attempts,
    confirm_posting,
    retry_notice,
    send_next,
    start_attempt,
)
from dunning.operations.letters import render_next
from dunning.operations.notices import NothingToDecide, ReasonMissing, approve_notices, reject_notices
from dunning.operations.runs import dun, request_run
from invoices.models import Dispute, OpenItem
from tests.dunning.factories import (
    NOW,
    TODAY,
    load_law,
    make_customer,
    make_entity,
    make_item,
    make_policy,
    make_step,
    settle,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def books():
    """One creditor with its ladder, and a customer with one item 10 days late."""
    load_law()
    entity = make_entity()
    policy = make_policy(entity)
    customer = make_customer(entity)
    item = make_item(customer, "1200.00", TODAY - timedelta(days=10))
    return entity, policy, customer, item


def propose(entity) -> Notice:
    planned = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    return Notice.objects.get(run=planned.run_id)


def approve(notice: Notice) -> None:
    approve_notices(actor=SYSTEM, notice_ids=[notice.pk], today=TODAY, now=NOW)


def render(notice: Notice) -> Notice:
    render_next(actor=SYSTEM, facts=LetterFacts(register()), today=TODAY, now=NOW)
    notice.refresh_from_db()
    return notice


def at_level(policy, item: OpenItem, rank: int) -> None:
    """Put the item through the steps before `rank`, sent long enough ago."""
    for level in policy.levels.filter(rank__lt=rank).order_by("rank"):
        make_step(item, level, sent_on=TODAY - timedelta(days=80 - 18 * level.rank))


def test_approved_reminder_is_printed_and_mailed_once_with_its_pdf(books, settings, mailoutbox) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    entity, _policy, customer, item = books
    notice = propose(entity)
    approve(notice)
    render(notice)
    assert notice.status == Notice.Status.RENDERED
    letter = Letter.objects.get(notice=notice)
    assert read_file(letter.file).startswith(b"%PDF-")

    assert send_next(actor=SYSTEM, today=TODAY, now=NOW) == notice
    assert send_next(actor=SYSTEM, today=TODAY, now=NOW) is None

    notice.refresh_from_db()
    assert (notice.status, notice.sent_on) == (Notice.Status.SENT, TODAY)
    [message] = mail.outbox
    assert message.to == [customer.contacts.get().email]
    [(name, content, kind)] = message.attachments
    assert (name, content, kind) == (letter.file.name, read_file(letter.file), "application/pdf")
    assert item.number in message.body
    delivery = Delivery.objects.get(notice=notice)
    assert delivery.status == Delivery.Status.SENT
    verbs = set(
        AuditEvent.objects.filter(refs__contains=[f"notice:{notice.pk}"]).values_list("verb", flat=True)
    )
    assert {
        "dunning.notice.proposed",
        "dunning.notice.approved",
        "dunning.letter.rendered",
        "dunning.notice.sent",
    } <= verbs


def test_letter_is_kept_with_the_values_it_was_made_from(books) -> None:
    entity, policy, _customer, item = books
    item.due_date, item.issue_date = TODAY - timedelta(days=200), TODAY - timedelta(days=230)
    item.save()
    at_level(policy, item, 3)
    notice = propose(entity)
    approve(notice)
    render(notice)
    letter = Letter.objects.get(notice=notice)
    import json

    context = LetterContext.from_json(json.dumps(letter.context))
    assert context.sha256 == letter.context_sha256
    assert context.totals.interest == notice.interest_amount > 0
    assert sum(segment.interest for segment in context.interest_segments) == notice.interest_amount
    assert context.totals.indemnity == notice.indemnity_amount == Decimal("40.00")
    letter.reference = "changed"
    with pytest.raises(Exception, match="Cannot update"):
        letter.save()


@pytest.mark.parametrize("change", ["payment", "dispute", "hold", "credit", "insolvency"])
@pytest.mark.parametrize("moment", ["before printing", "before sending"])
def test_gate_holds_back_what_changed_since_the_run(books, change: str, moment: str, settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    entity, _policy, customer, item = books
    notice = propose(entity)
    approve(notice)
    if moment == "before sending":
        render(notice)
    if change == "payment":
        payment = make_item(customer, "-200.00", TODAY)
        settle(item, payment, "200.00", TODAY)
    elif change == "dispute":
        Dispute.objects.create(item=item, amount=item.open_amount, reason="PRICE", opened_on=TODAY)
    elif change == "hold":
        customer.status = "ON_HOLD"
        customer.save()
    elif change == "credit":
        make_item(customer, "-5.00", TODAY)
    else:
        customer.status, customer.insolvency_date = "INSOLVENT", TODAY
        customer.save()

    if moment == "before sending":
        send_next(actor=SYSTEM, today=TODAY, now=NOW)
    else:
        render(notice)

    notice.refresh_from_db()
    assert notice.status == Notice.Status.HELD
    assert notice.reason
    assert mail.outbox == []
    assert not Delivery.objects.exists()
    # The step does not count: once the obstacle is gone, the next run proposes it again.
    assert not NoticeLine.objects.filter(notice=notice, in_force=True).exists()


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


def test_rejected_notice_can_be_proposed_again(books) -> None:
    entity, *_rest = books
    notice = propose(entity)
    with pytest.raises(ReasonMissing):
        reject_notices(actor=SYSTEM, notice_ids=[notice.pk], reason="  ", now=NOW)
    notice.refresh_from_db()
    assert notice.status == Notice.Status.PROPOSED
    reject_notices(actor=SYSTEM, notice_ids=[notice.pk], reason="Appel prévu demain", now=NOW)
    again = propose(entity)
    assert again.pk != notice.pk
    assert again.lines.get(rank=1).item_id == notice.lines.get(rank=1).item_id


def snapshot() -> tuple:
    return (
        list(Notice.objects.order_by("pk").values_list("pk", "status", "reason")),
        list(NoticeLine.objects.order_by("pk").values_list("pk", "in_force")),
        Letter.objects.count(),
        Delivery.objects.count(),
    )


@pytest.mark.parametrize(
    "role", [Role.ACCOUNTANT, Role.FINANCE_DIRECTOR, Role.ADMINISTRATOR, Role.API_PARTNER]
)
def test_only_the_credit_manager_decides_and_a_refusal_changes_nothing(books, make_user, role: Role) -> None:
    entity, *_rest = books
    notice = propose(entity)
    before, user = snapshot(), make_user(role)
    calls = (
        lambda: approve_notices(actor=user, notice_ids=[notice.pk], today=TODAY, now=NOW),
        lambda: reject_notices(actor=user, notice_ids=[notice.pk], reason="non", now=NOW),
        lambda: request_run(actor=user, legal_entity=entity, as_of=TODAY, now=NOW),
        lambda: confirm_posting(actor=user, notice_ids=[notice.pk], posted_on=TODAY, today=TODAY, now=NOW),
    )
    for call in calls:
        with pytest.raises(NotAllowed):
            call()
    assert snapshot() == before
    assert AuditEvent.objects.filter(verb="core.operation.refused", actor=user).count() == len(calls)


def test_notices_outside_the_scope_are_not_there(books, make_user) -> None:
    entity, *_rest = books
    notice = propose(entity)
    stranger = make_user(Role.CREDIT_MANAGER, sees=[make_entity()])
    before = snapshot()
    with pytest.raises(NothingToDecide):
        approve_notices(actor=stranger, notice_ids=[notice.pk], today=TODAY, now=NOW)
    assert snapshot() == before


def test_decided_twice_is_refused_the_second_time(books) -> None:
    entity, *_rest = books
    notice = propose(entity)
    approve(notice)
    before = snapshot()
    with pytest.raises(NothingToDecide):
        approve(notice)
    with pytest.raises(NothingToDecide):
        reject_notices(actor=SYSTEM, notice_ids=[notice.pk], reason="trop tard", now=NOW)
    assert snapshot() == before


def test_database_refuses_moves_outside_the_table(books) -> None:
    entity, *_rest = books
    notice = propose(entity)
    with pytest.raises(Exception, match="Invalid transition"):
        Notice.objects.filter(pk=notice.pk).update(status=Notice.Status.SENT, sent_on=TODAY)


def test_wrong_state_names_the_state(books) -> None:
    from core.states import check_move

    notice = propose(books[0])
    with pytest.raises(WrongState, match="À valider"):
        check_move(notice, Notice.Status.SENT)


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


def test_a_run_is_asked_for_within_ones_scope_only(books, make_user) -> None:
    entity, *_rest = books
    elsewhere = make_user(Role.CREDIT_MANAGER, sees=[make_entity()])
    with pytest.raises(BusinessError) as refused:
        request_run(actor=elsewhere, legal_entity=entity, as_of=TODAY, now=NOW)
    assert refused.value.code == "not_in_scope"
    assert not Run.objects.exists()


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
    with django_assert_max_num_queries(20):
        posted = confirm_posting(actor=SYSTEM, notice_ids=ids, posted_on=TODAY, today=TODAY, now=NOW)
    assert posted == 11
    assert Delivery.objects.filter(status=Delivery.Status.HANDED).count() == 11
    assert AuditEvent.objects.filter(verb="dunning.notice.sent").count() == 11
    held = Notice.objects.get(pk__in=ids, status=Notice.Status.HELD)
    assert held.lines.get().item == late[0]


@pytest.mark.parametrize(
    "change", [{"open_amount": "1.00"}, {"interest_amount": "9.00"}, {"indemnity_amount": "80.00"}]
)
def test_database_refuses_to_change_what_a_notice_was_frozen_with(books, change: dict[str, str]) -> None:
    entity, *_rest = books
    notice = propose(entity)
    for rows in (Notice.objects.filter(pk=notice.pk), notice.lines.all()):
        with pytest.raises(InternalError, match="Cannot update"), transaction.atomic():
            rows.update(**change)
        with pytest.raises(InternalError), transaction.atomic():
            rows._raw_delete("default")
