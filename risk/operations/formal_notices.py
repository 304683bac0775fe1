"""Formal notices still unpaid, as told by the floor that sends them: a hard rule of the score reads them."""

from collections.abc import Mapping
from datetime import date, datetime

from django.db import connection

from core import audit
from core.operation import operation
from core.rights import Actor

_TELL = """
WITH told AS (
    SELECT * FROM unnest(%(customers)s::bigint[], %(days)s::date[]) AS t (customer_id, sent_on)
), gone AS (
    DELETE FROM risk_unpaidformalnotice held
    WHERE NOT EXISTS (SELECT FROM told WHERE told.customer_id = held.customer_id)
)
INSERT INTO risk_unpaidformalnotice (customer_id, sent_on, told_at)
SELECT customer_id, sent_on, %(now)s FROM told
ON CONFLICT (customer_id) DO UPDATE SET sent_on = excluded.sent_on, told_at = excluded.told_at
"""


@operation("risk.score")
def tell_formal_notices(*, actor: Actor, sent_on: Mapping[int, date], now: datetime) -> int:
    """Replace what is known: per customer, the day of his oldest formal notice of which something is unpaid.

    The whole table at once: a customer who is not named has none any more. Returns how many there are.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TELL, {"customers": list(sent_on), "days": list(sent_on.values()), "now": now})
    audit.record(actor=actor, verb="risk.formal_notices.told", refs=[], now=now, customers=len(sent_on))
    return len(sent_on)
