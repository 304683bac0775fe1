"""A customer with accounts, a rating, an objection and a score card in draft, for the routes of scores."""

from datetime import date, datetime
from typing import Any

from core.rights import SYSTEM
from customers.models import Customer
from risk.operations.card_trials import request_simulation
from risk.operations.financial_statements import StatementEntry, enter_statement
from risk.operations.objections import record_objection
from risk.operations.ratings import enter_rating
from risk.operations.score_cards import draft_card
from tests.risk.alpha import cells

SCORE_ROUTES: dict[str, dict[str, str]] = {
    **{
        f"risk:{name}": {"pk": "customer"}
        for name in (
            "score-detail",
            "score-run",
            "score-information",
            "objection-record",
            "statement-create",
            "rating-create",
        )
    },
    "risk:objection-review": {"pk": "objection"},
    "risk:statement-detail": {"pk": "statement"},
    "risk:statement-withdraw": {"pk": "statement"},
    "risk:rating-withdraw": {"pk": "rating"},
    **{
        f"risk:card-{name}": {"version": "card_version"}
        for name in ("version", "simulate", "challenge", "activate", "retire")
    },
    "risk:card-simulation": {"pk": "card_simulation"},
}


def score_world(customer: Customer, today: date, now: datetime) -> dict[str, Any]:
    entry = StatementEntry("NORMAL", date(today.year - 1, 12, 31), cells(), unit=1000)
    statement = enter_statement(actor=SYSTEM, customer=customer, entry=entry, today=today, now=now)
    rating = enter_rating(
        actor=SYSTEM, customer=customer, scale="AGENCY_20", value="12", rated_on=today, today=today, now=now
    )
    objection = record_objection(
        actor=SYSTEM,
        customer=customer,
        kind="OBJECTION",
        contested_on=today,
        contested_by="Le gérant",
        grounds="Une facture n’est pas à nous.",
        today=today,
        now=now,
    )
    card = draft_card(actor=SYSTEM, from_version=2, name="Essai", now=now)
    return {
        "statement": statement.pk,
        "rating": rating.pk,
        "objection": objection.pk,
        "card_version": card.version,
        "card_simulation": request_simulation(actor=SYSTEM, card_id=card.pk, as_of=today, now=now).pk,
    }
