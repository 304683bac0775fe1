"""Setting a limit, refusing to, and two people at once."""

from datetime import timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.db import connection

from core.errors import NotAllowed
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from customers.models import Customer
from risk.models import CreditLimit
from risk.operations.limits import LimitRefused, set_limit
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.risk.factories import NOW, TODAY, limit

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> Customer:
    return CustomerFactory()


def rows() -> list[list[tuple]]:
    return [list(model.objects.order_by("pk").values_list()) for model in (CreditLimit, AuditEvent)]


def test_first_limit(customer: Customer, make_user) -> None:
    manager = make_user(Role.CREDIT_MANAGER)
    made = set_limit(
        actor=manager,
        customer=customer,
        amount=Decimal("50000"),
        reason="  Bilan 2025 :  capitaux propres solides ",
        today=TODAY,
        now=NOW,
    )
    made.refresh_from_db()
    assert (made.amount, made.currency, made.valid_from, made.valid_to) == (50000, "EUR", TODAY, None)
    assert (made.reason, made.decided_by, made.decided_at) == (
        "Bilan 2025 : capitaux propres solides",
        manager,
        NOW,
    )
    event = AuditEvent.objects.get()
    assert (event.verb, event.actor, event.data["amount"], event.data["previous_amount"]) == (
        "risk.limit.set",
        manager,
        "50000",
        None,
    )
    assert event.refs == [f"creditlimit:{made.pk}", f"customer:{customer.pk}"]


def test_new_limit_ends_the_one_before(customer: Customer) -> None:
    first = limit(customer, "50000", today=TODAY - timedelta(days=100))
    second = limit(customer, "80000", currency="usd", seen_limit_id=first.pk)
    first.refresh_from_db()
    assert (first.valid_to, second.valid_from) == (TODAY - timedelta(days=1), TODAY)
    assert (second.currency, second.valid_to) == ("USD", None)
    assert list(CreditLimit.objects.in_force()) == [second]
    event = AuditEvent.objects.latest("pk")
    assert (event.data["previous_amount"], event.data["previous_currency"]) == ("50000.00", "EUR")


def test_limit_replaced_on_its_first_day_covers_no_day(customer: Customer) -> None:
    first = limit(customer, "50000")
    limit(customer, "0")
    first.refresh_from_db()
    assert (first.valid_from, first.valid_to) == (TODAY, TODAY - timedelta(days=1))
    assert CreditLimit.objects.in_force(TODAY).get().amount == 0


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"reason": "   "}, "limit_refused", "reason"),
        ({"reason": "x" * 201}, "limit_refused", "reason"),
        ({"amount": Decimal("-1")}, "limit_refused", "amount"),
        ({"amount": Decimal("0.001")}, "limit_refused", "amount"),
        ({"amount": Decimal("1000000000000")}, "limit_refused", "amount"),
        ({"amount": Decimal("NaN")}, "limit_refused", "amount"),
        ({"amount": Decimal("Infinity")}, "limit_refused", "amount"),
        ({"amount": Decimal("50000.00")}, "same_limit", "amount"),
        ({"currency": "EURO"}, "limit_refused", "currency"),
        ({"currency": "€"}, "limit_refused", "currency"),
        ({"seen_limit_id": 0}, "changed_meanwhile", None),
        ({"seen_limit_id": 2**62}, "changed_meanwhile", None),
    ],
)
def test_refusals_change_nothing(customer: Customer, values, code: str, field: str | None) -> None:
    limit(customer, "50000")
    before = rows()
    asked = {"amount": Decimal("60000"), "reason": "Commande", "today": TODAY, "now": NOW} | values
    with pytest.raises(LimitRefused) as refusal:
        set_limit(actor=SYSTEM, customer=customer, **asked)
    assert (refusal.value.code, refusal.value.field) == (code, field)
    assert rows() == before


def test_closed_account_gets_no_limit(customer: Customer) -> None:
    Customer.objects.filter(pk=customer.pk).update(status=Customer.Status.CLOSED)
    with pytest.raises(LimitRefused, match="clôturé"):
        limit(customer, "50000")
    assert rows() == [[], []]


def test_customer_out_of_scope_does_not_exist(customer: Customer, make_user) -> None:
    manager = make_user(Role.CREDIT_MANAGER, sees=[LegalEntityFactory()])
    with pytest.raises(LimitRefused) as refusal:
        limit(customer, "50000", actor=manager)
    assert refusal.value.code == "customer_unknown"
    assert rows() == [[], []]


@pytest.mark.parametrize(
    "role", [Role.ACCOUNTANT, Role.FINANCE_DIRECTOR, Role.ADMINISTRATOR, Role.API_PARTNER]
)
def test_other_roles_may_not(customer: Customer, make_user, role: Role) -> None:
    with pytest.raises(NotAllowed):
        limit(customer, "50000", actor=make_user(role))
    assert not CreditLimit.objects.exists()
    assert [event.verb for event in AuditEvent.objects.all()] == ["core.operation.refused"]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_decided_one_after_the_other(customer: Customer) -> None:
    seen = limit(customer, "50000", today=TODAY - timedelta(days=9))
    barrier, outcomes = Barrier(2), []

    def attempt(amount: str) -> None:
        try:
            barrier.wait(5)
            outcomes.append(limit(customer, amount, seen_limit_id=seen.pk).amount)
        except LimitRefused as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [Thread(target=attempt, args=(amount,)) for amount in ("60000", "70000")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert "changed_meanwhile" in outcomes
    assert len(outcomes) == 2
    assert CreditLimit.objects.in_force().count() == 1
    assert CreditLimit.objects.count() == 2
    assert AuditEvent.objects.filter(verb="risk.limit.set").count() == 2
