"""Which notices not yet sent may be wrong by now: a wide net in one statement; the gate then decides on each.

Wide: it may name a notice that the gate lets pass; it names every one that what people or the bank did since
its run holds back. Each cause is looked for over all waiting notices together.
"""

from datetime import date

from django.db import connection

from dunning.gate_facts import EXCEPTION_IN_FORCE

_OUTDATED = f"""
WITH waiting AS NOT MATERIALIZED (
    SELECT n.id, n.run_id, n.customer_id, n.currency, n.contact_key, policy.contact_gap_days,
           level.kind = 'PRE_REMINDER' AND n.oldest_due_date < %(today)s AS is_too_late
    FROM dunning_notice n
    JOIN dunning_level level ON level.id = n.level_id
    JOIN dunning_policy policy ON policy.id = level.policy_id
    WHERE n.status IN ('PROPOSED', 'APPROVED', 'RENDERED')
      AND (n.status = 'PROPOSED' OR level.channel <> 'AGENCY')
), line AS NOT MATERIALIZED (
    SELECT l.notice_id, l.item_id, l.rank, l.open_amount, l.disputed_amount, l.promised_amount
    FROM waiting
    JOIN dunning_noticeline l ON l.notice_id = waiting.id
), credit AS (
    SELECT customer_id, currency, sum(open_amount) AS amount
    FROM invoices_openitem
    WHERE open_amount < 0 AND issue_date <= %(today)s AND customer_id IN (SELECT customer_id FROM waiting)
    GROUP BY customer_id, currency
), deducted AS (
    SELECT notice_id, sum(open_amount) AS amount FROM line WHERE rank = 0 GROUP BY notice_id
)
SELECT waiting.id
FROM waiting
JOIN customers_customer customer ON customer.id = waiting.customer_id
WHERE waiting.is_too_late OR customer.status IN ('ON_HOLD', 'INSOLVENT')
UNION
SELECT waiting.id
FROM waiting
JOIN dunning_dunningexception x ON x.customer_id = waiting.customer_id
WHERE {EXCEPTION_IN_FORCE}
UNION
SELECT waiting.id
FROM waiting
JOIN dunning_notice other ON other.contact_key = waiting.contact_key AND other.run_id <> waiting.run_id
WHERE other.contact_key <> '' AND other.status = 'SENT'
  AND other.sent_on > %(today)s::date - waiting.contact_gap_days
  -- The same for all of them, so that the contacts of other years are not read.
  AND other.sent_on > %(today)s::date - (SELECT max(contact_gap_days)::int FROM waiting)
UNION
SELECT line.notice_id
FROM line
JOIN invoices_openitem item ON item.id = line.item_id
LEFT JOIN invoices_dispute dispute ON dispute.item_id = line.item_id AND dispute.resolved_on IS NULL
WHERE line.rank > 0
  AND (item.open_amount <> line.open_amount + line.disputed_amount + line.promised_amount OR item.is_factored
       OR line.promised_amount > 0 OR line.disputed_amount <> coalesce(dispute.amount, 0))
UNION
SELECT line.notice_id
FROM line
JOIN (
    SELECT item_id FROM invoices_promise WHERE promised_date >= %(today)s AND status <> 'WITHDRAWN'
    UNION ALL
    SELECT item_id FROM invoices_planitem WHERE released_on IS NULL
    UNION ALL
    SELECT item_id FROM dunning_caseitem WHERE is_live
) kept ON kept.item_id = line.item_id
WHERE line.rank > 0
UNION
SELECT waiting.id
FROM waiting
LEFT JOIN credit ON credit.customer_id = waiting.customer_id AND credit.currency = waiting.currency
LEFT JOIN deducted ON deducted.notice_id = waiting.id
WHERE coalesce(credit.amount, 0) <> coalesce(deducted.amount, 0)
ORDER BY 1
"""


def possibly_outdated(today: date) -> list[int]:
    """The keys of notices that wait for approval, printing or sending and that the gate should see now."""
    with connection.cursor() as cursor:
        cursor.execute(_OUTDATED, {"today": today})
        return [row[0] for row in cursor.fetchall()]
