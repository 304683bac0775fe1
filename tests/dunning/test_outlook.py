"""What the customer's page says comes next is what the next run does."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.rights import SYSTEM
from dunning.models import DunningException, NoticeLine, RunExclusion
from dunning.operations.runs import dun
from dunning.outlook import customer_outlook
from invoices.models import Dispute
from tests.dunning.factories import (
    NOW,
    TODAY,
    load_law,
    make_customer,
    make_entity,
    make_item,
    make_policy,
    make_step,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def books():
    load_law()
    entity = make_entity()
    return entity, make_policy(entity)


def by_number(customer) -> dict:
    return {row.number: row for row in customer_outlook(customer, TODAY)}


def test_it_says_what_the_run_then_does(books) -> None:
    entity, policy = books
    customers = [make_customer(entity) for _ in range(6)]
    items = [make_item(customer, "500.00", TODAY - timedelta(days=9)) for customer in customers]
    Dispute.objects.create(item=items[1], amount="500.00", reason="PU_ERR", opened_on=TODAY)
    make_step(items[2], policy.levels.get(rank=1), sent_on=TODAY - timedelta(days=3))
    make_step(items[3], policy.levels.get(rank=1), sent_on=None)
    DunningException.objects.create(
        customer=customers[4], effect="HOLD", reason="Accord", from_date=TODAY, until=TODAY, created_at=NOW
    )
    make_item(customers[5], "-600.00", TODAY)
    said = {customer.pk: customer_outlook(customer, TODAY)[0] for customer in customers}
    reasons = ["", "DISPUTED", "WAITING", "PENDING", "EXCEPTED", "UNALLOCATED_CASH"]
    assert [said[customer.pk].reason or "" for customer in customers] == reasons

    run = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    done = dict(RunExclusion.objects.filter(run=run.run_id).values_list("customer", "reason"))
    assert {pk: row.reason for pk, row in said.items() if row.reason} == done
    line = NoticeLine.objects.get(notice__run=run.run_id)
    assert (line.item_id, line.notice.level) == (items[0].pk, said[customers[0].pk].level)
    waiting = RunExclusion.objects.get(run=run.run_id, reason="WAITING")
    assert said[customers[2].pk].on == waiting.next_date == TODAY + timedelta(days=6)
    assert said[customers[3].pk].pending is not None


def test_what_is_not_due_yet_has_its_first_step_named(books) -> None:
    entity, _policy = books
    customer = make_customer(entity)
    item = make_item(customer, "80.00", TODAY + timedelta(days=20))
    row = by_number(customer)[item.number]
    assert (row.reason, row.level.rank, row.on) == ("WAITING", 1, TODAY + timedelta(days=25))


def test_without_a_policy_it_says_so(books) -> None:
    _entity, policy = books
    other = make_entity()
    customer = make_customer(other)
    late = make_item(customer, "80.00", TODAY - timedelta(days=20))
    due = make_item(customer, "80.00", TODAY + timedelta(days=20))
    rows = by_number(customer)
    assert {rows[item.number].reason for item in (late, due)} == {"NO_POLICY"}
    assert policy.code


def test_nothing_is_kept_and_the_questions_are_as_many_for_twenty_items(books) -> None:
    entity, _policy = books
    customer = make_customer(entity)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            customer_outlook(customer, TODAY)
        return len(queries)

    make_item(customer, "80.00", TODAY - timedelta(days=20))
    few = count()
    for n in range(20):
        make_item(customer, "80.00", TODAY - timedelta(days=n))
    assert count() == few
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('pg_temp.plan_item')")
        assert cursor.fetchone()[0] is None
