"""Staged rows are kept while a batch may be taken back, and rows in error with it; then they go."""

from datetime import datetime, timedelta

from django.db import connection, transaction

from invoices.models import ImportBatch

_AT_ONCE = 20_000

_FORGET = """
DELETE FROM invoices_importrow WHERE id IN (
    SELECT id FROM invoices_importrow WHERE batch_id = %(batch)s AND outcome <> 'ERROR' LIMIT %(most)s
)
"""
_EFFECTS = "DELETE FROM invoices_importeffect WHERE batch_id = %(batch)s"

Status = ImportBatch.Status


def forget_staged_rows(*, now: datetime) -> int:
    """Delete the rows, other than those in error, of batches that nobody can take back any more; how many.

    Their figures, their clearings and the file itself stay. Some rows at a time, so that nothing waits for it.
    """
    over = ImportBatch.objects.filter(
        status__in=(Status.COMMITTED, Status.ROLLED_BACK),
        committed_at__lt=now - timedelta(days=ImportBatch.UNDO_DAYS),
    )
    forgotten = 0
    for batch_id in over.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_EFFECTS, {"batch": batch_id})
        while removed := _forget_some(batch_id):
            forgotten += removed
    return forgotten


def _forget_some(batch_id: int) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_FORGET, {"batch": batch_id, "most": _AT_ONCE})
        return int(cursor.rowcount)
