"""Credit checks, orders, deliveries, exposure and holds for partners."""

import pytest

from core.models import AuditEvent, Role
from core.rights import SYSTEM
from customers.models import Customer
from risk.models import CreditCheck, Order
from risk.operations.holds import place_hold
from tests.api_client import Partner, problem
from tests.customers.factories import CustomerFactory
from tests.pages import counting
from tests.risk.factories import NOW, TODAY, invoice, limit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_day")]


@pytest.fixture
def partner(make_user) -> Partner:
    return Partner(make_user(Role.API_PARTNER))


@pytest.fixture
def customer(entity) -> Customer:
    customer = CustomerFactory(legal_entity=entity, account_code="C42")
    limit(customer, "1000")
    return customer


def test_check_with_reservation(partner: Partner, customer: Customer) -> None:
    body = {"customer": "external:C42", "amount": "700.00", "reserve": True, "reference": "W-1"}
    answer = partner.post("credit-checks", body, Idempotency_Key="k1")
    assert answer.status_code == 201
    found = answer.json()
    assert (found["outcome"], found["may_deliver"], found["status"]) == ("APPROVED", True, "FINAL")
    assert (found["headroom_before"], found["headroom_after"]) == ("1000.00", "300.00")
    assert found["reservation"]["external_id"] == "W-1"
    assert partner.get(f"credit-checks/{found['id']}").json() == found
    again = partner.post("credit-checks", body, Idempotency_Key="k1")
    assert (again["Idempotency-Replayed"], again.json()) == ("true", found)
    assert CreditCheck.objects.count() == 1
    refused = partner.post("credit-checks", {**body, "amount": "1500.00", "reference": "W-2"}).json()
    assert refused["may_deliver"] is False
    assert refused["reasons"][0]["code"] == "over_limit"
    assert "Plafond dépassé" in refused["reasons"][0]["message"]
    assert refused["reservation"] is None
    referred = partner.post("credit-checks", {**body, "amount": "350.00", "reference": "W-3"}).json()
    assert (referred["status"], referred["may_deliver"]) == ("PENDING", False)
    assert [row["id"] for row in partner.get("credit-checks?status=PENDING").json()["results"]] == [
        referred["id"]
    ]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"customer": "external:none"}, 400, "invalid"),
        ({"amount": "-1.00"}, 422, "order_refused"),
        ({"amount": "1.001"}, 400, "invalid"),
        ({"amount": "NaN"}, 400, "invalid"),
        ({"reserve": True}, 422, "order_refused"),
        ({"reserve": True, "reference": "W", "expires_on": "2020-01-01"}, 422, "order_refused"),
        ({"currency": "12"}, 422, "order_refused"),
        ({"surprise": 1}, 400, "invalid"),
    ],
)
def test_refused_questions_leave_nothing(partner: Partner, customer: Customer, change, status, code) -> None:
    body = {"customer": "external:C42", "amount": "10.00"} | change
    problem(partner.post("credit-checks", body), status, code)
    assert not CreditCheck.objects.exists()
    assert not Order.objects.exists()


def test_statements_of_a_check(partner: Partner, customer: Customer) -> None:
    body = {"customer": "external:C42", "amount": "1.00", "reserve": True}
    partner.post("credit-checks", {**body, "reference": "W-0"}, Idempotency_Key="k0")
    with counting() as asked:
        partner.post("credit-checks", {**body, "reference": "W-1"}, Idempotency_Key="k1")
        assert asked() <= 24


def test_orders_and_deliveries(partner: Partner, customer: Customer) -> None:
    body = {"customer": "external:C42", "amount": "600.00", "ordered_on": "2026-11-20"}
    made = partner.put("orders/external:C/1", body)
    assert made.status_code == 201
    assert made.json()["status"] == "RESERVED"
    assert partner.put("orders/external:C/1", body).status_code == 200
    assert AuditEvent.objects.filter(verb="risk.order.recorded").count() == 1
    problem(
        partner.put("orders/external:C/1", {**body, "amount": "5.00"}, If_Match='"old"'),
        412,
        "precondition_failed",
    )
    sent = {"customer": "external:C42", "amount": "200.00", "order": "C/1"}
    assert partner.put("deliveries/external:BL1", sent).status_code == 201
    problem(partner.put("deliveries/external:BL2", {**sent, "order": "none"}), 409, "order_unknown")
    exposure = partner.get("exposures/external:C42").json()
    assert exposure["exposure"]["deliveries_amount"] == "200.00"
    assert exposure["exposure"]["orders_amount"] == "400.00"
    assert (exposure["headroom_amount"], exposure["limit"]["amount"]) == ("400.00", "1000.00")
    closed = partner.put("orders/external:C/1", {**body, "status": "CLOSED"})
    assert closed.json()["status"] == "CLOSED"
    assert partner.put("orders/external:C/1", {**body, "status": "CLOSED"}).status_code == 200
    assert len(partner.get("orders?customer=external:C42").json()["results"]) == 1
    assert partner.get("deliveries").json()["results"][0]["order"] == "C/1"
    assert partner.put("deliveries/external:BL1", {**sent, "status": "BILLED"}).json()["status"] == "BILLED"
    assert partner.get("exposures/external:C42").json()["exposure"]["exposure_amount"] == "0.00"


def test_exposure_and_holds(partner: Partner, customer: Customer) -> None:
    invoice(customer, "300", TODAY)
    invoice(customer, "70", TODAY, currency="USD")
    place_hold(actor=SYSTEM, customer=customer, reason="Chèque impayé", today=TODAY, now=NOW)
    found = partner.get("exposures/external:C42").json()
    assert (found["exposure"]["exposure_amount"], found["used_share"]) == ("300.00", "0.300")
    assert found["other_currencies"][0]["currency"] == "USD"
    assert found["holds"] == [{"kind": "MANUAL", "reason": "Chèque impayé", "since": "2026-11-23"}]
    assert partner.get("holds?kind=MANUAL").json()["results"][0]["customer"]["external_id"] == "C42"
    answer = partner.post("credit-checks", {"customer": "external:C42", "amount": "5.00"}).json()
    assert [reason["code"] for reason in answer["reasons"]] == ["hold"]


def test_scopes_of_the_key_and_of_the_person(customer: Customer, make_user) -> None:
    reader = Partner(make_user(Role.API_PARTNER), scopes=["credit-checks:read"])
    problem(reader.post("credit-checks", {"customer": "external:C42", "amount": "5.00"}), 403, "forbidden")
    stranger = Partner(make_user(Role.API_PARTNER, email="autre@example.test", sees=[]))
    problem(stranger.get("exposures/external:C42"), 404, "not_found")
    problem(stranger.post("credit-checks", {"customer": "external:C42", "amount": "5.00"}), 400, "invalid")
    assert not CreditCheck.objects.exists()
