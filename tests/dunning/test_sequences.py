"""Whatever happens: no level skipped, no two contacts within the gap, nothing asked that is not owed.

Seeded days with payments, disputes, promises, holds, exceptions, bounces, stops and outages, through the real
operations; the witness looks at each notice at the moment it leaves.
"""

import random
from datetime import date
from decimal import Decimal

import pytest

from dunning.models import DunningSettings, Level, NoticeLine
from tests.dunning.factories import load_law, make_agency, make_entity, make_policy
from tests.dunning.simulated_house import House, people

RATES = {
    "invoice": 0.2, "payment": 0.025, "dispute": 0.01, "dispute ends": 0.2, "promise": 0.015, "exception": 0.006,
    "hold": 0.01, "hold ends": 0.25, "bounce": 0.1, "stop": 0.03, "stop ends": 0.5, "planning outage": 0.12,
    "sending outage": 0.12,
}  # fmt: skip
SHAPES = (
    {"grouping": "CUSTOMER", "progression": "OWN_LEVEL"},
    {"grouping": "ITEM", "progression": "OWN_LEVEL"},
    {"grouping": "CUSTOMER", "progression": "OLDEST_LEADS"},
)


def fast_ladder(entity, **fields) -> None:
    """The usual ladder with short delays and a reminder before the due date: much happens in few weeks."""
    policy = make_policy(entity, contact_gap_days=4, minimum_amount=Decimal("30.00"), **fields)
    for level in policy.levels.order_by("-rank"):
        level.rank += 1
        level.delay_days, level.gap_days = {2: (2, 0), 3: (7, 4), 4: (12, 5), 5: (20, 6)}[level.rank]
        if level.rank == 3:
            level.delay_from = Level.DelayFrom.PREVIOUS
        level.approval = {2: "AUTOMATIC", 3: "CONFIRMATION"}.get(level.rank, "MANUAL")
        level.maximum_amount = Decimal(5000) if level.rank == 2 else None
        level.save()
    Level.objects.create(
        policy=policy, rank=1, kind="PRE_REMINDER", channel="EMAIL", delay_days=-4, approval="AUTOMATIC"
    )


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(3))
def test_no_sequence_of_events_makes_a_notice_leave_that_must_not(seed: int) -> None:
    load_law()
    make_agency()
    draw = random.Random(seed)
    here, there = make_entity(), make_entity()
    for entity in (here, there):
        fast_ladder(entity, **SHAPES[seed])
        DunningSettings.objects.create(legal_entity=entity, guard_ratio=Decimal(2), guard_minimum=2)
    shared = {"siren": "552100554"}
    customers = people(here, 4) + people(here, 1, **shared) + people(there, 1, **shared)
    house = House(draw, date(2026, 3, 2), [here, there], customers, RATES)

    for _day in range(45):
        house.live()

    # It would prove nothing if little had left.
    assert len(house.left) > 15
    assert {"PRE_REMINDER", "REMINDER", "SECOND_REMINDER"} <= set(house.counts)
    assert not NoticeLine.objects.filter(in_force=True, notice__status__in=["HELD", "REJECTED"]).exists()
