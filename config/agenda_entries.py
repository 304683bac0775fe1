"""What an entry of the agenda is, and how its rows are counted and its amounts written."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum

from core.templatetags.format import amount

# Beyond this, « 1 000 et plus » says enough.
MOST_COUNTED = 1000


@dataclass(frozen=True)
class Entry:
    """One thing to do: how many, why, where. `tone` ranks it: blocked, late, watch, info."""

    key: str
    count: int
    title: str
    reason: str
    url: str
    action: str
    tone: str
    amounts: str = ""


def bounded(rows: "QuerySet[Any]") -> int:
    """How many, never more than MOST_COUNTED."""
    return rows.order_by()[:MOST_COUNTED].count()


def sums(rows: "QuerySet[Any]", field: str, count: int) -> str:
    """The total per currency, written; currencies are never added. Nothing past what is counted."""
    if count >= MOST_COUNTED:
        return ""
    totals = rows.order_by().values("currency").annotate(total=Sum(field)).values_list("currency", "total")
    return written({currency: abs(total) for currency, total in totals})


def written(sums: dict[str, Decimal]) -> str:
    """Sums per currency, the largest first."""
    ordered = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))
    return " + ".join(amount(total, currency) for currency, total in ordered)
