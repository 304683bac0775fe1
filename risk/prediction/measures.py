"""How right predictions were: discrimination, calibration, days of error. Values in, numbers out."""

import numpy as np
from numpy.typing import NDArray

from risk.prediction.ledger import Numbers

WITHIN_DAYS = 3


def auc(truth: NDArray[np.bool_], score: Numbers) -> float | None:
    """The chance that a true case scores above a false one; ties count for half. None without both kinds."""
    true_count = int(truth.sum())
    false_count = len(truth) - true_count
    if not true_count or not false_count:
        return None
    _values, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = np.cumsum(count) - (count - 1) / 2
    return float((rank[place][truth].sum() - true_count * (true_count + 1) / 2) / (true_count * false_count))


def average_precision(truth: NDArray[np.bool_], score: Numbers) -> float | None:
    """The area under precision against recall, as the mean precision at each true case."""
    if not truth.any():
        return None
    order = np.argsort(-score, kind="stable")
    ordered = truth[order]
    precision = np.cumsum(ordered) / np.arange(1, len(ordered) + 1)
    return float(precision[ordered].mean())


def probability_measures(truth: NDArray[np.bool_], probability: Numbers) -> dict[str, float | None]:
    found = auc(truth, probability)
    return {
        "auc": None if found is None else round(found, 4),
        "accuracy": round(float(((probability >= 0.5) == truth).mean()), 4),
        "brier": round(float(((probability - truth) ** 2).mean()), 4),
    }


def date_measures(error_days: Numbers) -> dict[str, float]:
    """`error_days`: actual less expected, in days."""
    size = np.abs(error_days)
    return {
        "mae_days": round(float(size.mean()), 3),
        "within_3_days": round(float((size <= WITHIN_DAYS).mean()), 4),
        "bias_days": round(float(np.asarray(error_days).mean()), 3),
    }


def calibration(truth: NDArray[np.bool_], probability: Numbers, bins: int = 10) -> list[dict[str, float]]:
    """Said and seen share of late payments in each tenth of the probability scale."""
    place = np.minimum((probability * bins).astype(int), bins - 1)
    return [
        {
            "count": int((place == number).sum()),
            "said": round(float(probability[place == number].mean()), 4),
            "seen": round(float(truth[place == number].mean()), 4),
        }
        for number in range(bins)
        if (place == number).any()
    ]
