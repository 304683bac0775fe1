"""Pages of limits: request beside the proposal, queue, decision, letter, reviews, policy of four eyes, simulation."""

from datetime import timedelta
from decimal import Decimal

import pdfplumber
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from core.files import open_file
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from customers.models import LegalEntity
from risk.models import CreditLimit, CreditPolicy, LimitRequest, LimitReview, LimitSimulation
from risk.operations.limit_simulations import compute_limit_simulation
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.risk.factories import NOW, TODAY, invoice, limit, paid_late
from tests.risk.limits import ask, policy_in_force
from tests.risk.pages import body

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_day")]


@pytest.fixture
def accountant(make_user):
    return make_user(Role.ACCOUNTANT)


@pytest.fixture
def asking(accountant, sign_in) -> Client:
    return sign_in(accountant)


def url(name: str, *args) -> str:
    return reverse(f"risk:{name}", args=args)


class TestRequestForm:
    def test_shows_the_proposal_with_its_sources(self, asking, entity: LegalEntity) -> None:
        customer = CustomerFactory(legal_entity=entity)
        for days in (380, 200, 100, 40):
            paid_late(customer, "12000", 5, TODAY - timedelta(days=days))
        text = body(asking.get(url("request-create", customer.pk)))
        assert "Ce que propose la politique de crédit" in text
        assert "grand livre au 23/11/2026" in text
        assert "non communiqué" in text
        assert "Pour 10 000 de plus" in text

    def test_deposits_the_request(self, asking, entity: LegalEntity) -> None:
        customer = CustomerFactory(legal_entity=entity)
        values = {
            "amount": "40 000,00",
            "currency": "EUR",
            "kind": "PERMANENT",
            "basis": "OWN",
            "reason": "Salon",
        }
        response = asking.post(url("request-create", customer.pk), values)
        made = LimitRequest.objects.get()
        assert (response.status_code, response.url) == (302, url("request-detail", made.pk))
        assert (made.amount, made.reason, made.status) == (40_000, "Salon", "SUBMITTED")
        text = body(asking.get(url("request-detail", made.pk)))
        assert "une autre personne en décide" in text
        assert "Retirer ma demande" in text

    @pytest.mark.parametrize(
        ("values", "told"),
        [
            ({"amount": ""}, "Indiquez le plafond"),
            ({"amount": "x"}, "contient des lettres"),
            ({"amount": "-1"}, "positif ou nul"),
            ({"reason": " "}, "Indiquez ce qui motive"),
            ({"kind": "OTHER"}, "choix valide"),
            ({"expires_on": "2020-01-01"}, "au moins jusqu’à ce soir"),
            ({"expires_on": "demain"}, "date valide"),
            ({"expected_purchases": "1,234"}, "ambigu"),
        ],
    )
    def test_refusals_write_nothing(self, asking, entity: LegalEntity, values, told) -> None:
        customer = CustomerFactory(legal_entity=entity)
        filled = {"amount": "1000", "currency": "EUR", "kind": "PERMANENT", "basis": "OWN", "reason": "Salon"}
        response = asking.post(url("request-create", customer.pk), filled | values)
        assert response.status_code == 422
        assert told in body(response)
        assert not LimitRequest.objects.exists()

    def test_group_limits_are_asked_at_the_head(self, asking, entity: LegalEntity) -> None:
        head = CustomerFactory(legal_entity=entity)
        child = CustomerFactory(legal_entity=entity, parent=head)
        assert 'name="scope"' in body(asking.get(url("request-create", head.pk)))
        assert 'name="scope"' not in body(asking.get(url("request-create", child.pk)))


class TestDecision:
    def test_queue_then_approval(self, client: Client, accountant, entity: LegalEntity) -> None:
        made = ask(CustomerFactory(legal_entity=entity, name="Bâtir Demain"), "40000", accountant)
        assert "Bâtir Demain" in body(client.get(url("request-list")))
        response = client.post(
            url("request-approve", made.pk),
            {"amount": "30 000", "conditions": "Acompte de 10 %", "note": "Vu", "seen": "0"},
        )
        assert response.status_code == 302
        assert CreditLimit.objects.in_force(TODAY).get().amount == 30_000
        text = body(client.get(url("request-detail", made.pk)))
        assert "30 000,00 €" in text
        assert "Acompte de 10 %" in text
        assert "Rien n’attend votre décision" in body(client.get(url("request-list")))
        assert "Bâtir Demain" in body(client.get(url("request-list") + "?list=all&status=APPROVED"))
        assert "Bâtir Demain" in body(client.get(url("limit-list")))

    def test_refusal_and_its_letter(self, client: Client, accountant, entity: LegalEntity) -> None:
        customer = CustomerFactory(legal_entity=entity, kind="SOLE_TRADER", language="fr")
        made = ask(customer, "40000", accountant)
        assert client.post(url("request-refuse", made.pk), {"note": "", "seen": "0"}).status_code == 422
        client.post(
            url("request-refuse", made.pk), {"reasons": ["COMMITMENT", "NEED"], "note": "Coface", "seen": "0"}
        )
        client.post(url("request-letter-write", made.pk))
        made.refresh_from_db()
        first = made.letter_id
        client.post(url("request-letter-write", made.pk))
        made.refresh_from_db()
        assert made.letter_id == first
        with pdfplumber.open(open_file(made.letter)) as pdf:
            text = " ".join(pdf.pages[0].extract_text().split())
        assert "ne pouvons pas" in text
        assert "engagements est limité" in text
        assert "prise par une personne" in text
        for secret in ("Coface", "assur", "garanti "):
            assert secret not in text
        assert client.get(url("request-letter", made.pk)).status_code == 200

    def test_the_letter_speaks_english_to_the_others(self, client, accountant, entity: LegalEntity) -> None:
        customer = CustomerFactory(legal_entity=entity, language="de")
        made = ask(customer, "40000", accountant)
        client.post(url("request-approve", made.pk), {"amount": "40000", "seen": "0"})
        client.post(url("request-letter-write", made.pk))
        made.refresh_from_db()
        with pdfplumber.open(open_file(made.letter)) as pdf:
            text = " ".join(pdf.pages[0].extract_text().split())
        assert "We are pleased to grant it" in text
        assert "€40,000.00" in text

    def test_no_letter_before_the_decision(self, client, accountant, entity: LegalEntity) -> None:
        made = ask(CustomerFactory(legal_entity=entity), "40000", accountant)
        client.post(url("request-letter-write", made.pk))
        made.refresh_from_db()
        assert made.letter is None
        assert client.get(url("request-letter", made.pk)).status_code == 404

    def test_words_and_papers(self, client, accountant, entity: LegalEntity) -> None:
        made = ask(CustomerFactory(legal_entity=entity), "40000", accountant)
        file = SimpleUploadedFile("bilan.pdf", b"%PDF-1.4 bilan", content_type="application/pdf")
        assert (
            client.post(url("request-note", made.pk), {"text": "Bilan reçu", "file": file}).status_code == 302
        )
        text = body(client.get(url("request-detail", made.pk)))
        assert "Bilan reçu" in text
        note = made.notes.get()
        paper = client.get(url("request-file", made.pk, note.pk))
        assert b"".join(paper.streaming_content) == b"%PDF-1.4 bilan"
        assert client.post(url("request-note", made.pk), {"text": " "}).status_code == 422

    def test_own_request_has_no_buttons(self, make_user, sign_in, entity: LegalEntity) -> None:
        manager = make_user(Role.CREDIT_MANAGER)
        made = ask(CustomerFactory(legal_entity=entity), "40000", manager)
        page = sign_in(manager)
        assert "request-approve" not in body(page.get(url("request-detail", made.pk)))
        response = page.post(url("request-approve", made.pk), {"amount": "40000", "seen": "0"})
        assert response.status_code == 422
        assert "Vous avez déposé cette demande" in body(response)
        assert not CreditLimit.objects.exists()


class TestLists:
    def test_limits_filters_and_export(self, client: Client, entity: LegalEntity) -> None:
        for number, name in enumerate(("Alpha", "Beta", "Gamma")):
            customer = CustomerFactory(legal_entity=entity, name=name)
            invoice(customer, "500", TODAY)
            limit(customer, str(1000 * (number + 1)))
        limit(customer, "9000")
        text = body(client.get(url("limit-list")))
        assert text.count("Fournitures Valtermont") >= 3
        assert "9 000,00 €" in text
        assert "3 000,00 €" not in text
        assert "3 000,00 €" in body(client.get(url("limit-list") + "?ended=1"))
        assert "Alpha" not in body(client.get(url("limit-list") + "?q=beta"))
        export = b"".join(client.get(url("limit-export", "csv") + "?sort=-amount").streaming_content).decode()
        assert export.splitlines()[1].split(";")[2] == "Gamma"
        assert client.get(url("limit-export", "pdf")).status_code == 404
        assert client.get(url("limit-list") + "?expires=7").status_code == 400

    def test_reviews_are_kept_with_a_reason(self, client: Client, entity: LegalEntity) -> None:
        held = limit(CustomerFactory(legal_entity=entity), "1000")
        review = LimitReview.objects.create(
            limit=held, customer=held.customer, reason="PERIODIC", due_on=TODAY, opened_at=NOW
        )
        assert client.post(url("review-keep", review.pk), {"note": ""}).status_code == 422
        assert client.post(url("review-keep", review.pk), {"note": "Paie bien"}).status_code == 302
        review.refresh_from_db()
        assert (review.status, review.note) == ("KEPT", "Paie bien")
        assert "Aucune revue" in body(client.get(url("review-list")))


class TestPolicy:
    def test_one_writes_and_another_puts_in_force(self, make_user, sign_in, entity: LegalEntity) -> None:
        writer, other = sign_in(make_user(Role.CREDIT_MANAGER)), sign_in(make_user(Role.FINANCE_DIRECTOR))
        writer.post(url("credit-policy-draft"), {"entity": entity.code})
        draft = CreditPolicy.objects.get()
        page = writer.get(url("credit-policy-edit", draft.pk))
        form = page.context["form"]
        values = {field.html_name: field.value() for group in form.groups for field in group[1]}
        values = {
            name: " ; ".join(str(one) for one in value) if isinstance(value, list) else value
            for name, value in values.items()
            if value not in (None, False)
        }
        values |= {"seen": form["seen"].value(), "note": "Première version", "validity_months": "6"}
        response = writer.post(url("credit-policy-edit", draft.pk), values)
        assert response.status_code == 302, response.context["form"].errors
        seen = writer.get(url("credit-policy-detail", draft.pk)).context["seen"]
        writer.post(url("credit-policy-submit", draft.pk), {"seen": seen})
        writer.post(url("credit-policy-activate", draft.pk), {"seen": seen})
        draft.refresh_from_db()
        assert (draft.status, draft.is_submitted) == ("DRAFT", True)
        assert "Mettre en vigueur" in body(other.get(url("credit-policy-detail", draft.pk)))
        other.post(url("credit-policy-activate", draft.pk), {"seen": seen})
        draft.refresh_from_db()
        assert (draft.status, draft.validity_months, draft.note) == ("ACTIVE", 6, "Première version")
        assert "Première version" in body(other.get(url("credit-policy-list")))

    @pytest.mark.parametrize(
        ("name", "value", "told"),
        [
            ("equity_shares", "1;2;3", "cinq valeurs"),
            ("equity_shares", "1;2;3;4;NaN", "de 0 à 100"),
            ("equity_shares", "1;2;3;4;x", "nombre"),
            ("review_months", "0;1;1;1;1", "de 1 à 36"),
            ("peak_factor", "9", "inférieure ou égale"),
        ],
    )
    def test_odd_values_are_refused_at_their_field(self, client, entity, name, value, told) -> None:
        client.post(url("credit-policy-draft"))
        draft = CreditPolicy.objects.get()
        form = client.get(url("credit-policy-edit", draft.pk)).context["form"]
        values = {field.html_name: field.value() for group in form.groups for field in group[1]}
        values = {
            key: " ; ".join(str(one) for one in held) if isinstance(held, list) else held
            for key, held in values.items()
            if held not in (None, False)
        }
        response = client.post(
            url("credit-policy-edit", draft.pk), values | {"seen": form["seen"].value(), name: value}
        )
        assert response.status_code == 422
        assert told in " ".join(str(error) for error in response.context["form"].errors.values())

    def test_a_direct_raise_leads_to_a_request(self, client: Client, entity: LegalEntity) -> None:
        policy_in_force()
        customer = CustomerFactory(legal_entity=entity)
        held = limit(customer, "1000")
        values = {"amount": "5000", "currency": "EUR", "reason": "x", "seen": held.pk}
        response = client.post(url("limit-set", customer.pk), values)
        assert response.status_code == 422
        assert "demande" in body(response)


class TestSimulation:
    def test_asked_computed_and_made_requests_of(self, client: Client, entity: LegalEntity) -> None:
        customer = CustomerFactory(legal_entity=entity, name="Grandir")
        for days in (380, 200, 100, 40):
            paid_late(customer, "12000", 5, TODAY - timedelta(days=days))
        limit(customer, "1000")
        CustomerFactory(legal_entity=entity)
        client.post(url("limit-simulation-request"), {"legal_entity": entity.pk})
        asked = LimitSimulation.objects.get()
        assert "Calcul des propositions" in body(client.get(url("limit-simulation-detail", asked.pk)))
        compute_limit_simulation(actor=SYSTEM, simulation_id=asked.pk, now=NOW)
        text = body(client.get(url("limit-simulation-detail", asked.pk)))
        assert "Grandir" in text
        line = asked.lines.get(customer=customer)
        assert line.difference == line.proposed_amount - 1000 > 0
        response = client.post(url("limit-simulation-ask", asked.pk), {"selected": [line.pk, "x"]})
        made = LimitRequest.objects.get()
        assert (response.status_code, made.amount, made.source) == (302, line.proposed_amount, "SIMULATION")
        client.post(url("limit-simulation-ask", asked.pk), {"selected": [line.pk]})
        assert LimitRequest.objects.count() == 1


def test_panel_of_the_customer_page(client: Client, accountant, entity: LegalEntity) -> None:
    customer = CustomerFactory(legal_entity=entity)
    limit(customer, "1000")
    made = ask(customer, "4000", accountant)
    text = body(client.get(url("customer-panel", customer.pk)))
    assert url("request-detail", made.pk) in text
    assert url("request-create", customer.pk) in text


def test_agenda_shows_what_waits(client: Client, accountant, entity: LegalEntity) -> None:
    made = ask(CustomerFactory(legal_entity=entity), "4000", accountant)
    text = body(client.get("/"))
    assert "demande de plafond à décider" in text
    assert url("request-detail", made.pk) in text


def test_outside_the_scope_is_404(make_user, sign_in, accountant, entity: LegalEntity) -> None:
    made = ask(CustomerFactory(legal_entity=LegalEntityFactory()), "4000", accountant)
    page = sign_in(make_user(Role.CREDIT_MANAGER, sees=[entity]))
    before = AuditEvent.objects.count()
    for name in ("request-detail", "request-letter"):
        assert page.get(url(name, made.pk)).status_code == 404
    for name in (
        "request-approve",
        "request-refuse",
        "request-withdraw",
        "request-note",
        "request-letter-write",
    ):
        assert page.post(url(name, made.pk), {"amount": "1", "seen": "0"}).status_code == 404
    assert page.get(url("request-create", made.customer_id)).status_code == 404
    assert AuditEvent.objects.count() == before
    made.refresh_from_db()
    assert (made.status, made.amount) == ("SUBMITTED", Decimal(4000))
