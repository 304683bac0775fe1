"""Sub-ledger rows for tests. Open amounts follow from allocations: `AllocationFactory` moves both items."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import factory
from factory.django import DjangoModelFactory

from invoices.models import Allocation, Dispute, OpenItem, Promise
from tests.customers.factories import CustomerFactory

POSTED_AT = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)


class OpenItemFactory(DjangoModelFactory):
    """An invoice of 1,200.00 € due in 30 days, unless told otherwise. `open_amount` follows `total_amount`."""

    class Meta:
        model = OpenItem

    customer = factory.SubFactory(CustomerFactory)
    legal_entity = factory.SelfAttribute("customer.legal_entity")
    kind = OpenItem.Kind.INVOICE
    number = factory.Sequence(lambda n: f"FA{n:06d}")
    issue_date = date(2026, 1, 1)
    due_date = factory.LazyAttribute(lambda item: item.issue_date + timedelta(days=30))
    currency = factory.SelfAttribute("customer.currency")
    total_amount = Decimal("1200.00")
    open_amount = factory.SelfAttribute("total_amount")
    posted_at = POSTED_AT
    updated_at = POSTED_AT


class CreditNoteFactory(OpenItemFactory):
    kind = OpenItem.Kind.CREDIT_NOTE
    number = factory.Sequence(lambda n: f"AV{n:06d}")
    due_date = factory.SelfAttribute("issue_date")
    total_amount = Decimal("-200.00")


class PaymentFactory(OpenItemFactory):
    kind = OpenItem.Kind.PAYMENT
    number = factory.Sequence(lambda n: f"RG{n:06d}")
    due_date = factory.SelfAttribute("issue_date")
    total_amount = Decimal("-1200.00")


class AllocationFactory(DjangoModelFactory):
    """Settles part of `debit` by part of `credit` and moves both open amounts, unless already reversed."""

    class Meta:
        model = Allocation

    debit = factory.SubFactory(OpenItemFactory)
    credit = factory.SubFactory(PaymentFactory, customer=factory.SelfAttribute("..debit.customer"))
    amount = factory.LazyAttribute(lambda part: min(part.debit.open_amount, -part.credit.open_amount))
    allocated_on = factory.LazyAttribute(lambda part: max(part.debit.issue_date, part.credit.issue_date))
    created_at = POSTED_AT

    @classmethod
    def _create(cls, model_class: type[Allocation], *args: Any, **kwargs: Any) -> Allocation:
        allocation = super()._create(model_class, *args, **kwargs)
        if allocation.reversed_on is None:
            allocation.debit.open_amount -= allocation.amount
            allocation.credit.open_amount += allocation.amount
            allocation.debit.save(update_fields=["open_amount"])
            allocation.credit.save(update_fields=["open_amount"])
        return allocation


class DisputeFactory(DjangoModelFactory):
    """A dispute on the whole item; while open, the item's disputed amount follows."""

    class Meta:
        model = Dispute

    item = factory.SubFactory(OpenItemFactory)
    amount = factory.SelfAttribute("item.total_amount")
    reason = Dispute.Reason.PRICE
    opened_on = factory.SelfAttribute("item.issue_date")

    @classmethod
    def _create(cls, model_class: type[Dispute], *args: Any, **kwargs: Any) -> Dispute:
        dispute = super()._create(model_class, *args, **kwargs)
        if dispute.resolved_on is None:
            dispute.item.disputed_amount = dispute.amount
            dispute.item.save(update_fields=["disputed_amount"])
        return dispute


class PromiseFactory(DjangoModelFactory):
    class Meta:
        model = Promise

    item = factory.SubFactory(OpenItemFactory)
    amount = factory.SelfAttribute("item.open_amount")
    made_on = factory.SelfAttribute("item.issue_date")
    promised_date = factory.LazyAttribute(lambda promise: promise.item.due_date + timedelta(days=10))
