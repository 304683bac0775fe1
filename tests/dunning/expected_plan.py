"""What a run should write, from the pure rules and plain queries, customer by customer."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.timezone import localtime

from core.calendar import add_months
from core.legal import register
from customers.models import Customer, LegalEntity
from dunning.fee_statements import fee_statements
from dunning.models import DunningException, Level, Notice, NoticeLine, Policy, TrialMember
from dunning.planning.fees import rates_known_from
from dunning.planning.rules import rule_of
from dunning.selection import Account, ItemFacts, PolicyRule, select
from invoices.models import Allocation, OpenItem, PlanItem, Promise
from risk.models import Score
from tests.dunning.factories import TODAY

NONE = Decimal(0)


@dataclass
class Expected:
    """Notices by (customer, currency, item of its own); exclusions of overdue items by (customer, currency, reason)."""

    notices: dict = field(default_factory=dict)
    excluded: dict = field(default_factory=lambda: defaultdict(int))
    next_dates: dict = field(default_factory=dict)


def in_force(allocation: Allocation) -> bool:
    return allocation.allocated_on <= TODAY and (
        allocation.reversed_on is None or allocation.reversed_on > TODAY
    )


def balance_as_of(item: OpenItem) -> Decimal:
    """From the total and the dated allocations, not from the stored balance."""
    moves = [a.amount for a in Allocation.objects.filter(debit=item) if in_force(a)]
    back = [a.amount for a in Allocation.objects.filter(credit=item) if in_force(a)]
    return item.total_amount - sum(moves, NONE) + sum(back, NONE)


def expected(entity: LegalEntity) -> Expected:
    found = Expected()
    for customer in Customer.objects.filter(legal_entity=entity):
        by_currency = defaultdict(list)
        for item in OpenItem.objects.filter(customer=customer, issue_date__lte=TODAY):
            by_currency[item.currency].append((item, balance_as_of(item)))
        for currency, items in by_currency.items():
            _account(found, customer, currency, items)
    return found


def _account(found: Expected, customer: Customer, currency: str, items: list) -> None:
    in_force = exceptions(customer)
    owed = {item.pk: (item, facts(item, open, in_force)) for item, open in items if open > 0}
    overdue = [item.due_date for item, _facts in owed.values() if item.due_date < TODAY]
    account = Account(
        is_insolvent=customer.status == "INSOLVENT" and customer.insolvency_date <= TODAY,
        is_on_hold=customer.status == "ON_HOLD"
        and (customer.hold_until is None or customer.hold_until >= TODAY),
        is_excepted=any(e.effect == "HOLD" and e.item_id is None for e in in_force),
        is_reminders_only=any(e.effect == "REMINDERS_ONLY" and e.item_id is None for e in in_force),
        credit_amount=-sum((open for _item, open in items if open < 0), NONE),
        rates_from=rates_known_from(register(), customer.legal_entity),
        **led(
            customer,
            in_force,
            currency,
            sum((f.open_amount for _i, f in owed.values() if f.is_overdue(TODAY)), NONE),
            (TODAY - min(overdue)).days if overdue else 0,
        ),
        **contacts(customer),
    )
    outcome = select(account, [item for _item, item in owed.values()], TODAY)
    for pk, reason in outcome.excluded.items():
        if owed[pk][0].due_date < TODAY:
            key = customer.pk, currency, str(reason)
            found.excluded[key] += 1
            if pk in outcome.next_dates:
                day = outcome.next_dates[pk]
                found.next_dates[key] = min(found.next_dates.get(key, day), day)
    for notice in outcome.notices:
        level = Level.objects.get(policy=notice.policy.policy_id, rank=notice.level.rank)
        lines = {pk: line_of(rank, *owed[pk], level) for pk, rank in notice.ranks.items()}
        lines |= {item.pk: (0, open, NONE, NONE, NONE, NONE) for item, open in items if open < 0}
        status = "APPROVED" if notice.is_automatic else "PROPOSED"
        found.notices[customer.pk, currency, notice.item_id] = (level.pk, status, notice.principal, lines)


def exceptions(customer: Customer) -> list[DunningException]:
    return [
        e
        for e in DunningException.objects.filter(customer=customer, from_date__lte=TODAY)
        if (e.until is None or e.until >= TODAY) and (e.ended_on is None or e.ended_on > TODAY)
    ]


def named(code: str, customer: Customer) -> PolicyRule | None:
    policy = Policy.objects.filter(code=code, status="ACTIVE").first()
    if policy is None or policy.legal_entity_id not in (None, customer.legal_entity_id):
        return None
    return rule_of(policy)


def led(customer: Customer, in_force: list, currency: str, overdue: Decimal, oldest: int) -> dict:
    """By which policy, or why by none: exception, trial, conditions."""
    for exception in in_force:
        if exception.effect == "POLICY" and exception.item_id is None:
            return {"policy": named(exception.policy_code, customer)}
    member = TrialMember.objects.filter(
        customer=customer, is_live=True, is_control=True, trial__started_on__lte=TODAY
    ).first()
    if member is not None:
        control = member.trial.control_policy
        if control is None:
            return {"is_held_out": True}
        foreign = control.legal_entity_id not in (None, customer.legal_entity_id)
        return {"policy": None if foreign else rule_of(control)}
    score = Score.objects.filter(customer=customer, is_current=True).first()
    for policy in Policy.objects.filter(status="ACTIVE").order_by("priority", "code"):
        conditions = (
            policy.legal_entity_id in (None, customer.legal_entity_id),
            policy.customer_kind in ("", customer.kind),
            policy.segment in ("", customer.segment),
            policy.risk_class in ("", score.risk_class if score else None),
            not policy.countries or customer.country in policy.countries,
            policy.overdue_from is None or overdue >= policy.overdue_from,
            policy.overdue_below is None or overdue < policy.overdue_below,
            policy.oldest_days_from is None or oldest >= policy.oldest_days_from,
            policy.oldest_days_below is None or oldest < policy.oldest_days_below,
            policy.turnover_share_from is None or has_share(customer, currency, policy.turnover_share_from),
        )
        if all(conditions):
            return {"policy": rule_of(policy)}
    return {"policy": None}


def has_share(customer: Customer, currency: str, percent: Decimal) -> bool:
    invoiced = OpenItem.objects.filter(
        legal_entity=customer.legal_entity, kind="INVOICE", currency=currency,
        issue_date__gt=add_months(TODAY, -12), issue_date__lte=TODAY,
    )  # fmt: skip
    own = [item.total_amount for item in invoiced if item.customer_id == customer.pk]
    whole = sum((item.total_amount for item in invoiced), NONE)
    return bool(own) and 100 * sum(own, NONE) >= percent * whole


def contacts(customer: Customer) -> dict:
    key = customer.siren or f"C{customer.pk}"
    last, to_come = None, False
    for notice in Notice.objects.filter(contact_key=key).exclude(level__channel="AGENCY"):
        if notice.status == "SENT":
            last = max(last or notice.sent_on, notice.sent_on)
        elif notice.status in ("PROPOSED", "APPROVED", "RENDERED", "SENDING"):
            to_come = to_come or not is_too_late(notice, customer)
    return {"last_contact": last, "has_contact_to_come": to_come}


def is_too_late(notice: Notice, customer: Customer) -> bool:
    """A reminder before the due date that did not leave in time: the run holds it."""
    return (
        notice.legal_entity_id == customer.legal_entity_id
        and notice.level.kind == "PRE_REMINDER"
        and notice.status in ("PROPOSED", "APPROVED", "RENDERED")
        and notice.oldest_due_date < TODAY
    )


def facts(item: OpenItem, open_amount: Decimal, in_force: list[DunningException]) -> ItemFacts:
    steps = [
        line
        for line in NoticeLine.objects.filter(item=item, in_force=True)
        .select_related("notice__level")
        .order_by("-rank")
        if not is_too_late(line.notice, item.customer)
    ]
    step = steps[0] if steps else None
    own = [e for e in in_force if e.item_id == item.pk]
    policy = next((e for e in own if e.effect == "POLICY"), None)
    return ItemFacts(
        item_id=item.pk,
        due_date=item.due_date,
        open_amount=open_amount,
        is_factored=item.is_factored,
        disputed_amount=sum(
            (d.amount for d in item.disputes.all() if d.resolved_on is None or d.resolved_on > TODAY), NONE
        ),
        promised_amount=sum((still_promised(p) for p in item.promises.all()), NONE),
        is_planned=any(
            part.plan.started_on is not None
            and part.plan.started_on <= TODAY
            and (part.released_on is None or part.released_on > TODAY)
            for part in PlanItem.objects.filter(item=item).select_related("plan")
        ),
        last_rank=step.rank if step else 0,
        last_sent_on=step.notice.sent_on if step and step.notice.status == "SENT" else None,
        has_formal_notice=any(
            line.notice.status == "SENT"
            and line.notice.level.policy.levels.filter(rank=line.rank, kind="FORMAL_NOTICE").exists()
            for line in steps
        ),
        is_excepted=any(e.effect == "HOLD" for e in own),
        is_reminders_only=any(e.effect == "REMINDERS_ONLY" for e in own),
        has_own_policy=policy is not None,
        own_policy=named(policy.policy_code, item.customer) if policy else None,
    )


def still_promised(promise: Promise) -> Decimal:
    """Promised for the day of the run or later, less what was matched since the promise was made."""
    if promise.promised_date < TODAY:
        return NONE
    since = [
        allocation.amount
        for allocation in Allocation.objects.filter(debit=promise.item)
        if in_force(allocation)
        and max(allocation.allocated_on, localtime(allocation.created_at).date()) >= promise.made_on
    ]
    return max(promise.amount - sum(since, NONE), NONE)


def line_of(rank: int, item: OpenItem, found: ItemFacts, level: Level) -> tuple:
    parts = found.parts
    left_out = parts.disputed + parts.promised
    fees = fee_statements([item], as_of=TODAY, legal=register(), left_out={item.pk: left_out})[item.pk].fees
    return (
        rank, parts.chaseable, parts.disputed, parts.promised,
        fees.interest if level.claims_interest else NONE,
        fees.indemnity if level.claims_indemnity else NONE,
    )  # fmt: skip
