"""An accountant notes in a browser that a part of an invoice is contested, documents it, and settles it."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core import clock
from core.models import Role, User
from invoices.models import Dispute, Promise
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.factories import DisputeFactory, OpenItemFactory, PromiseFactory
from tests.scenarios.house import pictures

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user(make_user) -> User:
    return make_user(Role.CREDIT_MANAGER, email="credit@example.test")


@pytest.fixture
def tolerated() -> str:
    """A refused form answers 422, which the console tells too."""
    return "422"


def test_a_contested_part_is_opened_documented_and_resolved(page: Page, user: User, tmp_path: Path) -> None:
    today = clock.today()
    customer = CustomerFactory(
        legal_entity=LegalEntityFactory(code="FR01", name="Moulins de la Loire"),
        name="Société coopérative des boulangeries et pâtisseries d’Anjou",
        account_code="C1",
    )

    def item(number: int):
        return OpenItemFactory(customer=customer, number=f"FA-2026-{number:04d}")

    reasons = [code for code, _label in Dispute.Reason.choices]
    for number in range(2, 22):
        opened = today - timedelta(days=number + 5)
        DisputeFactory(
            item=item(number),
            amount=Decimal(number * 17),
            reason=reasons[number % 7],
            opened_on=opened,
            deadline=opened + timedelta(days=15),
            owner=user if number % 3 else None,
            resolved_on=today - timedelta(days=number % 5) if number % 4 == 0 else None,
            resolution="CREDIT_NOTE" if number % 4 == 0 else "",
        )
    contested = item(1)

    page.goto(f"/factures/{contested.pk}/")
    page.get_by_role("link", name="Ouvrir un litige").click()
    page.get_by_label("Montant contesté").fill("240")
    page.get_by_label("Motif").select_option("LIVR_INCOMP")
    page.get_by_label("Commentaire").fill("Deux palettes manquaient à la livraison du 3.")
    page.get_by_role("button", name="Ouvrir le litige").click()
    expect(page.locator("main, body").first).to_contain_text("continue de l’être")
    dispute = Dispute.objects.get(item=contested)
    assert dispute.deadline == today + timedelta(days=30)

    claim = tmp_path / "bon-de-livraison.pdf"
    claim.write_bytes(b"%PDF-1.7\n% signed by the driver\n%%EOF\n")
    page.get_by_label("Document").set_input_files(claim)
    page.get_by_role("button", name="Joindre le document").click()
    expect(page.locator("#files tbody")).to_contain_text("bon-de-livraison.pdf")
    with page.expect_download() as download:
        page.evaluate(
            """() => { const a = document.querySelector("#files tbody a"); a.download = ""; a.click(); }"""
        )
    assert download.value.path().read_bytes() == claim.read_bytes()
    pictures(page, "disputes-detail")

    # Too much is refused at its field, and nothing changes.
    page.locator("#change").get_by_label("Montant contesté").fill("5000")
    page.locator("#change").get_by_role("button", name="Enregistrer").click()
    expect(page.locator("#change")).to_contain_text("Le solde dû de la pièce")
    dispute.refresh_from_db()
    assert dispute.amount == Decimal("240.00")

    page.goto("/factures/litiges/")
    expect(page.locator("#disputes tbody tr").first).to_contain_text("Délai dépassé")
    pictures(page, "disputes-list")
    page.locator("#delays tbody tr").first.get_by_role("link").first.click()
    expect(page.locator(".chips")).to_contain_text("Motif")

    page.goto(f"/factures/litiges/{dispute.pk}/")
    page.get_by_label("Issue").select_option("CREDIT_NOTE")
    page.get_by_label("En quelques mots").fill("Avoir AV-7 émis.")
    page.get_by_role("button", name="Résoudre le litige").click()
    expect(page.locator("#content")).to_contain_text("Avoir AV-7 émis.")
    dispute.refresh_from_db()
    assert (dispute.resolved_on, dispute.resolution) == (today, "CREDIT_NOTE")


def test_promises_show_who_keeps_them(page: Page, user: User) -> None:
    today = clock.today()
    page.goto("/factures/promesses/")
    statuses = ["OPEN", "KEPT", "BROKEN", "PARTLY_KEPT", "OPEN"]
    for number in range(20):
        status = statuses[number % 5]
        PromiseFactory(
            item=OpenItemFactory(number=f"FA-2026-{number:04d}"),
            status=status,
            made_by=user,
            promised_date=today + timedelta(days=number - 4 if status == "OPEN" else -number),
            judged_on=None if status == "OPEN" else today - timedelta(days=number % 6),
        )
    page.goto("/factures/litiges/")
    page.get_by_role("link", name="Promesses de règlement").click()
    expect(page.locator("#promises tbody tr")).to_have_count(8)
    pictures(page, "disputes-promises")
    page.locator("#by-collector tbody a").last.click()
    expect(page.locator("#promises tbody tr")).to_have_count(
        Promise.objects.filter(status=Promise.Status.BROKEN).count()
    )
