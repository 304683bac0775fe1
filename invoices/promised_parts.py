"""What is still to come of the promises that hold on a day, per item: promised, less what came in since.

Money matched with the item since the promise was made pays the promise first: it is what was announced. Where a
row is missing, nothing is promised.
"""

from collections.abc import Collection
from datetime import date
from decimal import Decimal

from django.db import connection
from django.utils.timezone import get_default_timezone_name

# `zone` is the house's: the day of a matching is counted there, as when promises are judged.
PROMISED_PARTS = """
    SELECT promise.item_id,
           sum(greatest(promise.amount - coalesce((
               SELECT sum(allocation.amount)
               FROM invoices_allocation allocation
               WHERE allocation.debit_id = promise.item_id
                 AND allocation.allocated_on <= %(as_of)s
                 AND (allocation.reversed_on IS NULL OR allocation.reversed_on > %(as_of)s)
                 AND greatest(allocation.allocated_on, (allocation.created_at AT TIME ZONE %(zone)s)::date)
                     >= promise.made_on
           ), 0), 0)) AS amount
    FROM invoices_promise promise
    WHERE promise.made_on <= %(as_of)s AND promise.promised_date >= %(as_of)s AND promise.status <> 'WITHDRAWN'
    GROUP BY promise.item_id
"""


def promised_parts(item_ids: Collection[int], as_of: date) -> dict[int, Decimal]:
    """The part of each item's balance that is promised for `as_of` or later; items without one are absent."""
    if not item_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT item_id, amount FROM ({PROMISED_PARTS}) parts WHERE item_id = ANY(%(items)s) AND amount > 0",
            {"as_of": as_of, "zone": get_default_timezone_name(), "items": list(item_ids)},
        )
        return dict(cursor.fetchall())
