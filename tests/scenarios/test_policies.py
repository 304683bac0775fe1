"""A credit manager installs the default ladders, prepares a version in the browser, simulates and activates it."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from core import clock
from core.models import Role, User
from core.rights import SYSTEM
from dunning.models import Policy, Simulation
from dunning.operations.policies import save_policy
from dunning.policy_content import fingerprint
from dunning.tasks_simulations import run_simulations
from tests.dunning.factories import load_law, make_agency, make_customer, make_entity, make_item
from tests.scenarios.house import pictures

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "Société coopérative des boulangeries et pâtisseries d’Anjou"


@pytest.fixture
def user(make_user) -> User:
    return make_user(Role.CREDIT_MANAGER, email="credit@example.test")


@pytest.fixture
def tolerated() -> str:
    """A form refused for what another tab wrote answers 400, which the console tells too."""
    return "400"


def test_from_no_policy_to_a_simulated_and_activated_version(page: Page) -> None:
    load_law()
    make_agency()
    entity, today = make_entity(name="Moulins de la Loire"), clock.today()
    for number in range(1, 9):
        customer = make_customer(entity, name=LONG if number == 1 else f"Cliente {number} SARL")
        make_item(customer, f"{number * 300}.00", today - timedelta(days=5 * number))
        make_item(customer, f"{number * 200}.00", today + timedelta(days=2 * number))

    page.goto("/relances/scenarios/")
    page.get_by_role("button", name="Installer les scénarios par défaut").click()
    expect(page.get_by_text("3 scénarios sont en vigueur")).to_be_visible()
    pictures(page, "policies-list")
    page.get_by_role("link", name="Lire et modifier").last.click()
    expect(page.get_by_role("heading", name="Mise en demeure")).to_be_visible()
    expect(page.get_by_text("8 clients pris aujourd’hui")).to_be_visible()
    pictures(page, "policies-active")

    page.get_by_role("button", name="Préparer la version suivante").click()
    page.locator("#niveau-3").get_by_role("link", name="Ajouter après").click()
    page.get_by_label("Niveau", exact=True).select_option("SECOND_REMINDER")
    page.get_by_label("Canal", exact=True).select_option("PHONE")
    page.get_by_label("Délai (jours)").fill("4")
    page.get_by_role("button", name="Ajouter ce niveau").click()
    expect(page.locator("#niveau-4")).to_contain_text("Appel téléphonique")
    expect(page.locator("#niveau-4")).to_contain_text("viendrait avant le niveau 2")
    page.locator("#niveau-4").get_by_role("link", name="Modifier").click()
    page.get_by_label("Délai (jours)").fill("23")
    pictures(page, "policies-level")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.locator("#niveau-4")).to_contain_text("23 jours après l’échéance")
    expect(page.locator("#niveau-4")).not_to_contain_text("viendrait avant")

    # The conditions count whom they take while they are typed.
    page.get_by_role("link", name="Clients et réglages").click()
    expect(page.locator("#reach")).to_contain_text("8 clients")
    page.get_by_label("Échu inférieur à").fill("1000")
    expect(page.locator("#reach")).to_contain_text("3 clients")
    pictures(page, "policies-settings")
    # A colleague saves first.
    draft = Policy.objects.get(status="DRAFT")
    save_policy(
        actor=SYSTEM,
        policy_id=draft.pk,
        seen=fingerprint(draft),
        values={"contact_gap_days": 5},
        now=clock.now(),
    )
    page.get_by_role("button", name="Enregistrer le brouillon").click()
    expect(page.get_by_text("a été modifié depuis que vous l’avez ouvert")).to_be_visible()
    expect(page.get_by_text("7 → 5")).to_be_visible()
    page.get_by_label("Échu inférieur à").fill("")
    page.get_by_role("button", name="Enregistrer le brouillon").click()
    expect(page.get_by_text("Brouillon enregistré")).to_be_visible()

    page.get_by_label("Règlements").select_option("NONE")
    page.get_by_role("button", name="Simuler").click()
    expect(page.get_by_text("Simulation en cours")).to_be_visible()
    assert run_simulations() == 1
    page.reload()
    expect(page.get_by_text("Par canal")).to_be_visible()
    expect(page.get_by_role("figure").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Qui, quand, comment").click()
    assert LONG in download.value.path().read_text("utf-8-sig")
    pictures(page, "policies-simulation")

    page.goto(f"/relances/scenarios/{draft.pk}/activer/")
    expect(page.get_by_text("Simulée le")).to_be_visible()
    expect(page.get_by_text("Niveau ajouté")).to_be_visible()
    pictures(page, "policies-activate")
    page.get_by_label("Ce qui change, et pourquoi").fill("Un appel avant la mise en demeure")
    page.get_by_role("button", name="Mettre en vigueur").click()
    expect(page.get_by_text("est en vigueur").first).to_be_visible()
    assert Policy.objects.get(code="PME", status="ACTIVE").version == 2
    assert Simulation.objects.get().outcome["sides"][0]["count"] > 0
