"""The run's SQL and the pure rules give the same answer on generated books."""

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest

from core.rights import SYSTEM
from customers.models import LegalEntity
from dunning.contacts import contact_key
from dunning.models import Level, Notice, NoticeLine, RunExclusion
from dunning.operations.runs import dun
from invoices.models import OpenItem
from tests.dunning.expected_plan import balance_as_of, expected
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
from tests.dunning.generated_books import generate_books

CLAUSES = ("", "FIXED:12", "FIXED:5", "LEGAL_X:3")


def written(run_id: int) -> dict:
    """What the run wrote, as `Expected.notices` tells it."""
    notices = {}
    for notice in Notice.objects.filter(run=run_id).select_related("level", "customer"):
        lines = {
            line.item_id: (
                line.rank, line.open_amount, line.disputed_amount, line.promised_amount,
                line.interest_amount, line.indemnity_amount,
            )
            for line in notice.lines.all()
        }  # fmt: skip
        key = notice.customer_id, notice.currency, notice.item_id
        notices[key] = (notice.level_id, notice.status, notice.open_amount, lines)
        assert notice.open_amount == sum(line[1] for line in lines.values())
        assert notice.interest_amount == sum(line[4] for line in lines.values())
        assert notice.indemnity_amount == sum(line[5] for line in lines.values())
        assert notice.line_count == sum(1 for line in lines.values() if line[0])
        assert notice.contact_key == contact_key(notice.customer)
    return notices


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(12))
def test_run_decides_as_the_pure_rules_do(seed: int) -> None:
    load_law()
    entity = make_entity(late_fee_clause=CLAUSES[seed % len(CLAUSES)])
    generate_books(entity, random.Random(seed))
    should = expected(entity)
    assert should.notices, "the generated books must give notices"

    planned = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)

    assert written(planned.run_id) == should.notices
    told = {
        (row.customer_id, row.currency, row.reason): row
        for row in RunExclusion.objects.filter(run=planned.run_id)
    }
    assert {key: row.item_count for key, row in told.items()} == dict(should.excluded)
    assert {key: row.next_date for key, row in told.items() if row.next_date} == should.next_dates
    assert planned.notices == len(should.notices)


def overdue_items(entity: LegalEntity) -> dict[int, Decimal]:
    """What was open and overdue on the day of the run."""
    found = {
        item.pk: balance_as_of(item)
        for item in OpenItem.objects.filter(legal_entity=entity, due_date__lt=TODAY, issue_date__lte=TODAY)
    }
    return {pk: amount for pk, amount in found.items() if amount > 0}


@pytest.mark.django_db
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_every_overdue_item_has_an_outcome_and_a_second_run_takes_no_item_again(seed: int) -> None:
    load_law()
    entity = make_entity()
    generate_books(entity, random.Random(seed))
    overdue = overdue_items(entity)

    first = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    second = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)

    taken = []
    for planned in (first, second):
        lines = {
            line.item_id: line.balance_amount
            for line in NoticeLine.objects.filter(notice__run=planned.run_id, rank__gt=0)
        }
        taken.append(set(lines))
        excluded = RunExclusion.objects.filter(run=planned.run_id)
        of_overdue = {pk: amount for pk, amount in lines.items() if pk in overdue}
        assert len(of_overdue) + sum(row.item_count for row in excluded) == len(overdue)
        assert sum(of_overdue.values()) + sum(row.open_amount for row in excluded) == sum(overdue.values())
    # What only waited for another step of its customer may come, where no gap is asked for.
    assert not taken[0] & taken[1]
    assert len(taken[1]) <= first.excluded.get("OTHER_STEP_FIRST", 0) + len(taken[1] - set(overdue))


@pytest.mark.django_db
def test_missing_half_year_stops_the_run_and_writes_nothing() -> None:
    from core.legal_register import MissingLegalParameter

    load_law()
    entity = make_entity()
    make_policy(entity)
    item = make_item(make_customer(entity), "1000.00", date(2027, 6, 1))
    level = Level.objects.get(policy__legal_entity=entity, rank=1)
    make_step(item, level, sent_on=date(2027, 6, 10))

    with pytest.raises(MissingLegalParameter, match="semestre 2027"):
        dun(actor=SYSTEM, legal_entity=entity, as_of=date(2027, 7, 15), now=NOW)

    assert not Notice.objects.filter(as_of=date(2027, 7, 15)).exists()


@pytest.mark.django_db
def test_absurd_amounts_do_not_keep_the_run_from_being_planned() -> None:
    load_law()
    entity = make_entity()
    make_policy(entity)
    usual, absurd = make_customer(entity), make_customer(entity, name="Faute de frappe")
    make_item(usual, "900.00", TODAY - timedelta(days=9))
    for _ in range(2):
        make_item(absurd, "999999999999.99", TODAY - timedelta(days=9))
    held = make_customer(entity, status="ON_HOLD")
    for _ in range(2):
        make_item(held, "999999999999.99", TODAY - timedelta(days=9))
    dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    amounts = dict(Notice.objects.values_list("customer", "open_amount"))
    assert amounts == {usual.pk: Decimal("900.00"), absurd.pk: Decimal("1999999999999.98")}
    assert RunExclusion.objects.get(customer=held).open_amount == Decimal("1999999999999.98")


@pytest.mark.django_db
def test_one_impossible_due_date_keeps_nobody_else_from_being_chased() -> None:
    load_law()
    entity = make_entity()
    make_policy(entity)
    ancient = make_item(make_customer(entity), "1000.00", date(1926, 11, 1))
    make_item(make_customer(entity), "1000.00", TODAY - timedelta(days=8))

    planned = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)

    assert planned.notices == 1
    assert planned.excluded == {RunExclusion.Reason.RATE_MISSING: 1}
    assert RunExclusion.objects.get(run=planned.run_id).customer_id == ancient.customer_id
