"""From the electronic invoice to the ledger: the item, its customer, the document kept beside it."""

from datetime import date
from decimal import Decimal

import pytest

from core.files import read_file
from core.models import StoredFile
from core.rights import SYSTEM
from customers.models import LegalEntity
from invoices.einvoice_reads import collected
from invoices.einvoice_statuses import ReceivedStatus
from invoices.imports import file_error
from invoices.models import Dispute, EInvoiceStatus, ImportBatch, OpenItem
from invoices.operations.einvoice_documents import store_documents
from invoices.operations.einvoice_statuses import record_statuses, sweep_waiting_statuses
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices import einvoice_files as files
from tests.invoices.batches import NOW, commit, preview
from tests.invoices.einvoice_files import cii, instalment, pdf_with, ubl, zip_of
from tests.invoices.factories import AllocationFactory, PaymentFactory
from tests.invoices.files import TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def entity() -> LegalEntity:
    entity = LegalEntityFactory(
        code="FR01", siren=files.SELLER_SIREN, vat_number=files.SELLER_VAT, name="Moulins de la Loire"
    )
    CustomerFactory(legal_entity=entity, account_code="BOUL", siren=files.BUYER_SIREN)
    return entity


def test_a_zip_becomes_items_of_the_customer_with_their_documents(entity: LegalEntity) -> None:
    picture = pdf_with(None)
    hybrid = pdf_with(cii(number="FA-4"))
    content = zip_of({"a/FA-1.xml": cii(), "a/FA-1.pdf": picture, "FA-4.pdf": hybrid, "FA-2.xml": ubl()})
    batch = preview(entity, content, name="factures.zip")
    assert (batch.format, batch.status, batch.error_count, batch.new_count) == (
        "EINVOICE",
        "PREVIEWED",
        0,
        3,
    ), [row.errors for row in batch.rows.all()]
    commit(batch)
    items = {item.number: item for item in OpenItem.objects.select_related("customer", "document")}
    assert {item.customer.account_code for item in items.values()} == {"BOUL"}
    assert items["FA-1"].total_amount == Decimal("1200.00")
    assert {number: item.document.name for number, item in items.items()} == {
        "FA-1": "FA-1.pdf",
        "FA-4": "FA-4.pdf",
        "FA-2": "FA-2.xml",
    }
    assert read_file(items["FA-1"].document) == picture
    assert read_file(items["FA-4"].document) == hybrid
    assert items["FA-2"].document.content_type == "application/xml"


def test_documents_are_kept_once_however_often_the_commit_starts(entity: LegalEntity) -> None:
    batch = preview(
        entity, zip_of({"FA-1.xml": cii(), "FA-4.pdf": pdf_with(cii(number="FA-4"))}), name="f.zip"
    )
    first = store_documents(batch=batch, now=NOW)
    assert store_documents(batch=batch, now=NOW) == first
    assert StoredFile.objects.filter(kind="EINVOICE").count() == 2


def test_a_single_file_is_its_own_document(entity: LegalEntity) -> None:
    batch = commit(preview(entity, pdf_with(cii()), name="FA-1.pdf"))
    assert OpenItem.objects.get().document_id == batch.file_id


def test_an_invoice_of_another_entity_is_an_error_and_writes_nothing(entity: LegalEntity) -> None:
    batch = preview(entity, cii(seller_siren="120027016", seller_vat="FR37120027016"), name="autre.xml")
    assert (batch.error_count, batch.new_count) == (1, 0)
    assert batch.rows.get().errors[0]["code"] == "other_seller"


def test_instalments_are_items_of_their_own(entity: LegalEntity) -> None:
    terms = instalment("20261130", "400.00") + instalment("20261231", "800.00")
    commit(preview(entity, cii(profile="EXTENDED", terms=terms), name="FA-1.xml"))
    assert list(
        OpenItem.objects.order_by("instalment").values_list("instalment", "due_date", "total_amount")
    ) == [
        (1, date(2026, 11, 30), Decimal("400.00")),
        (2, date(2026, 12, 31), Decimal("800.00")),
    ]


def test_a_whole_file_that_is_refused_says_why(entity: LegalEntity) -> None:
    batch = preview(entity, pdf_with(None), name="image.pdf")
    assert batch.status == ImportBatch.Status.REJECTED
    assert "aucune facture électronique" in file_error(batch)


def test_a_status_that_came_first_finds_its_item_after_the_commit(entity: LegalEntity) -> None:
    status = ReceivedStatus(number="FA-1", code="210", occurred_at=NOW)
    record_statuses(actor=SYSTEM, entity=entity, statuses=[status], now=NOW, today=TODAY)
    commit(preview(entity, cii(), name="FA-1.xml"))
    assert sweep_waiting_statuses(today=TODAY, now=NOW) == 1
    assert Dispute.objects.get().amount == Decimal("1200.00")
    assert EInvoiceStatus.objects.get().item == OpenItem.objects.get()


def test_what_is_collected_is_parted_by_the_vat_rates_of_the_invoice(entity: LegalEntity) -> None:
    commit(preview(entity, cii(), name="FA-1.xml"))
    item = OpenItem.objects.get()
    status = ReceivedStatus(number="FA-1", code="203", occurred_at=NOW)
    record_statuses(actor=SYSTEM, entity=entity, statuses=[status], now=NOW, today=TODAY)
    item.refresh_from_db()
    payment = PaymentFactory(
        customer=item.customer, total_amount=Decimal("-600.00"), issue_date=date(2026, 11, 5)
    )
    AllocationFactory(debit=item, credit=payment)
    (told,) = collected(entity, date(2026, 11, 1), date(2026, 11, 30))
    assert told.as_json()["amounts"] == [{"type": "MEN", "amount": "600.00", "vat_rate": "20.00"}]
