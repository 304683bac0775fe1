"""Exposure (encours): what counts in it, what is used of a limit, and what is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

# Nearly there: worth a look before the next order.
WATCH_SHARE = Decimal("0.90")
ZERO = Decimal(0)


@dataclass(frozen=True)
class Counting:
    """Which parts an entity counts in the exposure of its customers."""

    open_items: bool = True
    deliveries: bool = True
    orders: bool = True
    credit_notes: bool = True
    receipts: bool = True

    @property
    def leaves_out_ledger(self) -> bool:
        """Whether the balance of the ledger is not what counts of it."""
        return not (self.open_items and self.credit_notes and self.receipts)


EVERYTHING = Counting()


@dataclass(frozen=True)
class Components:
    """What a customer owes, or will, in one currency. All parts are positive; `amount` may be negative.

    90 000 of invoices + 10 000 delivered and not billed + 15 000 of orders − 5 000 of credits = 110 000.
    `orders_amount` is what is neither delivered nor billed yet of the orders; `late_amount` what is overdue beyond
    the entity's days of grace.
    """

    currency: str
    debits_amount: Decimal = ZERO
    credit_notes_amount: Decimal = ZERO
    receipts_amount: Decimal = ZERO
    overdue_amount: Decimal = ZERO
    deliveries_amount: Decimal = ZERO
    orders_amount: Decimal = ZERO
    oldest_due_date: date | None = None
    late_amount: Decimal = ZERO
    counting: Counting = EVERYTHING

    @property
    def amount(self) -> Decimal:
        """Open items + unbilled deliveries + orders − credit notes − unallocated receipts, as the entity counts."""
        counting = self.counting
        parts = (
            (counting.open_items, self.debits_amount),
            (counting.deliveries, self.deliveries_amount),
            (counting.orders, self.orders_amount),
            (counting.credit_notes, -self.credit_notes_amount),
            (counting.receipts, -self.receipts_amount),
        )
        return sum((amount for counts, amount in parts if counts), ZERO)

    @property
    def leaves_out(self) -> bool:
        """Whether the entity leaves out a part that this customer has."""
        return self.amount != self.ledger_amount + self.deliveries_amount + self.orders_amount

    @property
    def unsettled_late_amount(self) -> Decimal:
        """What is late beyond grace, less the credits and receipts that may settle it once they are matched."""
        return max(self.late_amount - self.credit_notes_amount - self.receipts_amount, ZERO)

    @property
    def ledger_amount(self) -> Decimal:
        """What is owed already, whatever counts."""
        return self.debits_amount - self.credit_notes_amount - self.receipts_amount


@dataclass(frozen=True)
class Use:
    """`share` is a ratio (1.10 is 110 %), None when there is no limit or a limit of zero; `headroom` may be negative."""

    share: Decimal | None
    headroom: Decimal | None
    is_over: bool
    tone: str

    @property
    def excess(self) -> Decimal | None:
        """What is used beyond the limit; negative below it."""
        return None if self.headroom is None else -self.headroom

    @property
    def gauge_tone(self) -> str:
        """The gauge's colour; a quiet one as long as there is room."""
        return self.tone if self.tone in ("watch", "late") else ""


def use_of(exposure: Decimal, limit: Decimal | None, watch_share: Decimal = WATCH_SHARE) -> Use:
    """Exposure 110 000 against a limit of 100 000 is a use of 110 % and a headroom of −10 000.

    Both in the same currency. Exactly at the limit is not over it. A negative exposure uses nothing.
    """
    if limit is None:
        return Use(None, None, False, "neutral")
    used = max(exposure, ZERO)
    share = None if limit == 0 else (used / limit).quantize(Decimal("0.001"), rounding=ROUND_HALF_UP)
    is_over = used > limit
    is_near = limit > 0 and used >= limit * watch_share
    return Use(share, limit - exposure, is_over, "late" if is_over else "watch" if is_near else "ok")


def reached(exposure: Decimal, limit: Decimal, percents: Sequence[int]) -> int | None:
    """The highest threshold, in % of the limit, that the exposure has reached; None below the lowest.

    A limit of zero is used up, at every threshold, by anything owed. At 100 and above, exactly the limit is not yet
    beyond it: the threshold is reached above.
    """
    if exposure <= 0:
        return None
    over = [
        percent
        for percent in percents
        if (exposure * 100 > limit * percent if percent >= 100 else exposure * 100 >= limit * percent)
    ]
    return max(over, default=None)
