from dunning.models.cases import Agency, Case, CaseItem
from dunning.models.deliveries import Call, Delivery, MailEvent, PostBatch, SuppressedAddress
from dunning.models.exceptions import DunningException
from dunning.models.law import FeeWaiver, LimitationEvent
from dunning.models.letters import Letter, Letterhead, LetterTemplate
from dunning.models.notices import Notice, NoticeLine, Run, RunExclusion
from dunning.models.policies import Level, Policy
from dunning.models.post_answers import PostAnswerFile, PostAnswerLine
from dunning.models.settings import DunningSettings, DunningStop
from dunning.models.trials import Simulation, Trial, TrialMember

__all__ = [
    "Agency",
    "Call",
    "Case",
    "CaseItem",
    "Delivery",
    "DunningException",
    "DunningSettings",
    "DunningStop",
    "FeeWaiver",
    "Letter",
    "LetterTemplate",
    "Letterhead",
    "Level",
    "LimitationEvent",
    "MailEvent",
    "Notice",
    "NoticeLine",
    "Policy",
    "PostAnswerFile",
    "PostAnswerLine",
    "PostBatch",
    "Run",
    "RunExclusion",
    "Simulation",
    "SuppressedAddress",
    "Trial",
    "TrialMember",
]
