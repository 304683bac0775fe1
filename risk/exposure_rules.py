"""Exposure against a limit: what is used of it, and what is left."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

# Nearly there: worth a look before the next order.
WATCH_SHARE = Decimal("0.90")


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


def use_of(exposure: Decimal, limit: Decimal | None) -> Use:
    """Exposure 110 000 against a limit of 100 000 is a use of 110 % and a headroom of −10 000.

    Both in the same currency. Exactly at the limit is not over it. A negative exposure uses nothing.
    """
    if limit is None:
        return Use(None, None, False, "neutral")
    used = max(exposure, Decimal(0))
    share = None if limit == 0 else (used / limit).quantize(Decimal("0.001"), rounding=ROUND_HALF_UP)
    is_over = used > limit
    is_near = limit > 0 and used >= limit * WATCH_SHARE
    return Use(share, limit - exposure, is_over, "late" if is_over else "watch" if is_near else "ok")
