"""Which credit policy counts for a legal entity, and what the rules need of it."""

from collections.abc import Iterable
from decimal import Decimal

from django.db.models import Q

from risk.approval_rules import Step, required_roles
from risk.limit_rules import ProposalRules
from risk.models import CreditPolicy

CLASSES = "ABCDE"
# As long as no policy is in force: what a prudent house does.
VALIDITY_MONTHS = 12
TEMPORARY_DAYS = 90
REQUEST_DAYS = 30
ALARM_DAYS = 30
REVIEW_MONTHS = (12, 12, 12, 6, 6)


def policies_of(entity_ids: Iterable[int]) -> dict[int, CreditPolicy]:
    """The policy in force for each entity: its own, else that of all entities; no entry where there is none."""
    wanted = set(entity_ids)
    active = CreditPolicy.objects.filter(
        Q(legal_entity__in=wanted) | Q(legal_entity__isnull=True), status=CreditPolicy.Status.ACTIVE
    ).prefetch_related("steps")
    by_entity = {policy.legal_entity_id: policy for policy in active}
    general = by_entity.get(None)
    found = {pk: by_entity.get(pk) or general for pk in wanted}
    return {pk: policy for pk, policy in found.items() if policy is not None}


def policy_of(entity_id: int) -> CreditPolicy | None:
    return policies_of([entity_id]).get(entity_id)


def steps_of(policy: CreditPolicy | None) -> list[Step]:
    if policy is None:
        return []
    return [Step(step.up_to_amount, tuple(step.roles)) for step in policy.steps.all()]


def roles_required(policy: CreditPolicy | None, amount: Decimal, currency: str) -> tuple[str, ...]:
    """Who must approve a limit of this amount under a policy."""
    same = policy is None or policy.currency == currency
    return required_roles(steps_of(policy), amount, same_currency=same)


def proposal_rules(policy: CreditPolicy | None) -> ProposalRules:
    """What the proposal of a limit takes from a policy; the house's prudent values without one."""
    if policy is None:
        return ProposalRules()
    return ProposalRules(
        currency=policy.currency,
        peak_factor=policy.peak_factor,
        equity_shares=_by_class(policy.equity_shares),
        turnover_shares=_by_class(policy.turnover_shares),
        supplier_debt_shares=_by_class(policy.supplier_debt_shares),
        working_capital_shares=_by_class(policy.working_capital_shares),
        accounts_months=policy.accounts_months,
        refused_classes=frozenset(policy.refused_classes),
        new_customer_months=policy.new_customer_months,
        new_customer_amount=policy.new_customer_amount,
        own_risk_amount=policy.own_risk_amount,
        requires_cover=policy.requires_cover,
    )


def _by_class(shares: list[Decimal]) -> dict[str, Decimal]:
    return dict(zip(CLASSES, shares, strict=True))
