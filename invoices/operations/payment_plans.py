"""Échéanciers: drafted, approved, offered, signed, cancelled. What time and money do to them is in `plan_sweeps`."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO

from django.conf import settings
from django.utils.translation import gettext as _

from core import audit
from core.files import store_file
from core.models import User
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from customers.models import Customer
from invoices.models import Instalment, OpenItem, PaymentPlan, PlanItem
from invoices.operations.plan_checks import (
    PlanRefused,
    check_customer,
    check_grace,
    check_instalments,
    check_items,
    check_reason,
    check_signed,
    item_refused,
)
from invoices.plan_agreement import agreement_pdf
from invoices.plan_rules import Part, default_day

ZERO = Decimal("0.00")
MOST_ITEMS = 500


@operation("invoices.plan")
def draft_plan(
    *,
    actor: Actor,
    customer_id: int,
    item_ids: Collection[int],
    instalments: Sequence[Part],
    today: date,
    now: datetime,
    grace_days: int | None = None,
    note: str = "",
) -> PaymentPlan:
    """Prepare a plan over whole open items of one customer and currency. Nothing changes for them yet.

    Raises PlanRefused: unknown or settled item, several currencies, item disputed, factored or in another plan,
    customer under insolvency proceedings, instalments that do not add up to the items to the cent.
    """
    items = _locked_items(actor, customer_id, item_ids)
    customer = Customer.objects.select_related("legal_entity").get(pk=customer_id)
    check_customer(customer)
    check_items(items)
    grace = settings.PLAN_GRACE_DAYS if grace_days is None else grace_days
    check_grace(grace)
    total = sum((item.open_amount for item in items), ZERO)
    check_instalments(instalments, total, items[0].currency, today)
    plan = PaymentPlan.objects.create(
        legal_entity_id=customer.legal_entity_id,
        customer=customer,
        currency=items[0].currency,
        total_amount=total,
        grace_days=grace,
        made_on=today,
        made_by=actor if isinstance(actor, User) else None,
        note=note.strip(),
        updated_at=now,
    )
    PlanItem.objects.bulk_create(PlanItem(plan=plan, item=item, amount=item.open_amount) for item in items)
    _write_instalments(plan, instalments)
    _tell(
        plan,
        actor,
        "invoices.plan.drafted",
        now,
        items=[item.number for item in items],
        instalments=len(instalments),
    )
    return plan


@operation("invoices.plan")
def change_plan(
    *,
    actor: Actor,
    plan_id: int,
    instalments: Sequence[Part],
    grace_days: int,
    note: str,
    today: date,
    now: datetime,
) -> PaymentPlan:
    """Write a draft's instalments anew; its items stay. Raises WrongState past the draft, PlanRefused as above."""
    plan = _locked_plan(actor, plan_id)
    _check_status(plan, PaymentPlan.Status.DRAFT)
    check_grace(grace_days)
    check_instalments(instalments, plan.total_amount, plan.currency, today)
    plan.instalments.all().delete()
    _write_instalments(plan, instalments)
    plan.grace_days, plan.note, plan.updated_at = grace_days, note.strip(), now
    plan.save(update_fields=["grace_days", "note", "updated_at"])
    _tell(plan, actor, "invoices.plan.changed", now, instalments=len(instalments))
    return plan


@operation("invoices.plan")
def submit_plan(*, actor: Actor, plan_id: int, today: date, now: datetime) -> PaymentPlan:
    """End the draft: a second person approves from `PLAN_APPROVAL_AMOUNT` on, below it the agreement is made at once.

    Raises WrongState unless it is a draft, PlanRefused when an item moved since.
    """
    plan = _locked_plan(actor, plan_id)
    needs_approval = plan.total_amount >= settings.PLAN_APPROVAL_AMOUNT
    target = PaymentPlan.Status.TO_APPROVE if needs_approval else PaymentPlan.Status.OFFERED
    check_move(plan, target)
    _check_unchanged(plan, today)
    if needs_approval:
        _move(plan, target, now)
        _tell(plan, actor, "invoices.plan.submitted", now)
    else:
        _offer(plan, actor, today, now)
    return plan


@operation("invoices.approve_plan")
def approve_plan(*, actor: Actor, plan_id: int, today: date, now: datetime) -> PaymentPlan:
    """Approve a plan that somebody else made; its agreement is then made for the customer to sign.

    Raises WrongState unless it waits, PlanRefused for its own author or when an item moved since.
    """
    plan = _locked_plan(actor, plan_id)
    _check_status(plan, PaymentPlan.Status.TO_APPROVE)
    if isinstance(actor, User) and plan.made_by_id == actor.pk:
        raise PlanRefused(
            _("Vous avez préparé cet échéancier : une autre personne doit l’approuver."), code="same_person"
        )
    _check_unchanged(plan, today)
    plan.approved_by, plan.approved_at = actor if isinstance(actor, User) else None, now
    plan.save(update_fields=["approved_by", "approved_at"])
    _tell(plan, actor, "invoices.plan.approved", now)
    _offer(plan, actor, today, now)
    return plan


@operation("invoices.approve_plan")
def return_plan(*, actor: Actor, plan_id: int, reason: str, now: datetime) -> PaymentPlan:
    """Send a waiting plan back to its author as a draft, saying why."""
    plan = _locked_plan(actor, plan_id)
    _check_status(plan, PaymentPlan.Status.TO_APPROVE)
    check_reason(reason)
    _move(plan, PaymentPlan.Status.DRAFT, now)
    _tell(plan, actor, "invoices.plan.returned", now, reason=reason.strip()[:200])
    return plan


@operation("invoices.plan")
def start_plan(
    *,
    actor: Actor,
    plan_id: int,
    content: IO[bytes],
    name: str,
    today: date,
    now: datetime,
) -> PaymentPlan:
    """Keep the agreement as the customer signed it: the plan is in force and its items are no longer chased.

    Raises WrongState unless it was offered, PlanRefused for a file that is no PDF, empty or too large.
    """
    plan = _locked_plan(actor, plan_id)
    check_move(plan, PaymentPlan.Status.ACTIVE)
    check_customer(plan.customer)
    first = plan.instalments.order_by("rank").first()
    if first is None or default_day(first.due_date, plan.grace_days) <= today:
        raise PlanRefused(
            _(
                "La première échéance et son délai de grâce sont passés : annulez cet échéancier et refaites-le."
            ),
            code="too_late",
        )
    check_signed(content)
    plan.signed_agreement = store_file(
        content=content, name=name, kind="invoices.plan", content_type="application/pdf", now=now
    )
    plan.started_on = today
    plan.save(update_fields=["signed_agreement", "started_on"])
    _move(plan, PaymentPlan.Status.ACTIVE, now)
    _tell(plan, actor, "invoices.plan.started", now, sha256=plan.signed_agreement.sha256)
    return plan


@operation("invoices.plan")
def cancel_plan(*, actor: Actor, plan_id: int, reason: str, today: date, now: datetime) -> PaymentPlan:
    """End a plan before its time; its items are chased again from the next run on.

    Raises WrongState when it has ended, PlanRefused without a reason.
    """
    plan = _locked_plan(actor, plan_id)
    check_move(plan, PaymentPlan.Status.CANCELLED)
    check_reason(reason)
    plan.ended_on, plan.end_reason = today, reason.strip()[:200]
    plan.status, plan.updated_at = PaymentPlan.Status.CANCELLED, now
    plan.save(update_fields=["status", "ended_on", "end_reason", "updated_at"])
    plan.items.filter(released_on__isnull=True).update(released_on=today)
    _tell(plan, actor, "invoices.plan.cancelled", now, reason=plan.end_reason)
    return plan


def _locked_plan(actor: Actor, plan_id: int) -> PaymentPlan:
    plan = (
        PaymentPlan.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .select_related("customer", "legal_entity", "made_by")
        .filter(pk=plan_id)
        .first()
    )
    if plan is None:
        raise PlanRefused(_("Cet échéancier n’existe pas dans votre périmètre."), code="plan_unknown")
    return plan


def _locked_items(actor: Actor, customer_id: int, item_ids: Collection[int]) -> list[OpenItem]:
    """The customer's items in the actor's scope, locked in the order of their keys."""
    wanted = set(item_ids)
    if not wanted:
        raise PlanRefused(_("Choisissez au moins une pièce à échelonner."), field="items")
    if len(wanted) > MOST_ITEMS:
        raise PlanRefused(
            _("Un échéancier porte au plus sur %(count)d pièces.") % {"count": MOST_ITEMS}, field="items"
        )
    items = list(
        OpenItem.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .filter(pk__in=wanted, customer=customer_id)
        .order_by("pk")
    )
    if len(items) != len(wanted):
        raise PlanRefused(
            _("Choisissez des pièces de ce client, dans votre périmètre."), code="item_unknown", field="items"
        )
    return items


def _check_unchanged(plan: PaymentPlan, today: date) -> None:
    """What is offered is what is owed: no payment, dispute or date has overtaken the draft."""
    check_customer(plan.customer)
    for part in plan.items.select_related("item").order_by("pk"):
        if part.item.open_amount != part.amount or part.item.disputed_amount:
            raise item_refused(
                _(
                    "La pièce %(number)s a changé depuis la préparation : annulez cet échéancier et refaites-le."
                ),
                part.item,
            )
    parts = [Part(row.due_date, row.amount) for row in plan.instalments.order_by("rank")]
    check_instalments(parts, plan.total_amount, plan.currency, today)


def _check_status(plan: PaymentPlan, status: str) -> None:
    if plan.status != status:
        check_move(plan, status)


def _write_instalments(plan: PaymentPlan, parts: Sequence[Part]) -> None:
    Instalment.objects.bulk_create(
        Instalment(plan=plan, rank=rank, due_date=part.due_date, amount=part.amount)
        for rank, part in enumerate(parts, start=1)
    )


def _offer(plan: PaymentPlan, actor: Actor, today: date, now: datetime) -> None:
    plan.agreement = store_file(
        content=agreement_pdf(plan, today=today),
        name=f"echeancier-{plan.pk}.pdf",
        kind="invoices.plan",
        content_type="application/pdf",
        now=now,
    )
    plan.save(update_fields=["agreement"])
    _move(plan, PaymentPlan.Status.OFFERED, now)
    _tell(plan, actor, "invoices.plan.offered", now, sha256=plan.agreement.sha256)


def _move(plan: PaymentPlan, status: str, now: datetime) -> None:
    check_move(plan, status)
    plan.status, plan.updated_at = status, now
    plan.save(update_fields=["status", "updated_at"])


def _tell(plan: PaymentPlan, actor: Actor, verb: str, now: datetime, **data: object) -> None:
    audit.record(
        actor=actor,
        verb=verb,
        refs=[plan, f"customer:{plan.customer_id}", *(f"openitem:{pk}" for pk in _item_ids(plan))],
        now=now,
        reference=f"n° {plan.pk}",
        amount=str(plan.total_amount),
        currency=plan.currency,
        **data,
    )


def _item_ids(plan: PaymentPlan) -> list[int]:
    return list(plan.items.order_by("item").values_list("item", flat=True))
