"""Life-cycle statuses by the API: one, a list, a CDAR message, and what was received."""

import pytest
from django.urls import reverse

from core.models import Role
from invoices.models import EInvoiceStatus, OpenItem
from tests.api_client import Partner, everything, problem
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.einvoice_files import SELLER_SIREN, cdar, cii
from tests.invoices.factories import OpenItemFactory

SCOPES = ("einvoice-statuses:read", "einvoice-statuses:write")
PATH = "einvoice-statuses"

pytestmark = pytest.mark.django_db


@pytest.fixture
def item() -> OpenItem:
    entity = LegalEntityFactory(code="FR01", siren=SELLER_SIREN)
    return OpenItemFactory(customer=CustomerFactory(legal_entity=entity), number="FA-77")


@pytest.fixture
def partner(make_user) -> Partner:
    return Partner(make_user(Role.API_PARTNER), SCOPES)


def body(**fields: object) -> dict[str, object]:
    return {
        "legal_entity": "FR01",
        "number": "FA-77",
        "code": "207",
        "occurred_at": "2026-11-20T09:15:00Z",
    } | fields


def send_xml(partner: Partner, content: bytes, query: str = "", media: str = "application/xml"):
    return partner.client.post(f"/api/v1/{PATH}{query}", content, media)


def test_one_status_opens_its_dispute(partner: Partner, item: OpenItem) -> None:
    answer = partner.post(
        PATH,
        body(
            reasons=[{"code": "PU_ERR", "text": "12 € au lieu de 10"}],
            code="206",
            amounts={"MNATTC": "50.00"},
        ),
    )
    assert answer.status_code == 201, answer.content
    assert answer.json() == {
        "created": 1,
        "known": 0,
        "waiting": 0,
        "effects": {"DISPUTED_PART": 1},
        "left_out": [],
    }
    item.refresh_from_db()
    assert (str(item.disputed_amount), item.einvoice_status) == ("50.00", "206")
    assert partner.post(PATH, body(code="206")).json()["known"] == 1


def test_a_list_is_taken_whole_or_not_at_all(partner: Partner, item: OpenItem) -> None:
    answer = partner.post(PATH, [body(), body(number="FA-INCONNUE", code="203")])
    assert (answer.status_code, answer.json()["created"], answer.json()["waiting"]) == (201, 2, 1)
    refused = partner.post(PATH, [body(code="203"), body(occurred_at="2999-01-01T00:00:00Z")])
    found = problem(refused, 422, "einvoice_status_refused")
    assert [error["pointer"] for error in found["errors"]] == ["#/1/occurred_at"]
    assert EInvoiceStatus.objects.count() == 2


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"code": "999"}, "#/code"),
        ({"number": ""}, "#/number"),
        ({"number": "F" * 41}, "#/number"),
        ({"occurred_at": "hier"}, "#/occurred_at"),
        ({"legal_entity": "FR02"}, "#/legal_entity"),
        ({"amounts": {"MEN": "x"}}, "#/amounts/MEN"),
        ({"amounts": {"AUTRE": "1.00"}}, "#/amounts"),
        ({"surprise": 1}, "#/surprise"),
        ({"reasons": "PU_ERR"}, "#/reasons"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(
    partner: Partner, item: OpenItem, fields: dict[str, object], pointer: str
) -> None:
    found = problem(partner.post(PATH, body(**fields)), 400, "invalid")
    assert pointer in [error["pointer"] for error in found["errors"]]
    assert not EInvoiceStatus.objects.exists()


@pytest.mark.parametrize("given", ["[]", "1", '"x"', "null", "[1]", '[{"code": 5}]', '{"cdar": "x"}'])
def test_a_body_of_another_shape_is_refused(partner: Partner, item: OpenItem, given: str) -> None:
    problem(partner.post(PATH, given), 400, "invalid")


def test_a_message_in_xml_finds_its_entity_by_the_seller(partner: Partner, item: OpenItem) -> None:
    LegalEntityFactory(code="FR02")
    for media in ("application/xml", "text/xml"):
        answer = send_xml(partner, cdar(number="FA-77", reason="DOUBLON"), media=media)
        assert answer.status_code == 201, answer.content
    assert EInvoiceStatus.objects.count() == 1
    item.refresh_from_db()
    assert item.disputed_amount == item.open_amount


def test_a_message_that_names_nobody_needs_the_entity_in_the_address(
    partner: Partner, item: OpenItem
) -> None:
    LegalEntityFactory(code="FR02")
    content = cdar(number="FA-77", seller="")
    problem(send_xml(partner, content), 400, "entity_needed")
    problem(send_xml(partner, content, "?entity=FR09"), 400, "entity_unknown")
    assert send_xml(partner, content, "?entity=FR01").status_code == 201


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"bonjour", "status_not_one"), (cii(), "status_root"), (b" ", "empty"), (b"<a", "xml_broken")],
)
def test_a_message_that_cannot_be_read_is_refused(
    partner: Partner, item: OpenItem, content: bytes, code: str
) -> None:
    problem(send_xml(partner, content), 422, code)
    problem(send_xml(partner, content, "?entity=FR01"), 422, code)


def test_the_same_request_twice_has_the_same_answer(partner: Partner, item: OpenItem) -> None:
    first = partner.post(PATH, body(), Idempotency_Key="un")
    again = partner.post(PATH, body(), Idempotency_Key="un")
    assert (first.json(), first.status_code) == (again.json(), again.status_code)
    assert again["Idempotency-Replayed"] == "true"
    content = cdar(number="FA-77", code="203")
    for _time in range(2):
        answer = partner.client.post(
            f"/api/v1/{PATH}", content, "application/xml", headers={"Idempotency-Key": "deux"}
        )
        assert answer.json()["created"] == 1


def test_what_was_received_is_read_by_cursor_and_filter(partner: Partner, item: OpenItem) -> None:
    partner.post(PATH, [body(), body(code="203", occurred_at="2026-11-19T09:00:00Z"), body(number="ZZ")])
    rows = everything(lambda cursor: partner.get(f"{PATH}?limit=2&cursor={cursor}"))
    assert [(row["number"], row["code"]) for row in rows] == [
        ("ZZ", "207"),
        ("FA-77", "207"),
        ("FA-77", "203"),
    ]
    assert rows[1]["invoice"] == str(item.uid) and rows[0]["invoice"] is None
    assert rows[1]["effect"] == "DISPUTED"
    (one,) = partner.get(f"{PATH}?code=203").json()["results"]
    assert one["occurred_at"] == "2026-11-19T09:00:00Z"
    assert len(partner.get(f"{PATH}?waiting=yes").json()["results"]) == 1


def test_the_scope_of_the_key_and_of_the_person_are_checked(make_user, item: OpenItem) -> None:
    reader = Partner(make_user(Role.API_PARTNER, email="a@example.test"), ("einvoice-statuses:read",))
    problem(reader.post(PATH, body()), 403, "forbidden")
    elsewhere = CustomerFactory().legal_entity
    stranger = Partner(make_user(Role.API_PARTNER, email="b@example.test", sees=[elsewhere]), SCOPES)
    problem(stranger.post(PATH, body()), 400, "invalid")
    assert stranger.get(PATH).json()["results"] == []
    assert reverse("api:einvoice-statuses") == f"/api/v1/{PATH}"
