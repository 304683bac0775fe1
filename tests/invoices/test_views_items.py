"""The pages of items: list, panel, one item, a customer's account, and what is done from them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.files import store_file
from core.models import Role, User
from customers.models import Customer
from invoices.models import Allocation, Dispute, OpenItem, Promise
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.factories import (
    AllocationFactory,
    CreditNoteFactory,
    DisputeFactory,
    OpenItemFactory,
    PaymentFactory,
    PromiseFactory,
)
from tests.invoices.ledger import ledger_rows
from tests.pages import assert_no_server_error, counting, csv_rows, page_of, same_markup, swapped, text_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
LIST = reverse("invoices:item-list")


@pytest.fixture(autouse=True)
def frozen(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def customer() -> Customer:
    return CustomerFactory(name="Énergie du Loir", legal_entity=LegalEntityFactory(code="PERCHE"))


@pytest.fixture
def manager(make_user: Any) -> User:
    return make_user(Role.CREDIT_MANAGER)


@pytest.fixture
def browser(manager: User, sign_in: Any) -> Client:
    return sign_in(manager)


def item(customer: Customer, days_late: int, **fields: Any) -> OpenItem:
    due = TODAY - timedelta(days=days_late)
    return OpenItemFactory(
        **{"customer": customer, "issue_date": min(due, TODAY) - timedelta(days=30), "due_date": due} | fields
    )


def numbers(client: Client, query: str = "") -> list[str]:
    page = page_of(client.get(f"{LIST}{query}").content)
    return [cell.text_content().strip() for cell in page.xpath("//table[@id='items']/tbody/tr/th")]


def url(name: str, pk: int) -> str:
    return reverse(f"invoices:{name}", args=[pk])


class TestList:
    def test_open_items_come_by_due_date_and_settled_ones_on_request(
        self, browser: Client, customer: Customer
    ) -> None:
        item(customer, 5, number="LATE")
        item(customer, -5, number="SOON")
        item(customer, 50, number="OLDEST")
        settled = item(customer, 60, number="PAID")
        AllocationFactory(debit=settled, credit=PaymentFactory(customer=customer, number="RG"))
        assert numbers(browser) == ["OLDEST", "LATE", "SOON"]
        assert set(numbers(browser, "?state=all")) == {"OLDEST", "LATE", "SOON", "PAID", "RG"}
        assert set(numbers(browser, "?state=settled")) == {"PAID", "RG"}

    def test_states(self, browser: Client, customer: Customer) -> None:
        item(customer, 5, number="LATE")
        item(customer, 0, number="TODAY")
        DisputeFactory(item=item(customer, 5, number="DISPUTED"))
        PromiseFactory(item=item(customer, 5, number="DUE"), promised_date=TODAY)
        PromiseFactory(item=item(customer, 5, number="LATER"), promised_date=TODAY + timedelta(days=1))
        PromiseFactory(item=item(customer, 5, number="BROKEN"), status=Promise.Status.BROKEN)
        again = item(customer, 5, number="AGAIN")
        PromiseFactory(item=again, status=Promise.Status.BROKEN)
        PromiseFactory(item=again, promised_date=TODAY + timedelta(days=3))
        CreditNoteFactory(customer=customer, number="AV")
        assert "TODAY" not in numbers(browser, "?state=overdue")
        assert numbers(browser, "?state=not_due") == ["TODAY"]
        assert numbers(browser, "?state=disputed") == ["DISPUTED"]
        assert set(numbers(browser, "?state=promised")) == {"DUE", "LATER", "AGAIN"}
        assert numbers(browser, "?state=promise_due") == ["DUE"]
        assert numbers(browser, "?state=promise_broken") == ["BROKEN"]
        assert numbers(browser, "?state=unmatched") == ["AV"]

    @pytest.mark.parametrize(
        ("bucket", "expected"),
        [("0", ["D0", "D-3"]), ("1", ["D30", "D1"]), ("2", ["D60", "D31"]), ("4", ["D120"]), ("5", ["D121"])],
    )
    def test_the_buckets_of_the_ageing_lead_here(
        self, browser: Client, customer: Customer, bucket: str, expected: list[str]
    ) -> None:
        for days in (-3, 0, 1, 30, 31, 60, 120, 121):
            item(customer, days, number=f"D{days}")
        CreditNoteFactory(customer=customer, issue_date=TODAY - timedelta(days=40))
        assert numbers(browser, f"?bucket={bucket}") == expected

    def test_other_filters(self, browser: Client, customer: Customer) -> None:
        item(customer, 1, number="FA-1", total_amount=Decimal("100.00"))
        item(customer, 2, number="FA-2", total_amount=Decimal("250.00"), currency="USD")
        stranger = CustomerFactory(name="Autre")
        item(stranger, 3, number="XX-1", total_amount=Decimal("250.00"))
        assert numbers(browser, "?number=fa-") == ["FA-2", "FA-1"]
        assert numbers(browser, "?q=energie") == ["FA-2", "FA-1"]
        assert numbers(browser, "?q=xx") == ["XX-1"]
        assert numbers(browser, f"?customer={stranger.pk}") == ["XX-1"]
        assert numbers(browser, "?entity=PERCHE&currency=usd") == ["FA-2"]
        assert numbers(browser, "?amount_min=200&amount_max=300&currency=EUR") == ["XX-1"]
        assert numbers(browser, "?due_after=2026-02-28&due_before=2026-02-28") == ["FA-2"]
        assert numbers(browser, "?sort=-total_amount&entity=PERCHE") == ["FA-2", "FA-1"]

    def test_totals_say_over_how_many_and_never_mix_currencies(
        self, browser: Client, customer: Customer
    ) -> None:
        for _rank in range(52):
            item(customer, 1, total_amount=Decimal("10.00"))
        item(customer, 1, total_amount=Decimal("7.00"), currency="USD")
        foot = page_of(browser.get(LIST).content).xpath("//table[@id='items']/tfoot/tr")
        texts = [" ".join(row.text_content().split()) for row in foot]
        assert texts == [
            "Total sur 52 pièces de la sélection 520,00 € 520,00 €",
            "Total sur 1 pièce de la sélection 7,00 USD 7,00 USD",
        ]

    def test_the_panel_opens_by_address_and_by_swap_alike(self, browser: Client, customer: Customer) -> None:
        chosen = item(customer, 5, number="FA-1")
        item(customer, 4, number="FA-2")
        before = browser.get(LIST).content
        address = f"{LIST}?piece={chosen.pk}"
        fresh = browser.get(address).content
        assert "FA-1" in text_of(fresh, "panel")
        after = swapped(
            before, browser.get(address, headers={"HX-Request": "true"}).content, "panel", "items"
        )
        assert same_markup(after, page_of(fresh), "panel")
        assert same_markup(after, page_of(fresh), "items")

    def test_an_unknown_or_foreign_row_opens_nothing(
        self, make_user: Any, sign_in: Any, customer: Customer
    ) -> None:
        foreign = item(CustomerFactory(), 5)
        accountant = sign_in(make_user(Role.ACCOUNTANT, sees=[customer.legal_entity]))
        for asked in (str(foreign.pk), "0", "abc", "9" * 30):
            page = page_of(accountant.get(f"{LIST}?piece={asked}").content)
            assert len(page.get_element_by_id("panel")) == 0
        assert numbers(accountant) == []

    def test_the_queries_do_not_grow_with_the_rows(self, browser: Client, customer: Customer) -> None:
        counts = []
        for rows in (2, 20):
            while OpenItem.objects.count() < rows:
                item(CustomerFactory(legal_entity=customer.legal_entity), 3)
            with counting() as count:
                browser.get(LIST)
            counts.append(count())
        assert counts[0] == counts[1]

    def test_hostile_addresses_get_an_answer(self, browser: Client, customer: Customer) -> None:
        item(customer, 5)
        parameters = (
            "q", "state", "kind", "entity", "number", "due_after", "due_before", "amount_min", "amount_max",
            "currency", "bucket", "customer", "sort", "cursor", "piece",
        )  # fmt: skip
        assert_no_server_error(browser, LIST, parameters)

    def test_the_export_is_what_the_list_shows(self, browser: Client, customer: Customer) -> None:
        item(customer, 5, number="FA-1", total_amount=Decimal("1100.50"), reference="@cmd")
        AllocationFactory(debit=item(customer, 9, number="PAID"))
        address = reverse("invoices:item-export", args=["csv"])
        rows = csv_rows(browser.get(address))
        assert [row[3] for row in rows[1:]] == ["FA-1"]
        assert rows[1][7:15] == [
            "25/02/2026", "5", "EUR", "1100,50", "1100,50", "0,00", "En retard", "'@cmd",
        ]  # fmt: skip
        assert {row[3] for row in csv_rows(browser.get(f"{address}?state=all"))[1:]} >= {"FA-1", "PAID"}
        assert browser.get(f"{address}?due_after=hier").status_code == 302
        assert browser.get(reverse("invoices:item-export", args=["pdf"])).status_code == 404

    def test_an_empty_list_teaches(self, browser: Client) -> None:
        assert "Aucune pièce ouverte" in text_of(browser.get(LIST).content)
        assert "Aucune pièce ne répond" in text_of(browser.get(f"{LIST}?number=zz").content)


class TestDetail:
    def test_it_tells_what_settles_the_item(self, browser: Client, customer: Customer) -> None:
        invoice = item(customer, 20, number="FA-9", total_amount=Decimal("1000.00"))
        payment = PaymentFactory(customer=customer, number="RG-9", total_amount=Decimal("-400.00"))
        AllocationFactory(debit=invoice, credit=payment)
        DisputeFactory(item=invoice, amount=Decimal("150.00"), note="Prix convenu au devis")
        PromiseFactory(item=invoice, amount=Decimal("600.00"), promised_date=TODAY + timedelta(days=4))
        text = text_of(browser.get(url("item-detail", invoice.pk)).content)
        for expected in (
            "1 000,00 €", "600,00 €", "RG-9", "400,00 €", "150,00 € en litige", "Prix convenu au devis",
            "600,00 € promis pour le 06/03/2026", "+20 j",
        ):  # fmt: skip
            assert expected in text, expected
        assert "FA-9" in text_of(browser.get(url("item-detail", payment.pk)).content)

    def test_out_of_scope_is_not_found(self, make_user: Any, sign_in: Any, customer: Customer) -> None:
        invoice = item(customer, 5)
        allocation = AllocationFactory(debit=item(customer, 5))
        stranger = sign_in(make_user(Role.CREDIT_MANAGER, sees=[LegalEntityFactory()]))
        for address in (
            url("item-detail", invoice.pk),
            url("item-allocate", invoice.pk),
            url("item-dispute", invoice.pk),
            url("item-promise", invoice.pk),
            url("item-document", invoice.pk),
            url("allocation-reverse", allocation.pk),
            url("dispute-resolve", DisputeFactory(item=invoice).pk),
            url("promise-withdraw", PromiseFactory(item=invoice).pk),
            url("customer-panel", customer.pk),
        ):
            assert stranger.get(address).status_code == 404, address
        assert stranger.get("/factures/99999999999999999999/").status_code == 404

    def test_a_document_leaves_with_its_hash_and_no_power(self, browser: Client, customer: Customer) -> None:
        stored = store_file(
            content=b"<script>alert(1)</script>",
            name="facture.html",
            kind="invoice",
            content_type="text/html",
            now=NOW,
        )
        answer = browser.get(url("item-document", item(customer, 5, document=stored).pk))
        assert b"".join(answer) == b"<script>alert(1)</script>"  # type: ignore[arg-type]
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox")
        assert browser.get(url("item-document", item(customer, 5).pk)).status_code == 404

    def test_wrong_methods_are_refused(self, browser: Client, customer: Customer) -> None:
        invoice = item(customer, 5)
        assert browser.post(LIST).status_code == 405
        assert browser.post(url("item-detail", invoice.pk)).status_code == 405
        assert browser.delete(url("item-allocate", invoice.pk)).status_code == 405


class TestActions:
    def test_matching_from_the_invoice_proposes_the_same_amount_first(
        self, browser: Client, customer: Customer
    ) -> None:
        invoice = item(customer, 5, total_amount=Decimal("500.00"))
        PaymentFactory(customer=customer, total_amount=Decimal("-800.00"))
        exact = PaymentFactory(customer=customer, total_amount=Decimal("-500.00"))
        PaymentFactory(total_amount=Decimal("-500.00"))
        form = page_of(browser.get(url("item-allocate", invoice.pk)).content)
        choices = form.xpath("//input[@name='counterpart']")
        assert choices[0].get("value") == str(exact.pk)
        assert len(choices) == 2
        given = {"counterpart": exact.pk, "amount": "500,00", "allocated_on": "2026-03-02", "seen": "500.00"}
        answer = browser.post(url("item-allocate", invoice.pk), given, follow=True)
        assert "500,00 € lettrés" in text_of(answer.content)
        invoice.refresh_from_db()
        assert invoice.open_amount == 0

    def test_matching_from_the_payment_and_a_second_click(self, browser: Client, customer: Customer) -> None:
        invoice = item(customer, 5, total_amount=Decimal("500.00"))
        payment = PaymentFactory(customer=customer, total_amount=Decimal("-300.00"))
        given = {"counterpart": invoice.pk, "amount": "100", "allocated_on": "2026-03-02", "seen": "-300.00"}
        assert browser.post(url("item-allocate", payment.pk), given).status_code == 302
        again = browser.post(url("item-allocate", payment.pk), given)
        assert again.status_code == 422
        assert "a changé entre-temps" in text_of(again.content)
        assert Allocation.objects.count() == 1

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"amount": "501"}, "amount"),
            ({"amount": "douze"}, "amount"),
            ({"amount": ""}, "amount"),
            ({"allocated_on": "2026-03-03"}, "allocated_on"),
            ({"allocated_on": "hier"}, "allocated_on"),
            ({"counterpart": "999999999999999999999"}, "counterpart"),
        ],
    )
    def test_a_refused_matching_says_why_at_the_field(
        self, browser: Client, customer: Customer, changes: dict[str, str], field: str
    ) -> None:
        invoice = item(customer, 5, total_amount=Decimal("500.00"))
        payment = PaymentFactory(customer=customer, total_amount=Decimal("-800.00"))
        before = ledger_rows()
        given = {"counterpart": payment.pk, "amount": "500", "allocated_on": "2026-03-02", "seen": "500.00"}
        answer = browser.post(url("item-allocate", invoice.pk), given | changes)
        assert answer.status_code == 422
        found = page_of(answer.content).xpath(
            f"//*[@name='{field}']/ancestor::*[contains(@class, 'field')]//ul[contains(@class,'errorlist')]"
        )
        assert found
        assert ledger_rows() == before

    def test_nothing_to_match_says_so(self, browser: Client, customer: Customer) -> None:
        page = text_of(browser.get(url("item-allocate", item(customer, 5).pk)).content)
        assert "Aucune pièce ouverte de l’autre sens" in page

    def test_a_matching_is_undone(self, browser: Client, customer: Customer) -> None:
        allocation = AllocationFactory(debit=item(customer, 5))
        address = url("allocation-reverse", allocation.pk)
        assert browser.post(address, {"reversed_on": "2026-03-02", "reason": ""}).status_code == 422
        answer = browser.post(address, {"reversed_on": "2026-03-02", "reason": "Autre client"}, follow=True)
        assert "Défait le 02/03/2026" in text_of(answer.content)
        again = browser.post(address, {"reversed_on": "2026-03-02", "reason": "Autre client"})
        assert again.status_code == 422
        assert "déjà été défait" in text_of(again.content)

    def test_a_dispute_opens_and_ends(self, browser: Client, customer: Customer, manager: User) -> None:
        invoice = item(customer, 5, total_amount=Decimal("500.00"))
        given = {"amount": "120,50", "reason": "PU_ERR", "owner": manager.pk, "note": "Remise oubliée"}
        assert browser.post(url("item-dispute", invoice.pk), given).status_code == 302
        assert browser.post(url("item-dispute", invoice.pk), given).status_code == 422
        dispute = Dispute.objects.get()
        assert (dispute.amount, dispute.owner, dispute.opened_on) == (Decimal("120.50"), manager, TODAY)
        browser.post(url("dispute-resolve", dispute.pk), {"outcome": "Avoir émis"})
        dispute.refresh_from_db()
        assert dispute.resolved_on == TODAY
        assert browser.post(url("dispute-resolve", dispute.pk), {"outcome": "Avoir"}).status_code == 422

    def test_a_promise_is_noted_and_withdrawn(self, browser: Client, customer: Customer) -> None:
        invoice = item(customer, 5, total_amount=Decimal("500.00"))
        given = {"amount": "500", "promised_date": "2026-03-09", "note": ""}
        assert browser.post(url("item-promise", invoice.pk), given).status_code == 302
        assert browser.post(url("item-promise", invoice.pk), given).status_code == 422
        noted = Promise.objects.get()
        browser.post(url("promise-withdraw", noted.pk), {"reason": "Erreur"})
        noted.refresh_from_db()
        assert noted.status == Promise.Status.WITHDRAWN
        past = browser.post(url("item-promise", invoice.pk), given | {"promised_date": "2026-03-01"})
        assert past.status_code == 422

    def test_rights(self, make_user: Any, sign_in: Any, customer: Customer) -> None:
        invoice = item(customer, 5)
        director = sign_in(make_user(Role.FINANCE_DIRECTOR))
        assert "Lettrer" not in text_of(director.get(url("item-detail", invoice.pk)).content)
        for name in ("item-allocate", "item-dispute", "item-promise"):
            assert director.post(url(name, invoice.pk)).status_code == 403
        accountant = sign_in(make_user(Role.ACCOUNTANT))
        assert accountant.get(url("item-promise", invoice.pk)).status_code == 403
        assert accountant.get(url("item-dispute", invoice.pk)).status_code == 200


class TestAccount:
    def test_it_is_a_piece_for_htmx_and_a_page_without_script(
        self, browser: Client, customer: Customer
    ) -> None:
        item(customer, 40, number="FA-1", total_amount=Decimal("300.00"))
        PaymentFactory(customer=customer, number="RG-1", total_amount=Decimal("-50.00"), issue_date=TODAY)
        address = url("customer-panel", customer.pk)
        page = browser.get(address)
        piece = browser.get(address, headers={"HX-Request": "true"})
        assert b"<html" not in piece.content
        assert "HX-Request" in page.headers["Vary"]
        text = text_of(page.content, "panel-invoices")
        assert text == " ".join(
            page_of(piece.content).get_element_by_id("panel-invoices").text_content().split()
        )
        for expected in ("250,00 €", "300,00 €", "−50,00 €", "+40 j", "FA-1", "RG-1"):
            assert expected in text, expected

    def test_a_customer_who_owes_nothing(self, browser: Client, customer: Customer) -> None:
        assert "Ce client ne doit rien" in text_of(browser.get(url("customer-panel", customer.pk)).content)

    def test_the_queries_do_not_grow_with_the_rows(self, browser: Client, customer: Customer) -> None:
        counts = []
        for rows in (2, 20):
            while OpenItem.objects.count() < rows * 2:
                item(customer, 3)
                AllocationFactory(debit=item(customer, 30, total_amount=Decimal("10.00")))
            with counting() as count:
                browser.get(url("customer-panel", customer.pk))
            counts.append(count())
        assert counts[0] == counts[1]
