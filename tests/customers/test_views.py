"""The list and the page of customers: what they show, to whom, and what they refuse."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.models import AuditEvent, Role, User
from core.rights import SYSTEM
from customers.models import Contact, Customer, LegalEntity
from invoices.operations.ageing import store_ageing
from tests.customers.factories import ContactFactory, CustomerFactory, LegalEntityFactory, PaymentTermsFactory
from tests.invoices.factories import DisputeFactory, OpenItemFactory, PaymentFactory
from tests.pages import assert_no_server_error, counting, csv_rows, page_of, text_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
LIST = reverse("customers:customer-list")


@pytest.fixture(autouse=True)
def frozen(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def entity() -> LegalEntity:
    return LegalEntityFactory(code="PERCHE")


@pytest.fixture
def manager(make_user: Any) -> User:
    return make_user(Role.CREDIT_MANAGER)


@pytest.fixture
def browser(manager: User, sign_in: Any) -> Client:
    return sign_in(manager)


def late(customer: Customer, amount: str, days: int) -> None:
    due = TODAY - timedelta(days=days)
    OpenItemFactory(
        customer=customer, issue_date=due - timedelta(days=30), due_date=due, total_amount=Decimal(amount)
    )


def names(client: Client, query: str = "") -> list[str]:
    page = page_of(client.get(f"{LIST}{query}").content)
    return [cell.text_content().strip() for cell in page.xpath("//table[@id='customers']/tbody/tr/th")]


class TestList:
    def test_it_shows_what_each_owes_the_largest_arrears_first(
        self, browser: Client, entity: LegalEntity
    ) -> None:
        small, large = (
            CustomerFactory(legal_entity=entity, name="Petit"),
            CustomerFactory(legal_entity=entity, name="Grand"),
        )
        CustomerFactory(legal_entity=entity, name="Rien")
        late(small, "100.00", 10)
        late(large, "4000.00", 75)
        PaymentFactory(customer=large, issue_date=TODAY, total_amount=Decimal("-500.00"))
        assert names(browser) == ["Grand", "Petit", "Rien"]
        text = text_of(browser.get(LIST).content)
        assert "3 500,00 €" in text
        assert "4 000,00 €" in text
        assert "+75 j" in text

    @pytest.mark.parametrize("stored", [False, True])
    def test_sorts_and_filters_agree_with_and_without_a_stored_day(
        self, browser: Client, entity: LegalEntity, stored: bool
    ) -> None:
        for name, amount, days in (("A", "50.00", 5), ("B", "900.00", 40), ("C", "300.00", 100)):
            late(CustomerFactory(legal_entity=entity, name=name), amount, days)
        OpenItemFactory(
            customer=CustomerFactory(legal_entity=entity, name="D"),
            issue_date=TODAY,
            total_amount=Decimal("1000.00"),
        )
        if stored:
            store_ageing(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
        assert names(browser, "?sort=-balance") == ["D", "B", "C", "A"]
        assert names(browser, "?sort=oldest") == ["C", "B", "A", "D"]
        assert names(browser, "?late=0&sort=name") == ["A", "B", "C"]
        assert names(browser, "?late=60") == ["C"]
        assert names(browser, "?balance_min=500&sort=name") == ["B", "D"]

    def test_an_old_stored_day_says_its_age(self, browser: Client, entity: LegalEntity) -> None:
        late(CustomerFactory(legal_entity=entity), "50.00", 5)
        store_ageing(actor=SYSTEM, legal_entity=entity, as_of=TODAY - timedelta(days=1), now=NOW)
        assert "balance du 01/03/2026" in text_of(browser.get(LIST).content)

    def test_the_search_knows_neither_case_nor_accents(self, browser: Client, entity: LegalEntity) -> None:
        energy = CustomerFactory(legal_entity=entity, name="Énergie du Loir", account_code="EL-7")
        CustomerFactory(legal_entity=entity, name="Autre")
        for text in (
            "energie",
            "ÉNERGIE DU",
            "loir",
            "el-7",
            energy.siren,
            f"{energy.siren[:3]} {energy.siren[3:]}",
        ):
            assert names(browser, f"?q={text}") == ["Énergie du Loir"], text
        assert names(browser, "?q=%25") == []

    def test_other_filters(self, browser: Client, entity: LegalEntity, manager: User) -> None:
        CustomerFactory(legal_entity=entity, name="A", status="ON_HOLD", portfolio_owner=manager)
        CustomerFactory(legal_entity=entity, name="B", kind="CONSUMER", country="BE", segment="PME")
        CustomerFactory(name="C")
        assert names(browser, "?status=ON_HOLD") == ["A"]
        assert names(browser, f"?owner={manager.pk}") == ["A"]
        assert names(browser, "?kind=CONSUMER") == ["B"]
        assert names(browser, "?country=be") == ["B"]
        assert names(browser, "?segment=pme") == ["B"]
        assert names(browser, "?entity=PERCHE&sort=name") == ["A", "B"]

    def test_currencies_are_never_added(self, browser: Client, entity: LegalEntity) -> None:
        customer = CustomerFactory(legal_entity=entity)
        OpenItemFactory(customer=customer, issue_date=TODAY, total_amount=Decimal("100.00"))
        OpenItemFactory(customer=customer, issue_date=TODAY, total_amount=Decimal("40.00"), currency="USD")
        text = text_of(browser.get(LIST).content, "customers")
        assert "100,00 €" in text
        assert "40,00 USD" in text
        assert "140,00" not in text

    def test_pages_follow_each_other_without_a_count(self, browser: Client, entity: LegalEntity) -> None:
        for rank in range(55):
            CustomerFactory(legal_entity=entity, name=f"Client {rank:02d}")
        first = browser.get(f"{LIST}?sort=name")
        following = page_of(first.content).xpath("//a[@rel='next']/@href")[0]
        second = browser.get(f"{LIST}{following}")
        assert text_of(second.content, "customers").count("Client ") == 1 + 5
        assert page_of(second.content).xpath("//a[@rel='prev']")

    def test_the_scope_bounds_the_list(self, make_user: Any, sign_in: Any, entity: LegalEntity) -> None:
        CustomerFactory(legal_entity=entity, name="Visible")
        CustomerFactory(name="Ailleurs")
        assert names(sign_in(make_user(Role.ACCOUNTANT, sees=[entity]))) == ["Visible"]
        own = make_user(Role.CREDIT_MANAGER, email="own@example.test", sees=[entity], own_portfolio_only=True)
        CustomerFactory(legal_entity=entity, name="Mien", portfolio_owner=own)
        assert names(sign_in(own)) == ["Mien"]

    def test_the_queries_do_not_grow_with_the_rows(self, browser: Client, entity: LegalEntity) -> None:
        counts = []
        for rows in (2, 20):
            while Customer.objects.count() < rows:
                late(CustomerFactory(legal_entity=entity), "10.00", 9)
            with counting() as count:
                browser.get(LIST)
            counts.append(count())
        assert counts[0] == counts[1]

    def test_hostile_addresses_get_an_answer(self, browser: Client, entity: LegalEntity) -> None:
        late(CustomerFactory(legal_entity=entity), "10.00", 9)
        parameters = (
            "q", "late", "entity", "status", "kind", "owner", "segment", "country", "balance_min", "sort", "cursor"
        )  # fmt: skip
        assert_no_server_error(browser, LIST, parameters)

    def test_the_export_is_what_the_list_shows(self, browser: Client, entity: LegalEntity) -> None:
        late(CustomerFactory(legal_entity=entity, name="=2+5", account_code="C1"), "1100.50", 40)
        CustomerFactory(legal_entity=entity, name="Rien", account_code="C2")
        address = reverse("customers:customer-export", args=["csv"])
        rows = csv_rows(browser.get(address))
        assert [row[1:3] for row in rows[1:]] == [["C1", "'=2+5"], ["C2", "Rien"]]
        assert rows[1][5:11] == ["EUR", "1100,50", "1100,50", "0,00", "21/01/2026", "40"]
        assert len(csv_rows(browser.get(f"{address}?late=0"))) == 2
        book = browser.get(reverse("customers:customer-export", args=["xlsx"]))
        assert b"".join(book.streaming_content).startswith(b"PK")
        assert browser.get(reverse("customers:customer-export", args=["pdf"])).status_code == 404
        assert browser.get(f"{address}?late=hier").status_code == 302

    def test_the_export_stays_in_scope(self, make_user: Any, sign_in: Any, entity: LegalEntity) -> None:
        CustomerFactory()
        accountant = sign_in(make_user(Role.ACCOUNTANT, sees=[entity]))
        assert len(csv_rows(accountant.get(reverse("customers:customer-export", args=["csv"])))) == 1

    def test_an_empty_portfolio_teaches(self, browser: Client) -> None:
        assert "Aucun client pour l’instant" in text_of(browser.get(LIST).content)
        assert "Aucun client ne répond" in text_of(browser.get(f"{LIST}?q=zzz").content)


class TestDetail:
    def url(self, customer: Customer, name: str = "customer-detail") -> str:
        return reverse(f"customers:{name}", args=[customer.pk])

    def test_it_tells_who_the_customer_is_and_loads_the_panels(self, browser: Client) -> None:
        customer = CustomerFactory(
            name="Énergie du Loir", siren="900000050", pinned_note="Ne pas appeler le lundi."
        )
        ContactFactory(customer=customer, name="Dominique Leroy")
        page = browser.get(self.url(customer))
        text = text_of(page.content)
        for expected in (
            "Énergie du Loir",
            customer.account_code,
            "900 000 050",
            "Ne pas appeler",
            "Dominique Leroy",
        ):
            assert expected in text, expected
        panels = page_of(page.content).xpath("//section[@hx-trigger='load']")
        assert reverse("invoices:customer-panel", args=[customer.pk]) in [p.get("hx-get") for p in panels]
        # Without script each panel is a link.
        assert all(panel.xpath(".//h2/a/@href")[0] == panel.get("hx-get") for panel in panels)

    def test_out_of_scope_and_unknown_are_not_found(self, make_user: Any, sign_in: Any) -> None:
        customer = CustomerFactory()
        stranger = sign_in(make_user(Role.CREDIT_MANAGER, sees=[LegalEntityFactory()]))
        for name in (
            "customer-detail", "customer-timeline", "customer-edit", "contact-add", "customer-hold",
            "customer-insolvency",
        ):  # fmt: skip
            assert stranger.get(self.url(customer, name)).status_code == 404
        assert stranger.post(self.url(customer, "customer-release")).status_code == 404
        assert stranger.get("/clients/999999999999999999999/").status_code == 404

    def test_a_hold_is_shown_and_ends(self, browser: Client) -> None:
        customer = CustomerFactory()
        answer = browser.post(
            self.url(customer, "customer-hold"),
            {"hold_reason": "Changement de logiciel", "hold_until": "2026-03-20"},
            follow=True,
        )
        assert "Relances suspendues jusqu’au 20/03/2026" in text_of(answer.content)
        again = browser.post(self.url(customer, "customer-hold"), {"hold_reason": "Encore"})
        assert again.status_code == 422
        browser.post(self.url(customer, "customer-release"))
        customer.refresh_from_db()
        assert customer.status == Customer.Status.ACTIVE
        twice = browser.post(self.url(customer, "customer-release"), follow=True)
        assert "rien à reprendre" in text_of(twice.content)

    def test_a_refusal_stands_at_its_field_and_writes_nothing(self, browser: Client) -> None:
        customer = CustomerFactory()
        answer = browser.post(
            self.url(customer, "customer-hold"), {"hold_reason": "Motif", "hold_until": "2026-03-01"}
        )
        assert answer.status_code == 422
        errors = page_of(answer.content).xpath(
            "//*[@id='id_hold_until']/ancestor::div[contains(@class,'field')]"
        )
        assert "dans le passé" in errors[0].text_content()
        customer.refresh_from_db()
        assert customer.status == Customer.Status.ACTIVE
        assert not AuditEvent.objects.exists()

    def test_a_contact_is_added_once(self, browser: Client) -> None:
        customer = CustomerFactory()
        given = {"name": "Ana", "role": "BUYER", "email": "ana@example.test", "gets_dunning": "on"}
        assert browser.post(self.url(customer, "contact-add"), given).status_code == 302
        assert browser.post(self.url(customer, "contact-add"), given).status_code == 422
        assert Contact.objects.count() == 1

    def test_a_customer_is_opened_and_changed(self, browser: Client, entity: LegalEntity) -> None:
        terms = PaymentTermsFactory()
        given = {
            "legal_entity": entity.pk, "account_code": "N1", "name": "Nouveau", "kind": "COMPANY",
            "siren": "900000050", "country": "FR", "language": "fr", "currency": "EUR", "terms": terms.pk,
        }  # fmt: skip
        answer = browser.post(reverse("customers:customer-create"), given)
        customer = Customer.objects.get()
        assert answer.headers["Location"] == self.url(customer)
        assert browser.post(reverse("customers:customer-create"), given).status_code == 422
        changed = browser.post(self.url(customer, "customer-edit"), given | {"name": "Renommé"})
        assert changed.status_code == 302
        customer.refresh_from_db()
        assert customer.name == "Renommé"
        bad = browser.post(self.url(customer, "customer-edit"), given | {"siren": "123456789"})
        assert bad.status_code == 422
        assert "SIREN" in text_of(bad.content)

    def test_an_insolvency_is_declared(self, browser: Client) -> None:
        customer = CustomerFactory()
        url = self.url(customer, "customer-insolvency")
        assert browser.post(url, {"insolvency_date": "2026-03-03"}).status_code == 422
        page = browser.post(url, {"insolvency_date": "2026-02-20"}, follow=True)
        assert "Jugement d’ouverture du 20/02/2026" in text_of(page.content)

    def test_a_reader_gets_no_buttons_and_no_doors(self, make_user: Any, sign_in: Any) -> None:
        customer = CustomerFactory()
        director = sign_in(make_user(Role.FINANCE_DIRECTOR))
        text = text_of(director.get(self.url(customer)).content)
        assert "Suspendre" not in text
        assert "Modifier" not in text
        for name in ("customer-edit", "contact-add", "customer-hold", "customer-insolvency"):
            assert director.get(self.url(customer, name)).status_code == 403

    def test_wrong_methods_are_refused(self, browser: Client) -> None:
        customer = CustomerFactory()
        assert browser.post(LIST).status_code == 405
        assert browser.post(self.url(customer)).status_code == 405
        assert browser.get(self.url(customer, "customer-release")).status_code == 405
        assert browser.delete(self.url(customer, "customer-edit")).status_code == 405

    def test_the_history_tells_events_in_words(self, browser: Client) -> None:
        customer = CustomerFactory()
        item = OpenItemFactory(customer=customer)
        DisputeFactory(item=item)
        browser.post(self.url(customer, "customer-hold"), {"hold_reason": "Vacances"})
        text = text_of(browser.get(self.url(customer, "customer-timeline")).content)
        assert "Relances suspendues" in text
        assert "Vacances" in text
