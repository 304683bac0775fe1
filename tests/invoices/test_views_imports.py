"""The pages of batches, as a browser sees them."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from python_calamine import CalamineWorkbook

from core.models import Role
from core.rights import SYSTEM
from customers.models import LegalEntity
from invoices.import_rejects import rejects_xlsx
from invoices.models import ImportBatch, OpenItem
from invoices.operations.imports import receive_batch
from invoices.tasks_imports import commit_batches, read_batches
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.files import csv_bytes

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
FILE = csv_bytes("C1;F1;Facture;15/10/2026;;1 200,00;;;", "C1;A1;Avoir;15/10/2026;;200,00;;;")
BAD = csv_bytes("C1;F1;Facture;15/10/2026;;1 200,00;;;", "<b>C9</b>;F2;;31/02/2026;;x;;;")


@pytest.fixture
def entity() -> LegalEntity:
    entity = LegalEntityFactory(code="FR01", name="Ateliers du Perche")
    CustomerFactory(legal_entity=entity, account_code="C1")
    return entity


@pytest.fixture
def accountant(make_user, sign_in) -> Client:
    return sign_in(make_user(Role.ACCOUNTANT))


def upload(client: Client, entity: LegalEntity, content: bytes, name: str = "export.csv", **fields: str):
    file = SimpleUploadedFile(name, content, content_type="text/csv")
    return client.post(reverse("invoices:import-upload"), {"entity": entity.pk, "file": file, **fields})


def batch_of(entity: LegalEntity, content: bytes) -> ImportBatch:
    batch = receive_batch(actor=SYSTEM, entity=entity, file=io.BytesIO(content), name="lot.csv", now=NOW)
    read_batches()
    batch.refresh_from_db()
    return batch


def url(name: str, batch: ImportBatch) -> str:
    more = {"file_format": "csv"} if name == "errors" else {}
    return reverse(f"invoices:import-{name}", kwargs={"uid": batch.uid, **more})


def test_upload_preview_commit(accountant: Client, entity: LegalEntity):
    assert "Exemple" not in accountant.get(reverse("invoices:import-list")).content.decode()
    response = upload(accountant, entity, FILE)
    batch = ImportBatch.objects.get()
    assert response.status_code == 302
    assert response["Location"] == url("detail", batch)

    page = accountant.get(url("detail", batch)).content.decode()
    assert f'hx-get="{url("progress", batch)}"' in page
    assert read_batches() == 1
    page = accountant.get(url("detail", batch)).content.decode()
    assert "Enregistrer 2 pièces" in page
    assert "1\u202f000,00" in page

    response = accountant.post(url("commit", batch), follow=True)
    assert "Enregistrement au grand livre" in response.content.decode()
    assert commit_batches() == 1
    page = accountant.get(url("detail", batch)).content.decode()
    assert "2 pièces enregistrées au grand livre" in page
    assert OpenItem.objects.count() == 2
    assert "export.csv" in accountant.get(reverse("invoices:import-list")).content.decode()


def test_progress_asks_the_page_to_load_again_when_it_is_through(accountant: Client, entity: LegalEntity):
    batch = receive_batch(actor=SYSTEM, entity=entity, file=io.BytesIO(FILE), name="lot.csv", now=NOW)
    response = accountant.get(url("progress", batch), headers={"hx-request": "true"})
    assert 'id="progress"' in response.content.decode()
    assert "HX-Refresh" not in response
    ImportBatch.objects.filter(pk=batch.pk).update(status="READING", done=50, total=200)
    page = accountant.get(url("progress", batch)).content.decode()
    assert "50 / 200" in page
    ImportBatch.objects.filter(pk=batch.pk).update(status="PREVIEWED")
    assert accountant.get(url("progress", batch))["HX-Refresh"] == "true"


def test_the_swapped_progress_is_the_pages_own(accountant: Client, entity: LegalEntity):
    batch = receive_batch(actor=SYSTEM, entity=entity, file=io.BytesIO(FILE), name="lot.csv", now=NOW)
    ImportBatch.objects.filter(pk=batch.pk).update(status="READING", done=50, total=200)
    partial = accountant.get(url("progress", batch)).content.decode().strip()
    assert partial in accountant.get(url("detail", batch)).content.decode()


def test_errors_are_shown_and_can_be_left_out(accountant: Client, entity: LegalEntity):
    batch = batch_of(entity, BAD)
    page = accountant.get(url("detail", batch)).content.decode()
    assert "Importer la ligne valide et laisser 1 rejet de côté" in page
    assert "&lt;b&gt;C9&lt;/b&gt;" in page
    assert "<b>C9</b>" not in page
    assert "février 2026 compte 28 jours" in page

    response = accountant.post(url("commit", batch), follow=True)
    assert "cochez la case" in response.content.decode()
    batch.refresh_from_db()
    assert batch.status == "PREVIEWED"
    accountant.post(url("commit", batch), {"accept_rejects": "on"})
    commit_batches()
    assert OpenItem.objects.get().number == "F1"


def test_the_second_click_is_told(accountant: Client, entity: LegalEntity):
    batch = batch_of(entity, FILE)
    accountant.post(url("commit", batch))
    response = accountant.post(url("commit", batch), follow=True)
    assert "cette étape n’est plus possible" in response.content.decode()
    assert commit_batches() == 1
    assert OpenItem.objects.count() == 2


def test_rejects_as_a_workbook_hold_the_same_cells(entity: LegalEntity):
    batch = batch_of(
        entity, csv_bytes("C9;F1;Facture;15/10/2026;;1200,50;;;", "C9;F2;Facture;31/02/2026;;0,1;;;")
    )
    with rejects_xlsx(batch) as file:
        sheet = CalamineWorkbook.from_filelike(file).get_sheet_by_index(0)
    header, first, second = sheet.to_python()
    assert header[:2] == ["Code client", "N° facture"] and header[-1] == "Erreurs"
    amount = header.index("Montant TTC")
    assert (first[0], first[3], first[amount]) == ("C9", date(2026, 10, 15), 1200.5)
    # A day that does not exist stays what was typed; a tenth comes back as a tenth.
    assert (second[3], Decimal(str(second[amount]))) == ("31/02/2026", Decimal("0.1"))
    assert "C9" in first[-1] and "février" in second[-1]


def test_rejects_download(accountant: Client, entity: LegalEntity):
    batch = batch_of(entity, BAD)
    response = accountant.get(url("errors", batch))
    text = b"".join(response.streaming_content).decode()
    assert response["Content-Disposition"] == f'attachment; filename="rejets-lot-{batch.pk}.csv"'
    assert text.count("\r\n") == 2
    assert "Erreurs" in text


def test_rows_by_outcome_and_by_page(accountant: Client, entity: LegalEntity):
    rows = [f"C1;F{i};;15/10/2026;;{i},00;;;" for i in range(1, 131)]
    batch = batch_of(entity, csv_bytes(*rows, "C9;X1;;15/10/2026;;1,00;;;"))
    page = accountant.get(url("rows", batch)).content.decode()
    assert "F100<" in page
    assert "F101<" not in page
    assert "?apres=101" in page
    page = accountant.get(url("rows", batch), {"apres": "101"}).content.decode()
    assert "F130<" in page
    page = accountant.get(url("rows", batch), {"resultat": "ERROR"}).content.decode()
    assert "X1<" in page
    assert "F1<" not in page
    for query in ({"apres": "x"}, {"apres": "9" * 40}, {"resultat": "?"}, {"apres": "-1"}):
        assert accountant.get(url("rows", batch), query).status_code == 200


def test_reading_again(accountant: Client, entity: LegalEntity):
    batch = batch_of(entity, csv_bytes("C1;F1;;15/10/2026;;12,345;;;"))
    accountant.post(url("reread", batch), {"decimal": "."})
    read_batches()
    batch.refresh_from_db()
    assert (batch.status, batch.new_count, batch.error_count) == ("PREVIEWED", 1, 0)
    assert accountant.post(url("reread", batch), {"decimal": "?"}).status_code == 400


def test_a_rejected_file_says_why_and_can_be_given_up(accountant: Client, entity: LegalEntity):
    batch = batch_of(entity, b"Code client;Facture\r\nC1;F1\r\n")
    page = accountant.get(url("detail", batch)).content.decode()
    assert "Ligne 1\u00a0: il manque «\u00a0Date facture\u00a0», «\u00a0Montant TTC\u00a0»" in page
    assert accountant.get(url("errors", batch)).status_code == 404
    response = accountant.post(url("cancel", batch), follow=True)
    assert "Lot annulé" in response.content.decode()


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "vide.csv", "Le fichier est vide"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "vieux.xls", "ancien classeur Excel"),
    ],
)
def test_hopeless_files_are_refused_at_the_field(
    accountant: Client, entity: LegalEntity, content: bytes, name: str, said: str
):
    response = upload(accountant, entity, content, name)
    assert response.status_code == 400
    assert said in response.content.decode()
    assert not ImportBatch.objects.exists()


def test_a_missing_file_and_a_foreign_entity(accountant: Client, entity: LegalEntity, make_user, sign_in):
    response = accountant.post(reverse("invoices:import-upload"), {"entity": entity.pk})
    assert response.status_code == 400
    other = sign_in(make_user(Role.ACCOUNTANT, email="autre@example.test", sees=[LegalEntityFactory()]))
    assert upload(other, entity, FILE).status_code == 400
    assert not ImportBatch.objects.exists()


def test_a_huge_body_is_refused_before_it_is_kept(accountant: Client, entity: LegalEntity, settings):
    settings.IMPORT_MAX_BYTES = 100_000
    response = upload(accountant, entity, b"x" * 3_000_000)
    assert response.status_code == 413
    assert "3 Mio, 0 Mio au plus" in response.content.decode().replace("\u00a0", " ")
    assert not ImportBatch.objects.exists()


def test_upload_is_checked_against_forgery(make_user, entity: LegalEntity):
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user(Role.ACCOUNTANT))
    assert upload(client, entity, FILE).status_code == 403
    assert not ImportBatch.objects.exists()


def test_the_example_is_a_file_that_imports(accountant: Client, entity: LegalEntity):
    response = accountant.get(reverse("invoices:import-sample", kwargs={"entity": "FR01"}))
    assert response.status_code == 200
    batch = batch_of(entity, response.content)
    assert (batch.error_count, batch.new_count) == (0, 3)
    assert accountant.get(reverse("invoices:import-sample", kwargs={"entity": "ZZ"})).status_code == 404


def test_outside_the_scope_nothing_exists(make_user, sign_in, entity: LegalEntity):
    batch = batch_of(entity, BAD)
    stranger = sign_in(make_user(Role.ACCOUNTANT, sees=[LegalEntityFactory()]))
    for name in ("detail", "progress", "rows", "errors", "mapping"):
        assert stranger.get(url(name, batch)).status_code == 404
    for name in ("commit", "cancel", "reread", "confirm", "approve", "return", "rollback", "mapping"):
        assert stranger.post(url(name, batch)).status_code == 404
    assert "lot.csv" not in stranger.get(reverse("invoices:import-list")).content.decode()


def test_a_reader_sees_but_may_not_change(make_user, sign_in, entity: LegalEntity):
    batch = batch_of(entity, FILE)
    director = sign_in(make_user(Role.FINANCE_DIRECTOR))
    page = director.get(url("detail", batch)).content.decode()
    assert "Enregistrer" not in page
    assert director.get(reverse("invoices:import-upload")).status_code == 403
    for name in ("commit", "cancel", "reread"):
        assert director.post(url(name, batch)).status_code == 403
    batch.refresh_from_db()
    assert batch.status == "PREVIEWED"


def test_the_list_costs_the_same_for_2_and_20(accountant: Client, entity: LegalEntity):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            accountant.get(reverse("invoices:import-list"))
        return len(captured)

    for _ in range(2):
        receive_batch(actor=SYSTEM, entity=entity, file=io.BytesIO(FILE), name="lot.csv", now=NOW)
    few = queries()
    for _ in range(18):
        receive_batch(actor=SYSTEM, entity=entity, file=io.BytesIO(FILE), name="lot.csv", now=NOW)
    assert queries() == few


def test_the_list_has_pages(accountant: Client, entity: LegalEntity):
    for _ in range(51):
        receive_batch(actor=SYSTEM, entity=entity, file=io.BytesIO(FILE), name="lot.csv", now=NOW)
    oldest, second = ImportBatch.objects.order_by("pk")[:2]
    page = accountant.get(reverse("invoices:import-list")).content.decode()
    assert f"?avant={second.pk}" in page
    page = accountant.get(reverse("invoices:import-list"), {"avant": str(second.pk)}).content.decode()
    assert url("detail", oldest) in page
    assert url("detail", second) not in page


class _Inline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [f"{tag} {name}" for name, _value in attrs if name == "style" or name.startswith("on")]
        if tag == "style":
            self.found.append(tag)


def test_pages_hold_no_inline_style_or_script(accountant: Client, entity: LegalEntity):
    batch = batch_of(entity, BAD)
    assert settings.CONTENT_SECURITY_POLICY
    for address in (
        reverse("invoices:import-list"),
        reverse("invoices:import-upload"),
        url("detail", batch),
        url("rows", batch),
    ):
        parser = _Inline()
        parser.feed(accountant.get(address).content.decode())
        assert parser.found == []
