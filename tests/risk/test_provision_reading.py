"""The set-based reading of the ledger against a loop over documents, on random accounts and days."""

import random
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db import connection

from core.rights import SYSTEM
from customers.models import LegalEntity
from invoices.models import OpenItem
from risk.models import ProvisionMethod
from risk.operations.provisions import set_provision_method
from risk.provision_rules import BOUNDS, allowance, bucket_of, with_outlook
from risk.provision_sql import roll_steps
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.factories import CreditNoteFactory
from tests.risk.factories import NOW, TODAY, invoice, pay
from tests.risk.test_operations_provisions import RATES, draft

pytestmark = pytest.mark.django_db


@pytest.fixture
def entity() -> LegalEntity:
    return LegalEntityFactory()


@pytest.mark.parametrize("seed", range(6))
def test_rates_and_lines_are_those_of_a_slow_reading(entity, seed: int) -> None:
    """Random accounts, any day: the set-based answer is that of a loop over documents."""
    drawn = random.Random(seed)
    as_of = TODAY - timedelta(days=drawn.choice((0, 40, 200)))
    for _each in range(4):
        customer = CustomerFactory(legal_entity=entity, segment=drawn.choice(("PME", "ETI")))
        for _item in range(12):
            due = TODAY - timedelta(days=drawn.randint(-30, 700))
            item = invoice(customer, str(drawn.randint(1, 900)), due)
            if drawn.random() < 0.7:
                part = (
                    item.open_amount if drawn.random() < 0.6 else D(drawn.randint(1, int(item.open_amount)))
                )
                pay(
                    item,
                    max(min(due + timedelta(days=drawn.randint(-20, 200)), TODAY), item.issue_date),
                    str(part),
                )
        if drawn.random() < 0.5:
            CreditNoteFactory(
                customer=customer,
                total_amount=-D(drawn.randint(1, 500)),
                issue_date=TODAY - timedelta(days=300),
            )
    method = set_provision_method(
        actor=SYSTEM,
        entity=entity,
        values={"minimum_count": 3, "entered_rates": RATES, "loss_after_days": 200, "grouping": "SEGMENT"},
        now=NOW,
    )
    run = draft(entity, as_of=as_of, outlook_factor=D("1.1"), outlook_reason="Essai")
    assert run.status == "DRAFT", run.error
    steps, owed = slow_reading(entity, as_of, method)
    for row in roll_steps(entity_id=entity.pk, as_of=as_of, method=method):
        group = None if row["is_all"] else row["group_key"]
        told = [(row[f"entered_{s}"], row[f"rolled_{s}"], row[f"count_{s}"]) for s in range(5)]
        assert told == steps[group]
    written = {line.item_id: line for line in run.lines.all()}
    assert {pk: line.owed_amount for pk, line in written.items()} == owed
    applied = {(row["group"], row["bucket"]): D(row["applied_rate"]) for row in run.matrix}
    for line in written.values():
        assert line.bucket == bucket_of((as_of - line.item.due_date).days)
        assert line.rate == applied[line.group, line.bucket]
        assert line.allowance_amount == allowance(line.base_amount, line.rate)
    for row in run.matrix:
        assert D(row["applied_rate"]) == with_outlook(D(row["rate"]), D("1.1"))


def slow_reading(entity, as_of: date, method: ProvisionMethod):
    """The same questions, asked document by document."""
    documents, opened, credit = [], [], {}
    for item in OpenItem.objects.filter(legal_entity=entity, issue_date__lte=as_of).select_related(
        "customer"
    ):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT amount, allocated_on, debit_id FROM invoices_allocation "
                "WHERE %s IN (debit_id, credit_id) AND allocated_on <= %s",
                [item.pk, as_of],
            )
            parts = cursor.fetchall()
        moved = sum((a if d == item.pk else -a) for a, _on, d in parts)
        left = item.total_amount - moved
        if left < 0:
            credit[item.customer_id] = credit.get(item.customer_id, D(0)) - left
        elif left > 0:
            opened.append((item.customer_id, item.due_date, item.pk, left))
        if item.total_amount > 0:
            documents.append((item, parts))
    owed = {}
    for customer, _due, pk, left in sorted(opened):
        taken = min(credit.get(customer, D(0)), left)
        credit[customer] = credit.get(customer, D(0)) - taken
        if left > taken:
            owed[pk] = left - taken
    steps = {}
    since = months_before(as_of, method.window_months)
    for group in (None, "PME", "ETI"):
        chosen = [
            (item, parts)
            for item, parts in documents
            if group in (None, item.customer.segment) and since <= item.due_date < as_of
        ]
        told = []
        for step, threshold in enumerate((*BOUNDS, method.loss_after_days)):
            entered = rolled = D(0)
            count = 0
            for item, parts in chosen:
                unpaid_at_start = item.total_amount - (
                    paid_by(item, parts, (*BOUNDS,)[step - 1]) if step else 0
                )
                if item.due_date + timedelta(days=threshold) < as_of and unpaid_at_start > 0:
                    entered += unpaid_at_start
                    rolled += item.total_amount - paid_by(item, parts, threshold)
                    count += 1
            told.append((entered, rolled, count))
        steps[group] = told
    return steps, owed


def paid_by(item, parts, days: int) -> D:
    return sum((a for a, on, _d in parts if on <= item.due_date + timedelta(days=days)), D(0))


def months_before(day: date, months: int) -> date:
    month = day.month - 1 - months
    return date(day.year + month // 12, month % 12 + 1, min(day.day, 28))
