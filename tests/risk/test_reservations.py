"""Headroom is never taken twice: threads over the real database, through the API, and random sequences."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import close_old_connections, connection

from core import clock
from core.models import Role
from core.rights import SYSTEM
from customers.models import Customer
from risk.exposure import exposures
from risk.models import CreditCheck, CreditLimit, Order, PendingAmount
from risk.operations.credit_checks import ask_credit
from risk.operations.order_sweeps import settle_orders
from risk.operations.orders import DeliveryValues, end_order, record_delivery
from tests.api_client import Partner
from tests.customers.factories import CustomerFactory
from tests.risk.factories import NOW, TODAY, invoice, limit

DAYS = {"today": TODAY, "now": NOW}


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Every call in a thread of its own, with its own connection, all begun together."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        close_old_connections()
        try:
            barrier.wait()
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def reserve(customer: Customer, reference: str, amount: str = "100") -> CreditCheck:
    return ask_credit(
        actor=SYSTEM,
        customer=customer,
        amount=Decimal(amount),
        reference=reference,
        reserves=True,
        **DAYS,
    )


def settings_without_tolerance(customer: Customer) -> None:
    from risk.operations.risk_settings import set_risk_settings

    set_risk_settings(
        actor=SYSTEM, legal_entity=customer.legal_entity, values={"tolerance_percent": 0}, **DAYS
    )


@pytest.mark.django_db(transaction=True)
def test_simultaneous_orders_of_one_customer() -> None:
    customer = CustomerFactory()
    limit(customer, "500")
    settings_without_tolerance(customer)
    checks = at_once([lambda n=n: reserve(customer, f"C-{n}") for n in range(8)])
    assert sorted(check.outcome for check in checks) == ["APPROVED"] * 5 + ["REFUSED"] * 3
    assert exposures([customer], TODAY)[customer.pk].amount == 500
    assert PendingAmount.objects.get(customer=customer).counted_amount == 500


@pytest.mark.django_db(transaction=True)
def test_simultaneous_orders_of_a_group() -> None:
    head = CustomerFactory()
    accounts = [CustomerFactory(legal_entity=head.legal_entity, parent=head) for _n in range(6)]
    for account in accounts:
        limit(account, "500")
    CreditLimit.objects.create(
        customer=head,
        scope="GROUP",
        amount=300,
        currency="EUR",
        valid_from=TODAY,
        reason="Groupe",
        decided_at=NOW,
    )
    settings_without_tolerance(head)
    checks = at_once([lambda a=a: reserve(a, f"C-{a.pk}") for a in accounts])
    assert sorted(check.outcome for check in checks) == ["APPROVED"] * 3 + ["REFUSED"] * 3


@pytest.mark.django_db(transaction=True)
def test_the_same_order_sent_twice_at_once_is_reserved_once() -> None:
    customer = CustomerFactory()
    limit(customer, "500")
    checks = at_once([lambda: reserve(customer, "C-1", "400") for _n in range(4)])
    assert {check.outcome for check in checks} == {"APPROVED"}
    assert Order.objects.get().amount == 400
    assert exposures([customer], TODAY)[customer.pk].amount == 400


@pytest.mark.django_db(transaction=True)
def test_simultaneous_requests_through_the_api(make_user) -> None:
    customer = CustomerFactory()
    today = clock.today()
    limit(customer, "500", today=today, now=clock.now())
    settings_without_tolerance(customer)
    partners = [Partner(make_user(Role.API_PARTNER, email=f"erp{n}@example.test")) for n in range(6)]
    bodies = [
        {"customer": str(customer.uid), "amount": "100.00", "reserve": True, "reference": f"C-{n}"}
        for n in range(6)
    ]
    answers = at_once(
        [
            lambda partner=partner, body=body: partner.post(
                "credit-checks", body, Idempotency_Key=body["reference"]
            )
            for partner, body in zip(partners, bodies, strict=True)
        ]
    )
    assert [answer.status_code for answer in answers] == [201] * 6, answers[0].content
    outcomes = sorted(answer.json()["outcome"] for answer in answers)
    assert outcomes == ["APPROVED"] * 5 + ["REFUSED"]
    again = partners[0].post("credit-checks", bodies[0], Idempotency_Key="C-0")
    assert again["Idempotency-Replayed"] == "true"
    assert exposures([customer], today)[customer.pk].amount == 500


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(6))
def test_random_sequences_never_go_beyond_the_limit(seed: int) -> None:
    """Asked, asked again, delivered, billed, paid, cancelled in any order: what was granted stays within the limit."""
    chance = random.Random(seed)
    customer = CustomerFactory()
    limit(customer, "1000")
    orders: list[str] = []
    for step in range(30):
        what = chance.choice(["ask", "ask", "again", "deliver", "bill", "cancel", "sweep"])
        if what == "ask":
            reference = f"C-{seed}-{step}"
            check = reserve(customer, reference, str(chance.randint(1, 60_000) / Decimal(100)))
            if check.outcome == "APPROVED":
                orders.append(reference)
        elif what == "sweep":
            settle_orders(actor=SYSTEM, **DAYS)
        elif orders:
            order = Order.objects.get(reference=chance.choice(orders))
            if what == "again" and order.status in ("RESERVED", "CANCELLED"):
                reserve(customer, order.reference, str(chance.randint(1, 60_000) / Decimal(100)))
            elif what == "deliver" and order.status == "RESERVED":
                given = DeliveryValues(
                    (order.amount / 2).quantize(Decimal("0.01")), order_reference=order.reference
                )
                record_delivery(
                    actor=SYSTEM, customer=customer, reference=f"BL-{seed}-{step}", values=given, **DAYS
                )
            elif what == "bill" and order.status in Order.OPEN_STATUSES:
                invoice(
                    customer,
                    str(order.amount),
                    TODAY + timedelta(days=30),
                    issue_date=TODAY,
                    reference=order.reference,
                )
                orders.remove(order.reference)
            elif what == "cancel" and order.status in Order.OPEN_STATUSES:
                end_order(actor=SYSTEM, order=order, status="CANCELLED", reason="Annulée", **DAYS)
        used = exposures([customer], TODAY)[customer.pk]
        assert used.amount <= 1000, (step, what)
    settle_orders(actor=SYSTEM, **DAYS)
    kept = sum((row.counted_amount for row in PendingAmount.objects.filter(customer=customer)), Decimal(0))
    found = exposures([customer], TODAY)[customer.pk].counted
    assert kept == found.deliveries_amount + found.orders_amount
