"""The piece that every operation on limits shares: check a grant, end the limits that it replaces, write it."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from core import audit
from core.calendar import add_months
from core.errors import BusinessError
from core.models import User
from core.money import MAX_AMOUNT, format_amount, round_money
from core.rights import Actor
from customers.models import CURRENCY, Customer
from risk.credit_policies import TEMPORARY_DAYS, VALIDITY_MONTHS
from risk.limits import group_limits_of, group_members, limits_of_group
from risk.models import CreditLimit, CreditPolicy, LimitRequest

REASON_LENGTH = 200
Kind, Scope, Basis = CreditLimit.Kind, CreditLimit.Scope, CreditLimit.Basis


class LimitRefused(BusinessError):
    """The limit cannot be set so; `field` names the input at fault."""

    code = "limit_refused"


@dataclass(frozen=True)
class Grant:
    """A limit as it shall be. `expires_on` None: the longest that the policy gives."""

    amount: Decimal
    currency: str
    reason: str
    kind: str = Kind.PERMANENT
    scope: str = Scope.ACCOUNT
    basis: str = Basis.OWN
    expires_on: date | None = None
    conditions: str = ""


@dataclass(frozen=True)
class Standing:
    """The limits of one customer and scope that nothing has ended, read under the customer's lock."""

    permanent: CreditLimit | None
    temporary: CreditLimit | None

    @property
    def former(self) -> list[CreditLimit]:
        return [limit for limit in (self.permanent, self.temporary) if limit is not None]

    def of(self, kind: str) -> CreditLimit | None:
        return self.permanent if kind == Kind.PERMANENT else self.temporary

    def leading(self, today: date) -> CreditLimit | None:
        """The one that counts: an expired limit that the night has not ended yet does not."""
        running = [row for row in self.former if row.expires_on is None or row.expires_on >= today]
        return max(running, key=lambda row: (row.amount, row.pk), default=None)


def locked_customer(actor: Actor, customer_id: int) -> Customer:
    """The customer in the actor's scope, locked. Raises LimitRefused when there is none."""
    held = (
        Customer.objects.visible_to(actor)
        .select_for_update(of=("self",), no_key=True)
        .filter(pk=customer_id)
        .first()
    )
    if held is None:
        raise LimitRefused(_("Ce client n’existe pas dans votre périmètre."), code="customer_unknown")
    return held


def standing_of(customer_id: int, scope: str) -> Standing:
    rows = {
        row.kind: row
        for row in CreditLimit.objects.standing()
        .filter(customer=customer_id, scope=scope)
        .select_for_update()
    }
    return Standing(rows.get(Kind.PERMANENT), rows.get(Kind.TEMPORARY))


def latest_end(kind: str, policy: CreditPolicy | None, today: date) -> date:
    """The last day that a limit decided today may have."""
    if kind == Kind.TEMPORARY:
        return today + timedelta(days=policy.temporary_days if policy else TEMPORARY_DAYS)
    return add_months(today, policy.validity_months if policy else VALIDITY_MONTHS)


def check_values(
    customer: Customer, grant: Grant, standing: Standing, policy: CreditPolicy | None, today: date
) -> None:
    """Raise LimitRefused, with the field at fault, when such a limit makes no sense."""
    if customer.status == Customer.Status.CLOSED:
        raise LimitRefused(
            _("Ce compte est clôturé : rouvrez-le avant de lui accorder un plafond."), code="customer_closed"
        )
    amount = grant.amount
    if not amount.is_finite() or amount < 0 or amount > MAX_AMOUNT or round_money(amount) != amount:
        raise LimitRefused(_("Le plafond est un montant positif ou nul, au centime près."), field="amount")
    if not re.fullmatch("[A-Z]{3}", grant.currency):
        raise LimitRefused(str(CURRENCY.message), field="currency")
    check_text(grant.reason, _("Indiquez ce qui motive ce plafond."), "reason", REASON_LENGTH)
    _check_end(grant, policy, today)
    if grant.kind == Kind.TEMPORARY:
        _check_temporary(grant, standing, today)
    if grant.scope == Scope.GROUP:
        _check_group(customer, today)


def check_text(text: str, told: str, field: str, length: int) -> None:
    if not text:
        raise LimitRefused(told, field=field)
    if len(text) > length:
        raise LimitRefused(
            _("Le motif compte %(length)d caractères au plus.") % {"length": length}, field=field
        )


def _check_end(grant: Grant, policy: CreditPolicy | None, today: date) -> None:
    if grant.expires_on is None:
        return
    last = latest_end(grant.kind, policy, today)
    if not today <= grant.expires_on <= last:
        raise LimitRefused(
            _("Un tel plafond court jusqu’au %(last)s au plus, et au moins jusqu’à ce soir.")
            % {"last": f"{last:%d/%m/%Y}"},
            field="expires_on",
        )


def _check_temporary(grant: Grant, standing: Standing, today: date) -> None:
    permanent = standing.permanent
    if permanent is None or (permanent.expires_on is not None and permanent.expires_on < today):
        return
    if permanent.currency != grant.currency:
        raise LimitRefused(
            _("Le plafond temporaire est dans la devise du plafond permanent : %(currency)s.")
            % {"currency": permanent.currency},
            field="currency",
        )
    if grant.amount <= permanent.amount:
        raise LimitRefused(
            _(
                "Un plafond temporaire remplace le permanent tant qu’il court : il doit dépasser %(amount)s. "
                "Pour réduire, changez le plafond permanent."
            )
            % {"amount": format_amount(permanent.amount, permanent.currency)},
            field="amount",
        )


def _check_group(customer: Customer, today: date) -> None:
    if customer.parent_id is not None:
        raise LimitRefused(
            _("Un plafond de groupe se fixe sur le compte de tête : celui qui n’a pas de société mère."),
            field="scope",
        )
    members = group_members([customer.pk])[customer.pk]
    if len(members) < 2:
        raise LimitRefused(
            _("Ce compte est seul : ni filiale, ni autre entité qui vende au même SIREN."), field="scope"
        )
    others = {row.customer_id for row in limits_of_group(members, today)}
    others |= {group.head_id for group in group_limits_of([customer.pk], today).values()}
    if others - {customer.pk}:
        raise LimitRefused(
            _("Ce groupe a déjà un plafond, tenu par un autre de ses comptes : changez celui-là."),
            field="scope",
            code="group_has_limit",
        )


def write_limit(
    *,
    actor: Actor,
    customer: Customer,
    grant: Grant,
    standing: Standing,
    policy: CreditPolicy | None,
    today: date,
    now: datetime,
    request: LimitRequest | None = None,
) -> CreditLimit:
    """Write a grant that was checked: what it replaces ends the evening before.

    A permanent limit that goes down takes the temporary one with it: whoever lowers a limit means the lower one.
    """
    replaced = standing.of(grant.kind)
    ending = [replaced] if replaced else []
    if (
        grant.kind == Kind.PERMANENT
        and standing.temporary is not None
        and (
            standing.permanent is None
            or grant.amount < standing.permanent.amount
            or grant.currency != standing.permanent.currency
        )
    ):
        ending.append(standing.temporary)
    for limit in ending:
        # Replaced on the day it began, it covers no day.
        limit.valid_to = max(today - timedelta(days=1), limit.valid_from - timedelta(days=1))
        if limit.expires_on is not None:
            limit.valid_to = min(limit.valid_to, limit.expires_on)
        limit.save(update_fields=["valid_to"])
    limit = CreditLimit.objects.create(
        customer=customer,
        scope=grant.scope,
        kind=grant.kind,
        basis=grant.basis,
        amount=grant.amount,
        currency=grant.currency,
        valid_from=today,
        expires_on=grant.expires_on or latest_end(grant.kind, policy, today),
        reason=grant.reason[:REASON_LENGTH],
        conditions=grant.conditions,
        request=request,
        decided_by=actor if isinstance(actor, User) else None,
        decided_at=now,
    )
    audit.record(
        actor=actor,
        verb="risk.limit.set",
        refs=[limit, customer, *([request] if request else [])],
        now=now,
        **_told(limit, replaced, len(ending) > 1),
    )
    return limit


def _told(limit: CreditLimit, replaced: CreditLimit | None, ends_temporary: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "amount": str(limit.amount),
        "currency": limit.currency,
        "previous_amount": None if replaced is None else str(replaced.amount),
        "previous_currency": None if replaced is None else replaced.currency,
        "reason": limit.reason,
        "kind": str(limit.kind),
        "scope": str(limit.scope),
        "basis": str(limit.basis),
        "expires_on": limit.expires_on.isoformat() if limit.expires_on else None,
    }
    return told | ({"ends_temporary": True} if ends_temporary else {})
