"""Which step comes next for a customer's overdue items, or why none does. Pure; the run does the same in SQL.

A customer gets at most one notice per currency and run. Each item climbs its own ladder, one rank at a time,
so that neither an outage nor a late import skips a step; the highest rank reached leads the notice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)


class Reason(StrEnum):
    """Why an item is left alone; the order is the one in which they are told."""

    INSOLVENT = "INSOLVENT"
    ON_HOLD = "ON_HOLD"
    NO_POLICY = "NO_POLICY"
    RATE_MISSING = "RATE_MISSING"
    FACTORED = "FACTORED"
    WITH_AGENCY = "WITH_AGENCY"
    PLANNED = "PLANNED"
    DISPUTED = "DISPUTED"
    PROMISED = "PROMISED"
    UNALLOCATED_CASH = "UNALLOCATED_CASH"
    PENDING = "PENDING"
    SEQUENCE_DONE = "SEQUENCE_DONE"
    WAITING = "WAITING"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    OTHER_STEP_FIRST = "OTHER_STEP_FIRST"


@dataclass(frozen=True)
class LevelRule:
    """One level: days after the due date, and after the proven sending of the item's previous step."""

    rank: int
    delay_days: int
    gap_days: int
    is_hand_over: bool = False


@dataclass(frozen=True)
class Account:
    """A customer in one currency. `credit_amount` is his unallocated cash and credit notes, positive.

    `rates_from` is the first day whose legal rate is known: what fell due before cannot be claimed lawfully.
    """

    is_insolvent: bool = False
    is_on_hold: bool = False
    credit_amount: Decimal = ZERO
    minimum_amount: Decimal = ZERO
    levels: Sequence[LevelRule] | None = None
    rates_from: date = date.min


@dataclass(frozen=True)
class OverdueItem:
    """An overdue item and its last step in force: `last_rank` 0 when it was never reminded.

    Of `open_amount`, the part in dispute and then the part promised for a day to come are left alone.
    """

    item_id: int
    due_date: date
    open_amount: Decimal
    is_factored: bool = False
    is_with_agency: bool = False
    disputed_amount: Decimal = ZERO
    promised_amount: Decimal = ZERO
    is_planned: bool = False
    last_rank: int = 0
    last_sent_on: date | None = None

    @property
    def parts(self) -> "Parts":
        return parts_of(self.open_amount, self.disputed_amount, self.promised_amount)


@dataclass(frozen=True)
class Parts:
    """An item's balance, told apart: chaseable + disputed + promised = open."""

    chaseable: Decimal
    disputed: Decimal
    promised: Decimal


def parts_of(open_amount: Decimal, disputed: Decimal, promised: Decimal) -> Parts:
    """What may be asked of an item on which `disputed` is contested and `promised` is still to come.

    Never more is left out than is open: the contested part first, then the promised one.
    """
    disputed = min(disputed, open_amount)
    promised = min(promised, open_amount - disputed)
    return Parts(open_amount - disputed - promised, disputed, promised)


@dataclass(frozen=True)
class Selection:
    """The notice to write (its leading rank and each item's own rank), and what is left out and why."""

    lead_rank: int | None
    ranks: Mapping[int, int]
    excluded: Mapping[int, Reason]


def next_date(item: OverdueItem, level: LevelRule) -> date:
    """The day from which the item may take the level."""
    from_due = item.due_date + timedelta(days=level.delay_days)
    if item.last_sent_on is None:
        return from_due
    return max(from_due, item.last_sent_on + timedelta(days=level.gap_days))


def select(account: Account, items: Sequence[OverdueItem], as_of: date) -> Selection:
    """Choose the step of one account as of a day."""
    levels = {level.rank: level for level in account.levels or ()}
    excluded: dict[int, Reason] = {}
    ranks: dict[int, int] = {}
    for item in items:
        reason = _exclusion(account, levels, item, as_of)
        if reason is None:
            ranks[item.item_id] = item.last_rank + 1
        else:
            excluded[item.item_id] = reason
    if not ranks:
        return Selection(None, {}, excluded)

    eligible = sum((item.parts.chaseable for item in items if item.item_id in ranks), ZERO)
    if eligible - account.credit_amount < account.minimum_amount:
        return Selection(None, {}, excluded | dict.fromkeys(ranks, Reason.BELOW_MINIMUM))

    lead = max(ranks.values())
    if levels[lead].is_hand_over:
        # An agency gets only what went through every step before.
        excluded |= {item: Reason.OTHER_STEP_FIRST for item, rank in ranks.items() if rank != lead}
        ranks = {item: rank for item, rank in ranks.items() if rank == lead}
    return Selection(lead, ranks, excluded)


def _exclusion(
    account: Account, levels: Mapping[int, LevelRule], item: OverdueItem, as_of: date
) -> Reason | None:
    level = levels.get(item.last_rank + 1)
    parts = item.parts
    checks = (
        (account.is_insolvent, Reason.INSOLVENT),
        (account.is_on_hold, Reason.ON_HOLD),
        (account.levels is None, Reason.NO_POLICY),
        (item.due_date < account.rates_from, Reason.RATE_MISSING),
        (item.is_factored, Reason.FACTORED),
        (item.is_with_agency, Reason.WITH_AGENCY),
        (item.is_planned, Reason.PLANNED),
        (parts.disputed == item.open_amount, Reason.DISPUTED),
        (parts.chaseable == ZERO, Reason.PROMISED),
        (parts.chaseable <= account.credit_amount, Reason.UNALLOCATED_CASH),
        (item.last_rank > 0 and item.last_sent_on is None, Reason.PENDING),
        (level is None, Reason.SEQUENCE_DONE),
        (level is not None and next_date(item, level) > as_of, Reason.WAITING),
    )
    return next((reason for holds, reason in checks if holds), None)
