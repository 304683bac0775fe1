"""Exposure against the limit: the indicators' cases, then small ledgers."""

from datetime import timedelta
from decimal import Decimal

import pytest

from core.models import Role
from core.rights import SYSTEM
from customers.models import Customer
from invoices.models import OpenItem
from invoices.operations.ageing import store_ageing
from risk.exposure import balances, exposures, group_exposure
from risk.exposure_rules import use_of
from risk.overview import class_summaries
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.factories import CreditNoteFactory, OpenItemFactory, PaymentFactory
from tests.risk.factories import NOW, TODAY, invoice, limit, pay


@pytest.mark.parametrize(
    ("exposure", "ceiling", "share", "headroom", "is_over", "tone"),
    [
        # The indicators' own case: exposure 110 000, limit 100 000: 110 %.
        ("110000", "100000", "1.100", "-10000", True, "late"),
        ("100000", "100000", "1.000", "0", False, "watch"),
        ("100000.01", "100000", "1.000", "-0.01", True, "late"),
        ("90000", "100000", "0.900", "10000", False, "watch"),
        ("89999.99", "100000", "0.900", "10000.01", False, "ok"),
        ("0", "100000", "0.000", "100000", False, "ok"),
        ("-500", "100000", "0.000", "100500", False, "ok"),
        ("0", "0", None, "0", False, "ok"),
        ("1", "0", None, "-1", True, "late"),
        ("500", None, None, None, False, "neutral"),
    ],
)
def test_use_of_a_limit(exposure, ceiling, share, headroom, is_over, tone) -> None:
    found = use_of(Decimal(exposure), None if ceiling is None else Decimal(ceiling))
    assert found.share == (None if share is None else Decimal(share))
    assert found.headroom == (None if headroom is None else Decimal(headroom))
    assert found.excess == (None if headroom is None else -Decimal(headroom))
    assert (found.is_over, found.tone) == (is_over, tone)


@pytest.fixture
def customer(db: None) -> Customer:
    return CustomerFactory()


def test_components_of_the_exposure(customer: Customer) -> None:
    invoice(customer, "90000", TODAY + timedelta(days=20))
    invoice(customer, "25000", TODAY - timedelta(days=1))
    CreditNoteFactory(customer=customer, total_amount=Decimal("-3000"))
    PaymentFactory(customer=customer, total_amount=Decimal("-2000"))
    pay(invoice(customer, "777", TODAY - timedelta(days=90)), TODAY)
    limit(customer, "100000")

    found = exposures([customer], TODAY)[customer.pk]

    assert found.counted.debits_amount == 115_000
    assert (found.counted.credit_notes_amount, found.counted.receipts_amount) == (3_000, 2_000)
    assert (found.amount, found.counted.overdue_amount) == (110_000, 25_000)
    assert (found.use.share, found.use.headroom) == (Decimal("1.100"), -10_000)


def test_other_credits_count_as_receipts_and_other_debits_as_debits(customer: Customer) -> None:
    OpenItemFactory(customer=customer, kind=OpenItem.Kind.OTHER, total_amount=Decimal("-40"))
    OpenItemFactory(customer=customer, kind=OpenItem.Kind.OTHER, total_amount=Decimal("100"))
    found = exposures([customer], TODAY)[customer.pk]
    assert (found.counted.debits_amount, found.counted.receipts_amount, found.amount) == (100, 40, 60)


def test_other_currencies_stand_apart(customer: Customer) -> None:
    invoice(customer, "1000", TODAY)
    invoice(customer, "700", TODAY, currency="USD")
    limit(customer, "500", currency="USD")
    found = exposures([customer], TODAY)[customer.pk]
    assert (found.currency, found.amount, found.use.is_over) == ("USD", 700, True)
    assert [(part.currency, part.amount) for part in found.apart] == [("EUR", 1000)]


def test_without_limit_and_without_items(customer: Customer) -> None:
    found = exposures([customer], TODAY)[customer.pk]
    assert (found.amount, found.limit_amount, found.currency, found.apart) == (0, None, "EUR", ())
    assert exposures([], TODAY) == {}


def test_the_same_queries_for_any_number(customer: Customer, django_assert_num_queries) -> None:
    customers = [customer, *(CustomerFactory() for _n in range(9))]
    for other in customers:
        invoice(other, "100", TODAY)
        limit(other, "50")
    # What is owed and ordered, limits of accounts, limits of groups, what entities count.
    with django_assert_num_queries(4):
        found = exposures(customers, TODAY)
    assert {exposure.amount for exposure in found.values()} == {100}


def test_group_is_added_up_from_its_ultimate_parent(customer: Customer, make_user) -> None:
    entity = customer.legal_entity
    child = CustomerFactory(legal_entity=entity, parent=customer)
    grandchild = CustomerFactory(legal_entity=entity, parent=child)
    abroad = CustomerFactory(legal_entity=LegalEntityFactory(), parent=child)
    for member, amount, currency in (
        (customer, "100", "EUR"),
        (child, "20", "EUR"),
        (grandchild, "3", "EUR"),
        (grandchild, "9", "USD"),
        (abroad, "4000", "EUR"),
    ):
        invoice(member, amount, TODAY, currency=currency)

    for member in (customer, child, grandchild):
        found = group_exposure(member, SYSTEM, TODAY)
        assert found is not None
        assert (found.parent, found.account_count) == (customer, 4)
        assert found.amounts == (("EUR", 4123), ("USD", 9))
    near = group_exposure(child, make_user(Role.CREDIT_MANAGER, sees=[entity]), TODAY)
    assert near is not None
    assert (near.account_count, near.amounts) == (3, (("EUR", 123), ("USD", 9)))


def test_account_alone_and_circle_of_parents_are_no_group(customer: Customer) -> None:
    assert group_exposure(customer, SYSTEM, TODAY) is None
    other = CustomerFactory(parent=customer)
    Customer.objects.filter(pk=customer.pk).update(parent=other)
    assert group_exposure(customer, SYSTEM, TODAY) is None


def test_stored_and_live_balances_agree(customer: Customer, make_user) -> None:
    manager = make_user(Role.CREDIT_MANAGER)
    other = CustomerFactory()
    invoice(customer, "1000", TODAY - timedelta(days=3))
    invoice(other, "50", TODAY + timedelta(days=3))
    invoice(other, "70", TODAY - timedelta(days=3), currency="USD")
    PaymentFactory(customer=other, total_amount=Decimal("-20"))

    def everything():
        held = balances(manager, TODAY)
        rows = sorted(
            (row["customer_id"], row["currency"], row["balance"], row["overdue"]) for row in held.rows
        )
        return held.stored_on, rows, class_summaries(Customer.objects.all(), held)

    live_day, live_rows, live_classes = everything()
    store_ageing(actor=SYSTEM, legal_entity=customer.legal_entity, as_of=TODAY, now=NOW)
    assert everything()[0] is None
    store_ageing(actor=SYSTEM, legal_entity=other.legal_entity, as_of=TODAY, now=NOW)
    stored_day, stored_rows, stored_classes = everything()

    assert (live_day, stored_day) == (None, TODAY)
    assert live_rows == stored_rows
    assert live_rows == [
        (customer.pk, "EUR", 1000, 1000),
        (other.pk, "EUR", 30, 0),
        (other.pk, "USD", 70, 70),
    ]
    assert live_classes == stored_classes
    assert live_classes[-1].customer_count == 2
    assert [(part.currency, part.exposure_amount) for part in live_classes[-1].amounts] == [
        ("EUR", 1030),
        ("USD", 70),
    ]
