"""Every task of this floor, where Celery looks for them."""

from invoices.tasks_ageing import reconcile, store_ageing_of_the_day
from invoices.tasks_bank import read_bank_files, sweep_drop_folders
from invoices.tasks_cash import settle_returns
from invoices.tasks_einvoices import attach_einvoice_statuses
from invoices.tasks_imports import commit_batches, forget_staged_rows, read_batches, roll_back_batches
from invoices.tasks_matching import match_bank_lines, match_credits_of_the_day
from invoices.tasks_plans import settle_plans
from invoices.tasks_promises import settle_promises

__all__ = [
    "attach_einvoice_statuses",
    "commit_batches",
    "forget_staged_rows",
    "match_bank_lines",
    "match_credits_of_the_day",
    "read_bank_files",
    "read_batches",
    "reconcile",
    "roll_back_batches",
    "settle_plans",
    "settle_promises",
    "settle_returns",
    "store_ageing_of_the_day",
    "sweep_drop_folders",
]
