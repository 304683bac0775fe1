"""Events of limitation: recorded with evidence, ended, withdrawn; the list in SQL against the pure rule."""

import io
import random
from datetime import date, timedelta

import pytest

from core.calendar import add_months
from core.errors import NotAllowed
from core.legal import register
from core.models import AuditEvent, Grant, Role, User
from core.rights import SYSTEM
from customers.models import Customer, EntityScope, LegalEntity
from dunning.limitation import EventKind
from dunning.limitation_reads import approaching, limitations, with_act_by
from dunning.models import LimitationEvent
from dunning.operations.limitation_events import (
    LimitationRefused,
    end_limitation_event,
    record_limitation_event,
    withdraw_limitation_event,
)
from invoices.models import OpenItem
from tests.dunning.factories import NOW, TODAY, load_law, make_customer, make_entity, make_item, settle

pytestmark = pytest.mark.django_db
Kind = LimitationEvent.Kind


@pytest.fixture
def entity(db: None) -> LegalEntity:
    load_law()
    return make_entity()


@pytest.fixture
def manager(entity: LegalEntity) -> User:
    user = User.objects.create_user("prescription", password="x", full_name="Odile R.")
    Grant.objects.create(user=user, role=Role.CREDIT_MANAGER)
    EntityScope.objects.create(user=user, legal_entity=entity)
    return user


def old(entity: LegalEntity, due: date, **customer: object) -> OpenItem:
    return make_item(make_customer(entity, **customer), "100.00", due)


def record(actor: User, item: OpenItem, kind: str, day: date, **fields: object) -> list[LimitationEvent]:
    values = {"evidence": "Lettre du débiteur", "is_certain": True} | fields
    return record_limitation_event(
        actor=actor, item_id=item.pk, kind=kind, happened_on=day, today=TODAY, now=NOW, **values  # type: ignore[arg-type]
    )  # fmt: skip


def act_by(item: OpenItem) -> date | None:
    item = OpenItem.objects.select_related("customer").get(pk=item.pk)
    found = limitations([item], register())[item.pk].limitation
    assert found is not None
    return found.act_by


def test_the_kinds_of_the_file_and_of_the_rule_are_the_same() -> None:
    assert set(Kind.values) == {kind.value for kind in EventKind}


def test_an_acknowledgement_with_its_evidence_starts_a_new_period(entity: LegalEntity, manager: User) -> None:
    item = old(entity, date(2022, 3, 1))
    assert act_by(item) == date(2027, 1, 30)
    [event] = record(
        manager,
        item,
        Kind.ACKNOWLEDGEMENT,
        date(2025, 5, 10),
        content=io.BytesIO(b"%PDF-1.7"),
        name="aveu.pdf",
    )
    assert act_by(item) == date(2030, 5, 10)
    assert event.file is not None and event.file.name == "aveu.pdf"
    told = AuditEvent.objects.get(verb="dunning.limitation.recorded").data
    assert told["evidence"] == "Lettre du débiteur" and told["sha256"] == event.file.sha256
    withdraw_limitation_event(
        actor=manager, event_id=event.pk, reason="Signature d’un tiers", today=TODAY, now=NOW
    )
    assert act_by(item) == date(2027, 1, 30)
    with pytest.raises(LimitationRefused, match="n’existe plus"):
        withdraw_limitation_event(actor=manager, event_id=event.pk, reason="x", today=TODAY, now=NOW)


def test_a_claim_in_court_stops_the_period_until_its_end(entity: LegalEntity, manager: User) -> None:
    item = old(entity, date(2022, 3, 1))
    [event] = record(manager, item, Kind.COURT_CLAIM, date(2025, 5, 10))
    assert act_by(item) is None
    end_limitation_event(actor=manager, event_id=event.pk, ended_on=date(2026, 2, 1), today=TODAY, now=NOW)
    assert act_by(item) == date(2031, 2, 1)
    with pytest.raises(LimitationRefused, match="n’est pas en cours"):
        end_limitation_event(actor=manager, event_id=event.pk, ended_on=TODAY, today=TODAY, now=NOW)


def test_a_part_payment_is_never_certain_and_those_of_the_ledger_are_seen(
    entity: LegalEntity, manager: User
) -> None:
    item = old(entity, date(2022, 3, 1))
    [event] = record(manager, item, Kind.PART_PAYMENT, date(2025, 5, 10))
    assert not event.is_certain
    settle(item, make_item(item.customer, "-40.00", date(2026, 4, 3)), "40.00", date(2026, 4, 3))
    item = OpenItem.objects.select_related("customer").get(pk=item.pk)
    found = limitations([item], register())[item.pk].limitation
    assert found is not None
    assert (found.act_by, found.expires_on, found.perhaps_until) == (
        date(2027, 1, 30),
        date(2027, 3, 1),
        date(2031, 4, 3),
    )


def test_the_whole_account_at_once(entity: LegalEntity, manager: User) -> None:
    item = old(entity, date(2024, 3, 1))
    twin = make_item(item.customer, "50.00", date(2024, 5, 1))
    later = make_item(item.customer, "50.00", date(2026, 9, 1))
    stranger = old(entity, date(2024, 3, 1))
    events = record(manager, item, Kind.ACKNOWLEDGEMENT, date(2025, 5, 10), whole_account=True)
    assert {event.item_id for event in events} == {item.pk, twin.pk}
    assert not LimitationEvent.objects.filter(item__in=[later, stranger]).exists()


REFUSED = [
    ({"kind": "LETTER"}, "nature", "kind"),
    ({"evidence": " "}, "quelle pièce le prouve", "evidence"),
    ({"evidence": "x" * 201}, "200 caractères", "evidence"),
    ({"happened_on": TODAY + timedelta(days=1)}, "à venir", "happened_on"),
    ({"ended_on": date(2025, 6, 1)}, "ont une fin", "ended_on"),
    ({"kind": "MEDIATION", "ended_on": date(2025, 5, 1)}, "précède", "ended_on"),
    ({"kind": "MEDIATION", "ended_on": TODAY + timedelta(days=1)}, "à venir", "ended_on"),
    ({"content": io.BytesIO(b"")}, "vide", "file"),
]


@pytest.mark.parametrize(("fields", "message", "field"), REFUSED)
def test_refusals_say_what_to_do(
    entity: LegalEntity, manager: User, fields: dict, message: str, field: str
) -> None:
    item = old(entity, date(2024, 3, 1))
    values = {"kind": "ACKNOWLEDGEMENT", "happened_on": date(2025, 5, 10), "evidence": "Lettre"} | fields
    with pytest.raises(LimitationRefused, match=message) as refusal:
        record_limitation_event(actor=manager, item_id=item.pk, today=TODAY, now=NOW, **values)
    assert refusal.value.field == field
    assert not LimitationEvent.objects.exists()


def test_what_comes_once_barred_changes_nothing(entity: LegalEntity, manager: User) -> None:
    item = old(entity, date(2019, 3, 1))
    with pytest.raises(LimitationRefused, match="prescrite depuis le 01/03/2024"):
        record(manager, item, Kind.ACKNOWLEDGEMENT, date(2025, 5, 10))
    # Uncertain, it is kept: it claims nothing.
    record(manager, item, Kind.ACKNOWLEDGEMENT, date(2025, 5, 10), is_certain=False)


def test_one_day_of_performance(entity: LegalEntity, manager: User) -> None:
    item = old(entity, date(2024, 3, 1))
    record(manager, item, Kind.PERFORMANCE, date(2023, 12, 1), is_certain=False)
    assert act_by(item) == date(2028, 12, 1)
    with pytest.raises(LimitationRefused, match="déjà connue"):
        record(manager, item, Kind.PERFORMANCE, date(2023, 11, 1))


def test_out_of_scope_and_without_the_right(entity: LegalEntity, manager: User) -> None:
    with pytest.raises(LimitationRefused, match="périmètre"):
        record(manager, old(make_entity(), date(2024, 3, 1)), Kind.ACKNOWLEDGEMENT, TODAY)
    reader = User.objects.create_user("lecteur", password="x", full_name="L.")
    Grant.objects.create(user=reader, role=Role.ACCOUNTANT)
    with pytest.raises(NotAllowed):
        record(reader, old(entity, date(2024, 3, 1)), Kind.ACKNOWLEDGEMENT, TODAY)


def test_the_list_holds_what_comes_within_the_months_asked(entity: LegalEntity, manager: User) -> None:
    five_years = add_months(TODAY, -60)
    soon = old(entity, five_years + timedelta(days=60))
    passed = old(entity, five_years - timedelta(days=60))
    later = old(entity, five_years + timedelta(days=500))
    consumer = old(entity, add_months(TODAY, -24) + timedelta(days=50), kind="CONSUMER")
    carriage = old(entity, add_months(TODAY, -12) + timedelta(days=50), claim_nature="CARRIAGE")
    agreed = old(entity, add_months(TODAY, -12) + timedelta(days=50), limitation_years=1)
    interrupted = old(entity, five_years + timedelta(days=60))
    record(manager, interrupted, Kind.ACKNOWLEDGEMENT, TODAY)
    in_court = old(entity, five_years + timedelta(days=60))
    record(manager, in_court, Kind.COURT_CLAIM, TODAY)
    paid = old(entity, five_years)
    OpenItem.objects.filter(pk=paid.pk).update(open_amount=0)
    found = set(approaching(SYSTEM, register(), today=TODAY, months=3))
    assert found == {soon, passed, consumer, carriage, agreed}
    assert later not in set(approaching(SYSTEM, register(), today=TODAY, months=12))
    assert later in set(approaching(SYSTEM, register(), today=TODAY, months=17))
    nobody = User.objects.create_user("sans", password="x", full_name="S.")
    assert not approaching(nobody, register(), today=TODAY, months=3).exists()


@pytest.mark.parametrize("seed", range(1, 6))
def test_the_database_and_the_rule_give_the_same_day(entity: LegalEntity, seed: int) -> None:
    draw = random.Random(seed)
    items = []
    for _n in range(25):
        customer = make_customer(
            entity,
            kind=draw.choice(Customer.Kind.values),
            claim_nature=draw.choice(["", "", "CARRIAGE", "SHIPPING", "UNKNOWN"]),
            limitation_years=draw.choice([None, None, 1, 3, 10]),
        )
        due = date(2012, 1, 1) + timedelta(days=draw.randint(0, 5400))
        item = make_item(customer, "100.00", due, issue_date=due - timedelta(days=draw.randint(0, 120)))
        items.append(item)
        for _m in range(draw.choice([0, 0, 1, 2, 4])):
            day = item.issue_date + timedelta(days=draw.randint(-60, 2600))
            kind = draw.choice(Kind.values)
            lasts = kind in ("COURT_CLAIM", "CLAIM_DECLARED", "MEDIATION") and draw.random() < 0.7
            LimitationEvent.objects.create(
                item=item, kind=kind, happened_on=day, evidence="essai", recorded_at=NOW,
                ended_on=day + timedelta(days=draw.randint(0, 700)) if lasts else None,
                is_certain=kind != "PART_PAYMENT" and draw.random() < 0.8,
                withdrawn_on=TODAY if draw.random() < 0.1 else None,
            )  # fmt: skip
    legal = register()
    keys = [item.pk for item in items]
    rows = OpenItem.objects.filter(pk__in=keys).select_related("customer")
    pure = limitations(list(rows), legal)
    stored = with_act_by(rows, legal, TODAY).extra(where=["TRUE"])
    running = {
        item.pk: item.act_by
        for item in stored.filter(act_by__lt=date(9999, 1, 1))  # type: ignore[attr-defined]
    }
    assert running == {
        key: found.limitation.act_by
        for key, found in pure.items()
        if found.limitation is not None and found.limitation.act_by is not None
    }
    assert LimitationEvent.objects.count() > 10
