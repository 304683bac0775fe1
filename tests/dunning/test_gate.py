"""The last look before a notice leaves."""

from dataclasses import replace
from decimal import Decimal

import pytest

from dunning.gate import LineNow, NoticeNow, Obstacle, explain, obstacles

LINE = LineNow("FA-1", Decimal("100.00"), Decimal("100.00"))
CLEAR = NoticeNow(False, False, Decimal("0.00"), Decimal("0.00"), [LINE])

CASES = [
    ("nothing changed", CLEAR, ()),
    ("insolvent", replace(CLEAR, is_insolvent=True), ((Obstacle.INSOLVENT, ""),)),
    ("on hold", replace(CLEAR, is_on_hold=True), ((Obstacle.ON_HOLD, ""),)),
    ("a receipt came in", replace(CLEAR, credit=Decimal("5.00")), ((Obstacle.NEW_CREDIT, ""),)),
    (
        "the deducted credit is gone",
        replace(CLEAR, frozen_credit=Decimal("5.00")),
        ((Obstacle.NEW_CREDIT, ""),),
    ),
    (
        "partly paid",
        replace(CLEAR, lines=[replace(LINE, open_amount=Decimal("99.99"))]),
        ((Obstacle.BALANCE_CHANGED, "FA-1"),),
    ),
    (
        "settled",
        replace(CLEAR, lines=[replace(LINE, open_amount=Decimal("0.00"))]),
        ((Obstacle.BALANCE_CHANGED, "FA-1"),),
    ),
    (
        "disputed",
        replace(CLEAR, lines=[replace(LINE, disputed_amount=Decimal("1.00"))]),
        ((Obstacle.DISPUTED, "FA-1"),),
    ),
    (
        "the dispute the letter tells of is over",
        replace(CLEAR, lines=[replace(LINE, frozen_disputed=Decimal("1.00"))]),
        ((Obstacle.DISPUTED, "FA-1"),),
    ),
    (
        "disputed as the letter tells",
        replace(
            CLEAR,
            lines=[replace(LINE, frozen_disputed=Decimal("1.00"), disputed_amount=Decimal("1.00"))],
        ),
        (),
    ),
    (
        "promised",
        replace(CLEAR, lines=[replace(LINE, promised_amount=Decimal("1.00"))]),
        ((Obstacle.PROMISED, "FA-1"),),
    ),
    ("planned", replace(CLEAR, lines=[replace(LINE, is_planned=True)]), ((Obstacle.PLANNED, "FA-1"),)),
    ("factored", replace(CLEAR, lines=[replace(LINE, is_factored=True)]), ((Obstacle.FACTORED, "FA-1"),)),
    (
        "with an agency",
        replace(CLEAR, lines=[replace(LINE, is_with_agency=True)]),
        ((Obstacle.WITH_AGENCY, "FA-1"),),
    ),
]


@pytest.mark.parametrize(("notice", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_obstacles(notice: NoticeNow, found: tuple) -> None:
    assert obstacles(notice) == found


def test_every_obstacle_is_told_with_its_item() -> None:
    text = explain(((Obstacle.NEW_CREDIT, ""), (Obstacle.DISPUTED, "FA-1")))
    assert "non lettré" in text
    assert "FA-1" in text
