"""Score cards: drafted, tried on the portfolio, put in force by a second person, compared each night."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import InternalError

from core.errors import NotAllowed, WrongState
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from risk.card_content import content_of, fingerprint
from risk.cards import card_in_force, card_of_version
from risk.default_cards import CARD_1, CARD_2
from risk.models import CardSimulation, Score, ScoreCard, SimulatedMove
from risk.operations.card_trials import SimulationRefused, request_simulation, run_next_simulation
from risk.operations.score_cards import (
    CardRefused,
    activate_card,
    challenge_with,
    draft_card,
    retire_card,
    save_card,
)
from risk.operations.scoring import score_customers
from tests.customers.factories import CustomerFactory
from tests.risk.factories import NOW, TODAY, invoice, paid_late

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(make_user):
    return make_user(Role.CREDIT_MANAGER)


@pytest.fixture
def director(make_user):
    return make_user(Role.FINANCE_DIRECTOR)


def drafted(actor, from_version=2) -> ScoreCard:
    return draft_card(actor=actor, from_version=from_version, name="Grille 2027", now=NOW)


def lenient() -> dict:
    """A card for which nearly everybody is in class A."""
    return content_of(CARD_2) | {"bounds": {"A": 4, "B": 3, "C": 2, "D": 1, "E": 0}}


def save(actor, card, content, seen="") -> ScoreCard:
    return save_card(
        actor=actor, card_id=card.pk, seen=seen or fingerprint(card.content), name=card.name, note="Plus souple",
        content=content, now=NOW,
    )  # fmt: skip


def simulated(actor, card) -> CardSimulation:
    request_simulation(actor=actor, card_id=card.pk, as_of=TODAY, now=NOW)
    found = run_next_simulation(actor=SYSTEM, now=NOW)
    assert found is not None
    return found


def state() -> list:
    return list(ScoreCard.objects.order_by("pk").values("version", "status", "content", "name"))


def test_the_first_draft_writes_down_the_cards_that_were_shipped(manager) -> None:
    assert card_in_force() == CARD_2
    card = drafted(manager)
    assert [(row["version"], row["status"]) for row in state()] == [
        (1, "RETIRED"),
        (2, "ACTIVE"),
        (3, "DRAFT"),
    ]
    assert card.content == content_of(CARD_2)
    assert (card_in_force(), card_of_version(1), card_of_version(9)) == (CARD_2, CARD_1, None)


def test_from_a_draft_to_a_card_in_force(manager, director) -> None:
    customer = CustomerFactory()
    for days in (90, 60):
        invoice(customer, "9000", TODAY - timedelta(days=days))
    score_customers(actor=SYSTEM, as_of=TODAY, now=NOW)
    before = Score.objects.get()
    card = save(manager, drafted(manager), lenient())
    simulation = simulated(manager, card)

    activate_card(actor=director, card_id=card.pk, note="Vu en comité", now=NOW)

    assert (simulation.customers, simulation.moved, simulation.facts["better"]) == (1, 1, 1)
    assert simulation.matrix == {before.risk_class: {"A": 1}}
    move = SimulatedMove.objects.get()
    assert (move.old_points, move.old_class, move.new_class) == (before.points, before.risk_class, "A")
    card.refresh_from_db()
    assert (card.status, card.activated_by, card.note) == ("ACTIVE", director, "Vu en comité")
    assert ScoreCard.objects.get(version=2).status == "RETIRED"
    # The scores follow from the next scoring on.
    assert Score.objects.get().card_version == 2
    score_customers(actor=SYSTEM, as_of=TODAY, now=NOW)
    after = Score.objects.get()
    assert (after.card_version, after.risk_class, after.points) == (3, "A", before.points)
    event = AuditEvent.objects.get(verb="risk.card.activated")
    assert (event.actor, event.data["replaces"]) == (director, 2)


def test_version_1_put_back_in_force_gives_its_scores_again(manager, director) -> None:
    customer = CustomerFactory()
    for days in (300, 200, 100, 50, 20):
        paid_late(customer, "1000", 3, TODAY - timedelta(days=days))
    card = drafted(manager, from_version=1)
    simulated(manager, card)
    activate_card(actor=director, card_id=card.pk, note="", now=NOW)
    score_customers(actor=SYSTEM, as_of=TODAY, now=NOW)
    assert [reason["maximum"] for reason in Score.objects.get().reasons] == [30, 20, 10, 15, 10, 5, 4, 3, 3]


def test_whoever_changed_a_card_last_does_not_put_it_in_force(manager, make_user) -> None:
    other = make_user(Role.CREDIT_MANAGER, email="autre@example.test")
    card = save(manager, drafted(other), lenient())
    simulated(manager, card)
    before = state()
    with pytest.raises(CardRefused, match="une autre personne"):
        activate_card(actor=manager, card_id=card.pk, note="", now=NOW)
    assert state() == before
    assert activate_card(actor=other, card_id=card.pk, note="", now=NOW).status == "ACTIVE"


def test_the_database_refuses_it_too(manager) -> None:
    card = drafted(manager)
    with pytest.raises(IntegrityError), transaction.atomic():
        ScoreCard.objects.filter(pk=card.pk).update(activated_by=manager)


def test_nothing_is_put_in_force_unseen(manager, director) -> None:
    card = drafted(manager)
    with pytest.raises(CardRefused, match="Simulez"):
        activate_card(actor=director, card_id=card.pk, note="", now=NOW)
    simulated(manager, card)
    # Another content than the one that was simulated.
    save(manager, card, lenient())
    with pytest.raises(CardRefused, match="Simulez"):
        activate_card(actor=director, card_id=card.pk, note="", now=NOW)
    assert ScoreCard.objects.get(version=2).status == "ACTIVE"


def test_faults_are_all_said_and_nothing_is_saved(manager) -> None:
    card = drafted(manager)
    content = lenient()
    content["criteria"][0]["weight"] = 90
    content["caps"] = {"INSOLVENCY": 10}
    before = state()
    with pytest.raises(CardRefused) as caught:
        save(manager, card, content)
    assert {fault.place for fault in caught.value.faults} == {"total", "cap-INSOLVENCY"}
    assert state() == before


def test_a_draft_changed_by_somebody_else_is_not_overwritten(manager) -> None:
    card = drafted(manager)
    seen = fingerprint(card.content)
    save(manager, card, lenient())
    with pytest.raises(CardRefused, match="entre-temps"):
        save(manager, card, content_of(CARD_1), seen=seen)


def test_what_was_in_force_is_frozen(manager) -> None:
    drafted(manager)
    card = ScoreCard.objects.get(version=2)
    with pytest.raises((WrongState, CardRefused)):
        save(manager, card, lenient())
    with pytest.raises(InternalError), transaction.atomic():
        ScoreCard.objects.filter(pk=card.pk).update(content={})
    with pytest.raises(CardRefused, match="ne se retire pas"):
        retire_card(actor=manager, card_id=card.pk, now=NOW)


def test_a_retired_card_is_not_tried(manager) -> None:
    card = drafted(manager)
    retire_card(actor=manager, card_id=card.pk, now=NOW)
    with pytest.raises(SimulationRefused):
        request_simulation(actor=manager, card_id=card.pk, as_of=TODAY, now=NOW)
    with pytest.raises(WrongState):
        challenge_with(actor=manager, card_id=card.pk, now=NOW)


def test_the_night_compares_the_card_on_trial(manager) -> None:
    customer = CustomerFactory()
    for days in (90, 60):
        invoice(customer, "9000", TODAY - timedelta(days=days))
    challenge_with(actor=manager, card_id=save(manager, drafted(manager), lenient()).pk, now=NOW)
    for _twice in range(2):
        score_customers(actor=SYSTEM, as_of=TODAY, now=NOW)
    night = CardSimulation.objects.get()
    assert (night.kind, night.status, night.against_version, night.moved) == ("NIGHTLY", "DONE", 2, 1)
    assert Score.objects.get().card_version == 2
    assert SimulatedMove.objects.get().new_class == "A"
    # A second card on trial takes its place.
    challenge_with(actor=manager, card_id=drafted(manager).pk, now=NOW)
    assert list(ScoreCard.objects.filter(status="RETIRED").values_list("version", flat=True)) == [3, 1]


def test_a_simulation_of_a_card_changed_since_says_so(manager) -> None:
    card = drafted(manager)
    asked = request_simulation(actor=manager, card_id=card.pk, as_of=TODAY, now=NOW)
    assert request_simulation(actor=manager, card_id=card.pk, as_of=TODAY, now=NOW) == asked
    save(manager, card, lenient())
    run_next_simulation(actor=SYSTEM, now=NOW)
    asked.refresh_from_db()
    assert (asked.status, bool(asked.error)) == ("FAILED", True)
    assert run_next_simulation(actor=SYSTEM, now=NOW) is None


@pytest.mark.parametrize("role", [Role.ACCOUNTANT, Role.API_PARTNER])
def test_others_touch_no_card(role, manager, make_user) -> None:
    card, before = drafted(manager), state()
    user = make_user(role)
    for call in (
        lambda: drafted(user),
        lambda: challenge_with(actor=user, card_id=card.pk, now=NOW),
        lambda: activate_card(actor=user, card_id=card.pk, note="", now=NOW),
        lambda: request_simulation(actor=user, card_id=card.pk, as_of=TODAY, now=NOW),
    ):
        with pytest.raises(NotAllowed):
            call()
    assert state() == before
