"""Waivers: who may grant one, with which reason, and what they do to relances that have not left."""

from datetime import timedelta
from decimal import Decimal

import pytest

from core.errors import NotAllowed
from core.models import AuditEvent, Grant, LegalParameter, Role, User
from core.rights import SYSTEM
from customers.models import EntityScope, LegalEntity
from dunning.models import CaseItem, FeeWaiver, Level, Notice, NoticeLine
from dunning.operations.cases import open_cases
from dunning.operations.runs import dun
from dunning.operations.waivers import WaiverRefused, revoke_waiver, waive_fees, waive_notice_fees
from invoices.models import OpenItem
from tests.dunning.factories import (
    NOW,
    TODAY,
    load_law,
    make_agency,
    make_customer,
    make_entity,
    make_item,
    make_policy,
    make_step,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def entity(db: None) -> LegalEntity:
    load_law()
    entity = make_entity()
    make_policy(entity)
    return entity


def person(role: str, entity: LegalEntity | None) -> User:
    user = User.objects.create_user(
        f"{role.lower()}-{User.objects.count()}", password="x", full_name="Odile R."
    )
    Grant.objects.create(user=user, role=role)
    if entity is not None:
        EntityScope.objects.create(user=user, legal_entity=entity)
    return user


@pytest.fixture
def manager(entity: LegalEntity) -> User:
    return person(Role.CREDIT_MANAGER, entity)


def late(entity: LegalEntity, **fields: object) -> OpenItem:
    item = make_item(make_customer(entity), "1000.00", TODAY - timedelta(days=60), **fields)
    first = Level.objects.get(policy__legal_entity=entity, rank=1)
    make_step(item, first, sent_on=TODAY - timedelta(days=15))
    return item


def waive(
    actor: User, *items: OpenItem, part: str = "BOTH", reason: str = "Geste commercial"
) -> list[FeeWaiver]:
    return waive_fees(
        actor=actor, item_ids=[item.pk for item in items], part=part, reason=reason, today=TODAY, now=NOW
    )


def proposed(entity: LegalEntity, item: OpenItem) -> NoticeLine | None:
    run = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    return NoticeLine.objects.filter(notice__run=run.run_id, item=item).first()


def test_a_waiver_holds_what_has_not_left_and_the_next_run_claims_the_principal(
    entity: LegalEntity, manager: User
) -> None:
    item = late(entity)
    before = proposed(entity, item)
    assert before is not None and before.interest_amount > 0
    [waiver] = waive(manager, item)
    notice = Notice.objects.get(pk=before.notice_id)
    assert (notice.status, notice.reason) == ("HELD", "pénalités ou indemnité remises depuis la préparation")
    after = proposed(entity, item)
    assert after is not None
    assert (after.open_amount, after.interest_amount, after.indemnity_amount) == (Decimal(1000), 0, 0)
    event = AuditEvent.objects.get(verb="dunning.fees.waived")
    assert event.data["reason"] == "Geste commercial" and event.data["held_notices"] == [notice.pk]
    assert (waiver.granted_on, waiver.granted_by, waiver.revoked_on) == (TODAY, manager, None)


def test_a_waiver_of_the_indemnity_leaves_a_notice_that_claims_none(
    entity: LegalEntity, manager: User
) -> None:
    Level.objects.filter(policy__legal_entity=entity).update(claims_indemnity=False)
    item = late(entity)
    line = proposed(entity, item)
    assert line is not None
    waive(manager, item, part="INDEMNITY")
    assert Notice.objects.get(pk=line.notice_id).status == "PROPOSED"


def test_a_failed_notice_that_claims_what_is_given_up_is_set_aside(
    entity: LegalEntity, manager: User
) -> None:
    item = late(entity)
    line = proposed(entity, item)
    assert line is not None
    for status in ("APPROVED", "RENDERED", "SENDING", "FAILED"):
        Notice.objects.filter(pk=line.notice_id).update(status=status)
    waive(manager, item)
    notice = Notice.objects.get(pk=line.notice_id)
    assert (notice.status, notice.reason) == (
        "REJECTED", "pénalités ou indemnité remises depuis la préparation",
    )  # fmt: skip
    after = proposed(entity, item)
    assert after is not None and after.interest_amount == 0


def test_what_is_taken_back_is_claimed_again(entity: LegalEntity, manager: User) -> None:
    item = late(entity)
    [waiver] = waive(manager, item)
    revoke_waiver(actor=manager, waiver_id=waiver.pk, reason="Erreur de client", today=TODAY, now=NOW)
    line = proposed(entity, item)
    assert line is not None and line.interest_amount > 0 and line.indemnity_amount == 40
    assert AuditEvent.objects.get(verb="dunning.fees.waiver_revoked").data["reason"] == "Erreur de client"
    with pytest.raises(WaiverRefused, match="déjà retirée"):
        revoke_waiver(actor=manager, waiver_id=waiver.pk, reason="encore", today=TODAY, now=NOW)
    waive(manager, item)  # and may be granted anew


def test_a_notice_is_waived_as_a_whole(entity: LegalEntity, manager: User) -> None:
    item = late(entity)
    other = make_item(item.customer, "500.00", TODAY - timedelta(days=60))
    make_step(
        other, Level.objects.get(policy__legal_entity=entity, rank=1), sent_on=TODAY - timedelta(days=15)
    )
    line = proposed(entity, item)
    assert line is not None
    waive(manager, other, part="INTEREST")
    line = proposed(entity, item)
    assert line is not None
    granted = waive_notice_fees(
        actor=manager, notice_id=line.notice_id, part="INTEREST", reason="Litige soldé", today=TODAY, now=NOW
    )
    assert [(waiver.item, waiver.notice_id) for waiver in granted] == [(item, line.notice_id)]
    with pytest.raises(WaiverRefused, match="ne réclame rien de tel"):
        waive_notice_fees(
            actor=manager, notice_id=line.notice_id, part="INTEREST", reason="x", today=TODAY, now=NOW
        )


@pytest.mark.parametrize(
    ("fields", "message", "field"),
    [
        ({"reason": "   "}, "Dites pourquoi", "reason"),
        ({"reason": "x" * 201}, "200 caractères", "reason"),
        ({"part": "ALL"}, "Choisissez ce que", "part"),
        ({"item_ids": []}, "Choisissez d’une à", None),
        ({"item_ids": [0]}, "périmètre", None),
    ],
)
def test_refusals_say_what_to_do(
    entity: LegalEntity, manager: User, fields: dict, message: str, field: str | None
) -> None:
    item = late(entity)
    values = {"item_ids": [item.pk], "part": "BOTH", "reason": "Geste"} | fields
    with pytest.raises(WaiverRefused, match=message) as refusal:
        waive_fees(actor=manager, today=TODAY, now=NOW, **values)
    assert refusal.value.field == field
    assert not FeeWaiver.objects.exists()


def test_one_waiver_at_a_time(entity: LegalEntity, manager: User) -> None:
    item = late(entity)
    waive(manager, item, part="INTEREST")
    with pytest.raises(WaiverRefused, match=f"déjà en vigueur sur {item.number}"):
        waive(manager, item, part="INDEMNITY")


def test_a_credit_bears_no_interest_to_waive(entity: LegalEntity, manager: User) -> None:
    with pytest.raises(WaiverRefused, match="ne porte pas de pénalités"):
        waive(manager, make_item(make_customer(entity), "-10.00", TODAY))


def test_out_of_scope_and_without_the_right(entity: LegalEntity, manager: User) -> None:
    elsewhere = make_item(make_customer(make_entity()), "10.00", TODAY)
    with pytest.raises(WaiverRefused, match="périmètre"):
        waive(manager, elsewhere)
    for role in (Role.FINANCE_DIRECTOR, Role.ACCOUNTANT, Role.ADMINISTRATOR):
        with pytest.raises(NotAllowed):
            waive(person(role, entity), late(entity))
    with pytest.raises(WaiverRefused, match="par une personne"):
        waive(SYSTEM, late(entity))  # type: ignore[arg-type]


def test_what_an_agency_recovers_or_what_leaves_now_is_not_waived(entity: LegalEntity, manager: User) -> None:
    make_agency()
    item = late(entity)
    line = proposed(entity, item)
    assert line is not None
    Notice.objects.filter(pk=line.notice_id).update(status="APPROVED")
    notice = Notice.objects.get(pk=line.notice_id)
    Notice.objects.filter(pk=notice.pk).update(status="SENDING")
    with pytest.raises(WaiverRefused, match="part en ce moment"):
        waive(manager, item)
    other = late(entity)
    levels = {level.rank: level for level in Level.objects.filter(policy__legal_entity=entity)}
    make_step(other, levels[3], sent_on=TODAY - timedelta(days=20))
    step = make_step(other, levels[4], sent_on=TODAY)
    open_cases(actor=SYSTEM, notices=[step], today=TODAY, now=NOW)
    assert CaseItem.objects.filter(item=other, is_live=True).exists()
    with pytest.raises(WaiverRefused, match="rappelez le dossier"):
        waive(manager, other)


def test_senate_bill_83_the_registry_may_forbid_waivers(entity: LegalEntity, manager: User) -> None:
    LegalParameter.objects.filter(key="waiver.allowed").update(value="NO", source="Loi 2027-12, art. 3")
    with pytest.raises(WaiverRefused, match="Loi 2027-12, art. 3") as refusal:
        waive(manager, late(entity))
    assert refusal.value.code == "waiver_forbidden"
    LegalParameter.objects.filter(key="waiver.allowed").delete()
    with pytest.raises(WaiverRefused, match=r"waiver\.allowed"):
        waive(manager, late(entity))
