"""The page of promises: what is awaited, what was kept, in whole or in part."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.models import Role, User
from customers.models import Customer
from invoices.models import OpenItem, Promise
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.contested.pages import (  # fmt: skip
    PROMISES,
    TODAY,
    csv_rows,
    invoice,
    numbers,
    totals,
    url,
)
from tests.invoices.factories import PromiseFactory
from tests.pages import assert_no_server_error, counting, page_of, text_of

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7\n% claim\n%%EOF\n"


class TestPromises:
    def test_the_export_is_what_the_list_shows_and_adds_up(
        self, browser: Client, customer: Customer, manager: User
    ) -> None:
        PromiseFactory(
            item=invoice(customer, "FA-1"),
            amount=Decimal("200.00"),
            promised_date=TODAY,
            made_on=TODAY,
            made_by=manager,
        )
        self.judged(
            customer, "FA-2", "PARTLY_KEPT", amount=Decimal("90.00"), received_amount=Decimal("40.00")
        )
        assert totals(browser, "", PROMISES, "promises") == [["200,00 €", "–"]]
        assert totals(browser, "?state=ALL", PROMISES, "promises") == [["290,00 €", "40,00 €"]]
        address = reverse("invoices:promise-export", args=["csv"])
        rows = csv_rows(browser.get(address))
        assert rows[1:] == [
            ["PERCHE", customer.account_code, "Énergie du Loir", "FA-1", "1", "EUR", "200,00", "0,00", "500,00",
             "02/03/2026", "02/03/2026", manager.full_name, "En cours", ""],
        ]  # fmt: skip
        assert [row[3] for row in csv_rows(browser.get(f"{address}?state=ALL"))[1:]] == ["FA-1", "FA-2"]
        assert browser.get(f"{address}?judged_after=hier").status_code == 302
        assert browser.get(reverse("invoices:promise-export", args=["pdf"])).status_code == 404

    def rows(self, client: Client, query: str = "") -> list[str]:
        return numbers(client, query, PROMISES, "promises")

    def judged(self, customer: Customer, number: str, status: str, **fields: Any) -> Promise:
        given = {"promised_date": TODAY - timedelta(days=9), "judged_on": TODAY - timedelta(days=2)} | fields
        return PromiseFactory(item=invoice(customer, number), status=status, **given)

    def test_open_ones_by_date_and_the_others_by_state(
        self, browser: Client, customer: Customer, manager: User
    ) -> None:
        PromiseFactory(item=invoice(customer, "LATER"), promised_date=TODAY + timedelta(days=3))
        PromiseFactory(item=invoice(customer, "PAST"), promised_date=TODAY - timedelta(days=1))
        self.judged(customer, "KEPT", "KEPT", made_by=manager)
        self.judged(customer, "PARTLY", "PARTLY_KEPT", received_amount=Decimal("40.00"))
        self.judged(CustomerFactory(name="Autre"), "BROKEN", "BROKEN")
        assert self.rows(browser) == ["PAST", "LATER"]
        assert self.rows(browser, "?state=KEPT") == ["KEPT"]
        assert self.rows(browser, "?state=PARTLY_KEPT") == ["PARTLY"]
        assert self.rows(browser, "?state=BROKEN") == ["BROKEN"]
        assert len(self.rows(browser, "?state=ALL")) == 5
        assert self.rows(browser, f"?state=ALL&made_by={manager.pk}") == ["KEPT"]
        assert self.rows(browser, "?state=ALL&q=autre") == ["BROKEN"]
        assert self.rows(browser, f"?promised_before={TODAY}") == ["PAST"]
        assert "40,00 €" in text_of(browser.get(f"{PROMISES}?state=PARTLY_KEPT").content)
        # The page of an item shows each of them.
        partly = OpenItem.objects.get(number="PARTLY")
        assert "Tenue en partie" in text_of(browser.get(url("item-detail", partly.pk)).content)

    def test_the_kept_share_by_customer_and_collector_opens_its_rows(
        self, browser: Client, customer: Customer, manager: User
    ) -> None:
        for number, status in (("K1", "KEPT"), ("K2", "KEPT"), ("P", "PARTLY_KEPT"), ("B", "BROKEN")):
            self.judged(customer, number, status, made_by=manager)
        self.judged(customer, "OLD", "BROKEN", judged_on=date(2024, 1, 1), made_by=manager)
        self.judged(customer, "W", "WITHDRAWN", judged_on=None, made_by=manager)
        page = page_of(browser.get(PROMISES).content)
        for part, label in (("by-customer", "Énergie du Loir"), ("by-collector", manager.full_name)):
            (row,) = page.xpath(f"//*[@id='{part}']//tbody/tr")
            assert [" ".join(cell.text_content().split()) for cell in row] == [label, "2", "1", "1", "50 %"]
            links = [link.get("href") for link in row.xpath(".//a")]
            opened = [set(numbers(browser, address=link, table="promises")) for link in links]
            assert opened == [{"K1", "K2"}, {"P"}, {"B"}]

    def test_empty_hostile_and_foreign(
        self, browser: Client, make_user: Any, sign_in: Any, customer: Customer
    ) -> None:
        assert "Aucune promesse en cours" in text_of(browser.get(PROMISES).content)
        self.judged(customer, "B", "BROKEN")
        assert_no_server_error(
            browser,
            PROMISES,
            ("q", "state", "made_by", "entity", "customer", "promised_before", "judged_after", "cursor"),
        )
        stranger = sign_in(
            make_user(Role.CREDIT_MANAGER, email="other@example.test", sees=[LegalEntityFactory()])
        )
        assert self.rows(stranger, "?state=ALL") == []
        assert "Part tenue" not in text_of(stranger.get(PROMISES).content)

    def test_pages_of_it_cost_the_same(self, browser: Client, customer: Customer, manager: User) -> None:
        def some(first: int, last: int) -> None:
            for index in range(first, last):
                PromiseFactory(
                    item=invoice(customer, f"F{index}"),
                    made_by=manager,
                    promised_date=TODAY + timedelta(days=index),
                )

        some(0, 2)
        browser.get(PROMISES)
        with counting() as few:
            browser.get(PROMISES)
        some(2, 20)
        with counting() as many:
            browser.get(PROMISES)
        assert many() <= few()
