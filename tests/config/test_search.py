"""One search over everything, within one's scope."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from config.search import search
from core.models import Role, User
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.factories import OpenItemFactory
from tests.pages import assert_no_server_error, counting, page_of, text_of

pytestmark = pytest.mark.django_db
PAGE = reverse("search")


@pytest.fixture
def manager(make_user: Any) -> User:
    return make_user(Role.CREDIT_MANAGER)


@pytest.fixture
def browser(manager: User, sign_in: Any) -> Client:
    return sign_in(manager)


@pytest.mark.parametrize(
    "text", ["energie", "ÉNERGIE", "du loir", "el-7", "900000050", "900 000 050", "FR40900000050"]
)
def test_a_customer_by_what_people_type(manager: User, text: str) -> None:
    customer = CustomerFactory(
        name="Énergie du Loir", account_code="EL-7", siren="900000050", vat_number="FR40900000050"
    )
    CustomerFactory(name="Autre")
    assert search(manager, text).customers == [customer]


def test_letters_that_fold_into_two_are_found(manager: User) -> None:
    customer = CustomerFactory(name="Œuvres de Bœuf")
    assert search(manager, "oeuvres").customers == [customer]
    assert search(manager, "bœuf").customers == [customer]


@pytest.mark.parametrize("text", ["FA-2026-42", "fa-2026", "1234,56", "1 234,56 €", "-1234.56"])
def test_an_item_by_number_or_amount(manager: User, text: str) -> None:
    item = OpenItemFactory(number="FA-2026-42", total_amount=Decimal("1234.56"))
    OpenItemFactory(number="AUTRE", total_amount=Decimal("99.00"))
    assert search(manager, text).items == [item]


@pytest.mark.parametrize("text", ["", "a", "%", "__", "zzz"])
def test_nothing_is_found_by_nothing(manager: User, text: str) -> None:
    CustomerFactory(name="Énergie du Loir")
    OpenItemFactory()
    assert not search(manager, text)


def test_the_scope_bounds_the_search(make_user: Any) -> None:
    OpenItemFactory(number="FA-1", customer=CustomerFactory(name="Énergie"))
    stranger = make_user(Role.CREDIT_MANAGER, sees=[LegalEntityFactory()])
    assert not search(stranger, "FA-1")
    assert not search(stranger, "energie")


def test_more_than_a_page_is_said(browser: Client) -> None:
    entity = LegalEntityFactory()
    for rank in range(21):
        CustomerFactory(name=f"Énergie {rank}", legal_entity=entity)
    page = browser.get(PAGE, {"q": "énergie"})
    link = page_of(page.content).xpath("//a[contains(text(), 'Voir tous les clients')]/@href")[0]
    assert "Énergie 20" in text_of(browser.get(link).content)


def test_the_page_shows_both_kinds_and_escapes_the_question(browser: Client) -> None:
    OpenItemFactory(number="KER-1", customer=CustomerFactory(name="Kerbrat"))
    text = text_of(browser.get(PAGE, {"q": "ker"}).content)
    assert "Kerbrat" in text
    assert "KER-1" in text
    hostile = browser.get(PAGE, {"q": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert(1)" not in hostile
    assert "Que cherchez-vous" in text_of(browser.get(PAGE).content)


def test_hostile_questions_get_an_answer(browser: Client) -> None:
    assert_no_server_error(browser, PAGE, ("q",))
    assert browser.post(PAGE).status_code == 405


def test_the_queries_do_not_grow_with_the_rows(browser: Client) -> None:
    counts = []
    for rows in (2, 15):
        for rank in range(rows):
            OpenItemFactory(number=f"KER-{rows}-{rank}", customer=CustomerFactory(name="Kerbrat"))
        with counting() as count:
            browser.get(PAGE, {"q": "ker"})
        counts.append(count())
    assert counts[0] == counts[1]
