"""The only writer of credit limits."""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.models import User
from core.money import MAX_AMOUNT, format_amount, round_money
from core.operation import operation
from core.rights import Actor
from customers.models import CURRENCY, Customer
from risk.models import CreditLimit

REASON_LENGTH = 200


class LimitRefused(BusinessError):
    """The limit cannot be set so; `field` names the input at fault."""

    code = "limit_refused"


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
) -> CreditLimit:
    """Set what the customer may owe from today on, in `currency` (the account's by default); the limit before ends.

    Zero means no credit at all. `seen_limit_id` is the limit that the person saw in force: when another one has
    been set since, nothing is written. Raises LimitRefused: no reason, bad amount or currency, closed account,
    the same limit again, customer outside the actor's scope.
    """
    held_customer = (
        Customer.objects.visible_to(actor)
        .select_for_update(of=("self",), no_key=True)
        .filter(pk=customer.pk)
        .first()
    )
    if held_customer is None:
        raise LimitRefused(_("Ce client n’existe pas dans votre périmètre."), code="customer_unknown")
    currency = (currency or held_customer.currency).strip().upper()
    reason = " ".join(reason.split())
    _check_values(held_customer, amount, currency, reason)
    previous = CreditLimit.objects.in_force().filter(customer=held_customer).first()
    if seen_limit_id is not None and seen_limit_id != (previous.pk if previous else 0):
        raise LimitRefused(
            _("Le plafond a changé entre-temps. Relisez celui qui est en vigueur, puis validez de nouveau."),
            code="changed_meanwhile",
        )
    if previous is not None and (previous.amount, previous.currency) == (amount, currency):
        raise LimitRefused(
            _("Le plafond est déjà de %(amount)s : indiquez un autre montant.")
            % {"amount": format_amount(amount, currency)},
            code="same_limit",
            field="amount",
        )
    if previous is not None:
        # A limit replaced on the day it began covers that day alone.
        previous.valid_to = max(today - timedelta(days=1), previous.valid_from)
        previous.save(update_fields=["valid_to"])
    limit = CreditLimit.objects.create(
        customer=held_customer,
        amount=amount,
        currency=currency,
        valid_from=today,
        reason=reason,
        decided_by=actor if isinstance(actor, User) else None,
        decided_at=now,
    )
    audit.record(
        actor=actor,
        verb="risk.limit.set",
        refs=[limit, held_customer],
        now=now,
        amount=str(amount),
        currency=currency,
        previous_amount=None if previous is None else str(previous.amount),
        previous_currency=None if previous is None else previous.currency,
        reason=reason,
    )
    return limit


def _check_values(customer: Customer, amount: Decimal, currency: str, reason: str) -> None:
    if customer.status == Customer.Status.CLOSED:
        raise LimitRefused(
            _("Ce compte est clôturé : rouvrez-le avant de lui accorder un plafond."), code="customer_closed"
        )
    if not amount.is_finite() or amount < 0 or amount > MAX_AMOUNT or round_money(amount) != amount:
        raise LimitRefused(_("Le plafond est un montant positif ou nul, au centime près."), field="amount")
    if not re.fullmatch("[A-Z]{3}", currency):
        raise LimitRefused(str(CURRENCY.message), field="currency")
    if not reason:
        raise LimitRefused(_("Indiquez ce qui motive ce plafond."), field="reason")
    if len(reason) > REASON_LENGTH:
        raise LimitRefused(
            _("Le motif compte %(length)d caractères au plus.") % {"length": REASON_LENGTH}, field="reason"
        )
