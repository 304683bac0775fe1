"""What the ledger's tests share: reading every row that an operation could touch, and the truth of an item."""

from datetime import date
from decimal import Decimal

from django.db.models import Q, Sum

from core.models import AuditEvent
from invoices.models import Allocation, Dispute, OpenItem, Promise


def ledger_rows() -> dict[str, list[tuple[object, ...]]]:
    """Every row of the ledger and of the audit: equal before and after an operation that refused."""
    return {
        model.__name__: list(model.objects.order_by("pk").values_list())
        for model in (OpenItem, Allocation, Dispute, Promise, AuditEvent)
    }


def open_on(item: OpenItem, day: date) -> Decimal:
    """The item's open amount as of a day, computed again from its allocations."""
    taken = Allocation.objects.filter(
        Q(debit=item) | Q(credit=item),
        Q(reversed_on__isnull=True) | Q(reversed_on__gt=day),
        allocated_on__lte=day,
    ).aggregate(total=Sum("amount", default=Decimal(0)))["total"]
    return item.total_amount - taken if item.total_amount >= 0 else item.total_amount + taken


def assert_truth(item: OpenItem, days: list[date]) -> None:
    """Stored = computed again today; between zero and the total on every day."""
    item.refresh_from_db()
    assert item.open_amount == open_on(item, days[-1])
    for day in days:
        low, high = sorted((Decimal(0), item.total_amount))
        assert low <= open_on(item, day) <= high, (item.number, day)
