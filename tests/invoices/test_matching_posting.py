"""Posting in bulk: the same rows as one by one, once only, and the books in balance whatever happens."""

from datetime import date, timedelta
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.models import AuditEvent
from core.rights import SYSTEM
from customers.models import LegalEntity
from invoices.models import (
    Allocation,
    BankLine,
    CashApplication,
    CashSettings,
    MatchProposal,
    OpenItem,
    Receipt,
)
from invoices.operations.cash import accept_proposal
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.bank import make_bank_account, make_line, make_statement
from tests.invoices.cash_books import assert_books
from tests.invoices.factories import CreditNoteFactory, OpenItemFactory
from tests.invoices.matching import NOW, TODAY, first, known_iban, match


def _told(entity: LegalEntity) -> dict[str, Any]:
    """What an act left, without keys."""
    lines = {
        line.pk: f"L{rank}"
        for rank, line in enumerate(BankLine.objects.filter(bank_account__legal_entity=entity).order_by("pk"))
    }
    items = {}
    for item in OpenItem.objects.filter(legal_entity=entity).order_by("pk"):
        number = item.number
        for pk, name in lines.items():
            number = number.replace(f"BQ-{pk}", f"BQ-{name}")
        items[item.pk] = number
    skipped = {"id", "uid", "legal_entity_id", "customer_id"}
    fields = [
        field.attname for field in OpenItem._meta.concrete_fields if field.attname not in skipped | {"number"}
    ]
    applications = CashApplication.objects.filter(legal_entity=entity)
    events = AuditEvent.objects.filter(
        verb="invoices.cash.applied", refs__overlap=[f"cashapplication:{a.pk}" for a in applications]
    )
    return {
        "items": sorted((items[item.pk], *(getattr(item, name) for name in fields)) for item in OpenItem.objects.filter(legal_entity=entity)),
        "lines": [
            (lines[line.pk], line.status, line.applied_amount, line.matched_at, line.updated_at)
            for line in BankLine.objects.filter(pk__in=lines).order_by("pk")
        ],
        "receipts": sorted(
            (lines[r.bank_line_id], items[r.item_id], r.role, r.amount, r.application.applied_on)
            for r in Receipt.objects.filter(bank_line__in=lines)
        ),
        "applications": sorted(
            (lines[a.bank_line_id], a.is_automatic, a.rule, a.score, str(a.reasons), a.applied_on, a.applied_at, str(a.applied_by))
            for a in applications
        ),
        "allocations": sorted(
            (items[a.debit_id], items[a.credit_id], a.amount, a.allocated_on, a.created_at, lines[a.application.bank_line_id])
            for a in Allocation.objects.filter(application__in=applications)
        ),
        "audit": sorted(
            (str({name: value for name, value in event.data.items() if name not in ("proposal", "customers")}), len(event.refs), event.actor_name, str(event.occurred_at))
            for event in events
        ),
        "proposals": sorted((p.rank, p.rule, p.status) for p in MatchProposal.objects.filter(bank_line__in=lines)),
    }  # fmt: skip


def _books(entity: LegalEntity) -> None:
    """Invoices and a credit note, and three lines that settle them beyond doubt."""
    customer = CustomerFactory(legal_entity=entity, name="Scierie du Perche")
    for number, amount, late in (
        ("FA-1001", "120.50", 5),
        ("FA-1002", "33.33", 9),
        ("FA-1003", "900.01", 1),
        ("FA-1004", "77.10", 3),
    ):
        OpenItemFactory(
            customer=customer, number=number, total_amount=Decimal(amount),
            issue_date=date(2026, 1, 10), due_date=date(2026, 2, 1) + timedelta(days=late),
        )  # fmt: skip
    CreditNoteFactory(
        customer=customer, number="AV-1005", total_amount=Decimal("-100.00"), issue_date=date(2026, 1, 12)
    )
    statement = make_statement(make_bank_account(entity))
    for amount, text in (
        ("153.83", "FA-1001 FA-1002"),
        ("800.01", "FA-1003 AVOIR AV-1005"),
        ("77.10", "FA-1004 é" + "x" * 90),
    ):
        make_line(statement, amount, remittance=text, counterparty_name="SCIERIE DU PERCHE")


@pytest.mark.django_db
def test_posting_in_bulk_writes_the_rows_that_applying_one_line_writes() -> None:
    bulk, one_by_one = LegalEntityFactory(), LegalEntityFactory()
    _books(bulk)
    _books(one_by_one)
    assert match(entity=bulk)["posted"] == 3

    CashSettings.objects.create(legal_entity=one_by_one, posts_by_itself=False)
    match(entity=one_by_one)
    for line in BankLine.objects.filter(bank_account__legal_entity=one_by_one).order_by("pk"):
        accept_proposal(actor=SYSTEM, proposal_id=first(line).pk, today=TODAY, now=NOW)
    # One by one, each act sends back the lines that counted on its items; in bulk they are posted at once.
    assert _told(bulk) == _told(one_by_one)
    assert_books(TODAY)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_post_nothing_twice() -> None:
    customer = CustomerFactory()
    statement = make_statement(make_bank_account(customer.legal_entity))
    for number in range(30):
        invoice = OpenItemFactory(customer=customer, total_amount=Decimal(100 + number) + Decimal("0.07"))
        for _twice in range(2):
            make_line(statement, invoice.total_amount, remittance=invoice.number)
    start, failures = Barrier(3), []

    def work() -> None:
        try:
            start.wait()
            for _pass in range(20):
                match(limit=7)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [Thread(target=work) for _n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    match()

    assert failures == []
    assert BankLine.objects.filter(status="APPLIED").count() == 30
    assert Receipt.objects.count() == 30
    assert not OpenItem.objects.exclude(open_amount=0).exists()
    assert_books(TODAY, since=date(2026, 2, 25))


@pytest.mark.django_db
class TestRandomBooks:
    @given(data=st.data())
    @settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_whatever_is_posted_the_books_balance(self, data: st.DataObject) -> None:
        entity = LegalEntityFactory()
        customers = CustomerFactory.create_batch(2, legal_entity=entity)
        known_iban(customers[0], "FR7630006000011234567890189")
        items = [
            OpenItemFactory(
                customer=data.draw(st.sampled_from(customers)),
                total_amount=Decimal(data.draw(st.integers(1, 40_000))) / 100,
            )
            for _n in range(data.draw(st.integers(1, 8)))
        ]
        items += CreditNoteFactory.create_batch(
            data.draw(st.integers(0, 2)), customer=customers[0], total_amount=Decimal("-1.23")
        )
        statement = make_statement(make_bank_account(entity))
        for _n in range(data.draw(st.integers(1, 8))):
            chosen = data.draw(st.lists(st.sampled_from(items), min_size=1, max_size=3, unique=True))
            amount = sum((item.total_amount for item in chosen), Decimal(0)) + data.draw(
                st.sampled_from([0, 0, 0, 1])
            )
            text = " ".join(item.number for item in chosen) if data.draw(st.booleans()) else "VIREMENT"
            iban = data.draw(st.sampled_from(["", "FR7630006000011234567890189"]))
            if amount > 0:
                make_line(statement, amount, remittance=text, counterparty_iban=iban)
        match(entity=entity)
        assert_books(TODAY, since=date(2026, 2, 8))
        for line in BankLine.objects.filter(statement=statement, status="APPLIED"):
            payment = line.receipts.get().item
            assert (payment.total_amount, payment.open_amount) == (-line.amount, 0)
