from invoices.models.ageing import AgeingDay, AgeingSnapshot, AgeingTotal
from invoices.models.disputes import Dispute, Promise
from invoices.models.imports import ImportBatch, ImportRow
from invoices.models.items import Allocation, OpenItem

__all__ = [
    "AgeingDay",
    "AgeingSnapshot",
    "AgeingTotal",
    "Allocation",
    "Dispute",
    "ImportBatch",
    "ImportRow",
    "OpenItem",
    "Promise",
]
