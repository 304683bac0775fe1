"""Payment plans at each of their stages, made by the real operations on the days they would have been."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO

from django.conf import settings
from django.db.models import Exists, F, OuterRef

from config.demo.creditors import People
from config.demo.steps import at
from core.files import read_file
from core.rights import SYSTEM
from customers.models import Customer, LegalEntity
from dunning.models import Notice
from invoices.models import OpenItem, PaymentPlan, Promise
from invoices.operations.allocations import allocate
from invoices.operations.items import post_item
from invoices.operations.payment_plans import draft_plan, start_plan, submit_plan
from invoices.operations.plan_sweeps import settle_plans
from invoices.plan_agreement import agreement_reference
from invoices.plan_rules import default_day, equal_instalments

_MOST_ITEMS = 4
_LEAST = Decimal(300)


@dataclass(frozen=True)
class _Stage:
    """How far a plan got; days are counted back from the last day of the demo."""

    made: int
    first: int
    count: int
    reached: str
    first_is_paid: bool = False


_BROKEN = _Stage(made=38, first=16, count=3, reached="ACTIVE")
_STAGES = (
    _BROKEN,
    _Stage(made=12, first=3, count=4, reached="ACTIVE", first_is_paid=True),
    _Stage(made=4, first=-20, count=3, reached="OFFERED"),
    # The largest debt, so that a second person is asked.
    _Stage(made=2, first=-25, count=6, reached="SUBMITTED"),
    _Stage(made=1, first=-30, count=2, reached="DRAFT"),
)


def agree_sample_plans(*, entity: LegalEntity, people: People, as_of: date) -> int:
    """One plan that was broken, one that is kept, one to sign, one to approve, one draft; how many there could be."""
    plans: list[PaymentPlan] = []
    for stage in _STAGES:
        debts = _debts(
            entity, as_of - timedelta(days=stage.made), as_of, [plan.customer_id for plan in plans]
        )
        if stage.reached != "SUBMITTED":
            debts = [found for found in debts if _owed(found) < settings.PLAN_APPROVAL_AMOUNT]
        if not debts:
            continue
        plan = _agree(stage, debts[0], people, as_of)
        plans.append(plan)
        if stage is _BROKEN:
            missed = default_day(as_of - timedelta(days=stage.first), plan.grace_days)
            settle_plans(actor=SYSTEM, today=missed, now=at(missed))
    settle_plans(actor=SYSTEM, today=as_of, now=at(as_of, 0))
    return len(plans)


def _debts(entity: LegalEntity, day: date, as_of: date, taken: list[int]) -> list[list[OpenItem]]:
    """What is late now and customers asked time for on that day, the largest debt first.

    Nobody who was written to since, and nothing contested, promised or moved since.
    """
    written_to = Notice.objects.filter(
        customer=OuterRef("pk"), as_of__gte=day, status__in=["APPROVED", "SENT"]
    )
    credits = OpenItem.objects.filter(customer=OuterRef("pk"), open_amount__lt=0)
    customers = (
        Customer.objects.filter(legal_entity=entity, status=Customer.Status.ACTIVE)
        .exclude(pk__in=taken)
        .exclude(Exists(written_to) | Exists(credits))
    )
    promises = Promise.objects.filter(item=OuterRef("pk"), status=Promise.Status.OPEN)
    items = OpenItem.objects.filter(
        customer__in=customers,
        kind=OpenItem.Kind.INVOICE,
        currency=entity.currency,
        disputed_amount=0,
        is_factored=False,
        issue_date__lt=day,
        due_date__lt=as_of,
        open_amount=F("total_amount"),
    ).exclude(Exists(promises))
    of_customer: dict[int, list[OpenItem]] = {}
    for item in items.order_by("customer__account_code", "due_date", "number"):
        of_customer.setdefault(item.customer_id, []).append(item)
    debts = [found[:_MOST_ITEMS] for found in of_customer.values()]
    return sorted((found for found in debts if _owed(found) >= _LEAST), key=_owed, reverse=True)


def _owed(items: list[OpenItem]) -> Decimal:
    return sum((item.open_amount for item in items), Decimal(0))


def _agree(stage: _Stage, items: list[OpenItem], people: People, as_of: date) -> PaymentPlan:
    day, first = as_of - timedelta(days=stage.made), as_of - timedelta(days=stage.first)
    plan = draft_plan(
        actor=people.main,
        customer_id=items[0].customer_id,
        item_ids=[item.pk for item in items],
        instalments=equal_instalments(_owed(items), stage.count, first),
        today=day,
        now=at(day, 8),
    )
    if stage.reached == "DRAFT":
        return plan
    plan = submit_plan(actor=people.main, plan_id=plan.pk, today=day, now=at(day, 9))
    if stage.reached != "ACTIVE" or plan.agreement is None:
        return plan
    signed = day + timedelta(days=4)
    plan = start_plan(
        actor=people.main,
        plan_id=plan.pk,
        content=BytesIO(read_file(plan.agreement)),
        name=f"{agreement_reference(plan)}-signe.pdf",
        today=signed,
        now=at(signed),
    )
    if stage.first_is_paid:
        _pay_first(plan, items, first - timedelta(days=1))
    return plan


def _pay_first(plan: PaymentPlan, items: list[OpenItem], day: date) -> None:
    """The first instalment comes in and settles the oldest items first."""
    left = plan.instalments.get(rank=1).amount
    payment = post_item(
        actor=SYSTEM,
        customer_id=plan.customer_id,
        kind=OpenItem.Kind.PAYMENT,
        number=f"VIR-{agreement_reference(plan)}-1",
        issue_date=day,
        due_date=day,
        currency=plan.currency,
        total_amount=-left,
        now=at(day),
        reference=agreement_reference(plan),
    )
    for item in items:
        part = min(left, item.open_amount)
        if part > 0:
            allocate(
                actor=SYSTEM,
                debit_id=item.pk,
                credit_id=payment.pk,
                amount=part,
                allocated_on=day,
                today=day,
                now=at(day),
            )
            left -= part
