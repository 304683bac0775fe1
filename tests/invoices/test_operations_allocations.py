from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from core.errors import BusinessError, NotAllowed, WrongState
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from invoices.models import Allocation, OpenItem
from invoices.operations.allocations import AllocationRefused, allocate, reverse_allocation
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.factories import CreditNoteFactory, DisputeFactory, OpenItemFactory, PaymentFactory
from tests.invoices.ledger import assert_truth, ledger_rows, open_on

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
PAID_ON = date(2026, 2, 10)


def pair(**payment: Any) -> tuple[OpenItem, OpenItem]:
    debit = OpenItemFactory(total_amount=Decimal("1200.00"))
    credit = PaymentFactory(
        **{"customer": debit.customer, "issue_date": PAID_ON, "total_amount": Decimal("-1200.00")} | payment
    )
    return debit, credit


def match(debit: OpenItem, credit: OpenItem, amount: str = "1200.00", **changes: Any) -> Allocation:
    return allocate(
        **{
            "actor": SYSTEM,
            "debit_id": debit.pk,
            "credit_id": credit.pk,
            "amount": Decimal(amount),
            "allocated_on": PAID_ON,
            "today": TODAY,
            "now": NOW,
        }
        | changes
    )


def undo(allocation: Allocation, **changes: Any) -> Allocation:
    return reverse_allocation(
        **{
            "actor": SYSTEM,
            "allocation_id": allocation.pk,
            "reversed_on": TODAY,
            "reason": "Mauvais client",
            "today": TODAY,
            "now": NOW,
        }
        | changes
    )


def assert_refused(
    call: Callable[[], object], error: type[BusinessError] = AllocationRefused
) -> BusinessError:
    before = ledger_rows()
    with pytest.raises(error) as refusal:
        call()
    assert ledger_rows() == before
    return refusal.value


@pytest.mark.django_db
class TestAllocate:
    def test_a_part_payment_lowers_both_open_amounts(self, make_user: Any) -> None:
        accountant = make_user(Role.ACCOUNTANT)
        debit, credit = pair(total_amount=Decimal("-500.00"))

        allocation = match(debit, credit, "500.00", actor=accountant)

        debit.refresh_from_db()
        credit.refresh_from_db()
        assert (debit.open_amount, credit.open_amount) == (Decimal("700.00"), Decimal("0.00"))
        assert debit.updated_at == credit.updated_at == NOW
        event = AuditEvent.objects.get()
        assert event.verb == "invoices.allocation.made"
        assert set(event.refs) == {
            f"allocation:{allocation.pk}",
            f"openitem:{debit.pk}",
            f"openitem:{credit.pk}",
            f"customer:{debit.customer_id}",
        }

    def test_the_past_is_untouched(self) -> None:
        debit, credit = pair()
        match(debit, credit)
        assert open_on(debit, PAID_ON - timedelta(days=1)) == Decimal("1200.00")
        assert open_on(debit, PAID_ON) == Decimal("0.00")

    def test_a_credit_note_and_a_payment_settle_one_invoice(self) -> None:
        debit, credit = pair(total_amount=Decimal("-1000.00"))
        note = CreditNoteFactory(customer=debit.customer, total_amount=Decimal("-200.00"))
        match(debit, credit, "1000.00")
        match(debit, note, "200.00")
        debit.refresh_from_db()
        assert debit.open_amount == 0

    def test_a_settled_item_has_its_dispute_resolved(self) -> None:
        debit, credit = pair()
        dispute = DisputeFactory(item=debit, amount=Decimal("300.00"))
        match(debit, credit)
        dispute.refresh_from_db()
        debit.refresh_from_db()
        assert dispute.resolved_on == TODAY
        assert debit.disputed_amount == 0
        assert AuditEvent.objects.get(verb="invoices.allocation.made").data["disputes_resolved"] == 1

    def test_a_part_payment_leaves_the_dispute_open(self) -> None:
        debit, credit = pair()
        dispute = DisputeFactory(item=debit, amount=Decimal("300.00"))
        match(debit, credit, "900.00")
        dispute.refresh_from_db()
        assert dispute.resolved_on is None

    @pytest.mark.parametrize("amount", ["0.00", "-1.00", "0.001", "1200.01"])
    def test_an_impossible_amount_is_refused(self, amount: str) -> None:
        debit, credit = pair()
        assert assert_refused(lambda: match(debit, credit, amount)).field == "amount"

    def test_more_than_the_credit_has_left_is_refused(self) -> None:
        debit, credit = pair(total_amount=Decimal("-500.00"))
        assert assert_refused(lambda: match(debit, credit, "500.01")).code == "amount_above_open"

    def test_a_second_click_on_the_same_page_is_refused(self) -> None:
        debit, credit = pair()
        match(debit, credit, "100.00", seen_open_amount=Decimal("1200.00"))
        again = assert_refused(lambda: match(debit, credit, "100.00", seen_open_amount=Decimal("1200.00")))
        assert again.code == "changed_meanwhile"

    @pytest.mark.parametrize("day", [PAID_ON - timedelta(days=1), TODAY + timedelta(days=1)])
    def test_a_day_before_the_items_or_to_come_is_refused(self, day: date) -> None:
        debit, credit = pair()
        assert assert_refused(lambda: match(debit, credit, allocated_on=day)).field == "allocated_on"

    def test_another_customer_is_refused(self) -> None:
        debit, _credit = pair()
        stranger = PaymentFactory(
            customer=CustomerFactory(legal_entity=debit.legal_entity), issue_date=PAID_ON
        )
        assert_refused(lambda: match(debit, stranger))

    def test_another_currency_is_refused(self) -> None:
        debit, credit = pair(currency="USD")
        assert_refused(lambda: match(debit, credit))

    def test_two_debits_two_credits_or_one_item_are_refused(self) -> None:
        debit, credit = pair()
        other = OpenItemFactory(customer=debit.customer)
        note = CreditNoteFactory(customer=debit.customer)
        assert_refused(lambda: match(debit, other))
        assert_refused(lambda: match(note, credit))
        assert_refused(lambda: match(credit, debit))
        assert_refused(lambda: match(debit, debit))

    def test_an_item_out_of_scope_is_unknown(self, make_user: Any) -> None:
        debit, credit = pair()
        stranger = make_user(Role.ACCOUNTANT, sees=[LegalEntityFactory()])
        assert assert_refused(lambda: match(debit, credit, actor=stranger)).code == "item_unknown"

    def test_an_administrator_matches_nothing(self, make_user: Any) -> None:
        debit, credit = pair()
        administrator = make_user(Role.ADMINISTRATOR)
        with pytest.raises(NotAllowed):
            match(debit, credit, actor=administrator)
        assert not Allocation.objects.exists()
        assert AuditEvent.objects.get().verb == "core.operation.refused"

    def test_a_day_on_which_a_reversed_allocation_held_the_item_is_refused(self) -> None:
        debit, credit = pair()
        undo(match(debit, credit), reversed_on=date(2026, 2, 20))
        refusal = assert_refused(lambda: match(debit, credit, allocated_on=date(2026, 2, 15)))
        assert refusal.code == "taken_on_that_day"
        assert "20/02/2026" in refusal.message
        match(debit, credit, allocated_on=date(2026, 2, 20))


@pytest.mark.django_db
class TestReverse:
    def test_a_reversal_opens_both_items_again_and_keeps_the_past(self) -> None:
        debit, credit = pair()
        allocation = undo(match(debit, credit))
        debit.refresh_from_db()
        credit.refresh_from_db()
        assert (debit.open_amount, credit.open_amount) == (Decimal("1200.00"), Decimal("-1200.00"))
        assert allocation.reversed_on == TODAY
        assert allocation.reversal_reason == "Mauvais client"
        assert open_on(debit, TODAY - timedelta(days=1)) == 0
        assert AuditEvent.objects.first().verb == "invoices.allocation.reversed"

    def test_twice_is_refused(self) -> None:
        debit, credit = pair()
        allocation = undo(match(debit, credit))
        assert_refused(lambda: undo(allocation), WrongState)

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"reason": "  "}, "reason"),
            ({"reversed_on": PAID_ON - timedelta(days=1)}, "reversed_on"),
            ({"reversed_on": TODAY + timedelta(days=1)}, "reversed_on"),
        ],
    )
    def test_a_bad_reversal_is_refused(self, changes: dict[str, Any], field: str) -> None:
        debit, credit = pair()
        allocation = match(debit, credit)
        assert assert_refused(lambda: undo(allocation, **changes)).field == field

    def test_an_allocation_out_of_scope_or_unknown_is_refused(self, make_user: Any) -> None:
        debit, credit = pair()
        allocation = match(debit, credit)
        stranger = make_user(Role.ACCOUNTANT, sees=[LegalEntityFactory()])
        assert assert_refused(lambda: undo(allocation, actor=stranger)).code == "item_unknown"
        assert assert_refused(lambda: undo(allocation, allocation_id=10**30)).code == "item_unknown"


def in_two_threads(*calls: Callable[[], object]) -> list[object]:
    """What each call returned or raised, both started at the same instant on connections of their own."""
    barrier, results = Barrier(len(calls)), [None] * len(calls)

    def run(place: int, call: Callable[[], object]) -> None:
        try:
            barrier.wait(5)
            results[place] = call()
        except Exception as error:
            results[place] = error
        finally:
            connection.close()

    threads = [Thread(target=run, args=(place, call)) for place, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return results


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def test_the_last_euro_is_taken_once(self) -> None:
        debit, first = pair()
        second = PaymentFactory(customer=debit.customer, issue_date=PAID_ON)

        results = in_two_threads(lambda: match(debit, first), lambda: match(debit, second))

        assert sorted(type(result).__name__ for result in results) == ["Allocation", "AllocationRefused"]
        for item in (debit, first, second):
            assert_truth(item, [TODAY])
        assert AuditEvent.objects.filter(verb="invoices.allocation.made").count() == 1

    def test_crossed_pairs_do_not_deadlock(self) -> None:
        debit, credit = pair()
        other = OpenItemFactory(customer=debit.customer)
        results = in_two_threads(
            lambda: match(debit, credit, "600.00"), lambda: match(other, credit, "600.00")
        )
        assert [type(result).__name__ for result in results] == ["Allocation", "Allocation"]
        assert_truth(credit, [TODAY])

    def test_one_reversal_wins(self) -> None:
        debit, credit = pair()
        allocation = match(debit, credit)
        results = in_two_threads(lambda: undo(allocation), lambda: undo(allocation))
        assert sorted(type(result).__name__ for result in results) == ["Allocation", "WrongState"]
        assert_truth(debit, [TODAY])


STEP = st.tuples(
    st.integers(0, 2),
    st.integers(0, 1),
    st.decimals(min_value="0.01", max_value="130", places=2),
    st.integers(0, 20),
    st.booleans(),
)


class TestTruth(TestCase):
    """Whatever is matched and undone in whatever order, every item keeps its truth on every day."""

    @given(steps=st.lists(STEP, min_size=1, max_size=8))
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def test_open_is_total_less_allocations_on_every_day(
        self, steps: list[tuple[int, int, Decimal, int, bool]]
    ) -> None:
        start = date(2026, 2, 1)
        days = [start + timedelta(days=offset) for offset in range(30)]
        customer = CustomerFactory()
        debits = [
            OpenItemFactory(customer=customer, issue_date=start, total_amount=Decimal("100.00"))
            for _ in range(3)
        ]
        credits = [
            PaymentFactory(customer=customer, issue_date=start, total_amount=Decimal("-150.00"))
            for _ in range(2)
        ]
        made: list[Allocation] = []
        for debit, credit, amount, offset, reverse in steps:
            day = start + timedelta(days=offset)
            try:
                if reverse and made:
                    undo(made[-1], reversed_on=day, today=days[-1])
                    made.pop()
                else:
                    made.append(
                        match(debits[debit], credits[credit], str(amount), allocated_on=day, today=days[-1])
                    )
            except BusinessError:
                continue
        for item in (*debits, *credits):
            assert_truth(item, days)
