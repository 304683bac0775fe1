"""The run's SQL and the pure rules give the same answer on generated books."""

import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import localtime

from core.legal import register
from core.rights import SYSTEM
from customers.models import Customer, LegalEntity
from dunning.fee_statements import fee_statements
from dunning.models import Level, Notice, RunExclusion
from dunning.operations.runs import dun
from dunning.planning.fees import rates_known_from
from dunning.selection import Account, ItemFacts, LevelRule, PolicyRule, select
from invoices.models import Allocation, Dispute, OpenItem, PaymentPlan, PlanItem, Promise
from tests.dunning.factories import (
    NOW,
    TODAY,
    load_law,
    make_customer,
    make_entity,
    make_item,
    make_policy,
    make_step,
    settle,
)

KINDS = list(Customer.Kind.values)


def generate_books(entity: LegalEntity, draw: random.Random) -> None:
    """Customers in every situation the rule knows, some of them several at once."""
    levels = {level.rank: level for level in Level.objects.filter(policy__legal_entity=entity)}
    for _ in range(12):
        customer = make_customer(entity, kind=draw.choice(KINDS), segment=draw.choice(["", "PME"]))
        situation = draw.random()
        if situation < 0.1:
            customer.status, customer.insolvency_date = (
                "INSOLVENT",
                TODAY - timedelta(days=draw.randint(-5, 20)),
            )
        elif situation < 0.2:
            customer.status = "ON_HOLD"
            customer.hold_until = draw.choice([None, TODAY, TODAY - timedelta(days=1)])
        customer.save()
        currencies = ["EUR", "EUR", "EUR", "GBP"]
        credits = {
            currency: make_item(
                customer, -draw.choice([100, 400, 5000]), TODAY - timedelta(days=60), currency=currency
            )
            for currency in ("EUR", "GBP")
            if draw.random() < 0.5
        }
        for _ in range(draw.randint(1, 6)):
            due = TODAY - timedelta(
                days=draw.choice([-10, 0, 1, 5, 6, 15, 16, 31, 61, 95, 200, 400, 5000, 36500])
            )
            currency = draw.choice(currencies)
            item = make_item(
                customer,
                Decimal(draw.randint(1, 500000)) / 100,
                due,
                currency=currency,
                is_factored=draw.random() < 0.05,
            )
            _settle_some(draw, item, credits.get(currency))
            if draw.random() < 0.3 and item.open_amount:
                _dispute_or_promise(draw, item)
            if draw.random() < 0.1 and item.open_amount:
                _plan(draw, item)
            if due < TODAY:
                for rank in range(1, draw.randint(0, 4) + 1):
                    last = draw.random() < 0.3
                    make_step(
                        item, levels[rank], sent_on=None if last else TODAY - timedelta(days=20 - 4 * rank)
                    )
                    if last:
                        break


def _settle_some(draw: random.Random, item: OpenItem, credit: OpenItem | None) -> None:
    # A credit given back is not used again: dated before the reversal, it would be spent twice that day.
    if credit is None or Allocation.objects.filter(credit=credit, reversed_on__isnull=False).exists():
        return
    if not credit.open_amount or draw.random() < 0.5:
        return
    amount = min(item.open_amount, -credit.open_amount) * Decimal(draw.choice(["0.3", "0.5", "1"]))
    amount = amount.quantize(Decimal("0.01"))
    if amount:
        # Some lie after the run's date: a run as of a past day must not see them.
        on = TODAY + timedelta(days=draw.choice([-50, -20, -1, 0, 3]))
        allocation = settle(item, credit, amount, max(on, item.issue_date))
        if draw.random() < 0.2:
            item.open_amount += amount
            credit.open_amount -= amount
            item.save()
            credit.save()
            allocation.reversed_on = allocation.allocated_on + timedelta(days=draw.choice([0, 2, 30]))
            allocation.save()


def _dispute_or_promise(draw: random.Random, item: OpenItem) -> None:
    """All or a part of the item, sometimes both at once, in force or not as of the run."""
    both = draw.random() < 0.3
    share = Decimal(draw.choice(["0.2", "0.5", "1"]))
    amount = max((item.open_amount * share).quantize(Decimal("0.01")), Decimal("0.01"))
    if both or draw.random() < 0.5:
        resolved = draw.choice([None, None, TODAY, TODAY + timedelta(days=3)])
        Dispute.objects.create(
            item=item,
            amount=amount,
            reason="PU_ERR",
            opened_on=TODAY - timedelta(days=3),
            resolved_on=resolved,
        )
    else:
        both = True
    if both:
        Promise.objects.create(
            item=item,
            amount=amount,
            promised_date=TODAY + timedelta(days=draw.choice([-1, 0, 10])),
            made_on=TODAY - timedelta(days=draw.choice([2, 25, 60])),
        )


def _plan(draw: random.Random, item: OpenItem) -> None:
    """A plan in force, or not yet, or no longer as of the run."""
    started = draw.choice([None, TODAY - timedelta(days=9), TODAY + timedelta(days=1)])
    released = draw.choice([None, TODAY, TODAY + timedelta(days=2)]) if started else None
    status = "ACTIVE" if started and not released else "CANCELLED" if released else "OFFERED"
    plan = PaymentPlan.objects.create(
        legal_entity=item.legal_entity,
        customer=item.customer,
        currency=item.currency,
        total_amount=item.open_amount,
        made_on=TODAY - timedelta(days=10),
        status=status,
        started_on=started,
        ended_on=released,
        updated_at=NOW,
    )
    PlanItem.objects.create(plan=plan, item=item, amount=item.open_amount, released_on=released)


def in_force(allocation: Allocation) -> bool:
    return allocation.allocated_on <= TODAY and (
        allocation.reversed_on is None or allocation.reversed_on > TODAY
    )


def balance_as_of(item: OpenItem) -> Decimal:
    """From the total and the dated allocations, not from the stored balance."""
    moves = [a.amount for a in Allocation.objects.filter(debit=item) if in_force(a)]
    back = [a.amount for a in Allocation.objects.filter(credit=item) if in_force(a)]
    return item.total_amount - sum(moves, Decimal(0)) + sum(back, Decimal(0))


def expected(entity: LegalEntity) -> tuple[dict, dict]:
    """What the pure rules say: notices by (customer, currency), exclusions by (customer, currency, reason)."""
    notices, excluded = {}, defaultdict(int)
    for customer in Customer.objects.filter(legal_entity=entity):
        by_currency = defaultdict(list)
        for item in OpenItem.objects.filter(customer=customer, issue_date__lte=TODAY):
            by_currency[item.currency].append((item, balance_as_of(item)))
        for currency, items in by_currency.items():
            levels = list(Level.objects.filter(policy__legal_entity=entity).order_by("rank"))
            account = Account(
                is_insolvent=customer.status == "INSOLVENT" and customer.insolvency_date <= TODAY,
                is_on_hold=customer.status == "ON_HOLD"
                and (customer.hold_until is None or customer.hold_until >= TODAY),
                credit_amount=-sum((open for item, open in items if open < 0), Decimal(0)),
                rates_from=rates_known_from(register(), entity),
                policy=PolicyRule(
                    tuple(LevelRule(lv.rank, lv.delay_days, lv.gap_days, lv.kind) for lv in levels),
                    minimum_amount=Decimal("50.00"),
                ),
            )
            overdue = {
                item.pk: (item, facts(item, open))
                for item, open in items
                if open > 0 and item.due_date < TODAY
            }
            outcome = select(account, [found for _item, found in overdue.values()], TODAY)
            for reason in outcome.excluded.values():
                excluded[customer.pk, currency, str(reason)] += 1
            for notice in outcome.notices:
                level = next(lv for lv in levels if lv.rank == notice.level.rank)
                lines = {
                    pk: line_of(rank, *overdue[pk], customer, level) for pk, rank in notice.ranks.items()
                }
                none = Decimal(0)
                lines |= {item.pk: (0, open, none, none, none, none) for item, open in items if open < 0}
                notices[customer.pk, currency] = (notice.level.rank, lines)
    return notices, dict(excluded)


def line_of(rank: int, item: OpenItem, found: ItemFacts, customer: Customer, level: Level) -> tuple:
    parts = found.parts
    left_out = parts.disputed + parts.promised
    return (rank, parts.chaseable, parts.disputed, parts.promised, *fees(item, left_out, customer, level))


def facts(item: OpenItem, open_amount: Decimal) -> ItemFacts:
    from dunning.models import NoticeLine

    step = (
        NoticeLine.objects.filter(item=item, in_force=True).select_related("notice").order_by("-rank").first()
    )
    return ItemFacts(
        item_id=item.pk,
        due_date=item.due_date,
        open_amount=open_amount,
        is_factored=item.is_factored,
        disputed_amount=sum(
            (d.amount for d in item.disputes.all() if d.resolved_on is None or d.resolved_on > TODAY),
            Decimal(0),
        ),
        promised_amount=sum((still_promised(p) for p in item.promises.all()), Decimal(0)),
        is_planned=any(
            part.plan.started_on is not None
            and part.plan.started_on <= TODAY
            and (part.released_on is None or part.released_on > TODAY)
            for part in PlanItem.objects.filter(item=item).select_related("plan")
        ),
        has_formal_notice=step is not None and step.rank >= 3,
        last_rank=step.rank if step else 0,
        last_sent_on=step.notice.sent_on if step and step.notice.status == "SENT" else None,
    )


def still_promised(promise: Promise) -> Decimal:
    """Promised for the day of the run or later, less what was matched since the promise was made."""
    if promise.promised_date < TODAY:
        return Decimal(0)
    since = [
        allocation.amount
        for allocation in Allocation.objects.filter(debit=promise.item)
        if in_force(allocation)
        and max(allocation.allocated_on, localtime(allocation.created_at).date()) >= promise.made_on
    ]
    return max(promise.amount - sum(since, Decimal(0)), Decimal(0))


def fees(item: OpenItem, withheld: Decimal, customer: Customer, level: Level) -> tuple[Decimal, Decimal]:
    found = fee_statements([item], as_of=TODAY, legal=register(), left_out={item.pk: withheld})[item.pk].fees
    return (
        found.interest if level.claims_interest else Decimal(0),
        found.indemnity if level.claims_indemnity else Decimal(0),
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("seed", "clause"), [(1, ""), (2, ""), (3, "FIXED:12"), (4, "FIXED:5"), (5, "LEGAL_X:3"), (6, "")]
)
def test_run_decides_as_the_pure_rules_do(seed: int, clause: str) -> None:
    load_law()
    entity = make_entity(late_fee_clause=clause)
    make_policy(entity, minimum_amount=Decimal("50.00"))
    generate_books(entity, random.Random(seed))
    notices, excluded = expected(entity)
    assert notices, "the generated books must give notices"

    planned = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)

    written = {}
    for notice in Notice.objects.filter(run=planned.run_id).select_related("level"):
        lines = {
            line.item_id: (
                line.rank, line.open_amount, line.disputed_amount, line.promised_amount,
                line.interest_amount, line.indemnity_amount,
            )
            for line in notice.lines.all()
        }  # fmt: skip
        written[notice.customer_id, notice.currency] = (notice.level.rank, lines)
        assert notice.open_amount == sum(line[1] for line in lines.values())
        assert notice.interest_amount == sum(line[4] for line in lines.values())
        assert notice.indemnity_amount == sum(line[5] for line in lines.values())
        assert notice.line_count == sum(1 for line in lines.values() if line[0])
    assert written == notices
    assert {
        (row.customer_id, row.currency, row.reason): row.item_count
        for row in RunExclusion.objects.filter(run=planned.run_id)
    } == excluded
    assert planned.notices == len(notices)


@pytest.mark.django_db
def test_every_overdue_item_has_an_outcome_and_a_second_run_proposes_nothing_twice() -> None:
    load_law()
    entity = make_entity()
    make_policy(entity)
    generate_books(entity, random.Random(11))
    overdue = [
        item
        for item in OpenItem.objects.filter(legal_entity=entity, due_date__lt=TODAY, issue_date__lte=TODAY)
        if balance_as_of(item) > 0
    ]

    first = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    second = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)

    assert first.lines + sum(first.excluded.values()) == len(overdue)
    assert (second.notices, second.lines) == (0, 0)
    assert sum(second.excluded.values()) == len(overdue)


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
