"""The pages of disputes: the worklist, one dispute, its documents, what a refusal shows."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from core.models import Role, User
from customers.models import Customer
from invoices.models import Dispute, DisputeFile
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.contested.pages import (  # fmt: skip
    LIST,
    TODAY,
    contested,
    csv_rows,
    invoice,
    numbers,
    totals,
    url,
)
from tests.invoices.factories import AllocationFactory
from tests.pages import assert_no_server_error, counting, page_of, text_of

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7\n% claim\n%%EOF\n"


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
