"""Runs as a whole: what approves itself, what is held back for its volume, and what a person decides at once."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import NotAllowed
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from customers.models import LegalEntity
from dunning.models import DunningSettings, DunningStop, Level, Notice, NoticeLine, Policy, Run, RunExclusion
from dunning.operations.notices import (
    DunningStopped,
    ReasonMissing,
    RunGuarded,
    approve_notices,
    passes_gate,
)
from dunning.operations.run_decisions import (
    NothingToConfirm,
    PortfolioOnly,
    RunNotGuarded,
    cancel_run,
    confirm_run,
    release_run,
)
from dunning.operations.runs import PlannedRun, dun
from dunning.outdated import possibly_outdated
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
def entity() -> LegalEntity:
    load_law()
    entity = make_entity()
    make_policy(entity)
    return entity


def first_level(entity: LegalEntity, **fields: object) -> None:
    Level.objects.filter(policy__legal_entity=entity, rank=1).update(**fields)


def late(entity: LegalEntity, count: int, amount: str = "100.00", days: int = 9) -> None:
    for _ in range(count):
        make_item(make_customer(entity), amount, TODAY - timedelta(days=days))


def run_on(entity: LegalEntity, days: int = 0) -> PlannedRun:
    return dun(
        actor=SYSTEM, legal_entity=entity, as_of=TODAY + timedelta(days=days), now=NOW + timedelta(days=days)
    )


def states(planned: PlannedRun) -> dict[str, int]:
    found: dict[str, int] = {}
    for status in Notice.objects.filter(run=planned.run_id).values_list("status", flat=True):
        found[status] = found.get(status, 0) + 1
    return found


def unusual(entity: LegalEntity) -> Run:
    """A run of six notices after days of one or two, where more than four are unusual."""
    DunningSettings.objects.create(legal_entity=entity, guard_ratio=Decimal(2), guard_minimum=4)
    for days in (-3, -2, -1):
        late(entity, 1, days=9)
        run_on(entity, days)
    late(entity, 6)
    planned = run_on(entity)
    assert planned.is_guarded
    return Run.objects.get(pk=planned.run_id)


def test_automatic_levels_approve_themselves_up_to_their_maximum(entity) -> None:
    first_level(entity, approval="AUTOMATIC", maximum_amount=Decimal("500.00"))
    late(entity, 2, "500.00")
    late(entity, 1, "500.01")
    planned = run_on(entity)
    assert states(planned) == {"APPROVED": 2, "PROPOSED": 1}
    approved = Notice.objects.filter(status="APPROVED").first()
    assert (approved.decided_at, approved.decided_by) == (NOW, None)
    assert Run.objects.get(pk=planned.run_id).status == Run.Status.PLANNED


@pytest.mark.parametrize("everywhere", [True, False])
def test_nothing_approves_itself_while_dunning_is_stopped(entity, everywhere: bool) -> None:
    first_level(entity, approval="AUTOMATIC")
    late(entity, 2)
    DunningStop.objects.create(
        legal_entity=None if everywhere else entity, reason="Bascule", stopped_at=NOW, stopped_by=None
    )
    planned = run_on(entity)
    assert states(planned) == {"PROPOSED": 2}
    with pytest.raises(DunningStopped, match="Bascule"):
        confirm_run(actor=SYSTEM, run=Run.objects.get(pk=planned.run_id), now=NOW)


def test_an_unusual_volume_waits_for_a_person(entity) -> None:
    first_level(entity, approval="AUTOMATIC")
    run = unusual(entity)
    assert run.status == Run.Status.GUARDED
    assert run.guard == {
        "what": "notices", "volume": "6", "usual": "1", "ratio": "2.0", "runs": 3, "currency": "",
    }  # fmt: skip
    ids = list(run.notices.values_list("pk", flat=True))
    assert set(run.notices.values_list("status", flat=True)) == {"PROPOSED"}
    with pytest.raises(RunGuarded):
        approve_notices(actor=SYSTEM, notice_ids=ids, today=TODAY, now=NOW)
    with pytest.raises(RunGuarded):
        confirm_run(actor=SYSTEM, run=run, now=NOW)
    assert AuditEvent.objects.get(verb="dunning.run.guarded").data["guard"]["volume"] == "6"

    assert release_run(actor=SYSTEM, run=run, now=NOW).status == Run.Status.PLANNED
    assert set(run.notices.values_list("status", flat=True)) == {"APPROVED"}
    assert AuditEvent.objects.filter(verb="dunning.notice.approved").count() == 6
    assert AuditEvent.objects.get(verb="dunning.run.released").data["approved"] == 6
    with pytest.raises(RunNotGuarded):
        release_run(actor=SYSTEM, run=run, now=NOW)
    with pytest.raises(RunNotGuarded):
        cancel_run(actor=SYSTEM, run=run, reason="Trop tard", now=NOW)


def test_a_cancelled_run_gives_every_step_back(entity) -> None:
    run = unusual(entity)
    with pytest.raises(ReasonMissing):
        cancel_run(actor=SYSTEM, run=run, reason=" ", now=NOW)
    assert cancel_run(actor=SYSTEM, run=run, reason="Fichier chargé deux fois", now=NOW).status == "CANCELLED"
    assert set(run.notices.values_list("status", "reason")) == {("REJECTED", "Fichier chargé deux fois")}
    assert not NoticeLine.objects.filter(notice__run=run, in_force=True).exists()
    assert AuditEvent.objects.filter(verb="dunning.notice.rejected").count() == 6

    again = run_on(entity, 1)
    assert again.notices == 6
    # The items of the run that was cancelled, and no other: it is compared with the runs that stood.
    assert again.is_guarded


def test_an_unusual_amount_is_guarded_too(entity) -> None:
    DunningSettings.objects.create(legal_entity=entity, guard_ratio=Decimal(2), guard_minimum=2)
    late(entity, 3, "100.00")
    run_on(entity, -1)
    late(entity, 3, "10000.00")
    run = Run.objects.get(pk=run_on(entity).run_id)
    assert (run.status, run.guard["what"], run.guard["currency"]) == (Run.Status.GUARDED, "amount", "EUR")
    assert (run.guard["volume"], run.guard["usual"]) == ("30000.00", "300.00")


def test_a_run_is_confirmed_at_once(entity) -> None:
    first_level(entity, approval="CONFIRMATION", maximum_amount=Decimal("500.00"))
    late(entity, 3)
    late(entity, 1, "900.00")
    planned = run_on(entity)
    assert states(planned) == {"PROPOSED": 4}
    run = Run.objects.get(pk=planned.run_id)
    assert confirm_run(actor=SYSTEM, run=run, now=NOW) == 3
    assert states(planned) == {"APPROVED": 3, "PROPOSED": 1}
    run.refresh_from_db()
    assert run.confirmed_at == NOW
    assert AuditEvent.objects.get(verb="dunning.run.confirmed").data == {"notices": 3}
    with pytest.raises(NothingToConfirm):
        confirm_run(actor=SYSTEM, run=run, now=NOW)


def test_manual_levels_are_not_confirmed_with_the_run(entity) -> None:
    late(entity, 2)
    planned = run_on(entity)
    with pytest.raises(NothingToConfirm):
        confirm_run(actor=SYSTEM, run=Run.objects.get(pk=planned.run_id), now=NOW)
    assert states(planned) == {"PROPOSED": 2}


def test_deciding_on_a_run_takes_as_many_statements_for_many_notices(entity) -> None:
    first_level(entity, approval="CONFIRMATION")
    counts = []
    for customers in (2, 20):
        late(entity, customers)
        run = Run.objects.get(pk=run_on(entity).run_id)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            confirm_run(actor=SYSTEM, run=run, now=NOW)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_who_may_decide_on_a_run(entity, make_user) -> None:
    first_level(entity, approval="CONFIRMATION")
    late(entity, 1)
    run = Run.objects.get(pk=run_on(entity).run_id)
    with pytest.raises(NotAllowed):
        confirm_run(actor=make_user(Role.ACCOUNTANT), run=run, now=NOW)
    keeper = make_user(Role.CREDIT_MANAGER, email="part@example.test", own_portfolio_only=True)
    with pytest.raises(PortfolioOnly):
        confirm_run(actor=keeper, run=run, now=NOW)
    assert set(run.notices.values_list("status", flat=True)) == {"PROPOSED"}
    manager = make_user(Role.CREDIT_MANAGER)
    assert confirm_run(actor=manager, run=run, now=NOW) == 1
    assert set(run.notices.values_list("decided_by", flat=True)) == {manager.pk}


def test_an_outage_delays_steps_and_skips_none(entity) -> None:
    late(entity, 1, days=200)
    planned = run_on(entity)
    [line] = NoticeLine.objects.filter(notice__run=planned.run_id)
    assert line.rank == 1
    for days in (1, 2, 30):
        assert run_on(entity, days).notices == 0


def test_a_past_day_is_replayed_as_it_was_and_doubles_nothing(entity) -> None:
    """What was paid since was open then; what was sent since is not said again."""
    customer = make_customer(entity)
    paid = make_item(customer, "300.00", TODAY - timedelta(days=20))
    credit = make_item(customer, "-300.00", TODAY - timedelta(days=2))
    settle(paid, credit, "300.00", TODAY - timedelta(days=1))
    reminded = make_item(make_customer(entity), "400.00", TODAY - timedelta(days=20))
    make_step(
        reminded, Level.objects.get(policy__legal_entity=entity, rank=1), sent_on=TODAY - timedelta(days=3)
    )

    past = run_on(entity, -5)
    [line] = NoticeLine.objects.filter(notice__run=past.run_id)
    assert (line.item_id, line.open_amount) == (paid.pk, Decimal("300.00"))
    assert past.excluded == {RunExclusion.Reason.WAITING: 1}
    assert run_on(entity).notices == 0


def test_a_reminder_that_did_not_leave_before_the_due_date_is_held(entity) -> None:
    policy = Policy.objects.get(legal_entity=entity)
    for level in policy.levels.order_by("-rank"):
        level.rank += 1
        level.save()
    Level.objects.create(policy=policy, rank=1, kind="PRE_REMINDER", channel="EMAIL", delay_days=-5)
    item = make_item(make_customer(entity), "800.00", TODAY + timedelta(days=4))
    before = run_on(entity)
    notice = Notice.objects.get(run=before.run_id)
    assert (notice.level.kind, notice.interest_amount, notice.lines.get().days_late) == (
        "PRE_REMINDER",
        0,
        -4,
    )
    # On the due date it may still leave; the day after, it has nothing left to say.
    assert run_on(entity, 4).excluded == {}
    notice.refresh_from_db()
    assert notice.status == Notice.Status.PROPOSED
    assert run_on(entity, 5).excluded == {RunExclusion.Reason.WAITING: 1}
    notice.refresh_from_db()
    assert (notice.status, notice.lines.get().in_force) == (Notice.Status.HELD, False)
    assert (
        AuditEvent.objects.filter(verb="dunning.notice.held", refs__contains=[f"notice:{notice.pk}"]).count()
        == 1
    )
    reminder = Notice.objects.get(run=run_on(entity, 9).run_id)
    assert (reminder.level.rank, reminder.lines.get().rank) == (2, 2)
    assert reminder.lines.get().item_id == item.pk


def test_the_gate_holds_it_too_when_no_run_came(entity) -> None:
    Level.objects.filter(policy__legal_entity=entity, rank=1).update(
        kind="PRE_REMINDER", delay_days=-5, claims_interest=False, claims_indemnity=False
    )
    make_item(make_customer(entity), "800.00", TODAY + timedelta(days=1))
    notice = Notice.objects.get(run=run_on(entity).run_id)
    approve_notices(actor=SYSTEM, notice_ids=[notice.pk], today=TODAY, now=NOW)
    notice.refresh_from_db()
    for days, passes in ((1, True), (2, False)):
        day = {"today": TODAY + timedelta(days=days), "now": NOW + timedelta(days=days)}
        assert passes_gate(actor=SYSTEM, notice=notice, **day) is passes
    notice.refresh_from_db()
    assert (notice.status, notice.reason[:15]) == (Notice.Status.HELD, "échéance passée")
    assert possibly_outdated(TODAY + timedelta(days=2)) == []


def test_contacts_of_another_entity_count(entity) -> None:
    Policy.objects.filter(legal_entity=entity).update(contact_gap_days=7)
    elsewhere = make_entity()
    other = make_policy(elsewhere)
    same = {"siren": "552100554"}
    make_item(make_customer(entity, **same), "500.00", TODAY - timedelta(days=9))
    theirs = make_item(make_customer(elsewhere, **same), "500.00", TODAY - timedelta(days=40))
    make_step(theirs, other.levels.get(rank=1), sent_on=TODAY - timedelta(days=2))
    planned = run_on(entity)
    told = RunExclusion.objects.get(run=planned.run_id)
    assert (told.reason, told.next_date) == ("CONTACT_GAP", TODAY + timedelta(days=5))
    assert run_on(entity, 5).notices == 1
