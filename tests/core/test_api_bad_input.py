"""Whatever is sent, the API answers with a problem and writes nothing."""

import pytest
from django.http import HttpRequest
from django.test import Client, override_settings
from django.urls import path

from config.views import server_error
from core.models import AuditEvent, Role
from core.models.idempotency import IdempotencyRecord
from customers.models import Customer
from tests.api_client import Partner, problem
from tests.customers.factories import CustomerFactory, LegalEntityFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def partner(make_user) -> Partner:
    return Partner(make_user(Role.API_PARTNER))


BODIES = {
    "empty": ("", 400, "invalid"),
    "cut": ('{"name":', 400, "malformed"),
    "not utf-8": (b'{"name": "\xff"}', 400, "malformed"),
    "a list": ("[1]", 400, "invalid"),
    "a text": ('"x"', 400, "invalid"),
    "null": ("null", 400, "invalid"),
    "not a number": ('{"name": NaN}', 400, "malformed"),
    "five thousand digits": ('{"name": ' + "9" * 5000 + "}", 400, "malformed"),
    "nested too deeply": ("[" * 100_000, 400, "malformed"),
    "nul": ('{"name": "a\\u0000b"}', 400, "invalid"),
    "half a character": ('{"name": "\\ud800"}', 400, "invalid"),
    "too long": ('{"name": "' + "a" * 121 + '"}', 400, "invalid"),
    "an object for a text": ('{"name": {"a": 1}}', 400, "invalid"),
    "nul in a code": ('{"name": "X", "terms": "\\u0000"}', 400, "invalid"),
    "half a character in a code": ('{"name": "X", "legal_entity": "\\udfff"}', 400, "invalid"),
    "an impossible date": ('{"name": "X", "customer_since": "2026-02-30"}', 400, "invalid"),
    "a French date": ('{"name": "X", "customer_since": "31/12/2025"}', 400, "invalid"),
    "unknown terms": ('{"name": "X", "terms": "45J"}', 400, "invalid"),
    "unknown kind": ('{"name": "X", "kind": "BANK"}', 400, "invalid"),
    "unknown parent": ('{"name": "X", "parent": "external:??"}', 400, "invalid"),
    "half a character in a choice": ('{"name": "X", "kind": "\\ud800"}', 400, "invalid"),
    "misspelt field": ('{"nmae": "X"}', 400, "invalid"),
    "no SIREN": ('{"name": "X"}', 422, "invalid_customer"),
    "wrong SIREN": ('{"name": "X", "siren": "123456789"}', 422, "invalid_identifier"),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_bad_body_is_refused_in_french_and_nothing_is_written(partner: Partner, case: str) -> None:
    LegalEntityFactory()
    body, status, code = BODIES[case]
    response = partner.put("customers/external:X1", body)
    problem(response, status, code)
    assert response["Content-Language"] == "fr"
    assert not Customer.objects.exists()
    assert not AuditEvent.objects.exists()


def test_every_error_of_a_body_is_told_at_its_place(partner: Partner) -> None:
    LegalEntityFactory()
    response = partner.put("customers/external:X1", {"kind": "BANK", "customer_since": "hier", "name": ""})
    errors = {error["pointer"]: error["code"] for error in problem(response, 400, "invalid")["errors"]}
    assert errors == {"#/kind": "invalid_choice", "#/customer_since": "invalid", "#/name": "blank"}


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""]
)
def test_another_content_type_is_refused(partner: Partner, content_type: str) -> None:
    response = partner.client.put("/api/v1/customers/external:X1", b"name=x", content_type)
    problem(response, 415, "unsupported_media_type")


QUERIES = [
    ("customers?limit=-1", "?limit", "invalid_limit"),
    ("customers?limit=0", "?limit", "invalid_limit"),
    ("customers?limit=201", "?limit", "invalid_limit"),
    ("customers?limit=99999999999999999999999999", "?limit", "invalid_limit"),
    ("customers?limit=abc", "?limit", "invalid_limit"),
    ("customers?limit=²", "?limit", "invalid_limit"),
    ("customers?cursor=abc", "?cursor", "invalid_cursor"),
    ("customers?updated_after=2026-01-01", "?updated_after", "invalid_instant"),
    ("customers?updated_after=2026-13-01T00:00:00Z", "?updated_after", "invalid_instant"),
    ("customers?updated_after=2026-01-01T00:00:00", "?updated_after", "invalid_instant"),
    ("customers?updated_after=2026-01-01T00:00:00+01:00", "?updated_after", "invalid_instant"),
    ("customers?status=XX", "?status", "invalid_choice"),
    ("customers?entity=XX", "?entity", "invalid_choice"),
    ("customers?q=" + "a" * 121, "?q", "max_length"),
    ("customers?updatd_after=2026-01-01T00:00:00Z", "?updatd_after", "unknown_parameter"),
    ("customers?offset=50", "?offset", "unknown_parameter"),
    ("customers/external:X?limit=3", "?limit", "unknown_parameter"),
    ("invoices?due_after=01/02/2026", "?due_after", "invalid"),
    ("invoices?due_after=2026-02-30", "?due_after", "invalid"),
    ("invoices?amount_min=1e400", "?amount_min", "max_digits"),
    ("invoices?amount_min=NaN", "?amount_min", "invalid"),
    ("invoices?amount_min=1%20200,00", "?amount_min", "invalid"),
    ("invoices?state=lost", "?state", "invalid_choice"),
    ("invoices/external:F1?instalment=0", "?instalment", "invalid"),
    ("invoices/external:F1?instalment=99999999999999", "?instalment", "invalid"),
    ("ageing?as_of=31/12/2025", "?as_of", "invalid"),
    ("ageing?as_of=2025-02-29", "?as_of", "invalid"),
    ("ageing?sort=luck", "?sort", "invalid_choice"),
    ("ageing?bucket=99", "?bucket", "invalid_choice"),
    ("ageing?cursor=abc", "?cursor", "invalid_cursor"),
    ("notices?status=GONE", "?status", "invalid_choice"),
    ("notices?min_amount=x", "?min_amount", "invalid"),
    ("invoice-batches?status=LOST", "?status", "invalid_choice"),
]


@pytest.mark.parametrize(("address", "pointer", "code"), QUERIES)
def test_a_bad_parameter_is_told_by_name(partner: Partner, address: str, pointer: str, code: str) -> None:
    errors = problem(partner.get(address), 400, "invalid")["errors"]
    assert (errors[0]["pointer"], errors[0]["code"]) == (pointer, code), errors


def test_a_cursor_of_another_list_is_refused(partner: Partner) -> None:
    CustomerFactory.create_batch(2)
    cursor = partner.get("customers?limit=1").json()["next_cursor"]
    assert partner.get(f"customers?limit=1&cursor={cursor}").status_code == 200
    problem(partner.get(f"notices?cursor={cursor}"), 400, "invalid")
    problem(partner.get(f"customers?cursor={cursor[:-1]}A"), 400, "invalid")


IDS = [
    "",
    "x",
    "0",
    "external:",
    "external:nobody",
    "01a205ec-7be1-7429-9b83-52785e0eb302",
    "%F0%9F%92%B6",
    "a" * 3000,
    "../x",
    "{}",
]


@pytest.mark.parametrize("given", IDS)
@pytest.mark.parametrize("resource", ["customers", "invoices", "notices", "invoice-batches"])
def test_an_id_that_names_nothing_is_not_found(partner: Partner, resource: str, given: str) -> None:
    problem(partner.get(f"{resource}/{given}"), 404, "not_found")


@pytest.mark.parametrize(
    "address", ["customers/%00", "customers?q=%00", "customers?%00=1", "notices/%00/letter"]
)
def test_nul_in_the_address_is_malformed(partner: Partner, address: str) -> None:
    problem(partner.get(address), 400, "malformed")


def test_a_large_body_is_refused_before_it_is_read(partner: Partner, settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    LegalEntityFactory()
    problem(partner.put("customers/external:X", '{"name": "' + "a" * 1000 + '"}'), 413, "payload_too_large")
    assert not Customer.objects.exists()


def test_a_body_of_unknown_length_is_refused(partner: Partner) -> None:
    response = partner.client.generic(
        "PUT",
        "/api/v1/customers/external:X",
        b"",
        "application/json",
        HTTP_TRANSFER_ENCODING="chunked",
        CONTENT_LENGTH="",
    )
    problem(response, 411, "length_required")


@pytest.mark.parametrize("key", ["", "a b\n", "é", "a" * 256])
def test_an_unusable_idempotency_key_is_refused(partner: Partner, key: str) -> None:
    response = partner.post(
        "invoice-batches/01a205ec-7be1-7429-9b83-52785e0eb302/cancel", Idempotency_Key=key
    )
    problem(response, 400, "invalid_idempotency_key")
    assert not IdempotencyRecord.objects.exists()


def broken(request: HttpRequest) -> None:
    raise RuntimeError("unexpected")


urlpatterns = [path("api/v1/broken", broken)]
handler500 = server_error


@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=["core.middleware.RequestIdMiddleware"])
def test_even_our_own_error_is_a_problem() -> None:
    found = problem(Client(raise_request_exception=False).get("/api/v1/broken"), 500, "internal_error")
    assert found["retryable"] is True
