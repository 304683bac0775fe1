"""Scénarios: drafting a version, putting it in force, retiring it. A version that was in force is never changed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError, WrongState
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from dunning.default_policies import DEFAULT_POLICIES, DefaultPolicy
from dunning.models import Level, Policy
from dunning.operations.policy_drafts import (
    FaultyLadder,
    check_keepable,
    check_scope,
    locked,
    locked_draft,
    locked_versions,
    read_policy,
    record_edit,
    refs_of,
)
from dunning.policy_content import LEVEL_FIELDS, POLICY_FIELDS, content_of, fingerprint, ladder_of, levels_of
from dunning.policy_rules import check_ladder
from dunning.policy_words import differences


@operation("dunning.manage_policies")
def create_policy(
    *, actor: Actor, code: str, name: str, source: Policy | DefaultPolicy | None, now: datetime
) -> Policy:
    """A first draft under a new code: empty, from a default ladder, or a copy of another policy."""
    code = code.strip().upper()
    if Policy.objects.filter(code=code).exists():
        raise BusinessError(_("Ce code est déjà celui d’un scénario : choisissez-en un autre."), field="code")
    policy = Policy(code=code, name=name.strip(), created_by_id=actor.pk, created_at=now)
    levels: list[Level] = []
    if isinstance(source, Policy):
        _copy_fields(source, policy, tuple(field for field in POLICY_FIELDS if field != "name"))
        levels = _copies(source)
    elif source is not None:
        for field, value in source.fields.items():
            setattr(policy, field, value)
        levels = source.make_levels()
    check_scope(actor, policy)
    return _write_new(actor, policy, levels, now, verb="dunning.policy.created")


@operation("dunning.manage_policies")
def draft_next_version(*, actor: Actor, policy: Policy, now: datetime) -> Policy:
    """A draft that says what `policy` says, as the next version of its code. Raises WrongState when one is open."""
    versions = locked_versions(policy.code)
    check_scope(actor, policy)
    if any(version.status == Policy.Status.DRAFT for version in versions):
        raise WrongState(
            _("Une version de ce scénario est déjà en préparation : modifiez-la, ou abandonnez-la d’abord.")
        )
    draft = Policy(
        code=policy.code,
        version=max(version.version for version in versions) + 1,
        created_by_id=actor.pk,
        created_at=now,
    )
    _copy_fields(policy, draft, POLICY_FIELDS)
    return _write_new(
        actor, draft, _copies(policy), now, verb="dunning.policy.drafted", from_version=policy.version
    )


@operation("dunning.manage_policies")
def save_policy(
    *, actor: Actor, policy_id: int, seen: str, values: Mapping[str, Any], now: datetime
) -> Policy:
    """Change the draft's own fields (those of POLICY_FIELDS). Raises ChangedMeanwhile when `seen` is not its state."""
    policy = locked_draft(actor, policy_id, seen)
    before = content_of(policy)
    for field, value in values.items():
        if field not in POLICY_FIELDS:
            raise KeyError(field)
        setattr(policy, field, value)
    check_scope(actor, policy)
    check_keepable(policy)
    policy.save(update_fields=list(values))
    return record_edit(actor, policy, before, now)


@operation("dunning.manage_policies")
def activate_policy(*, actor: Actor, policy_id: int, seen: str, note: str, now: datetime) -> Policy:
    """Put the draft in force; the version in force before retires in the same transaction.

    Raises FaultyLadder with every fault, ChangedMeanwhile when the draft is not the one that was seen.
    """
    code = Policy.objects.filter(pk=policy_id).values_list("code", flat=True).first()
    if code is not None:
        locked_versions(code)
    policy = locked_draft(actor, policy_id, seen)
    check_move(policy, Policy.Status.ACTIVE)
    faults = check_ladder(ladder_of(policy))
    if faults:
        raise FaultyLadder(faults)
    former = (
        Policy.objects.filter(code=policy.code, status=Policy.Status.ACTIVE)
        .prefetch_related("levels")
        .first()
    )
    changes = [] if former is None else differences(content_of(former), content_of(policy))
    if former is not None:
        former.status = Policy.Status.RETIRED
        former.save(update_fields=["status"])
    policy.status, policy.note = Policy.Status.ACTIVE, note.strip()
    policy.activated_by_id, policy.activated_at = actor.pk, now
    policy.save(update_fields=["status", "note", "activated_by", "activated_at"])
    audit.record(
        actor=actor,
        verb="dunning.policy.activated",
        refs=refs_of(policy) if former is None else [*refs_of(policy), former],
        now=now,
        name=str(policy),
        note=policy.note,
        replaces=None if former is None else former.version,
        changes=[str(change) for change in changes],
        fingerprint=seen,
    )
    return policy


@operation("dunning.manage_policies")
def retire_policy(*, actor: Actor, policy_id: int, note: str, now: datetime) -> Policy:
    """Take a policy out of force, or give a draft up. Its customers fall to the next policy that takes them."""
    policy = locked(actor, policy_id)
    check_move(policy, Policy.Status.RETIRED)
    was = policy.status
    if was == Policy.Status.ACTIVE and not note.strip():
        raise BusinessError(_("Dites pourquoi ce scénario est retiré."), field="note")
    policy.status = Policy.Status.RETIRED
    policy.save(update_fields=["status"])
    audit.record(
        actor=actor,
        verb="dunning.policy.retired" if was == Policy.Status.ACTIVE else "dunning.policy.abandoned",
        refs=refs_of(policy),
        now=now,
        name=str(policy),
        note=note.strip(),
    )
    return policy


@operation("dunning.manage_policies")
def install_default_policies(*, actor: Actor, has_agency: bool, now: datetime) -> list[Policy]:
    """The ladders that suit a French SME, in force at once. Refused when a policy exists: nobody's is replaced."""
    if Policy.objects.exists():
        raise WrongState(
            _(
                "Des scénarios existent déjà : créez-en un à partir d’un modèle plutôt que de les installer tous."
            )
        )
    installed = []
    for default in DEFAULT_POLICIES:
        policy = Policy(
            code=default.code,
            name=str(default.name),
            created_by_id=actor.pk,
            created_at=now,
            **default.fields,
        )
        check_scope(actor, policy)
        policy = _write_new(
            actor, policy, default.make_levels(has_agency=has_agency), now, verb="dunning.policy.created"
        )
        installed.append(
            activate_policy(
                actor=actor,
                policy_id=policy.pk,
                seen=fingerprint(policy),
                note=_("Scénario par défaut"),
                now=now,
            )
        )
    return installed


# --- the pieces ----------------------------------------------------------------------------------------------


def _write_new(
    actor: Actor, policy: Policy, levels: list[Level], now: datetime, *, verb: str, **data: Any
) -> Policy:
    policy.save(force_insert=True)
    for rank, level in enumerate(levels, 1):
        level.policy, level.rank = policy, rank
    Level.objects.bulk_create(levels)
    policy = read_policy(policy.pk)
    audit.record(
        actor=actor,
        verb=verb,
        refs=refs_of(policy),
        now=now,
        name=str(policy),
        fingerprint=fingerprint(policy),
        **data,
    )
    return policy


def _copy_fields(source: Policy, target: Policy, fields: tuple[str, ...]) -> None:
    for field in fields:
        setattr(target, field, getattr(source, field))


def _copies(source: Policy) -> list[Level]:
    return [Level(**{field: getattr(level, field) for field in LEVEL_FIELDS}) for level in levels_of(source)]
