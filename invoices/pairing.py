"""Which credit settles which debit, when several of each are settled in one act. Pure.

Both sides are laid end to end, each in its order, and cut where either ends. The same in SQL is a join of two
cumulated sums, so that what is posted in bulk and what one person posts give the same rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Side:
    """An item and how much of it takes part; `amount` is positive."""

    key: int
    amount: Decimal


@dataclass(frozen=True)
class Pair:
    debit: int
    credit: int
    amount: Decimal


def pair(debits: Iterable[Side], credits: Iterable[Side]) -> list[Pair]:
    """The pairs, in the order of the sides. What one side has more than the other stays unpaired."""
    pairs: list[Pair] = []
    waiting = [side for side in credits if side.amount > 0]
    place, used = 0, Decimal(0)
    for debit in debits:
        left = debit.amount
        while left > 0 and place < len(waiting):
            credit = waiting[place]
            amount = min(left, credit.amount - used)
            pairs.append(Pair(debit.key, credit.key, amount))
            left, used = left - amount, used + amount
            if used == credit.amount:
                place, used = place + 1, Decimal(0)
    return pairs
