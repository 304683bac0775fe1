"""An accountant brings the bank's files in a browser: the notice, then the statement, and each movement once."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from invoices.models import BankLine
from invoices.tasks_bank import read_bank_files
from tests.customers.factories import LegalEntityFactory
from tests.invoices.statements import Move, camt, make_account
from tests.scenarios.house import pictures

ONE = Move(
    "1250.40", "VIR SEPA FACTURE FA2026-0042", reference="BK1", end_to_end="E1",
    payer="Société coopérative des boulangeries et pâtisseries d’Anjou",
)  # fmt: skip
TWO = Move("80.50", "FACTURE FA2026-0043", reference="BK2", end_to_end="E2", payer="MARTIN SARL")
CHARGE = Move("-12.00", "FRAIS DE TENUE DE COMPTE", reference="BK3", is_charge=True)

pytestmark = pytest.mark.django_db(transaction=True)


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
    pictures(page, "bank-preview")
    page.get_by_role("button", name="Enregistrer 2 mouvements").click()
    expect(page.get_by_text("Le rapprochement commence")).to_be_visible()
    assert BankLine.objects.filter(status="OPEN").count() == 2

    upload(page, notice, statement)
    read_bank_files()
    page.goto("/factures/banque/")
    expect(page.get_by_text("Il ne sera pas enregistré deux fois").first).to_be_visible()
    pictures(page, "bank-list")
    page.get_by_role("link", name="Comptes bancaires").click()
    expect(page.get_by_text("Sans rupture")).to_be_visible()
    pictures(page, "bank-accounts")
    page.get_by_role("link", name="Dossiers surveillés").click()
    pictures(page, "bank-folders")
    assert BankLine.objects.filter(status="OPEN").count() == 2
