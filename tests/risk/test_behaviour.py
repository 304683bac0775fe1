"""The facts of the scorecard, read from small ledgers."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from customers.models import Customer
from invoices.models import Allocation, OpenItem, Promise
from risk.behaviour import behaviour_of, behaviours
from risk.scoring import Behaviour
from tests.customers.factories import CustomerFactory
from tests.invoices.factories import (
    AllocationFactory,
    CreditNoteFactory,
    DisputeFactory,
    OpenItemFactory,
    PaymentFactory,
    PromiseFactory,
)
from tests.risk.factories import TODAY, invoice, paid_late, pay

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> Customer:
    return CustomerFactory()


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def test_weighted_average_days_late_of_the_indicators(customer: Customer) -> None:
    paid_late(customer, "100000", 10, ago(60))
    paid_late(customer, "10000", 40, ago(60))
    found = behaviour_of(customer.pk, TODAY)
    assert found.settled_count == 2
    assert found.weighted_days_late is not None
    assert round(found.weighted_days_late, 1) == Decimal("12.7")


def test_early_payments_count_negative(customer: Customer) -> None:
    paid_late(customer, "1000", -10, ago(60))
    paid_late(customer, "1000", 4, ago(60))
    assert behaviour_of(customer.pk, TODAY).weighted_days_late == -3


def test_the_payment_counts_from_its_own_day_and_not_from_its_matching(customer: Customer) -> None:
    item = invoice(customer, "1000", ago(80))
    payment = PaymentFactory(customer=customer, issue_date=ago(78), total_amount=Decimal("-1000"))
    AllocationFactory(debit=item, credit=payment, allocated_on=ago(40))
    assert behaviour_of(customer.pk, TODAY).weighted_days_late == 2


def test_the_last_payment_settles(customer: Customer) -> None:
    item = invoice(customer, "1000", ago(80))
    pay(item, ago(80), "600")
    pay(item, ago(50))
    assert behaviour_of(customer.pk, TODAY).weighted_days_late == 30


def test_what_credit_notes_settle_was_not_paid(customer: Customer) -> None:
    item = invoice(customer, "200", ago(80))
    AllocationFactory(debit=item, credit=CreditNoteFactory(customer=customer, issue_date=ago(20)))
    found = behaviour_of(customer.pk, TODAY)
    assert (found.settled_count, found.weighted_days_late) == (0, None)
    assert (found.due_count, found.on_time_share) == (0, None)


def test_on_time_rate_of_the_indicators(customer: Customer) -> None:
    pay(invoice(customer, "90000", ago(60)), ago(55))
    pay(invoice(customer, "20000", ago(60)), ago(54))
    found = behaviour_of(customer.pk, TODAY)
    assert found.due_count == 2
    assert found.on_time_share is not None
    assert round(found.on_time_share, 3) == Decimal("0.818")


def test_an_invoice_is_judged_once_its_fifth_day_is_over(customer: Customer) -> None:
    invoice(customer, "1000", ago(5))
    assert behaviour_of(customer.pk, TODAY).due_count == 0
    found = behaviour_of(customer.pk, TODAY + timedelta(days=1))
    assert (found.due_count, found.on_time_share) == (1, 0)


def test_halves_of_the_year_stand_apart(customer: Customer) -> None:
    paid_late(customer, "1000", 20, date(2026, 5, 24))
    paid_late(customer, "1000", 8, date(2026, 5, 23))
    paid_late(customer, "1000", 90, date(2025, 11, 23))
    found = behaviour_of(customer.pk, TODAY)
    assert (found.recent_count, found.recent_days_late) == (1, 20)
    assert (found.earlier_count, found.earlier_days_late) == (1, 8)
    assert found.settled_count == 2


def test_credits_are_taken_off_what_is_overdue(customer: Customer) -> None:
    invoice(customer, "4000", ago(30))
    invoice(customer, "6000", TODAY + timedelta(days=10))
    PaymentFactory(customer=customer, issue_date=ago(2), total_amount=Decimal("-2000"))
    found = behaviour_of(customer.pk, TODAY)
    assert (found.overdue_share, found.oldest_overdue_days) == (Decimal("0.25"), 30)


def test_cash_that_covers_all_that_is_overdue_leaves_nothing_late(customer: Customer) -> None:
    invoice(customer, "4000", ago(30))
    PaymentFactory(customer=customer, issue_date=ago(2), total_amount=Decimal("-4000"))
    found = behaviour_of(customer.pk, TODAY)
    assert (found.overdue_share, found.oldest_overdue_days) == (0, 0)


def test_the_due_day_itself_is_not_late(customer: Customer) -> None:
    invoice(customer, "4000", TODAY)
    found = behaviour_of(customer.pk, TODAY)
    assert (found.overdue_share, found.oldest_overdue_days, found.fallen_due_count) == (0, 0, 0)


def test_currencies_are_never_added(customer: Customer) -> None:
    paid_late(customer, "1000", 5, ago(60))
    dollars = invoice(customer, "9000", ago(90), currency="USD")
    pay(dollars, ago(20))
    invoice(customer, "50", ago(40), currency="USD")
    found = behaviour_of(customer.pk, TODAY)
    assert (found.settled_count, found.weighted_days_late) == (1, 5)
    assert found.overdue_share == 0
    assert found.oldest_overdue_days == 40


def test_promises_disputes_and_length_of_relation(customer: Customer) -> None:
    item = invoice(customer, "1000", ago(100), issue_date=ago(130))
    for days, status in ((50, "BROKEN"), (40, "KEPT"), (400, "BROKEN")):
        PromiseFactory(
            item=item, promised_date=ago(days), made_on=ago(days + 5), status=Promise.Status(status)
        )
    DisputeFactory(item=item, opened_on=ago(90), resolved_on=ago(80))
    found = behaviour_of(customer.pk, TODAY)
    assert (found.broken_promises, found.disputes, found.invoice_count) == (1, 1, 1)
    assert found.relation_days == 130
    Customer.objects.filter(pk=customer.pk).update(customer_since=ago(900))
    assert behaviour_of(customer.pk, TODAY).relation_days == 900


def returned_debit(customer: Customer, days: int) -> Allocation:
    """A payment matched to an invoice, unmatched two days later."""
    item = invoice(customer, "700", ago(days))
    payment = PaymentFactory(customer=customer, issue_date=ago(days), total_amount=Decimal("-700"))
    return AllocationFactory(
        debit=item, credit=payment, amount=Decimal("700"), allocated_on=ago(days), reversed_on=ago(days - 2)
    )


def test_a_returned_payment_has_bounced(customer: Customer) -> None:
    undone = returned_debit(customer, 40)
    back = OpenItemFactory(
        customer=customer,
        kind=OpenItem.Kind.OTHER,
        issue_date=ago(38),
        due_date=ago(38),
        total_amount=Decimal("700"),
    )
    AllocationFactory(debit=back, credit=undone.credit, allocated_on=ago(38))
    found = behaviour_of(customer.pk, TODAY)
    assert (found.bounced_payments, found.settled_count) == (1, 0)


def test_a_corrected_match_has_not_bounced(customer: Customer) -> None:
    undone = returned_debit(customer, 40)
    AllocationFactory(debit=invoice(customer, "700", ago(45)), credit=undone.credit, allocated_on=ago(38))
    assert behaviour_of(customer.pk, TODAY).bounced_payments == 0


def test_insolvency_counts_from_its_judgment(customer: Customer) -> None:
    Customer.objects.filter(pk=customer.pk).update(status="INSOLVENT", insolvency_date=ago(3))
    assert behaviour_of(customer.pk, TODAY).is_insolvent is True
    assert behaviour_of(customer.pk, ago(4)).is_insolvent is False


def test_a_past_day_gives_what_was_true_then(customer: Customer) -> None:
    item = paid_late(customer, "1000", 20, ago(10))
    then = behaviour_of(customer.pk, ago(15))
    assert (then.settled_count, then.oldest_overdue_days, then.overdue_share) == (0, 15, 1)
    assert behaviour_of(customer.pk, TODAY).settled_count == 1
    Allocation.objects.filter(debit=item).update(reversed_on=ago(1))
    OpenItem.objects.filter(pk=item.pk).update(open_amount=Decimal("1000"))
    assert behaviour_of(customer.pk, ago(2)).settled_count == 1


def test_old_settled_items_no_longer_count_but_old_debts_do(customer: Customer) -> None:
    paid_late(customer, "1000", 1200, ago(20))
    old = invoice(customer, "300", ago(1500))
    found = behaviour_of(customer.pk, TODAY)
    assert found.settled_count == 0
    assert found.oldest_overdue_days == (TODAY - old.due_date).days


def test_no_account_and_unknown_customer(customer: Customer) -> None:
    assert behaviour_of(customer.pk, TODAY) == Behaviour()
    with pytest.raises(LookupError):
        behaviour_of(0, TODAY)


def test_one_and_many_are_the_same_query(customer: Customer, django_assert_num_queries) -> None:
    others = [CustomerFactory() for _n in range(3)]
    for place, other in enumerate([customer, *others]):
        paid_late(other, "1000", place, ago(60))
        invoice(other, "500", ago(7 * place + 1))
    with django_assert_num_queries(1):
        found = behaviours([other.pk for other in others], TODAY)
    assert [entry.customer_id for entry in found] == [other.pk for other in others]
    assert [entry.behaviour for entry in found] == [behaviour_of(other.pk, TODAY) for other in others]
