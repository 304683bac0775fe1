"""Pages of bank files, bank accounts and watched folders."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from core.models import Role
from customers.models import LegalEntity
from invoices.models import BankAccount, BankFile, BankLine, DropFolder
from invoices.operations.bank_files import read_bank_file
from tests.customers.factories import LegalEntityFactory
from tests.invoices.statements import (
    IBAN,
    NOW,
    OTHER_IBAN,
    Move,
    accepted,
    camt,
    csv_export,
    make_account,
    previewed,
    received,
)
from tests.pages import assert_no_server_error, counting, page_of, text_of

pytestmark = pytest.mark.django_db
ONE = Move("120.00", "FACTURE FA0001", reference="BK1", end_to_end="E1", payer="DUPONT SA")
TWO = Move("-12.00", "FRAIS", reference="BK3", is_charge=True)


@pytest.fixture
def entity() -> LegalEntity:
    entity = LegalEntityFactory(code="FR01")
    make_account(entity)
    return entity


@pytest.fixture
def client(make_user, sign_in) -> Client:
    return sign_in(make_user(Role.ACCOUNTANT))


@pytest.fixture
def director(make_user, sign_in) -> Client:
    return sign_in(make_user(Role.FINANCE_DIRECTOR))


def detail(bank_file: BankFile) -> str:
    return reverse("invoices:bank-file-detail", args=[bank_file.uid])


def test_the_first_pages_teach(client: Client) -> None:
    assert "CAMT.053" in text_of(client.get(reverse("invoices:bank-file-list")).content)
    assert "Un relevé n’est enregistré que sur un compte connu" in text_of(
        client.get(reverse("invoices:bank-account-list")).content
    )
    assert "chaque minute" in text_of(client.get(reverse("invoices:drop-folder-list")).content)


def test_from_upload_to_acceptance(client: Client, entity: LegalEntity) -> None:
    upload = SimpleUploadedFile("releve.xml", camt(ONE, TWO), "application/xml")
    answer = client.post(reverse("invoices:bank-file-upload"), {"entity": entity.pk, "files": upload})
    bank_file = BankFile.objects.get()
    assert answer["Location"] == detail(bank_file)
    waiting = client.get(answer["Location"]).content
    progress = reverse("invoices:bank-file-progress", args=[bank_file.uid])
    assert page_of(waiting).get_element_by_id("progress").get("hx-get") == progress
    assert "HX-Refresh" not in client.get(progress).headers
    read_bank_file(bank_file_id=bank_file.pk, now=NOW)
    # The next poll asks the browser to load the page again, which no longer polls.
    assert client.get(progress).headers["HX-Refresh"] == "true"
    page = client.get(detail(bank_file)).content
    assert "hx-get" not in page.decode()
    assert "1 encaissement à rapprocher de vos factures 120,00 €" in text_of(page, "validation")
    assert "Enregistrer 2 mouvements" in text_of(page, "validation")
    assert "solde juste" in text_of(page, "releves")
    assert "DUPONT SA" in text_of(page, "lines")
    answer = client.post(reverse("invoices:bank-file-accept", args=[bank_file.uid]), follow=True)
    assert "Le rapprochement commence" in answer.content.decode()
    assert BankLine.objects.filter(status="OPEN").count() == 1
    again = client.post(reverse("invoices:bank-file-accept", args=[bank_file.uid]), follow=True)
    assert "cette étape n’est plus possible" in again.content.decode()
    assert BankLine.objects.count() == 2


def test_several_files_at_once_some_refused(client: Client, entity: LegalEntity) -> None:
    files = [
        SimpleUploadedFile("a.xml", camt(ONE)),
        SimpleUploadedFile("b.pdf", b"%PDF-1.7"),
        SimpleUploadedFile("c.csv", csv_export(ONE)),
    ]
    answer = client.post(
        reverse("invoices:bank-file-upload"), {"entity": entity.pk, "files": files}, follow=True
    )
    assert BankFile.objects.count() == 2
    assert "b.pdf" in answer.content.decode()
    assert "est refusé" in answer.content.decode()


@pytest.mark.parametrize("content", [b"", b"bonjour", b"%PDF-1.7"])
def test_a_refusal_stands_at_the_field(client: Client, entity: LegalEntity, content: bytes) -> None:
    upload = SimpleUploadedFile("x.txt", content)
    answer = client.post(reverse("invoices:bank-file-upload"), {"entity": entity.pk, "files": upload})
    assert answer.status_code == 400
    assert page_of(answer.content).get_element_by_id("id_files").get("aria-invalid") == "true"
    assert not BankFile.objects.exists()


def test_a_body_over_the_limit_is_refused_before_it_is_kept(client: Client, entity, settings) -> None:
    settings.IMPORT_MAX_BYTES = 10
    upload = SimpleUploadedFile("x.xml", b"x" * (2 * 1024 * 1024))
    answer = client.post(reverse("invoices:bank-file-upload"), {"entity": entity.pk, "files": upload})
    assert answer.status_code == 413
    assert not BankFile.objects.exists()


def test_refusals_and_duplicates_are_explained(client: Client, entity: LegalEntity) -> None:
    accepted(entity, camt(ONE))
    double = previewed(entity, camt(ONE, number="2"), name="double.xml")
    page = client.get(detail(double)).content
    assert "déjà enregistré, par le fichier « releve.xml »" in text_of(page, "releves")
    assert "rien à enregistrer" in text_of(page, "validation")
    wrong = previewed(entity, camt(ONE, closing="1500.00"))
    said = text_of(client.get(detail(wrong)).content, "releves")
    assert "ouverture 1 000,00 € + mouvements 120,00 € = 1 120,00 €" in said
    assert "1 500,00 €" in said
    unknown = previewed(entity, camt(ONE, iban=OTHER_IBAN))
    assert "Créez le compte bancaire" in text_of(client.get(detail(unknown)).content, "releves")
    overview = text_of(client.get(reverse("invoices:bank-file-list")).content)
    assert "double.xml" in overview
    assert "Refusé" in overview


def test_lines_are_filtered_and_paged(client: Client, entity: LegalEntity) -> None:
    moves = [Move(f"{n}.00", f"VIR {n}", reference=f"R{n}", payer=f"CLIENT {n}") for n in range(1, 121)]
    bank_file = previewed(entity, camt(*moves, TWO))
    page = client.get(detail(bank_file))
    assert page.context["next_url"]
    following = client.get(detail(bank_file) + page.context["next_url"])
    assert [line.rank for line in following.context["lines"]][:1] == [51]
    only = client.get(detail(bank_file), {"nature": "CHARGES"})
    assert [str(line.amount) for line in only.context["lines"]] == ["-12.00"]
    named = client.get(detail(bank_file), {"q": "client 77"})
    assert [line.counterparty_name for line in named.context["lines"]] == ["CLIENT 77"]
    ranged = client.get(detail(bank_file), {"amount_min": "10", "amount_max": "12"})
    assert len(ranged.context["lines"]) == 3


def test_as_many_queries_for_two_files_as_for_twenty(client: Client, entity: LegalEntity) -> None:
    address = reverse("invoices:bank-file-list")
    for n in range(2):
        previewed(entity, camt(ONE, number=str(n)))
    client.get(address)
    with counting() as few:
        client.get(address)
    for n in range(18):
        previewed(entity, camt(ONE, number=str(n + 2)))
    with counting() as many:
        client.get(address)
    assert many() == few()


def test_no_hostile_value_breaks_a_page(client: Client, entity: LegalEntity) -> None:
    bank_file = previewed(entity, camt(ONE))
    assert_no_server_error(
        client, detail(bank_file), ("cursor", "q", "nature", "status", "amount_min", "amount_max")
    )
    assert_no_server_error(
        client, reverse("invoices:bank-file-list"), ("cursor", "status", "entity", "format")
    )
    assert_no_server_error(client, reverse("invoices:drop-folder-list"), ("cursor",))


def test_another_entity_is_not_there(make_user, sign_in, entity: LegalEntity) -> None:
    outsider = sign_in(make_user(Role.ACCOUNTANT, sees=[LegalEntityFactory(code="FR02")]))
    bank_file = previewed(entity, camt(ONE))
    assert outsider.get(detail(bank_file)).status_code == 404
    assert outsider.get(reverse("invoices:bank-file-original", args=[bank_file.uid])).status_code == 404
    assert outsider.post(reverse("invoices:bank-file-accept", args=[bank_file.uid])).status_code == 404
    assert "releve.xml" not in outsider.get(reverse("invoices:bank-file-list")).content.decode()
    bank_file.refresh_from_db()
    assert bank_file.status == "PREVIEWED"


def test_a_csv_is_read_again_for_the_account_chosen(client: Client, entity: LegalEntity) -> None:
    second = make_account(entity, OTHER_IBAN, name="Second")
    bank_file = previewed(entity, csv_export(ONE))
    assert "Choisissez le compte" in text_of(client.get(detail(bank_file)).content, "releves")
    client.post(reverse("invoices:bank-file-reread", args=[bank_file.uid]), {"bank_account": second.pk})
    bank_file.refresh_from_db()
    assert (bank_file.status, bank_file.bank_account) == ("RECEIVED", second)
    client.post(reverse("invoices:bank-file-cancel", args=[bank_file.uid]))
    bank_file.refresh_from_db()
    assert bank_file.status == "CANCELLED"


def test_withdrawing_asks_why(client: Client, entity: LegalEntity) -> None:
    bank_file = accepted(entity, camt(ONE))
    address = reverse("invoices:bank-file-withdraw", args=[bank_file.uid])
    assert client.post(address, {"reason": ""}).status_code == 400
    assert BankLine.objects.count() == 1
    answer = client.post(address, {"reason": "Mauvais fichier"}, follow=True)
    assert "ne comptent plus" in answer.content.decode()
    assert not BankLine.objects.exists()


def test_the_original_is_given_back(client: Client, entity: LegalEntity) -> None:
    bank_file = received(entity, camt(ONE))
    answer = client.get(reverse("invoices:bank-file-original", args=[bank_file.uid]))
    assert b"".join(answer.streaming_content) == camt(ONE)
    assert answer["Content-Disposition"].startswith("attachment")


def test_accounts_are_created_corrected_and_archived(director: Client, client: Client) -> None:
    entity = LegalEntityFactory(code="FR01")
    create = reverse("invoices:bank-account-create")
    values = {
        "entity": entity.pk, "name": "BNP", "iban": "FR76 3000 6000 0112 3456 7890 189", "currency": "EUR",
        "gl_account": "512000", "journal_code": "BQ1",
    }  # fmt: skip
    wrong = director.post(create, values | {"iban": "FR7630006000011234567890188"})
    assert wrong.status_code == 400
    assert page_of(wrong.content).get_element_by_id("id_iban").get("aria-invalid") == "true"
    assert director.post(create, values).status_code == 302
    account = BankAccount.objects.get()
    assert account.iban == IBAN
    assert director.post(create, values).status_code == 400
    edit = reverse("invoices:bank-account-edit", args=[account.pk])
    director.post(edit, values | {"name": "BNP courant"})
    director.post(reverse("invoices:bank-account-archive", args=[account.pk]))
    account.refresh_from_db()
    assert (account.name, account.is_active) == ("BNP courant", False)
    assert "Archivé" in text_of(client.get(reverse("invoices:bank-account-list")).content)
    assert client.get(edit).status_code == 403
    director.post(reverse("invoices:bank-account-reopen", args=[account.pk]))
    account.refresh_from_db()
    assert account.is_active


def test_an_account_shows_how_far_it_is_known_and_where_it_breaks(
    client: Client, entity: LegalEntity
) -> None:
    accepted(entity, camt(ONE))
    accepted(entity, camt(Move("5.00"), opening="1500.00", number="3"))
    said = text_of(client.get(reverse("invoices:bank-account-list")).content)
    assert "Il manque un relevé entre le 20/11/2026 (1 120,00 €) et le 20/11/2026 (1 500,00 €)" in said
    assert "1 505,00 €" in said


def test_a_folder_is_watched_changed_and_stopped(client: Client, entity: LegalEntity) -> None:
    create = reverse("invoices:drop-folder-create")
    values = {"entity": entity.pk, "path": "fr01/releves", "subject": "BANK"}
    for path in ("../etc", "/etc", "a//b", "a/../b", ".ssh", "archive", "a\\b", "x" * 201):
        answer = client.post(create, values | {"path": path})
        assert answer.status_code == 400, path
    assert client.post(create, values).status_code == 302
    folder = DropFolder.objects.get()
    assert client.post(create, values | {"path": "FR01/Releves"}).status_code == 400
    edit = reverse("invoices:drop-folder-edit", args=[folder.pk])
    client.post(edit, {"path": "fr01/banque", "subject": "BANK", "commits_by_itself": "on"})
    folder.refresh_from_db()
    assert (folder.path, folder.commits_by_itself, folder.is_active) == ("fr01/banque", True, False)
    assert "Arrêté" in text_of(client.get(reverse("invoices:drop-folder-list")).content)
