"""A credit manager blocks a customer in a browser, sees the order refused, releases the hold, and delivers."""

import pytest
from playwright.sync_api import Page, expect

from core import clock
from core.models import Role, User
from risk.models import CreditCheck, CreditHold
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.risk.factories import limit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user(make_user) -> User:
    return make_user(Role.CREDIT_MANAGER, email="credit@example.test")


@pytest.fixture
def tolerated() -> str:
    """A refused form answers 422, which the console tells too."""
    return "422"


def test_hold_refusal_release_delivery(page: Page, user: User) -> None:
    today, now = clock.today(), clock.now()
    customer = CustomerFactory(
        legal_entity=LegalEntityFactory(code="FR01", name="Moulins de la Loire"),
        name="Société coopérative des boulangeries et pâtisseries d’Anjou",
        account_code="C1",
    )
    limit(customer, "1000", today=today, now=now)
    content = page.locator("main, body").first

    page.goto(f"/risque/clients/{customer.pk}/")
    page.get_by_role("link", name="Bloquer", exact=True).click()
    page.get_by_role("button", name="Bloquer").click()
    expect(content).to_contain_text("Indiquez pourquoi ne plus livrer.")
    page.get_by_label("Motif").fill("Chèque revenu impayé")
    page.get_by_role("button", name="Bloquer").click()
    expect(content).to_contain_text("toute livraison est refusée")

    page.goto(f"/risque/puis-je-livrer/?client={customer.pk}")
    page.get_by_label("Montant de la commande").fill("400")
    page.get_by_label("Numéro de commande").fill("CDE-1")
    page.get_by_role("button", name="Demander").click()
    expect(content).to_contain_text("Non, ne livrez pas.")
    expect(content).to_contain_text("Chèque revenu impayé")

    hold = CreditHold.objects.get()
    page.goto("/risque/blocages/")
    page.get_by_role("link", name=customer.name).click()
    page.get_by_label("Livrer à hauteur de").fill("500")
    page.get_by_label("Motif").first.fill("Virement reçu ce matin")
    page.get_by_role("button", name="Lever dans ces bornes").click()
    expect(content).to_contain_text("au-delà, il reprend de lui-même")

    page.goto(f"/risque/puis-je-livrer/?client={customer.pk}")
    page.get_by_label("Montant de la commande").fill("400")
    page.get_by_label("Numéro de commande").fill("CDE-1")
    page.get_by_role("button", name="Demander").click()
    expect(content).to_contain_text("Oui, livrez.")
    expect(content).to_contain_text("CDE-1")

    page.goto(f"/risque/blocages/{hold.pk}/")
    expect(content).to_contain_text("400,00 livrés sur")
    page.get_by_role("button", name="Lever tout à fait").click()
    dialog = page.locator("#end-hold")
    dialog.get_by_label("Motif").fill("Compte régularisé")
    dialog.get_by_role("button", name="Lever", exact=True).click()
    expect(content).to_contain_text("Le blocage est levé.")
    assert CreditHold.objects.get().status == CreditHold.Status.ENDED
    assert list(CreditCheck.objects.order_by("pk").values_list("outcome", flat=True)) == [
        "REFUSED",
        "APPROVED",
    ]
