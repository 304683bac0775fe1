"""The pages that show the API's description: ours alone, nothing from elsewhere, nothing inline."""

import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from core.models import Role
from tests.api_client import problem

pytestmark = pytest.mark.django_db
PAGES = ["/api/docs/", "/api/redoc/"]


@pytest.fixture
def browser(make_user, sign_in) -> Client:
    return sign_in(make_user(Role.ACCOUNTANT))


@pytest.mark.parametrize("address", PAGES)
def test_the_page_loads_files_of_this_site_only(browser: Client, address: str) -> None:
    response = browser.get(address)
    assert response.status_code == 200
    page = response.content.decode()
    files = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(files) >= 4
    for file in files:
        assert file.startswith("/static/"), file
        assert finders.find(file.removeprefix("/static/")), file
    assert not re.search(r"<script>|<style|\sstyle=|\son\w+=", page)
    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self';" in policy


@pytest.mark.parametrize("address", PAGES)
def test_the_page_shows_a_description_that_is_there(browser: Client, address: str) -> None:
    schema = re.search(r'data-schema="([^"]+)"', browser.get(address).content.decode())[1].replace(
        "&amp;", "&"
    )
    found = browser.get(schema)
    assert found["Content-Type"].startswith("application/vnd.oai.openapi+json")
    description = found.json()
    assert description["openapi"] == "3.1.0"
    assert len(description["paths"]) == 38
    assert {tag["name"] for tag in description["tags"]} == {
        "ageing",
        "bank-statements",
        "credit-checks",
        "customers",
        "einvoice-statuses",
        "exposures",
        "holds",
        "invoice-batches",
        "invoices",
        "notices",
        "orders",
    }


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("lang=zz", 400),
        ("version=1%0d%0aX:%20y", 400),
        ("format=xml", 404),
        ("lang=en&format=yaml", 200),
        ("", 200),
    ],
)
def test_the_description_refuses_what_it_does_not_know(browser: Client, query: str, status: int) -> None:
    response = browser.get(f"/api/v1/openapi?{query}")
    assert response.status_code == status
    if status >= 400:
        problem(response, status, "invalid" if status == 400 else "not_found")


def test_the_address_of_the_api_leads_to_its_description(browser: Client) -> None:
    assert browser.get("/api/")["Location"] == "/api/docs/"


@pytest.mark.parametrize("address", ["/api/", *PAGES])
def test_the_pages_are_for_those_who_have_a_role(make_user, sign_in, address: str) -> None:
    assert Client().get(address)["Location"].startswith("/connexion/")
    assert sign_in(make_user(email="personne@example.test")).get(address).status_code == 403
