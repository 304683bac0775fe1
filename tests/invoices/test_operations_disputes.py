from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.errors import BusinessError, NotAllowed, WrongState
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from invoices.accounts import account_figures
from invoices.models import Dispute, OpenItem, Promise
from invoices.operations.allocations import allocate, reverse_allocation
from invoices.operations.disputes import (
    DisputeRefused,
    open_dispute,
    resolve_dispute,
)
from invoices.operations.promises import PromiseRefused, make_promise, settle_promises, withdraw_promise
from invoices.promise_rules import promise_deadline
from tests.customers.factories import LegalEntityFactory
from tests.invoices.factories import (
    AllocationFactory,
    CreditNoteFactory,
    DisputeFactory,
    OpenItemFactory,
    PaymentFactory,
    PromiseFactory,
)
from tests.invoices.ledger import ledger_rows

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)


def assert_refused(call: Callable[[], object], error: type[BusinessError]) -> BusinessError:
    before = ledger_rows()
    with pytest.raises(error) as refusal:
        call()
    assert ledger_rows() == before
    return refusal.value


def contest(item: OpenItem, **changes: Any) -> Dispute:
    return open_dispute(
        **{
            "actor": SYSTEM,
            "item_id": item.pk,
            "amount": Decimal("300.00"),
            "reason": Dispute.Reason.QUANTITY,
            "today": TODAY,
            "now": NOW,
        }
        | changes
    )


def promise(item: OpenItem, **changes: Any) -> Promise:
    return make_promise(
        **{
            "actor": SYSTEM,
            "item_id": item.pk,
            "amount": item.open_amount,
            "promised_date": TODAY + timedelta(days=5),
            "today": TODAY,
            "now": NOW,
        }
        | changes
    )


class TestDispute:
    def test_part_of_an_item_is_disputed(self, make_user: Any) -> None:
        manager = make_user(Role.CREDIT_MANAGER)
        item = OpenItemFactory()
        dispute = contest(item, actor=manager, note="Manque 3 palettes", owner=manager)
        item.refresh_from_db()
        assert item.disputed_amount == Decimal("300.00")
        assert item.open_amount == Decimal("1200.00")
        assert (dispute.opened_on, dispute.resolved_on, dispute.owner) == (TODAY, None, manager)
        event = AuditEvent.objects.get()
        assert event.verb == "invoices.dispute.opened"
        assert f"customer:{item.customer_id}" in event.refs

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"amount": Decimal("1200.01")}, "amount"),
            ({"amount": Decimal("0.00")}, "amount"),
            ({"amount": Decimal("0.005")}, "amount"),
            ({"reason": "HUMEUR"}, "reason"),
        ],
    )
    def test_a_bad_dispute_is_refused(self, changes: dict[str, Any], field: str) -> None:
        item = OpenItemFactory()
        assert assert_refused(lambda: contest(item, **changes), DisputeRefused).field == field

    def test_one_open_dispute_per_item(self) -> None:
        item = OpenItemFactory()
        contest(item)
        assert assert_refused(lambda: contest(item), DisputeRefused).code == "dispute_open"

    def test_a_settled_item_or_a_credit_has_nothing_to_dispute(self) -> None:
        settled = AllocationFactory().debit
        assert assert_refused(lambda: contest(settled), DisputeRefused).code == "item_settled"
        credit = CreditNoteFactory()
        assert_refused(lambda: contest(credit), DisputeRefused)

    def test_out_of_scope_is_unknown_and_an_unentitled_role_is_refused(self, make_user: Any) -> None:
        item = OpenItemFactory()
        stranger = make_user(Role.CREDIT_MANAGER, sees=[LegalEntityFactory()])
        assert assert_refused(lambda: contest(item, actor=stranger), DisputeRefused).code == "item_unknown"
        director = make_user(Role.FINANCE_DIRECTOR)
        with pytest.raises(NotAllowed):
            contest(item, actor=director)
        assert not Dispute.objects.exists()

    def test_a_resolved_dispute_frees_the_item(self) -> None:
        item = OpenItemFactory()
        dispute = DisputeFactory(item=item, amount=Decimal("300.00"), opened_on=date(2026, 2, 20))
        resolve_dispute(actor=SYSTEM, dispute_id=dispute.pk, outcome="Avoir émis", today=TODAY, now=NOW)
        dispute.refresh_from_db()
        item.refresh_from_db()
        assert dispute.resolved_on == TODAY
        assert dispute.resolution_note == "Avoir émis"
        assert item.disputed_amount == 0
        assert AuditEvent.objects.get().data["days"] == 10

    def test_money_settles_the_rest_first_and_its_undo_gives_the_contested_part_back(self) -> None:
        item = OpenItemFactory(total_amount=Decimal("1000.00"))
        dispute = contest(item, amount=Decimal("300.00"))
        payment = PaymentFactory(customer=item.customer, total_amount=Decimal("-900.00"))
        given = {"actor": SYSTEM, "today": TODAY, "now": NOW}
        contested = []
        parts = []
        for amount in ("700.00", "150.00"):
            parts.append(
                allocate(
                    **given,
                    debit_id=item.pk,
                    credit_id=payment.pk,
                    amount=Decimal(amount),
                    allocated_on=TODAY,
                )
            )
            dispute = Dispute.objects.get(pk=dispute.pk)
            contested.append((dispute.item.contested_amount, dispute.contested_amount))
        assert contested == [(Decimal("300.00"),) * 2, (Decimal("150.00"),) * 2]
        # The dispute keeps what the customer contested: nobody withdrew it.
        assert (dispute.amount, dispute.item.disputed_amount) == (Decimal("300.00"), Decimal("300.00"))
        (figures,) = account_figures([item.customer_id], TODAY)[item.customer_id]
        assert figures.disputed_amount == Decimal("150.00")
        reverse_allocation(**given, allocation_id=parts[1].pk, reversed_on=TODAY, reason="Autre facture")
        dispute = Dispute.objects.get(pk=dispute.pk)
        assert (dispute.item.contested_amount, dispute.contested_amount) == (Decimal("300.00"),) * 2
        resolve_dispute(**given, dispute_id=dispute.pk, outcome="Créance maintenue")
        dispute = Dispute.objects.get(pk=dispute.pk)
        assert (dispute.item.contested_amount, dispute.contested_amount) == (Decimal(0), Decimal("300.00"))

    def test_a_bad_resolution_is_refused(self, make_user: Any) -> None:
        dispute = DisputeFactory(opened_on=TODAY)
        given = {"actor": SYSTEM, "dispute_id": dispute.pk, "outcome": "Avoir", "today": TODAY, "now": NOW}
        assert (
            assert_refused(lambda: resolve_dispute(**given | {"outcome": " "}), DisputeRefused).field
            == "outcome"
        )
        assert_refused(
            lambda: resolve_dispute(**given | {"today": TODAY - timedelta(days=1)}), DisputeRefused
        )
        assert_refused(lambda: resolve_dispute(**given | {"dispute_id": 10**30}), DisputeRefused)
        stranger = make_user(Role.CREDIT_MANAGER, sees=[LegalEntityFactory()])
        assert_refused(lambda: resolve_dispute(**given | {"actor": stranger}), DisputeRefused)
        resolve_dispute(**given)
        assert_refused(lambda: resolve_dispute(**given), WrongState)


class TestPromise:
    def test_a_promise_is_noted(self, make_user: Any) -> None:
        manager = make_user(Role.CREDIT_MANAGER)
        item = OpenItemFactory()
        noted = promise(item, actor=manager, note=" Appel de 10 h ")
        assert (noted.status, noted.made_on, noted.note) == (Promise.Status.OPEN, TODAY, "Appel de 10 h")
        assert AuditEvent.objects.get().verb == "invoices.promise.made"

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"amount": Decimal("1200.01")}, "amount"),
            ({"amount": Decimal("-1.00")}, "amount"),
            ({"promised_date": TODAY - timedelta(days=1)}, "promised_date"),
        ],
    )
    def test_a_bad_promise_is_refused(self, changes: dict[str, Any], field: str) -> None:
        item = OpenItemFactory()
        assert assert_refused(lambda: promise(item, **changes), PromiseRefused).field == field

    def test_one_open_promise_per_item(self) -> None:
        item = OpenItemFactory()
        promise(item)
        assert assert_refused(lambda: promise(item), PromiseRefused).code == "promise_open"

    def test_a_settled_item_or_one_out_of_scope_takes_no_promise(self, make_user: Any) -> None:
        settled = AllocationFactory().debit
        assert_refused(lambda: promise(settled, amount=Decimal("1.00")), PromiseRefused)
        item = OpenItemFactory()
        stranger = make_user(Role.CREDIT_MANAGER, sees=[LegalEntityFactory()])
        assert_refused(lambda: promise(item, actor=stranger), PromiseRefused)

    def test_an_accountant_notes_no_promise(self, make_user: Any) -> None:
        accountant = make_user(Role.ACCOUNTANT)
        item = OpenItemFactory()
        with pytest.raises(NotAllowed):
            promise(item, actor=accountant)
        assert not Promise.objects.exists()

    def test_a_withdrawn_promise_leaves_room_for_another(self) -> None:
        noted = PromiseFactory()
        withdraw_promise(actor=SYSTEM, promise_id=noted.pk, reason="Erreur de saisie", now=NOW)
        noted.refresh_from_db()
        assert noted.status == Promise.Status.WITHDRAWN
        promise(noted.item)

    def test_a_bad_withdrawal_is_refused(self) -> None:
        noted = PromiseFactory()
        given = {"actor": SYSTEM, "promise_id": noted.pk, "reason": "Erreur", "now": NOW}
        assert (
            assert_refused(lambda: withdraw_promise(**given | {"reason": ""}), PromiseRefused).field
            == "reason"
        )
        assert_refused(lambda: withdraw_promise(**given | {"promise_id": 10**30}), PromiseRefused)
        withdraw_promise(**given)
        assert_refused(lambda: withdraw_promise(**given), WrongState)


@pytest.mark.parametrize(
    ("promised", "deadline"),
    [
        (date(2026, 3, 2), date(2026, 3, 5)),  # Monday: Thursday
        (date(2026, 3, 5), date(2026, 3, 10)),  # Thursday: over the week-end
        (date(2026, 4, 3), date(2026, 4, 9)),  # Friday before Easter Monday
    ],
)
def test_the_grace_is_three_working_days(promised: date, deadline: date) -> None:
    assert promise_deadline(promised) == deadline


class TestSettlePromises:
    """Promised on 16 February for Monday 2 March: the grace ends on Thursday 5 March."""

    made_on, promised = date(2026, 2, 16), date(2026, 3, 2)

    def noted(self, amount: str = "1200.00") -> Promise:
        return PromiseFactory(amount=Decimal(amount), made_on=self.made_on, promised_date=self.promised)

    def pay(self, noted: Promise, amount: str, received: date, **changes: Any) -> None:
        credit = PaymentFactory(
            customer=noted.item.customer, issue_date=received, total_amount=-Decimal(amount)
        )
        AllocationFactory(debit=noted.item, credit=credit, allocated_on=received, **changes)

    def judge(self, today: date) -> dict[str, int]:
        return settle_promises(actor=SYSTEM, today=today, now=NOW)

    def test_paid_in_full_within_the_grace_is_kept(self) -> None:
        noted = self.noted()
        self.pay(noted, "1200.00", date(2026, 3, 5))
        assert self.judge(date(2026, 3, 5)) == {"kept": 1, "partly_kept": 0, "broken": 0}
        noted.refresh_from_db()
        assert noted.status == Promise.Status.KEPT
        event = AuditEvent.objects.get()
        assert event.verb == "invoices.promise.kept"
        assert event.actor_name == "Encours"
        assert event.refs == [
            f"promise:{noted.pk}", f"openitem:{noted.item_id}", f"customer:{noted.item.customer_id}"
        ]  # fmt: skip
        assert event.data["amount"] == "1200.00"

    def test_a_part_payment_keeps_it_in_part_once_the_grace_is_over(self) -> None:
        noted = self.noted()
        self.pay(noted, "800.00", date(2026, 3, 2))
        assert self.judge(date(2026, 3, 5)) == {"kept": 0, "partly_kept": 0, "broken": 0}
        assert self.judge(date(2026, 3, 6)) == {"kept": 0, "partly_kept": 1, "broken": 0}
        noted.refresh_from_db()
        assert noted.status == Promise.Status.PARTLY_KEPT
        assert (noted.received_amount, noted.judged_on) == (Decimal("800.00"), date(2026, 3, 6))

    def test_no_money_breaks_it_once_the_grace_is_over(self) -> None:
        noted = self.noted()
        assert self.judge(date(2026, 3, 6)) == {"kept": 0, "partly_kept": 0, "broken": 1}
        noted.refresh_from_db()
        assert (noted.status, noted.received_amount) == (Promise.Status.BROKEN, Decimal("0.00"))

    def test_a_promise_of_a_part_is_kept_by_that_part(self) -> None:
        noted = self.noted("500.00")
        self.pay(noted, "500.00", date(2026, 3, 2))
        assert self.judge(TODAY)["kept"] == 1

    def test_money_received_too_late_does_not_keep_it(self) -> None:
        noted = self.noted()
        self.pay(noted, "1200.00", date(2026, 3, 6))
        assert self.judge(date(2026, 3, 6)) == {"kept": 0, "partly_kept": 0, "broken": 1}

    def test_what_was_matched_before_the_promise_or_undone_does_not_count(self) -> None:
        noted = self.noted("200.00")
        self.pay(noted, "1000.00", date(2026, 2, 1))
        self.pay(noted, "200.00", date(2026, 3, 2), reversed_on=date(2026, 3, 3))
        assert self.judge(date(2026, 3, 6))["broken"] == 1

    def test_judging_twice_changes_nothing(self) -> None:
        self.noted()
        self.judge(date(2026, 3, 6))
        before = ledger_rows()
        assert self.judge(date(2026, 3, 6)) == {"kept": 0, "partly_kept": 0, "broken": 0}
        assert ledger_rows() == before

    def test_no_open_promise_is_no_work(self) -> None:
        assert self.judge(TODAY) == {"kept": 0, "partly_kept": 0, "broken": 0}

    def test_the_queries_do_not_grow_with_the_promises(self, django_assert_num_queries: Any) -> None:
        for _ in range(3):
            self.noted()
        with django_assert_num_queries(4):  # savepoint, dates, statement, release
            self.judge(date(2026, 3, 6))


def test_the_task_judges_once_a_day(time_machine: Any) -> None:
    from core.models import JobRun
    from invoices.tasks import settle_promises as task

    time_machine.move_to(datetime(2026, 3, 9, 1, 0, tzinfo=UTC), tick=False)
    PromiseFactory(made_on=date(2026, 2, 1), promised_date=date(2026, 3, 1))
    assert task() == 1
    assert task() == 0
    assert JobRun.objects.get().counts == {"kept": 0, "partly_kept": 0, "broken": 1}
