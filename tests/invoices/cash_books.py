"""The truths of cash application, checked row by row in Python."""

from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Sum

from invoices.models import Adjustment, BankLine, CashApplication, MatchProposal, OpenItem, Receipt
from tests.invoices.ledger import assert_truth, ledger_rows

ZERO = Decimal("0.00")


def cash_rows() -> dict[str, list[tuple[object, ...]]]:
    """Every row that an act of matching could touch."""
    models = (BankLine, Receipt, CashApplication, Adjustment, MatchProposal)
    rows = {model.__name__: list(model.objects.order_by("pk").values_list()) for model in models}
    return rows | ledger_rows()


def assert_books(today: date, since: date = date(2026, 2, 1)) -> None:
    """Balances hold on every day; what a line carries is what its receipts in force say; debits equal credits."""
    days = [since + timedelta(days=n) for n in range((today - since).days + 1)]
    for item in OpenItem.objects.order_by("pk"):
        assert_truth(item, days)
    for line in BankLine.objects.order_by("pk"):
        carried = line.receipts.filter(counter_item__isnull=True).aggregate(total=Sum("amount", default=ZERO))
        assert line.applied_amount == carried["total"], line.pk
        assert (line.status == BankLine.Status.APPLIED) == (line.applied_amount == abs(line.amount))
    for application in CashApplication.objects.filter(reversed_on__isnull=False):
        assert not application.allocations.filter(reversed_on__isnull=True).exists()
    for receipt in Receipt.objects.filter(counter_item__isnull=False).select_related("item", "counter_item"):
        assert receipt.item.open_amount == receipt.counter_item.open_amount == 0
