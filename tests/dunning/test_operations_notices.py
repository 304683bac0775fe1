"""Deciding on notices, printing them, and the gate."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import mail
from django.db import InternalError, transaction

from core.errors import BusinessError, NotAllowed, WrongState
from core.files import read_file
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from dunning.letters.context import LetterContext
from dunning.models import Delivery, Letter, Notice, NoticeLine, Run
from dunning.operations.deliveries import (
    send_next,
)
from dunning.operations.notices import NothingToDecide, ReasonMissing, approve_notices, reject_notices
from dunning.operations.posting import confirm_posting
from dunning.operations.runs import request_run
from invoices.models import Dispute
from tests.dunning.factories import (
    NOW,
    TODAY,
    make_entity,
    make_item,
    settle,
)
from tests.dunning.steps import approve, at_level, propose, render

pytestmark = pytest.mark.django_db


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
        Dispute.objects.create(item=item, amount=item.open_amount, reason="PU_ERR", opened_on=TODAY)
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


def test_a_run_is_asked_for_within_ones_scope_only(books, make_user) -> None:
    entity, *_rest = books
    elsewhere = make_user(Role.CREDIT_MANAGER, sees=[make_entity()])
    with pytest.raises(BusinessError) as refused:
        request_run(actor=elsewhere, legal_entity=entity, as_of=TODAY, now=NOW)
    assert refused.value.code == "not_in_scope"
    assert not Run.objects.exists()


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
