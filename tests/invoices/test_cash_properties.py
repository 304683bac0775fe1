"""Whatever is applied, undone, returned, given up or given back: the books hold, and the past does not move."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from core.errors import BusinessError
from core.rights import SYSTEM
from invoices.models import Adjustment, BankLine, CashApplication, OpenItem, Receipt
from invoices.operations.adjustments import write_off
from invoices.operations.applying import ApplicationPart, Difference, OnAccount
from invoices.operations.cash import apply_line
from invoices.operations.cash_returns import return_receipt
from invoices.operations.cash_reversals import reverse_application
from invoices.operations.credits import apply_credits, refund_credit
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.bank import make_bank_account, make_line, make_statement
from tests.invoices.cash_books import assert_books
from tests.invoices.factories import CreditNoteFactory, OpenItemFactory
from tests.invoices.ledger import open_on

FIRST = date(2026, 2, 1)
CENT = Decimal("0.01")


class Office:
    """Random acts on two accounts, a day or more apart; each is allowed to be refused."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.day = FIRST
        entity = LegalEntityFactory()
        self.statement = make_statement(make_bank_account(entity))
        self.customers = [CustomerFactory(legal_entity=entity) for _n in range(2)]
        for customer in self.customers:
            for _n in range(3):
                OpenItemFactory(customer=customer, total_amount=self.amount())
            CreditNoteFactory(customer=customer, total_amount=-self.amount(5_000))

    def amount(self, most: int = 50_000) -> Decimal:
        return self.random.randrange(1, most) * CENT

    def act(self) -> bool:
        self.day += timedelta(days=self.random.choice([0, 1, 1, 3]))
        self.when: dict[str, Any] = {
            "actor": SYSTEM,
            "today": self.day,
            "now": datetime(self.day.year, self.day.month, self.day.day, 9, tzinfo=UTC),
        }
        acts: list[Callable[[], object]] = [
            self.apply, self.apply, self.apply_net, self.reverse, self.bounce, self.give_up, self.give_back, self.net,
        ]  # fmt: skip
        try:
            self.random.choice(acts)()
        except BusinessError:
            return False
        return True

    def open_items(self, sign: int) -> list[OpenItem]:
        customer = self.random.choice(self.customers)
        side = {"open_amount__gt": 0} if sign > 0 else {"open_amount__lt": 0}
        found = list(OpenItem.objects.filter(customer=customer, **side).order_by("pk"))
        self.random.shuffle(found)
        return found[: self.random.choice([1, 2, 3])]

    def some_of(self, item: OpenItem) -> Decimal:
        return self.random.choice(
            [item.open_amount, (item.open_amount / 3).quantize(CENT) or item.open_amount]
        )

    def line(self, amount: Decimal, **changes: Any) -> BankLine:
        waiting = list(BankLine.objects.filter(status="OPEN", amount__gt=0, is_return=False))
        if waiting and amount > 0 and self.random.random() < 0.6:
            return self.random.choice(waiting)
        return make_line(self.statement, amount, booking_date=self.day, **changes)

    def apply(self) -> None:
        items = self.open_items(1)
        parts = [ApplicationPart(item.pk, self.some_of(item)) for item in items]
        total = sum((part.amount for part in parts), Decimal(0))
        line = self.line(total + self.random.choice([Decimal(0), self.amount()]) or CENT)
        left = line.remaining_amount - total
        rest = (
            [OnAccount(items[0].customer_id, left)]
            if items and left > 0 and self.random.random() < 0.5
            else []
        )
        apply_line(line_id=line.pk, parts=parts, on_account=rest, **self.when)

    def apply_net(self) -> None:
        items = self.open_items(1) + self.open_items(-1)
        parts = [ApplicationPart(item.pk, self.some_of(item)) for item in items]
        debit = next((part for part in parts if part.amount > 0), None)
        differences = []
        if debit is not None and self.random.random() < 0.7:
            gap = self.random.choice([CENT, -CENT, debit.amount])
            differences = [Difference(debit.item_id, gap, self.random.choice(Adjustment.Reason.values))]
        total = sum((part.amount for part in parts), Decimal(0)) - sum(
            (difference.amount for difference in differences), Decimal(0)
        )
        apply_line(line_id=self.line(max(total, CENT)).pk, parts=parts, differences=differences, **self.when)

    def reverse(self) -> None:
        found = list(CashApplication.objects.filter(reversed_on=None).order_by("pk"))
        if found:
            reverse_application(application_id=self.random.choice(found).pk, reason="Essai", **self.when)

    def bounce(self) -> None:
        found = list(
            Receipt.objects.filter(role="PAYMENT", counter_item=None, returned_by=None).order_by("pk")
        )
        if not found:
            return
        receipt = self.random.choice(found)
        line = make_line(self.statement, -receipt.amount, booking_date=self.day, is_return=True)
        return_receipt(line_id=line.pk, original_line_id=receipt.bank_line_id, **self.when)

    def give_up(self) -> None:
        for item in self.open_items(self.random.choice([1, -1]))[:1]:
            write_off(item_id=item.pk, amount=abs(self.some_of(item)), reason="SMALL_DIFFERENCE", **self.when)

    def give_back(self) -> None:
        parts = [ApplicationPart(item.pk, self.some_of(item)) for item in self.open_items(-1)]
        total = -sum((part.amount for part in parts), Decimal(0))
        line = make_line(self.statement, -total or -CENT, booking_date=self.day)
        refund_credit(parts=parts, line_id=self.random.choice([line.pk, None]), **self.when)

    def net(self) -> None:
        debits, credits = self.open_items(1), self.open_items(-1)
        if debits and credits:
            amount = min(debits[0].open_amount, -credits[0].open_amount)
            apply_credits(
                parts=[ApplicationPart(debits[0].pk, amount), ApplicationPart(credits[0].pk, -amount)],
                **self.when,
            )


def balances(days: list[date]) -> dict[tuple[int, date], Decimal]:
    """What each account owed on each of the days, computed again from the rows."""
    return {
        (item.pk, day): open_on(item, day)
        for item in OpenItem.objects.order_by("pk")
        for day in days
        if item.issue_date <= day
    }


class TestRandomSequences(TestCase):
    @given(seed=st.integers(0, 2**32), acts=st.integers(3, 14))
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    def test_the_books_hold_and_the_past_stands(self, seed: int, acts: int) -> None:
        office = Office(seed)
        done = sum(office.act() for _n in range(acts))
        assert done <= acts
        assert_books(office.day, since=FIRST)

    @given(seed=st.integers(0, 2**32), acts=st.integers(3, 10))
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    def test_undoing_changes_no_past_day_and_everything_can_be_undone(self, seed: int, acts: int) -> None:
        office = Office(seed)
        for _n in range(acts):
            office.act()
        office.day += timedelta(days=1)
        days = [FIRST + timedelta(days=n) for n in range((office.day - FIRST).days)]
        before = balances(days)
        posted = set(OpenItem.objects.values_list("pk", flat=True))
        moment = datetime(office.day.year, office.day.month, office.day.day, 9, tzinfo=UTC)
        for application in CashApplication.objects.filter(reversed_on=None).order_by("-pk"):
            reverse_application(
                actor=SYSTEM, application_id=application.pk, reason="Essai", today=office.day, now=moment
            )
        after = balances(days)
        assert {key: amount for key, amount in after.items() if key[0] in posted} == before
        assert_books(office.day, since=FIRST)
        # What is left open came from outside, or is money whose return was undone.
        returned = Receipt.objects.filter(
            application__reversed_on__isnull=False, counter_item=None, role="PAYMENT"
        )
        left = (
            OpenItem.objects.exclude(open_amount=0)
            .exclude(number__startswith="FA")
            .exclude(number__startswith="AV")
        )
        assert set(left.values_list("pk", flat=True)) <= set(returned.values_list("item", flat=True))
        imported = OpenItem.objects.filter(number__regex="^(FA|AV)")
        assert (
            imported.aggregate(total=Sum("open_amount"))["total"]
            == imported.aggregate(total=Sum("total_amount"))["total"]
        )


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def together(self, *calls: Callable[[], object]) -> list[object]:
        barrier, outcomes = Barrier(len(calls)), []

        def run(call: Callable[[], object]) -> None:
            try:
                barrier.wait(5)
                outcomes.append(call())
            except BusinessError as error:
                outcomes.append(error)
            finally:
                connection.close()

        threads = [Thread(target=run, args=(call,)) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(outcomes) == len(calls)
        return outcomes

    def when(self) -> dict[str, Any]:
        return {"actor": SYSTEM, "today": date(2026, 3, 2), "now": datetime(2026, 3, 2, 9, tzinfo=UTC)}

    def test_a_line_applied_twice_at_once_is_applied_once(self) -> None:
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity)
        parts = [ApplicationPart(invoice.pk, Decimal("600.00"))]

        def call() -> object:
            return apply_line(line_id=line.pk, parts=parts, seen_remaining=Decimal("1200.00"), **self.when())

        outcomes = self.together(call, call)
        assert sum(isinstance(outcome, BusinessError) for outcome in outcomes) == 1
        line.refresh_from_db()
        assert line.applied_amount == Decimal("600.00")

    def test_two_lines_for_the_same_invoices_in_opposite_orders(self) -> None:
        first = OpenItemFactory()
        second = OpenItemFactory(customer=first.customer)
        one = make_line(first.legal_entity, "2400.00")
        other = make_line(one.statement, "2400.00")

        def call(line: BankLine, *items: OpenItem) -> Callable[[], object]:
            parts = [ApplicationPart(item.pk, item.total_amount) for item in items]
            return lambda: apply_line(line_id=line.pk, parts=parts, **self.when())

        outcomes = self.together(call(one, first, second), call(other, second, first))
        assert sum(isinstance(outcome, BusinessError) for outcome in outcomes) == 1
        assert BankLine.objects.filter(status="APPLIED").count() == 1

    def test_an_undo_and_a_use_of_what_it_left_on_account(self) -> None:
        payment_of = OpenItemFactory(total_amount=Decimal("200.00"))
        line = make_line(payment_of.legal_entity)
        (application,) = apply_line(
            line_id=line.pk, on_account=[OnAccount(payment_of.customer_id, Decimal("1200.00"))], **self.when()
        )
        payment = OpenItem.objects.get(kind="PAYMENT")
        parts = [
            ApplicationPart(payment_of.pk, Decimal("200.00")),
            ApplicationPart(payment.pk, Decimal("-200.00")),
        ]
        outcomes = self.together(
            lambda: reverse_application(application_id=application.pk, reason="x", **self.when()),
            lambda: apply_credits(parts=parts, **self.when()),
        )
        assert sum(isinstance(outcome, BusinessError) for outcome in outcomes) == 1
        assert_books(date(2026, 3, 2))
