from invoices.models.ageing import AgeingDay, AgeingSnapshot, AgeingTotal
from invoices.models.bank import BankAccount, BankFile, BankLine, BankStatement
from invoices.models.cash import (
    Adjustment,
    CashApplication,
    CashSettings,
    EntryExport,
    MatchProposal,
    PayerAlias,
    ProposalPart,
    Receipt,
)
from invoices.models.disputes import Dispute, DisputeFile, DisputeReason, Promise
from invoices.models.einvoices import EInvoiceStatus
from invoices.models.import_sources import DropFolder, DroppedFile, ImportGuard, ImportProfile
from invoices.models.imports import ImportBatch, ImportClearing, ImportConfirmation, ImportEffect, ImportRow
from invoices.models.items import Allocation, OpenItem
from invoices.models.plans import Instalment, PaymentPlan, PlanItem

__all__ = [
    "Adjustment",
    "AgeingDay",
    "AgeingSnapshot",
    "AgeingTotal",
    "Allocation",
    "BankAccount",
    "BankFile",
    "BankLine",
    "BankStatement",
    "CashApplication",
    "CashSettings",
    "Dispute",
    "DisputeFile",
    "DisputeReason",
    "DropFolder",
    "DroppedFile",
    "EInvoiceStatus",
    "EntryExport",
    "ImportBatch",
    "ImportClearing",
    "ImportConfirmation",
    "ImportEffect",
    "ImportGuard",
    "ImportProfile",
    "ImportRow",
    "Instalment",
    "MatchProposal",
    "OpenItem",
    "PayerAlias",
    "PaymentPlan",
    "PlanItem",
    "Promise",
    "ProposalPart",
    "Receipt",
]
