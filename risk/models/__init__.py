"""Limits, scores and what they rest on."""

from risk.models.financials import ExternalRating, FinancialStatement, UnpaidFormalNotice
from risk.models.forecasts import (
    DriftReading,
    ForecastRecord,
    ForecastWeek,
    PaymentForecast,
    PredictionModel,
)
from risk.models.insolvency import ClaimStatement, InsolvencyProceeding, ProceedingTask
from risk.models.legal_events import EventOutcome, LegalEvent, Procedure, WatchFile
from risk.models.limits import CreditLimit
from risk.models.provisions import (
    IndividualAssessment,
    ProvisionLine,
    ProvisionMethod,
    ProvisionRun,
)
from risk.models.score_cards import CardSimulation, ScoreCard, SimulatedMove
from risk.models.scores import Score, ScoreObjection

__all__ = [
    "CardSimulation",
    "ClaimStatement",
    "CreditLimit",
    "DriftReading",
    "EventOutcome",
    "ExternalRating",
    "FinancialStatement",
    "ForecastRecord",
    "ForecastWeek",
    "IndividualAssessment",
    "InsolvencyProceeding",
    "LegalEvent",
    "PaymentForecast",
    "PredictionModel",
    "Procedure",
    "ProceedingTask",
    "ProvisionLine",
    "ProvisionMethod",
    "ProvisionRun",
    "Score",
    "ScoreCard",
    "ScoreObjection",
    "SimulatedMove",
    "UnpaidFormalNotice",
    "WatchFile",
]
