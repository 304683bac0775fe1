"""Limits, scores and what they rest on."""

from risk.models.limits import CreditLimit
from risk.models.scores import Score

__all__ = ["CreditLimit", "Score"]
