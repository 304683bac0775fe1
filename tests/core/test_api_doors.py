"""Who may ask the API, and how refusals read."""

from datetime import timedelta

import pytest
from django.test import Client

from core import clock
from core.api.authentication import LAST_USE_GRAIN_SECONDS
from core.models import ApiKey, AuditEvent, Role
from tests.api_client import Partner, make_key, problem
from tests.customers.factories import CustomerFactory, LegalEntityFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(make_user):
    return make_user(Role.API_PARTNER)


def ask(key: str, path: str = "customers"):
    return Client().get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {key}"})


def test_a_key_opens_and_its_last_use_is_noted(user) -> None:
    key = make_key(user)
    assert ask(key).status_code == 200
    used = ApiKey.objects.get().last_used_at
    assert abs((clock.now() - used).total_seconds()) < LAST_USE_GRAIN_SECONDS
    ask(key)
    assert ApiKey.objects.get().last_used_at == used


@pytest.mark.parametrize(
    "fields",
    [
        {"expires_at": clock.now() - timedelta(seconds=1)},
        {"revoked_at": clock.now() - timedelta(seconds=1)},
    ],
    ids=["expired", "revoked"],
)
def test_a_key_past_its_time_is_refused(user, fields) -> None:
    found = problem(ask(make_key(user, **fields)), 401, "authentication_failed")
    assert found["detail"] == "Clé d’API inconnue, expirée ou révoquée."


def test_a_key_of_somebody_who_left_is_refused(user) -> None:
    key = make_key(user)
    user.is_active = False
    user.save()
    problem(ask(key), 401, "authentication_failed")


def test_a_new_key_works_beside_the_old_one(user) -> None:
    old, new = make_key(user), make_key(user)
    assert ask(old).status_code == ask(new).status_code == 200


@pytest.mark.parametrize("header", ["Bearer faux", "Bearer", "Bearer a b", "Bearer é", "Bearer \udcff"])
def test_a_wrong_key_is_refused_with_how_to_authenticate(user, header: str) -> None:
    response = Client().get(
        "/api/v1/customers",
        headers={"Authorization": header.encode("utf-8", "surrogateescape").decode("latin-1")},
    )
    problem(response, 401, "authentication_failed")
    assert response["WWW-Authenticate"] == "Bearer"


def test_without_a_key_the_answer_says_how(db) -> None:
    response = Client().get("/api/v1/customers")
    assert "Authorization: Bearer" in problem(response, 401, "not_authenticated")["detail"]
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_key_without_the_scope_is_refused_and_writes_nothing(user) -> None:
    entity = LegalEntityFactory()
    partner = Partner(user, scopes=["customers:read"])
    assert partner.get("customers").status_code == 200
    body = {"legal_entity": entity.code, "name": "X", "siren": "732829320"}
    problem(partner.put("customers/external:X", body), 403, "forbidden")
    problem(partner.get("invoices"), 403, "forbidden")
    assert entity.customers.count() == 0
    assert AuditEvent.objects.count() == 0


def test_a_scope_gives_nothing_that_the_role_does_not(make_user) -> None:
    accountant = Partner(make_user(Role.ACCOUNTANT), scopes=["notices:read", "customers:read"])
    assert accountant.get("customers").status_code == 200
    problem(accountant.get("notices"), 403, "forbidden")


def test_out_of_scope_is_not_found(make_user) -> None:
    seen, other = CustomerFactory(), CustomerFactory()
    partner = Partner(make_user(Role.API_PARTNER, sees=[seen.legal_entity]))
    assert partner.get(f"customers/{seen.uid}").status_code == 200
    problem(partner.get(f"customers/{other.uid}"), 404, "not_found")
    problem(partner.get(f"customers/external:{other.account_code}"), 404, "not_found")
    assert [row["id"] for row in partner.get("customers").json()["results"]] == [str(seen.uid)]


def test_a_signed_in_person_reads_and_writes_with_the_csrf_token(make_user) -> None:
    entity = LegalEntityFactory()
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user(Role.CREDIT_MANAGER))
    assert client.get("/api/v1/customers").status_code == 200
    body = {"name": "Ateliers Vasseur", "siren": "732829320", "legal_entity": entity.code}
    refused = client.put("/api/v1/customers/external:V1", body, "application/json")
    problem(refused, 403, "csrf_failed")
    assert entity.customers.count() == 0
    token = "a" * 32
    client.cookies["csrftoken"] = token
    accepted = client.put(
        "/api/v1/customers/external:V1", body, "application/json", headers={"X-CSRFToken": token}
    )
    assert accepted.status_code == 201


def test_an_unknown_address_is_a_problem_too(user) -> None:
    problem(ask(make_key(user), "nothing/here"), 404, "not_found")
    problem(Client().get("/api/v1/nothing"), 401, "not_authenticated")


@pytest.mark.parametrize("method", ["post", "delete", "patch", "options"])
def test_a_method_that_is_not_there(user, method: str) -> None:
    client = Client(headers={"Authorization": f"Bearer {make_key(user)}"})
    response = getattr(client, method)("/api/v1/customers")
    problem(response, 405, "method_not_allowed")
    assert response["Allow"] == "GET, HEAD"


def test_a_format_that_is_not_there(user) -> None:
    partner = Partner(user)
    problem(partner.get("customers", Accept="text/html"), 406, "not_acceptable")
    assert partner.get("customers", Accept="application/json").status_code == 200


def test_errors_speak_the_language_asked_for(user) -> None:
    assert Partner(user).get("customers?limit=0").json()["detail"].startswith("?limit : Donnez un nombre")
    english = Partner(user, language="en")
    assert (
        english.get("customers?status=XX").json()["errors"][0]["message"].startswith("Select a valid choice")
    )
    assert english.get("customers")["Content-Language"] == "en"


def test_answers_are_private(user) -> None:
    response = Partner(user).get("customers")
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Content-Type-Options"] == "nosniff"
