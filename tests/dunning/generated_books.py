"""Books in every situation that the planning of a run knows, several at once, drawn from a seed."""

import random
from datetime import timedelta
from decimal import Decimal

from customers.models import Customer, LegalEntity
from dunning.models import DunningException, Level, Notice, Policy, Trial, TrialMember
from invoices.models import Allocation, Dispute, OpenItem, PaymentPlan, PlanItem, Promise
from risk.models import Score
from tests.dunning.factories import (
    NOW,
    TODAY,
    make_customer,
    make_entity,
    make_item,
    make_policy,
    make_step,
    settle,
)

KINDS = list(Customer.Kind.values)
DAYS_LATE = (-20, -6, -5, -3, -1, 0, 1, 2, 5, 6, 15, 16, 31, 61, 95, 200, 400, 5000, 36500)
# Conditions of a policy, each with what makes it take some accounts and leave others.
CONDITIONS = (
    {"customer_kind": "COMPANY"}, {"segment": "PME"}, {"risk_class": "D"}, {"countries": ["DE", "ES"]},
    {"overdue_from": Decimal(1500)}, {"overdue_below": Decimal(900)}, {"turnover_share_from": Decimal("9.5")},
    {"oldest_days_from": 60}, {"oldest_days_below": 30},
    {"overdue_from": Decimal(300), "countries": ["FR"], "oldest_days_below": 90},
)  # fmt: skip


def generate_books(entity: LegalEntity, draw: random.Random, customers: int = 18) -> None:
    """Several policies, then customers with their items, past steps, exceptions and contacts elsewhere."""
    policies = generate_policies(entity, draw)
    elsewhere = make_entity()
    make_policy(elsewhere)
    trial = Trial.objects.create(
        name="Essai",
        policy=policies[0],
        control_policy=draw.choice([None, policies[-1]]),
        started_on=TODAY + timedelta(days=draw.choice([-9, -9, 0, 1])),
    )
    for number in range(customers):
        customer = _customer(entity, draw)
        if number % 3 == 0:
            # Nothing but items that climb the ladder of one policy, or that nobody has reminded yet.
            for _ in range(draw.randint(1, 4)):
                due = TODAY - timedelta(days=draw.choice(DAYS_LATE[:-2]))
                item = make_item(customer, Decimal(draw.randint(100, 400000)) / 100, due)
                _climb(item, policies[2], draw)
            continue
        if draw.random() < 0.2:
            TrialMember.objects.create(
                trial=trial, customer=customer, is_control=draw.random() < 0.7, is_live=draw.random() < 0.8
            )
        _contact_elsewhere(elsewhere, customer, draw)
        currencies = ["EUR", "EUR", "EUR", "GBP"]
        credits = {
            currency: make_item(
                customer, -draw.choice([100, 400, 5000]), TODAY - timedelta(days=60), currency=currency
            )
            for currency in ("EUR", "GBP")
            if draw.random() < 0.3
        }
        items = [_item(customer, currencies, credits, policies, draw) for _ in range(draw.randint(1, 6))]
        _exceptions(customer, items, policies, draw)


def generate_policies(entity: LegalEntity, draw: random.Random) -> list[Policy]:
    """Two with conditions, one that takes everybody (or nobody, now and then) and one that is named only."""
    chosen = draw.sample(CONDITIONS, 2)
    policies = [
        _policy(entity, draw, priority=10 * rank, **conditions) for rank, conditions in enumerate(chosen, 1)
    ]
    policies.append(_policy(entity, draw, segment="GRANDS" if draw.random() < 0.15 else ""))
    policies.append(_policy(entity, draw, priority=900))
    return policies


def _policy(entity: LegalEntity, draw: random.Random, **fields: object) -> Policy:
    policy = make_policy(
        draw.choice([entity, None]),
        minimum_amount=draw.choice([0, 50, 400]),
        grouping=draw.choice(["CUSTOMER", "CUSTOMER", "ITEM"]),
        progression=draw.choice(["OWN_LEVEL", "OLDEST_LEADS"]),
        contact_gap_days=draw.choice([0, 0, 0, 7, 30]),
        **fields,
    )
    levels = list(policy.levels.all())
    ahead = draw.choice([0, 0, 1, 2])
    for level in reversed(levels):
        level.rank += ahead
        level.minimum_amount = draw.choice([0, 0, 0, 300, 2000])
        level.maximum_amount = draw.choice([None, None, 500, 3000])
        level.delay_from = draw.choice(
            ["DUE_DATE", "END_OF_MONTH", "PREVIOUS" if level.rank > 1 else "DUE_DATE"]
        )
        if level.kind != Level.Kind.HAND_OVER:
            level.approval = draw.choice(["AUTOMATIC", "AUTOMATIC", "CONFIRMATION", "MANUAL"])
        level.save()
    for rank in range(1, ahead + 1):
        Level.objects.create(
            policy=policy,
            rank=rank,
            kind=Level.Kind.PRE_REMINDER,
            channel=Level.Channel.EMAIL,
            delay_days=draw.choice([-10, -5]) if rank == 1 else draw.choice([-3, 0]),
            delay_from=draw.choice(["DUE_DATE", "DUE_DATE", "END_OF_MONTH"]),
            approval=draw.choice(["AUTOMATIC", "MANUAL"]),
        )
    return policy


def _customer(entity: LegalEntity, draw: random.Random) -> Customer:
    customer = make_customer(
        entity,
        kind=draw.choice(KINDS),
        segment=draw.choice(["", "PME"]),
        country=draw.choice(["FR", "FR", "DE"]),
        siren=f"{draw.randint(1, 10**9 - 1):09d}" if draw.random() < 0.6 else "",
    )
    situation = draw.random()
    if situation < 0.08:
        customer.status = "INSOLVENT"
        customer.insolvency_date = TODAY - timedelta(days=draw.randint(-5, 20))
    elif situation < 0.16:
        customer.status = "ON_HOLD"
        customer.hold_until = draw.choice([None, TODAY, TODAY - timedelta(days=1)])
    customer.save()
    if draw.random() < 0.5:
        Score.objects.create(
            customer=customer, as_of=TODAY, points=30, risk_class=draw.choice("BD"), reasons=[], card_version=1,
            scored_at=NOW,
        )  # fmt: skip
    return customer


def _item(customer: Customer, currencies, credits, policies: list[Policy], draw: random.Random) -> OpenItem:
    due = TODAY - timedelta(days=draw.choice(DAYS_LATE))
    currency = draw.choice(currencies)
    item = make_item(
        customer,
        Decimal(draw.randint(1, draw.choice([20000, 500000]))) / 100,
        due,
        currency=currency,
        is_factored=draw.random() < 0.05,
    )
    _settle_some(draw, item, credits.get(currency))
    if draw.random() < 0.3 and item.open_amount:
        _dispute_or_promise(draw, item)
    if draw.random() < 0.1 and item.open_amount:
        _plan(draw, item)
    _climb(item, draw.choice(policies), draw)
    return item


def _climb(item: OpenItem, policy: Policy, draw: random.Random) -> None:
    """Some steps of any of the policies, the last perhaps not sent yet: a policy may have changed since."""
    for level in policy.levels.order_by("rank")[: draw.randint(0, 5)]:
        waits = draw.random() < 0.1
        before_due = level.kind == Level.Kind.PRE_REMINDER
        sent_on = (
            item.due_date - timedelta(days=2)
            if before_due
            else TODAY - timedelta(days=draw.choice([3, 9]) + 30 - 6 * level.rank)
        )
        if sent_on > TODAY or (item.due_date >= TODAY and not before_due):
            break
        make_step(item, level, sent_on=None if waits else sent_on)
        if waits:
            break


def _contact_elsewhere(elsewhere: LegalEntity, customer: Customer, draw: random.Random) -> None:
    """The same company as another entity's customer, who wrote to it lately or is about to."""
    if not customer.siren or draw.random() < 0.5:
        return
    same = make_customer(elsewhere, siren=customer.siren)
    item = make_item(same, "700.00", TODAY - timedelta(days=50))
    level = draw.choice(list(Level.objects.filter(policy__legal_entity=elsewhere)))
    sent_on = draw.choice([None, TODAY, TODAY - timedelta(days=6), TODAY - timedelta(days=7)])
    notice = make_step(item, level, sent_on=sent_on)
    if sent_on is None and draw.random() < 0.5:
        Notice.objects.filter(pk=notice.pk).update(status="HELD")


def _exceptions(
    customer: Customer, items: list[OpenItem], policies: list[Policy], draw: random.Random
) -> None:
    for item in (None, *items):
        if draw.random() > 0.12:
            continue
        effect = draw.choice(list(DunningException.Effect.values))
        ended = draw.choice([None, None, TODAY, TODAY + timedelta(days=1)])
        DunningException.objects.create(
            customer=customer,
            item=item,
            effect=effect,
            policy_code=draw.choice([policies[-1].code, "SANS"]) if effect == "POLICY" else "",
            reason="Accord du directeur",
            from_date=TODAY + timedelta(days=draw.choice([-5, -5, 0, 1])),
            until=draw.choice([None, TODAY + timedelta(days=2)]),
            created_at=NOW,
            ended_on=ended,
        )


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
