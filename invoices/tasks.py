"""Every task of this floor, where Celery looks for them."""

from invoices.tasks_ageing import reconcile, store_ageing_of_the_day
from invoices.tasks_imports import commit_batches, read_batches

__all__ = ["commit_batches", "read_batches", "reconcile", "store_ageing_of_the_day"]
