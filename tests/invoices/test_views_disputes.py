"""The pages of disputes and promises: worklists, one dispute, its documents, what a refusal shows."""

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from core.models import Role, User
from customers.models import Customer, LegalEntity
from invoices.models import Dispute, DisputeFile, OpenItem, Promise
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.factories import AllocationFactory, DisputeFactory, OpenItemFactory, PromiseFactory
from tests.pages import assert_no_server_error, counting, page_of, text_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
LIST = reverse("invoices:dispute-list")
PROMISES = reverse("invoices:promise-list")
PDF = b"%PDF-1.7\n% claim\n%%EOF\n"


@pytest.fixture(autouse=True)
def frozen(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def entity() -> LegalEntity:
    return LegalEntityFactory(code="PERCHE")


@pytest.fixture
def customer(entity: LegalEntity) -> Customer:
    return CustomerFactory(name="Énergie du Loir", legal_entity=entity)


@pytest.fixture
def manager(make_user: Any) -> User:
    return make_user(Role.CREDIT_MANAGER)


@pytest.fixture
def browser(manager: User, sign_in: Any) -> Client:
    return sign_in(manager)


def invoice(customer: Customer, number: str, **fields: Any) -> OpenItem:
    return OpenItemFactory(customer=customer, number=number, **{"total_amount": Decimal("500.00")} | fields)


def contested(customer: Customer, number: str, **fields: Any) -> Dispute:
    given = {"amount": Decimal("120.00"), "opened_on": TODAY - timedelta(days=10)} | fields
    return DisputeFactory(item=invoice(customer, number), **given)


def numbers(client: Client, query: str = "", address: str = LIST, table: str = "disputes") -> list[str]:
    page = page_of(client.get(f"{address}{query}").content)
    return [cell.text_content().strip() for cell in page.xpath(f"//table[@id='{table}']/tbody/tr/th")]


def totals(client: Client, query: str = "", address: str = LIST, table: str = "disputes") -> list[list[str]]:
    page = page_of(client.get(f"{address}{query}").content)
    return [
        [
            cell.text_content().replace("\u202f", " ").replace("\xa0", " ")
            for cell in row.xpath("td[@class='num']")
        ]
        for row in page.xpath(f"//table[@id='{table}']/tfoot/tr")
    ]


def csv_rows(answer: Any) -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(text.splitlines(), delimiter=";"))


def url(name: str, pk: int) -> str:
    return reverse(f"invoices:{name}", args=[pk])


class TestDisputeList:
    def test_open_ones_come_by_deadline_and_resolved_ones_on_request(
        self, browser: Client, customer: Customer
    ) -> None:
        contested(customer, "NEXT", deadline=TODAY + timedelta(days=2))
        contested(customer, "NEVER", deadline=None)
        contested(customer, "LATE", deadline=TODAY - timedelta(days=1))
        contested(customer, "TODAY", deadline=TODAY)
        contested(customer, "DONE", deadline=TODAY, resolved_on=TODAY - timedelta(days=3))
        contested(customer, "AFTER", deadline=TODAY - timedelta(days=5), resolved_on=TODAY)
        assert numbers(browser) == ["LATE", "TODAY", "NEXT", "NEVER"]
        assert numbers(browser, "?state=closed") == ["AFTER", "DONE"]
        assert numbers(browser, "?late=yes") == ["LATE"]
        assert numbers(browser, "?late=no") == ["TODAY", "NEXT", "NEVER"]
        assert numbers(browser, "?state=closed&late=yes") == ["AFTER"]
        assert numbers(browser, "?state=closed&late=no") == ["DONE"]

    def test_other_filters(self, browser: Client, customer: Customer, manager: User) -> None:
        contested(customer, "FA-1", reason="PU_ERR", owner=manager)
        contested(customer, "FA-2", reason="LIVR_INCOMP")
        contested(CustomerFactory(name="Autre"), "XX-1", reason="REM_ERR")
        assert set(numbers(browser, "?group=PRICE")) == {"FA-1", "XX-1"}
        assert numbers(browser, "?reason=LIVR_INCOMP") == ["FA-2"]
        assert numbers(browser, f"?owner={manager.pk}") == ["FA-1"]
        assert set(numbers(browser, "?owner=none")) == {"FA-2", "XX-1"}
        assert set(numbers(browser, "?entity=PERCHE")) == {"FA-1", "FA-2"}
        assert set(numbers(browser, "?q=energie")) == {"FA-1", "FA-2"}
        assert numbers(browser, "?q=xx") == ["XX-1"]
        assert "Aucun litige ne répond" in text_of(browser.get(f"{LIST}?q=rien").content)

    def test_the_mean_time_by_reason_opens_its_rows(self, browser: Client, customer: Customer) -> None:
        for days, number in ((4, "A"), (7, "B")):
            contested(
                customer, number, opened_on=TODAY - timedelta(days=days), resolved_on=TODAY, reason="QTE_ERR"
            )
        # Resolved too long ago to count.
        contested(customer, "OLD", opened_on=date(2024, 1, 1), resolved_on=date(2025, 1, 1), reason="QTE_ERR")
        contested(customer, "C", reason="QTE_ERR", deadline=TODAY - timedelta(days=1))
        page = page_of(browser.get(LIST).content)
        (row,) = page.xpath("//*[@id='delays']//tbody/tr")
        assert [" ".join(cell.text_content().split()) for cell in row] == [
            "Quantité facturée erronée", "Livraison et qualité", "1", "1", "2", "5,5",
        ]  # fmt: skip
        opened, late, resolved, _mean = [link.get("href") for link in row.xpath(".//a")]
        assert numbers(browser, address=opened) == ["C"]
        assert numbers(browser, address=late) == ["C"]
        assert set(numbers(browser, address=resolved)) == {"A", "B"}

    def test_pages_of_it_cost_the_same(self, browser: Client, customer: Customer, manager: User) -> None:
        for index in range(3):
            contested(customer, f"FA-{index}", owner=manager)
        browser.get(LIST)
        with counting() as few:
            browser.get(LIST)
        for index in range(3, 60):
            contested(customer, f"FA-{index}", owner=manager, deadline=TODAY + timedelta(days=index % 7))
        with counting() as many:
            first = browser.get(LIST)
        assert many() <= few() + 1
        (following,) = page_of(first.content).xpath("//a[@rel='next']/@href")
        assert len(set(numbers(browser)) | set(numbers(browser, following))) == 60

    def test_the_export_is_what_the_list_shows_and_adds_up(
        self, browser: Client, make_user: Any, sign_in: Any, customer: Customer, manager: User
    ) -> None:
        contested(customer, "FA-1", owner=manager, deadline=TODAY - timedelta(days=2), note="=cmd")
        paid = contested(customer, "FA-2", reason="LIVR_INCOMP", deadline=None)
        AllocationFactory(debit=paid.item, amount=Decimal("440.00"))
        contested(customer, "DONE", resolved_on=TODAY, resolution="CREDIT_NOTE")
        foreign = CustomerFactory(currency="CHF", legal_entity=LegalEntityFactory(code="ALPES"))
        contested(foreign, "CH-1", amount=Decimal("30.00"))
        assert totals(browser) == [["30,00 CHF"], ["180,00 €"]]
        assert totals(browser, "?q=FA-") == [["180,00 €"]]
        rows = csv_rows(browser.get(reverse("invoices:dispute-export", args=["csv"])))
        assert [row[3] for row in rows] == ["Pièce", "FA-1", "FA-2", "CH-1"]
        assert rows[1][7:] == [
            "EUR", "120,00", "120,00", "500,00", manager.full_name, "20/02/2026", "28/02/2026", "2", "", "", "'=cmd",
        ]  # fmt: skip
        # What came in leaves less to contest.
        assert rows[2][8:11] == ["120,00", "60,00", "60,00"]
        address = reverse("invoices:dispute-export", args=["csv"])
        closed = csv_rows(browser.get(f"{address}?state=closed"))
        assert [(row[3], row[8], row[9]) for row in closed[1:]] == [("DONE", "120,00", "120,00")]
        assert browser.get(f"{address}?resolved_after=hier").status_code == 302
        assert browser.get(reverse("invoices:dispute-export", args=["pdf"])).status_code == 404
        book = browser.get(f"{reverse('invoices:dispute-export', args=['xlsx'])}?reason=LIVR_INCOMP")
        assert b"".join(book.streaming_content)[:2] == b"PK"  # type: ignore[attr-defined]
        stranger = sign_in(
            make_user(Role.CREDIT_MANAGER, email="x@example.test", sees=[LegalEntityFactory()])
        )
        assert len(csv_rows(stranger.get(address))) == 1

    def test_empty_hostile_and_foreign(
        self, browser: Client, make_user: Any, sign_in: Any, customer: Customer
    ) -> None:
        assert "Aucun litige ouvert" in text_of(browser.get(LIST).content)
        contested(customer, "FA-1")
        assert_no_server_error(
            browser,
            LIST,
            ("q", "state", "group", "owner", "late", "reason", "entity", "resolved_after", "cursor"),
        )
        stranger = sign_in(
            make_user(Role.CREDIT_MANAGER, email="other@example.test", sees=[LegalEntityFactory()])
        )
        assert numbers(stranger) == []
        assert "Délai moyen" not in text_of(stranger.get(LIST).content)


class TestDisputePage:
    def test_what_came_in_leaves_less_to_contest(self, browser: Client, customer: Customer) -> None:
        dispute = contested(customer, "FA-1", amount=Decimal("300.00"))
        AllocationFactory(debit=dispute.item, amount=Decimal("350.00"))
        text = text_of(browser.get(url("dispute-detail", dispute.pk)).content)
        assert "Le litige portait sur 300,00 €" in text
        assert "Les 150,00 € contestés" in text and "-150,00 €" not in text and "−150,00 €" not in text
        shown = text_of(browser.get(url("item-detail", dispute.item_id)).content)
        assert "150,00 € en litige" in shown and "300,00 €" not in shown
        listed = text_of(browser.get(LIST).content)
        assert "300,00 € à l’ouverture" in listed

    def test_it_is_opened_from_the_item_with_its_words(
        self, browser: Client, customer: Customer, manager: User
    ) -> None:
        item = invoice(customer, "FA-1")
        form = page_of(browser.get(url("item-dispute", item.pk)).content)
        assert "Prix et montants" in form.xpath("//select[@name='reason']/optgroup/@label")
        assert form.xpath("//select[@name='owner']/option[@selected]/@value") == [str(manager.pk)]
        given = {"amount": "120,50", "reason": "PU_ERR", "owner": manager.pk, "deadline": "2026-03-20"}
        answer = browser.post(url("item-dispute", item.pk), given, follow=True)
        dispute = Dispute.objects.get()
        assert answer.redirect_chain == [(url("dispute-detail", dispute.pk), 302)]
        text = " ".join(answer.content.decode().split()).replace("\u202f", " ").replace("\xa0", " ")
        assert "le reste (379,50 €) continue de l’être" in text
        assert dispute.deadline == date(2026, 3, 20)
        shown = text_of(browser.get(url("dispute-detail", dispute.pk)).content)
        for expected in (
            "Prix unitaire erroné",
            "120,50 €",
            "500,00 €",
            "379,50 €",
            "20/03/2026",
            "Litige ouvert",
        ):
            assert expected in shown, expected
        # The item leads to it.
        links = page_of(browser.get(url("item-detail", item.pk)).content).xpath("//a/@href")
        assert url("dispute-detail", dispute.pk) in links

    def test_without_a_deadline_that_of_the_reason_holds(self, browser: Client, customer: Customer) -> None:
        item = invoice(customer, "FA-1")
        browser.post(url("item-dispute", item.pk), {"amount": "500", "reason": "COORD_BANC_ERR"})
        dispute = Dispute.objects.get()
        assert (dispute.deadline, dispute.owner) == (TODAY + timedelta(days=5), None)

    def test_refusals_stand_at_their_fields(
        self, browser: Client, customer: Customer, make_user: Any
    ) -> None:
        item = invoice(customer, "FA-1")
        given = {"amount": "100", "reason": "PU_ERR"}
        blind = make_user(Role.CREDIT_MANAGER, email="blind@example.test", sees=[LegalEntityFactory()])
        portfolio = make_user(Role.CREDIT_MANAGER, email="own@example.test", own_portfolio_only=True)
        for change, field in (
            ({"amount": "501"}, "amount"),
            ({"amount": "-1"}, "amount"),
            ({"amount": "beaucoup"}, "amount"),
            ({"reason": "PRIX"}, "reason"),
            ({"deadline": "2026-03-01"}, "deadline"),
            ({"deadline": "demain"}, "deadline"),
            ({"owner": blind.pk}, "owner"),
            ({"owner": portfolio.pk}, "owner"),
        ):
            answer = browser.post(url("item-dispute", item.pk), given | change)
            assert answer.status_code == 422, change
            assert page_of(answer.content).xpath(f"//*[@name='{field}'][@aria-invalid='true']"), change
        assert not Dispute.objects.exists()

    def test_it_is_changed(self, browser: Client, customer: Customer, manager: User) -> None:
        dispute = contested(customer, "FA-1", deadline=TODAY)
        given = {
            "amount": "300", "reason": "REM_ERR", "owner": manager.pk, "deadline": "2026-03-31", "note": "Devis",
        }  # fmt: skip
        assert browser.post(url("dispute-change", dispute.pk), given).status_code == 302
        dispute.refresh_from_db()
        assert (dispute.amount, dispute.reason, dispute.owner) == (Decimal("300.00"), "REM_ERR", manager)
        assert dispute.item.disputed_amount == Decimal("300.00")
        for change in ({"amount": "501"}, {"deadline": ""}, {"deadline": "2026-03-01"}, {"reason": ""}):
            answer = browser.post(url("dispute-change", dispute.pk), given | change)
            assert answer.status_code == 422, change
            (field,) = change
            assert page_of(answer.content).xpath(
                f"//*[@id='change']//*[@name='{field}'][@aria-invalid='true']"
            )
        dispute.refresh_from_db()
        assert (dispute.amount, dispute.deadline) == (Decimal("300.00"), date(2026, 3, 31))

    def test_a_late_one_is_changed_without_a_new_deadline(self, browser: Client, customer: Customer) -> None:
        dispute = contested(customer, "FA-1", deadline=TODAY - timedelta(days=3))
        page = page_of(browser.get(url("dispute-detail", dispute.pk)).content)
        (form,) = page.xpath("//*[@id='change']//form")
        given = {name: value or "" for name, value in dict(form.fields).items()} | {"note": "Relancé"}
        assert browser.post(url("dispute-change", dispute.pk), given).status_code == 302
        dispute.refresh_from_db()
        assert (dispute.note, dispute.amount) == ("Relancé", Decimal("120.00"))

    def test_it_is_resolved_once(self, browser: Client, customer: Customer) -> None:
        dispute = contested(customer, "FA-1")
        address = url("dispute-resolve", dispute.pk)
        for given in ({}, {"outcome": "  "}, {"outcome": "x", "resolution": "NEVER"}):
            assert browser.post(address, given).status_code == 422
        assert browser.post(address, {"outcome": "AV-12", "resolution": "CREDIT_NOTE"}).status_code == 302
        dispute.refresh_from_db()
        assert (dispute.resolved_on, dispute.resolution) == (TODAY, "CREDIT_NOTE")
        assert dispute.item.disputed_amount == 0
        again = browser.post(address, {"outcome": "AV-12"})
        assert again.status_code == 422
        assert "déjà été résolu" in text_of(again.content)
        change = browser.post(
            url("dispute-change", dispute.pk), {"amount": "1", "reason": "PU_ERR", "deadline": "2026-04-01"}
        )
        assert change.status_code == 422
        assert "déjà été résolu" in text_of(change.content)
        shown = browser.get(url("dispute-detail", dispute.pk)).content
        assert "Avoir émis" in text_of(shown)
        assert not page_of(shown).xpath("//*[@id='change'] | //*[@id='resolve']")

    def test_documents(self, browser: Client, customer: Customer, make_user: Any, sign_in: Any) -> None:
        dispute = contested(customer, "FA-1")
        address = url("dispute-file-add", dispute.pk)

        def send(content: bytes, name: str = "réclamation.pdf", kind: str = "application/pdf") -> Any:
            return browser.post(address, {"file": SimpleUploadedFile(name, content, kind)})

        assert send(PDF).status_code == 302
        assert "déjà joint" in text_of(send(PDF, "autre.pdf").content)
        assert "vide" in text_of(send(b"").content)
        assert browser.post(address).status_code == 422
        # A page is never shown as one, whatever its type was said to be.
        assert send(b"<script>1</script>", "x.html", "application/pdf").status_code == 302
        pdf, page = DisputeFile.objects.order_by("pk")
        assert "réclamation.pdf" in text_of(browser.get(url("dispute-detail", dispute.pk)).content)
        given = browser.get(url("dispute-file", pdf.pk))
        assert b"".join(given.streaming_content) == PDF
        assert given["Content-Type"] == "application/pdf"
        assert browser.get(url("dispute-file", page.pk))["Content-Disposition"].startswith("attachment")
        stranger = sign_in(
            make_user(Role.CREDIT_MANAGER, email="other@example.test", sees=[LegalEntityFactory()])
        )
        assert stranger.get(url("dispute-file", pdf.pk)).status_code == 404

    def test_a_file_too_large_is_refused(self, browser: Client, customer: Customer, settings: Any) -> None:
        settings.DISPUTE_FILE_MAX_BYTES = 1024 * 1024
        dispute = contested(customer, "FA-1")
        big = SimpleUploadedFile("gros.pdf", PDF + b" " * 1024 * 1024, "application/pdf")
        answer = browser.post(url("dispute-file-add", dispute.pk), {"file": big})
        assert (answer.status_code, DisputeFile.objects.count()) == (422, 0)
        assert "dépasse 1 Mo" in text_of(answer.content)

    def test_scope_and_rights(self, make_user: Any, sign_in: Any, customer: Customer) -> None:
        dispute = contested(customer, "FA-1")
        stranger = sign_in(
            make_user(Role.CREDIT_MANAGER, email="other@example.test", sees=[LegalEntityFactory()])
        )
        assert stranger.get(url("dispute-detail", dispute.pk)).status_code == 404
        for name in ("dispute-change", "dispute-resolve", "dispute-file-add"):
            assert stranger.post(url(name, dispute.pk), {"outcome": "x"}).status_code == 404
        director = sign_in(make_user(Role.FINANCE_DIRECTOR))
        shown = director.get(url("dispute-detail", dispute.pk))
        assert not page_of(shown.content).xpath("//*[@id='content']//form")
        for name in ("dispute-change", "dispute-resolve", "dispute-file-add"):
            assert director.post(url(name, dispute.pk), {"outcome": "x"}).status_code == 403
        dispute.refresh_from_db()
        assert dispute.resolved_on is None


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
