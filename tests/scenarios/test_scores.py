"""A credit manager enters a tax return in the browser, reads the points that follow, and adds a rating."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from core import clock
from core.models import Role, User
from core.rights import SYSTEM
from risk.models import Score
from risk.operations.scoring import score_customers
from tests.dunning.factories import load_law, make_customer, make_entity, make_item
from tests.risk.alpha import CELLS
from tests.scenarios.house import pictures

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "Société coopérative des boulangeries et pâtisseries d’Anjou"


@pytest.fixture
def user(make_user) -> User:
    return make_user(Role.CREDIT_MANAGER, email="credit@example.test")


@pytest.fixture
def tolerated() -> str:
    """A sum that does not come out answers 422, which the console tells too."""
    return "422"


def test_from_a_tax_return_to_points(page: Page) -> None:
    load_law()
    today = clock.today()
    customer = make_customer(make_entity(name="Moulins de la Loire"), name=LONG)
    make_item(customer, "900.00", today - timedelta(days=12))
    score_customers(actor=SYSTEM, as_of=today, now=clock.now())
    before = Score.objects.get().points

    page.goto(f"/risque/clients/{customer.pk}/score/")
    expect(page.locator("#score-reasons")).to_contain_text("aucun compte annuel connu")
    page.get_by_role("link", name="Saisir des comptes").click()
    page.get_by_label("Clôture de l’exercice").fill(f"{today.year - 1}-12-31")
    page.get_by_label("Montants en").select_option("1000")
    for code, value in CELLS.items():
        page.locator(f"#id_{code}").fill(str(value))
    page.locator("#id_DL").fill("750")
    page.get_by_role("button", name="Enregistrer les comptes").click()
    expect(page.get_by_text("DL = DA + DB")).to_be_visible()
    pictures(page, "statement-faults")
    page.locator("#id_DL").fill("700")
    page.get_by_role("button", name="Enregistrer les comptes").click()
    expect(page.locator("#score-accounts")).to_contain_text("38,9")
    expect(page.locator("#score-functions")).to_contain_text("15,0923")

    page.get_by_role("link", name="Ajouter une note").click()
    page.get_by_label("Échelle").select_option("COFACE_DRA")
    page.get_by_label("Note", exact=True).fill("8")
    page.get_by_label("Attribuée le").fill(today.isoformat())
    page.get_by_role("button", name="Enregistrer la note").click()
    page.get_by_role("button", name="Recalculer le score").click()
    score = Score.objects.get(is_current=True)
    expect(page.locator("#score-reasons")).to_contain_text(f"{score.points} points sur 100")
    expect(page.locator("#score-reasons")).to_contain_text("15,09")
    assert score.points > before
    page.locator("#score-functions").get_by_role("button", name="Conan-Holder (N)").click()
    expect(page.get_by_text("N = 24·X1 + 22·X2 + 16·X3 − 87·X4 − 10·X5")).to_be_visible()
    page.keyboard.press("Escape")
    pictures(page, "score-detail")
