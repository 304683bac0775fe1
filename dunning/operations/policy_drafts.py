"""What every edit of a draft shares: the lock, the check that the person saw its present state, the audit."""

from datetime import datetime
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError, WrongState
from core.models import AuditEvent
from core.rights import Actor
from customers.models import LegalEntity
from dunning.models import Level, Policy
from dunning.policy_content import Content, content_of, fingerprint, ladder_of
from dunning.policy_rules import Fault, unkeepable
from dunning.policy_words import differences


class FaultyLadder(BusinessError):
    """The ladder cannot lead customers; `faults` says what to change, where."""

    code = "faulty_ladder"

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        first = faults[0]
        told = first.sentence
        if first.rank is not None:
            told = _("Niveau %(rank)s : %(sentence)s") % {"rank": first.rank, "sentence": first.sentence}
        super().__init__(told, field=first.field)


class ChangedMeanwhile(BusinessError):
    """The draft was changed since the form was shown; `changes` says by whom and what, `seen` is the new mark."""

    code = "changed_meanwhile"

    def __init__(self, changes: list[str], seen: str) -> None:
        self.changes, self.seen = changes, seen
        super().__init__(
            _(
                "Ce brouillon a été modifié depuis que vous l’avez ouvert. Relisez ce qui a changé ; enregistrez de "
                "nouveau pour garder votre saisie."
            )
        )


class NotInScope(BusinessError):
    """The policy concerns entities outside the actor's scope."""

    code = "not_in_scope"


def record_edit(actor: Actor, policy: Policy, before: Content, now: datetime) -> Policy:
    policy = read_policy(policy.pk)
    changes = differences(before, content_of(policy))
    if changes:
        audit.record(
            actor=actor,
            verb="dunning.policy.edited",
            refs=refs_of(policy),
            now=now,
            name=str(policy),
            changes=[str(change) for change in changes],
            fingerprint=fingerprint(policy),
        )
    return policy


def locked_draft(actor: Actor, policy_id: int, seen: str) -> Policy:
    """The draft, locked, as the person saw it."""
    policy = locked(actor, policy_id)
    if policy.status != Policy.Status.DRAFT:
        raise WrongState(
            _("« %(policy)s » a déjà été en vigueur et ne se modifie plus : préparez-en la version suivante.")
            % {"policy": policy}
        )
    now_seen = fingerprint(policy)
    if seen != now_seen:
        raise ChangedMeanwhile(_changes_since(policy, seen), now_seen)
    return policy


def _changes_since(policy: Policy, seen: str) -> list[str]:
    """Who changed what since the state `seen`; all that is known of the draft when that state is not."""
    events = AuditEvent.objects.filter(refs__contains=[audit.ref(policy)])
    mark = events.filter(data__fingerprint=seen).aggregate(last=Max("pk"))["last"]
    if mark is not None:
        events = events.filter(pk__gt=mark)
    told = []
    for event in events.filter(verb="dunning.policy.edited").order_by("pk")[:20]:
        told += [f"{event.actor_name}, {change}" for change in event.data.get("changes", ())]
    return told


def locked(actor: Actor, policy_id: int) -> Policy:
    found = Policy.objects.select_for_update(of=("self",)).filter(pk=policy_id).first()
    if found is None:
        raise BusinessError(_("Ce scénario n’existe plus : revenez à la liste."), code="not_found")
    policy = read_policy(found.pk)
    check_scope(actor, policy)
    return policy


def locked_versions(code: str) -> list[Policy]:
    """All the versions, locked in one order: two people cannot draft or activate at once."""
    return list(Policy.objects.select_for_update(of=("self",)).filter(code=code).order_by("pk"))


def read_policy(policy_id: int) -> Policy:
    policy: Policy = (
        Policy.objects.select_related("legal_entity").prefetch_related("levels").get(pk=policy_id)
    )
    return policy


def check_scope(actor: Actor, policy: Policy) -> None:
    """A policy of one entity is for those who see the entity; one of all entities, for those who see all."""
    visible = LegalEntity.objects.visible_to(actor)
    if policy.legal_entity_id is not None:
        allowed = visible.filter(pk=policy.legal_entity_id).exists()
    else:
        allowed = visible.count() == LegalEntity.objects.count()
    if not allowed:
        raise NotInScope(
            _("Ce scénario concerne des entités hors de votre périmètre : choisissez l’une des vôtres."),
            field="legal_entity",
        )


def check_keepable(policy: Policy, levels: list[Level] | None = None) -> None:
    faults = unkeepable(ladder_of(policy, levels))
    if faults:
        raise FaultyLadder(faults)


def refs_of(policy: Policy) -> list[Any]:
    return [policy] if policy.legal_entity is None else [policy, policy.legal_entity]
