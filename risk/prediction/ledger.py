"""What a prediction may look at: items as columns of numbers, days as ordinals."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.int64]
Numbers = NDArray[np.float64]
# The day on which an item still open will have been settled: after every moment.
OPEN = 4_000_000


@dataclass(frozen=True)
class Ledger:
    """Items in columns of one length, in any order.

    `customer` and `segment` are codes from zero (segment -1: unknown). `settled` is the day of the payment that
    closed the item, OPEN while it is not; `known` the day on which the books knew it (never before `settled`):
    history is read by `known`, so that a payment matched a week later does not help the night before.
    `amount` weighs items against each other only: statistics, no money.
    """

    customer: Days
    segment: Days
    issued: Days
    due: Days
    settled: Days
    known: Days
    amount: Numbers

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, column.name)) for column in fields(self)}
        if len(lengths) != 1:
            raise ValueError("columns of different lengths")

    def __len__(self) -> int:
        return len(self.customer)

    def take(self, rows: NDArray[Any]) -> "Ledger":
        """The rows of that mask or of these positions."""
        return Ledger(**{column.name: getattr(self, column.name)[rows] for column in fields(self)})


def ledger(
    *,
    customer: Any,
    issued: Any,
    due: Any,
    settled: Any,
    amount: Any,
    known: Any = None,
    segment: Any = None,
) -> Ledger:
    """A ledger of plain sequences; without `known`, a payment is known on its day."""
    paid = np.asarray(settled, dtype=np.int64)
    size = len(paid)
    return Ledger(
        customer=np.asarray(customer, dtype=np.int64),
        segment=np.full(size, -1, np.int64) if segment is None else np.asarray(segment, dtype=np.int64),
        issued=np.asarray(issued, dtype=np.int64),
        due=np.asarray(due, dtype=np.int64),
        settled=paid,
        known=paid.copy() if known is None else np.maximum(np.asarray(known, dtype=np.int64), paid),
        amount=np.asarray(amount, dtype=np.float64),
    )


def joined(parts: list[Ledger]) -> Ledger:
    """One ledger out of several."""
    return Ledger(
        **{
            column.name: np.concatenate([getattr(part, column.name) for part in parts])
            for column in fields(Ledger)
        }
    )
