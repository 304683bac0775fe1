"""What is left of a bank line, in its currency or in the original currency that the bank says."""

from decimal import Decimal

from django.db.models import Sum

from invoices.models import BankLine

ZERO = Decimal("0.00")


def money_left(line: BankLine, currency: str) -> Decimal | None:
    """Without sign; None when the line says nothing in this currency."""
    if currency == line.currency:
        return abs(line.amount) - line.applied_amount
    if line.original_currency != currency or not line.original_amount:
        return None
    used = line.receipts.filter(counter_item__isnull=True, item__currency=currency).aggregate(
        total=Sum("item__total_amount", default=ZERO)
    )["total"]
    return abs(line.original_amount) - abs(used)
