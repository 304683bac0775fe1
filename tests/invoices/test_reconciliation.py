"""The nightly check of the books: silent when they hold, precise when they do not, and it repairs nothing."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pgtrigger
import pytest

from core.errors import NotAllowed
from core.models import AuditEvent, JobRun, Role, User
from core.rights import SYSTEM
from customers.models import LegalEntity
from invoices import tasks
from invoices.models import AgeingDay, AgeingSnapshot, AgeingTotal, Allocation, OpenItem
from invoices.operations.ageing import store_ageing
from invoices.operations.reconciliation import reconcile_ledger
from invoices.reconciliation import MOST_EXAMPLES, Finding, findings
from tests.invoices.factories import AllocationFactory, OpenItemFactory, PaymentFactory
from tests.invoices.ledgers import LivingLedger

pytestmark = pytest.mark.django_db

AS_OF = date(2026, 6, 30)
NOW = datetime(2026, 7, 1, 1, 0, tzinfo=UTC)


@pytest.fixture
def allocation() -> Allocation:
    """An invoice part-paid, on a stored day."""
    invoice = OpenItemFactory(issue_date=date(2026, 1, 1))
    payment = PaymentFactory(
        customer=invoice.customer, issue_date=date(2026, 2, 1), total_amount=Decimal("-500.00")
    )
    made = AllocationFactory(debit=invoice, credit=payment)
    store_ageing(actor=SYSTEM, legal_entity=invoice.legal_entity, as_of=AS_OF, now=NOW)
    return made


def found(allocation: Allocation) -> list[Finding]:
    return findings(entity_id=allocation.debit.legal_entity_id)


def test_random_ledgers_hold() -> None:
    for seed in (1, 2):
        ledger = LivingLedger(seed)
        for _day in ledger.live(30):
            pass
    for entity in LegalEntity.objects.all():
        store_ageing(actor=SYSTEM, legal_entity=entity, as_of=ledger.day, now=NOW)
        assert findings(entity_id=entity.pk) == []


def test_an_open_amount_that_is_not_total_less_allocations(allocation: Allocation) -> None:
    OpenItem.objects.filter(pk=allocation.debit_id).update(open_amount=Decimal("699.99"))
    first, second = found(allocation)
    assert first == Finding("open_amount", 1, [f"openitem:{allocation.debit_id}"])
    # The stored day no longer is what the ledger gives, and the balance no longer is the account's.
    assert second == Finding("stored_ageing", 1, [f"customer:{allocation.debit.customer_id}"])


def test_a_stored_row_that_is_not_the_ledger(allocation: Allocation) -> None:
    AgeingSnapshot.objects.update(oldest_due_date=date(2026, 3, 3))
    assert found(allocation) == [Finding("stored_ageing", 1, [f"customer:{allocation.debit.customer_id}"])]


def test_a_row_lost_from_the_stored_day(allocation: Allocation) -> None:
    AgeingSnapshot.objects.all().delete()
    (finding,) = found(allocation)
    assert finding == Finding("stored_ageing", 2, [f"customer:{allocation.debit.customer_id}", "total:EUR"])


def test_totals_that_are_not_the_sum_of_their_rows(allocation: Allocation) -> None:
    AgeingTotal.objects.update(total_amount=Decimal("1.00"))
    assert found(allocation) == [Finding("stored_ageing", 1, ["total:EUR"])]


def test_a_stale_day_is_not_compared(allocation: Allocation) -> None:
    AgeingTotal.objects.update(total_amount=Decimal("1.00"))
    AgeingDay.objects.update(is_stale=True)
    assert found(allocation) == []


def test_an_allocation_older_than_its_payment(allocation: Allocation) -> None:
    Allocation.objects.update(allocated_on=date(2026, 1, 20))
    assert found(allocation) == [Finding("allocation_date", 1, [f"allocation:{allocation.pk}"])]


def test_an_allocation_between_two_customers(allocation: Allocation) -> None:
    other = OpenItemFactory(customer__legal_entity=allocation.debit.legal_entity).customer
    with pgtrigger.ignore("invoices.OpenItem:posted"):  # what a careless repair by hand could do
        OpenItem.objects.filter(pk=allocation.credit_id).update(customer=other)
    checks = {finding.check: finding.examples for finding in found(allocation)}
    assert checks["allocation_pair"] == [f"allocation:{allocation.pk}"]


def test_every_case_is_counted_and_only_some_named(allocation: Allocation) -> None:
    entity = allocation.debit.legal_entity
    OpenItemFactory.create_batch(
        MOST_EXAMPLES + 5, customer=allocation.debit.customer, open_amount=Decimal("1.00")
    )
    finding = findings(entity_id=entity.pk)[0]
    assert (finding.check, finding.count, len(finding.examples)) == ("open_amount", 25, MOST_EXAMPLES)


def test_other_entities_are_not_told(allocation: Allocation) -> None:
    OpenItem.objects.filter(pk=allocation.debit_id).update(open_amount=0)
    other = OpenItemFactory()
    assert findings(entity_id=other.legal_entity_id) == []


def test_alert_is_an_audit_event_and_repairs_nothing(allocation: Allocation) -> None:
    OpenItem.objects.filter(pk=allocation.debit_id).update(open_amount=Decimal("0.00"))
    reported = reconcile_ledger(actor=SYSTEM, legal_entity=allocation.debit.legal_entity, now=NOW)
    events = AuditEvent.objects.filter(verb="invoices.ledger.mismatch_found").order_by("id")
    assert [(event.data["check"], event.data["count"]) for event in events] == [
        ("open_amount", 1),
        ("stored_ageing", 1),
    ]
    assert f"openitem:{allocation.debit_id}" in events[0].refs
    assert [finding.check for finding in reported] == ["open_amount", "stored_ageing"]
    assert OpenItem.objects.get(pk=allocation.debit_id).open_amount == 0


def test_checking_needs_the_right(allocation: Allocation, make_user: Callable[..., User]) -> None:
    with pytest.raises(NotAllowed):
        reconcile_ledger(
            actor=make_user(Role.ACCOUNTANT), legal_entity=allocation.debit.legal_entity, now=NOW
        )
    assert not AuditEvent.objects.filter(verb="invoices.ledger.mismatch_found").exists()


def test_nightly_task_leaves_counts_and_runs_once_a_day(allocation: Allocation) -> None:
    OpenItem.objects.filter(pk=allocation.debit_id).update(open_amount=Decimal("0.00"))
    assert tasks.reconcile() == 2
    run = JobRun.objects.get(name="invoices.reconcile")
    assert run.status == JobRun.Status.DONE
    assert run.counts == {"open_amount": 1, "stored_ageing": 1}
    assert tasks.reconcile() == 0
    assert JobRun.objects.filter(name="invoices.reconcile").count() == 1
