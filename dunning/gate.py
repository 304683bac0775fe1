"""The gate: the last look before a notice leaves. Pure; amounts in the notice's currency.

What was computed when the run was planned may be wrong by now: a payment came in, a dispute was opened. An
obstacle holds the notice for good (its step is given back, the next run proposes anew); a wait keeps it as it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

ZERO = Decimal(0)


class Obstacle(StrEnum):
    """Why a notice must not leave as it stands."""

    INSOLVENT = "INSOLVENT"
    ON_HOLD = "ON_HOLD"
    EXCEPTED = "EXCEPTED"
    BALANCE_CHANGED = "BALANCE_CHANGED"
    DISPUTED = "DISPUTED"
    PROMISED = "PROMISED"
    PLANNED = "PLANNED"
    FACTORED = "FACTORED"
    WITH_AGENCY = "WITH_AGENCY"
    NEW_CREDIT = "NEW_CREDIT"
    CONTACTED = "CONTACTED"
    DUE_DATE_PASSED = "DUE_DATE_PASSED"


class Wait(StrEnum):
    """Why a notice that may leave does not leave yet."""

    STOPPED = "STOPPED"
    UNMATCHED_RECEIPT = "UNMATCHED_RECEIPT"
    BANK_DATA = "BANK_DATA"
    CONTACT_UNDER_WAY = "CONTACT_UNDER_WAY"
    SENDING_HOURS = "SENDING_HOURS"


LABELS = {
    Obstacle.INSOLVENT: _("procédure collective ouverte"),
    Obstacle.ON_HOLD: _("relances suspendues pour ce client"),
    Obstacle.EXCEPTED: _("exception de relance décidée depuis la préparation"),
    Obstacle.BALANCE_CHANGED: _("le solde de la pièce a changé"),
    Obstacle.DISPUTED: _("part en litige changée depuis la préparation"),
    Obstacle.PROMISED: _("part promise changée depuis la préparation"),
    Obstacle.PLANNED: _("échéancier en cours"),
    Obstacle.FACTORED: _("créance cédée à un factor"),
    Obstacle.WITH_AGENCY: _("pièce remise en recouvrement"),
    Obstacle.NEW_CREDIT: _("règlement ou avoir non lettré reçu depuis la préparation"),
    Obstacle.CONTACTED: _("client contacté entre-temps par une autre campagne"),
    Obstacle.DUE_DATE_PASSED: _("échéance passée avant l’envoi de ce rappel"),
}
WAIT_LABELS = {
    Wait.STOPPED: _("relances arrêtées"),
    Wait.UNMATCHED_RECEIPT: _("un encaissement de ce client attend son lettrage"),
    Wait.BANK_DATA: _("relevés bancaires trop anciens"),
    Wait.CONTACT_UNDER_WAY: _("une autre relance part en ce moment vers ce client"),
    Wait.SENDING_HOURS: _("hors des jours et heures d’envoi du scénario"),
}
# When to look again at what has no appointed hour.
LOOK_AGAIN = {
    Wait.UNMATCHED_RECEIPT: timedelta(hours=1),
    Wait.BANK_DATA: timedelta(hours=1),
    Wait.CONTACT_UNDER_WAY: timedelta(minutes=10),
}


class Effect(StrEnum):
    """What a person's exception does, as `DunningException.Effect` names it."""

    HOLD = "HOLD"
    POLICY = "POLICY"
    REMINDERS_ONLY = "REMINDERS_ONLY"


@dataclass(frozen=True)
class ExceptionNow:
    """An exception in force, of the customer or of one item."""

    effect: str
    policy_code: str = ""

    def forbids(self, *, policy_code: str, is_formal: bool) -> bool:
        """Whether a step of that policy, formal (notice or hand-over) or not, goes against it."""
        return {
            Effect.HOLD: True,
            Effect.POLICY: self.policy_code != policy_code,
            Effect.REMINDERS_ONLY: is_formal,
        }[Effect(self.effect)]


def exceptions_of(
    of_item: Sequence[ExceptionNow], of_customer: Sequence[ExceptionNow]
) -> Sequence[ExceptionNow]:
    """Those that hold for an item: all of both, but that a policy named for it beats the one of its customer."""
    if any(exception.effect == Effect.POLICY for exception in of_item):
        of_customer = [exception for exception in of_customer if exception.effect != Effect.POLICY]
    return [*of_item, *of_customer]


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
    is_excepted: bool = False
    # A reminder before the due date, and that day is gone.
    is_too_late: bool = False


@dataclass(frozen=True)
class NoticeNow:
    """The customer as he stands, the credits that the notice deducts and those he has now (positive).

    `is_contacted`: another run wrote too recently. `bank_age` counts working days since the oldest of the accounts'
    last statements (None: an account has none), `bank_limit` the most allowed (None: not asked). `opens_at` is when
    the policy next lets a message of this channel leave (None: at any time).
    """

    is_insolvent: bool
    is_on_hold: bool
    frozen_credit: Decimal
    credit: Decimal
    lines: Sequence[LineNow]
    is_contacted: bool = False
    is_stopped: bool = False
    has_unmatched_receipt: bool = False
    contact_under_way: bool = False
    bank_limit: int | None = None
    bank_age: int | None = 0
    opens_at: datetime | None = None


@dataclass(frozen=True)
class Delay:
    """A notice waits: until when at the earliest (None: until somebody lifts what keeps it), and why."""

    until: datetime | None
    wait: Wait


def too_soon(contacted_on: date | None, gap_days: int, today: date) -> bool:
    """Whether a contact today would come less than `gap_days` after the last one."""
    return contacted_on is not None and contacted_on + timedelta(days=gap_days) > today


def obstacles(notice: NoticeNow) -> tuple[tuple[Obstacle, str], ...]:
    """Every obstacle with the item number it lies on (empty for the customer's own); none: it may leave."""
    found: list[tuple[Obstacle, str]] = []
    if notice.is_insolvent:
        found.append((Obstacle.INSOLVENT, ""))
    if notice.is_on_hold:
        found.append((Obstacle.ON_HOLD, ""))
    if notice.credit != notice.frozen_credit:
        found.append((Obstacle.NEW_CREDIT, ""))
    if notice.is_contacted:
        found.append((Obstacle.CONTACTED, ""))
    for line in notice.lines:
        checks = (
            (line.open_amount != line.frozen_amount, Obstacle.BALANCE_CHANGED),
            (line.disputed_amount != line.frozen_disputed, Obstacle.DISPUTED),
            (line.promised_amount != line.frozen_promised, Obstacle.PROMISED),
            (line.is_planned, Obstacle.PLANNED),
            (line.is_factored, Obstacle.FACTORED),
            (line.is_with_agency, Obstacle.WITH_AGENCY),
            (line.is_excepted, Obstacle.EXCEPTED),
            (line.is_too_late, Obstacle.DUE_DATE_PASSED),
        )
        found.extend((obstacle, line.number) for holds, obstacle in checks if holds)
    return tuple(found)


def delay(notice: NoticeNow, *, now: datetime) -> Delay | None:
    """What keeps a notice without obstacle from leaving at this instant; None: it leaves."""
    if notice.is_stopped:
        return Delay(None, Wait.STOPPED)
    stale = notice.bank_limit is not None and (notice.bank_age is None or notice.bank_age > notice.bank_limit)
    checks = (
        (notice.has_unmatched_receipt, Wait.UNMATCHED_RECEIPT),
        (stale, Wait.BANK_DATA),
        (notice.contact_under_way, Wait.CONTACT_UNDER_WAY),
    )
    wait = next((wait for holds, wait in checks if holds), None)
    if wait is not None:
        return Delay(now + LOOK_AGAIN[wait], wait)
    if notice.opens_at is not None and notice.opens_at > now:
        return Delay(notice.opens_at, Wait.SENDING_HOURS)
    return None


def working_days_between(start: date, end: date, is_working_day: Callable[[date], bool]) -> int:
    """Working days after `start`, up to and with `end`."""
    return sum(
        is_working_day(start + timedelta(days=count)) for count in range(1, max(0, (end - start).days) + 1)
    )


def explain(found: Sequence[tuple[Obstacle, str]]) -> str:
    """The obstacles in one sentence for people."""
    return " ; ".join(
        f"{LABELS[obstacle]} ({number})" if number else str(LABELS[obstacle]) for obstacle, number in found
    )
