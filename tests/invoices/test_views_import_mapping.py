"""The mapping of a file's columns, the sources it is saved as, and the guards."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.models import AuditEvent, Role
from core.rights import SYSTEM
from customers.models import LegalEntity
from invoices.models import ImportBatch, ImportGuard, ImportProfile, OpenItem
from invoices.operations.imports import receive_batch
from invoices.tasks_imports import commit_batches, read_batches
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.files import csv_bytes, xlsx_bytes
from tests.pages import HOSTILE, page_of, same_markup, swapped, text_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
UNKNOWN = b"Cpte;Doc;Genre;Emis;Somme\r\nC1;V1;VT;03/11/2026;120,00\r\nC1;V2;REM;04/11/2026;20,00\r\nC9;V3;VT;05/11/2026;5,00\r\n"
FIELDS = ("customer_code", "number", "kind", "issue_date", "total_amount")
HEADERS = ("Cpte", "Doc", "Genre", "Emis", "Somme")


@pytest.fixture
def entity() -> LegalEntity:
    entity = LegalEntityFactory(code="FR01", name="Ateliers du Perche")
    CustomerFactory(legal_entity=entity, account_code="C1", name="Dupont et fils")
    return entity


@pytest.fixture
def accountant(make_user, sign_in) -> Client:
    return sign_in(make_user(Role.ACCOUNTANT))


def batch_of(entity: LegalEntity, content: bytes = UNKNOWN) -> ImportBatch:
    batch = receive_batch(actor=SYSTEM, entity=entity, file=io.BytesIO(content), name="export.csv", now=NOW)
    read_batches()
    batch.refresh_from_db()
    return batch


def url(batch: ImportBatch, name: str = "mapping") -> str:
    return reverse(f"invoices:import-{name}", kwargs={"uid": batch.uid})


def choices(**others: Any) -> dict[str, Any]:
    """What the page posts for the unknown file when every column is told."""
    posted = {"workbook": "0", "name": "Export des ventes", "mode": "DELTA"}
    for index, (header, field) in enumerate(zip(HEADERS, FIELDS, strict=True)):
        posted |= {f"header-{index}": header, f"column-{index}": field}
    words = {"word-0": "VT", "nature-0": "INVOICE", "word-1": "REM", "nature-1": "CREDIT_NOTE"}
    return posted | words | others


def test_a_file_that_nobody_knows_is_mapped_read_and_committed(accountant: Client, entity: LegalEntity):
    batch = batch_of(entity)
    assert (batch.status, batch.error_code) in (
        ("REJECTED", "columns_missing"),
        ("REJECTED", "header_missing"),
    )
    assert url(batch) in accountant.get(url(batch, "detail")).content.decode()

    page = accountant.get(url(batch)).content
    assert "% des valeurs sont des codes de vos clients" in text_of(page)
    assert "Dupont et fils" in text_of(page)

    answer = accountant.post(url(batch), choices(action="save"))
    assert answer.status_code == 302
    profile = ImportProfile.objects.get()
    assert (profile.name, profile.columns) == ("Export des ventes", dict(zip(FIELDS, HEADERS, strict=True)))
    assert profile.values == {"kind": {"VT": "INVOICE", "REM": "CREDIT_NOTE"}}
    assert AuditEvent.objects.filter(verb="invoices.import_profile.saved").count() == 1
    read_batches()
    batch.refresh_from_db()
    assert (batch.status, batch.profile, batch.new_count, batch.error_count) == ("PREVIEWED", profile, 2, 1)
    accountant.post(url(batch, "commit"), {"accept_rejects": "on"})
    commit_batches()
    found = OpenItem.objects.order_by("number").values_list("number", "kind", "total_amount")
    assert [(number, kind, str(total)) for number, kind, total in found] == [
        ("V1", "INVOICE", "120.00"),
        ("V2", "CREDIT_NOTE", "-20.00"),
    ]


def test_a_later_file_with_these_headers_proposes_the_source(accountant: Client, entity: LegalEntity):
    accountant.post(url(batch_of(entity)), choices(action="save"))
    profile = ImportProfile.objects.get()
    later = batch_of(entity, UNKNOWN.replace(b"V1", b"V7"))
    assert later.status == "REJECTED"
    page = accountant.get(url(later, "detail")).content
    assert "Ces colonnes sont celles de la source «\u00a0Export des ventes\u00a0»".replace(
        "\u00a0", " "
    ) in text_of(page)
    accountant.post(url(later, "reread"), {"profile": profile.pk})
    read_batches()
    later.refresh_from_db()
    assert (later.status, later.profile) == ("PREVIEWED", profile)


def test_what_is_swapped_is_the_full_page(accountant: Client, entity: LegalEntity):
    batch = batch_of(entity)
    before = accountant.get(url(batch)).content
    posted = choices()
    partial = accountant.post(url(batch), posted, headers={"hx-request": "true", "hx-target": "mapping"})
    full = accountant.post(url(batch), posted)
    assert partial.status_code == full.status_code == 200
    pages = swapped(before, partial.content, "mapping"), page_of(full.content)
    for page in pages:
        for token in page.xpath("//input[@name='csrfmiddlewaretoken']"):
            token.drop_tree()
    assert same_markup(*pages, "mapping")
    assert not ImportProfile.objects.exists()


def test_another_separator_gives_other_columns_proposed_afresh(accountant: Client, entity: LegalEntity):
    batch = batch_of(entity, csv_bytes("C1;F1;Facture;15/10/2026;;1 200,00;;;"))
    page = accountant.post(url(batch), {"workbook": "0", "header-0": "x", "column-0": "number"}).content
    selected = [
        option.get("value")
        for option in page_of(page).xpath("//*[@id='colonnes']//option[@selected]")
        if option.get("value")
    ]
    assert selected[:4] == ["customer_code", "number", "kind", "issue_date"]


def test_a_workbook_is_mapped_too(accountant: Client, entity: LegalEntity):
    batch = batch_of(entity, xlsx_bytes([["C1", "F1", "Facture", "15/10/2026", "", 12.5, 2, "EUR", ""]]))
    text = text_of(accountant.get(url(batch)).content)
    assert "Classeur XLSX, feuille « Factures »" in text
    assert "12,50 €" in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "Donnez un nom à la source"),
        ({"name": "x" * 90}, "80 caractères"),
        ({"column-4": ""}, "Il manque une colonne pour"),
        ({"nature-0": "NONSENSE"}, "n’est pas une nature de pièce"),
        ({"currency": "XYZ"}, "code ISO en trois lettres"),
        ({"header_line": "-3"}, "supérieure ou égale à 0"),
        ({"decimal": "?"}, "Sélectionnez un choix valide"),
    ],
    ids=["no name", "long name", "column missing", "nature", "currency", "line", "choice"],
)
def test_what_cannot_be_saved_is_said_and_nothing_is(
    accountant: Client, entity: LegalEntity, change: dict[str, str], said: str
):
    batch = batch_of(entity)
    answer = accountant.post(url(batch), choices(action="save", **change))
    assert answer.status_code == 200
    assert said in text_of(answer.content)
    assert not ImportProfile.objects.exists()
    batch.refresh_from_db()
    assert batch.status == "REJECTED"


NAMES = ("column-0", "header-1", "word-0", "nature-0", "sheet", "header_line", "profile", "delimiter")


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_choices_end_in_an_answer(accountant: Client, entity: LegalEntity, value: str):
    batch = batch_of(entity)
    given = [choices(**{name: value}) for name in NAMES[:1]] + [choices(**dict.fromkeys(NAMES[1:], value))]
    assert [accountant.post(url(batch), one).status_code for one in given] == [200, 200]
    assert accountant.get(url(batch), {"source": value}).status_code == 200


def test_a_file_that_cannot_be_opened_with_these_choices_says_so(accountant: Client, entity: LegalEntity):
    batch = batch_of(
        entity, "Code client;Facture;Date;Montant\nC1;F1;01/10/2026;1\nC1;é;01/10/2026;1\n".encode("cp1252")
    )
    answer = accountant.post(url(batch), {"workbook": "0", "encoding": "utf-8"})
    assert "n’est pas en UTF-8" in text_of(answer.content)


def test_sources_are_listed_changed_and_archived(accountant: Client, entity: LegalEntity):
    accountant.post(url(batch_of(entity)), choices(action="save"))
    profile = ImportProfile.objects.get()
    listed = reverse("invoices:import-profile-list")
    assert "Export des ventes" in text_of(accountant.get(listed).content)
    detail = reverse("invoices:import-profile-detail", kwargs={"pk": profile.pk})
    posted = {f"column_{field}": header for field, header in zip(FIELDS, HEADERS, strict=True)}
    answer = accountant.post(
        detail, posted | {"name": "Ventes", "mode": "SNAPSHOT", "column_total_amount": "Net"}
    )
    assert answer.status_code == 302
    profile.refresh_from_db()
    assert (profile.name, profile.mode, profile.columns["total_amount"]) == ("Ventes", "SNAPSHOT", "Net")
    answer = accountant.post(detail, posted | {"name": "Ventes", "mode": "DELTA", "column_number": ""})
    assert answer.status_code == 400
    assert "Il manque une colonne pour" in text_of(answer.content)
    accountant.post(reverse("invoices:import-profile-archive", kwargs={"pk": profile.pk}))
    profile.refresh_from_db()
    assert profile.is_archived
    assert "Sources archivées" in text_of(accountant.get(listed).content)
    assert accountant.post(detail, posted | {"name": "Ventes", "mode": "DELTA"}).status_code == 400


def test_the_guard_of_an_entity(accountant: Client, make_user, sign_in, entity: LegalEntity):
    address = reverse("invoices:import-guard", kwargs={"entity": "FR01"})
    posted = {
        "cleared_share": "12.5",
        "amount_factor": "20",
        "volume_factor": "3",
        "second_person_amount": "1000",
    }
    # Who writes batches does not loosen what holds them.
    assert accountant.get(address).status_code == accountant.post(address, posted).status_code == 403
    director = sign_in(make_user(Role.FINANCE_DIRECTOR, email="direction@example.test"))
    assert director.get(address).status_code == 200
    assert director.post(address, posted).status_code == 302
    guard = ImportGuard.objects.get()
    assert (str(guard.cleared_share), guard.amount_factor, guard.volume_factor) == ("12.50", 20, 3)
    assert "12,5" in text_of(accountant.get(reverse("invoices:import-profile-list")).content)
    for wrong in (
        {"cleared_share": "101"},
        {"amount_factor": "1"},
        {"volume_factor": "x"},
        {"second_person_amount": "-1"},
    ):
        assert director.post(address, posted | wrong).status_code == 400, wrong
    guard.refresh_from_db()
    assert guard.amount_factor == 20


def test_who_may_not_configure_sees_the_mapping_but_saves_nothing(make_user, sign_in, entity: LegalEntity):
    manager = sign_in(make_user(Role.CREDIT_MANAGER))
    batch = batch_of(entity)
    page = text_of(manager.get(url(batch)).content)
    assert "Enregistrer et relire" not in page
    manager.post(url(batch), choices(action="save"))
    assert not ImportProfile.objects.exists()


def test_outside_the_scope_nothing_exists(make_user, sign_in, entity: LegalEntity, accountant: Client):
    accountant.post(url(batch_of(entity)), choices(action="save"))
    profile = ImportProfile.objects.get()
    stranger = sign_in(make_user(Role.ACCOUNTANT, email="autre@example.test", sees=[LegalEntityFactory()]))
    detail = reverse("invoices:import-profile-detail", kwargs={"pk": profile.pk})
    assert stranger.get(detail).status_code == 404
    other = sign_in(make_user(Role.FINANCE_DIRECTOR, email="loin@example.test", sees=[LegalEntityFactory()]))
    assert other.post(reverse("invoices:import-guard", kwargs={"entity": "FR01"})).status_code == 404
    assert "Export des ventes" not in text_of(stranger.get(reverse("invoices:import-profile-list")).content)
