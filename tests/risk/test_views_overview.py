"""The place « Risque »: what its lists show, to whom, at what cost."""

from datetime import timedelta

import pytest
from django.test import Client

from core.models import Role
from core.rights import SYSTEM
from customers.models import Customer, LegalEntity
from invoices.operations.ageing import store_ageing
from risk.models import Score
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.risk.factories import NOW, TODAY, invoice, limit, paid_late
from tests.risk.pages import LISTS, OVERVIEW, body, names, over, score_all

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_day")]


class TestOverview:
    @pytest.mark.parametrize("listing", LISTS)
    def test_empty(self, client: Client, listing: str) -> None:
        response = client.get(OVERVIEW, {"list": listing})
        assert response.status_code == 200
        assert response.context["rows"] == []
        assert "empty-state" in body(response) or "empty" in body(response)

    def test_over_limit_first_the_most_exceeded(self, client: Client, entity: LegalEntity) -> None:
        over(entity, name="Dépassée")
        nothing = CustomerFactory(legal_entity=entity, name="Sans crédit")
        invoice(nothing, "10", TODAY)
        limit(nothing, "0")
        at_limit = CustomerFactory(legal_entity=entity, name="Au plafond")
        invoice(at_limit, "1000", TODAY)
        limit(at_limit, "1000")
        more = CustomerFactory(legal_entity=entity, name="Très dépassée")
        invoice(more, "3000", TODAY)
        limit(more, "1000")
        response = client.get(OVERVIEW)
        assert names(response) == ["Sans crédit", "Très dépassée", "Dépassée"]
        text = body(response)
        assert "150 %" in text
        assert "500,00 €" in text
        assert names(client.get(OVERVIEW, {"sort": "customer"})) == [
            "Dépassée",
            "Sans crédit",
            "Très dépassée",
        ]
        assert names(client.get(OVERVIEW, {"sort": "-excess"})) == [
            "Très dépassée",
            "Dépassée",
            "Sans crédit",
        ]

    def test_without_limit_first_who_owes_most(self, client: Client, entity: LegalEntity) -> None:
        over(entity)
        for name, amount in (("Petite", "10"), ("Grande", "900")):
            invoice(CustomerFactory(legal_entity=entity, name=name), amount, TODAY)
        CustomerFactory(legal_entity=entity, name="Ne doit rien")
        assert names(client.get(OVERVIEW, {"list": "unlimited"})) == ["Grande", "Petite"]

    def test_changes_of_the_last_thirty_days(self, client: Client, entity: LegalEntity) -> None:
        customer = CustomerFactory(legal_entity=entity, name="Dégringole")
        for days in (300, 250, 200, 150, 100):
            paid_late(customer, "1000", 0, TODAY - timedelta(days=days))
        steady = CustomerFactory(legal_entity=entity)
        score_all(TODAY - timedelta(days=40))
        invoice(customer, "9000", TODAY - timedelta(days=35))
        score_all(TODAY - timedelta(days=1))
        response = client.get(OVERVIEW, {"list": "changes"})
        assert names(response) == ["Dégringole"]
        assert "dégradé" in body(response)
        assert set(names(client.get(OVERVIEW, {"list": "scores"}))) == {customer.name, steady.name}
        Score.objects.filter(customer=customer).update(class_since=TODAY - timedelta(days=30))
        assert names(client.get(OVERVIEW, {"list": "changes"})) == []

    def test_classes_with_their_amounts_per_currency(self, client: Client, entity: LegalEntity) -> None:
        new = CustomerFactory(legal_entity=entity)
        invoice(new, "100", TODAY + timedelta(days=5))
        invoice(new, "30", TODAY + timedelta(days=5), currency="USD")
        score_all()
        CustomerFactory(legal_entity=entity)
        classes = {row["label"]: row for row in client.get(OVERVIEW).context["classes"]}
        middle = classes["C · à suivre"]
        assert middle["count"] == 1
        assert [(part.currency, part.exposure_amount, part.overdue_amount) for part in middle["amounts"]] == [
            ("EUR", 100, 0),
            ("USD", 30, 0),
        ]
        assert classes["A · très bon payeur"]["count"] == 0
        assert classes["Pas encore de score"]["count"] == 1
        assert names(client.get(OVERVIEW + middle["url"])) == [new.name]

    def test_filters(self, client: Client, entity: LegalEntity) -> None:
        here = over(entity, name="Élan Béton")
        there = over(LegalEntityFactory(code="OUE"), name="Ouest Négoce", kind=Customer.Kind.PUBLIC_BODY)
        score_all()
        assert names(client.get(OVERVIEW, {"q": "elan bet"})) == [here.name]
        assert names(client.get(OVERVIEW, {"entity": "OUE"})) == [there.name]
        assert names(client.get(OVERVIEW, {"kind": "PUBLIC_BODY"})) == [there.name]
        assert names(client.get(OVERVIEW, {"risk_class": "A"})) == []
        current = Score.objects.get(customer=here).risk_class
        assert here.name in names(client.get(OVERVIEW, {"risk_class": current}))

    @pytest.mark.parametrize("listing", LISTS)
    def test_pages_follow_each_other(
        self, client: Client, entity: LegalEntity, monkeypatch, listing: str
    ) -> None:
        import risk.views.overview as page

        whole = page.keyset_page
        monkeypatch.setattr(page, "keyset_page", lambda rows, **options: whole(rows, **options, size=3))
        for place in range(8):
            customer = CustomerFactory(legal_entity=entity)
            invoice(customer, str(100 + place % 3), TODAY)
            if listing != "unlimited":
                limit(customer, "7")
            Score.objects.create(
                customer=customer, as_of=TODAY, points=60 + place % 2, risk_class="C", reasons=[], card_version=1,
                class_since=TODAY, previous_class="B", scored_at=NOW,
            )  # fmt: skip
        url, seen, pages = f"?list={listing}", [], 0
        while url and pages < 9:
            response = client.get(OVERVIEW + url)
            seen += names(response)
            url, pages = response.context["next_url"], pages + 1
        assert (len(seen), len(set(seen)), pages) == (8, 8, 3)
        first = client.get(OVERVIEW + response.context["previous_url"])
        assert names(first) == seen[3:6]

    @pytest.mark.parametrize("listing", LISTS)
    @pytest.mark.parametrize("is_stored", [False, True])
    def test_queries_do_not_grow_with_rows(
        self, make_user, entity, django_assert_max_num_queries, listing: str, is_stored: bool, sign_in
    ) -> None:
        client = sign_in(make_user(Role.CREDIT_MANAGER))

        def fill(count: int) -> None:
            for _n in range(count):
                customer = CustomerFactory(legal_entity=entity)
                invoice(customer, "1500", TODAY - timedelta(days=10))
                if listing != "unlimited":
                    limit(customer, "1000")
            score_all()
            Score.objects.update(previous_class="A", class_since=TODAY)
            if is_stored:
                store_ageing(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)

        def cost() -> tuple[int, int]:
            with django_assert_max_num_queries(40) as captured:
                rows = len(client.get(OVERVIEW, {"list": listing}).context["rows"])
            return rows, len(captured)

        fill(2)
        cost()
        few, queries_of_few = cost()
        fill(18)
        many, queries_of_many = cost()
        assert (few, many) == (2, 20)
        assert queries_of_few == queries_of_many

    def test_only_what_the_person_may_see(self, make_user, sign_in, entity: LegalEntity) -> None:
        owner = make_user(Role.CREDIT_MANAGER, email="a@example.test", sees=[entity], own_portfolio_only=True)
        mine, other = over(entity, portfolio_owner=owner), over(entity)
        elsewhere = over(LegalEntityFactory())
        score_all()
        client = sign_in(owner)
        for listing in ("over", "scores"):
            response = client.get(OVERVIEW, {"list": listing})
            assert names(response) == [mine.name]
            assert sum(row["count"] for row in response.context["classes"]) == 1
        whole = sign_in(make_user(Role.FINANCE_DIRECTOR, sees=[entity]))
        response = whole.get(OVERVIEW)
        assert set(names(response)) == {mine.name, other.name}
        assert "Revoir" not in body(response)
        assert elsewhere.name not in body(response)

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ({"list": "nothing"}, 200),
            ({"sort": "-password"}, 200),
            ({"cursor": "x" * 300}, 200),
            ({"risk_class": "Z"}, 400),
            ({"entity": "NOWHERE"}, 400),
            ({"owner": "9" * 30}, 400),
            ({"q": "%'\"; --"}, 200),
            ({"q": "x" * 500}, 400),
            ({"q": "\x00"}, 400),
        ],
    )
    def test_no_input_breaks_it(self, client: Client, entity: LegalEntity, query, status: int) -> None:
        over(entity)
        assert client.get(OVERVIEW, query).status_code == status


def test_strangers_sign_in_first(entity: LegalEntity) -> None:
    response = Client().get(OVERVIEW)
    assert response.status_code == 302
    assert "/connexion/" in response.url
