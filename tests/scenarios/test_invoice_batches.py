"""An accountant brings a file that nobody knows yet: maps its columns, looks at what it changes, commits, takes it back."""

from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core import clock
from core.models import Role
from customers.models import Customer, LegalEntity
from invoices.models import ImportBatch, ImportProfile, OpenItem
from invoices.tasks_imports import commit_batches, read_batches, roll_back_batches
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.factories import OpenItemFactory
from tests.scenarios.house import pictures, sign_in

LONG = "Société coopérative des boulangeries et pâtisseries d’Anjou"

pytestmark = pytest.mark.django_db(transaction=True)


def choose(page: Page, label: str, value: str) -> None:
    """Choose and wait for the page's answer, if the choice is another one than before."""
    control = page.get_by_label(label, exact=True)
    if control.input_value() != value:
        with page.expect_response(lambda response: response.request.method == "POST"):
            control.select_option(value)
        expect(page.locator(".htmx-request")).to_have_count(0)


@pytest.fixture
def entity() -> LegalEntity:
    entity = LegalEntityFactory(code="FR01", name="Moulins de la Loire")
    for code, name in (("DUPONT", "Dupont et fils"), ("ANJOU", LONG), ("BOUL", "Boulangerie du Port")):
        CustomerFactory(legal_entity=entity, account_code=code, name=name)
    return entity


def test_from_an_unknown_file_to_the_ledger_and_back(page: Page, entity: LegalEntity, tmp_path: Path) -> None:
    file = tmp_path / "export_ventes.csv"
    file.write_text(
        "Cpte;Nom;Doc;Nature doc;Emis;Regler avant;Somme;Reste\r\n"
        "DUPONT;Dupont et fils;V001;VT;03/11/2026;03/12/2026;1 200,00;1 200,00\r\n"
        f"ANJOU;{LONG};V002;VT;04/11/2026;04/12/2026;2 400,50;1 000,50\r\n"
        "BOUL;Boulangerie du Port;V003;REM;05/11/2026;;120,00;120,00\r\n"
        "INCONNU;Qui;V004;VT;05/11/2026;05/12/2026;10,00;10,00\r\n",
        encoding="utf-8",
    )
    page.goto("/factures/lots/")
    page.get_by_role("link", name="Déposer un fichier").first.click()
    pictures(page, "batches-upload")
    page.get_by_label("Fichiers", exact=True).set_input_files(file)
    page.get_by_role("button", name="Déposer et lire").click()
    assert read_batches() == 1
    page.reload()
    expect(page.get_by_text("Le fichier n’a pas pu être lu")).to_be_visible()
    page.get_by_role("link", name="Indiquer les colonnes").click()

    # Codes that exist, dates and amounts are found by what they are; the rest is said by hand, and seen at once.
    expect(page.get_by_label("Donnée de la colonne Cpte")).to_have_value("customer_code")
    expect(page.get_by_label("Donnée de la colonne Regler avant")).to_have_value("due_date")
    choices = {
        "Doc": "number",
        "Nature doc": "kind",
        "Reste": "open_amount",
        "Emis": "issue_date",
        "Somme": "total_amount",
    }
    for column, field in choices.items():
        choose(page, f"Donnée de la colonne {column}", field)
    choose(page, "Nature de VT", "INVOICE")
    choose(page, "Nature de REM", "CREDIT_NOTE")
    expect(page.get_by_text("Toutes les données obligatoires ont leur colonne")).to_be_visible()
    expect(page.locator("#colonnes").get_by_text("−120,00 €").first).to_be_visible()
    pictures(page, "batches-mapping")
    page.get_by_label("Nom de la source").fill("Export des ventes")
    page.get_by_role("button", name="Enregistrer et relire le fichier").click()
    assert read_batches() == 1
    page.reload()
    assert ImportProfile.objects.get().name == "Export des ventes"

    expect(page.get_by_role("button", name="Enregistrer 3 pièces")).to_be_visible()
    expect(page.locator("#erreurs")).to_contain_text("INCONNU")
    pictures(page, "batches-preview")
    with page.expect_download() as download:
        page.get_by_role("link", name="Télécharger les rejets à corriger").click()
    rejects = download.value.path().read_text("utf-8-sig")
    assert "V004" in rejects
    assert "V001" not in rejects
    page.get_by_label("laisser 1 rejet de côté").check()
    page.get_by_role("button", name="Enregistrer 3 pièces").click()
    assert commit_batches() == 1
    page.reload()
    expect(page.get_by_text("3 pièces enregistrées au grand livre")).to_be_visible()
    assert OpenItem.objects.get(number="V002").open_amount == Decimal("1000.50")
    pictures(page, "batches-committed")

    page.get_by_role("button", name="Retirer ce lot du grand livre").click()
    page.get_by_label("Motif").fill("Mauvais exercice")
    page.get_by_role("button", name="Retirer le lot", exact=True).click()
    assert roll_back_batches() == 1
    page.reload()
    expect(page.get_by_text("Lot retiré du grand livre")).to_be_visible()
    assert not OpenItem.objects.exists()
    page.goto("/factures/lots/")
    pictures(page, "batches-list")


def test_what_surprises_is_confirmed_and_approved_by_another(
    page: Page, entity: LegalEntity, make_user, tmp_path: Path
) -> None:
    customer = Customer.objects.get(legal_entity=entity, account_code="DUPONT")
    for number in range(1, 8):
        OpenItemFactory(
            customer=customer,
            number=f"F{number:03d}",
            total_amount=Decimal(100_000),
            open_amount=Decimal(100_000),
        )
    file = tmp_path / "tout.csv"
    file.write_text(
        "Code client;N° facture;Date facture;Échéance;Montant TTC\r\nDUPONT;F001;01/10/2026;31/10/2026;100 000,00\r\n",
        encoding="utf-8",
    )
    page.goto("/factures/lots/deposer/")
    page.get_by_label("Fichiers", exact=True).set_input_files(file)
    page.get_by_label("Le fichier contient").select_option("SNAPSHOT")
    page.get_by_label("Situation au").fill(clock.today().isoformat())
    page.get_by_role("button", name="Déposer et lire").click()
    assert read_batches() == 1
    page.reload()
    expect(page.get_by_text("Confirmez d’abord chaque point douteux")).to_be_visible()
    pictures(page, "batches-suspicious")
    while page.get_by_role("button", name="Confirmer").count():
        page.get_by_role("button", name="Confirmer").first.click()
        page.wait_for_load_state()
    page.get_by_role("button", name="Demander l’approbation").click()
    expect(page.get_by_text("l’approbation revient à une autre personne")).to_be_visible()
    assert ImportBatch.objects.get().status == "TO_APPROVE"
    address = page.url
    page.context.clear_cookies()
    sign_in(page, make_user(Role.FINANCE_DIRECTOR, email="daf@example.test").email)
    page.goto(address)
    page.get_by_role("button", name="Approuver").click()
    assert commit_batches() == 1
    page.reload()
    expect(page.get_by_text("Lot enregistré au grand livre")).to_be_visible()
    assert OpenItem.objects.filter(number__startswith="F00", open_amount=0).count() == 6
    pictures(page, "batches-approved")
