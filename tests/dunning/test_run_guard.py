"""When a run's volume is unusual."""

from decimal import Decimal

import pytest

from dunning.run_guard import Unusual, Volume, unusual


def euros(notices: int, amount: int) -> Volume:
    return {"EUR": (notices, Decimal(amount))}


@pytest.mark.parametrize(
    ("now", "before", "what"),
    [
        (euros(500, 1000), [], None),
        (euros(100, 1000), [euros(50, 1000)], None),
        (euros(101, 1000), [euros(50, 1000)], "notices"),
        (euros(50, 99999), [euros(1, 1)], None),
        (euros(60, 2001), [euros(60, 1000), euros(60, 1000)], "amount"),
        (euros(60, 2000), [euros(60, 1000)], None),
        # The median: one large run among small ones changes nothing.
        (euros(101, 1000), [euros(20, 1000), euros(500, 1000), euros(40, 1000)], "notices"),
        # By currency: a new one is compared with nothing.
        (euros(60, 1000) | {"GBP": (60, Decimal(900000))}, [euros(100, 1000)], None),
    ],
)
def test_unusual(now: Volume, before: list[Volume], what: str | None) -> None:
    found = unusual(now, before, ratio=Decimal(2), minimum=50)
    assert (found.what if found else None) == what


def test_what_was_compared_is_kept() -> None:
    found = unusual(euros(200, 1000), [euros(40, 900), euros(51, 900)], ratio=Decimal("2.5"), minimum=50)
    assert found == Unusual("notices", Decimal(200), Decimal("45.5"), Decimal("2.5"), 2)
    assert found.as_json() == {
        "what": "notices", "volume": "200", "usual": "45.5", "ratio": "2.5", "runs": 2, "currency": "",
    }  # fmt: skip
