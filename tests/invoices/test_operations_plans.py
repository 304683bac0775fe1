"""Échéanciers from the draft to their end, and what each step refuses."""

import io
import threading
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pypdf
import pytest
from django.db import connection

from core.errors import BusinessError, NotAllowed, WrongState
from core.files import read_file
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from invoices.models import Instalment, OpenItem, PaymentPlan, PlanItem
from invoices.operations.payment_plans import (
    PlanRefused,
    approve_plan,
    cancel_plan,
    change_plan,
    return_plan,
    start_plan,
    submit_plan,
)
from invoices.operations.plan_sweeps import mark_instalments_due, settle_plans
from invoices.plan_rules import Part, equal_instalments, paid_of_instalments
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.factories import AllocationFactory, DisputeFactory, OpenItemFactory, PaymentFactory
from tests.invoices.ledger import ledger_rows
from tests.invoices.plans import FIRST, NOW, SIGNED, TODAY, active, drafted, late_items

pytestmark = pytest.mark.django_db
STEP = {"today": TODAY, "now": NOW}


def plan_rows() -> dict[str, list[tuple[object, ...]]]:
    rows = {
        model.__name__: list(model.objects.order_by("pk").values_list())
        for model in (PaymentPlan, PlanItem, Instalment)
    }
    return rows | ledger_rows()


def assert_refused(call: Callable[[], object], error: type[BusinessError] = PlanRefused) -> Any:
    before = plan_rows()
    with pytest.raises(error) as refusal:
        call()
    assert plan_rows() == before
    return refusal.value


def pay(item: OpenItem, amount: str, day: date = TODAY) -> None:
    item.refresh_from_db()
    credit = PaymentFactory(customer=item.customer, issue_date=day, total_amount=-Decimal(amount))
    AllocationFactory(debit=item, credit=credit, allocated_on=day)


class TestDraft:
    def test_a_draft_covers_whole_items_and_changes_nothing_for_them(self, make_user: Any) -> None:
        manager = make_user(Role.CREDIT_MANAGER)
        items = late_items("600.00", "400.01")
        plan = drafted(items, actor=manager, note=" Accord de principe ")
        assert (plan.status, plan.total_amount, plan.grace_days) == ("DRAFT", Decimal("1000.01"), 5)
        assert (plan.made_by, plan.note) == (manager, "Accord de principe")
        assert sum(part.amount for part in plan.instalments.all()) == plan.total_amount
        assert [row.due_date for row in plan.instalments.all()] == [
            FIRST, date(2026, 4, 30), date(2026, 5, 31)
        ]  # fmt: skip
        event = AuditEvent.objects.get()
        assert event.verb == "invoices.plan.drafted"
        assert f"openitem:{items[0].pk}" in event.refs

    def test_items_that_cannot_be_paid_in_instalments_are_refused(self) -> None:
        customer = CustomerFactory()
        good = late_items("100.00", customer=customer)[0]
        foreign = OpenItemFactory(customer=customer, currency="USD")
        disputed = DisputeFactory(
            item=late_items("100.00", customer=customer)[0], amount=Decimal("10.00")
        ).item
        factored = late_items("100.00", customer=customer)[0]
        OpenItem.objects.filter(pk=factored.pk).update(is_factored=True)
        settled = late_items("100.00", customer=customer)[0]
        pay(settled, "100.00")
        stranger = late_items("100.00")[0]
        for other in (foreign, disputed, factored, settled, stranger):
            assert (
                assert_refused(lambda other=other: drafted([good], item_ids=[good.pk, other.pk])).field
                == "items"
            )
        assert assert_refused(lambda: drafted([good], item_ids=[])).field == "items"

    def test_an_item_stands_in_one_plan_at_a_time(self) -> None:
        items = late_items("100.00")
        first = drafted(items)
        assert str(first.pk) in assert_refused(lambda: drafted(items)).message
        cancel_plan(actor=SYSTEM, plan_id=first.pk, reason="Erreur", **STEP)
        assert drafted(items).status == "DRAFT"

    def test_an_insolvent_customer_gets_no_plan(self) -> None:
        customer = CustomerFactory(status="INSOLVENT", insolvency_date=TODAY)
        items = late_items("100.00", customer=customer)
        assert assert_refused(lambda: drafted(items)).code == "insolvent"

    def test_each_wrong_instalment_is_named(self) -> None:
        items = late_items("100.00")
        parts = [Part(TODAY - timedelta(days=1), Decimal("60.00")), Part(TODAY, Decimal("-10.00"))]
        refusal = assert_refused(lambda: drafted(items, instalments=parts))
        assert set(refusal.rows) == {0, 1}
        assert "écart" in refusal.message
        assert_refused(lambda: drafted(items, instalments=[Part(TODAY, Decimal("100.001"))]))
        assert assert_refused(lambda: drafted(items, grace_days=61)).field == "grace_days"

    def test_out_of_scope_and_without_the_right(self, make_user: Any) -> None:
        items = late_items("100.00")
        stranger = make_user(Role.CREDIT_MANAGER, sees=[LegalEntityFactory()])
        assert_refused(lambda: drafted(items, actor=stranger))
        with pytest.raises(NotAllowed):
            drafted(items, actor=make_user(Role.ACCOUNTANT))
        assert not PaymentPlan.objects.exists()

    def test_a_draft_is_written_anew_until_it_is_submitted(self) -> None:
        plan = drafted(late_items("100.00"))
        wanted = equal_instalments(Decimal("100.00"), 2, FIRST)
        given = {
            "actor": SYSTEM, "plan_id": plan.pk, "instalments": wanted, "grace_days": 8, "note": "", **STEP
        }  # fmt: skip
        change_plan(**given)
        assert [row.amount for row in plan.instalments.all()] == [Decimal("50.00"), Decimal("50.00")]
        assert_refused(lambda: change_plan(**given | {"instalments": wanted[:1]}))
        submit_plan(actor=SYSTEM, plan_id=plan.pk, **STEP)
        assert_refused(lambda: change_plan(**given), WrongState)


class TestApproval:
    def test_a_small_plan_is_offered_at_once_with_its_agreement(self) -> None:
        plan = submit_plan(actor=SYSTEM, plan_id=drafted(late_items("600.00", "400.00")).pk, **STEP)
        assert plan.status == "OFFERED"
        assert plan.agreement is not None
        text = "".join(
            page.extract_text() for page in pypdf.PdfReader(io.BytesIO(read_file(plan.agreement))).pages
        )
        folded = " ".join(text.replace("\u202f", " ").replace("\xa0", " ").split())
        assert "1 000,00 €" in folded
        assert "31 mars 2026" in folded
        assert "L441-10" in folded
        assert "continuent de courir" in folded

    def test_a_large_plan_is_approved_by_somebody_else(self, make_user: Any, settings: Any) -> None:
        settings.PLAN_APPROVAL_AMOUNT = Decimal("1000.00")
        author, other = make_user(Role.CREDIT_MANAGER), make_user(Role.FINANCE_DIRECTOR)
        plan = drafted(late_items("1000.00"), actor=author)
        submit_plan(actor=author, plan_id=plan.pk, **STEP)
        plan.refresh_from_db()
        assert (plan.status, plan.agreement) == ("TO_APPROVE", None)
        refusal = assert_refused(lambda: approve_plan(actor=author, plan_id=plan.pk, **STEP))
        assert refusal.code == "same_person"
        plan = approve_plan(actor=other, plan_id=plan.pk, **STEP)
        assert (plan.status, plan.approved_by, plan.approved_at) == ("OFFERED", other, NOW)
        assert_refused(lambda: approve_plan(actor=other, plan_id=plan.pk, **STEP), WrongState)

    def test_a_plan_can_be_sent_back(self, settings: Any) -> None:
        settings.PLAN_APPROVAL_AMOUNT = Decimal("1.00")
        plan = drafted(late_items("1000.00"))
        assert_refused(lambda: return_plan(actor=SYSTEM, plan_id=plan.pk, reason="x", now=NOW), WrongState)
        submit_plan(actor=SYSTEM, plan_id=plan.pk, **STEP)
        assert_refused(lambda: return_plan(actor=SYSTEM, plan_id=plan.pk, reason=" ", now=NOW))
        assert return_plan(actor=SYSTEM, plan_id=plan.pk, reason="Trop long", now=NOW).status == "DRAFT"

    def test_what_moved_since_the_draft_is_not_offered(self) -> None:
        items = late_items("600.00", "400.00")
        plan = drafted(items)
        pay(items[0], "100.00")
        assert_refused(lambda: submit_plan(actor=SYSTEM, plan_id=plan.pk, **STEP))

    def test_a_day_that_passed_is_not_offered(self) -> None:
        plan = drafted(late_items("600.00"))
        later = {"today": FIRST + timedelta(days=1), "now": NOW}
        assert_refused(lambda: submit_plan(actor=SYSTEM, plan_id=plan.pk, **later))


class TestStart:
    def start(self, plan: PaymentPlan, content: bytes = SIGNED, **changes: Any) -> PaymentPlan:
        given = {
            "actor": SYSTEM, "plan_id": plan.pk, "content": io.BytesIO(content), "name": "../accord.pdf", **STEP
        }  # fmt: skip
        return start_plan(**given | changes)

    def test_the_signed_agreement_puts_it_in_force(self) -> None:
        plan = submit_plan(actor=SYSTEM, plan_id=drafted(late_items("600.00")).pk, **STEP)
        plan = self.start(plan)
        assert (plan.status, plan.started_on) == ("ACTIVE", TODAY)
        assert plan.signed_agreement is not None
        assert plan.signed_agreement.name == "accord.pdf"

    def test_a_bad_file_or_state_is_refused(self, settings: Any) -> None:
        plan = drafted(late_items("600.00"))
        assert_refused(lambda: self.start(plan), WrongState)
        submit_plan(actor=SYSTEM, plan_id=plan.pk, **STEP)
        for content in (b"", b"MZ\x90\x00 not a PDF"):
            assert assert_refused(lambda content=content: self.start(plan, content)).field == "file"
        settings.DISPUTE_FILE_MAX_BYTES = 10
        assert assert_refused(lambda: self.start(plan)).field == "file"
        settings.DISPUTE_FILE_MAX_BYTES = 1000
        late = FIRST + timedelta(days=6)
        assert assert_refused(lambda: self.start(plan, today=late)).code == "too_late"

    def test_cancelling_frees_the_items(self) -> None:
        items = late_items("600.00")
        plan = active(items)
        assert_refused(lambda: cancel_plan(actor=SYSTEM, plan_id=plan.pk, reason="", **STEP))
        cancel_plan(actor=SYSTEM, plan_id=plan.pk, reason="Renégocié", **STEP)
        assert PlanItem.objects.get().released_on == TODAY
        assert_refused(
            lambda: cancel_plan(actor=SYSTEM, plan_id=plan.pk, reason="Encore", **STEP), WrongState
        )


class TestSweep:
    def sweep(self, today: date = TODAY) -> dict[str, int]:
        return settle_plans(actor=SYSTEM, today=today, now=NOW)

    def paid(self, plan: PaymentPlan) -> list[tuple[Decimal, str]]:
        return [(row.paid_amount, row.status) for row in plan.instalments.order_by("rank")]

    def test_money_on_the_items_pays_the_oldest_instalments(self) -> None:
        items = late_items("600.00", "300.00")
        plan = active(items)
        pay(items[1], "300.00")
        pay(items[0], "100.00")
        assert self.sweep() == {"instalments": 2, "completed": 0, "defaulted": 0}
        assert self.paid(plan) == [
            (Decimal("300.00"), "PAID"), (Decimal("100.00"), "PARTLY_PAID"), (Decimal("0.00"), "DUE")
        ]  # fmt: skip

    def test_what_was_undone_is_due_again(self) -> None:
        (item,) = late_items("300.00")
        plan = active([item])
        pay(item, "150.00")
        self.sweep()
        OpenItem.objects.filter(pk=item.pk).update(open_amount=Decimal("300.00"))
        self.sweep()
        assert self.paid(plan) == [(Decimal("0.00"), "DUE")] * 3

    def test_the_last_cent_completes_it(self) -> None:
        (item,) = late_items("300.00")
        plan = active([item])
        pay(item, "300.00")
        assert self.sweep()["completed"] == 1
        plan.refresh_from_db()
        assert (plan.status, plan.ended_on) == ("COMPLETED", TODAY)
        assert PlanItem.objects.get().released_on == TODAY
        assert AuditEvent.objects.order_by("pk").last().verb == "invoices.plan.completed"

    def test_an_instalment_unpaid_after_its_grace_is_a_default(self) -> None:
        plan = active(late_items("300.00"))
        assert self.sweep(FIRST + timedelta(days=5)) == {"instalments": 0, "completed": 0, "defaulted": 0}
        assert self.sweep(FIRST + timedelta(days=6)) == {"instalments": 1, "completed": 0, "defaulted": 1}
        plan.refresh_from_db()
        assert (plan.status, plan.end_reason) == ("DEFAULTED", "31/03/2026")
        assert PlanItem.objects.get().released_on == FIRST + timedelta(days=6)
        event = AuditEvent.objects.order_by("pk").last()
        assert (event.verb, event.data["amount"]) == ("invoices.plan.defaulted", "300.00")

    def test_a_receipt_nobody_matched_yet_keeps_it_from_default(self) -> None:
        (item,) = late_items("300.00")
        plan = active([item])
        PaymentFactory(customer=item.customer, total_amount=Decimal("-100.00"), issue_date=FIRST)
        self.sweep(FIRST + timedelta(days=6))
        plan.refresh_from_db()
        assert plan.status == "ACTIVE"

    def test_twice_changes_nothing(self) -> None:
        items = late_items("300.00")
        active(items)
        pay(items[0], "20.00")
        self.sweep()
        before = plan_rows()
        assert self.sweep() == {"instalments": 0, "completed": 0, "defaulted": 0}
        self.sweep(FIRST + timedelta(days=6))
        ended = plan_rows()
        assert ended != before
        self.sweep(FIRST + timedelta(days=7))
        assert plan_rows() == ended

    def test_sql_and_rule_say_the_same(self) -> None:
        for received in ("0.01", "99.99", "100.00", "150.50", "299.99"):
            (item,) = late_items("300.00")
            plan = active([item])
            pay(item, received)
            self.sweep()
            amounts = [row.amount for row in plan.instalments.order_by("rank")]
            assert [part for part, _status in self.paid(plan)] == paid_of_instalments(
                amounts, Decimal(received)
            )

    def test_the_queries_do_not_grow_with_the_plans(self, django_assert_num_queries: Any) -> None:
        for _ in range(3):
            active(late_items("300.00"))
        with django_assert_num_queries(11):
            self.sweep(FIRST + timedelta(days=6))

    def test_an_instalment_is_reminded_of_once(self) -> None:
        plan = active(late_items("300.00"))
        remind = {"actor": SYSTEM, "now": NOW, "days_ahead": 5}
        assert mark_instalments_due(today=FIRST - timedelta(days=6), **remind) == 0
        assert mark_instalments_due(today=FIRST - timedelta(days=5), **remind) == 1
        assert mark_instalments_due(today=FIRST - timedelta(days=4), **remind) == 0
        assert plan.instalments.get(rank=1).reminded_on == FIRST - timedelta(days=5)

    def test_the_task_works_once_an_hour(self, time_machine: Any) -> None:
        from datetime import UTC, datetime

        from invoices.tasks import settle_plans as task

        active(late_items("300.00"))
        time_machine.move_to(datetime(2026, 4, 6, 1, 50, tzinfo=UTC), tick=False)
        assert task() == 2
        assert task() == 0


@pytest.mark.django_db(transaction=True)
def test_two_who_approve_at_once_make_one_agreement(make_user: Any, settings: Any) -> None:
    settings.PLAN_APPROVAL_AMOUNT = Decimal("1.00")
    plan = drafted(late_items("1000.00"))
    submit_plan(actor=SYSTEM, plan_id=plan.pk, **STEP)
    people = [make_user(Role.FINANCE_DIRECTOR), make_user(Role.CREDIT_MANAGER)]
    start, outcomes = threading.Barrier(2), []

    def approve(person: Any) -> None:
        try:
            start.wait()
            approve_plan(actor=person, plan_id=plan.pk, **STEP)
            outcomes.append("approved")
        except WrongState:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=approve, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["approved", "refused"]
    assert AuditEvent.objects.filter(verb="invoices.plan.offered").count() == 1
