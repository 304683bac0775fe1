"""Limits, scores and what they rest on."""

from risk.models.forecasts import (
    DriftReading,
    ForecastRecord,
    ForecastWeek,
    PaymentForecast,
    PredictionModel,
)
from risk.models.limits import CreditLimit
from risk.models.scores import Score

__all__ = [
    "CreditLimit",
    "DriftReading",
    "ForecastRecord",
    "ForecastWeek",
    "PaymentForecast",
    "PredictionModel",
    "Score",
]
