"""Every task of this floor, where Celery looks for them."""

from invoices.tasks_imports import commit_batches, read_batches

__all__ = ["commit_batches", "read_batches"]
