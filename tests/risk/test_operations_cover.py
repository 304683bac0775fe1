"""Policies, covers, guarantees and files to the insurer: what is written, what is refused and then changes nothing."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db import transaction
from django.db.utils import InternalError

from core.errors import NotAllowed, WrongState
from core.files import open_file
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from risk.cover import OVERDUE, UNNAMED, WITHDRAWN, cover_of, pressing
from risk.limit_covers import covered_amounts
from risk.models import Cover, Guarantee, InsurancePolicy, InsurerFile, InsurerFileItem
from risk.operations.cover import (
    CoverRefused,
    add_guarantee,
    answer_cover,
    cancel_cover,
    end_guarantee,
    reduce_cover,
    request_cover,
    set_policy,
)
from risk.operations.insurer_files import move_insurer_file, prepare_insurer_file
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.risk.factories import NOW, TODAY, invoice

pytestmark = pytest.mark.django_db
TERMS = {
    "insurer": "Assureur", "number": "P-1", "currency": "EUR", "valid_from": date(2025, 1, 1),
    "quota_share": D("0.9"), "max_extension_days": 30, "declaration_days": 60, "claim_days": 150,
    "waiting_days": 150, "stop_delivery_days": 30, "alarm_days": 10,
}  # fmt: skip


@pytest.fixture
def customer():
    return CustomerFactory(legal_entity=LegalEntityFactory())


@pytest.fixture
def policy(customer) -> InsurancePolicy:
    return make_policy(customer.legal_entity)


def make_policy(entity, **values) -> InsurancePolicy:
    return set_policy(actor=SYSTEM, entity=entity, values=TERMS | values, now=NOW)


def granted(customer, policy, amount="80000", **values) -> Cover:
    start = values.pop("valid_from", date(2026, 1, 1))
    asked = request_cover(
        actor=SYSTEM,
        customer=customer,
        policy=policy,
        amount=D(amount),
        requested_on=start,
        today=TODAY,
        now=NOW,
    )
    return answer_cover(
        actor=SYSTEM, cover=asked, amount=D(amount), answered_on=start, valid_from=start, today=TODAY, now=NOW,
        **values,
    )  # fmt: skip


def late(customer, days, amount="1000"):
    return invoice(customer, amount, TODAY - timedelta(days=days))


def rows() -> list[list[tuple]]:
    return [
        list(model.objects.order_by("pk").values_list())
        for model in (InsurancePolicy, Cover, Guarantee, InsurerFile, InsurerFileItem, AuditEvent)
    ]


def test_the_uncovered_exposure_of_the_indicators(customer, policy) -> None:
    granted(customer, policy)
    found = cover_of([customer], TODAY)[customer.pk]
    assert (found.amount, found.uncovered(D(110_000)), found.stop_delivery) == (D(80_000), D(38_000), None)
    assert found.own_share == D("0.1")


def test_an_expired_cover_is_worth_nothing(customer, policy) -> None:
    granted(customer, policy, valid_until=TODAY - timedelta(days=1))
    found = cover_of([customer], TODAY)[customer.pk]
    assert (found.status, found.amount, found.uncovered(D(110_000))) == ("EXPIRED", D(0), D(110_000))
    assert cover_of([customer], TODAY - timedelta(days=1))[customer.pk].amount == D(80_000)


def test_a_withdrawn_cover_stops_deliveries_and_keeps_what_was_invoiced_before(customer, policy) -> None:
    cover = granted(customer, policy)
    invoice(customer, "5000", TODAY + timedelta(days=20), issue_date=TODAY - timedelta(days=10))
    invoice(customer, "3000", TODAY + timedelta(days=29), issue_date=TODAY - timedelta(days=1))
    cancel_cover(
        actor=SYSTEM, cover=cover, notified_on=TODAY - timedelta(days=5), reason="Lettre du 18", today=TODAY,
        now=NOW,
    )  # fmt: skip
    found = cover_of([customer], TODAY)[customer.pk]
    assert (found.stop_delivery, found.amount, found.run_off_amount) == (WITHDRAWN, D(0), D(5000))
    assert found.uncovered(D(8000)) == D(3500)
    assert covered_amounts([customer], TODAY).by_customer[customer.pk].stops_delivery


def test_a_request_given_up_before_its_answer_stops_nothing(customer, policy) -> None:
    asked = request_cover(
        actor=SYSTEM, customer=customer, policy=policy, amount=D(500), requested_on=TODAY, today=TODAY, now=NOW
    )  # fmt: skip
    cancel_cover(actor=SYSTEM, cover=asked, notified_on=TODAY, reason="Demande retirée", today=TODAY, now=NOW)
    assert customer.pk not in cover_of([customer], TODAY)


def test_a_buyer_too_late_is_not_delivered(customer, policy) -> None:
    granted(customer, policy)
    late(customer, 30)
    assert cover_of([customer], TODAY)[customer.pk].stop_delivery is None
    late(customer, 31)
    assert cover_of([customer], TODAY)[customer.pk].stop_delivery == OVERDUE


def test_the_unnamed_zone_covers_those_without_an_agreement_until_they_are_late(customer) -> None:
    make_policy(customer.legal_entity, unnamed_limit_amount=D(8000), unnamed_overdue_days=20)
    found = cover_of([customer], TODAY)[customer.pk]
    assert (found.status, found.amount, found.cover_id) == (UNNAMED, D(8000), None)
    late(customer, 21)
    assert cover_of([customer], TODAY)[customer.pk].amount == D(0)


def test_a_new_agreement_takes_the_place_of_the_one_before(customer, policy) -> None:
    first = granted(customer, policy)
    second = granted(customer, policy, "90000", valid_from=TODAY)
    first.refresh_from_db()
    assert (first.status, first.valid_until) == ("EXPIRED", TODAY - timedelta(days=1))
    assert cover_of([customer], TODAY)[customer.pk].cover_id == second.pk


def test_a_reduced_cover_counts_for_less(customer, policy) -> None:
    cover = granted(customer, policy)
    values = {"actor": SYSTEM, "cover": cover, "notified_on": TODAY, "today": TODAY, "now": NOW}
    before = rows()
    for amount, reason, field in ((D(80_000), "x", "amount"), (D(10_000), " ", "reason")):
        with pytest.raises(CoverRefused) as told, transaction.atomic():
            reduce_cover(amount=amount, reason=reason, **values)
        assert told.value.field == field and rows() == before
    reduce_cover(amount=D(30_000), reason="Révision", **values)
    assert cover_of([customer], TODAY)[customer.pk].amount == D(30_000)


def test_what_cannot_be_written_changes_nothing(customer, policy, make_user) -> None:
    before = rows()
    other = CustomerFactory(legal_entity=LegalEntityFactory())
    for who, values, field in (
        (other, {}, "policy"),
        (customer, {"amount": D(0)}, "amount"),
        (customer, {"requested_on": TODAY + timedelta(days=1)}, "requested_on"),
    ):
        with pytest.raises(CoverRefused) as told:
            request_cover(
                **{
                    "actor": SYSTEM, "customer": who, "policy": policy, "amount": D(1), "requested_on": TODAY,
                    "today": TODAY, "now": NOW,
                } | values
            )  # fmt: skip
        assert told.value.field == field
    for values, field in (
        ({"number": "P-2", "claim_days": 10}, "claim_days"),
        ({"number": "P-2", "quota_share": D(2)}, "quota_share"),
        ({}, "number"),
        ({"number": "P-2", "valid_until": date(2020, 1, 1)}, "valid_until"),
    ):
        with pytest.raises(CoverRefused) as told:
            make_policy(customer.legal_entity, **values)
        assert told.value.field == field
    assert rows() == before
    clerk = make_user(Role.ACCOUNTANT, email="compta@example.test")
    with pytest.raises(NotAllowed):
        set_policy(actor=clerk, entity=customer.legal_entity, values=TERMS | {"number": "P-3"}, now=NOW)
    # What was refused for want of a right is audited, and nothing else is written.
    assert rows()[:-1] == before[:-1]


def test_the_database_refuses_a_move_that_the_table_does_not_name(customer, policy) -> None:
    cover = granted(customer, policy)
    with pytest.raises(InternalError), transaction.atomic():
        Cover.objects.filter(pk=cover.pk).update(status="REQUESTED")


def test_guarantees_back_limits_until_they_end(customer) -> None:
    values = {"kind": "BANK", "amount": D(20_000), "valid_from": TODAY, "guarantor": "Banque"}
    kept = add_guarantee(actor=SYSTEM, customer=customer, values=values, today=TODAY, now=NOW)
    title = {"kind": "TITLE", "amount": None, "valid_from": TODAY}
    add_guarantee(actor=SYSTEM, customer=customer, values=title, today=TODAY, now=NOW)
    assert covered_amounts([customer], TODAY).of(customer.pk, "SECURED", "EUR") == D(20_000)
    before = rows()
    with pytest.raises(CoverRefused) as told:
        add_guarantee(actor=SYSTEM, customer=customer, values=values | {"amount": None}, today=TODAY, now=NOW)
    assert told.value.field == "amount" and rows() == before
    end_guarantee(actor=SYSTEM, guarantee=kept, status="CALLED", reason="Défaut", today=TODAY, now=NOW)
    assert covered_amounts([customer], TODAY).of(customer.pk, "SECURED", "EUR") == D(0)


def test_alarms_come_before_a_declaration_lapses_and_stay_after(customer, policy) -> None:
    granted(customer, policy, valid_from=date(2025, 6, 1))
    far, near, last, lapsed = (late(customer, days) for days in (49, 50, 60, 61))
    found = [item.pk for item in pressing(SYSTEM, policy, "DECLARATION", TODAY)]
    assert found == [lapsed.pk, last.pk, near.pk] and far.pk not in found
    assert [item.pk for item in pressing(SYSTEM, policy, "DECLARATION", TODAY, lapsed=True)] == [lapsed.pk]


def test_a_declaration_is_written_once_followed_and_its_items_are_freed_when_given_up(
    customer, policy
) -> None:
    granted(customer, policy, valid_from=date(2025, 6, 1))
    item = late(customer, 61, "1234.50")
    make = {"actor": SYSTEM, "policy": policy, "kind": "DECLARATION", "today": TODAY, "now": NOW}
    prepared = prepare_insurer_file(**make)
    assert (prepared.item_count, prepared.total_amount) == (1, D("1234.50"))
    with open_file(prepared.file) as stream:
        text = stream.read().decode("utf-8-sig")
    assert item.number in text and "1234,50" in text and text.splitlines()[1].endswith("oui")
    before = rows()
    with pytest.raises(CoverRefused) as told:
        prepare_insurer_file(**make)
    assert told.value.code == "nothing_to_file" and rows() == before
    step = {"actor": SYSTEM, "insurer_file": prepared, "on": TODAY, "today": TODAY, "now": NOW}
    with pytest.raises(WrongState):
        move_insurer_file(status="PAID", **step)
    assert rows() == before
    move_insurer_file(status="DISCARDED", **step)
    assert prepare_insurer_file(**make).item_count == 1


def test_a_claim_is_paid_within_what_was_claimed(customer, policy) -> None:
    granted(customer, policy, valid_from=date(2025, 6, 1))
    late(customer, 145)
    prepared = prepare_insurer_file(actor=SYSTEM, policy=policy, kind="CLAIM", today=TODAY, now=NOW)
    step = {"actor": SYSTEM, "insurer_file": prepared, "on": TODAY, "today": TODAY, "now": NOW}
    for status in ("SENT", "ACKNOWLEDGED"):
        move_insurer_file(status=status, **step)
    before = rows()
    with pytest.raises(CoverRefused) as told:
        move_insurer_file(status="PAID", paid_amount=D(1001), **step)
    assert told.value.field == "paid_amount" and rows() == before
    paid = move_insurer_file(status="PAID", paid_amount=D(900), **step)
    assert (paid.status, paid.paid_amount, paid.paid_on) == ("PAID", D(900), TODAY)
