"""The pages of life-cycle statuses: list and filters, a file of them, the history on an item, what was collected."""

import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from config.agenda import agenda
from core.models import Role, StoredFile
from core.rights import SYSTEM
from invoices.einvoice_reads import collected
from invoices.einvoice_statuses import Reason, ReceivedStatus
from invoices.models import EInvoiceStatus, OpenItem
from invoices.operations.einvoice_statuses import record_statuses
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.einvoice_files import SELLER_SIREN, cdar, zip_of
from tests.invoices.factories import AllocationFactory, CreditNoteFactory, OpenItemFactory, PaymentFactory
from tests.pages import assert_no_server_error, counting, page_of, text_of

TODAY, NOW = date(2026, 11, 23), datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LIST, UPLOAD = reverse("invoices:einvoice-status-list"), reverse("invoices:einvoice-status-upload")
COLLECTED = reverse("invoices:einvoice-collected")

pytestmark = pytest.mark.django_db


@pytest.fixture
def item() -> OpenItem:
    entity = LegalEntityFactory(code="FR01", siren=SELLER_SIREN)
    return OpenItemFactory(customer=CustomerFactory(legal_entity=entity), number="FA-77")


@pytest.fixture
def accountant(make_user, sign_in) -> Client:
    return sign_in(make_user(Role.ACCOUNTANT))


def receive(item: OpenItem, code: str, number: str = "", day: int = 20, **fields: object) -> None:
    status = ReceivedStatus(
        number=number or item.number, code=code, occurred_at=datetime(2026, 11, day, 9, tzinfo=UTC), **fields
    )  # type: ignore[arg-type]
    record_statuses(actor=SYSTEM, entity=item.legal_entity, statuses=[status], now=NOW, today=TODAY)


def upload(client: Client, content: bytes, entity: object, name: str = "statuts.xml"):
    file = io.BytesIO(content)
    file.name = name
    return client.post(UPLOAD, {"entity": entity.pk, "file": file}, follow=True)  # type: ignore[attr-defined]


def test_an_empty_list_says_what_statuses_do(accountant: Client) -> None:
    assert "n’est plus relancée" in text_of(accountant.get(LIST).content)


def test_a_file_is_recorded_and_its_statuses_are_listed(accountant: Client, item: OpenItem) -> None:
    content = zip_of(
        {"a.xml": cdar(number="FA-77", reason="PU_ERR"), "b.xml": cdar(number="FA-INCONNUE", code="203")}
    )
    page = upload(accountant, content, item.legal_entity, "statuts.zip")
    assert page.redirect_chain
    told = text_of(page.content, "main") if b'id="main"' in page.content else page.content.decode()
    assert "2 statuts enregistrés." in page.content.decode()
    assert "FA-77" in told and "Litige ouvert" in told and "Prix unitaire erroné" in told
    assert "numéro inconnu" in told
    item.refresh_from_db()
    assert item.disputed_amount == item.open_amount
    again = upload(accountant, content, item.legal_entity, "statuts.zip").content.decode()
    assert "2 étaient déjà connus." in again
    assert EInvoiceStatus.objects.count() == 2
    assert StoredFile.objects.filter(kind="EINVOICE_STATUS").count() == 1


def test_what_a_file_leaves_out_is_told_with_its_name(accountant: Client, item: OpenItem) -> None:
    content = zip_of(
        {
            "bon.xml": cdar(number="FA-77", code="203"),
            "autre.xml": cdar(number="FA-9", seller="552081317"),
            "casse.xml": b"<a",
        }
    )
    answer = upload(accountant, content, item.legal_entity, "statuts.zip")
    assert answer.status_code == 200
    told = answer.content.decode()
    assert "2 messages n’ont pas été pris." in told and "1 statut enregistré." in told
    assert "casse.xml" in told and "552081317" in told


@pytest.mark.parametrize(
    "content", [b"", b"bonjour", b"<a/>", cdar(seller="552081317"), zip_of({"../a": b"x"})]
)
def test_a_file_of_nothing_is_refused_at_its_field(
    accountant: Client, item: OpenItem, content: bytes
) -> None:
    answer = upload(accountant, content, item.legal_entity)
    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode() or "field-error" in answer.content.decode()
    assert not EInvoiceStatus.objects.exists()
    assert not StoredFile.objects.filter(kind="EINVOICE_STATUS").exists()


def test_the_list_is_filtered_by_code_effect_number_and_waiting(accountant: Client, item: OpenItem) -> None:
    receive(item, "203")
    receive(item, "207", day=21)
    receive(item, "227", number="ZZ-1")

    def numbers(**query: str) -> str:
        page = page_of(accountant.get(LIST, query).content)
        return " ".join(row.text_content() for row in page.xpath("//tbody/tr"))

    assert "Mise à disposition" not in numbers(code="207")
    assert "FA-77" in numbers(effect="DISPUTED") and "ZZ-1" not in numbers(effect="DISPUTED")
    assert "ZZ-1" in numbers(waiting="yes") and "FA-77" not in numbers(waiting="yes")
    assert "ZZ-1" in numbers(q="zz") and "FA-77" not in numbers(q="zz")
    assert "Aucun statut ne répond" in text_of(accountant.get(LIST, {"q": "absent"}).content)
    assert "FA-77" in numbers(occurred_after="2026-11-21", occurred_before="2026-11-21")


def test_the_list_costs_the_same_at_two_and_at_twenty_rows(accountant: Client, item: OpenItem) -> None:
    def cost() -> int:
        with counting() as count:
            assert accountant.get(LIST).status_code == 200
            return count()

    receive(item, "203")
    receive(item, "204")
    few = cost()
    for day in range(1, 19):
        receive(OpenItemFactory(customer=item.customer), "203", day=day)
    assert cost() == few


def test_no_address_breaks_the_pages(accountant: Client, item: OpenItem) -> None:
    receive(item, "207")
    assert_no_server_error(
        accountant, LIST, ("q", "code", "entity", "effect", "waiting", "occurred_after", "cursor")
    )
    assert_no_server_error(accountant, COLLECTED, ("entity", "start", "end", "format"))


def test_the_item_shows_its_life_cycle_and_its_latest_status(accountant: Client, item: OpenItem) -> None:
    page = reverse("invoices:item-detail", args=[item.pk])
    assert "Cycle de vie" not in accountant.get(page).content.decode()
    receive(item, "203")
    receive(
        item, "206", day=21, reasons=(Reason("QTE_ERR", "Deux sacs"),), amounts={"MNATTC": Decimal("120.00")}
    )
    told = text_of(accountant.get(page).content, "einvoice")
    assert "Approuvée partiellement" in told and "Mise à disposition" in told
    assert "Quantité facturée erronée" in told and "Deux sacs" in told and "120,00" in told
    panel = accountant.get(reverse("invoices:item-list"), {"piece": item.pk}).content.decode()
    assert "Approuvée partiellement" in panel


def test_statuses_of_other_entities_are_not_seen(make_user, sign_in, item: OpenItem) -> None:
    receive(item, "207")
    elsewhere = LegalEntityFactory(code="FR99")
    stranger = sign_in(make_user(Role.ACCOUNTANT, sees=[elsewhere]))
    assert "FA-77" not in text_of(stranger.get(LIST).content)
    answer = upload(stranger, cdar(number="FA-77"), item.legal_entity)
    assert answer.status_code == 400


def test_what_was_collected_is_told_by_day_and_taken_back_when_it_bounces(item: OpenItem) -> None:
    receive(item, "203")
    payment = PaymentFactory(customer=item.customer, total_amount=Decimal("-500.00"))
    paid = AllocationFactory(debit=item, credit=payment, allocated_on=date(2026, 11, 3))
    credit = CreditNoteFactory(customer=item.customer)
    AllocationFactory(debit=item, credit=credit, amount=Decimal("100.00"), allocated_on=date(2026, 11, 4))
    entity = item.legal_entity
    november = (date(2026, 11, 1), date(2026, 11, 30))
    (told,) = collected(entity, *november)
    assert told.as_json() == {
        "number": "FA-77",
        "code": "212",
        "occurred_on": "2026-11-03",
        "currency": "EUR",
        "amounts": [{"type": "MEN", "amount": "500.00"}],
    }
    type(paid).objects.filter(pk=paid.pk).update(reversed_on=date(2026, 12, 2))
    assert [row.amount for row in collected(entity, *november)] == [Decimal("500.00")]
    assert [
        (row.collected_on, row.amount) for row in collected(entity, date(2026, 12, 1), date(2026, 12, 31))
    ] == [(date(2026, 12, 2), Decimal("-500.00"))]
    assert collected(entity, date(2026, 11, 1), date(2026, 12, 31)) == []


def test_what_was_collected_is_shown_and_given_as_json(accountant: Client, item: OpenItem) -> None:
    receive(item, "203")
    payment = PaymentFactory(customer=item.customer, total_amount=Decimal("-500.00"))
    AllocationFactory(debit=item, credit=payment, allocated_on=date(2026, 11, 3))
    query = {"entity": "FR01", "start": "2026-11-01", "end": "2026-11-30"}
    assert "500,00" in text_of(accountant.get(COLLECTED, query).content)
    answer = accountant.get(COLLECTED, {**query, "format": "json"})
    assert "encaissements-FR01-20261101-20261130.json" in answer["Content-Disposition"]
    assert [row["number"] for row in json.loads(answer.content)["statuses"]] == ["FA-77"]
    assert accountant.get(COLLECTED).status_code == 200
    refused = accountant.get(COLLECTED, {**query, "end": "2026-10-01"})
    assert refused.status_code == 400 and "précède le début" in refused.content.decode()
    empty = accountant.get(COLLECTED, {**query, "start": "2026-01-01", "end": "2026-01-31"})
    assert "Aucun encaissement" in text_of(empty.content)


def test_a_status_to_verify_waits_in_the_agenda_for_a_week(make_user, item: OpenItem) -> None:
    accountant = make_user(Role.ACCOUNTANT, email="agenda@example.test")

    def waiting(day: date) -> list[str]:
        return [entry.url for entry in agenda(accountant, day) if entry.key == "einvoice_flags"]

    assert waiting(TODAY) == []
    receive(item, "227")
    (url,) = waiting(TODAY)
    client = Client()
    client.force_login(accountant)
    assert "Changement de compte à payer" in text_of(client.get(url).content)
    assert waiting(TODAY + timedelta(days=8)) == []
    assert not [
        entry for entry in agenda(make_user(Role.FINANCE_DIRECTOR), TODAY) if entry.key == "einvoice_flags"
    ]
