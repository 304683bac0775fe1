"""An accountant brings the statuses of her platform in a browser and sees what they did."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from invoices.models import OpenItem
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.einvoice_files import SELLER_SIREN, cdar, zip_of
from tests.invoices.factories import OpenItemFactory
from tests.scenarios.house import pictures

pytestmark = pytest.mark.django_db(transaction=True)


def test_statuses_are_uploaded_and_seen_on_the_list_and_the_item(page: Page, tmp_path: Path) -> None:
    entity = LegalEntityFactory(code="FR01", name="Moulins de la Loire", siren=SELLER_SIREN)
    customer = CustomerFactory(
        legal_entity=entity,
        name="Société coopérative des boulangeries et pâtisseries d’Anjou",
        account_code="C1",
    )
    items = [OpenItemFactory(customer=customer, number=f"FA-2026-{number:04d}") for number in range(1, 20)]
    codes = ("203", "205", "206", "207", "208", "210", "211", "213", "225", "227")
    messages = {
        f"{index}.xml": cdar(
            number=item.number,
            code=codes[index % len(codes)],
            reason="QTE_ERR" if codes[index % len(codes)] in ("206", "207") else "",
            amounts={"MNATTC": "240.00"} if codes[index % len(codes)] == "206" else {},
        )
        for index, item in enumerate(items)
    }
    file = tmp_path / "statuts.zip"
    file.write_bytes(zip_of({**messages, "inconnue.xml": cdar(number="FA-INCONNUE", code="203")}))

    page.goto("/factures/statuts/")
    expect(page.get_by_text("Aucun statut reçu")).to_be_visible()
    pictures(page, "einvoices-empty")
    page.get_by_role("link", name="Déposer des statuts").first.click()
    page.get_by_label("Fichier").set_input_files(file)
    pictures(page, "einvoices-upload")
    page.get_by_role("button", name="Enregistrer les statuts").click()
    expect(page.get_by_text("20 statuts enregistrés.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="FA-INCONNUE")).to_contain_text("numéro inconnu")
    pictures(page, "einvoices-list")

    contested = OpenItem.objects.get(number="FA-2026-0003")
    assert str(contested.disputed_amount) == "240.00"
    page.get_by_role("link", name="FA-2026-0003").click()
    history = page.locator("#einvoice")
    expect(history).to_contain_text("Approuvée partiellement")
    expect(history).to_contain_text("Quantité facturée erronée")
    pictures(page, "einvoices-item")

    bad = tmp_path / "melange.zip"
    bad.write_bytes(zip_of({"bon.xml": cdar(number="FA-2026-0001", code="204"), "mauvais.xml": b"<a"}))
    page.goto("/factures/statuts/deposer/")
    page.get_by_label("Fichier").set_input_files(bad)
    page.get_by_role("button", name="Enregistrer les statuts").click()
    expect(page.get_by_text("1 message n’a pas été pris.")).to_be_visible()
    pictures(page, "einvoices-left-out")

    page.goto("/factures/statuts/encaissements/")
    expect(page.get_by_role("button", name="Afficher")).to_be_visible()
    pictures(page, "einvoices-collected")
