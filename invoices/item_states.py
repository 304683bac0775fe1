"""In which state an item is shown: its words and its tone. Pure."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from django.utils.translation import gettext as _


class ItemState(StrEnum):
    SETTLED = "settled"
    UNMATCHED = "unmatched"
    DISPUTED = "disputed"
    OVERDUE = "overdue"
    OPEN = "open"


@dataclass(frozen=True)
class Shown:
    """A state with its words and its tone."""

    state: ItemState
    label: str
    tone: str


def state_of(*, open_amount: Decimal, disputed_amount: Decimal, due_date: date, as_of: date) -> ItemState:
    """The state that matters most; the due day itself is not late."""
    if open_amount == 0:
        return ItemState.SETTLED
    if open_amount < 0:
        return ItemState.UNMATCHED
    if disputed_amount:
        return ItemState.DISPUTED
    return ItemState.OVERDUE if due_date < as_of else ItemState.OPEN


def shown(state: ItemState) -> Shown:
    """The state in words."""
    words = {
        ItemState.SETTLED: (_("Soldée"), "neutral"),
        ItemState.UNMATCHED: (_("À lettrer"), "info"),
        ItemState.DISPUTED: (_("En litige"), "watch"),
        ItemState.OVERDUE: (_("En retard"), "late"),
        ItemState.OPEN: (_("Non échue"), "ok"),
    }
    label, tone = words[state]
    return Shown(state, label, tone)


def days_late(open_amount: Decimal, due_date: date, as_of: date) -> int | None:
    """Days since the due date, negative before it; None for what is not owed."""
    return (as_of - due_date).days if open_amount > 0 else None
