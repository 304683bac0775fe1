"""What the customer's page shows of the watch: proceedings, strike-off, the latest announcements."""

from datetime import date
from typing import Any

from core.models import User
from core.rights import has_permission
from customers.models import Customer
from risk.insolvency_rules import days_left
from risk.models import EventOutcome, InsolvencyProceeding
from risk.watch import events_of_customer, struck_off
from risk.watch_words import KIND_TONES, PROCEEDING_TONES

SHOWN = 5


def panel(customer: Customer, user: User, today: date) -> dict[str, Any] | None:
    """The panel of one account; None when nothing was ever published of its company."""
    events = events_of_customer(customer, SHOWN)
    found = list(InsolvencyProceeding.objects.filter(customer=customer).order_by("-judgment_date", "-pk")[:3])
    if not events and not found:
        return None
    waiting = EventOutcome.objects.filter(customer=customer, status=EventOutcome.Status.TO_REVIEW)
    return {
        "events": [{"event": event, "tone": KIND_TONES.get(event.kind, "info")} for event in events],
        "proceedings": [
            {
                "proceeding": row,
                "tone": PROCEEDING_TONES[InsolvencyProceeding.Status(row.status)],
                "left": days_left(row.declare_by, today) if row.status in ("OPEN", "PLAN") else None,
            }
            for row in found
        ],
        "struck_off": struck_off([customer]).get(customer.pk),
        "waiting": waiting.count() if has_permission(user, "risk.watch") else 0,
    }
