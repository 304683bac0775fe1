"""Handing over to an agency: only after a proven formal notice, with a frozen dossier."""

import hashlib
import io
import json
import zipfile
from datetime import timedelta

import pytest

from core.errors import BusinessError, WrongState
from core.files import read_file
from core.legal import register
from core.rights import SYSTEM
from dunning.letter_context import LetterFacts
from dunning.models import Case, CaseItem, Level, Notice, NoticeLine, RunExclusion
from dunning.operations.cases import (
    FormalNoticeMissing,
    NoAgency,
    NotTransferable,
    build_dossier_of,
    hand_over_case,
    recall_case,
)
from dunning.operations.letters import render_next
from dunning.operations.notices import approve_notices
from dunning.operations.posting import confirm_posting
from dunning.operations.runs import dun
from tests.dunning.factories import (
    NOW,
    TODAY,
    load_law,
    make_agency,
    make_customer,
    make_entity,
    make_item,
    make_policy,
    make_step,
    settle,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def overdue():
    """An item 100 days late that went through two reminders; its formal notice is due."""
    load_law()
    entity = make_entity()
    policy = make_policy(entity)
    item = make_item(make_customer(entity), "2400.00", TODAY - timedelta(days=100))
    for level in policy.levels.filter(rank__lt=3):
        make_step(item, level, sent_on=TODAY - timedelta(days=90 - 20 * level.rank))
    return entity, item


def run_and_approve(entity, as_of) -> Notice:
    planned = dun(actor=SYSTEM, legal_entity=entity, as_of=as_of, now=NOW)
    notice = Notice.objects.get(run=planned.run_id)
    approve_notices(actor=SYSTEM, notice_ids=[notice.pk], today=as_of, now=NOW)
    return notice


def formally_notified(entity):
    """Send the formal notice, then propose the hand-over 20 days later."""
    notice = run_and_approve(entity, TODAY)
    assert notice.level.kind == Level.Kind.FORMAL_NOTICE
    render_next(actor=SYSTEM, facts=LetterFacts(register()), today=TODAY, now=NOW)
    confirm_posting(actor=SYSTEM, notice_ids=[notice.pk], posted_on=TODAY, today=TODAY, now=NOW)
    return notice


def opened_case(entity) -> Case:
    formally_notified(entity)
    make_agency()
    later = TODAY + timedelta(days=20)
    notice = run_and_approve(entity, later)
    assert notice.level.kind == Level.Kind.HAND_OVER
    return Case.objects.get(notice=notice)


def test_hand_over_makes_a_dossier_with_the_letters_as_sent(overdue) -> None:
    entity, item = overdue
    case = opened_case(entity)
    later = TODAY + timedelta(days=20)
    build_dossier_of(actor=SYSTEM, case_id=case.pk, today=later, now=NOW)
    case.refresh_from_db()
    assert case.status == Case.Status.READY
    with zipfile.ZipFile(io.BytesIO(read_file(case.dossier))) as archive:
        names = set(archive.namelist())
        manifest = json.loads(archive.read("manifest.json"))
        told = {entry["name"]: entry["sha256"] for entry in manifest["files"]}
        for name in names - {"manifest.json"}:
            assert told[name] == hashlib.sha256(archive.read(name)).hexdigest()
        letter = NoticeLine.objects.get(item=item, rank=3).notice.letter
        assert archive.read(f"documents/{letter.file.name}") == read_file(letter.file)
        assert item.number in archive.read("creances.csv").decode("utf-8-sig")

    hand_over_case(actor=SYSTEM, case=case, today=later, now=NOW)
    case.refresh_from_db()
    case.notice.refresh_from_db()
    assert (case.status, case.handed_over_on) == (Case.Status.HANDED_OVER, later)
    assert case.notice.status == Notice.Status.SENT
    planned = dun(actor=SYSTEM, legal_entity=entity, as_of=later + timedelta(days=30), now=NOW)
    assert planned.notices == 0
    assert planned.excluded == {RunExclusion.Reason.WITH_AGENCY: 1}


def test_without_agency_the_hand_over_is_refused_and_nothing_changes(overdue) -> None:
    entity, _item = overdue
    formally_notified(entity)
    planned = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY + timedelta(days=20), now=NOW)
    notice = Notice.objects.get(run=planned.run_id)
    with pytest.raises(NoAgency):
        approve_notices(actor=SYSTEM, notice_ids=[notice.pk], today=TODAY, now=NOW)
    notice.refresh_from_db()
    assert notice.status == Notice.Status.PROPOSED
    assert not Case.objects.exists()


def test_without_proven_formal_notice_the_hand_over_is_refused(overdue) -> None:
    entity, item = overdue
    formally_notified(entity)
    make_agency()
    planned = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY + timedelta(days=20), now=NOW)
    notice = Notice.objects.get(run=planned.run_id)
    NoticeLine.objects.filter(item=item, rank=3).update(in_force=False)
    with pytest.raises(FormalNoticeMissing):
        approve_notices(actor=SYSTEM, notice_ids=[notice.pk], today=TODAY, now=NOW)
    assert not Case.objects.exists()


def test_paid_meanwhile_cannot_be_handed_over_and_is_recalled(overdue) -> None:
    entity, item = overdue
    case = opened_case(entity)
    later = TODAY + timedelta(days=20)
    build_dossier_of(actor=SYSTEM, case_id=case.pk, today=later, now=NOW)
    settle(item, make_item(item.customer, "-2400.00", later), "2400.00", later)
    item.refresh_from_db()
    with pytest.raises(NotTransferable, match="solde"):
        hand_over_case(actor=SYSTEM, case=case, today=later, now=NOW)
    case.refresh_from_db()
    assert case.status == Case.Status.READY
    recall_case(actor=SYSTEM, case=case, reason="Payé", today=later, now=NOW)
    case.refresh_from_db()
    case.notice.refresh_from_db()
    assert (case.status, case.notice.status) == (Case.Status.RECALLED, Notice.Status.HELD)
    assert not CaseItem.objects.filter(is_live=True).exists()


def test_recall_needs_a_reason_and_gives_the_step_back(overdue) -> None:
    entity, _item = overdue
    case = opened_case(entity)
    with pytest.raises(BusinessError, match="pourquoi"):
        recall_case(actor=SYSTEM, case=case, reason=" ", today=TODAY, now=NOW)
    assert CaseItem.objects.filter(is_live=True).count() == 1
    recall_case(actor=SYSTEM, case=case, reason="Accord amiable", today=TODAY, now=NOW)
    with pytest.raises(WrongState):
        recall_case(actor=SYSTEM, case=case, reason="encore", today=TODAY, now=NOW)
    again = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY + timedelta(days=21), now=NOW)
    assert again.notices == 1
