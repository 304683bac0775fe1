"""Limits, scores and what they rest on."""

from risk.models.alerts import UtilisationAlert
from risk.models.cover import Cover, Guarantee, InsurancePolicy, InsurerFile, InsurerFileItem
from risk.models.credit_policies import ApprovalStep, CreditPolicy
from risk.models.financials import ExternalRating, FinancialStatement, UnpaidFormalNotice
from risk.models.forecasts import (
    DriftReading,
    ForecastRecord,
    ForecastWeek,
    PaymentForecast,
    PredictionModel,
)
from risk.models.holds import CreditHold
from risk.models.insolvency import ClaimStatement, InsolvencyProceeding, ProceedingTask
from risk.models.legal_events import EventOutcome, LegalEvent, Procedure, WatchFile
from risk.models.limit_requests import LimitApproval, LimitNote, LimitRequest
from risk.models.limit_reviews import LimitReview, LimitSimulation, SimulatedLimit
from risk.models.limits import CreditLimit
from risk.models.orders import CreditCheck, Order, UnbilledDelivery
from risk.models.pending import PendingAmount
from risk.models.provisions import (
    IndividualAssessment,
    ProvisionLine,
    ProvisionMethod,
    ProvisionRun,
)
from risk.models.score_cards import CardSimulation, ScoreCard, SimulatedMove
from risk.models.scores import Score, ScoreObjection
from risk.models.settings import RiskSettings

__all__ = [
    "ApprovalStep",
    "CardSimulation",
    "ClaimStatement",
    "Cover",
    "CreditCheck",
    "CreditHold",
    "CreditLimit",
    "CreditPolicy",
    "DriftReading",
    "EventOutcome",
    "ExternalRating",
    "FinancialStatement",
    "ForecastRecord",
    "ForecastWeek",
    "Guarantee",
    "IndividualAssessment",
    "InsolvencyProceeding",
    "InsurancePolicy",
    "InsurerFile",
    "InsurerFileItem",
    "LegalEvent",
    "LimitApproval",
    "LimitNote",
    "LimitRequest",
    "LimitReview",
    "LimitSimulation",
    "Order",
    "PaymentForecast",
    "PendingAmount",
    "PredictionModel",
    "Procedure",
    "ProceedingTask",
    "ProvisionLine",
    "ProvisionMethod",
    "ProvisionRun",
    "RiskSettings",
    "Score",
    "ScoreCard",
    "ScoreObjection",
    "SimulatedLimit",
    "SimulatedMove",
    "UnbilledDelivery",
    "UnpaidFormalNotice",
    "UtilisationAlert",
    "WatchFile",
]
