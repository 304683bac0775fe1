"""Every task of this floor, where Celery looks for them."""

from invoices.tasks_ageing import reconcile, store_ageing_of_the_day
from invoices.tasks_imports import commit_batches, read_batches
from invoices.tasks_promises import settle_promises

__all__ = ["commit_batches", "read_batches", "reconcile", "settle_promises", "store_ageing_of_the_day"]
