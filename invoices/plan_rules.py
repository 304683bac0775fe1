"""Échéanciers: the instalments proposed, whether those written hold together, and what receipts pay of them. Pure.

Amounts are in the plan's currency. Law: an amicable plan leaves late-payment interest running unless the creditor
waives it (C. com. L441-10 II; C. civ. 1343-5 suspends it for a plan granted by a court only).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from core.calendar import add_months
from core.money import split_money

ZERO = Decimal("0.00")
MOST_INSTALMENTS = 60
MOST_MONTHS = 60


@dataclass(frozen=True)
class Part:
    """One instalment: what is due on its day."""

    due_date: date
    amount: Decimal


@dataclass(frozen=True)
class Fault:
    """Why instalments do not hold together: a code, the row at fault (0 for the first) or None for the whole."""

    code: str
    row: int | None = None


def equal_instalments(total: Decimal, count: int, first: date) -> list[Part]:
    """`count` equal monthly instalments from `first` on; the odd cents go to the earliest.

    A month without that day takes its last one, and the next months the day of the first again (CPC 641 al. 2).
    Raises ValueError for less than one instalment, or more of them than cents.
    """
    if count < 1 or total < Decimal(count).scaleb(-2):
        raise ValueError("an instalment is at least one cent")
    return [
        Part(add_months(first, index), amount) for index, amount in enumerate(split_money(total, [1] * count))
    ]


def faults(parts: Sequence[Part], total: Decimal, today: date) -> list[Fault]:
    """Every reason why the instalments are not a plan of `total` made on `today`; none: they are."""
    found: list[Fault] = []
    if not parts:
        return [Fault("none")]
    if len(parts) > MOST_INSTALMENTS:
        found.append(Fault("too_many"))
    latest = add_months(today, MOST_MONTHS)
    for row, part in enumerate(parts):
        if part.amount <= ZERO:
            found.append(Fault("amount", row))
        if part.due_date < today:
            found.append(Fault("past", row))
        elif part.due_date > latest:
            found.append(Fault("too_far", row))
        if row and part.due_date <= parts[row - 1].due_date:
            found.append(Fault("order", row))
    if sum((part.amount for part in parts), ZERO) != total:
        found.append(Fault("sum"))
    return found


def paid_of_instalments(amounts: Sequence[Decimal], received: Decimal) -> list[Decimal]:
    """What each instalment has got of the money received, the oldest first; what is over stays aside."""
    paid, left = [], max(received, ZERO)
    for amount in amounts:
        part = min(amount, left)
        paid.append(part)
        left -= part
    return paid


def default_day(due_date: date, grace_days: int) -> date:
    """The first day on which an instalment that is not paid in full puts the plan in default."""
    return due_date + timedelta(days=grace_days + 1)
