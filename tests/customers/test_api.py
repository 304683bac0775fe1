"""Customers over the API: read, created and updated under the partner's own code."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.models import AuditEvent, Role
from customers.models import Customer
from tests.api_client import Partner, problem
from tests.customers.factories import (
    ContactFactory,
    CustomerFactory,
    LegalEntityFactory,
    PaymentTermsFactory,
    made_up_siren,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def partner(make_user) -> Partner:
    return Partner(make_user(Role.API_PARTNER))


def test_a_customer_is_read_by_either_id(partner: Partner) -> None:
    customer = CustomerFactory(account_code="C/42 é", parent=None, segment="PME")
    contact = ContactFactory(customer=customer)
    response = partner.get(f"customers/{customer.uid}")
    found = response.json()
    assert found["id"] == str(customer.uid)
    assert found["external_id"] == "C/42 é"
    assert found["legal_entity"] == customer.legal_entity.code
    assert (found["kind"], found["status"], found["terms"], found["parent"]) == (
        "COMPANY",
        "ACTIVE",
        "30J",
        None,
    )
    assert found["contacts"] == [
        {
            "name": contact.name,
            "role": "ACCOUNTS_PAYABLE",
            "email": contact.email,
            "phone": contact.phone,
            "gets_dunning": True,
        }
    ]
    for path in (
        "customers/external:C/42 é",
        "customers/external:C%2F42%20%C3%A9",
        f"customers/{str(customer.uid).upper()}",
    ):
        assert partner.get(path).json() == found


def test_the_same_code_in_two_entities_asks_which(partner: Partner) -> None:
    first, second = CustomerFactory(account_code="C1"), CustomerFactory(account_code="C1")
    assert "?entity=CODE" in problem(partner.get("customers/external:C1"), 409, "ambiguous_id")["detail"]
    for customer in (first, second):
        found = partner.get(f"customers/external:C1?entity={customer.legal_entity.code}").json()
        assert found["id"] == str(customer.uid)


def test_nothing_internal_is_shown(partner: Partner) -> None:
    customer = CustomerFactory(pinned_note="secret de la maison")
    content = (
        partner.get(f"customers/{customer.uid}").content.decode() + partner.get("customers").content.decode()
    )
    assert "secret" not in content
    assert f'"id":{customer.pk}' not in content


def test_put_creates_then_updates(partner: Partner) -> None:
    entity, terms = LegalEntityFactory(), PaymentTermsFactory(code="60J", name="60 jours", days=60)
    siren = made_up_siren(77)
    created = partner.put(
        "customers/external:K1",
        {
            "name": "Verrerie  Morlais",
            "siren": f"{siren[:3]} {siren[3:6]} {siren[6:]}",
            "customer_since": "2026-01-31",
        },
    )
    assert created.status_code == 201
    found = created.json()
    assert created["Location"] == f"http://testserver/api/v1/customers/{found['id']}"
    assert (found["name"], found["siren"], found["terms"]) == ("Verrerie Morlais", siren, "30J")
    assert found["legal_entity"] == entity.code
    assert partner.client.get(created["Location"]).json() == found

    updated = partner.put(
        "customers/external:K1", {"terms": terms.code, "address_lines": "1 rue Haute\n61000 Alençon"}
    )
    assert updated.status_code == 200
    changed = updated.json()
    assert (changed["id"], changed["name"], changed["terms"]) == (found["id"], "Verrerie Morlais", "60J")
    assert changed["address_lines"] == "1 rue Haute\n61000 Alençon"
    assert [event.verb for event in AuditEvent.objects.order_by("pk")] == [
        "customers.customer.created",
        "customers.customer.updated",
    ]
    assert {event.actor_name for event in AuditEvent.objects.all()} == {"api_partner"}


def test_what_was_read_can_be_sent_back_and_changes_nothing(partner: Partner) -> None:
    customer = CustomerFactory()
    read = partner.get(f"customers/{customer.uid}")
    again = partner.put(f"customers/{customer.uid}", read.json())
    assert again.status_code == 200
    assert (again.json(), again["ETag"]) == (read.json(), read["ETag"])
    assert not AuditEvent.objects.exists()


def test_a_stale_version_is_refused_and_changes_nothing(partner: Partner) -> None:
    customer = CustomerFactory(name="Avant")
    read = partner.get(f"customers/{customer.uid}")
    first = partner.put(f"customers/{customer.uid}", {"name": "Une fois"}, If_Match=read["ETag"])
    assert first.status_code == 200
    second = partner.put(f"customers/{customer.uid}", {"name": "Deux fois"}, If_Match=read["ETag"])
    problem(second, 412, "precondition_failed")
    assert second["ETag"] == first["ETag"]
    customer.refresh_from_db()
    assert customer.name == "Une fois"
    assert AuditEvent.objects.count() == 1


def test_preconditions_on_a_customer_who_is_not_there(partner: Partner) -> None:
    LegalEntityFactory()
    body = {"name": "Neuf", "siren": made_up_siren(5)}
    problem(partner.put("customers/external:N1", body, If_Match='"x"'), 412, "precondition_failed")
    problem(partner.put("customers/external:N1", body, If_Match="*"), 412, "precondition_failed")
    assert not Customer.objects.exists()
    assert partner.put("customers/external:N1", body, If_None_Match="*").status_code == 201
    problem(partner.put("customers/external:N1", body, If_None_Match="*"), 412, "already_exists")


def test_unchanged_since_the_last_reading_is_304(partner: Partner) -> None:
    customer = CustomerFactory()
    etag = partner.get(f"customers/{customer.uid}")["ETag"]
    again = partner.get(f"customers/{customer.uid}", If_None_Match=etag)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)
    ContactFactory(customer=customer)
    assert partner.get(f"customers/{customer.uid}", If_None_Match=etag).status_code == 200


def test_our_id_never_creates(partner: Partner) -> None:
    LegalEntityFactory()
    body = {"name": "X", "siren": made_up_siren(5)}
    problem(partner.put("customers/01a205ec-7be1-7429-9b83-52785e0eb302", body), 404, "not_found")
    assert not Customer.objects.exists()


def test_the_entity_is_asked_for_when_several_are_seen(partner: Partner) -> None:
    first, second = LegalEntityFactory(), LegalEntityFactory()
    body = {"name": "X", "siren": made_up_siren(5)}
    errors = problem(partner.put("customers/external:X", body), 400, "invalid")["errors"]
    assert errors[0]["pointer"] == "#/legal_entity"
    assert partner.put("customers/external:X", {**body, "legal_entity": first.code}).status_code == 201
    assert partner.put("customers/external:X", {**body, "legal_entity": second.code}).status_code == 201
    problem(partner.put("customers/external:X", {"name": "Y"}), 409, "ambiguous_id")
    assert partner.put("customers/external:X", {"name": "Y", "legal_entity": first.code}).status_code == 200
    assert sorted(Customer.objects.values_list("name", flat=True)) == ["X", "Y"]


def test_a_customer_stays_in_his_entity(partner: Partner) -> None:
    customer, other = CustomerFactory(), LegalEntityFactory()
    response = partner.put(f"customers/{customer.uid}", {"legal_entity": other.code})
    assert problem(response, 422, "invalid_customer")["errors"][0]["pointer"] == "#/legal_entity"


def test_another_entity_is_unknown_outside_ones_scope(make_user) -> None:
    seen, other = LegalEntityFactory(), CustomerFactory(account_code="C1")
    partner = Partner(make_user(Role.API_PARTNER, sees=[seen]))
    body = {"name": "X", "siren": made_up_siren(5), "legal_entity": other.legal_entity.code}
    problem(partner.put("customers/external:C1", body), 400, "invalid")
    problem(partner.put(f"customers/{other.uid}", {"name": "X"}), 404, "not_found")
    other.refresh_from_db()
    assert other.name != "X"
    assert not AuditEvent.objects.exists()


def test_a_parent_is_named_by_either_id(partner: Partner) -> None:
    mother = CustomerFactory(account_code="M")
    daughter = CustomerFactory(legal_entity=mother.legal_entity)
    assert partner.put(f"customers/{daughter.uid}", {"parent": "external:M"}).json()["parent"] == str(
        mother.uid
    )
    assert partner.put(f"customers/{daughter.uid}", {"parent": None}).json()["parent"] is None
    assert partner.put(f"customers/{daughter.uid}", {"parent": str(mother.uid)}).json()["parent"] == str(
        mother.uid
    )
    problem(partner.put(f"customers/{mother.uid}", {"parent": str(daughter.uid)}), 422, "invalid_customer")
    stranger = CustomerFactory()
    problem(partner.put(f"customers/{daughter.uid}", {"parent": str(stranger.uid)}), 400, "invalid")


def test_the_same_establishment_twice_is_a_conflict(partner: Partner) -> None:
    customer = CustomerFactory(siren="732829320", siret="73282932000074")
    body = {"name": "Double", "siret": "73282932000074", "legal_entity": customer.legal_entity.code}
    found = problem(partner.put("customers/external:D", body), 409, "duplicate_customer")
    assert found["errors"][0]["pointer"] == "#/siret"
    assert Customer.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_creations_at_once_make_one_customer(partner: Partner) -> None:
    LegalEntityFactory()
    body = {"name": "Ensemble", "siren": made_up_siren(9)}
    start = Barrier(2, timeout=20)

    def work() -> int:
        start.wait()
        try:
            return partner.put("customers/external:E1", body).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(future.result() for future in [pool.submit(work), pool.submit(work)])
    assert statuses == [200, 201]
    assert Customer.objects.count() == 1


def test_filters_are_those_of_the_pages(partner: Partner) -> None:
    energy = CustomerFactory(name="Énergie du Perche", kind=Customer.Kind.PUBLIC_BODY, country="FR")
    CustomerFactory(name="Autre", country="BE", siren="")
    for query in ("q=energie", "kind=PUBLIC_BODY", "country=fr", f"entity={energy.legal_entity.code}"):
        rows = partner.get(f"customers?{query}").json()["results"]
        assert [row["name"] for row in rows] == ["Énergie du Perche"], query


def test_a_page_costs_the_same_number_of_queries_whatever_its_length(partner: Partner) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert partner.get("customers?limit=200").status_code == 200
        return len(captured)

    partner.get("customers")
    CustomerFactory.create_batch(2)
    few = queries()
    mother = CustomerFactory()
    for customer in CustomerFactory.create_batch(17, parent=mother):
        ContactFactory(customer=customer)
    assert queries() == few
