"""The ladder, case by case."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.selection import (
    Account,
    ItemFacts,
    LevelRule,
    PolicyRule,
    Reason,
    Selection,
    next_date,
    select,
)

AS_OF = date(2026, 11, 23)
LADDER = (
    LevelRule(1, 5, 0),
    LevelRule(2, 15, 8, "SECOND_REMINDER"),
    LevelRule(3, 30, 10, "FORMAL_NOTICE"),
    LevelRule(4, 60, 15, "HAND_OVER"),
)


def account(minimum: str | int = 0, **facts: Any) -> Account:
    """A customer whom the usual ladder leads."""
    return Account(policy=PolicyRule(LADDER, minimum_amount=Decimal(minimum)), **facts)


def ranks(selection: Selection) -> dict[int, int]:
    """The step of every item that takes one, whichever notice it stands in."""
    return {item: rank for notice in selection.notices for item, rank in notice.ranks.items()}


def late(
    days: int, *, rank: int = 0, sent: int | None = None, amount: str = "100.00", **facts: Any
) -> ItemFacts:
    """An item so many days late, whose last step is `rank`, sent so many days ago."""
    late.counter += 1  # type: ignore[attr-defined]
    return ItemFacts(
        item_id=late.counter,  # type: ignore[attr-defined]
        due_date=AS_OF - timedelta(days=days),
        open_amount=Decimal(amount),
        last_rank=rank,
        last_sent_on=None if sent is None else AS_OF - timedelta(days=sent),
        **facts,
    )


late.counter = 0  # type: ignore[attr-defined]

ONE_ITEM = [
    ("first step the day the delay is reached", account(), late(5), 1),
    ("not the day before", account(), late(4), Reason.WAITING),
    ("an outage of a year delays the step, never skips it", account(), late(365), 1),
    ("second step after the delay and the gap", account(), late(15, rank=1, sent=8), 2),
    ("the gap counts from the proven sending", account(), late(40, rank=1, sent=7), Reason.WAITING),
    ("previous step proposed but not sent", account(), late(40, rank=1), Reason.PENDING),
    ("ladder climbed to its end", account(), late(200, rank=4, sent=90), Reason.SEQUENCE_DONE),
    ("disputed", account(), late(40, disputed_amount=Decimal("100.00")), Reason.DISPUTED),
    ("part of it disputed: the rest is chased", account(), late(40, disputed_amount=Decimal("99.99")), 1),
    ("more disputed than is left", account(), late(40, disputed_amount=Decimal("250.00")), Reason.DISPUTED),
    ("promised", account(), late(40, promised_amount=Decimal("100.00")), Reason.PROMISED),
    ("part of it promised", account(), late(40, promised_amount=Decimal("40.00")), 1),
    ("part disputed, the rest promised", account(), late(40, disputed_amount=Decimal("60.00"), promised_amount=Decimal("40.00")), Reason.PROMISED),
    ("in a payment plan", account(), late(40, is_planned=True), Reason.PLANNED),
    ("a receipt that could settle the part chased", account(credit_amount=Decimal(40)), late(9, disputed_amount=Decimal("60.00")), Reason.UNALLOCATED_CASH),
    ("the part chased is below the minimum", account(minimum=50), late(9, disputed_amount=Decimal("60.00")), Reason.BELOW_MINIMUM),
    ("factored", account(), late(40, is_factored=True), Reason.FACTORED),
    ("with an agency", account(), late(40, is_with_agency=True), Reason.WITH_AGENCY),
    ("insolvent before anything else", account(is_insolvent=True), late(9, disputed_amount=Decimal("100.00")), Reason.INSOLVENT),
    ("on hold", account(is_on_hold=True), late(9), Reason.ON_HOLD),
    ("no policy takes him", Account(), late(9), Reason.NO_POLICY),
    (
        "due before any legal rate is known",
        account(rates_from=AS_OF - timedelta(days=8)),
        late(9),
        Reason.RATE_MISSING,
    ),
    ("a receipt that could settle it", account(credit_amount=Decimal(100)), late(9), Reason.UNALLOCATED_CASH),
    ("a receipt too small to settle it", account(credit_amount=Decimal("99.99")), late(9), 1),
    ("below the minimum", account(minimum="100.01"), late(9), Reason.BELOW_MINIMUM),
    (
        "the minimum is looked at net of credits",
        account(credit_amount=Decimal(60), minimum=50),
        late(9),
        Reason.BELOW_MINIMUM,
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("customer", "item", "outcome"), [case[1:] for case in ONE_ITEM], ids=[case[0] for case in ONE_ITEM]
)
def test_one_item(customer: Account, item: ItemFacts, outcome: int | Reason) -> None:
    selection = select(customer, [item], AS_OF)
    if isinstance(outcome, Reason):
        assert selection.excluded == {item.item_id: outcome}
        assert not selection.notices
    else:
        assert ranks(selection) == {item.item_id: outcome}
        assert selection.notices[0].level.rank == outcome


def test_oldest_item_leads_one_notice_in_which_each_keeps_its_rank() -> None:
    old, young, fresh = late(40, rank=2, sent=20), late(9), late(2)
    selection = select(account(), [old, young, fresh], AS_OF)
    assert [notice.level.rank for notice in selection.notices] == [3]
    assert ranks(selection) == {old.item_id: 3, young.item_id: 1}
    assert selection.excluded == {fresh.item_id: Reason.WAITING}


def test_hand_over_takes_only_what_climbed_every_step() -> None:
    ready, young = late(100, rank=3, sent=20, has_formal_notice=True), late(9)
    selection = select(account(), [ready, young], AS_OF)
    assert ranks(selection) == {ready.item_id: 4}
    assert selection.excluded == {young.item_id: Reason.OTHER_STEP_FIRST}


def test_next_date_is_the_later_of_both() -> None:
    level = LevelRule(2, 15, 8)
    assert next_date(late(0, rank=1, sent=1), level) == AS_OF + timedelta(days=15)
    assert next_date(late(100, rank=1, sent=1), level) == AS_OF + timedelta(days=7)


@given(
    st.lists(
        st.tuples(
            st.integers(1, 400), st.integers(0, 4), st.one_of(st.none(), st.integers(0, 60)), st.booleans()
        ),
        max_size=8,
    ),
    st.integers(0, 300),
    st.integers(0, 300),
)
def test_each_item_gets_one_outcome_and_never_skips(rows, credit: int, minimum: int) -> None:
    items = [
        late(days, rank=rank, sent=sent, disputed_amount=Decimal(100 * disputed), has_formal_notice=rank >= 3)
        for days, rank, sent, disputed in rows
    ]
    customer = account(minimum, credit_amount=Decimal(credit))
    selection = select(customer, items, AS_OF)
    taken = ranks(selection)
    ids = {item.item_id for item in items}
    assert set(taken) | set(selection.excluded) == ids
    assert not set(taken) & set(selection.excluded)
    by_id = {item.item_id: item for item in items}
    for item_id, rank in taken.items():
        assert rank == by_id[item_id].last_rank + 1
        assert by_id[item_id].parts.chaseable > 0
    assert all(notice.ranks for notice in selection.notices)
