"""Nightly forecasts over the ledger, by habits as long as no model is in service."""

from datetime import UTC, date, datetime

import pytest

from core.errors import NotAllowed
from core.rights import SYSTEM
from risk.models import ForecastRecord, PaymentForecast, PredictionModel
from risk.operations.forecasts import TooFewData, rewrite_forecasts, train_model
from tests.invoices.factories import OpenItemFactory

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 31)
NOW = datetime(2026, 3, 31, 3, 0, tzinfo=UTC)


def test_open_items_get_a_date_that_is_not_in_the_past() -> None:
    item = OpenItemFactory(issue_date=date(2026, 1, 1), due_date=date(2026, 3, 1))
    outcome = rewrite_forecasts(actor=SYSTEM, today=TODAY, now=NOW)
    said = PaymentForecast.objects.get(item=item)
    assert (outcome.items, outcome.by_model) == (1, 0)
    assert said.method == "HOUSE" and said.probability_late == 1
    assert TODAY <= said.low_date <= said.expected_date <= said.high_date
    assert {"code": "overdue", "days": 30} in said.reasons
    assert ForecastRecord.objects.get(item=item).checkpoint == "FIRST"


def test_twice_a_day_writes_the_same() -> None:
    OpenItemFactory(issue_date=date(2026, 3, 1), due_date=TODAY)
    rewrite_forecasts(actor=SYSTEM, today=TODAY, now=NOW)
    before = list(PaymentForecast.objects.values())
    rewrite_forecasts(actor=SYSTEM, today=TODAY, now=NOW)
    assert list(PaymentForecast.objects.values()) == before
    assert set(ForecastRecord.objects.values_list("checkpoint", flat=True)) == {"FIRST", "DUE"}


def test_too_few_items_train_nothing() -> None:
    with pytest.raises(TooFewData):
        train_model(actor=SYSTEM, today=TODAY, now=NOW)
    assert not PredictionModel.objects.exists()


def test_who_may_not_forecast_writes_nothing(django_user_model: type) -> None:
    person = django_user_model.objects.create(email="passant@exemple.fr")
    with pytest.raises(NotAllowed):
        rewrite_forecasts(actor=person, today=TODAY, now=NOW)
    assert not PaymentForecast.objects.exists()
