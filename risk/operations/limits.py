"""Setting a limit at once, without a request: imports, the house itself, and reductions, which wait for nobody."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from core.models import User
from core.money import format_amount
from core.operation import operation
from core.rights import Actor
from customers.models import Customer
from risk.credit_policies import policy_of
from risk.models import CreditLimit
from risk.operations.limit_writing import (
    REASON_LENGTH,
    Grant,
    LimitRefused,
    check_values,
    locked_customer,
    standing_of,
    write_limit,
)

__all__ = ["REASON_LENGTH", "LimitRefused", "set_limit"]


@operation("risk.set_limit")
def set_limit(
    *,
    actor: Actor,
    customer: Customer,
    amount: Decimal,
    reason: str,
    today: date,
    now: datetime,
    currency: str = "",
    seen_limit_id: int | None = None,
    kind: str = CreditLimit.Kind.PERMANENT,
    basis: str = CreditLimit.Basis.OWN,
    expires_on: date | None = None,
) -> CreditLimit:
    """Set what the customer may owe from today on, in `currency` (the account's by default); the limit before ends.

    Zero means no credit at all. `seen_limit_id` is the limit that the person saw in force: when another one has
    been set since, nothing is written. Where the credit policy wants requests, a person may only reduce, and the
    limit keeps its end. Raises LimitRefused: no reason, bad amount or currency, closed account, the same limit
    again, a raise that needs a request, customer outside the actor's scope.
    """
    held = locked_customer(actor, customer.pk)
    grant = Grant(
        amount=amount,
        currency=(currency or held.currency).strip().upper(),
        reason=" ".join(reason.split()),
        kind=kind,
        basis=basis,
        expires_on=expires_on,
    )
    policy = policy_of(held.legal_entity_id)
    standing = standing_of(held.pk, CreditLimit.Scope.ACCOUNT)
    check_values(held, grant, standing, policy, today)
    leading = standing.leading(today)
    if seen_limit_id is not None and seen_limit_id != (leading.pk if leading else 0):
        raise LimitRefused(
            _("Le plafond a changé entre-temps. Relisez celui qui est en vigueur, puis validez de nouveau."),
            code="changed_meanwhile",
        )
    replaced = standing.of(kind)
    if replaced is not None and _is_same(replaced, grant, today):
        raise LimitRefused(
            _("Le plafond est déjà de %(amount)s : indiquez un autre montant.")
            % {"amount": format_amount(amount, grant.currency)},
            code="same_limit",
            field="amount",
        )
    if isinstance(actor, User) and policy is not None and policy.requires_requests:
        grant = _reduced(grant, standing.permanent, today)
    return write_limit(
        actor=actor, customer=held, grant=grant, standing=standing, policy=policy, today=today, now=now
    )


def _is_same(limit: CreditLimit, grant: Grant, today: date) -> bool:
    if limit.expires_on is not None and limit.expires_on < today:
        return False
    return (limit.amount, limit.currency) == (grant.amount, grant.currency) and grant.expires_on in (
        None,
        limit.expires_on,
    )


def _reduced(grant: Grant, permanent: CreditLimit | None, today: date) -> Grant:
    """The grant as one person may decide it alone: lower than the permanent limit, and no longer than it."""
    if grant.kind == CreditLimit.Kind.PERMANENT and grant.amount == 0:
        return grant
    is_lower = (
        grant.kind == CreditLimit.Kind.PERMANENT
        and permanent is not None
        and (permanent.expires_on is None or permanent.expires_on >= today)
        and permanent.currency == grant.currency
        and grant.amount < permanent.amount
        and grant.basis == permanent.basis
    )
    if not is_lower or permanent is None:
        raise LimitRefused(
            _("La politique de crédit veut une demande pour relever un plafond : déposez-la."),
            code="request_required",
            field="amount",
        )
    if permanent.expires_on is None:
        return grant
    end = min(grant.expires_on or permanent.expires_on, permanent.expires_on)
    return replace(grant, expires_on=end)
