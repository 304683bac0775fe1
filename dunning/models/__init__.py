from dunning.models.cases import Agency, Case, CaseItem
from dunning.models.letters import Delivery, Letter
from dunning.models.notices import Notice, NoticeLine, Run, RunExclusion
from dunning.models.policies import Level, Policy

__all__ = [
    "Agency",
    "Case",
    "CaseItem",
    "Delivery",
    "Letter",
    "Level",
    "Notice",
    "NoticeLine",
    "Policy",
    "Run",
    "RunExclusion",
]
