"""Going back on an approval: what may, what is too late, and the page that does it."""

from datetime import timedelta

import pytest
from django.urls import reverse

from core.errors import NotAllowed
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from dunning.models import Call, Level, Notice, NoticeLine
from dunning.operations.notices import NothingToDecide
from dunning.operations.runs import dun
from dunning.operations.undone_approvals import undo_approval
from tests.dunning.factories import NOW, TODAY, load_law, make_customer, make_entity, make_item, make_policy
from tests.dunning.steps import approve, propose, render

pytestmark = pytest.mark.django_db


@pytest.fixture
def notice(time_machine) -> Notice:
    time_machine.move_to(NOW, tick=False)
    load_law()
    entity = make_entity()
    make_policy(entity)
    make_item(make_customer(entity), "900.00", TODAY - timedelta(days=9))
    notice = propose(entity)
    approve(notice)
    return notice


def test_an_approval_is_undone_while_nothing_is_printed(notice) -> None:
    told = undo_approval(actor=SYSTEM, notice_ids=[notice.pk, 0], now=NOW)
    assert (told.decided, told.passed_over) == (1, 1)
    notice.refresh_from_db()
    assert (notice.status, notice.decided_at) == (Notice.Status.PROPOSED, None)
    # Its step stays taken: no run proposes it beside.
    assert NoticeLine.objects.filter(notice=notice, in_force=True).exists()
    assert dun(actor=SYSTEM, legal_entity=notice.legal_entity, as_of=TODAY, now=NOW).notices == 0
    assert AuditEvent.objects.filter(verb="dunning.notice.approval_undone").count() == 1
    approve(notice)
    notice.refresh_from_db()
    assert notice.status == Notice.Status.APPROVED


def test_too_late_once_printed_or_called(notice) -> None:
    Level.objects.filter(pk=notice.level_id).update(channel=Level.Channel.PHONE)
    Call.objects.create(notice=notice, outcome=Call.Outcome.NO_ANSWER, called_at=NOW)
    with pytest.raises(NothingToDecide, match="trop tard"):
        undo_approval(actor=SYSTEM, notice_ids=[notice.pk], now=NOW)
    notice.refresh_from_db()
    assert notice.status == Notice.Status.APPROVED


def test_a_printed_letter_stays_approved_and_its_page_offers_nothing(notice, make_user, sign_in) -> None:
    manager = sign_in(make_user(Role.CREDIT_MANAGER))
    here = reverse("dunning:notice-detail", args=[notice.pk])
    assert "Revenir sur la validation" in manager.get(here).content.decode()
    undo = {"selected": [notice.pk], "next": here}
    answer = manager.post(reverse("dunning:notice-undo-approval"), undo, follow=True).content.decode()
    assert "1 relance est de nouveau à valider." in answer
    approve(notice)
    listed = manager.get(reverse("dunning:notice-list") + "?status=APPROVED").content.decode()
    assert "Relances validées" in listed and "Revenir sur la validation" in listed
    render(notice)
    assert "Revenir sur la validation" not in manager.get(here).content.decode()
    answer = manager.post(reverse("dunning:notice-undo-approval"), undo, follow=True).content.decode()
    assert "Il est trop tard" in answer
    notice.refresh_from_db()
    assert notice.status == Notice.Status.RENDERED


def test_who_may_not_approve_may_not_undo(notice, make_user) -> None:
    with pytest.raises(NotAllowed):
        undo_approval(actor=make_user(Role.ACCOUNTANT), notice_ids=[notice.pk], now=NOW)
    notice.refresh_from_db()
    assert notice.status == Notice.Status.APPROVED
