"""Paid, unpaid and limited accounts for the tests of risk."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from core.rights import SYSTEM
from customers.models import Customer
from invoices.models import OpenItem
from risk.models import CreditLimit
from risk.operations.limits import set_limit
from tests.invoices.factories import AllocationFactory, OpenItemFactory, PaymentFactory

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def invoice(customer: Customer, amount: str, due_date: date, **values: Any) -> OpenItem:
    """An open invoice, issued thirty days before its due date."""
    return OpenItemFactory(
        customer=customer,
        total_amount=Decimal(amount),
        issue_date=values.pop("issue_date", due_date - timedelta(days=30)),
        due_date=due_date,
        **values,
    )


def pay(item: OpenItem, on: date, amount: str = "") -> OpenItem:
    """A payment received on a day and matched that day; the whole of what is open unless told."""
    part = Decimal(amount) if amount else item.open_amount
    payment = PaymentFactory(
        customer=item.customer, issue_date=on, total_amount=-part, currency=item.currency
    )
    AllocationFactory(debit=item, credit=payment, amount=part, allocated_on=on)
    return payment


def paid_late(customer: Customer, amount: str, days_late: int, paid_on: date) -> OpenItem:
    """An invoice paid in full, so many days after its due date (negative: before)."""
    item = invoice(customer, amount, paid_on - timedelta(days=days_late))
    pay(item, paid_on)
    return item


def limit(customer: Customer, amount: str, **values: Any) -> CreditLimit:
    return set_limit(
        customer=customer,
        amount=Decimal(amount),
        reason="Comptes 2025 solides",
        **{"actor": SYSTEM, "today": TODAY, "now": NOW} | values,
    )
