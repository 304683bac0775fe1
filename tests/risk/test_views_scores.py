"""The pages of scores: points, accounts, ratings, objections, cards and simulations."""

import io
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from core.models import Role
from core.rights import SYSTEM
from risk.card_content import fingerprint
from risk.models import CardSimulation, ExternalRating, FinancialStatement, Score, ScoreCard, ScoreObjection
from risk.operations.card_trials import run_next_simulation
from risk.operations.score_cards import draft_card
from tests.customers.factories import CustomerFactory
from tests.pages import HOSTILE, counting, text_of
from tests.risk.alpha import CELLS
from tests.risk.factories import NOW, TODAY, invoice
from tests.risk.pages import body, score_all

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_day")]
LONG = "Société coopérative des boulangeries et pâtisseries d’Anjou"


@pytest.fixture
def customer(entity):
    return CustomerFactory(legal_entity=entity, name=LONG, siren="732829320")


def address(name: str, *args) -> str:
    return reverse(f"risk:{name}", args=args)


def form_of(**changes) -> dict[str, str]:
    given = {"period_end": "2025-12-31", "months": "12", "currency": "EUR", "unit": "1000",
             "basis": "INDIVIDUAL", "publicity": "DEPOSITED", "note": "Greffe"}  # fmt: skip
    return given | {code: str(value) for code, value in CELLS.items()} | changes


def test_accounts_entered_become_points(client: Client, customer) -> None:
    score_all()
    page = client.get(address("statement-create", customer.pk))
    assert "Capitaux propres, total I" in body(page)
    answer = client.post(address("statement-create", customer.pk), form_of(**{"n1-HN": "50", "n1-DL": "650"}))
    assert answer.url == address("score-detail", customer.pk)
    statement = FinancialStatement.objects.get()
    assert (statement.values["EE"], statement.previous["HN"]) == ("1800000.00", "50000.00")

    page = client.post(address("score-run", customer.pk), follow=True)

    text = text_of(page.content)
    assert "15,09, comptes clos le 31/12/2025" in text
    assert "15,0923" in text
    assert "−1,4589" in text  # Ohlson: the year before was given
    assert "les comptes ne donnent pas : valeur boursière" in text
    assert f"{Score.objects.current().get().points} points sur 100" in text


def test_a_sum_that_does_not_come_out_is_said_at_its_cell(client: Client, customer) -> None:
    page = client.post(address("statement-create", customer.pk), form_of(DL="750", CF="douze"))
    assert page.status_code == 422
    assert "CF" in page.context["form"].errors
    page = client.post(address("statement-create", customer.pk), form_of(DL="750"))
    assert page.status_code == 422
    assert "DL = DA + DB" in body(page)
    assert "écart de 50,00" in body(page)
    assert not FinancialStatement.objects.exists()


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_cells_are_no_error(client: Client, customer, value) -> None:
    page = client.post(
        address("statement-create", customer.pk) + f"?modele={'SIMPLIFIED'}",
        {
            "period_end": value,
            "months": value,
            "currency": value,
            "unit": value,
            "180": value,
            "n1-142": value,
        },
    )
    assert page.status_code == 422


def test_a_document_and_its_withdrawal(client: Client, customer) -> None:
    client.post(address("statement-create", customer.pk), form_of())
    statement = FinancialStatement.objects.get()
    page = client.get(address("statement-detail", statement.pk))
    assert "1 800 000,00" in body(page)
    client.post(address("statement-withdraw", statement.pk), {"reason": ""})
    statement.refresh_from_db()
    assert statement.is_current
    client.post(address("statement-withdraw", statement.pk), {"reason": "Autre société"})
    statement.refresh_from_db()
    assert not statement.is_current
    assert "il ne compte plus" in body(client.get(address("statement-detail", statement.pk)))


def test_a_rating_entered_refused_and_withdrawn(client: Client, customer) -> None:
    given = {"scale": "BDF_2022", "value": "9", "rated_on": "2026-11-01"}
    page = client.post(address("rating-create", customer.pk), given)
    assert page.status_code == 422
    assert "1+ … P" in body(page)
    client.post(address("rating-create", customer.pk), given | {"value": "5-"})
    rating = ExternalRating.objects.get()
    page = client.get(address("score-detail", customer.pk))
    assert "Banque de France" in text_of(page.content, "score-ratings")
    client.post(address("rating-withdraw", rating.pk), {"reason": "Périmée"})
    rating.refresh_from_db()
    assert rating.withdrawn_on == TODAY


def test_a_person_is_told_and_contests(client: Client, entity) -> None:
    trader = CustomerFactory(legal_entity=entity, kind="SOLE_TRADER", name="Émile Rivet")
    invoice(trader, "900", TODAY - timedelta(days=80))
    score_all()
    page = client.get(address("score-detail", trader.pk))
    assert "Le score ne décide jamais seul" in body(page)
    page = client.get(address("score-information", trader.pk))
    assert "articles 15, 16, 21 et 22" in body(page)
    assert "Plus ancien impayé" in body(page)
    client.post(
        address("objection-record", trader.pk),
        {
            "kind": "REVIEW",
            "contested_on": "2026-11-20",
            "contested_by": "M. Rivet",
            "grounds": "Erreur d’adresse",
        },
    )
    objection = ScoreObjection.objects.get()
    page = client.post(address("objection-review", objection.pk), {"answer": "MAINTAINED", "outcome": ""})
    assert page.status_code == 422
    client.post(
        address("objection-review", objection.pk), {"answer": "CORRECTED", "outcome": "Adresse corrigée."}
    )
    page = client.get(address("score-detail", trader.pk))
    assert "Adresse corrigée." in text_of(page.content, "score-objections")


def test_a_file_is_taken_or_told(client: Client, customer) -> None:
    head = "siren;clôture;unité;EE;DL;FL\n"

    def drop(text: str):
        file = SimpleUploadedFile("liasse.csv", text.encode())
        return client.post(address("outside-file"), {"file": file})

    page = drop(head + "732829320;2025-12-31;k€;mille;700;3000\n")
    assert page.status_code == 422
    assert "rien n’a été enregistré" in body(page)
    page = drop("rien;du;tout\n1;2;3\n")
    assert page.status_code == 422
    assert "L’en-tête ne dit pas" in body(page)
    page = drop(head + "732829320;2025-12-31;k€;1800;700;3000\n552100554;2025-12-31;k€;1;1;1\n")
    assert page.status_code == 200
    assert "552100554" in body(page)
    assert FinancialStatement.objects.get().file is not None


def test_outside_the_scope_there_is_no_page(make_user, sign_in, customer) -> None:
    stranger = sign_in(make_user(Role.CREDIT_MANAGER, sees=[CustomerFactory().legal_entity]))
    for name in (
        "score-detail",
        "statement-create",
        "rating-create",
        "objection-record",
        "score-information",
    ):
        assert stranger.get(address(name, customer.pk)).status_code == 404


def editor_data(page) -> dict[str, str]:
    form = page.context["form"]
    return {name: str(form[name].value() if form[name].value() is not None else "") for name in form.fields}


def test_a_card_is_edited_simulated_and_put_in_force_by_another(client, make_user, sign_in, customer) -> None:
    for days in (90, 60):
        invoice(customer, "9000", TODAY - timedelta(days=days))
    score_all()
    assert "Version" in body(client.get(address("card-list")))
    answer = client.post(address("card-list"), {"from_version": "2", "name": "Grille 2027"})
    assert answer.url == address("card-version", 3)
    page = client.get(answer.url)
    data = editor_data(page)
    assert (data["best-ON_TIME"], data["weight-DAYS_LATE"], data["sector-F"]) == ("95", "12", "")
    page = client.post(answer.url, data | {"weight-DAYS_LATE": "13", "best-TREND": "vite"})
    assert page.status_code == 422
    assert "Les poids font 101 points" in body(page)
    assert "Un nombre est attendu" in body(page)
    changes = {"bound-A": "4", "bound-B": "3", "bound-C": "2", "bound-D": "1", "sector-F": "40"}
    assert client.post(answer.url, data | changes).status_code == 302
    card = ScoreCard.objects.get(version=3)
    assert card.content["sectors"] == {"F": 40}

    client.post(address("card-simulate", 3))
    simulation = CardSimulation.objects.get()
    assert "Simulation en cours" in body(client.get(address("card-simulation", simulation.pk)))
    run_next_simulation(actor=SYSTEM, now=NOW)
    page = client.get(address("card-simulation", simulation.pk))
    assert LONG in body(page)
    for query in ("?de=E&vers=A", "?de=Z&vers=9", "?de=E"):
        assert client.get(address("card-simulation", simulation.pk) + query).status_code == 200

    assert "à une autre personne" in body(client.get(address("card-version", 3)))
    client.post(address("card-activate", 3), {"note": "seul"})
    card.refresh_from_db()
    assert card.status == "DRAFT"
    sign_in(make_user(Role.FINANCE_DIRECTOR)).post(address("card-activate", 3), {"note": "Comité du 23"})
    card.refresh_from_db()
    assert (card.status, fingerprint(card.content)) == (
        "ACTIVE",
        simulation.fingerprint or fingerprint(card.content),
    )


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_cards_are_no_error(client: Client, value, make_user) -> None:
    card = draft_card(actor=make_user(Role.ADMINISTRATOR), from_version=2, name="Essai", now=NOW)
    page = client.get(address("card-version", card.version))
    names = (
        "weight-TREND",
        "best-TREND",
        "worst-ON_TIME",
        "bound-B",
        "cap-STRUCK_OFF",
        "sector-A",
        "legal_months",
    )
    for name in names:
        answer = client.post(address("card-version", card.version), editor_data(page) | {name: value})
        assert answer.status_code in (302, 422)
        page = client.get(address("card-version", card.version))
    assert client.post(address("card-list"), {"from_version": value, "name": value}).status_code in (302, 422)


def test_before_any_draft_the_shipped_cards_are_read(client: Client) -> None:
    assert "Conan-Holder" in body(client.get(address("card-version", 2)))
    assert "Conan-Holder" not in body(client.get(address("card-version", 1)))
    assert client.get(address("card-version", 3)).status_code == 404


def test_the_page_asks_as_much_for_one_year_as_for_four(client: Client, customer) -> None:
    counts = []
    for years in (("2025",), ("2024", "2023", "2022")):
        for year in years:
            client.post(address("statement-create", customer.pk), form_of(period_end=f"{year}-12-31"))
        client.get(address("score-detail", customer.pk))
        with counting() as asked:
            client.get(address("score-detail", customer.pk))
        counts.append(asked())
    assert counts[0] == counts[1]


def test_a_file_too_large_is_refused(client: Client, monkeypatch) -> None:
    monkeypatch.setattr("risk.views.statement_files.MAX_BYTES", 10)
    file = io.BytesIO(b"x" * 11)
    file.name = "gros.csv"
    assert "10 Mo" in body(client.post(address("outside-file"), {"file": file}))
