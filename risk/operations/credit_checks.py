"""« Puis-je livrer ? »: asking, with or without a reservation, and deciding what was referred to a person."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import F
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.models import User
from core.operation import operation
from core.rights import Actor
from customers.models import Customer
from risk.credit_check import Decision, check_credit, lock_credit
from risk.credit_rules import Outcome
from risk.credit_words import told_reasons
from risk.exposure_rules import Components
from risk.models import CreditCheck, CreditHold, Order
from risk.operations.order_values import (
    OrderConflict,
    OrderRefused,
    checked_amount,
    checked_currency,
    checked_expiry,
    checked_note,
    checked_reference,
    visible_customer,
)
from risk.operations.pending_amounts import add_reserved, refresh_pending
from risk.pending import reserved_of

Status = CreditCheck.Status
_SAME_ORDER = "SELECT id FROM risk_order WHERE legal_entity_id = %s AND reference = %s FOR UPDATE"
GRANTABLE = (Order.Status.REFERRED, Order.Status.RESERVED, Order.Status.EXPIRED, Order.Status.CANCELLED)


class DecisionRefused(BusinessError):
    """The referral cannot be decided so."""

    code = "decision_refused"


@operation("risk.check_credit")
def ask_credit(
    *,
    actor: Actor,
    customer: Customer,
    amount: Decimal,
    today: date,
    now: datetime,
    currency: str = "",
    reference: str = "",
    reserves: bool = False,
    expires_on: date | None = None,
) -> CreditCheck:
    """Ask whether the customer may be delivered so much, all taxes included; the answer is kept.

    With `reserves`, an approval takes its share of the limit for the order `reference`, until `expires_on`; a referral
    waits for a person; a refusal takes nothing. Asked again for an order that is only reserved, the new amount takes
    the place of the old one, which stands if the answer is no. Raises OrderRefused for values, OrderConflict when the
    order is further on.
    """
    customer = visible_customer(actor, customer)
    amount, currency = checked_amount(amount), checked_currency(currency, customer)
    limit = lock_credit(customer, today) if reserves else None
    order = _order_asked_for(customer, checked_reference(reference)) if reserves else None
    expires_on = checked_expiry(expires_on, today)
    already = reserved_of(order, today) if order is not None else None
    decision = check_credit(customer, amount, currency, today, now, limit=limit, without=already)
    if reserves and decision.outcome != Outcome.REFUSED:
        order = _written(order, customer, reference, amount, currency, expires_on, decision, today, now)
    check = CreditCheck.objects.create(
        customer=customer,
        order=order,
        status=Status.PENDING if reserves and decision.outcome == Outcome.REFERRED else Status.FINAL,
        outcome=decision.outcome,
        amount=amount,
        currency=currency,
        is_reservation=reserves,
        reasons=decision.reasons,
        known=decision.known,
        limit_amount=decision.facts.limit_amount,
        exposure_amount=decision.exposure,
        headroom_before=decision.answer.headroom_before,
        headroom_after=decision.answer.headroom_after,
        asked_on=today,
        asked_at=now,
        asked_by=actor if isinstance(actor, User) else None,
        asked_by_name=str(actor)[:120],
    )
    if reserves and decision.outcome == Outcome.APPROVED:
        _count(customer, order, already, amount, currency, decision, today)
    audit.record(
        actor=actor,
        verb=f"risk.credit_check.{decision.outcome.lower()}",
        refs=[customer, check, *([order] if order is not None else [])],
        now=now,
        amount=str(amount),
        currency=currency,
        reference=order.reference if order is not None else "",
        reasons=[reason["code"] for reason in decision.reasons],
    )
    return check


@operation("risk.decide_check")
def decide_check(
    *, actor: Actor, check_id: int, grants: bool, reason: str, today: date, now: datetime
) -> CreditCheck:
    """Grant or refuse what was referred, with a reason. Granted, the order takes its share of the limit, and beyond.

    Raises DecisionRefused: decided already, asked by the same person, nothing to grant any more because the answer
    would now be no.
    """
    check = (
        CreditCheck.objects.select_for_update(of=("self",))
        .select_related("customer", "order")
        .filter(pk=check_id, customer__in=Customer.objects.visible_to(actor))
        .first()
    )
    if check is None or check.status != Status.PENDING:
        raise DecisionRefused(
            _("Cette demande est déjà décidée : rechargez la page."), code="decided_already"
        )
    reason = checked_note(reason, required=True)
    if grants and check.asked_by_id is not None and check.asked_by_id == actor.pk:
        raise DecisionRefused(
            _("Vous avez posé la question : une autre personne doit accorder."), code="same_person"
        )
    limit = lock_credit(check.customer, today)
    order = check.order
    assert order is not None
    order = Order.objects.select_for_update(of=("self",)).get(pk=order.pk)
    if grants:
        if order.status not in GRANTABLE:
            raise DecisionRefused(
                _("La commande est « %(state)s » : il n’y a plus rien à accorder.")
                % {"state": order.get_status_display()},
                code="order_under_way",
            )
        already = reserved_of(order, today)
        decision = check_credit(
            check.customer, check.amount, check.currency, today, now, limit=limit, without=already
        )
        grave = [reason for reason in decision.reasons if reason["outcome"] == Outcome.REFUSED]
        known = {reason["code"] for reason in check.reasons}
        if any(reason["code"] not in known for reason in grave):
            raise DecisionRefused(
                _("La situation a changé depuis la demande : %(reasons)s")
                % {"reasons": " ".join(told["message"] for told in told_reasons(grave))},
                code="refused_since",
            )
        order.status, order.amount, order.settled_at, order.updated_at = (
            Order.Status.RESERVED, check.amount, None, now,
        )  # fmt: skip
        if order.expires_on is not None and order.expires_on < today:
            order.expires_on = today + timedelta(days=decision.settings.reservation_days)
        order.save(update_fields=["status", "amount", "expires_on", "settled_at", "updated_at"])
        _use_up_releases(decision, check.amount)
    elif order.status == Order.Status.REFERRED:
        order.status, order.settled_at, order.updated_at = Order.Status.CANCELLED, now, now
        order.save(update_fields=["status", "settled_at", "updated_at"])
    check.status = Status.RELEASED if grants else Status.REJECTED
    check.resolved_by_id, check.resolved_at, check.resolution_reason = actor.pk, now, reason
    check.save(update_fields=["status", "resolved_by", "resolved_at", "resolution_reason"])
    refresh_pending([check.customer_id], today)
    audit.record(
        actor=actor,
        verb="risk.credit_check.released" if grants else "risk.credit_check.rejected",
        refs=[check.customer, check, order],
        now=now,
        amount=str(check.amount),
        currency=check.currency,
        reference=order.reference,
        reason=reason,
    )
    return check


def _order_asked_for(customer: Customer, reference: str) -> Order | None:
    """The order of that number, locked; None for a new one. Raises OrderConflict when it is further on."""
    # Most orders are new: the row is read whole only when there is one.
    with connection.cursor() as cursor:
        cursor.execute(_SAME_ORDER, [customer.legal_entity_id, reference])
        found = cursor.fetchone()
    if found is None:
        return None
    order = Order.objects.get(pk=found[0])
    if order.customer_id != customer.pk:
        raise OrderConflict(
            _("Ce numéro de commande est celui d’un autre client."), code="reference_taken", field="reference"
        )
    if CreditCheck.objects.filter(order=order, status=Status.PENDING).exists():
        raise OrderConflict(
            _("Cette commande attend déjà la décision d’une personne."),
            code="decision_pending",
            field="reference",
        )
    again = (Order.Status.RESERVED, Order.Status.CANCELLED, Order.Status.EXPIRED)
    if order.status not in again:
        raise OrderConflict(
            _("Cette commande est « %(state)s » : elle ne se réserve plus.")
            % {"state": order.get_status_display()},
            code="order_under_way",
            field="reference",
        )
    return order


def _written(
    order: Order | None,
    customer: Customer,
    reference: str,
    amount: Decimal,
    currency: str,
    expires_on: date | None,
    decision: Decision,
    today: date,
    now: datetime,
) -> Order:
    """The order as the answer leaves it: reserved, or waiting. One that stood stays as it is while it waits."""
    is_approved = decision.outcome == Outcome.APPROVED
    expires_on = expires_on or today + timedelta(days=decision.settings.reservation_days)
    if order is None:
        return Order.objects.create(
            legal_entity_id=customer.legal_entity_id,
            customer=customer,
            reference=checked_reference(reference),
            status=Order.Status.RESERVED if is_approved else Order.Status.REFERRED,
            currency=currency,
            amount=amount,
            ordered_on=today,
            expires_on=expires_on,
            created_at=now,
            updated_at=now,
        )
    if order.currency != currency:
        raise OrderRefused(
            _("Cette commande est en %(currency)s : sa devise ne change pas.") % {"currency": order.currency},
            field="currency",
        )
    if is_approved:
        order.status, order.amount, order.released_amount = Order.Status.RESERVED, amount, Decimal(0)
        order.expires_on, order.settled_at, order.updated_at = expires_on, None, now
        order.save(
            update_fields=["status", "amount", "released_amount", "expires_on", "settled_at", "updated_at"]
        )
    return order


def _count(
    customer: Customer,
    order: Order | None,
    already: Components | None,
    amount: Decimal,
    currency: str,
    decision: Decision,
    today: date,
) -> None:
    """What the reservation changes beside the order: the sums of the lists, and releases used up."""
    if already is None:
        add_reserved(customer, amount, currency, decision.settings)
    else:
        refresh_pending([customer.pk], today)
    _use_up_releases(decision, amount)


def _use_up_releases(decision: Decision, amount: Decimal) -> None:
    if decision.released_hold_ids:
        CreditHold.objects.filter(pk__in=decision.released_hold_ids).update(
            release_used_amount=F("release_used_amount") + amount
        )
