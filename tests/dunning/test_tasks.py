"""The sweeps: one document that cannot be worked on never keeps the others waiting."""

from datetime import timedelta

import pytest
from django.core.files.storage import storages

from core import clock
from core.legal import register
from core.models import AuditEvent, JobRun, LegalParameter, StoredFile
from core.rights import SYSTEM
from dunning.letter_context import LetterFacts
from dunning.models import Case, CaseItem, Delivery, Letter, Level, Notice, Run
from dunning.operations.letters import render_next
from dunning.operations.notices import approve_notices
from dunning.operations.runs import dun, request_run
from dunning.tasks import (
    build_dossiers,
    plan_nightly_runs,
    plan_requested_runs,
    render_letters,
    send_letters,
)
from invoices.models import Allocation, OpenItem
from tests.dunning.factories import (
    NOW,
    load_law,
    make_agency,
    make_customer,
    make_entity,
    make_item,
    make_policy,
    make_step,
)

pytestmark = pytest.mark.django_db


def late_item(entity, days: int = 10, amount: str = "1200.00") -> OpenItem:
    return make_item(make_customer(entity), amount, clock.today() - timedelta(days=days))


def entity_level(entity, rank: int) -> Level:
    return Level.objects.get(policy__legal_entity=entity, rank=rank)


def approved(entity) -> list[Notice]:
    planned = dun(actor=SYSTEM, legal_entity=entity, as_of=clock.today(), now=NOW)
    ids = list(Notice.objects.filter(run=planned.run_id).values_list("pk", flat=True))
    approve_notices(actor=SYSTEM, notice_ids=ids, today=clock.today(), now=NOW)
    return list(Notice.objects.filter(pk__in=ids).order_by("pk"))


def broken_logo() -> StoredFile:
    """A file whose bytes are away, as when its disk is not mounted."""
    return StoredFile.objects.create(
        kind="logo", name="logo.png", content_type="image/png", size=1, sha256="0" * 64,
        storage_name="00/00/away.png", created_at=NOW,
    )  # fmt: skip


def test_an_entity_without_policy_does_not_keep_the_others_from_their_nightly_run() -> None:
    load_law()
    without, with_policy = make_entity(), make_entity()
    make_policy(with_policy)
    late_item(with_policy)
    plan_nightly_runs()
    assert Run.objects.get().legal_entity == with_policy
    assert Notice.objects.count() == 1
    failed = JobRun.objects.get(key__startswith=f"{without.code}:")
    assert failed.status == JobRun.Status.FAILED
    assert "scénario" in failed.error


def test_a_run_that_breaks_does_not_keep_the_others_waiting_and_ends_failed() -> None:
    load_law()
    broken, sound = make_entity(late_fee_clause="NONSENSE"), make_entity()
    for entity in (broken, sound):
        make_policy(entity)
        make_step(
            late_item(entity, 40),
            entity_level(entity, 1),
            sent_on=clock.today() - timedelta(days=20),
        )
        request_run(actor=SYSTEM, legal_entity=entity, as_of=clock.today(), now=NOW)
    plan_requested_runs()
    assert Run.objects.get(legal_entity=sound, as_of=clock.today()).status == Run.Status.PLANNED
    for _ in range(5):
        plan_requested_runs()
    run = Run.objects.get(legal_entity=broken, as_of=clock.today())
    assert run.status == Run.Status.FAILED
    assert run.error
    assert JobRun.objects.get(name="dunning.plan_run", key=str(run.pk)).attempts == 3


def test_a_letter_that_cannot_be_printed_does_not_keep_the_others_waiting() -> None:
    load_law()
    broken, sound = make_entity(logo=broken_logo()), make_entity()
    for entity in (broken, sound):
        make_policy(entity)
        late_item(entity)
    (first,), (second,) = approved(broken), approved(sound)
    assert render_letters() == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == (Notice.Status.APPROVED, Notice.Status.RENDERED)
    job = JobRun.objects.get(name="dunning.render_letter", key=str(first.pk))
    assert job.status == JobRun.Status.FAILED
    assert "away.png" in job.error


def test_a_missing_legal_value_holds_the_letter_and_says_which() -> None:
    load_law()
    entity = make_entity()
    make_policy(entity)
    item = late_item(entity, 40)
    make_step(item, entity_level(entity, 1), sent_on=clock.today() - timedelta(days=20))
    (notice,) = approved(entity)
    LegalParameter.objects.filter(key="ecb.main_refinancing_rate").delete()
    render_next(actor=SYSTEM, facts=LetterFacts(register()), today=clock.today(), now=NOW)
    notice.refresh_from_db()
    assert notice.status == Notice.Status.HELD
    assert "BCE" in notice.reason
    assert not Letter.objects.exists()


def test_a_letter_whose_file_is_away_fails_and_says_that_nothing_left(mailoutbox) -> None:
    load_law()
    entity = make_entity()
    make_policy(entity)
    late_item(entity)
    late_item(entity)
    first, second = approved(entity)
    assert render_letters() == 2
    first.refresh_from_db()
    storages["private"].delete(first.letter.file.storage_name)
    assert send_letters() == 2
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == (Notice.Status.FAILED, Notice.Status.SENT)
    assert "Rien n’est parti" in Delivery.objects.get(notice=first).detail


def test_a_case_whose_claim_changed_is_recalled_and_the_others_are_prepared() -> None:
    load_law()
    make_agency()
    today = clock.today()
    entity = make_entity()
    policy = make_policy(entity)
    items = [late_item(entity, 120), late_item(entity, 121)]
    for item in items:
        for level in policy.levels.filter(rank__lt=4):
            make_step(item, level, sent_on=today - timedelta(days=110 - 20 * level.rank))
    first, second = approved(entity)
    # A payment dated back and its reversal: the balance is the same, the interest is not.
    item = first.lines.get().item
    payment = make_item(item.customer, "-500.00", today - timedelta(days=60), open_amount="0.00")
    Allocation.objects.create(
        debit=item, credit=payment, amount="500.00", allocated_on=today - timedelta(days=60), created_at=NOW
    )
    build_dossiers()
    cases = {case.notice_id: case for case in Case.objects.all()}
    assert cases[second.pk].status == Case.Status.READY
    assert cases[first.pk].status == Case.Status.RECALLED
    assert not CaseItem.objects.filter(case=cases[first.pk], is_live=True).exists()
    first.refresh_from_db()
    assert first.status == Notice.Status.HELD
    assert "pénalités" in first.reason
    assert AuditEvent.objects.filter(verb="dunning.case.recalled").count() == 1
