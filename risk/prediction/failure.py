"""The probability that a company fails, from its ratios: an ensemble of boosted trees over ratios, gaps and differences.

The same estimator serves a back-test on public sets and a house's own statements. Nothing is learnt outside `learn`:
in a cross-validation the choice of columns is made on the training folds only. A ratio that is missing stays so.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from risk.prediction.ledger import Numbers
from risk.prediction.measures import auc, average_precision
from risk.prediction.tables import RatioTable

SEEDS = 4
TOP_RATIOS = 14
_TINY = 1e-9
# A forest of random cuts joins for that weight when its out-of-bag AUC, on what it learns from, is good enough.
FOREST_WEIGHT = 0.3
FOREST_AUC = 0.9


@dataclass(frozen=True)
class FailureSettings:
    seed: int = 20_261_123
    members: int = SEEDS
    top: int = TOP_RATIOS
    rounds: int = 600
    rate: float = 0.03
    leaves: int = 12
    leaf: int = 10
    column_share: float = 0.15


@dataclass
class FailureEstimator:
    """Fitted members (the odd ones read the ratios alone), and the columns whose pairs are compared."""

    members: list[Any]
    top: list[int]
    names: tuple[str, ...]
    forest: Any = None
    medians: list[float] = field(default_factory=list)


def learn(
    values: Numbers, failed: NDArray[np.bool_], names: tuple[str, ...], settings: FailureSettings
) -> FailureEstimator:
    """Fit on these companies. Raises ValueError without companies of both kinds."""
    from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier

    if failed.all() or not failed.any():
        raise ValueError("both failed and sound companies are needed")
    top = _strongest(values, failed, settings.top)
    table = prepared(values, top)
    members = [
        HistGradientBoostingClassifier(
            max_iter=settings.rounds if number % 2 == 0 else settings.rounds * 3 // 2,
            learning_rate=settings.rate,
            max_leaf_nodes=settings.leaves if number % 2 == 0 else settings.leaves // 2,
            min_samples_leaf=settings.leaf,
            l2_regularization=3.0,
            max_features=settings.column_share if number % 2 == 0 else 2 * settings.column_share,
            early_stopping=False,
            random_state=settings.seed + number,
        ).fit(table if number % 2 == 0 else values, failed)
        for number in range(settings.members)
    ]
    medians = np.nan_to_num(np.nanmedian(values, axis=0))
    forest = ExtraTreesClassifier(
        n_estimators=300, min_samples_leaf=2, max_features=0.3, class_weight="balanced_subsample",
        random_state=settings.seed, n_jobs=1, bootstrap=True, oob_score=True,
    ).fit(_filled(values, medians), failed)  # fmt: skip
    odds = forest.oob_decision_function_[:, 1]
    trusted = (auc(failed, np.nan_to_num(odds, nan=0.5)) or 0.0) >= FOREST_AUC
    return FailureEstimator(
        members, top, names, forest if trusted else None, [float(value) for value in medians]
    )


def estimate(estimator: FailureEstimator, values: Numbers, forest_weight: float = 0.0) -> Numbers:
    """The probability of each company: the mean of the members' log-odds, with the forest's for its weight."""
    table = prepared(values, estimator.top)
    odds = np.mean(
        [
            member.decision_function(table if number % 2 == 0 else values)
            for number, member in enumerate(estimator.members)
        ],
        axis=0,
    )
    if forest_weight and estimator.forest is not None:
        share = estimator.forest.predict_proba(_filled(values, np.asarray(estimator.medians)))[:, 1]
        share = np.clip(share, 0.001, 0.999)
        odds = (1 - forest_weight) * odds + forest_weight * np.log(share / (1 - share))
    return np.asarray(1 / (1 + np.exp(-odds)), dtype=np.float64)


def prepared(values: Numbers, top: list[int]) -> NDArray[np.float32]:
    """The ratios, the differences and quotients of the strongest ones, and how many are missing."""
    columns = [values]
    with np.errstate(all="ignore"):
        for place, left in enumerate(top):
            for right in top[place + 1 :]:
                first, second = values[:, left], values[:, right]
                quotient = np.where(np.abs(second) > _TINY, first / second, np.nan)
                columns.append(np.column_stack([first - second, quotient]))
    columns.append(np.isnan(values).sum(axis=1, keepdims=True).astype(float))
    table = np.clip(np.column_stack(columns), -1e30, 1e30)
    return table.astype(np.float32)


def cross_validated(
    table: RatioTable, *, folds: int, seed: int, settings: FailureSettings | None = None
) -> dict[str, Any]:
    """Stratified folds, everything learnt on the others; beside it the best single ratio and a logistic curve."""
    from sklearn.model_selection import StratifiedKFold

    settings = settings or FailureSettings(seed=seed)
    scores: list[float] = []
    precisions: list[float] = []
    single: list[float] = []
    said = np.zeros(len(table.failed))
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(
        table.values, table.failed
    ):
        estimator = learn(table.values[train], table.failed[train], table.names, settings)
        probability = estimate(estimator, table.values[test], FOREST_WEIGHT)
        said[test] = probability
        truth = table.failed[test]
        scores.append(auc(truth, probability) or 0.0)
        precisions.append(average_precision(truth, probability) or 0.0)
        best = np.nan_to_num(table.values[test][:, estimator.top[0]])
        found = auc(truth, best) or 0.5
        single.append(max(found, 1 - found))
    return {
        "companies": len(table.failed),
        "failed": int(table.failed.sum()),
        "folds": folds,
        "seed": seed,
        "auc": round(float(np.mean(scores)), 4),
        "auc_folds": [round(value, 4) for value in scores],
        "average_precision": round(float(np.mean(precisions)), 4),
        "brier": round(float(((said - table.failed) ** 2).mean()), 4),
        "accuracy": round(float(((said >= 0.5) == table.failed).mean()), 4),
        "best_ratio_auc": round(float(np.mean(single)), 4),
    }


def _strongest(values: Numbers, failed: NDArray[np.bool_], count: int) -> list[int]:
    """The columns that tell failed from sound companies best, one by one."""
    strength = []
    for place in range(values.shape[1]):
        known = ~np.isnan(values[:, place])
        found = auc(failed[known], values[known, place])
        strength.append(0.0 if found is None else abs(found - 0.5))
    return [int(place) for place in np.argsort(-np.array(strength), kind="stable")[:count]]


def _filled(values: Numbers, medians: Numbers) -> Numbers:
    return np.clip(np.where(np.isnan(values), medians, values), -1e30, 1e30)
