"""Credit policies: some write a version, another puts it in force. A version that was in force is never changed."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import audit
from core.errors import BusinessError, WrongState
from core.models import User
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from customers.models import LegalEntity
from risk.approval_rules import CREDIT_MANAGER, FINANCE_DIRECTOR, Step, step_faults
from risk.credit_policies import REVIEW_MONTHS, steps_of
from risk.limit_rules import ProposalRules
from risk.models import ApprovalStep, CreditPolicy

# What a person edits, besides the steps.
FIELDS = (
    "currency", "requires_requests", "request_days", "validity_months", "temporary_days", "alarm_days",
    "review_months", "large_from", "large_review_months", "peak_factor", "equity_shares", "turnover_shares",
    "supplier_debt_shares", "working_capital_shares", "accounts_months", "refused_classes",
    "new_customer_months", "new_customer_amount", "own_risk_amount", "requires_cover", "note",
)  # fmt: skip
FIRST_STEPS = (
    Step(Decimal(50_000), (CREDIT_MANAGER,)),
    Step(Decimal(250_000), (FINANCE_DIRECTOR,)),
    Step(None, (CREDIT_MANAGER, FINANCE_DIRECTOR)),
)
FAULTS = {
    "EMPTY": gettext_lazy("Ajoutez au moins un palier d’approbation."),
    "NO_TOP": gettext_lazy("Le dernier palier n’a pas de montant : il vaut au-delà de tous les autres."),
    "NOBODY": gettext_lazy("Chaque palier nomme au moins une approbation."),
    "UNKNOWN_ROLE": gettext_lazy("Seuls le crédit manager et la direction financière approuvent un plafond."),
    "WEAKER": gettext_lazy("Un palier plus haut demande autant de signatures que celui d’en dessous."),
}


class PolicyRefused(BusinessError):
    """The policy cannot be so; `field` names the input at fault."""

    code = "credit_policy_refused"


class FaultyPolicy(PolicyRefused):
    """The draft cannot be put in force: `faults` are the codes of what is to be mended."""

    code = "credit_policy_faulty"

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(" ".join(str(FAULTS[fault]) for fault in faults))
        self.faults = tuple(faults)


@operation("risk.manage_credit_policy")
def draft_policy(*, actor: Actor, legal_entity: LegalEntity | None, now: datetime) -> CreditPolicy:
    """A draft for an entity, or for all: a copy of the version in force, else the house's prudent values.

    Raises WrongState when one is open, PolicyRefused for an entity outside the actor's scope.
    """
    _check_scope(actor, legal_entity)
    versions = CreditPolicy.objects.filter(legal_entity=legal_entity).select_for_update()
    held = list(versions.order_by("version"))
    if any(version.status == CreditPolicy.Status.DRAFT for version in held):
        raise WrongState(_("Une version est déjà en préparation : modifiez-la, ou abandonnez-la d’abord."))
    source = next((one for one in held if one.status == CreditPolicy.Status.ACTIVE), None)
    source = (
        source
        or CreditPolicy.objects.filter(legal_entity__isnull=True, status=CreditPolicy.Status.ACTIVE).first()
    )
    policy = CreditPolicy(
        legal_entity=legal_entity,
        version=held[-1].version + 1 if held else 1,
        created_by=actor if isinstance(actor, User) else None,
        created_at=now,
        editor_ids=_editors([], actor),
        **(_values_of(source) if source else _first_values()),
    )
    policy.note = ""
    policy.save(force_insert=True)
    _write_steps(policy, steps_of(source) if source else FIRST_STEPS)
    audit.record(
        actor=actor, verb="risk.credit_policy.drafted", refs=_refs(policy), now=now, name=str(policy)
    )
    return _fresh(policy)


@operation("risk.manage_credit_policy")
def save_policy(
    *,
    actor: Actor,
    policy_id: int,
    values: Mapping[str, Any],
    steps: Sequence[Step],
    seen: str,
    now: datetime,
) -> CreditPolicy:
    """Change a draft. Whoever changes it counts among its writers, and it waits for a second person anew.

    `seen` is its fingerprint when the page was read. Raises PolicyRefused, WrongState when it is not a draft.
    """
    policy = _locked_draft(actor, policy_id, seen)
    before = content_of(policy)
    for name, value in values.items():
        if name not in FIELDS:
            raise KeyError(name)
        setattr(policy, name, value)
    policy.editor_ids, policy.is_submitted = _editors(policy.editor_ids, actor), False
    try:
        policy.clean_fields()
    except ValidationError as error:
        field, told = next(iter(error.message_dict.items()))
        raise PolicyRefused(told[0], field=field) from error
    if len({step.up_to for step in steps}) != len(steps):
        raise PolicyRefused(_("Deux paliers ont le même montant."), field="steps")
    policy.save()
    policy.steps.all().delete()
    _write_steps(policy, steps)
    policy = _fresh(policy)
    after = content_of(policy)
    changes = sorted(name for name in after if before.get(name) != after[name])
    audit.record(
        actor=actor,
        verb="risk.credit_policy.edited",
        refs=_refs(policy),
        now=now,
        name=str(policy),
        changes={name: [before.get(name), after[name]] for name in changes},
    )
    return policy


@operation("risk.manage_credit_policy")
def submit_policy(*, actor: Actor, policy_id: int, seen: str, now: datetime) -> CreditPolicy:
    """Say that a draft is ready for the second person. Raises FaultyPolicy with every fault."""
    policy = _locked_draft(actor, policy_id, seen)
    _check_ready(policy)
    policy.is_submitted = True
    policy.save(update_fields=["is_submitted"])
    audit.record(
        actor=actor, verb="risk.credit_policy.submitted", refs=_refs(policy), now=now, name=str(policy)
    )
    return policy


@operation("risk.manage_credit_policy")
def activate_policy(*, actor: Actor, policy_id: int, seen: str, now: datetime) -> CreditPolicy:
    """Put a draft in force; the version before retires. By somebody who did not write a word of it.

    Raises PolicyRefused (`own_policy`) for one of its writers, FaultyPolicy, WrongState.
    """
    policy = _locked_draft(actor, policy_id, seen)
    if isinstance(actor, User) and actor.pk in policy.editor_ids:
        raise PolicyRefused(
            _("Vous avez rédigé cette version : une autre personne la met en vigueur."), code="own_policy"
        )
    _check_ready(policy)
    check_move(policy, CreditPolicy.Status.ACTIVE)
    active = CreditPolicy.objects.select_for_update(of=("self",)).filter(status=CreditPolicy.Status.ACTIVE)
    former = active.filter(legal_entity=policy.legal_entity).first()
    if former is not None:
        former.status, former.retired_at = CreditPolicy.Status.RETIRED, now
        former.save(update_fields=["status", "retired_at"])
    policy.status, policy.activated_at = CreditPolicy.Status.ACTIVE, now
    policy.activated_by = actor if isinstance(actor, User) else None
    policy.save(update_fields=["status", "activated_at", "activated_by"])
    audit.record(
        actor=actor,
        verb="risk.credit_policy.activated",
        refs=_refs(policy),
        now=now,
        name=str(policy),
        replaces=None if former is None else former.version,
        note=policy.note,
        fingerprint=seen,
    )
    return policy


@operation("risk.manage_credit_policy")
def retire_policy(*, actor: Actor, policy_id: int, now: datetime) -> CreditPolicy:
    """Give a draft up. A version in force leaves only for another one: limits are never without rules again."""
    policy = _locked(actor, policy_id)
    if policy.status != CreditPolicy.Status.DRAFT:
        raise WrongState(
            _("Une politique en vigueur se remplace par une autre version ; elle ne se retire pas.")
        )
    check_move(policy, CreditPolicy.Status.RETIRED)
    policy.status, policy.retired_at = CreditPolicy.Status.RETIRED, now
    policy.save(update_fields=["status", "retired_at"])
    audit.record(
        actor=actor, verb="risk.credit_policy.abandoned", refs=_refs(policy), now=now, name=str(policy)
    )
    return policy


# --- the pieces -------------------------------------------------------------------------------------------------


def content_of(policy: CreditPolicy) -> dict[str, Any]:
    """What a version says, as plain values."""
    content: dict[str, Any] = {name: _plain(getattr(policy, name)) for name in FIELDS}
    content["steps"] = [
        [None if step.up_to is None else str(step.up_to), list(step.roles)] for step in steps_of(policy)
    ]
    return content


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, bool | int | str) else str(value)


def _fresh(policy: CreditPolicy) -> CreditPolicy:
    return CreditPolicy.objects.prefetch_related("steps").get(pk=policy.pk)


def _values_of(source: CreditPolicy) -> dict[str, Any]:
    return {name: getattr(source, name) for name in FIELDS}


def _first_values() -> dict[str, Any]:
    rules = ProposalRules()
    return {
        "review_months": list(REVIEW_MONTHS),
        "equity_shares": list(rules.equity_shares.values()),
        "turnover_shares": list(rules.turnover_shares.values()),
        "supplier_debt_shares": list(rules.supplier_debt_shares.values()),
        "working_capital_shares": list(rules.working_capital_shares.values()),
        "refused_classes": sorted(rules.refused_classes),
    }


def _write_steps(policy: CreditPolicy, steps: Sequence[Step]) -> None:
    ApprovalStep.objects.bulk_create(
        ApprovalStep(policy=policy, up_to_amount=step.up_to, roles=list(step.roles)) for step in steps
    )


def _editors(held: Sequence[int], actor: Actor) -> list[int]:
    return sorted({*held, actor.pk}) if isinstance(actor, User) else list(held)


def _check_ready(policy: CreditPolicy) -> None:
    faults = step_faults(steps_of(policy))
    if faults:
        raise FaultyPolicy(faults)
    if not policy.note.strip():
        raise PolicyRefused(_("Dites ce qui change dans cette version."), field="note")


def _check_scope(actor: Actor, legal_entity: LegalEntity | None) -> None:
    """A policy for all entities is the business of who sees all of them."""
    visible = LegalEntity.objects.visible_to(actor)
    allowed = not visible.query.where if legal_entity is None else visible.filter(pk=legal_entity.pk).exists()
    if not allowed:
        raise PolicyRefused(_("Cette politique dépasse votre périmètre."), code="policy_unknown")


def _locked(actor: Actor, policy_id: int) -> CreditPolicy:
    policy = (
        CreditPolicy.objects.select_for_update(of=("self",))
        .select_related("legal_entity")
        .filter(pk=policy_id)
        .first()
    )
    if policy is None:
        raise PolicyRefused(_("Cette politique n’existe pas."), code="policy_unknown")
    _check_scope(actor, policy.legal_entity)
    return policy


def _locked_draft(actor: Actor, policy_id: int, seen: str) -> CreditPolicy:
    policy = _locked(actor, policy_id)
    if policy.status != CreditPolicy.Status.DRAFT:
        raise WrongState(_("Cette version n’est plus un brouillon. Rechargez la page."))
    if fingerprint(policy) != seen:
        raise WrongState(
            _("Cette version a changé entre-temps. Relisez-la, puis recommencez."), code="changed_meanwhile"
        )
    return policy


def fingerprint(policy: CreditPolicy) -> str:
    """A mark of what the version says now: two readers of the same words have the same."""
    return sha256(json.dumps(content_of(policy), sort_keys=True).encode()).hexdigest()


def _refs(policy: CreditPolicy) -> list[Any]:
    return [policy, policy.legal_entity] if policy.legal_entity else [policy]
