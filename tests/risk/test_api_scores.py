"""Scores, accounts and ratings for partners."""

import pytest

from core.models import Role
from core.rights import SYSTEM
from customers.models import Customer
from risk.models import ExternalRating, FinancialStatement
from risk.operations.scoring import score_customers
from tests.api_client import Partner, problem
from tests.customers.factories import CustomerFactory
from tests.pages import counting
from tests.risk.alpha import CELLS
from tests.risk.factories import NOW, TODAY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_day")]
VALUES = {code: f"{value}.00" for code, value in CELLS.items()}


@pytest.fixture
def partner(make_user) -> Partner:
    return Partner(make_user(Role.API_PARTNER))


@pytest.fixture
def customer(entity) -> Customer:
    return CustomerFactory(legal_entity=entity, account_code="C42", siren="732829320")


def body(**changes) -> dict:
    given = {
        "customer": "external:C42",
        "form": "NORMAL",
        "period_end": "2025-12-31",
        "unit": 1000,
        "is_complete": True,
        "values": VALUES | {"EE": "1800.00", "DL": "700.00"},
    }
    return given | changes


def test_accounts_in_and_the_score_with_its_reasons_out(partner, customer) -> None:
    answer = partner.post("financial-statements", body(), Idempotency_Key="a1")
    assert answer.status_code == 201
    assert (answer.json()["siren"], answer.json()["values"]["EE"]) == ("732829320", "1800000.00")
    again = partner.post("financial-statements", body(), Idempotency_Key="a1")
    assert (again["Idempotency-Replayed"], FinancialStatement.objects.count()) == ("true", 1)
    rating = {"customer": "external:C42", "scale": "COFACE_DRA", "value": "8", "rated_on": "2026-11-01"}
    assert partner.post("external-ratings", rating).json()["position"] == "0.8000"
    score_customers(actor=SYSTEM, as_of=TODAY, now=NOW)

    [found] = partner.get("scores?customer=external:C42").json()["results"]

    assert (found["card_version"], found["is_advisory"]) == (2, False)
    assert sum(reason["points"] for reason in found["reasons"]) == found["points"]
    reasons = {reason["criterion"]: reason for reason in found["reasons"]}
    assert reasons["EQUITY_RATIO"]["input_date"] == "2025-12-31"
    assert (reasons["SECTOR"]["maximum"], bool(reasons["SECTOR"]["finding"])) == (0, True)
    assert len(partner.get("external-ratings").json()["results"]) == 1
    assert len(partner.get("financial-statements?customer=external:C42").json()["results"]) == 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"values": VALUES | {"EE": "1900.00"}}, "EE"),
        ({"values": {"ZZ": "1.00"}}, "ZZ"),
        ({"values": {"EE": "NaN"}}, "EE"),
        ({"values": []}, "values"),
        ({"months": 0}, "months"),
        ({"unit": 7}, "unit"),
        ({"customer": "external:none"}, "customer"),
        ({"surprise": 1}, "surprise"),
        ({"period_end": "2025-13-01"}, "period_end"),
    ],
)
def test_accounts_that_do_not_hold(partner, customer, change, pointer) -> None:
    found = problem(partner.post("financial-statements", body(**change)), 400, "invalid")
    assert any(pointer in error["pointer"] for error in found["errors"])
    assert not FinancialStatement.objects.exists()


def test_a_year_to_come_or_a_rating_off_its_scale(partner, customer) -> None:
    answer = partner.post("financial-statements", body(period_end="2027-12-31"))
    problem(answer, 422, "statement_refused")
    rating = {"customer": "external:C42", "scale": "COFACE_DRA", "value": "12", "rated_on": "2026-11-01"}
    problem(partner.post("external-ratings", rating), 422, "rating_refused")
    assert not ExternalRating.objects.exists()


def test_a_sole_trader_is_told_as_such(partner, entity) -> None:
    CustomerFactory(legal_entity=entity, account_code="EI", kind="SOLE_TRADER")
    score_customers(actor=SYSTEM, as_of=TODAY, now=NOW)
    assert partner.get("scores?customer=external:EI").json()["results"][0]["is_advisory"] is True


def test_outside_the_scope_nothing_is_seen(make_user, customer) -> None:
    score_customers(actor=SYSTEM, as_of=TODAY, now=NOW)
    stranger = Partner(make_user(Role.API_PARTNER, sees=[CustomerFactory().legal_entity]))
    assert all(row["customer"]["external_id"] != "C42" for row in stranger.get("scores").json()["results"])
    problem(stranger.post("financial-statements", body()), 400, "invalid")


def test_the_list_asks_as_much_for_two_as_for_twenty(partner, entity) -> None:
    counts = []
    for more in (2, 18):
        for _n in range(more):
            CustomerFactory(legal_entity=entity)
        score_customers(actor=SYSTEM, as_of=TODAY, now=NOW)
        partner.get("scores")
        with counting() as asked:
            partner.get("scores")
        counts.append(asked())
    assert counts[0] == counts[1]
