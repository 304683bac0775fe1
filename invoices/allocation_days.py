"""From which day on an item is free for an allocation: balances must hold on every day, past ones too."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from django.db.models import Q

from invoices.models import Allocation, OpenItem


def earliest_days(asked: Mapping[int, Decimal], items: Mapping[int, OpenItem], day: date) -> dict[int, date]:
    """From which day on, `day` or later, each item can bear so much more on that and every later day.

    Allocations reversed since then took the item until their reversal: the new one follows them.
    """
    days = {key: max(day, items[key].issue_date) for key in asked}
    if not days:
        return days
    ids = list(days)
    taken: dict[int, list[tuple[date, date | None, Decimal]]] = defaultdict(list)
    first = min(days.values())
    later = Q(reversed_on__gt=first)
    held = (Q(debit__in=ids) | Q(credit__in=ids)) & (later | Q(reversed_on__isnull=True))
    if Allocation.objects.filter(Q(debit__in=ids) | Q(credit__in=ids), later).exists():
        for debit, credit, start, end, amount in Allocation.objects.filter(held).values_list(
            "debit_id", "credit_id", "allocated_on", "reversed_on", "amount"
        ):
            taken[debit].append((start, end, amount))
            taken[credit].append((start, end, amount))
    for key, earliest in days.items():
        periods = taken.get(key, [])
        ends = sorted({end for _start, end, _amount in periods if end is not None and end > earliest})
        for candidate in (earliest, *ends):
            if _fits(periods, candidate, asked[key], abs(items[key].total_amount)):
                days[key] = candidate
                break
    return days


def _fits(
    periods: Sequence[tuple[date, date | None, Decimal]], day: date, amount: Decimal, total: Decimal
) -> bool:
    for moment in {day, *(start for start, _end, _amount in periods if start > day)}:
        in_force = sum(
            (part for start, end, part in periods if start <= moment and (end is None or moment < end)),
            Decimal(0),
        )
        if in_force + amount > total:
            return False
    return True
