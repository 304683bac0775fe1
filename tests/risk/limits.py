"""Requests, policies and approvals as the tests of limits say them."""

from decimal import Decimal
from typing import Any

from core.rights import SYSTEM, Actor
from customers.models import Customer, LegalEntity
from risk.approval_rules import Step
from risk.models import CreditPolicy, LimitRequest
from risk.operations.credit_policies import activate_policy, draft_policy, fingerprint, save_policy
from risk.operations.limit_decisions import approve_request, refuse_request
from risk.operations.limit_requests import Asked, request_limit
from tests.risk.factories import NOW, TODAY


def policy_in_force(
    entity: LegalEntity | None = None, steps: list[tuple[str | None, list[str]]] | None = None, **values: Any
) -> CreditPolicy:
    """The house's prudent policy, unless told: up to 50,000 a credit manager, to 250,000 the director, then both."""
    policy = draft_policy(actor=SYSTEM, legal_entity=entity, now=NOW)
    ladder = (
        [Step(step.up_to_amount, tuple(step.roles)) for step in policy.steps.all()]
        if steps is None
        else [Step(None if top is None else Decimal(top), tuple(roles)) for top, roles in steps]
    )
    policy = save_policy(
        actor=SYSTEM,
        policy_id=policy.pk,
        values={"note": "Pour les tests"} | values,
        steps=ladder,
        seen=fingerprint(policy),
        now=NOW,
    )
    return activate_policy(actor=SYSTEM, policy_id=policy.pk, seen=fingerprint(policy), now=NOW)


def ask(customer: Customer, amount: str, actor: Actor, **values: Any) -> LimitRequest:
    asked = Asked(amount=Decimal(amount), reason=values.pop("reason", "Commande de rentrée"), **values)
    return request_limit(actor=actor, customer=customer, asked=asked, today=TODAY, now=NOW)


def approve(
    request: LimitRequest, actor: Actor, amount: str = "", seen: int = 0, **values: Any
) -> LimitRequest:
    return approve_request(
        actor=actor,
        request_id=request.pk,
        amount=Decimal(amount) if amount else request.amount,
        seen_approvals=seen,
        **{"today": TODAY, "now": NOW} | values,
    )


def refuse(
    request: LimitRequest, actor: Actor, reasons: list[str] | None = None, seen: int = 0
) -> LimitRequest:
    return refuse_request(
        actor=actor,
        request_id=request.pk,
        reasons=["NEED"] if reasons is None else reasons,
        note="Voir le bilan",
        seen_approvals=seen,
        now=NOW,
    )
