"""No form of the house answers 500, whatever is typed into any of its fields."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from core.models import Role
from dunning.models import Case, Notice
from tests.house.test_routes import address, matrix
from tests.house.world import build_world

# Every field that a form of the house reads.
FIELDS = (
    "account_code", "address", "address_lines", "allocated_on", "amount", "as_of", "bank_account", "bic", "confirmed",
    "counterpart", "country", "currency", "customer_since", "date_order", "decimal", "delimiter", "detail", "email",
    "encoding", "entity", "expires_on", "files", "gl_account", "hold_reason", "hold_until", "iban",
    "insolvency_date", "journal_code", "key", "kind", "language", "legal_entity", "naf_code", "name",
    "next", "note", "other_identification", "outcome", "parent", "path", "phone", "pinned_note",
    "portfolio_owner", "posted_on", "profile", "promised_date", "reason", "reversed_on", "role", "scopes",
    "seen", "segment", "selected", "send_to", "sheet", "siren", "siret", "source", "subject", "terms", "user",
    "valid_from", "valid_to", "value", "vat_number",
)  # fmt: skip
BAD = (
    "", "\x00", "a\x00b", "-1", "9" * 30, "1e400", "NaN", "²", "٣", "🦊\u202e", "x" * 10_000, "31/02/2026",
    "0000-00-00", "0001-01-01", "9999-12-31", "99999-01-01", "//evil.example", "http:", "javascript:alert(1)",
)  # fmt: skip


def forms(world: dict[str, object]) -> Iterator[tuple[str, str]]:
    for row in matrix():
        if row["method"] == "POST" and not row["route"].startswith("api:") and row["route"] != "logout":
            yield row["route"], address(row["route"], world)


@pytest.fixture
def everybody(make_user, db) -> tuple[Client, dict[str, object]]:
    """A person with every role, and a world with one document of every sort."""
    client = Client(raise_request_exception=False)
    client.force_login(make_user(*[role for role in Role if role != Role.API_PARTNER]))
    return client, build_world()


def test_no_form_breaks_on_a_bad_value_in_all_its_fields(everybody) -> None:
    client, world = everybody
    broken = [
        f"{route}: {bad[:20]!a}"
        for bad in BAD
        for route, url in forms(world)
        if client.post(url, dict.fromkeys(FIELDS, bad)).status_code >= 500
    ]
    assert not broken


@pytest.mark.parametrize("bad", ["\x00", "9" * 30, "²", "é"])
def test_no_form_breaks_on_a_bad_value_in_one_field(everybody, bad: str) -> None:
    """The others are right, so that the value gets as far as it can."""
    client, world = everybody
    notices = {"selected": [world["notice"], world["printed"]], "next": "/"}
    asked = {
        "dunning:notice-approve": notices,
        "dunning:notice-reject": {**notices, "reason": "x"},
        "dunning:notice-post": {**notices, "posted_on": "2026-01-05"},
        "dunning:notice-retry": {"next": "/"},
        "dunning:case-recall": {"reason": "x"},
        "customers:customer-hold": {"hold_reason": "x", "hold_until": ""},
        "invoices:promise-withdraw": {"reason": "x"},
        "invoices:dispute-resolve": {"outcome": "x", "resolution": ""},
        "invoices:dispute-change": {
            "amount": "1",
            "reason": "PU_ERR",
            "owner": "",
            "deadline": "2026-04-01",
            "note": "",
        },
        "set-language": {"language": "fr", "next": "/"},
    }
    broken = []
    for route, form in asked.items():
        for field in form:
            answer = client.post(address(route, world), {**form, field: bad})
            if answer.status_code >= 500:
                broken.append(f"{route}: {field}")
    assert not broken


def test_no_form_sends_anybody_to_another_site(everybody) -> None:
    client, world = everybody
    for target in ("//evil.example", "https://evil.example/", "/\\evil.example", "javascript:x"):
        for route in ("dunning:notice-approve", "set-language"):
            answer = client.post(address(route, world), {"next": target, "language": "fr"})
            assert answer.status_code == 302
            assert answer["Location"].startswith("/")
            assert not answer["Location"].startswith(("//", "/\\"))


def test_an_unfit_reason_changes_nothing(everybody) -> None:
    client, world = everybody
    for reason in ("", "  ", "a\x00b", "x" * 201):
        client.post(reverse("dunning:notice-reject"), {"selected": world["notice"], "reason": reason})
        client.post(reverse("dunning:case-recall", args=[world["case"]]), {"reason": reason})
    assert Notice.objects.get(pk=world["notice"]).status == Notice.Status.PROPOSED
    assert Case.objects.get(pk=world["case"]).status == Case.Status.READY
