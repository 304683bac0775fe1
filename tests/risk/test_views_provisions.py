"""The pages of allowances: asking, reading, closing by another person, files, scope."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from core.models import Role
from customers.models import EntityScope
from risk.models import IndividualAssessment, ProvisionRun
from risk.tasks_provisions import compute_provisions
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.risk.factories import TODAY, invoice
from tests.risk.pages import body
from tests.risk.test_operations_provisions import draft, enter_rates, toy_balance

pytestmark = pytest.mark.django_db


@pytest.fixture
def director(make_user):
    return make_user(Role.FINANCE_DIRECTOR, email="daf@example.test")


def asked(legal_entity, **values) -> dict[str, str]:
    return {"entity": str(legal_entity.pk), "as_of": TODAY.isoformat(), "outlook_factor": "1", **values}


@pytest.mark.django_db(transaction=True)
def test_asked_for_computed_read_and_closed_by_another(client, sign_in, director, entity) -> None:
    toy_balance(CustomerFactory(legal_entity=entity))
    enter_rates(entity)
    answer = client.post("/risque/depreciations/", asked(entity))
    run = ProvisionRun.objects.get()
    assert answer.url == f"/risque/depreciations/{run.pk}/"
    assert "Calcul en cours" in body(client.get(answer.url))
    assert compute_provisions() == 1
    page = body(client.get(answer.url))
    for told in ("3 020,00 €", "120 000,00 €", "2,40 %", "saisi", "Vieillissement"):
        assert told in page
    assert "Arrêter la dépréciation" not in page
    assert client.post(f"{answer.url}arreter/").status_code == 403
    other = sign_in(director)
    assert "Arrêter la dépréciation" in body(other.get(answer.url))
    other.post(f"{answer.url}arreter/")
    run.refresh_from_db()
    assert run.status == "CLOSED" and run.closed_by == director
    entries = other.get(f"{answer.url}ecritures/")
    assert b"".join(entries.streaming_content).startswith(b"JournalCode;")
    lines = b"".join(other.get(f"{answer.url}lignes.csv").streaming_content).decode()
    assert len(lines.splitlines()) == 6 and "480,00" in lines
    assert other.get(f"{answer.url}lignes.xlsx").status_code == 200
    assert other.get(f"{answer.url}lignes.pdf").status_code == 404
    assert "Pas encore connu" in body(other.get(f"{answer.url}controle/"))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"as_of": (TODAY + timedelta(days=1)).isoformat()}, "Cette date est dans le futur."),
        ({"outlook_factor": "1,2"}, "Écrivez ce qui justifie ce coefficient"),
        ({"outlook_factor": "9"}, "inférieure ou égale à 5"),
        ({"entity": "999999"}, "Sélectionnez un choix valide"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(client, entity, values, told) -> None:
    answer = client.post("/risque/depreciations/", asked(entity, **values))
    assert answer.status_code == 400 and told in body(answer)
    assert not ProvisionRun.objects.exists()


def test_the_method_is_written_in_percent(client, entity) -> None:
    page = f"/risque/depreciations/methode/{entity.pk}/"
    values = {
        "grouping": "COUNTRY", "base": "WITHOUT_VAT", "window_months": "36", "loss_after_days": "400",
        "minimum_count": "10", "insolvency_rate": "85,5", "doubtful_account": "416000",
        "allowance_account": "491000", "charge_account": "681740", "reversal_account": "781740", "rate_4": "62,5",
    }  # fmt: skip
    assert client.post(page, values).status_code == 302
    assert 'value="62,5"' in body(client.get(page)) and 'value="85,5"' in body(client.get(page))
    assert client.post(page, values | {"rate_4": "101"}).status_code == 400


def test_a_debt_is_assessed_and_let_go(client, entity) -> None:
    customer = CustomerFactory(legal_entity=entity)
    item = invoice(customer, "100", TODAY)
    page = f"/risque/depreciations/evaluations/clients/{customer.pk}/"
    assert item.number in body(client.get(page))
    client.post(page, {"item": item.pk, "cause": "DISPUTE", "rate": "50", "evidence": "Expertise"})
    found = IndividualAssessment.objects.get()
    assert (found.rate, found.item) == (D("0.5"), item)
    assert "Expertise" in body(client.get("/risque/depreciations/evaluations/"))
    client.post(f"/risque/depreciations/evaluations/{found.pk}/lever/", {"reason": "Accord"})
    assert "Expertise" in body(client.get("/risque/depreciations/evaluations/?etat=levees"))


def test_the_whole_is_for_those_who_see_the_whole(entity, make_user, sign_in) -> None:
    """A portfolio, or another entity, does not open the figures of an entity."""
    toy_balance(CustomerFactory(legal_entity=entity))
    enter_rates(entity)
    run = draft(entity)
    limited = make_user(Role.CREDIT_MANAGER, email="portefeuille@example.test")
    EntityScope.objects.filter(user=limited).update(own_portfolio_only=True)
    assert sign_in(limited).get(f"/risque/depreciations/{run.pk}/").status_code == 404
    stranger = make_user(Role.CREDIT_MANAGER, email="ailleurs@example.test")
    EntityScope.objects.filter(user=stranger).update(legal_entity=LegalEntityFactory())
    assert sign_in(stranger).get(f"/risque/depreciations/{run.pk}/").status_code == 404


def test_queries_do_not_grow_with_the_closings(client, entity, django_assert_num_queries) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    toy_balance(CustomerFactory(legal_entity=entity))
    enter_rates(entity)
    counts = []
    for size in (2, 12):
        for _each in range(size):
            draft(entity)
        with CaptureQueriesContext(
            connection,
        ) as told:
            client.get("/risque/depreciations/")
        counts.append(len(told))
    assert counts[0] == counts[1]
