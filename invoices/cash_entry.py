"""From what a person ticked to what is applied: the money, what is missing or too much, and what becomes of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal("0.00")


class Fate(StrEnum):
    """What becomes of the gap between the money and the ticked items. The last five are reasons of differences."""

    ON_ACCOUNT = "ON_ACCOUNT"
    ON_LINE = "ON_LINE"
    PARTIAL = "PARTIAL"
    SMALL_DIFFERENCE = "SMALL_DIFFERENCE"
    BANK_CHARGES = "BANK_CHARGES"
    DISCOUNT = "DISCOUNT"
    EXCHANGE = "EXCHANGE"
    LOSS = "LOSS"


TOO_MUCH = (Fate.ON_ACCOUNT, Fate.ON_LINE, Fate.SMALL_DIFFERENCE)
TOO_LITTLE = (Fate.PARTIAL, Fate.SMALL_DIFFERENCE, Fate.BANK_CHARGES, Fate.DISCOUNT, Fate.EXCHANGE)


@dataclass(frozen=True)
class Ticked:
    """An item that was ticked; `amount` is what is settled of it, signed as the item."""

    key: int
    amount: Decimal
    due_date: date


@dataclass(frozen=True)
class Entry:
    """What an act is asked to do. `gap`: the money less the ticked sum, positive when money is left."""

    money: Decimal
    ticked: Decimal
    gap: Decimal
    fate: Fate | None
    parts: Mapping[int, Decimal] = field(default_factory=dict)
    difference: tuple[int, Decimal, str] | None = None
    on_account: Decimal = ZERO

    @property
    def left_on_line(self) -> Decimal:
        return self.gap if self.gap > 0 and self.fate is Fate.ON_LINE else ZERO


def entry(money: Decimal, ticks: list[Ticked], fate: str = "") -> Entry:
    """Read the ticks against the money. A fate that the gap does not allow is replaced by the usual one."""
    total = sum((tick.amount for tick in ticks), ZERO)
    gap = money - total
    parts = {tick.key: tick.amount for tick in ticks}
    if gap == 0:
        return Entry(money, total, gap, None, parts)
    allowed = TOO_MUCH if gap > 0 else TOO_LITTLE
    chosen = Fate(fate) if fate in {str(one) for one in allowed} else allowed[0]
    if chosen is Fate.ON_ACCOUNT:
        return Entry(money, total, gap, chosen, parts, on_account=gap)
    if chosen is Fate.ON_LINE:
        return Entry(money, total, gap, chosen, parts)
    if chosen is Fate.PARTIAL:
        return Entry(money, total, gap, chosen, _less(ticks, -gap))
    bearer = max(
        (tick for tick in ticks if tick.amount > 0), key=lambda tick: (tick.amount, -tick.key), default=None
    )
    if bearer is None:
        return Entry(money, total, gap, chosen, parts)
    return Entry(money, total, gap, chosen, parts, difference=(bearer.key, -gap, str(chosen)))


def _less(ticks: list[Ticked], missing: Decimal) -> dict[int, Decimal]:
    """The parts with `missing` taken off the debits, the latest due first."""
    parts = {tick.key: tick.amount for tick in ticks}
    for tick in sorted(ticks, key=lambda tick: (tick.due_date, tick.key), reverse=True):
        if tick.amount > 0 and missing > 0:
            taken = min(tick.amount, missing)
            parts[tick.key] -= taken
            missing -= taken
    return {key: amount for key, amount in parts.items() if amount != 0}
