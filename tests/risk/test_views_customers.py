"""Risk of one customer: panel, score, limit; roles and scope of every page."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from core.models import AuditEvent, Role
from customers.models import Customer, LegalEntity
from risk.models import CreditLimit
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.risk.factories import TODAY, invoice, paid_late
from tests.risk.pages import OVERVIEW, body, over, score_all

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_day")]


class TestCustomerPanel:
    def test_piece_for_the_customer_page_and_page_of_its_own(
        self, client: Client, entity: LegalEntity
    ) -> None:
        customer = over(entity, name="Dépassée")
        score_all()
        url = reverse("risk:customer-panel", args=[customer.pk])
        piece = body(client.get(url, headers={"HX-Request": "true"}))
        page = body(client.get(url))
        assert "<html" not in piece
        assert "<html" in page
        for text in (piece, page):
            assert "Encours 1 500,00 €" in text
            assert "Plafond 1 000,00 €" in text
            assert "150,0 %" in text
            assert "Retard moyen pondéré" in text
            assert "historique insuffisant" in text
            assert reverse("risk:limit-set", args=[customer.pk]) in text
            assert reverse("risk:score-detail", args=[customer.pk]) in text

    def test_before_any_score_limit_or_item(self, client: Client, entity: LegalEntity) -> None:
        customer = CustomerFactory(legal_entity=entity)
        text = body(client.get(reverse("risk:customer-panel", args=[customer.pk])))
        assert "Sans plafond" in text
        assert "Pas encore de score" in text
        assert "Fixer un plafond" in text

    def test_other_currencies_and_group_stand_apart(self, client: Client, entity: LegalEntity) -> None:
        parent = CustomerFactory(legal_entity=entity, name="Groupe Tarvelin")
        child = CustomerFactory(legal_entity=entity, parent=parent)
        invoice(child, "250", TODAY, currency="USD")
        invoice(parent, "100", TODAY)
        text = body(client.get(reverse("risk:customer-panel", args=[child.pk])))
        assert "250,00 USD" in text
        assert "Groupe de Groupe Tarvelin (2 comptes)" in text

    @pytest.mark.parametrize(
        ("kind", "is_told"),
        [("SOLE_TRADER", True), ("CONSUMER", True), ("COMPANY", False), ("PUBLIC_BODY", False)],
    )
    def test_a_score_never_decides_alone_on_a_person(
        self, client: Client, entity: LegalEntity, kind: str, is_told: bool
    ) -> None:
        customer = CustomerFactory(legal_entity=entity, kind=kind)
        score_all()
        for name in ("risk:customer-panel", "risk:score-detail"):
            text = body(client.get(reverse(name, args=[customer.pk])))
            assert ("Le score ne décide jamais seul" in text) is is_told

    def test_without_the_right_no_link_to_the_limit(self, make_user, sign_in, entity: LegalEntity) -> None:
        customer = over(entity)
        text = body(
            sign_in(make_user(Role.ACCOUNTANT)).get(reverse("risk:customer-panel", args=[customer.pk]))
        )
        assert reverse("risk:limit-set", args=[customer.pk]) not in text


class TestScoreDetail:
    def test_all_reasons_and_the_card(self, client: Client, entity: LegalEntity) -> None:
        customer = CustomerFactory(legal_entity=entity)
        for days in (300, 200, 100):
            paid_late(customer, "1000", 12, TODAY - timedelta(days=days))
        score_all()
        text = body(client.get(reverse("risk:score-detail", args=[customer.pk])))
        assert "12,0 j sur 3 pièces payées en douze mois" in text
        assert "Compte arrêté au 23/11/2026" in text
        assert "85 à 100 points" in text
        assert "stale" not in text

    def test_an_old_score_shows_its_age(self, client: Client, entity: LegalEntity) -> None:
        customer = CustomerFactory(legal_entity=entity)
        score_all(TODAY - timedelta(days=3))
        text = body(client.get(reverse("risk:score-detail", args=[customer.pk])))
        assert "Ce score a 3 jours." in text

    def test_before_the_first_score(self, client: Client, entity: LegalEntity) -> None:
        customer = CustomerFactory(legal_entity=entity)
        assert "Pas encore de score" in body(client.get(reverse("risk:score-detail", args=[customer.pk])))


class TestLimitSet:
    def post(self, client: Client, customer: Customer, **values):
        current = CreditLimit.objects.in_force().filter(customer=customer).first()
        filled = {
            "amount": "60 000,00",
            "currency": "EUR",
            "reason": "Bilan solide",
            "seen": current.pk if current else 0,
        }
        return client.post(reverse("risk:limit-set", args=[customer.pk]), filled | values)

    def test_sets_the_limit_and_returns_to_the_customer(self, client: Client, entity: LegalEntity) -> None:
        customer = over(entity)
        response = self.post(client, customer)
        assert response.status_code == 302
        assert response.url == reverse("customers:customer-detail", args=[customer.pk])
        made = CreditLimit.objects.in_force().get(customer=customer)
        assert (made.amount, made.reason, made.valid_from) == (Decimal("60000"), "Bilan solide", TODAY)
        text = body(client.get(reverse("risk:limit-set", args=[customer.pk])))
        assert "Plafonds successifs" in text
        assert "60 000,00 €" in text

    @pytest.mark.parametrize(
        ("values", "told"),
        [
            ({"amount": ""}, "Indiquez le plafond"),
            ({"amount": "beaucoup"}, "contient des lettres"),
            ({"amount": "-5"}, "positif ou nul"),
            ({"amount": "9" * 39}, "dépasse le plus grand montant"),
            ({"amount": "1000"}, "déjà de 1 000,00 €"),
            ({"currency": "E1"}, "ISO 4217"),
            ({"currency": ""}, "obligatoire"),
            ({"reason": "  "}, "Indiquez ce qui motive"),
            ({"reason": "x" * 201}, "200 caractères"),
            ({"seen": "0"}, "a changé entre-temps"),
            ({"seen": "x"}, "nombre entier"),
        ],
    )
    def test_refusals_are_shown_and_change_nothing(
        self, client: Client, entity: LegalEntity, values, told: str
    ) -> None:
        customer = over(entity)
        before = list(CreditLimit.objects.values_list()), AuditEvent.objects.count()
        response = self.post(client, customer, **values)
        assert response.status_code == 422
        assert told in body(response)
        assert (list(CreditLimit.objects.values_list()), AuditEvent.objects.count()) == before

    def test_a_nul_character_is_refused_at_the_door(self, client: Client, entity: LegalEntity) -> None:
        customer = over(entity)
        before = list(CreditLimit.objects.values_list()), AuditEvent.objects.count()
        assert self.post(client, customer, reason="a\x00b").status_code == 400
        assert (list(CreditLimit.objects.values_list()), AuditEvent.objects.count()) == before

    def test_after_a_change_meanwhile_the_person_answers_for_the_new_one(
        self, client: Client, entity: LegalEntity
    ) -> None:
        customer = over(entity)
        current = CreditLimit.objects.in_force().get()
        response = self.post(client, customer, seen="0")
        assert f'name="seen" value="{current.pk}"' in body(response)
        assert 'value="60 000,00"' in body(response)

    def test_closed_account(self, client: Client, entity: LegalEntity) -> None:
        customer = CustomerFactory(legal_entity=entity, status=Customer.Status.CLOSED)
        assert "clôturé" in body(client.get(reverse("risk:limit-set", args=[customer.pk])))
        assert self.post(client, customer).status_code == 422
        assert not CreditLimit.objects.exists()


PAGES = ("risk:customer-panel", "risk:score-detail", "risk:limit-set")


@pytest.mark.parametrize("name", PAGES)
def test_outside_the_scope_is_404(make_user, sign_in, entity: LegalEntity, name: str) -> None:
    customer = over(LegalEntityFactory())
    client = sign_in(make_user(Role.CREDIT_MANAGER, sees=[entity]))
    assert client.get(reverse(name, args=[customer.pk])).status_code == 404
    assert client.get(reverse(name, args=[0])).status_code == 404
    assert client.get(reverse(name, args=[2**70])).status_code == 404


def test_limit_is_out_of_scope_to_a_post_too(make_user, sign_in, entity: LegalEntity) -> None:
    customer = CustomerFactory()
    client = sign_in(make_user(Role.CREDIT_MANAGER, sees=[entity]))
    values = {"amount": "1", "currency": "EUR", "reason": "x", "seen": "0"}
    assert client.post(reverse("risk:limit-set", args=[customer.pk]), values).status_code == 404
    assert not CreditLimit.objects.exists()


@pytest.mark.parametrize(
    ("role", "sees", "sets"),
    [
        (Role.CREDIT_MANAGER, 200, 200),
        (Role.ACCOUNTANT, 200, 403),
        (Role.FINANCE_DIRECTOR, 200, 403),
        (Role.ADMINISTRATOR, 200, 403),
        (Role.API_PARTNER, 403, 403),
    ],
)
def test_roles(make_user, sign_in, entity: LegalEntity, role: Role, sees: int, sets: int) -> None:
    customer = over(entity)
    client = sign_in(make_user(role))
    assert client.get(OVERVIEW).status_code == sees
    assert client.get(reverse("risk:customer-panel", args=[customer.pk])).status_code == sees
    assert client.get(reverse("risk:score-detail", args=[customer.pk])).status_code == sees
    assert client.get(reverse("risk:limit-set", args=[customer.pk])).status_code == sets
