"""What the payment estimator would have said in the past, on items it had not learnt from, beside simple rules.

The origin rolls: at the first day of each stretch of the test period the model is fitted again on what was known
before it, as the house does. Every prediction is made in the morning of its moment, of items then open.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from risk.prediction.features import features
from risk.prediction.history import History
from risk.prediction.ledger import OPEN, Days, Ledger, Numbers
from risk.prediction.measures import calibration, date_measures, probability_measures
from risk.prediction.payment import Estimates, Settings, as_of, estimate, learn

TEST_SHARE = 0.3


@dataclass(frozen=True)
class Trial:
    """Predictions of the test period with what happened."""

    asked: Ledger
    moment: Days
    estimates: Estimates


def border_of(ledger: Ledger, share: float = TEST_SHARE) -> int:
    """The day after which that share of the items fell due."""
    return int(np.quantile(ledger.due, 1 - share))


def rolling(
    ledger: Ledger,
    *,
    border: int,
    horizons: tuple[int, ...],
    refit_days: int = 30,
    settings: Settings | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> dict[int, Trial]:
    """For each horizon (days before the due date; negative: after), the items due from `border` on and open then."""
    history = History(ledger)
    rows = history.ledger
    candidates = np.flatnonzero((rows.due >= border) & (rows.settled < OPEN))
    parts: dict[int, list[tuple[Any, Days, Estimates]]] = {horizon: [] for horizon in horizons}
    moments = {horizon: rows.due[candidates] - horizon for horizon in horizons}
    first, last = border, int(max(found.max() for found in moments.values())) if len(candidates) else border
    # Moments just before the border belong to the first model: it saw nothing later than the earliest of them.
    first = min(first, *(int(found.min()) for found in moments.values())) if len(candidates) else border
    starts = list(range(first, last + 1, refit_days))
    for begin in starts:
        wanted = {
            horizon: np.flatnonzero((day >= begin) & (day < begin + refit_days))
            for horizon, day in moments.items()
        }
        if not any(len(found) for found in wanted.values()):
            continue
        model = learn(history, begin, settings)
        for horizon, places in wanted.items():
            day = moments[horizon][places]
            chosen = candidates[places]
            is_open = (rows.known[chosen] >= day) & (rows.issued[chosen] <= day)
            chosen, day = chosen[is_open], day[is_open]
            if not len(chosen):
                continue
            asked = rows.take(chosen)
            said = estimate(model, features(history, blind(asked), day), blind(asked), day)
            parts[horizon].append((chosen, day, said))
        tell(f"{begin}")
    return {
        horizon: Trial(
            rows.take(np.concatenate([chosen for chosen, _day, _said in found])),
            np.concatenate([day for _chosen, day, _said in found]),
            Estimates(
                *(
                    np.concatenate([getattr(said, name) for _chosen, _day, said in found])
                    for name in ("probability_late", "expected", "low", "high")
                )
            ),
        )
        for horizon, found in parts.items()
        if found
    }


def blind(asked: Ledger) -> Ledger:
    """The asked items without what happened to them."""
    never = np.full(len(asked), OPEN, np.int64)
    return Ledger(asked.customer, asked.segment, asked.issued, asked.due, never, never.copy(), asked.amount)


def measures(trial: Trial, before: Ledger) -> dict[str, Any]:
    """The model beside the constant, the customer's median and his share of late payments.

    `before` is the ledger as known when the test period began: the baselines learn from it alone.
    """
    asked, said = trial.asked, trial.estimates
    is_late = asked.settled > asked.due
    found: dict[str, Any] = {
        "count": len(asked),
        "late_share": round(float(is_late.mean()), 4),
        "model": {
            **probability_measures(is_late, said.probability_late),
            **date_measures((asked.settled - said.expected).astype(float)),
            "band_share": round(
                float(((asked.settled >= said.low) & (asked.settled <= said.high)).mean()), 4
            ),
        },
        "calibration": calibration(is_late, said.probability_late),
    }
    paid = before.take(before.settled < OPEN)
    delay = (paid.settled - paid.due).astype(float)
    constant, share = float(np.median(delay)), float((delay > 0).mean())
    medians = _by_customer(paid.customer, delay, np.median)
    shares = _by_customer(paid.customer, (delay > 0).astype(float), np.mean)
    for name, days, probability in (
        ("constant", np.full(len(asked), constant), np.full(len(asked), share)),
        ("customer_median", _each(asked, medians, constant), None),
        ("customer_late_rate", None, _each(asked, shares, share)),
    ):
        found[name] = {}
        if probability is not None:
            found[name] |= probability_measures(is_late, probability)
        if days is not None:
            # The same mercy as for the model: never in the past.
            expected = np.maximum(asked.due + np.rint(days), trial.moment)
            found[name] |= date_measures((asked.settled - expected).astype(float))
    return found


def before_border(ledger: Ledger, border: int) -> Ledger:
    return as_of(ledger, border)


def _by_customer(customer: Days, values: Numbers, told: Callable[[Numbers], Any]) -> dict[int, float]:
    order = np.argsort(customer, kind="stable")
    cuts = np.flatnonzero(np.diff(customer[order])) + 1
    return {
        int(customer[group[0]]): float(told(values[group])) for group in np.split(order, cuts) if len(group)
    }


def _each(asked: Ledger, values: dict[int, float], other: float) -> Numbers:
    return np.array([values.get(int(code), other) for code in asked.customer])
