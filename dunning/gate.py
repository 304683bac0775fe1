"""The gate: the last look before a notice leaves. Pure; amounts in the notice's currency.

What was computed when the run was planned may be wrong by now: a payment came in, a dispute was opened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

ZERO = Decimal(0)


class Obstacle(StrEnum):
    """Why a notice must not leave as it stands."""

    INSOLVENT = "INSOLVENT"
    ON_HOLD = "ON_HOLD"
    BALANCE_CHANGED = "BALANCE_CHANGED"
    DISPUTED = "DISPUTED"
    PROMISED = "PROMISED"
    PLANNED = "PLANNED"
    FACTORED = "FACTORED"
    WITH_AGENCY = "WITH_AGENCY"
    NEW_CREDIT = "NEW_CREDIT"


LABELS = {
    Obstacle.INSOLVENT: _("procédure collective ouverte"),
    Obstacle.ON_HOLD: _("relances suspendues pour ce client"),
    Obstacle.BALANCE_CHANGED: _("le solde de la pièce a changé"),
    Obstacle.DISPUTED: _("part en litige changée depuis la préparation"),
    Obstacle.PROMISED: _("part promise changée depuis la préparation"),
    Obstacle.PLANNED: _("échéancier en cours"),
    Obstacle.FACTORED: _("créance cédée à un factor"),
    Obstacle.WITH_AGENCY: _("pièce remise en recouvrement"),
    Obstacle.NEW_CREDIT: _("règlement ou avoir non lettré reçu depuis la préparation"),
}


@dataclass(frozen=True)
class LineNow:
    """A line as frozen and its item as it stands. `frozen_amount` is the whole balance, with the parts left out."""

    number: str
    frozen_amount: Decimal
    open_amount: Decimal
    frozen_disputed: Decimal = ZERO
    disputed_amount: Decimal = ZERO
    frozen_promised: Decimal = ZERO
    promised_amount: Decimal = ZERO
    is_planned: bool = False
    is_factored: bool = False
    is_with_agency: bool = False


@dataclass(frozen=True)
class NoticeNow:
    """The customer as he stands, the credits that the notice deducts and those he has now (positive)."""

    is_insolvent: bool
    is_on_hold: bool
    frozen_credit: Decimal
    credit: Decimal
    lines: Sequence[LineNow]


def obstacles(notice: NoticeNow) -> tuple[tuple[Obstacle, str], ...]:
    """Every obstacle with the item number it lies on (empty for the customer's own); none: it may leave."""
    found: list[tuple[Obstacle, str]] = []
    if notice.is_insolvent:
        found.append((Obstacle.INSOLVENT, ""))
    if notice.is_on_hold:
        found.append((Obstacle.ON_HOLD, ""))
    if notice.credit != notice.frozen_credit:
        found.append((Obstacle.NEW_CREDIT, ""))
    for line in notice.lines:
        checks = (
            (line.open_amount != line.frozen_amount, Obstacle.BALANCE_CHANGED),
            (line.disputed_amount != line.frozen_disputed, Obstacle.DISPUTED),
            (line.promised_amount != line.frozen_promised, Obstacle.PROMISED),
            (line.is_planned, Obstacle.PLANNED),
            (line.is_factored, Obstacle.FACTORED),
            (line.is_with_agency, Obstacle.WITH_AGENCY),
        )
        found.extend((obstacle, line.number) for holds, obstacle in checks if holds)
    return tuple(found)


def explain(found: Sequence[tuple[Obstacle, str]]) -> str:
    """The obstacles in one sentence for people."""
    return " ; ".join(
        f"{LABELS[obstacle]} ({number})" if number else str(LABELS[obstacle]) for obstacle, number in found
    )
