"""The insolvency day and what follows it, notice by notice."""

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest

from core.files import read_file
from core.models import AuditEvent
from customers.models import Customer
from risk.models import ClaimStatement, EventOutcome, InsolvencyProceeding, LegalEvent, ProceedingTask
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.dunning.factories import load_law
from tests.risk.announcements import LIQUIDATION, as_file, earlier, record, take
from tests.risk.factories import TODAY, invoice, pay

pytestmark = pytest.mark.django_db
JUDGED = date(2026, 11, 12)


@pytest.fixture(autouse=True)
def law() -> None:
    load_law()


def proceeding_of(customer: Customer) -> InsolvencyProceeding:
    return InsolvencyProceeding.objects.get(customer=customer)


class TestOpening:
    def test_every_account_of_the_siren_is_stopped_in_all_entities(self) -> None:
        first = CustomerFactory()
        twin = CustomerFactory(siren=first.siren, legal_entity=LegalEntityFactory(), status="ON_HOLD")
        homonym = CustomerFactory(name="MENUISERIES DU PERCHE")
        taken = take(record(first.siren))
        assert (taken.is_new, taken.file.new_count, taken.file.problem_count) == (True, 1, 0)
        for customer in (first, twin):
            customer.refresh_from_db()
            assert (customer.status, customer.insolvency_date) == ("INSOLVENT", JUDGED)
        homonym.refresh_from_db()
        assert homonym.status == "ACTIVE"
        assert InsolvencyProceeding.objects.count() == 2
        assert set(EventOutcome.objects.values_list("status", flat=True)) == {"APPLIED"}

    def test_limits_run_from_the_publication(self) -> None:
        customer = CustomerFactory()
        take(record(customer.siren, published="2026-11-20"))
        found = proceeding_of(customer)
        # R622-24, L624-9, L622-26
        assert (found.declare_by, found.reclaim_by, found.relief_by) == (
            date(2027, 1, 20),
            date(2027, 2, 20),
            date(2027, 5, 20),
        )
        tasks = dict(found.tasks.values_list("kind", "due_date"))
        assert tasks["DECLARE_CLAIM"] == date(2027, 1, 20)
        assert tasks["RECLAIM_GOODS"] == date(2027, 2, 20)
        assert {"CONFIRM_REPRESENTATIVE", "CALL_REPRESENTATIVE"} <= tasks.keys()

    def test_the_statement_is_frozen_at_the_eve(self) -> None:
        customer = CustomerFactory()
        late = invoice(customer, "1200.00", date(2026, 9, 30))
        pay(late, date(2026, 10, 15), "200.00")
        to_come = invoice(customer, "300.00", date(2026, 12, 1))
        after = invoice(customer, "50.00", date(2026, 12, 20), issue_date=JUDGED)
        pay(to_come, date(2026, 11, 16), "100.00")
        take(record(customer.siren))
        statement = ClaimStatement.objects.get()
        lines = {line["number"]: line for line in statement.content["lines"]}
        assert statement.as_of == date(2026, 11, 11)
        assert (lines[late.number]["birth"], lines[late.number]["open_amount"]) == ("PRIOR", "1000.00")
        # What came in after the judgment does not count at the eve.
        assert (lines[to_come.number]["open_amount"], lines[to_come.number]["is_fallen_due"]) == ("300.00", False)
        assert lines[after.number]["birth"] == "LATER"
        # 42 days of the legal rate, stopped on the eve (L622-28): more than nothing, and no more tomorrow.
        assert Decimal(lines[late.number]["interest"]) > 0 and lines[late.number]["indemnity"] == "40.00"
        assert lines[to_come.number]["interest"] == "0.00"
        totals = statement.content["totals"]["PRIOR"]["EUR"]
        assert (totals["principal"], totals["to_fall_due"]) == ("1300.00", "300.00")
        content = read_file(statement.file)
        assert b"Ant\xc3\xa9rieure au jugement" in content and statement.file.sha256

    def test_the_addressee_is_proposed_and_not_confirmed(self) -> None:
        customer = CustomerFactory()
        take(record(customer.siren))
        found = proceeding_of(customer)
        assert found.representative_name == "SELARL Vasseur et Lemoine"
        assert found.representative_address == "18 rue du Palais\n28000 Chartres"
        assert found.representative_confirmed_at is None

    def test_the_same_file_and_the_same_notice_change_nothing(self) -> None:
        customer = CustomerFactory()
        one = record(customer.siren)
        take(one)
        events = AuditEvent.objects.count()
        assert not take(one).is_new
        assert AuditEvent.objects.count() == events
        again = take(content=as_file(one) + b" ")
        assert (again.is_new, again.file.new_count, again.file.known_count) == (True, 0, 1)
        assert InsolvencyProceeding.objects.count() == 1 and LegalEvent.objects.count() == 1
