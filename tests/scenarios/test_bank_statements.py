"""An accountant brings the bank's files in a browser: the notice, then the statement, and each movement once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from core.models import Role
from invoices.models import BankLine
from invoices.tasks_bank import read_bank_files
from tests.customers.factories import LegalEntityFactory
from tests.invoices.statements import Move, camt, make_account
from tests.scenarios.house import SCREENSHOTS, open_browser

# Playwright's own event loop would make Django refuse the ORM in this thread.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
WIDTHS = (1440, 1024, 390)
ONE = Move(
    "1250.40", "VIR SEPA FACTURE FA2026-0042", reference="BK1", end_to_end="E1",
    payer="Société coopérative des boulangeries et pâtisseries d’Anjou",
)  # fmt: skip
TWO = Move("80.50", "FACTURE FA2026-0043", reference="BK2", end_to_end="E2", payer="MARTIN SARL")
CHARGE = Move("-12.00", "FRAIS DE TENUE DE COMPTE", reference="BK3", is_charge=True)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def page(live_server, make_user) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = open_browser(playwright)
        opened = browser.new_page(
            viewport={"width": 1440, "height": 900}, base_url=live_server.url, locale="fr-FR"
        )
        problems: list[str] = []
        opened.on("pageerror", lambda error: problems.append(str(error)))
        opened.on(
            "console", lambda message: problems.append(message.text) if message.type == "error" else None
        )
        user = make_user(Role.ACCOUNTANT, email="compta@example.test")
        opened.goto("/")
        opened.get_by_label("Adresse e-mail").fill(user.email)
        opened.get_by_label("Mot de passe").fill("mot-de-passe-de-test")
        opened.keyboard.press("Enter")
        expect(opened.get_by_role("link", name="Factures").first).to_be_visible()
        yield opened
        browser.close()
        assert problems == []


def pictures(page: Page, name: str) -> None:
    """The page at three widths, light and dark; it never scrolls sideways."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=SCREENSHOTS / f"bank-{name}-{width}-{scheme}.png", full_page=True)
            wide = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert wide <= 0, (name, width, scheme)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1440, "height": 900})


def upload(page: Page, *files: Path) -> None:
    page.goto("/factures/banque/")
    page.get_by_role("link", name="Déposer des relevés").first.click()
    page.get_by_label("Fichiers de la banque").set_input_files([str(file) for file in files])
    page.get_by_role("button", name="Déposer et lire les fichiers").click()


def test_a_notice_then_its_statement(page: Page, tmp_path: Path) -> None:
    make_account(LegalEntityFactory(code="FR01", name="Moulins de la Loire"))
    notice, statement = tmp_path / "avis.xml", tmp_path / "releve.xml"
    notice.write_bytes(camt(ONE, kind="054"))
    statement.write_bytes(camt(ONE, TWO, CHARGE))

    page.goto("/factures/banque/")
    expect(page.get_by_text("Aucun relevé")).to_be_visible()
    upload(page, notice)
    expect(page.get_by_text("Fichier reçu, lecture dans un instant")).to_be_visible()
    read_bank_files()
    # The page waits by itself.
    page.get_by_role("button", name="Enregistrer 1 mouvement").click()
    expect(page.get_by_text("Le rapprochement commence")).to_be_visible()

    upload(page, statement)
    read_bank_files()
    expect(page.get_by_role("button", name="Enregistrer 2 mouvements")).to_be_visible()
    expect(page.get_by_text("1 mouvement déjà connu, non compté")).to_be_visible()
    pictures(page, "preview")
    page.get_by_role("button", name="Enregistrer 2 mouvements").click()
    expect(page.get_by_text("Le rapprochement commence")).to_be_visible()
    assert BankLine.objects.filter(status="OPEN").count() == 2

    upload(page, notice, statement)
    read_bank_files()
    page.goto("/factures/banque/")
    expect(page.get_by_text("Il ne sera pas enregistré deux fois").first).to_be_visible()
    pictures(page, "list")
    page.get_by_role("link", name="Comptes bancaires").click()
    expect(page.get_by_text("Sans rupture")).to_be_visible()
    pictures(page, "accounts")
    page.get_by_role("link", name="Dossiers surveillés").click()
    pictures(page, "folders")
    assert BankLine.objects.filter(status="OPEN").count() == 2
