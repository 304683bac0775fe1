"""The page of the balance âgée and its exports: what is shown, to whom, and for any address."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from python_calamine import CalamineWorkbook

from core import clock
from core.models import Role, User
from core.rights import SYSTEM
from customers.models import Customer, LegalEntity
from invoices.models import OpenItem
from invoices.operations.ageing import store_ageing
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.factories import AllocationFactory, CreditNoteFactory, OpenItemFactory, PaymentFactory

pytestmark = pytest.mark.django_db

NBSP, NARROW = "\u00a0", "\u202f"
URL = "/factures/balance-agee/"


@pytest.fixture
def reader(make_user: Callable[..., User], sign_in: Callable[[User], Client]) -> Client:
    return sign_in(make_user(Role.FINANCE_DIRECTOR))


@pytest.fixture
def entity() -> LegalEntity:
    return LegalEntityFactory(code="NORD")


def owe(entity: LegalEntity, name: str, amount: str, days_late: int, **fields: object) -> Customer:
    customer = CustomerFactory(legal_entity=entity, name=name)
    due = clock.today() - timedelta(days=days_late)
    OpenItemFactory(
        customer=customer,
        issue_date=due - timedelta(days=30),
        due_date=due,
        total_amount=Decimal(amount),
        **fields,
    )
    return customer


def text_of(response: object) -> str:
    return unescape(re.sub(r"[ \n\t]+", " ", re.sub(r"<[^>]+>", " ", response.content.decode())))  # type: ignore[attr-defined]


def table(client: Client, query: str = "") -> list[list[str]]:
    response = client.get(f"{URL}export.csv?{query}")
    content = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(content, newline=""), delimiter=";"))


def names(client: Client, query: str = "") -> list[str]:
    return [row[2] for row in table(client, query)[1:]]


# --- the page -----------------------------------------------------------------------------------------------


def test_shows_totals_rows_and_that_the_books_agree(reader: Client, entity: LegalEntity) -> None:
    owe(entity, "Énergie Perche", "1234.56", days_late=10)
    owe(entity, "Moulin de la Vingeanne", "800.00", days_late=-5)
    response = reader.get(URL)
    text = text_of(response)
    assert response.status_code == 200
    assert f"2{NARROW}035{NBSP}€" in text and f"2{NARROW}034,56{NBSP}€" in text
    assert f"60,7{NBSP}% de l’encours est échu" in text
    assert "égal à la balance" in text
    assert text.index("Énergie Perche") < text.index("Moulin de la Vingeanne")
    assert "calculée à l’instant" in text


def test_stored_day_says_its_age(reader: Client, entity: LegalEntity) -> None:
    owe(entity, "Énergie Perche", "1234.56", days_late=10)
    at = timezone.make_aware(datetime.combine(clock.today(), datetime.min.time()) + timedelta(minutes=20))
    store_ageing(actor=SYSTEM, legal_entity=entity, as_of=clock.today(), now=at)
    assert f"Balance enregistrée le {clock.today():%d/%m/%Y} 00:20" in text_of(reader.get(URL))


def test_figures_lead_to_their_rows(reader: Client, entity: LegalEntity) -> None:
    customer = owe(entity, "Énergie Perche", "1234.56", days_late=10)
    CreditNoteFactory(customer=customer, issue_date=clock.today() - timedelta(days=3))
    content = unescape(reader.get(URL).content.decode())
    items = reverse("invoices:item-list")
    assert reverse("customers:customer-detail", args=[customer.pk]) in content
    assert f"{items}?customer={customer.pk}&currency=EUR&bucket=1" in content
    assert f"{items}?customer={customer.pk}&currency=EUR&state=unmatched" in content
    past = clock.today() - timedelta(days=1)
    # The list of items is of today: another day's figures do not pretend to be explained by it.
    assert f"{items}?customer" not in reader.get(URL, {"as_of": past.isoformat()}).content.decode()


def test_each_mark_of_the_chart_leads_to_the_page_narrowed(reader: Client, entity: LegalEntity) -> None:
    owe(entity, "En retard", "100.00", days_late=10)
    owe(entity, "À venir", "50.00", days_late=-10)
    content = reader.get(URL, {"sort": "name", "entity": "NORD"}).content.decode()
    data = json.loads(re.search(r'id="ageing-EUR-data"[^>]*>(.*?)</script>', content, re.S)[1])  # type: ignore[index]
    series = data["series"][0]
    assert data["categories"][:2] == ["Non échu", "1–30 j"] and len(data["categories"]) == 7
    assert [Decimal(value) for value in series["values"][:2]] == [50, 100]
    assert series["texts"][1] == f"100,00{NBSP}€"
    narrowed = reader.get(series["urls"][1])
    assert "En retard" in text_of(narrowed) and "À venir" not in text_of(narrowed)
    assert "entity=NORD" in series["urls"][1]


def test_currencies_stand_apart(reader: Client, entity: LegalEntity) -> None:
    customer = owe(entity, "Énergie Perche", "1000.00", days_late=10)
    OpenItemFactory(customer=customer, currency="USD", total_amount=Decimal("7.00"))
    text = text_of(reader.get(URL))
    assert f"1{NARROW}000{NBSP}€" in text and f"7{NBSP}USD" in text and f"1{NARROW}007" not in text
    assert "Total EUR" in text and "Total USD" in text


def test_an_unbalanced_ledger_is_said(reader: Client, entity: LegalEntity) -> None:
    customer = owe(entity, "Énergie Perche", "1200.00", days_late=10)
    payment = PaymentFactory(
        customer=customer, issue_date=clock.today() + timedelta(days=9), total_amount=Decimal("-200.00")
    )
    AllocationFactory(
        debit=OpenItem.objects.get(customer=customer, kind="INVOICE"),
        credit=payment,
        allocated_on=clock.today(),
    )
    text = text_of(reader.get(URL))
    assert "La balance n’est pas égale au solde comptable" in text
    assert f"−200,00{NBSP}€" in text


def test_future_date_says_what_it_means(reader: Client, entity: LegalEntity) -> None:
    owe(entity, "Énergie Perche", "1000.00", days_late=-3)
    later = clock.today() + timedelta(days=60)
    text = text_of(reader.get(URL, {"as_of": later.isoformat()}))
    assert "Date à venir" in text and f"100,0{NBSP}% de l’encours est échu" in text


def test_empty_page_teaches(
    reader: Client, make_user: Callable[..., User], sign_in: Callable[[User], Client]
) -> None:
    assert "que dépose la comptabilité" in text_of(reader.get(URL))
    accountant = sign_in(make_user(Role.ACCOUNTANT)).get(URL)
    assert "Déposer un fichier" in text_of(accountant)
    assert reverse("invoices:import-upload") in accountant.content.decode()


def test_filters_that_leave_nobody_say_so(reader: Client, entity: LegalEntity) -> None:
    owe(entity, "Énergie Perche", "1000.00", days_late=10)
    text = text_of(reader.get(URL, {"q": "introuvable"}))
    assert "Aucun client ne répond à ces filtres" in text and "Tout effacer" in text


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("as_of=2026-02-30", "Saisissez une date valide"),
        ("as_of=demain", "Saisissez une date valide"),
        ("as_of=9999-12-31", "Choisissez une date entre 1900 et 2199"),
        ("as_of=0001-01-01", "Choisissez une date entre 1900 et 2199"),
        ("entity=EST", "Sélectionnez un choix valide"),
        ("bucket=6", "Sélectionnez un choix valide"),
        ("bucket=4&basis=issue", "Sélectionnez un choix valide"),
        ("bucket=-1", "Sélectionnez un choix valide"),
        ("min_overdue=beaucoup", "Saisissez un nombre"),
        ("min_overdue=NaN", "Saisissez un nombre"),
        ("min_overdue=1e400", "chiffres"),
        ("currency=EURO", "au plus 3 caractère"),
        ("basis=moon", "Sélectionnez un choix valide"),
        ("owner=999999", "Sélectionnez un choix valide"),
    ],
)
def test_bad_filters_are_told_at_their_field(
    reader: Client, entity: LegalEntity, query: str, message: str
) -> None:
    owe(entity, "Énergie Perche", "1000.00", days_late=10)
    response = reader.get(f"{URL}?{query}")
    assert response.status_code == 200
    assert message in text_of(response)
    for file_format in ("csv", "xlsx"):
        export = reader.get(f"{URL}export.{file_format}?{query}")
        assert export.status_code == 302 and export["Location"].startswith(URL)


@pytest.mark.parametrize(
    "query",
    [
        "sort=",
        "sort=-",
        "sort=bucket_99",
        "sort=name;drop",
        "sort=%27%22",
        "cursor=x",
        "cursor=eyJvIjoibmFtZSJ9:1x:y",
        "cursor=%FF%FE",
        "q=%25%25s%25(as_of)s",
        "q=%F0%9F%92%A9",
        "as_of=&as_of=2026-01-01&bucket=&min_overdue=0",
        "segment=%25s&country=%25",
        "kind=COMPANY&kind=CONSUMER",
        "unknown=1&q[]=2",
    ],
)
def test_any_other_address_is_answered(reader: Client, entity: LegalEntity, query: str) -> None:
    owe(entity, "Énergie Perche", "1000.00", days_late=10)
    assert reader.get(f"{URL}?{query}").status_code == 200
    assert reader.get(f"{URL}export.csv?{query}").status_code in (200, 302)


def test_nul_is_malformed(reader: Client) -> None:
    assert reader.get(f"{URL}?q=%00").status_code == 400


@pytest.mark.parametrize("stored", [True, False])
def test_as_many_queries_for_2_rows_as_for_20(reader: Client, entity: LegalEntity, stored: bool) -> None:
    def queries() -> int:
        if stored:
            store_ageing(actor=SYSTEM, legal_entity=entity, as_of=clock.today(), now=timezone.now())
        reader.get(URL)
        with CaptureQueriesContext(connection) as captured:
            assert reader.get(URL).status_code == 200
        return len(captured)

    for number in range(2):
        owe(entity, f"Client {number}", "100.00", days_late=number)
    few = queries()
    for number in range(2, 20):
        owe(entity, f"Client {number}", "100.00", days_late=number)
    assert queries() == few


def test_pages_follow_each_other(reader: Client, entity: LegalEntity) -> None:
    for number in range(60):
        owe(entity, f"Client {number:02}", f"{1000 - number}.00", days_late=10)
    first = reader.get(URL, {"q": "client"})
    text = text_of(first)
    assert "50 clients affichés" in text and "sur 60 clients" in text
    following = re.search(r'href="(\?[^"]*)" rel="next"', first.content.decode())[1]  # type: ignore[index]
    second = text_of(reader.get(URL + unescape(following)))
    assert "10 clients affichés" in second and "Client 59" in second and "Client 49" not in second
    assert "sur 60 clients" in second


# --- rights and scope -----------------------------------------------------------------------------------------


def test_signed_out_people_are_sent_to_sign_in(client: Client) -> None:
    assert client.get(URL).status_code == 302
    assert client.get(f"{URL}export.csv").status_code == 302


def test_people_without_a_role_are_refused(
    make_user: Callable[..., User], sign_in: Callable[[User], Client]
) -> None:
    nobody = sign_in(make_user())
    assert nobody.get(URL).status_code == 403
    assert nobody.get(f"{URL}export.xlsx").status_code == 403


def test_only_reading(reader: Client) -> None:
    assert reader.post(URL).status_code == 405


def test_each_sees_his_entities_and_portfolio(
    make_user: Callable[..., User], sign_in: Callable[[User], Client], entity: LegalEntity
) -> None:
    other = LegalEntityFactory(code="SUD")
    mine = owe(entity, "Le mien", "100.00", days_late=5)
    owe(entity, "Celui d’un collègue", "200.00", days_late=5)
    owe(other, "Celui d’une autre entité", "400.00", days_late=5)
    one_entity = sign_in(make_user(Role.ACCOUNTANT, sees=[entity]))
    text = text_of(one_entity.get(URL))
    assert "Le mien" in text and "collègue" in text and "autre entité" not in text
    assert f"300{NBSP}€" in text and f"700{NBSP}€" not in text
    assert "Sélectionnez un choix valide" in text_of(one_entity.get(URL, {"entity": "SUD"}))
    assert names(one_entity) == ["Celui d’un collègue", "Le mien"]

    manager = make_user(Role.CREDIT_MANAGER, own_portfolio_only=True)
    Customer.objects.filter(pk=mine.pk).update(portfolio_owner=manager)
    assert names(sign_in(manager)) == ["Le mien"]


# --- exports ------------------------------------------------------------------------------------------------


def test_csv_holds_every_row_of_what_is_filtered(reader: Client, entity: LegalEntity) -> None:
    for number in range(55):
        owe(entity, f"Client {number:02}", "1234.50", days_late=10)
    owe(entity, "Autre", "1.00", days_late=100)
    head, *rows = table(reader, "q=client&sort=name")
    assert head == [
        "Entité", "Code client", "Client", "Devise", "Non échu", "1–30 j", "31–60 j", "61–90 j", "91–120 j", "> 120 j",
        "Avoirs et règlements", "Total", "Échu", "En litige", "Plus ancienne échéance",
    ]  # fmt: skip
    assert len(rows) == 55
    due = clock.today() - timedelta(days=10)
    assert rows[0][0] == "NORD" and rows[0][2:] == [
        "Client 00", "EUR", "0,00", "1234,50", "0,00", "0,00", "0,00", "0,00", "0,00", "1234,50", "1234,50", "0,00",
        f"{due:%d/%m/%Y}",
    ]  # fmt: skip
    assert names(reader, "bucket=4") == ["Autre"]


def test_exports_of_stored_and_computed_days_are_the_same(reader: Client, entity: LegalEntity) -> None:
    customer = owe(entity, "Énergie Perche", "1234.56", days_late=10)
    CreditNoteFactory(customer=customer, issue_date=clock.today())
    computed = table(reader)
    store_ageing(actor=SYSTEM, legal_entity=entity, as_of=clock.today(), now=timezone.now())
    assert table(reader) == computed


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x")', "+1+1", "-1-1", "@SUM(A1)", "\t=1"])
def test_names_of_customers_never_become_formulas(reader: Client, entity: LegalEntity, name: str) -> None:
    owe(entity, name, "100.00", days_late=5)
    assert names(reader) == [f"'{name}"]
    response = reader.get(f"{URL}export.xlsx")
    book = CalamineWorkbook.from_filelike(io.BytesIO(b"".join(response.streaming_content)))
    (row,) = book.get_sheet_by_index(0).to_python()[1:]
    assert row[2] == name and row[5] == 100.0


def test_xlsx_is_named_after_its_day(reader: Client, entity: LegalEntity) -> None:
    owe(entity, "Énergie Perche", "1234.56", days_late=10)
    response = reader.get(f"{URL}export.xlsx", {"as_of": "2026-06-30", "basis": "issue"})
    assert response["Content-Disposition"] == 'attachment; filename="balance-agee-2026-06-30.xlsx"'
    book = CalamineWorkbook.from_filelike(io.BytesIO(b"".join(response.streaming_content)))
    assert book.sheet_names == ["Balance âgée 30-06-2026"]
    assert book.get_sheet_by_index(0).to_python()[0][4:8] == ["0–30 j", "31–60 j", "61–90 j", "> 90 j"]


def test_no_other_format(reader: Client) -> None:
    assert reader.get(f"{URL}export.pdf").status_code == 404


def test_day_zero_is_not_late(reader: Client, entity: LegalEntity) -> None:
    owe(entity, "Dû aujourd’hui", "100.00", days_late=0)
    assert table(reader)[1][4] == "100,00"
    tomorrow = (clock.today() + timedelta(days=1)).isoformat()
    assert table(reader, f"as_of={tomorrow}")[1][4:6] == ["0,00", "100,00"]
