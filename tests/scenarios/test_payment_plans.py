"""A credit manager spreads what a customer owes, a director approves, the customer signs, and does not pay."""

import re
import subprocess
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core import clock
from core.models import Role, User
from core.rights import SYSTEM
from invoices.models import PaymentPlan
from invoices.operations.plan_sweeps import settle_plans
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.factories import DisputeFactory, OpenItemFactory
from tests.invoices.plans import SIGNED
from tests.scenarios.house import pictures, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user(make_user) -> User:
    return make_user(Role.CREDIT_MANAGER, email="credit@example.test")


@pytest.fixture
def tolerated() -> str:
    """A refused form answers 422, which the console tells too."""
    return "422"


def test_a_plan_is_agreed_signed_and_broken(page: Page, make_user, tmp_path: Path) -> None:
    today = clock.today()
    customer = CustomerFactory(
        legal_entity=LegalEntityFactory(code="FR01", name="Moulins de la Loire"),
        name="Société coopérative des boulangeries et pâtisseries d’Anjou",
        account_code="C1",
    )
    items = [
        OpenItemFactory(customer=customer, number=f"FA-2026-{number:04d}", total_amount=Decimal(amount))
        for number, amount in enumerate(("12000.00", "9500.40", "4300.00", "800.00"), start=1)
    ]
    DisputeFactory(item=items[3], amount=Decimal("800.00"))

    # From one of the items: the others of the customer are there to be ticked, but for the contested one.
    page.goto(f"/factures/{items[0].pk}/")
    page.get_by_role("link", name="Échelonner").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.get_by_label("FA-2026-0001")).to_be_checked()
    page.get_by_label("FA-2026-0002").check()
    page.get_by_label("FA-2026-0003").check()
    page.get_by_label("Première échéance").fill(today.isoformat())
    page.get_by_label("Délai de grâce").fill("2")
    page.get_by_role("button", name="Calculer les échéances").click()
    amounts = page.locator("#echeances").get_by_label("Montant")
    expect(amounts).to_have_count(3)
    pictures(page, "plans-create")

    # What does not add up is said, and nothing is made.
    amounts.nth(2).fill("8000,00")
    page.get_by_role("button", name="Préparer l’échéancier").click()
    expect(page.locator("form.form-wide")).to_contain_text("il reste un écart de")
    assert not PaymentPlan.objects.exists()
    page.get_by_role("button", name="Recalculer les échéances").click()
    expect(page.locator("#echeances").get_by_label("Montant").nth(2)).not_to_have_value("8000,00")
    page.get_by_role("button", name="Préparer l’échéancier").click()
    expect(page.locator(".badge").first).to_have_text(re.compile("Brouillon"))
    plan = PaymentPlan.objects.get()
    assert plan.total_amount == Decimal("25800.40") and plan.status == "DRAFT"

    # Its author hands it on, and cannot approve it.
    page.get_by_role("button", name="Soumettre").click()
    expect(page.get_by_text("vous ne pouvez pas approuver votre propre échéancier")).to_be_visible()
    expect(page.get_by_role("button", name="Approuver")).to_have_count(0)
    address = page.url
    page.context.clear_cookies()
    sign_in(page, make_user(Role.FINANCE_DIRECTOR, email="daf@example.test").email)
    page.goto(address)
    pictures(page, "plans-to-approve")
    page.get_by_role("button", name="Approuver").click()
    expect(page.get_by_text("l’accord est prêt à être signé")).to_be_visible()

    page.context.clear_cookies()
    sign_in(page, "credit@example.test")
    page.goto(address)
    with page.expect_download() as download:
        page.evaluate(
            """() => { const a = document.querySelector("a[href$='accord.pdf']"); a.download = ""; a.click(); }"""
        )
    agreement = tmp_path / "accord.pdf"
    download.value.save_as(agreement)
    written = subprocess.run(
        ["pdftotext", "-layout", agreement, "-"], capture_output=True, text=True, check=True
    ).stdout
    assert "FA-2026-0002" in written and "FA-2026-0004" not in written
    assert "25 800,40" in re.sub(r"\s", " ", written)

    signed = tmp_path / "accord signé.pdf"
    signed.write_bytes(SIGNED)
    page.locator("#signature input[type=file]").set_input_files(signed)
    page.get_by_role("button", name="Mettre en vigueur").click()
    expect(page.get_by_role("link", name="Accord signé")).to_be_visible()
    plan.refresh_from_db()
    assert plan.status == "ACTIVE"
    pictures(page, "plans-active")

    # Nothing comes: past the grace the whole balance is due again.
    settle_plans(actor=SYSTEM, today=today + timedelta(days=2), now=clock.now())
    plan.refresh_from_db()
    assert plan.status == "ACTIVE"
    settle_plans(actor=SYSTEM, today=today + timedelta(days=3), now=clock.now())
    page.reload()
    expect(page.get_by_text(f"l’échéance du {today:%d/%m/%Y} est restée impayée")).to_be_visible()
    expect(page.locator("tbody tr").first).to_contain_text("Manquée")
    pictures(page, "plans-defaulted")

    page.goto("/factures/echeanciers/")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("Défaillant")
    pictures(page, "plans-list")
    # The items may be spread again.
    page.goto(f"/factures/echeanciers/nouveau/{customer.pk}/")
    expect(page.locator("tbody tr")).to_have_count(3)
