"""Accounts, ratings and objections: what is taken in, what is refused, and what the score makes of it."""

import io
import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D

import pytest

from core.errors import NotAllowed, WrongState
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from customers.models import Customer
from risk.financials import latest
from risk.models import ExternalRating, FinancialStatement, Score, ScoreObjection, UnpaidFormalNotice
from risk.operations.financial_statements import (
    StatementEntry,
    StatementRefused,
    enter_statement,
    withdraw_statement,
)
from risk.operations.objections import ObjectionRefused, record_objection, review_objection
from risk.operations.outside_files import take_outside_file
from risk.operations.ratings import ExternalRatingRefused, enter_rating, withdraw_rating
from risk.operations.scoring import score_customers
from risk.readers.process import read_outside_file
from tests.customers.factories import CustomerFactory
from tests.risk.alpha import cells
from tests.risk.factories import NOW, TODAY

pytestmark = pytest.mark.django_db
CLOSE = date(2025, 12, 31)
ALPHA = StatementEntry("NORMAL", CLOSE, cells(), unit=1000)
SIREN = "732829320"


@pytest.fixture
def customer():
    return CustomerFactory(siren=SIREN, naf_code="4669B")


def enter(customer, entry=ALPHA, **values) -> FinancialStatement:
    given = {"actor": SYSTEM, "today": TODAY, "now": NOW} | values
    return enter_statement(customer=customer, entry=entry, **given)


def rate(customer, scale="AGENCY_20", value="12", rated_on=TODAY, **values) -> ExternalRating:
    given = {"actor": SYSTEM, "today": TODAY, "now": NOW} | values
    return enter_rating(customer=customer, scale=scale, value=value, rated_on=rated_on, **given)


def scored(customer) -> Score:
    score_customers(actor=SYSTEM, as_of=TODAY, now=NOW)
    return Score.objects.current().get(customer=customer)


def row_of(score, criterion) -> dict:
    return next(row for row in score.reasons if row["criterion"] == criterion)


def test_a_return_in_thousands_is_kept_in_euros_with_its_totals(customer) -> None:
    statement = enter(customer)
    assert (statement.siren, statement.values["FL"], statement.values["EE"]) == (
        SIREN,
        "3000000.00",
        "1800000.00",
    )
    found = latest([customer], TODAY)[customer.pk]
    assert (found.equity, found.turnover, found.supplier_debt) == (700_000, 3_000_000, 380_000)
    assert (found.working_capital, found.net_result, found.is_fresh) == (300_000, 70_000, True)
    assert AuditEvent.objects.get(verb="risk.statement.entered").refs == [
        f"financialstatement:{statement.pk}",
        f"customer:{customer.pk}",
    ]


def test_the_accounts_of_a_siren_count_for_each_of_its_accounts(customer) -> None:
    other, stranger = CustomerFactory(siren=SIREN), CustomerFactory()
    enter(customer)
    assert set(latest([customer, other, stranger], TODAY)) == {customer.pk, other.pk}


def test_a_turnover_is_brought_to_twelve_months(customer) -> None:
    enter(customer, replace(ALPHA, months=18))
    assert latest([customer], TODAY)[customer.pk].turnover == 2_000_000


def test_the_same_year_again_replaces_and_keeps(customer) -> None:
    first = enter(customer)
    assert enter(customer) == first
    second = enter(customer, replace(ALPHA, values=cells(BX=600, DX=480)))
    first.refresh_from_db()
    assert (first.is_current, second.is_current) == (False, True)
    # A turnover published alone does not replace a whole return.
    with pytest.raises(StatementRefused, match="plus complets"):
        enter(customer, StatementEntry("KEY_FIGURES", CLOSE, {"turnover": D(1)}, source="DGFIP"))


@pytest.mark.parametrize(
    ("entry", "field", "cell"),
    [
        (replace(ALPHA, period_end=TODAY + timedelta(days=1)), "period_end", None),
        (replace(ALPHA, period_end=date(1970, 12, 31)), "period_end", None),
        (replace(ALPHA, months=30), "months", None),
        (replace(ALPHA, unit=7), "unit", None),
        (replace(ALPHA, currency="euros"), "currency", None),
        (replace(ALPHA, values={}), None, None),
        (replace(ALPHA, values={"HP": D(1)}), None, None),
        (replace(ALPHA, values=cells() | {"ZZ": D(1)}), None, "ZZ"),
        (replace(ALPHA, values=cells() | {"EE": D(1700)}), None, "EE"),
        (replace(ALPHA, values=cells() | {"DL": D(750)}), None, "DL"),
        (replace(ALPHA, values=cells() | {"BJ": D("1e15")}), None, "BJ"),
        (replace(ALPHA, previous={"EE": D(5), "DL": D(9)}), None, "n1-EE"),
    ],
)
def test_what_does_not_hold_is_refused_at_its_place(customer, entry, field, cell) -> None:
    with pytest.raises(StatementRefused) as caught:
        enter(customer, entry)
    assert caught.value.field == field
    assert cell is None or cell in caught.value.faults
    assert not FinancialStatement.objects.exists()


def test_a_consumer_keeps_no_accounts() -> None:
    with pytest.raises(StatementRefused):
        enter(CustomerFactory(kind=Customer.Kind.CONSUMER))


def test_outside_the_scope_nothing_is_entered(customer, make_user) -> None:
    stranger = make_user(Role.ACCOUNTANT, sees=[CustomerFactory().legal_entity])
    with pytest.raises(StatementRefused):
        enter(customer, actor=stranger)
    with pytest.raises(ExternalRatingRefused):
        rate(customer, actor=stranger)
    with pytest.raises(NotAllowed):
        enter(customer, actor=make_user(Role.FINANCE_DIRECTOR))
    assert not FinancialStatement.objects.exists()


def test_the_score_takes_accounts_in_and_lets_them_go(customer) -> None:
    alone = scored(customer)
    assert row_of(alone, "CONAN_HOLDER")["why"] == "NO_ACCOUNTS"
    statement = enter(customer)
    found = row_of(scored(customer), "CONAN_HOLDER")
    assert (found["value"], found["on"], found["source"]) == ("15.09", "2025-12-31", "FORM")
    withdraw_statement(actor=SYSTEM, statement_id=statement.pk, reason="Mauvaise société", now=NOW)
    assert Score.objects.current().get().pk
    assert scored(customer).points == alone.points
    with pytest.raises(StatementRefused):
        withdraw_statement(actor=SYSTEM, statement_id=statement.pk, reason="Encore", now=NOW)


def test_negative_equity_and_an_unpaid_formal_notice_cap_the_score(customer) -> None:
    enter(customer, replace(ALPHA, values=cells(DH=-1100, DU=1610)))
    assert row_of(scored(customer), "NEGATIVE_EQUITY")["value"] == "49"
    UnpaidFormalNotice.objects.create(customer=customer, sent_on=TODAY - timedelta(days=30), told_at=NOW)
    assert scored(customer).points <= 39


@pytest.mark.parametrize(
    ("scale", "value", "rated_on", "position"),
    [
        ("BDF_2022", "1+", TODAY, "1.0000"),
        ("BDF_2022", "8", TODAY, "0.0500"),
        ("BDF_2022", "p", TODAY, "0.0000"),
        ("BDF_2022", "0", TODAY, None),
        ("BDF_2004", "3++", date(2021, 6, 1), "1.0000"),
        ("ALLIANZ_GRADE", "1", TODAY, "1.0000"),
        ("ALLIANZ_GRADE", "10", TODAY, "0.0000"),
        ("COFACE_DRA", "10", TODAY, "1.0000"),
        ("COFACE_DRA", "0", TODAY, "0.0000"),
        ("ATRADIUS_BUYER", "1", TODAY, "1.0000"),
        ("AFDCC_20", "12,5", TODAY, "0.6250"),
    ],
)
def test_a_rating_stands_on_its_scale(customer, scale, value, rated_on, position) -> None:
    found = rate(customer, scale, value, rated_on)
    assert found.position == (None if position is None else D(position))
    assert found.is_insolvent == (value == "p")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"scale": "MOON"}, "scale"),
        ({"scale": "BDF_2022", "value": "9"}, "value"),
        ({"scale": "BDF_2022", "value": "3", "rated_on": date(2021, 1, 1)}, "rated_on"),
        ({"scale": "BDF_2004", "value": "3"}, "rated_on"),
        ({"value": "21"}, "value"),
        ({"value": "NaN"}, "value"),
        ({"rated_on": TODAY + timedelta(days=1)}, "rated_on"),
        ({"valid_until": TODAY - timedelta(days=1)}, "valid_until"),
    ],
)
def test_a_rating_that_is_none_is_refused(customer, values, field) -> None:
    with pytest.raises(ExternalRatingRefused) as caught:
        rate(customer, **values)
    assert caught.value.field == field
    assert not ExternalRating.objects.exists()


def test_a_rating_of_the_same_day_replaces_and_one_is_withdrawn(customer) -> None:
    first = rate(customer)
    assert rate(customer) == first
    second = rate(customer, value="9")
    first.refresh_from_db()
    assert first.withdrawn_on == TODAY
    assert row_of(scored(customer), "EXTERNAL_RATING")["source"] == "AGENCY_20=9"
    withdraw_rating(actor=SYSTEM, rating_id=second.pk, reason="Erreur", today=TODAY, now=NOW)
    assert row_of(scored(customer), "EXTERNAL_RATING")["why"] == "NO_RATING"


def objection(customer, **values) -> ScoreObjection:
    given = {
        "actor": SYSTEM,
        "kind": "OBJECTION",
        "contested_on": TODAY,
        "contested_by": "Mme Rivet",
        "grounds": "Facture d’un autre",
        "today": TODAY,
        "now": NOW,
    }
    return record_objection(customer=customer, **(given | values))


def test_an_objection_is_answered_by_a_person_once(customer, make_user) -> None:
    score = scored(customer)
    found = objection(customer)
    assert (found.points, found.risk_class, found.score) == (score.points, score.risk_class, score)
    manager = make_user(Role.CREDIT_MANAGER)
    answer = {
        "objection_id": found.pk,
        "answer": "SET_ASIDE",
        "outcome": "La facture est écartée.",
        "now": NOW,
    }
    with pytest.raises(ObjectionRefused, match="une personne"):
        review_objection(actor=SYSTEM, **answer)
    with pytest.raises(ObjectionRefused):
        review_objection(actor=manager, **(answer | {"outcome": "  "}))
    reviewed = review_objection(actor=manager, **answer)
    assert (reviewed.status, reviewed.reviewed_by, reviewed.reviewed_at) == ("SET_ASIDE", manager, NOW)
    with pytest.raises(WrongState):
        review_objection(actor=manager, **(answer | {"answer": "CORRECTED"}))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"grounds": " "}, "grounds"),
        ({"contested_by": ""}, "contested_by"),
        ({"contested_on": TODAY + timedelta(days=1)}, "contested_on"),
        ({"kind": "RANT"}, "kind"),
    ],
)
def test_an_objection_without_substance_is_refused(customer, values, field) -> None:
    with pytest.raises(ObjectionRefused) as caught:
        objection(customer, **values)
    assert caught.value.field == field
    assert not ScoreObjection.objects.exists()


def test_one_open_objection_at_a_time(customer) -> None:
    objection(customer)
    with pytest.raises(ObjectionRefused):
        objection(customer)


HEAD = "siren;clôture;unité;EE;DL;FL;HN\n"


def taken(text, actor=SYSTEM, **values):
    rows = read_outside_file(io.BytesIO(text.encode() if isinstance(text, str) else text))
    return take_outside_file(actor=actor, rows=rows, today=TODAY, now=NOW, **values)


def test_a_table_of_accounts_is_taken_in_whole(customer) -> None:
    outcome = taken(f"{HEAD}{SIREN};31/12/2025;k€;1 800;700;3 000;70\n552100554;2025-12-31;k€;1;1;1;1\n")
    assert (outcome.statements, outcome.strangers, outcome.problems) == (1, ["552100554"], [])
    assert FinancialStatement.objects.get().values["EE"] == "1800000.00"


def test_one_bad_row_and_nothing_is_taken(customer) -> None:
    outcome = taken(
        f"{HEAD}{SIREN};31/12/2025;k€;1800;700;3000;70\n{SIREN};31/12/2024;k€;mille;7;1;1\n12;;;;;;\n"
    )
    assert outcome.statements == 0
    assert [problem.number for problem in outcome.problems] == [3, 4]
    assert "mille" in outcome.problems[0].messages[0]
    assert not FinancialStatement.objects.exists()


def test_a_table_of_ratings(customer) -> None:
    outcome = taken(f"client;échelle;note;date\n{customer.account_code};ALLIANZ_GRADE;4;01/10/2026\n")
    assert (outcome.ratings, outcome.problems) == (1, [])
    assert ExternalRating.objects.get().source == "CSV"


def test_a_published_turnover_that_contradicts_itself_is_refused(customer) -> None:
    row = {"siren": SIREN, "date_cloture_exercice": "2025-12-31", "chiffre_d_affaires": 100_000_000, "ebe": 90_000,
           "marge_ebe": 9.0, "type_bilan": "C", "confidentiality": "Public"}  # fmt: skip
    outcome = taken(json.dumps([row]))
    assert "0.090" in outcome.problems[0].messages[0]
    outcome = taken(json.dumps([row | {"chiffre_d_affaires": 1_000_000}]))
    assert (outcome.statements, outcome.problems) == (1, [])
    assert FinancialStatement.objects.get().publicity == "DEPOSITED"


def test_a_balance_sheet_of_the_banque_de_france_says_what_it_lacks(customer) -> None:
    year = {"annee": "2025", "date_arrete_exercice": "2025-12", "declarations": [
        {"numero_imprime": "2051", "donnees": [{"code": "EE", "valeurs": ["1800000"]}, {"code": "DL", "valeurs": ["700000"]}]},
        {"numero_imprime": "2052", "donnees": [{"code": "FL", "valeurs": ["3000000"]}]},
    ], "valeurs_calculees": [{"excedent_brut_exploitation": {"valeur": "180000"}}]}  # fmt: skip
    rows = read_outside_file(io.BytesIO(json.dumps({"data": [{"data": year}]}).encode()), siren=SIREN)
    assert take_outside_file(actor=SYSTEM, rows=rows, today=TODAY, now=NOW).statements == 1
    score = scored(customer)
    assert row_of(score, "EQUITY_RATIO")["value"] == "0.389"
    assert row_of(score, "LIQUIDITY")["why"].startswith("MISSING:")
