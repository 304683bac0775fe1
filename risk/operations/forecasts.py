"""The only writer of payment forecasts and of the models behind them."""

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from io import StringIO
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.files import read_file, store_file
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from customers.models import Customer
from risk.models import PredictionModel
from risk.prediction_data import read_position

CHUNK_CUSTOMERS = 5_000
TEST_SHARE = 0.25
FEWEST_TESTED = 100
# A newcomer may be that much worse on the trial period by chance.
AUC_SLACK = 0.005
DAYS_SLACK = 0.05


class TooFewData(BusinessError):
    """Too few settled items to learn from."""

    code = "too_few_data"


class ModelRefused(BusinessError):
    """The stored file is not the one that was trained."""

    code = "model_refused"


@dataclass(frozen=True)
class ForecastOutcome:
    items: int
    by_model: int
    removed: int


@operation("risk.forecast")
def train_model(*, actor: Actor, today: date, now: datetime) -> PredictionModel:
    """Learn from the ledger up to yesterday, measure on its last quarter, keep model and card.

    The model enters service when it beats the customer's median on the trial period and is not worse there than the
    one in service (whose own training may have seen that period: in its favour), unless a person keeps that one.
    Raises TooFewData.
    """
    from risk.prediction import backtest, payment, persistence
    from risk.prediction.history import History

    _one_at_a_time()
    books = read_position(today).ledger
    day = today.toordinal()
    border = backtest.border_of(books.take(books.due < day), TEST_SHARE) if len(books) else day
    try:
        trials = backtest.rolling(books.take(books.due < day), border=border, horizons=(0,), refit_days=366)
        model = payment.learn(History(books), day)
    except (ValueError, IndexError) as error:
        raise TooFewData(
            _(
                "Trop peu de factures réglées pour apprendre : les prévisions suivent les habitudes des clients."
            )
        ) from error
    metrics = backtest.measures(trials[0], backtest.before_border(books, border)) if 0 in trials else {}
    content, sha256 = persistence.dumped("payment", model)
    kind = PredictionModel.Kind.PAYMENT
    champion = PredictionModel.objects.champion(kind)
    last = PredictionModel.objects.filter(kind=kind).order_by("-version").first()
    card = PredictionModel.objects.create(
        kind=kind,
        version=last.version + 1 if last else 1,
        source=_("Factures réglées du compte"),
        trained_from=date.fromordinal(int(books.issued.min())),
        trained_until=today,
        test_from=date.fromordinal(border),
        item_count=int((books.known < day).sum()),
        customer_count=len(set(books.customer.tolist())),
        metrics=metrics,
        features=_importances(model),
        profile={},
        parameters=asdict(payment.Settings()),
        versions=_versions(),
        file=store_file(
            content=content, name="paiements.skops", kind="prediction_model",
            content_type="application/octet-stream", now=now,
        ),
        sha256=sha256,
        trained_at=now,
    )  # fmt: skip
    reason = _why_not(metrics, champion)
    if not reason:
        _put_in_service(
            card, champion, None, now, _("Pas moins bon que le précédent sur la période d’essai.")
        )
    else:
        PredictionModel.objects.filter(pk=card.pk).update(decision_reason=reason)
        card.decision_reason = reason
    audit.record(
        actor=actor, verb="risk.prediction_model.trained", refs=[], now=now, version=card.version, status=card.status,
        items=card.item_count, sha256=sha256,
    )  # fmt: skip
    return card


@operation("risk.forecast")
def put_in_service(
    *, actor: Any, model: PredictionModel, reason: str, keep: bool, now: datetime
) -> PredictionModel:
    """A person's choice: this model answers from now on; with `keep`, no newcomer replaces it by itself."""
    _one_at_a_time()
    model = PredictionModel.objects.select_for_update(of=("self",)).get(pk=model.pk)
    check_move(model, PredictionModel.Status.CHAMPION)
    _put_in_service(model, PredictionModel.objects.champion(model.kind), actor, now, reason, keep)
    audit.record(
        actor=actor,
        verb="risk.prediction_model.put_in_service",
        refs=[],
        now=now,
        version=model.version,
        reason=reason,
    )
    return model


@operation("risk.forecast")
def rewrite_forecasts(*, actor: Actor, today: date, now: datetime) -> ForecastOutcome:
    """Say anew when each open item will be paid; keep each item's first forecast, and that of its due date.

    Twice a day writes the same. Without a model in service the customers' habits answer. Raises ModelRefused.
    """
    _one_at_a_time()
    champion = PredictionModel.objects.champion(PredictionModel.Kind.PAYMENT)
    estimator = _opened(champion) if champion else None
    ids = list(Customer.objects.visible_to(actor).order_by("pk").values_list("pk", flat=True))
    items = by_model = 0
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        for start in range(0, len(ids), CHUNK_CUSTOMERS):
            told = _told(ids[start : start + CHUNK_CUSTOMERS], today, champion, estimator)
            lines = StringIO("".join("\t".join(map(str, row)) + "\n" for row in told))
            cursor.copy_expert("COPY told FROM STDIN", lines)
            items += len(told)
            by_model += sum(row[2] == "MODEL" for row in told)
        cursor.execute(_REMOVE)
        removed = cursor.rowcount
        for statement in (_WRITE, _RECORD, _JUDGE):
            cursor.execute(statement, {"today": today})
    audit.record(actor=actor, verb="risk.payments.forecast", refs=[], now=now, items=items, by_model=by_model)
    return ForecastOutcome(items, by_model, removed)


def _told(
    ids: list[int], today: date, champion: PredictionModel | None, estimator: Any
) -> list[tuple[Any, ...]]:
    import numpy as np

    from risk.prediction.features import features
    from risk.prediction.history import History
    from risk.prediction.ledger import OPEN
    from risk.prediction.payment import estimate
    from risk.prediction.rules import OWN_COUNT, Level, by_rules, habits_of

    position = read_position(today, ids)
    if not position.item_ids:
        return []
    books, history = position.ledger, History(position.ledger)
    asked = books.take(np.flatnonzero(books.settled == OPEN))
    moment = np.full(len(asked), today.toordinal(), np.int64)
    simple, level, known = by_rules(history, habits_of(books, today.toordinal()), asked, moment)
    fitted = estimate(estimator, features(history, asked, moment), asked, moment) if estimator else None
    start, stop = history.before(asked.customer, moment)
    rows = []
    for place, item_id in enumerate(position.item_ids):
        use_model = fitted is not None and known[place] >= OWN_COUNT
        said = fitted if use_model and fitted is not None else simple
        method = "MODEL" if use_model else Level(int(level[place])).name
        delays = history.delay[start[place] : stop[place]]
        reasons = (
            [{"code": "habit", "days": int(np.median(delays)), "count": len(delays)}] if len(delays) else []
        )
        overdue = int(moment[place] - asked.due[place])
        if overdue > 0:
            reasons.append({"code": "overdue", "days": overdue})
        rows.append(
            (
                item_id,
                champion.pk if use_model and champion else "\\N",
                method,
                f"{float(said.probability_late[place]):.4f}",
                *(
                    date.fromordinal(int(days[place])).isoformat()
                    for days in (said.expected, said.low, said.high)
                ),
                int(known[place]),
                json.dumps(reasons),
            )
        )
    return rows


def _opened(model: PredictionModel) -> Any:
    from risk.prediction import persistence

    try:
        return persistence.loaded("payment", read_file(model.file), model.sha256)
    except (persistence.RefusedModel, OSError) as error:
        raise ModelRefused(
            _("Le fichier du modèle v%(version)s n’est pas celui qui a été entraîné : entraînez-en un autre.")
            % {"version": model.version}
        ) from error


def _why_not(metrics: dict[str, Any], champion: PredictionModel | None) -> str:
    """Why a newcomer does not enter service by itself; blank when it does."""
    if metrics.get("count", 0) < FEWEST_TESTED:
        return _("Trop peu de factures dans la période d’essai.")
    said = metrics["model"]
    if said["mae_days"] > metrics["customer_median"]["mae_days"]:
        return _("Moins bon que la médiane du client sur la période d’essai.")
    if champion is None:
        return ""
    if champion.is_kept:
        return _("Le modèle en service est gardé par décision.")
    before = champion.metrics["model"]
    if (said["auc"] or 0) < (before["auc"] or 0) - AUC_SLACK or said["mae_days"] > before[
        "mae_days"
    ] + DAYS_SLACK:
        return _("Moins bon que le modèle en service.")
    return ""


def _put_in_service(
    card: PredictionModel,
    champion: PredictionModel | None,
    person: Any,
    now: datetime,
    reason: str,
    keep: bool = False,
) -> None:
    if champion:
        champion.status = PredictionModel.Status.RETIRED
        champion.is_kept = False
        champion.save(update_fields=["status", "is_kept"])
    card.status, card.is_kept, card.decision_reason = PredictionModel.Status.CHAMPION, keep, reason[:300]
    card.decided_by, card.decided_at = person, now
    card.save(update_fields=["status", "is_kept", "decision_reason", "decided_by", "decided_at"])


def _importances(model: Any) -> list[dict[str, Any]]:
    pairs = sorted(zip(model.names, model.late.feature_importances_, strict=True), key=lambda pair: -pair[1])
    return [{"name": name, "importance": round(float(value), 4)} for name, value in pairs]


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("scikit-learn", "skops", "numpy", "scipy")}


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('risk.forecasts', 0))")


_STAGE = """
DROP TABLE IF EXISTS pg_temp.told;
CREATE TEMP TABLE told (
    item_id bigint NOT NULL, model_id bigint, method varchar(8) NOT NULL, probability_late numeric(5, 4) NOT NULL,
    expected_date date NOT NULL, low_date date NOT NULL, high_date date NOT NULL, history_count integer NOT NULL,
    reasons jsonb NOT NULL
) ON COMMIT DROP
"""
_REMOVE = """
DELETE FROM risk_paymentforecast f WHERE NOT EXISTS (SELECT FROM told WHERE told.item_id = f.item_id)
"""
_WRITE = """
INSERT INTO risk_paymentforecast (item_id, model_id, method, probability_late, expected_date, low_date, high_date,
                                  history_count, reasons, forecast_on)
SELECT item_id, model_id, method, probability_late, expected_date, low_date, high_date, history_count, reasons,
       %(today)s FROM told
ON CONFLICT (item_id) DO UPDATE SET model_id = excluded.model_id, method = excluded.method,
    probability_late = excluded.probability_late, expected_date = excluded.expected_date,
    low_date = excluded.low_date, high_date = excluded.high_date, history_count = excluded.history_count,
    reasons = excluded.reasons, forecast_on = excluded.forecast_on
"""
# Once per item and checkpoint: what was said first is never said otherwise later.
_RECORD = """
INSERT INTO risk_forecastrecord (item_id, checkpoint, model_id, method, probability_late, expected_date, low_date,
                                 high_date, forecast_on)
SELECT told.item_id, point.name, told.model_id, told.method, told.probability_late, told.expected_date,
       told.low_date, told.high_date, %(today)s
FROM told JOIN invoices_openitem i ON i.id = told.item_id
JOIN (VALUES ('FIRST'), ('DUE')) AS point (name) ON point.name = 'FIRST' OR i.due_date = %(today)s
ON CONFLICT (item_id, checkpoint) DO NOTHING
"""
_JUDGE = """
UPDATE risk_forecastrecord r SET settled_on = paid.day
FROM (
    SELECT i.id, max(p.issue_date) AS day
    FROM risk_forecastrecord waiting
    JOIN invoices_openitem i ON i.id = waiting.item_id AND i.open_amount = 0
    JOIN invoices_allocation a ON a.debit_id = i.id AND a.reversed_on IS NULL
    JOIN invoices_openitem p ON p.id = a.credit_id AND p.kind = 'PAYMENT'
    WHERE waiting.settled_on IS NULL
    GROUP BY i.id
) paid
WHERE r.item_id = paid.id AND r.settled_on IS NULL
"""
