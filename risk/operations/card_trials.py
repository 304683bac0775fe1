"""Trying a card on the whole portfolio: on request before it is put in force, and each night beside the one in force."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.jobs import kick
from core.operation import operation
from core.rights import Actor
from customers.models import Customer
from risk.card_content import FaultyCard, fingerprint
from risk.cards import card_in_force, read_card
from risk.models import CardSimulation, ScoreCard
from risk.operations.score_staging import Staged, stage

# Who moves is kept for a while; how many, for good.
KEPT_DAYS = 60


class SimulationRefused(BusinessError):
    """The card cannot be tried."""

    code = "simulation_refused"


@operation("risk.manage_cards")
def request_simulation(*, actor: Actor, card_id: int, as_of: date, now: datetime) -> CardSimulation:
    """Ask for a card to be tried on the portfolio as of a day, against the one in force. Asked twice: once.

    Raises SimulationRefused: unknown card, a retired one, a draft with faults.
    """
    card = ScoreCard.objects.select_for_update().filter(pk=card_id).first()
    if card is None or card.status == ScoreCard.Status.RETIRED:
        raise SimulationRefused(_("Cette grille ne se simule pas : elle est retirée ou n’existe plus."))
    try:
        read_card(card)
    except FaultyCard:
        raise SimulationRefused(_("Corrigez d’abord les erreurs de cette grille, puis simulez-la.")) from None
    waiting = CardSimulation.objects.filter(card=card, status=CardSimulation.Status.REQUESTED).first()
    if waiting is not None and waiting.fingerprint == fingerprint(card.content):
        return waiting
    if waiting is not None:
        waiting.status, waiting.error = CardSimulation.Status.FAILED, _("La grille a changé entre-temps.")
        waiting.finished_at = now
        waiting.save(update_fields=["status", "error", "finished_at"])
    simulation = CardSimulation.objects.create(
        card=card,
        kind=CardSimulation.Kind.ON_REQUEST,
        as_of=as_of,
        fingerprint=fingerprint(card.content),
        requested_by_id=actor.pk,
        requested_at=now,
    )
    audit.record(
        actor=actor,
        verb="risk.card.simulation_requested",
        refs=[card, simulation],
        now=now,
        name=str(card),
        as_of=as_of.isoformat(),
    )
    kick("risk.tasks.run_card_simulations")
    return simulation


@operation("risk.score")
def run_next_simulation(*, actor: Actor, now: datetime) -> CardSimulation | None:
    """Run the oldest simulation that waits; None when none does. Whoever runs it holds its row."""
    simulation = (
        CardSimulation.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(status=CardSimulation.Status.REQUESTED)
        .select_related("card")
        .order_by("pk")
        .first()
    )
    if simulation is None:
        return None
    card = simulation.card
    simulation.finished_at = now
    if fingerprint(card.content) != simulation.fingerprint or card.status == ScoreCard.Status.RETIRED:
        simulation.status = CardSimulation.Status.FAILED
        simulation.error = _("La grille a changé entre-temps : demandez une nouvelle simulation.")
        simulation.save(update_fields=["status", "error", "finished_at"])
        return simulation
    champion = card_in_force()
    ids = list(Customer.objects.order_by("pk").values_list("pk", flat=True))
    with connection.cursor() as cursor:
        staged = stage(cursor, ids, simulation.as_of, champion, read_card(card))
        _fill(simulation, champion.version, staged)
        simulation.status = CardSimulation.Status.DONE
        simulation.save()
        _write_moves(cursor, simulation)
    return simulation


def record_nightly(
    cursor: CursorWrapper, card: ScoreCard, against_version: int, staged: Staged, as_of: date, now: datetime
) -> None:
    """Keep what the night's scoring found of the card on trial; once a night. Part of `score_customers`."""
    CardSimulation.objects.filter(card=card, as_of=as_of, kind=CardSimulation.Kind.NIGHTLY).delete()
    simulation = CardSimulation(
        card=card,
        kind=CardSimulation.Kind.NIGHTLY,
        status=CardSimulation.Status.DONE,
        as_of=as_of,
        fingerprint=fingerprint(card.content),
        requested_at=now,
        finished_at=now,
    )
    _fill(simulation, against_version, staged)
    simulation.save(force_insert=True)
    _write_moves(cursor, simulation)
    cursor.execute(
        """
        DELETE FROM risk_simulatedmove move USING risk_cardsimulation simulation
        WHERE simulation.id = move.simulation_id AND simulation.kind = 'NIGHTLY' AND simulation.as_of < %s
        """,
        [as_of - timedelta(days=KEPT_DAYS)],
    )


def _fill(simulation: CardSimulation, against_version: int, staged: Staged) -> None:
    matrix: dict[str, dict[str, Any]] = {old: dict(row) for old, row in sorted(staged.matrix.items())}
    simulation.against_version = against_version
    simulation.customers, simulation.moved = staged.count, staged.moved
    simulation.matrix, simulation.facts = matrix, staged.facts()


def _write_moves(cursor: CursorWrapper, simulation: CardSimulation) -> None:
    cursor.execute(
        """
        INSERT INTO risk_simulatedmove (simulation_id, customer_id, old_points, old_class, new_points, new_class,
                                        reasons)
        SELECT %s, customer_id, old_points, old_class, new_points, new_class, reasons
        FROM tried ORDER BY customer_id
        """,
        [simulation.pk],
    )
