"""The dunning of the demo: one ladder for each kind of customer, and the agency at the end of it.

The ladders have two versions: a pilot that only chases the largest delays, retired on the as-of date, and the
version in force. So past campaigns are few and readable, and today's takes everybody. A third is being prepared.
They are the default ladders, none of whose notices leaves without a person: the demo sends nothing by itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.models import User
from customers.models import LegalEntity
from dunning.default_policies import CONSUMERS, LARGE_ACCOUNTS, PUBLIC, SME, DefaultPolicy
from dunning.models import Agency, Level, Policy
from dunning.operations.dunning_settings import change_dunning_settings
from dunning.operations.policies import activate_policy, create_policy, draft_next_version, save_policy
from dunning.operations.policy_levels import add_level, save_level
from dunning.policy_content import fingerprint

# What a contact costs, postage, paper and minutes included, in euros.
COSTS = {
    "EMAIL": Decimal("0.02"),
    "LETTER": Decimal("1.95"),
    "REGISTERED": Decimal("7.40"),
    "PHONE": Decimal("6.50"),
    "AGENCY": Decimal("15.00"),
}
_AUTOMATIC, _CONFIRMATION = Level.Approval.AUTOMATIC, Level.Approval.CONFIRMATION


def _demo(model: DefaultPolicy, *, without: str = "", **fields: Any) -> DefaultPolicy:
    """A default ladder that waits for its campaign to be confirmed."""
    levels = tuple(
        {**level, "approval": _CONFIRMATION} if level.get("approval") == _AUTOMATIC else level
        for level in model.levels
    )
    kept = {name: value for name, value in model.fields.items() if name != without}
    return replace(model, levels=levels, fields=kept | fields)


LADDERS = (
    _demo(LARGE_ACCOUNTS, without="turnover_share_from", segment="Grands comptes"),
    _demo(PUBLIC),
    _demo(CONSUMERS),
    _demo(SME),
)
# What the pilot did otherwise: code -> rank -> fields of the level.
PILOT: Mapping[str, Mapping[int, Mapping[str, Any]]] = {
    # Calls came after the pilot.
    "GRANDS-COMPTES": {2: {"channel": "EMAIL", "call_script": ""}},
    "PUBLIC": {1: {"attaches_statement": False}},
    "PARTICULIERS": {3: {"channel": "EMAIL", "attaches_invoices": False}},
    "PME": {3: {"maximum_amount": None, "attaches_invoices": False}},
}


def make_agency() -> Agency:
    return Agency.objects.create(
        name="Recouvrement Belgarance",
        email="dossiers@belgarance.example",
        address_lines="4 place des Halles\n69002 Lyon",
        contract_reference="MANDAT-2024-017",
        commission_rate=Decimal("12.00"),
    )


def set_costs(*, entities: Iterable[LegalEntity], actor: User, now: datetime) -> None:
    """What each channel costs the entities: simulations count with it."""
    for entity in entities:
        change_dunning_settings(actor=actor, entity=entity, values={"channel_costs": COSTS}, now=now)


def make_pilot(minimum: Decimal, *, actor: User, now: datetime) -> None:
    """Version 1 of each ladder, in force, for customers who are late by `minimum` at least."""
    for ladder in LADDERS:
        otherwise = PILOT[ladder.code]
        levels = tuple({**level, **otherwise.get(rank, {})} for rank, level in enumerate(ladder.levels, 1))
        pilot = replace(ladder, levels=levels, fields={**ladder.fields, "minimum_amount": minimum})
        _activate(_create(pilot, actor, now), "Pilote : les plus gros retards d’abord", actor, now)


def replace_pilot(*, actor: User, now: datetime) -> None:
    """Retire version 1 and put version 2, with its own minimum, in force; then prepare one more."""
    for ladder in LADDERS:
        former = Policy.objects.filter(code=ladder.code, status=Policy.Status.ACTIVE).first()
        if former is None:
            _activate(_create(ladder, actor, now), "", actor, now)
            continue
        draft = draft_next_version(actor=actor, policy=former, now=now)
        draft = save_policy(
            actor=actor,
            policy_id=draft.pk,
            seen=fingerprint(draft),
            values={"minimum_amount": ladder.fields["minimum_amount"]},
            now=now,
        )
        for rank, otherwise in PILOT[ladder.code].items():
            usual = Level(**ladder.levels[rank - 1])
            draft = save_level(
                actor=actor,
                policy_id=draft.pk,
                rank=rank,
                seen=fingerprint(draft),
                values={name: getattr(usual, name) for name in otherwise},
                now=now,
            )
        _activate(draft, "Étendu à tous les clients après le pilote", actor, now)
    _prepare_next(actor, now)


def _create(ladder: DefaultPolicy, actor: User, now: datetime) -> Policy:
    return create_policy(actor=actor, code=ladder.code, name=str(ladder.name), source=ladder, now=now)


def _activate(draft: Policy, note: str, actor: User, now: datetime) -> None:
    activate_policy(actor=actor, policy_id=draft.pk, seen=fingerprint(draft), note=note, now=now)


def _prepare_next(actor: User, now: datetime) -> None:
    """A draft to play with: a call between the second reminder and the formal notice."""
    active = Policy.objects.get(code=SME.code, status=Policy.Status.ACTIVE)
    draft = draft_next_version(actor=actor, policy=active, now=now)
    add_level(
        actor=actor,
        policy_id=draft.pk,
        rank=4,
        seen=fingerprint(draft),
        values={
            "kind": Level.Kind.SECOND_REMINDER,
            "channel": Level.Channel.PHONE,
            "tone": Level.Tone.FIRM,
            "delay_days": 23,
            "gap_days": 7,
            "minimum_amount": Decimal("1000.00"),
            "claims_interest": True,
            "claims_indemnity": True,
            "call_script": "Demander ce qui bloque le règlement et une date ; annoncer la mise en demeure.",
        },
        now=now,
    )
