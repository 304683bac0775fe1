"""What policies may ask for beyond the usual ladder, case by case: the pure rule."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dunning.selection import (
    Account,
    ItemFacts,
    LevelRule,
    PolicyRule,
    Reason,
    Selection,
    next_date,
    next_level,
    select,
)

AS_OF = date(2026, 11, 23)
BEFORE = (
    LevelRule(1, -7, kind="PRE_REMINDER"),
    LevelRule(2, 0, kind="PRE_REMINDER"),
    LevelRule(3, 5),
    LevelRule(4, 10, delay_from="PREVIOUS", kind="FORMAL_NOTICE"),
    LevelRule(5, 15, delay_from="PREVIOUS", kind="HAND_OVER"),
)
PLAIN = (LevelRule(1, 5), LevelRule(2, 15, 8, "FORMAL_NOTICE"), LevelRule(3, 60, 15, "HAND_OVER"))


def item(days: int, *, number: int = 1, rank: int = 0, sent: int | None = None, **facts: Any) -> ItemFacts:
    """An item so many days late (negative: not due yet), whose last step was proven so many days ago."""
    values: dict[str, Any] = {"open_amount": Decimal(100)} | facts
    return ItemFacts(
        item_id=number,
        due_date=AS_OF - timedelta(days=days),
        last_rank=rank,
        last_sent_on=None if sent is None else AS_OF - timedelta(days=sent),
        **values,
    )


def policy(levels: tuple[LevelRule, ...] = PLAIN, **fields: Any) -> PolicyRule:
    return PolicyRule(levels, policy_id=fields.pop("policy_id", 1), **fields)


def told(selection: Selection) -> dict[int, int | str]:
    """Each item's step, or the reason why it takes none."""
    found: dict[int, int | str] = {key: str(reason) for key, reason in selection.excluded.items()}
    for notice in selection.notices:
        found |= notice.ranks
    return found


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (item(-8), "WAITING"),
        (item(-7), 1),
        (item(-1), 1),
        (item(-1, rank=1, sent=3), "WAITING"),
        (item(0, rank=1, sent=3), 2),
        (item(0), 1),
        # Late: what was to be said before the due date is not said any more, and the first reminder is not skipped.
        (item(1), "WAITING"),
        (item(5), 3),
        (item(5, rank=1, sent=9), 3),
        (item(400), 3),
        (item(400, rank=1), "PENDING"),
        (item(30, rank=3, sent=9), "WAITING"),
        (item(30, rank=3, sent=10), 4),
        (item(60, rank=4, sent=15, has_formal_notice=True), 5),
        (item(60, rank=4, sent=15), "OTHER_STEP_FIRST"),
    ],
)
def test_reminders_before_the_due_date(found: ItemFacts, outcome: int | str) -> None:
    assert told(select(Account(policy(BEFORE)), [found], AS_OF)) == {1: outcome}


def test_a_reminder_before_the_due_date_never_stands_beside_what_is_overdue() -> None:
    early, late = item(-3, number=1), item(6, number=2)
    selection = select(Account(policy(BEFORE)), [early, late], AS_OF)
    assert told(selection) == {1: "OTHER_STEP_FIRST", 2: 3}
    # One per item: each has its own words.
    alone = select(Account(policy(BEFORE, grouping="ITEM")), [early, late], AS_OF)
    assert told(alone) == {1: 1, 2: 3}
    assert {notice.item_id: notice.level.rank for notice in alone.notices} == {1: 1, 2: 3}


@pytest.mark.parametrize(
    ("level", "found", "day"),
    [
        (LevelRule(1, 5), item(0), AS_OF + timedelta(days=5)),
        (LevelRule(1, 5, delay_from="END_OF_MONTH"), item(0), date(2026, 12, 5)),
        (LevelRule(1, 0, delay_from="END_OF_MONTH"), item(-7), date(2026, 12, 1)),
        (LevelRule(1, -7, kind="PRE_REMINDER"), item(0), AS_OF - timedelta(days=7)),
        (LevelRule(2, 8, delay_from="PREVIOUS"), item(30, rank=1, sent=2), AS_OF + timedelta(days=6)),
        (LevelRule(2, 8, 12, delay_from="PREVIOUS"), item(30, rank=1, sent=2), AS_OF + timedelta(days=10)),
        (LevelRule(2, 8, delay_from="PREVIOUS"), item(3), AS_OF + timedelta(days=5)),
        # A claim for what is overdue never leaves on the due date itself, whatever the delay says.
        (LevelRule(1, 0), item(0), AS_OF + timedelta(days=1)),
        (LevelRule(1, -4), item(0), AS_OF + timedelta(days=1)),
    ],
)
def test_from_which_day(level: LevelRule, found: ItemFacts, day: date) -> None:
    assert next_date(found, level) == day


def test_no_step_after_the_due_date_is_passed_over() -> None:
    rule = policy(BEFORE)
    assert [next_level(rule, item(500, rank=rank), AS_OF) for rank in range(6)] == [
        BEFORE[2], BEFORE[2], BEFORE[2], BEFORE[3], BEFORE[4], None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("account", "outcome"),
    [
        (Account(policy(contact_gap_days=7)), 1),
        (Account(policy(contact_gap_days=7), last_contact=AS_OF - timedelta(days=7)), 1),
        (Account(policy(contact_gap_days=7), last_contact=AS_OF - timedelta(days=6)), "CONTACT_GAP"),
        (Account(policy(), last_contact=AS_OF), 1),
        (Account(policy(contact_gap_days=7), has_contact_to_come=True), "PENDING"),
        (Account(policy(), has_contact_to_come=True), 1),
        (Account(policy(), is_excepted=True), "EXCEPTED"),
        (Account(is_held_out=True), "HELD_OUT"),
        (Account(), "NO_POLICY"),
        (Account(policy(), is_reminders_only=True), 1),
    ],
)
def test_accounts(account: Account, outcome: int | str) -> None:
    selection = select(account, [item(9)], AS_OF)
    assert told(selection) == {1: outcome}
    if outcome == "CONTACT_GAP":
        assert selection.next_dates == {1: AS_OF + timedelta(days=1)}


def test_a_hand_over_is_no_contact_and_waits_for_none() -> None:
    ready = item(90, rank=2, sent=30, has_formal_notice=True)
    account = Account(policy(contact_gap_days=60), last_contact=AS_OF, has_contact_to_come=True)
    assert told(select(account, [ready], AS_OF)) == {1: 3}


def test_reminders_only_keeps_out_of_formal_notices() -> None:
    ready, protected = (
        item(40, number=1, rank=1, sent=20),
        item(40, number=2, rank=1, sent=20, is_reminders_only=True),
    )
    young = item(9, number=3, is_reminders_only=True)
    selection = select(Account(policy()), [ready, protected, young], AS_OF)
    assert told(selection) == {1: 2, 2: "EXCEPTED", 3: "EXCEPTED"}
    # Nothing formal leads: it is reminded as usual.
    assert told(select(Account(policy()), [young], AS_OF)) == {3: 1}


def test_an_item_with_its_own_policy_gets_its_own_notice() -> None:
    gentle = policy((LevelRule(1, 30),), policy_id=2)
    items = [item(9, number=1), item(9, number=2), item(31, number=3, has_own_policy=True, own_policy=gentle)]
    selection = select(Account(policy()), items, AS_OF)
    assert told(selection) == {1: 1, 2: 1, 3: 1}
    assert [(notice.item_id, notice.policy.policy_id) for notice in selection.notices] == [(None, 1), (3, 2)]
    retired = item(31, has_own_policy=True)
    assert told(select(Account(policy()), [retired], AS_OF)) == {1: "NO_POLICY"}
    # An exception is a person's word on this item: it takes it out of the control group, not out of a hold.
    own = item(31, has_own_policy=True, own_policy=gentle)
    assert told(select(Account(is_held_out=True), [own], AS_OF)) == {1: 1}
    assert told(select(Account(is_excepted=True), [own], AS_OF)) == {1: "EXCEPTED"}


def test_the_oldest_leads_the_others_along() -> None:
    items = [item(40, number=1, rank=1, sent=20), item(9, number=2), item(2, number=3)]
    together = select(Account(policy(progression="OLDEST_LEADS")), items, AS_OF)
    assert told(together) == {1: 2, 2: 2, 3: "WAITING"}
    # Not to the agency, which gets only what was formally notified itself.
    items = [item(90, number=1, rank=2, sent=20, has_formal_notice=True), item(9, number=2)]
    assert told(select(Account(policy(progression="OLDEST_LEADS")), items, AS_OF)) == {
        1: 3,
        2: str(Reason.OTHER_STEP_FIRST),
    }


@pytest.mark.parametrize(
    ("fields", "amounts", "outcome"),
    [
        ({"minimum_amount": Decimal(250)}, (100, 100), {1: "BELOW_MINIMUM", 2: "BELOW_MINIMUM"}),
        ({"minimum_amount": Decimal(200)}, (100, 100), {1: 2, 2: 1}),
        # Each its notice, the minimum stays the customer's.
        ({"minimum_amount": Decimal(200), "grouping": "ITEM"}, (100, 100), {1: 2, 2: 1}),
        # The level's minimum keeps the formal notice back, not the reminder of the other item.
        ({"level": Decimal(500)}, (100, 100), {1: "BELOW_MINIMUM", 2: 1}),
        ({"level": Decimal(500)}, (400, 100), {1: 2, 2: 1}),
        ({"level": Decimal(500), "grouping": "ITEM"}, (400, 100), {1: "BELOW_MINIMUM", 2: 1}),
        # What is left is looked at once more: no letter for less than the policy's minimum.
        (
            {"level": Decimal(500), "minimum_amount": Decimal(150)},
            (100, 100),
            {1: "BELOW_MINIMUM", 2: "BELOW_MINIMUM"},
        ),
    ],
)
def test_minimums(fields: dict[str, Any], amounts: tuple[int, int], outcome: dict[int, int | str]) -> None:
    level = fields.pop("level", Decimal(0))
    levels = (LevelRule(1, 5), LevelRule(2, 15, 8, "FORMAL_NOTICE", minimum_amount=level))
    items = [
        item(40, number=1, rank=1, sent=20, open_amount=Decimal(amounts[0])),
        item(9, number=2, open_amount=Decimal(amounts[1])),
    ]
    assert told(select(Account(policy(levels, **fields)), items, AS_OF)) == outcome


@pytest.mark.parametrize(
    ("approval", "maximum", "automatic"),
    [
        ("AUTOMATIC", None, True),
        ("AUTOMATIC", Decimal("100.00"), True),
        ("AUTOMATIC", Decimal("99.99"), False),
        ("CONFIRMATION", None, False),
        ("MANUAL", None, False),
    ],
)
def test_who_approves(approval: str, maximum: Decimal | None, automatic: bool) -> None:
    levels = (LevelRule(1, 5, approval=approval, maximum_amount=maximum),)
    [notice] = select(Account(policy(levels)), [item(9)], AS_OF).notices
    assert notice.is_automatic is automatic


def test_credits_are_deducted_from_each_notice() -> None:
    items = [item(9, number=1), item(9, number=2, open_amount=Decimal(300))]
    account = Account(policy(grouping="ITEM"), credit_amount=Decimal(40))
    assert [notice.principal for notice in select(account, items, AS_OF).notices] == [60, 260]
