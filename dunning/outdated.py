"""Which notices not yet sent may be wrong by now: a wide net in one statement; the gate then decides on each.

Wide: it may name a notice that the gate lets pass; it names every one that what people or the bank did since
its run holds back.
"""

from datetime import date

from django.db import connection

_OUTDATED = """
SELECT n.id
FROM dunning_notice n
JOIN customers_customer c ON c.id = n.customer_id
JOIN dunning_level level ON level.id = n.level_id
JOIN dunning_policy policy ON policy.id = level.policy_id
WHERE n.status IN ('PROPOSED', 'APPROVED', 'RENDERED')
  AND (n.status = 'PROPOSED' OR level.channel <> 'AGENCY')
  AND (
    c.status IN ('ON_HOLD', 'INSOLVENT')
    OR (level.kind = 'PRE_REMINDER' AND n.oldest_due_date < %(today)s)
    OR EXISTS (
        SELECT FROM dunning_dunningexception x
        WHERE x.customer_id = n.customer_id AND x.from_date <= %(today)s
          AND (x.until IS NULL OR x.until >= %(today)s) AND (x.ended_on IS NULL OR x.ended_on > %(today)s)
    )
    OR EXISTS (
        SELECT FROM dunning_notice other
        WHERE other.contact_key = n.contact_key AND other.contact_key <> '' AND other.status = 'SENT'
          AND other.sent_on > %(today)s::date - policy.contact_gap_days AND other.run_id <> n.run_id
    )
    OR EXISTS (
        SELECT FROM dunning_noticeline l
        JOIN invoices_openitem i ON i.id = l.item_id
        WHERE l.notice_id = n.id AND l.rank > 0
          AND (i.open_amount <> l.open_amount + l.disputed_amount + l.promised_amount OR i.is_factored
               OR l.promised_amount > 0
               OR l.disputed_amount <> coalesce((
                      SELECT sum(d.amount) FROM invoices_dispute d
                      WHERE d.item_id = l.item_id AND d.resolved_on IS NULL), 0)
               OR EXISTS (SELECT FROM invoices_promise p
                          WHERE p.item_id = l.item_id AND p.promised_date >= %(today)s
                            AND p.status <> 'WITHDRAWN')
               OR EXISTS (SELECT FROM invoices_planitem part
                          WHERE part.item_id = l.item_id AND part.released_on IS NULL)
               OR EXISTS (SELECT FROM dunning_caseitem given WHERE given.item_id = l.item_id AND given.is_live))
    )
    OR coalesce((
        SELECT sum(i.open_amount) FROM invoices_openitem i
        WHERE i.customer_id = n.customer_id AND i.currency = n.currency AND i.open_amount < 0
          AND i.issue_date <= %(today)s), 0)
       <> coalesce((SELECT sum(l.open_amount) FROM dunning_noticeline l
                    WHERE l.notice_id = n.id AND l.rank = 0), 0)
  )
ORDER BY n.id
"""


def possibly_outdated(today: date) -> list[int]:
    """The keys of notices that wait for approval, printing or sending and that the gate should see now."""
    with connection.cursor() as cursor:
        cursor.execute(_OUTDATED, {"today": today})
        return [row[0] for row in cursor.fetchall()]
