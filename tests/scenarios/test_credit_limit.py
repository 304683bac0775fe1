"""A limit asked for beside its proposal, refused to its asker, seconded by two persons, and told in a letter."""

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from core import clock
from core.models import Role, User
from customers.models import Customer
from risk.models import CreditLimit, LimitRequest
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.risk.factories import invoice, paid_late
from tests.risk.limits import policy_in_force
from tests.scenarios.house import pictures, sign_in, watched_page

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def customer() -> Customer:
    """A customer who buys a lot and pays five days late, under the house's policy."""
    account = CustomerFactory(legal_entity=LegalEntityFactory(), name="Charpentes de l’Erdre")
    today = clock.today()
    for days in (380, 200, 100, 40):
        paid_late(account, "90000", 5, today - timedelta(days=days))
    invoice(account, "20000", today + timedelta(days=10))
    policy_in_force()
    return account


def test_from_the_request_to_the_limit(
    page: Page, browser: Browser, live_server, make_user, user: User, customer: Customer
) -> None:
    manager = make_user(Role.CREDIT_MANAGER, email="credit@example.test")
    director = make_user(Role.FINANCE_DIRECTOR, email="direction@example.test")

    page.goto(f"/clients/{customer.pk}/")
    page.get_by_role("link", name="Demander un plafond").click()
    expect(page.get_by_text("Ce que propose la politique de crédit")).to_be_visible()
    pictures(page, "limit-request-form")
    page.get_by_label("Plafond demandé").fill("300 000")
    page.get_by_label("Motif").fill("Chantier de la gare, douze mois")
    page.get_by_role("button", name="Déposer la demande").click()
    expect(page.get_by_text("une autre personne en décide").first).to_be_visible()
    expect(page.get_by_role("button", name="Approuver")).to_have_count(0)
    request = LimitRequest.objects.get()

    answer(browser, live_server.url, manager, "280 000", "Première approbation donnée")
    assert not CreditLimit.objects.exists()
    answer(browser, live_server.url, director, "260 000", "le plafond vaut dès aujourd’hui")
    held = CreditLimit.objects.in_force(clock.today()).get()
    assert (held.amount, held.request_id, held.decided_by) == (260_000, request.pk, director)

    page.goto(f"/risque/plafonds/demandes/{request.pk}/")
    expect(page.get_by_text("Approuvée").first).to_be_visible()
    pictures(page, "limit-request-decided")
    page.goto("/risque/plafonds/")
    expect(page.get_by_role("link", name="Charpentes de l’Erdre")).to_be_visible()
    pictures(page, "limit-list")


def answer(browser: Browser, base: str, person: User, amount: str, told: str) -> None:
    """One person opens the agenda, reads the request and approves it for an amount."""
    with watched_page(browser, base) as page:
        sign_in(page, person.email)
        page.goto("/")
        page.get_by_role("link", name="demande de plafond à décider", exact=True).click()
        pictures(page, f"limit-request-{person.pk}")
        page.get_by_label("Montant accordé").fill(amount)
        page.get_by_role("button", name="Approuver").click()
        expect(page.get_by_text(told).first).to_be_visible()
