"""Made-up ledgers that live day by day, and the balance âgée computed item by item in plain Python."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from core.money import CENT
from customers.models import Customer
from invoices.ageing_buckets import CREDITS_APART, STORED, Scheme
from invoices.models import Allocation, Dispute, OpenItem
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.factories import (
    AllocationFactory,
    CreditNoteFactory,
    DisputeFactory,
    OpenItemFactory,
    PaymentFactory,
)

FIRST_DAY = date(2026, 1, 5)


@dataclass
class LivingLedger:
    """A ledger of two entities in two currencies on which something happens every day, drawn from a seed."""

    seed: int
    customers: list[Customer] = field(default_factory=list)
    day: date = FIRST_DAY

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        entities = [LegalEntityFactory(), LegalEntityFactory()]
        self.customers = [
            CustomerFactory(legal_entity=entities[index % 2], currency="USD" if index == 3 else "EUR")
            for index in range(5)
        ]

    def live(self, days: int, actions: int = 2) -> Iterator[tuple[date, list[int]]]:
        """Let days pass; yields each day with the customers whose accounts moved."""
        for _number in range(days):
            moved = {self._act() for _action in range(actions)}
            yield self.day, sorted(moved - {None})
            self.day += timedelta(days=self.random.choice([1, 1, 2, 5]))

    def _act(self) -> int | None:
        action = self.random.choice(
            [self._post, self._post, self._allocate, self._allocate, self._reverse, self._argue]
        )
        return action()

    def _amount(self, most: int = 300_000) -> Decimal:
        return self.random.randrange(1, most) * CENT

    def _post(self) -> int:
        customer = self.random.choice(self.customers)
        draw = self.random.random()
        # Some documents are dated ahead of the day on which they are posted, some before.
        issued = self.day + timedelta(days=self.random.choice([-20, 0, 0, 0, 6]))
        if draw < 0.6:
            due = issued + timedelta(days=self.random.choice([0, 15, 30, 45, 60]))
            OpenItemFactory(customer=customer, issue_date=issued, due_date=due, total_amount=self._amount())
        elif draw < 0.75:
            CreditNoteFactory(customer=customer, issue_date=issued, total_amount=-self._amount())
        else:
            PaymentFactory(customer=customer, issue_date=issued, total_amount=-self._amount())
        return customer.pk

    def _allocate(self) -> int | None:
        customer = self.random.choice(self.customers)
        items = OpenItem.objects.filter(customer=customer, issue_date__lte=self.day).order_by("pk")
        debits, credits_ = list(items.filter(open_amount__gt=0)), list(items.filter(open_amount__lt=0))
        if not debits or not credits_:
            return None
        debit, credit = self.random.choice(debits), self.random.choice(credits_)
        most = min(debit.open_amount, -credit.open_amount)
        amount = self.random.choice([most, max(CENT, (most / 3).quantize(CENT))])
        AllocationFactory(debit=debit, credit=credit, amount=amount, allocated_on=self.day)
        return customer.pk

    def _reverse(self) -> int | None:
        in_force = list(
            Allocation.objects.filter(reversed_on=None, allocated_on__lte=self.day).order_by("pk")
        )
        if not in_force:
            return None
        allocation = self.random.choice(in_force)
        allocation.reversed_on = self.day
        allocation.save()
        for item, amount in ((allocation.debit, allocation.amount), (allocation.credit, -allocation.amount)):
            item.open_amount += amount
            item.save()
        return allocation.debit.customer_id

    def _argue(self) -> int | None:
        open_ = list(Dispute.objects.filter(resolved_on=None).order_by("pk"))
        if open_ and self.random.random() < 0.4:
            dispute = self.random.choice(open_)
            dispute.resolved_on = self.day
            dispute.save()
            return dispute.item.customer_id
        items = OpenItem.objects.filter(total_amount__gt=0, disputes=None, issue_date__lte=self.day).order_by(
            "pk"
        )
        if not items:
            return None
        item = self.random.choice(list(items))
        DisputeFactory(
            item=item, opened_on=self.day, amount=max(CENT, (item.total_amount / 2).quantize(CENT))
        )
        return item.customer_id


def open_amount_on(item: OpenItem, as_of: date) -> Decimal:
    """From the total and the allocations in force on the day, as an accountant would."""
    if item.issue_date > as_of:
        return Decimal(0)
    in_force = [
        allocation
        for allocation in Allocation.objects.filter(allocated_on__lte=as_of)
        if allocation.reversed_on is None or allocation.reversed_on > as_of
    ]
    taken = sum((part.amount for part in in_force if part.debit_id == item.pk), Decimal(0))
    given = sum((part.amount for part in in_force if part.credit_id == item.pk), Decimal(0))
    return item.total_amount - taken + given


def expected_ageing(as_of: date, scheme: Scheme = STORED) -> dict[tuple[int, str], dict[str, Any]]:
    """The balance âgée by customer and currency, added up item by item."""
    rows: dict[tuple[int, str], dict[str, Any]] = {}
    for item in OpenItem.objects.order_by("pk"):
        open_amount = open_amount_on(item, as_of)
        if open_amount == 0:
            continue
        row = rows.setdefault(
            (item.customer_id, item.currency),
            {
                "buckets": [Decimal(0)] * scheme.size,
                "credits": Decimal(0),
                "overdue": Decimal(0),
                "disputed": Decimal(0),
                "total": Decimal(0),
                "oldest_due_date": None,
            },
        )
        bucket = scheme.bucket_of(
            issue_date=item.issue_date, due_date=item.due_date, as_of=as_of, is_credit=open_amount < 0
        )
        if bucket == CREDITS_APART:
            row["credits"] += open_amount
        else:
            row["buckets"][bucket] += open_amount
        row["total"] += open_amount
        if open_amount < 0:
            continue
        row["overdue"] += open_amount if item.due_date < as_of else 0
        row["oldest_due_date"] = min(row["oldest_due_date"] or item.due_date, item.due_date)
        claimed = sum(
            dispute.amount
            for dispute in Dispute.objects.filter(item=item, opened_on__lte=as_of)
            if dispute.resolved_on is None or dispute.resolved_on > as_of
        )
        row["disputed"] += min(claimed, open_amount)
    return rows
