"""A credit policy in force, requests that wait for a decision, and the reviews that are due, in the demo."""

from datetime import date, datetime
from decimal import Decimal

from core.models import User
from core.rights import SYSTEM
from customers.models import Customer
from risk.approval_rules import Step
from risk.models import CreditLimit
from risk.operations.credit_policies import activate_policy, draft_policy, fingerprint, save_policy
from risk.operations.limit_requests import Asked, request_limit
from risk.operations.limit_reviews import sweep_limits

REQUESTS = 6
REASONS = ("Commande annuelle en vue", "Nouveau chantier", "Volumes en hausse depuis le printemps")


def add_policy_and_requests(*, writer: User, asker: User, as_of: date, now: datetime) -> int:
    """The house's prudent policy, a few requests by the accountant, and the night's reviews. Returns the requests."""
    policy = draft_policy(actor=writer, legal_entity=None, now=now)
    policy = save_policy(
        actor=writer,
        policy_id=policy.pk,
        values={"note": "Première version", "own_risk_amount": Decimal(5000)},
        steps=[Step(step.up_to_amount, tuple(step.roles)) for step in policy.steps.all()],
        seen=fingerprint(policy),
        now=now,
    )
    activate_policy(actor=SYSTEM, policy_id=policy.pk, seen=fingerprint(policy), now=now)
    limits = CreditLimit.objects.in_force(as_of).exclude(customer__status=Customer.Status.CLOSED)
    asked = 0
    for limit in limits.select_related("customer").order_by("-amount", "pk")[:REQUESTS]:
        request_limit(
            actor=asker,
            customer=limit.customer,
            asked=Asked(
                amount=limit.amount * (4 if asked % 2 else 3) / 2,
                reason=REASONS[asked % len(REASONS)],
                currency=limit.currency,
            ),
            today=as_of,
            now=now,
        )
        asked += 1
    sweep_limits(actor=SYSTEM, today=as_of, now=now)
    return asked
