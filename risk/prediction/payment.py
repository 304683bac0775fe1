"""The estimator of payments: probability of paying late, and the day with its band from 10 to 90 %.

It learns from moments, not from items: each settled item is seen as it stood on some of the days on which it was
still open. So the answer is conditional on being open today: an item 20 days late is never expected in the past.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from risk.prediction.features import Table, features
from risk.prediction.history import History
from risk.prediction.ledger import OPEN, Days, Ledger, Numbers

SHARES = (0.1, 0.5, 0.9)
# Below that many settled items nothing is fitted: the rules of habits answer alone.
FEWEST_ITEMS = 400
MOST_ROWS = 60_000
LONGEST_DELAY = 120
CALIBRATION_SHARE = 0.2
FEWEST_CALIBRATION_ROWS = 100
# scikit-learn refuses nothing here, but trees of random cuts need a number where nothing is known.
UNKNOWN = -999.0


@dataclass(frozen=True)
class Settings:
    """How a model is fitted; kept on its card."""

    seed: int = 20_261_123
    trees: int = 120
    leaf: int = 6
    rounds: int = 150
    rate: float = 0.07


@dataclass(frozen=True)
class Estimates:
    """What is said of each asked item. Days are ordinals; low <= expected <= high, none before the moment."""

    probability_late: Numbers
    expected: Days
    low: Days
    high: Days


@dataclass
class PaymentEstimator:
    """Fitted parts. `slope` and `offset` calibrate the probability, `widen` the band, for items due and not yet due."""

    late: Any
    quantiles: list[Any]
    names: tuple[str, ...]
    slope: float = 1.0
    offset: float = 0.0
    widen: list[list[float]] = field(default_factory=lambda: [[0.0, 0.0], [0.0, 0.0]])


def moments_of(rows: Ledger, until: int, seed: int) -> tuple[NDArray[np.int64], Days]:
    """The moments that items are learnt from, all before `until`: (positions, days).

    The day of issue, a day between it and the due date, the due date, and a day after it, as far as the item was
    open in the morning of that day.
    """
    draw = np.random.default_rng(seed)
    size = len(rows)
    spread, after = draw.random(size), draw.random(size)
    last = np.minimum(rows.settled, until - 1)
    before_due = rows.issued + np.floor(spread * np.maximum(rows.due - rows.issued, 1)).astype(np.int64)
    overdue = rows.due + 1 + np.floor(after * np.maximum(last - rows.due, 1)).astype(np.int64)
    positions, days = [], []
    for moment, wanted in (
        (rows.issued, np.ones(size, dtype=bool)),
        (before_due, before_due > rows.issued),
        (rows.due, rows.due > rows.issued),
        (overdue, last > rows.due),
    ):
        kept = np.flatnonzero(wanted & (moment <= last))
        positions.append(kept)
        days.append(moment[kept])
    return np.concatenate(positions), np.concatenate(days)


def learn(history: History, until: int, settings: Settings | None = None) -> PaymentEstimator:
    """Fit on what was known before the day `until`; the rest of the ledger is not looked at.

    An item overdue and open on that day is a late one already; its date of payment is not learnt. Raises ValueError
    where fewer than FEWEST_ITEMS items were settled.
    """
    settings = settings or Settings()
    # Rebuilt from what was known: not even the order of the rows, which random draws follow, may tell the future.
    history = History(as_of(history.ledger, until))
    rows = history.ledger
    if (rows.settled < OPEN).sum() < FEWEST_ITEMS:
        raise ValueError("too few settled items")
    usable = (rows.settled < OPEN) | (rows.due < until)
    rows = rows.take(usable)
    positions, days = moments_of(rows, until, settings.seed)
    if len(positions) > MOST_ROWS:
        # The latest moments tell most about the next ones.
        latest = np.lexsort((positions, -days))[:MOST_ROWS]
        positions, days = positions[latest], days[latest]
    asked = rows.take(positions)
    return fit(features(history, asked, days), asked, days, settings)


def as_of(rows: Ledger, until: int) -> Ledger:
    """The ledger as the books knew it in the morning of that day."""
    seen = rows.take(rows.issued < until)
    unknown = seen.known >= until
    return Ledger(
        customer=seen.customer,
        segment=seen.segment,
        issued=seen.issued,
        due=seen.due,
        settled=np.where(unknown, OPEN, seen.settled),
        known=np.where(unknown, OPEN, seen.known),
        amount=seen.amount,
    )


def fit(table: Table, asked: Ledger, days: Days, settings: Settings) -> PaymentEstimator:
    """Fit on prepared rows: the earlier ones first, to calibrate on the later ones, then all of them."""
    target_late = asked.settled > asked.due
    paid = asked.settled < OPEN
    remaining = _remaining(asked, days)
    order = np.lexsort((asked.amount, asked.due, asked.customer, days))
    cut = int(len(order) * (1 - CALIBRATION_SHARE))
    border = days[order[cut]] if len(order) else 0
    # What was settled after the border is not learnt from by the part that is calibrated after it.
    early = (days < border) & (asked.settled < border)
    late_rows = days >= border
    estimator = _fitted(table, target_late, remaining, early, early & paid, settings)
    if late_rows.sum() >= FEWEST_CALIBRATION_ROWS and early.sum() >= FEWEST_CALIBRATION_ROWS:
        slope, offset = _platt(_raw(estimator, table.values[late_rows]), target_late[late_rows])
        widen = _widening(estimator, table, remaining, late_rows & paid)
    else:
        slope, offset, widen = 1.0, 0.0, [[0.0, 0.0], [0.0, 0.0]]
    whole = _fitted(table, target_late, remaining, np.ones(len(days), bool), paid, settings)
    whole.slope, whole.offset, whole.widen = slope, offset, widen
    return whole


def estimate(estimator: PaymentEstimator, table: Table, asked: Ledger, moment: Days) -> Estimates:
    """What the estimator says of items open in the morning of their moment."""
    if table.names != estimator.names:
        raise ValueError("features of another version")
    is_due = (moment > asked.due).astype(int)
    raw = _raw(estimator, table.values)
    probability = 1 / (1 + np.exp(-(estimator.offset + estimator.slope * raw)))
    probability = np.where(moment > asked.due, 1.0, probability)
    low, middle, high = (model.predict(table.values) for model in estimator.quantiles)
    widen = np.asarray(estimator.widen)
    start = np.maximum(moment, asked.due)
    expected = start + _whole(middle)
    # The median lies after the due date exactly when paying late is likelier than not.
    on_time = (probability < 0.5) & (moment <= asked.due)
    expected = np.where(on_time, np.minimum(expected, asked.due), np.maximum(expected, asked.due + 1))
    expected = np.maximum(expected, moment)
    low_day = np.maximum(start + _whole(low - widen[is_due, 0]), moment)
    high_day = start + _whole(high + widen[is_due, 1])
    return Estimates(
        np.clip(probability, 0.0001, 1.0),
        expected,
        np.minimum(low_day, expected),
        np.maximum(high_day, expected),
    )


def _remaining(asked: Ledger, days: Days) -> Numbers:
    """Days from the due date, or from the moment where it is later, to the payment."""
    start = np.maximum(days, asked.due)
    return np.clip(asked.settled - start, -LONGEST_DELAY, LONGEST_DELAY).astype(np.float64)


def _fitted(
    table: Table,
    is_late: NDArray[np.bool_],
    remaining: Numbers,
    rows: NDArray[np.bool_],
    paid_rows: NDArray[np.bool_],
    settings: Settings,
) -> PaymentEstimator:
    from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingRegressor

    late = ExtraTreesClassifier(
        n_estimators=settings.trees,
        min_samples_leaf=settings.leaf,
        max_features=0.3,
        random_state=settings.seed,
        n_jobs=1,
    ).fit(_filled(table.values[rows]), is_late[rows])
    quantiles = [
        HistGradientBoostingRegressor(
            **({"loss": "absolute_error"} if share == 0.5 else {"loss": "quantile", "quantile": share}),
            max_iter=settings.rounds,
            learning_rate=settings.rate,
            max_leaf_nodes=31,
            min_samples_leaf=30,
            early_stopping=False,
            random_state=settings.seed,
        ).fit(table.values[paid_rows], remaining[paid_rows])
        for share in SHARES
    ]
    return PaymentEstimator(late, quantiles, table.names)


def _filled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.nan_to_num(values, nan=UNKNOWN)


def _raw(estimator: PaymentEstimator, values: NDArray[np.float32]) -> Numbers:
    """The log-odds before calibration. A customer who was never late gives 0.5 %, not zero."""
    classes = list(estimator.late.classes_)
    if True not in classes:
        return np.full(len(values), -5.3)
    share = estimator.late.predict_proba(_filled(values))[:, classes.index(True)]
    share = np.clip(share, 0.005, 0.995)
    return np.asarray(np.log(share / (1 - share)), dtype=np.float64)


def _platt(raw: Numbers, is_late: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of the logistic curve through the held-out outcomes."""
    from sklearn.linear_model import LogisticRegression

    if is_late.all() or not is_late.any():
        return 1.0, 0.0
    curve = LogisticRegression(C=100.0).fit(raw[:, None], is_late)
    slope = float(curve.coef_[0, 0])
    return (slope, float(curve.intercept_[0])) if slope > 0 else (1.0, 0.0)


def _widening(
    estimator: PaymentEstimator, table: Table, remaining: Numbers, rows: NDArray[np.bool_]
) -> list[list[float]]:
    """Days by which each end of the band moves for one held-out payment in ten to lie beyond it."""
    values, truth = table.values[rows], remaining[rows]
    overdue = table.column("days_to_due")[rows] < 0
    low, high = estimator.quantiles[0].predict(values), estimator.quantiles[2].predict(values)
    found = []
    for group in (~overdue, overdue):
        if group.sum() < FEWEST_CALIBRATION_ROWS:
            found.append([0.0, 0.0])
            continue
        found.append(
            [
                float(np.quantile(low[group] - truth[group], 0.9)),
                float(np.quantile(truth[group] - high[group], 0.9)),
            ]
        )
    return found


def _whole(days: Numbers) -> Days:
    return np.rint(days).astype(np.int64)
