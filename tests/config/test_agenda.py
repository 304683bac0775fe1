"""The agenda: each entry for who has the right, within his scope, and nothing when nothing waits."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from config.agenda import agenda, first_steps
from core.files import store_file
from core.legal import shipped_values
from core.models import JobRun, Role, User
from core.operations.legal_parameters import load_legal_parameters
from core.rights import SYSTEM
from customers.models import Customer, LegalEntity
from dunning.models import Run
from dunning.operations.runs import dun
from invoices.models import ImportBatch, Promise
from invoices.operations.payment_plans import submit_plan
from invoices.operations.plan_sweeps import settle_plans
from risk.models import CreditLimit
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.dunning.factories import load_law, make_customer, make_entity, make_item, make_policy
from tests.invoices.factories import DisputeFactory, OpenItemFactory, PaymentFactory, PromiseFactory
from tests.invoices.plans import FIRST, active, drafted, late_items
from tests.pages import counting, page_of, text_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)


@pytest.fixture(autouse=True)
def frozen(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def manager(make_user: Any) -> User:
    return make_user(Role.CREDIT_MANAGER)


def keys(user: User) -> dict[str, int]:
    return {entry.key: entry.count for entry in agenda(user, TODAY)}


def batch(entity: LegalEntity, status: str) -> ImportBatch:
    stored = store_file(
        content=status.encode(), name="f.csv", kind="import", content_type="text/csv", now=NOW
    )
    return ImportBatch.objects.create(
        legal_entity=entity, file=stored, status=status, received_at=NOW, updated_at=NOW
    )


def broken(**fields: Any) -> Promise:
    return PromiseFactory(**{"status": Promise.Status.BROKEN, "judged_on": TODAY} | fields)


def test_nothing_waits_in_an_empty_house(manager: User) -> None:
    assert agenda(manager, TODAY) == []


def test_promises_and_disputes(manager: User, sign_in: Any) -> None:
    item = OpenItemFactory(total_amount=Decimal("1000.00"))
    PromiseFactory(item=item, promised_date=TODAY)
    PromiseFactory(promised_date=TODAY + timedelta(days=1))
    broken(amount=Decimal("40.00"), judged_on=TODAY - timedelta(days=7))
    broken(judged_on=TODAY - timedelta(days=8))
    broken(item=OpenItemFactory(open_amount=Decimal(0)), amount=Decimal(5))
    again = broken()
    PromiseFactory(item=again.item, promised_date=TODAY + timedelta(days=3))
    opened = {"opened_on": TODAY - timedelta(days=15)}
    DisputeFactory(deadline=TODAY - timedelta(days=1), amount=Decimal("300.00"), **opened)
    DisputeFactory(deadline=TODAY, **opened)
    DisputeFactory(deadline=TODAY - timedelta(days=9), resolved_on=TODAY, **opened)
    entries = {entry.key: entry for entry in agenda(manager, TODAY)}
    assert {key: entry.count for key, entry in entries.items()} == {
        "broken_promises": 1,
        "due_promises": 1,
        "late_disputes": 1,
    }
    assert entries["due_promises"].amounts == "1\u202f000,00\u00a0€"
    assert entries["broken_promises"].amounts == "40,00\u00a0€"
    assert entries["late_disputes"].amounts == "300,00\u00a0€"
    # Each leads to as many rows as it counts.
    client = sign_in(manager)
    for entry in entries.values():
        page = page_of(client.get(entry.url).content)
        assert len(page.xpath("(//*[@id='content']//table)[1]/tbody/tr")) == 1, entry.url


def test_payment_plans(manager: User, make_user: Any) -> None:
    plan = active(late_items("300.00"))
    assert "due_instalments" not in keys(manager)
    coming = {entry.key: entry for entry in agenda(manager, FIRST - timedelta(days=3))}
    assert (coming["due_instalments"].count, coming["due_instalments"].amounts) == (1, "100,00\u00a0€")
    assert coming["due_instalments"].url == reverse("invoices:plan-detail", args=[plan.uid])
    missed = {entry.key for entry in agenda(manager, FIRST + timedelta(days=1))}
    assert "missed_instalments" in missed
    assert "due_instalments" not in missed
    settle_plans(actor=SYSTEM, today=FIRST + timedelta(days=20), now=NOW + timedelta(days=49))
    plan.refresh_from_db()
    assert plan.status == "DEFAULTED"
    keys_then = {entry.key for entry in agenda(manager, plan.ended_on + timedelta(days=7))}
    assert "defaulted_plans" in keys_then
    assert "missed_instalments" not in keys_then
    assert "defaulted_plans" not in {
        entry.key for entry in agenda(manager, plan.ended_on + timedelta(days=8))
    }


def test_a_plan_waits_for_the_approval_of_somebody_else(manager: User, make_user: Any) -> None:
    plan = drafted(late_items("30000.00"), actor=manager)
    submit_plan(actor=manager, plan_id=plan.pk, today=TODAY, now=NOW)
    assert "plans_to_approve" not in keys(manager)
    director = make_user(Role.FINANCE_DIRECTOR)
    (entry,) = [entry for entry in agenda(director, TODAY) if entry.key == "plans_to_approve"]
    assert (entry.count, entry.amounts) == (1, "30\u202f000,00\u00a0€")
    stranger = make_user(Role.FINANCE_DIRECTOR, email="x@example.test", sees=[LegalEntityFactory()])
    assert keys(stranger) == {}


def test_amounts_in_two_currencies_stand_apart(manager: User) -> None:
    PaymentFactory(total_amount=Decimal("-10.00"))
    PaymentFactory(total_amount=Decimal("-7.00"), currency="USD")
    (entry,) = agenda(manager, TODAY)
    assert (entry.key, entry.count) == ("unmatched", 2)
    assert entry.amounts == "10,00\u00a0€ + 7,00\u00a0USD"


def test_batches_jobs_holds_and_runs(manager: User) -> None:
    entity = LegalEntityFactory()
    waiting = batch(entity, "PREVIEWED")
    batch(entity, "REJECTED")
    batch(entity, "COMMITTING")
    JobRun.objects.create(name="x", key="1", status="FAILED", started_at=NOW)
    JobRun.objects.create(name="x", key="0", status="FAILED", started_at=NOW - timedelta(days=9))
    CustomerFactory(status=Customer.Status.ON_HOLD, hold_until=TODAY - timedelta(days=1))
    CustomerFactory(status=Customer.Status.ON_HOLD, hold_until=TODAY)
    Run.objects.create(legal_entity=entity, as_of=TODAY, status=Run.Status.FAILED, created_at=NOW)
    entries = agenda(manager, TODAY)
    assert {entry.key: entry.count for entry in entries} == {
        "failed_jobs": 1,
        "stopped_batches": 1,
        "failed_runs": 1,
        "batches": 1,
        "expired_holds": 1,
    }
    # The most urgent first, and a single batch opens at once.
    assert entries[0].key == "failed_jobs"
    assert [entry.tone for entry in entries] == ["blocked", "late", "late", "watch", "watch"]
    assert entries[3].url == reverse("invoices:import-detail", args=[waiting.uid])


def test_notices_wait_for_who_approves_them(manager: User, make_user: Any) -> None:
    load_law()
    entity = make_entity()
    make_policy(entity)
    for days in (9, 12):
        make_item(make_customer(entity), "900.00", TODAY - timedelta(days=days))
    dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    assert keys(manager)["notices"] == 2
    assert "notices" not in keys(make_user(Role.ACCOUNTANT))


def test_customers_beyond_their_limit(manager: User) -> None:
    customer = CustomerFactory()
    OpenItemFactory(customer=customer, total_amount=Decimal("1500.00"), due_date=TODAY)
    limited = CustomerFactory()
    OpenItemFactory(customer=limited, total_amount=Decimal("100.00"), due_date=TODAY)
    for buyer in (customer, limited):
        CreditLimit.objects.create(
            customer=buyer,
            amount=Decimal("1000.00"),
            currency="EUR",
            valid_from=TODAY,
            reason="x",
            decided_at=NOW,
        )
    (entry,) = agenda(manager, TODAY)
    assert (entry.key, entry.count, entry.amounts) == ("over_limit", 1, "500,00\u00a0€")


def test_scope_and_rights_bound_the_agenda(make_user: Any) -> None:
    broken()
    PaymentFactory()
    stranger = make_user(Role.CREDIT_MANAGER, sees=[LegalEntityFactory()])
    assert keys(stranger) == {}
    assert keys(make_user(Role.FINANCE_DIRECTOR)) == {}
    assert keys(make_user(Role.ACCOUNTANT)) == {"unmatched": 1}


def test_ending_legal_values_wait_for_the_administrator(make_user: Any) -> None:
    load_legal_parameters(actor=SYSTEM, values=shipped_values())
    (entry,) = agenda(make_user(Role.ADMINISTRATOR), date(2026, 12, 1))
    assert entry.key == "legal_parameters"
    assert "31/12/2026" in entry.reason


def test_first_steps_lead_from_the_file_to_the_letter(manager: User) -> None:
    assert [step.done for step in first_steps(manager)] == [False] * 5
    load_law()
    entity = make_entity()
    make_policy(entity)
    make_item(make_customer(entity), "900.00", TODAY - timedelta(days=9))
    assert [step.done for step in first_steps(manager)] == [True, False, False, False, False]
    dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    assert [step.done for step in first_steps(manager)][2] is True


def test_the_page_teaches_then_works(manager: User, sign_in: Any) -> None:
    client = sign_in(manager)
    text = text_of(client.get("/").content)
    assert "Rien ne vous attend" in text
    assert "Déposer un fichier de factures" in text
    broken()
    page = client.get("/")
    assert "promesse non tenue" in text_of(page.content)
    for address in page_of(page.content).xpath("//ol[@class='agenda']//a/@href"):
        assert client.get(address).status_code == 200
    assert client.post("/").status_code == 405


def test_the_queries_do_not_grow_with_what_waits(manager: User, sign_in: Any) -> None:
    client, counts = sign_in(manager), []
    for rows in (2, 12):
        while Promise.objects.count() < rows:
            broken()
            PaymentFactory()
        with counting() as count:
            client.get("/")
        counts.append(count())
    assert counts[0] == counts[1]
