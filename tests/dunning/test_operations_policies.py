"""Drafting, activating and retiring versions of a policy."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.errors import BusinessError, NotAllowed, WrongState
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from customers.models import EntityScope
from dunning.default_policies import MODELS, SME
from dunning.models import Level, Policy
from dunning.operations.policies import (
    activate_policy,
    create_policy,
    draft_next_version,
    install_default_policies,
    retire_policy,
    save_policy,
)
from dunning.operations.policy_drafts import ChangedMeanwhile, FaultyLadder, NotInScope
from dunning.operations.policy_levels import add_level, move_level, remove_level, save_level
from dunning.policy_advice import advise
from dunning.policy_content import content_of, fingerprint, ladder_of
from dunning.policy_rules import check_ladder
from tests.dunning.factories import NOW, make_agency, make_entity, make_policy

pytestmark = pytest.mark.django_db
WHO: dict[str, Any] = {"actor": SYSTEM, "now": NOW}


@pytest.fixture
def draft() -> Policy:
    make_agency()
    return create_policy(code="essai", name="Essai", source=SME, **WHO)


def ranks(policy: Policy) -> list[tuple[int, str]]:
    return list(policy.levels.order_by("rank").values_list("rank", "kind"))


def test_a_draft_starts_from_a_default_ladder_empty_or_as_a_copy(draft: Policy) -> None:
    assert (draft.code, draft.version, draft.status) == ("ESSAI", 1, "DRAFT")
    assert [kind for _rank, kind in ranks(draft)] == [
        "PRE_REMINDER", "REMINDER", "SECOND_REMINDER", "FORMAL_NOTICE", "HAND_OVER",
    ]  # fmt: skip
    assert create_policy(code="VIDE", name="Vide", source=None, **WHO).levels.count() == 0
    copy = create_policy(code="COPIE", name="Copie", source=draft, **WHO)
    assert content_of(copy) == content_of(draft) | {"name": "Copie"}
    with pytest.raises(BusinessError) as refused:
        create_policy(code="Essai ", name="Encore", source=None, **WHO)
    assert refused.value.field == "code"


def test_levels_are_added_changed_moved_and_removed(draft: Policy) -> None:
    values = {"kind": "REMINDER", "channel": "PHONE", "delay_days": 10, "call_script": "Bonjour"}
    draft = add_level(policy_id=draft.pk, rank=3, seen=fingerprint(draft), values=values, **WHO)
    assert ranks(draft)[2] == (3, "REMINDER")
    assert len(ranks(draft)) == 6
    draft = save_level(policy_id=draft.pk, rank=3, seen=fingerprint(draft), values={"delay_days": 12}, **WHO)
    assert draft.levels.get(rank=3).delay_days == 12
    draft = move_level(policy_id=draft.pk, rank=3, to_rank=2, seen=fingerprint(draft), **WHO)
    assert draft.levels.get(rank=2).channel == "PHONE"
    assert [fault.rank for fault in check_ladder(ladder_of(draft))] == [3]  # 5 days comes before 12
    draft = remove_level(policy_id=draft.pk, rank=2, seen=fingerprint(draft), **WHO)
    assert (
        content_of(draft)["levels"]
        == content_of(create_policy(code="B", name="B", source=SME, **WHO))["levels"]
    )
    told = AuditEvent.objects.filter(verb="dunning.policy.edited").order_by("pk")
    assert [event.data["changes"] for event in told][:2] == [
        ["Niveau 3 (Relance)\u00a0: ajouté"],
        ["Niveau 3 (Relance), Jours après l’échéance\u00a0: 10 → 12"],
    ]


def test_what_the_database_refuses_is_told_at_its_field(draft: Policy) -> None:
    seen = fingerprint(draft)
    for rank, values, field in (
        (1, {"claims_interest": True}, "claims_interest"),
        (1, {"delay_from": "PREVIOUS"}, "delay_from"),
        (2, {"channel": "AGENCY"}, "channel"),
        (5, {"approval": "AUTOMATIC"}, "approval"),
    ):
        with pytest.raises(FaultyLadder) as refused:
            save_level(policy_id=draft.pk, rank=rank, seen=seen, values=values, **WHO)
        assert refused.value.field == field
    with pytest.raises(FaultyLadder) as refused:
        save_policy(policy_id=draft.pk, seen=seen, values={"sending_until": draft.sending_from}, **WHO)
    assert refused.value.field == "sending_until"
    assert fingerprint(Policy.objects.get(pk=draft.pk)) == seen


def test_the_second_of_two_tabs_is_told_what_changed(draft: Policy) -> None:
    seen = fingerprint(draft)
    save_policy(policy_id=draft.pk, seen=seen, values={"contact_gap_days": 9}, **WHO)
    with pytest.raises(ChangedMeanwhile) as refused:
        save_level(policy_id=draft.pk, rank=2, seen=seen, values={"delay_days": 6}, **WHO)
    assert refused.value.changes == ["Encours, Jours au moins entre deux contacts\u00a0: 7 → 9"]
    # Having read it, the person keeps what was typed.
    changed = save_level(policy_id=draft.pk, rank=2, seen=refused.value.seen, values={"delay_days": 6}, **WHO)
    assert (changed.contact_gap_days, changed.levels.get(rank=2).delay_days) == (9, 6)


def test_activation_retires_the_former_version_and_tells_the_difference(draft: Policy) -> None:
    first = activate_policy(policy_id=draft.pk, seen=fingerprint(draft), note="", **WHO)
    second = draft_next_version(policy=first, **WHO)
    with pytest.raises(WrongState, match="déjà en préparation"):
        draft_next_version(policy=first, **WHO)
    second = save_level(
        policy_id=second.pk, rank=4, seen=fingerprint(second), values={"delay_days": 25}, **WHO
    )
    second = remove_level(policy_id=second.pk, rank=5, seen=fingerprint(second), **WHO)
    activate_policy(policy_id=second.pk, seen=fingerprint(second), note="Plus tôt", **WHO)
    assert dict(Policy.objects.values_list("version", "status")) == {1: "RETIRED", 2: "ACTIVE"}
    event = AuditEvent.objects.filter(verb="dunning.policy.activated").latest("pk")
    assert event.data["changes"] == [
        "Niveau 4 (Mise en demeure), Jours après l’échéance\u00a0: 30 → 25",
        "Niveau 5 (Remise en recouvrement)\u00a0: retiré",
    ]
    assert (event.data["replaces"], event.data["note"]) == (1, "Plus tôt")


def test_a_faulty_ladder_is_not_activated(draft: Policy) -> None:
    faulty = remove_level(policy_id=draft.pk, rank=4, seen=fingerprint(draft), **WHO)
    with pytest.raises(FaultyLadder, match="suit une mise en demeure") as refused:
        activate_policy(policy_id=faulty.pk, seen=fingerprint(faulty), note="", **WHO)
    assert [(fault.rank, fault.field) for fault in refused.value.faults] == [(4, "kind")]
    empty = create_policy(code="VIDE", name="Vide", source=None, **WHO)
    with pytest.raises(FaultyLadder, match="au moins un niveau"):
        activate_policy(policy_id=empty.pk, seen=fingerprint(empty), note="", **WHO)
    assert not Policy.objects.filter(status="ACTIVE").exists()


def test_a_version_that_was_in_force_is_never_changed(draft: Policy) -> None:
    active = activate_policy(policy_id=draft.pk, seen=fingerprint(draft), note="", **WHO)
    seen, before = fingerprint(active), content_of(active)
    for edit in (
        lambda: save_policy(policy_id=active.pk, seen=seen, values={"priority": 1}, **WHO),
        lambda: save_level(policy_id=active.pk, rank=1, seen=seen, values={"delay_days": -2}, **WHO),
        lambda: remove_level(policy_id=active.pk, rank=1, seen=seen, **WHO),
        lambda: move_level(policy_id=active.pk, rank=1, to_rank=2, seen=seen, **WHO),
        lambda: activate_policy(policy_id=active.pk, seen=seen, note="", **WHO),
    ):
        with pytest.raises(WrongState):
            edit()
    with pytest.raises(BusinessError, match="pourquoi"):
        retire_policy(policy_id=active.pk, note=" ", **WHO)
    retired = retire_policy(policy_id=active.pk, note="Refonte", **WHO)
    assert content_of(Policy.objects.get(pk=retired.pk)) == before
    with pytest.raises(WrongState):
        retire_policy(policy_id=active.pk, note="Encore", **WHO)


def test_the_default_ladders_have_no_fault_and_install_once() -> None:
    make_agency()
    for model in MODELS:
        policy = create_policy(code=f"M-{model.code}", name="Modèle", source=model, **WHO)
        assert check_ladder(ladder_of(policy)) == []
        assert advise(ladder_of(policy)) == []
    with pytest.raises(WrongState):
        install_default_policies(**WHO, has_agency=True)


@pytest.mark.parametrize("has_agency", [True, False])
def test_a_new_house_gets_ladders_in_force(has_agency: bool) -> None:
    if has_agency:
        make_agency()
    installed = install_default_policies(**WHO, has_agency=has_agency)
    assert [policy.status for policy in installed] == ["ACTIVE"] * 3
    assert Level.objects.filter(kind="HAND_OVER").exists() == has_agency
    assert not Level.objects.filter(policy__customer_kind="CONSUMER", claims_interest=True).exists()


def test_scope_and_right_are_needed(make_user: Any) -> None:
    mine, other = make_entity(), make_entity()
    accountant = make_user(Role.ACCOUNTANT)
    with pytest.raises(NotAllowed):
        create_policy(actor=accountant, code="X", name="X", source=None, now=NOW)
    manager = make_user(Role.CREDIT_MANAGER, email="limited@example.test")
    EntityScope.objects.filter(user=manager).delete()
    EntityScope.objects.create(user=manager, legal_entity=mine)
    with pytest.raises(NotInScope):
        create_policy(actor=manager, code="X", name="X", source=None, now=NOW)
    theirs = create_policy(actor=SYSTEM, code="Y", name="Y", source=make_policy(other), now=NOW)
    with pytest.raises(NotInScope):
        save_policy(
            actor=manager, policy_id=theirs.pk, seen=fingerprint(theirs), values={"priority": 1}, now=NOW
        )
    own = create_policy(
        actor=manager, code="Z", name="Z", source=make_policy(mine), now=NOW + timedelta(hours=1)
    )
    with pytest.raises(NotInScope):
        save_policy(
            actor=manager, policy_id=own.pk, seen=fingerprint(own), values={"legal_entity": None}, now=NOW
        )
    assert Decimal(own.minimum_amount) == 0
