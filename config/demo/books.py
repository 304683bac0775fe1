"""The demo's books, opened up to a day: what happened by then is posted, the rest waits in the stages.

So past campaigns see the account as it stood on their day. SQL gives items their ids and numbers in the order of
their dates and computes what is open from the allocations: the books agree by construction.
"""

import json
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import connection

from config.demo.ledger import DISPUTE_REASONS
from core.rights import SYSTEM
from invoices.dispute_rules import group_of
from invoices.operations.promises import settle_promises

STAGES = """
CREATE TEMP TABLE demo_item (
    n bigint, legal_entity_id bigint, customer_id bigint, series text, issue_date date, due_date date, currency text,
    total_amount numeric(14,2), vat_amount numeric(14,2), reference text, is_factored boolean
) ON COMMIT DROP;
CREATE TEMP TABLE demo_allocation (
    debit_n bigint, credit_n bigint, amount numeric(14,2), allocated_on date, reversed_on date, reversal_reason text
) ON COMMIT DROP;
CREATE TEMP TABLE demo_dispute (
    item_n bigint, customer_id bigint, amount numeric(14,2), reason text, note text, opened_on date, resolved_on date,
    owner_id bigint
) ON COMMIT DROP;
CREATE TEMP TABLE demo_promise (
    item_n bigint, customer_id bigint, amount numeric(14,2), promised_date date, made_on date, owner_id bigint
) ON COMMIT DROP;
CREATE TEMP TABLE demo_state (
    customer_id bigint, since date, status text, hold_reason text, hold_until date, insolvency_date date
) ON COMMIT DROP;
"""
ITEM_COLUMNS = (
    "n", "legal_entity_id", "customer_id", "series", "issue_date", "due_date", "currency", "total_amount",
    "vat_amount", "reference", "is_factored",
)  # fmt: skip
ALLOCATION_COLUMNS = ("debit_n", "credit_n", "amount", "allocated_on", "reversed_on", "reversal_reason")
DISPUTE_COLUMNS = (
    "item_n", "customer_id", "amount", "reason", "note", "opened_on", "resolved_on", "owner_id",
)  # fmt: skip
PROMISE_COLUMNS = ("item_n", "customer_id", "amount", "promised_date", "made_on", "owner_id")
STATE_COLUMNS = ("customer_id", "since", "status", "hold_reason", "hold_until", "insolvency_date")

_NUMBERS = """
CREATE TEMP TABLE demo_number ON COMMIT DROP AS
SELECT n,
       %s + row_number() OVER (ORDER BY issue_date, n) AS id,
       series || '-' || extract(year FROM issue_date) || '-' || lpad(
           row_number() OVER (PARTITION BY legal_entity_id, series, extract(year FROM issue_date)
                              ORDER BY issue_date, n)::text, 6, '0') AS number
FROM demo_item;
CREATE INDEX ON demo_number (n);
ANALYZE demo_item; ANALYZE demo_number; ANALYZE demo_allocation;
"""

# What settles each item as of the day, and when it last moved.
_SETTLED = """
CREATE TEMP TABLE demo_settled ON COMMIT DROP AS
SELECT n, coalesce(sum(amount) FILTER (WHERE reversed_on IS NULL OR reversed_on > %(until)s), 0) AS amount,
       max(CASE WHEN reversed_on <= %(until)s THEN reversed_on ELSE allocated_on END) AS moved_on
FROM (
    SELECT debit_n AS n, amount, allocated_on, reversed_on FROM demo_allocation
    UNION ALL
    SELECT credit_n, amount, allocated_on, reversed_on FROM demo_allocation
) moves
WHERE allocated_on <= %(until)s
GROUP BY n;
CREATE INDEX ON demo_settled (n);
ANALYZE demo_settled;
"""
_ITEMS = """
INSERT INTO invoices_openitem (id, legal_entity_id, customer_id, kind, number, instalment, issue_date, due_date,
                               currency, total_amount, vat_amount, open_amount, disputed_amount, reference,
                               is_factored, posted_at, updated_at)
SELECT number.id, item.legal_entity_id, item.customer_id,
       CASE item.series WHEN 'FA' THEN 'INVOICE' WHEN 'AV' THEN 'CREDIT_NOTE' WHEN 'RG' THEN 'PAYMENT'
                        ELSE 'OTHER' END,
       number.number, 1, item.issue_date, item.due_date, item.currency, item.total_amount, item.vat_amount,
       item.total_amount - sign(item.total_amount) * coalesce(settled.amount, 0), 0, item.reference,
       item.is_factored, least((item.issue_date + time '06:00') AT TIME ZONE 'UTC', %(now)s),
       least((greatest(item.issue_date, settled.moved_on) + time '06:00') AT TIME ZONE 'UTC', %(now)s)
FROM demo_item item
JOIN demo_number number USING (n)
LEFT JOIN demo_settled settled USING (n)
WHERE item.issue_date > %(since)s AND item.issue_date <= %(until)s
ORDER BY number.id
"""
_BALANCES = """
UPDATE invoices_openitem item
SET open_amount = item.total_amount - sign(item.total_amount) * settled.amount,
    updated_at = least((settled.moved_on + time '06:00') AT TIME ZONE 'UTC', %(now)s)
FROM demo_settled settled JOIN demo_number number USING (n)
WHERE item.id = number.id
  AND item.open_amount <> item.total_amount - sign(item.total_amount) * settled.amount
"""
_ALLOCATIONS = """
INSERT INTO invoices_allocation (debit_id, credit_id, amount, allocated_on, reversed_on, reversal_reason, created_at)
SELECT debit.id, credit.id, a.amount, a.allocated_on, CASE WHEN a.reversed_on <= %(until)s THEN a.reversed_on END,
       CASE WHEN a.reversed_on <= %(until)s THEN a.reversal_reason ELSE '' END,
       least((a.allocated_on + time '06:00') AT TIME ZONE 'UTC', %(now)s)
FROM demo_allocation a
JOIN demo_number debit ON debit.n = a.debit_n
JOIN demo_number credit ON credit.n = a.credit_n
WHERE a.allocated_on > %(since)s AND a.allocated_on <= %(until)s
ORDER BY a.allocated_on, debit.id, credit.id
"""
_REVERSALS = """
UPDATE invoices_allocation allocation
SET reversed_on = a.reversed_on, reversal_reason = a.reversal_reason
FROM demo_allocation a
JOIN demo_number debit ON debit.n = a.debit_n
JOIN demo_number credit ON credit.n = a.credit_n
WHERE a.allocated_on <= %(since)s AND a.reversed_on > %(since)s AND a.reversed_on <= %(until)s
  AND allocation.debit_id = debit.id AND allocation.credit_id = credit.id
"""
_DISPUTES = """
INSERT INTO invoices_dispute (item_id, amount, reason, note, opened_on, deadline, resolved_on, owner_id)
SELECT number.id, d.amount, d.reason, d.note, d.opened_on,
       d.opened_on + (%(answer_days)s::jsonb ->> d.reason)::int,
       CASE WHEN d.resolved_on <= %(until)s THEN d.resolved_on END, d.owner_id
FROM demo_dispute d JOIN demo_number number ON number.n = d.item_n
WHERE d.opened_on > %(since)s AND d.opened_on <= %(until)s
ORDER BY d.opened_on, number.id;
UPDATE invoices_dispute dispute
SET resolved_on = d.resolved_on
FROM demo_dispute d JOIN demo_number number ON number.n = d.item_n
WHERE d.opened_on <= %(since)s AND d.resolved_on > %(since)s AND d.resolved_on <= %(until)s
  AND dispute.item_id = number.id;
UPDATE invoices_openitem item
SET disputed_amount = stood.amount
FROM (
    SELECT number.id, CASE WHEN d.resolved_on <= %(until)s THEN 0 ELSE d.amount END AS amount
    FROM demo_dispute d JOIN demo_number number ON number.n = d.item_n
    WHERE d.opened_on <= %(until)s
) stood
WHERE item.id = stood.id AND item.disputed_amount <> stood.amount
"""
_PROMISES = """
INSERT INTO invoices_promise (item_id, amount, promised_date, made_on, made_by_id, status, note)
SELECT number.id, p.amount, p.promised_date, p.made_on, p.owner_id, 'OPEN', ''
FROM demo_promise p JOIN demo_number number ON number.n = p.item_n
WHERE p.made_on > %(since)s AND p.made_on <= %(until)s
ORDER BY p.made_on, number.id
"""
_STATES = """
UPDATE customers_customer customer
SET status = state.status, hold_reason = state.hold_reason, hold_until = state.hold_until,
    insolvency_date = state.insolvency_date
FROM demo_state state
WHERE customer.id = state.customer_id AND state.since > %(since)s AND state.since <= %(until)s
"""
_AUDIT = """
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT least((day + time '09:30') AT TIME ZONE 'UTC', %(now)s), actor_id, coalesce(actor.full_name, %(system)s), verb, refs, data
FROM (
    SELECT d.opened_on AS day, d.owner_id AS actor_id, 'invoices.dispute.opened' AS verb,
           ARRAY['dispute:' || dispute.id, 'openitem:' || item.id, 'customer:' || d.customer_id] AS refs,
           jsonb_build_object('number', item.number, 'amount', d.amount::text, 'currency', item.currency,
                              'reason', d.reason) AS data, item.id AS place
    FROM demo_dispute d JOIN demo_number number ON number.n = d.item_n JOIN invoices_openitem item ON item.id = number.id
    JOIN invoices_dispute dispute ON dispute.item_id = item.id
    WHERE d.opened_on > %(since)s AND d.opened_on <= %(until)s
    UNION ALL
    SELECT d.resolved_on, d.owner_id, 'invoices.dispute.resolved',
           ARRAY['dispute:' || dispute.id, 'openitem:' || item.id, 'customer:' || d.customer_id],
           jsonb_build_object('number', item.number, 'amount', d.amount::text, 'currency', item.currency), item.id
    FROM demo_dispute d JOIN demo_number number ON number.n = d.item_n JOIN invoices_openitem item ON item.id = number.id
    JOIN invoices_dispute dispute ON dispute.item_id = item.id
    WHERE d.resolved_on > %(since)s AND d.resolved_on <= %(until)s
    UNION ALL
    SELECT p.made_on, p.owner_id, 'invoices.promise.made',
           ARRAY['promise:' || promise.id, 'openitem:' || item.id, 'customer:' || p.customer_id],
           jsonb_build_object('number', item.number, 'amount', p.amount::text, 'currency', item.currency,
                              'promised_date', p.promised_date), item.id
    FROM demo_promise p JOIN demo_number number ON number.n = p.item_n JOIN invoices_openitem item ON item.id = number.id
    JOIN invoices_promise promise ON promise.item_id = item.id
    WHERE p.made_on > %(since)s AND p.made_on <= %(until)s
    UNION ALL
    SELECT state.since, customer.portfolio_owner_id,
           CASE state.status WHEN 'INSOLVENT' THEN 'customers.customer.declared_insolvent'
                             ELSE 'customers.customer.held' END,
           ARRAY['customer:' || state.customer_id],
           CASE state.status WHEN 'INSOLVENT' THEN jsonb_build_object('judgment_date', state.insolvency_date)
                ELSE jsonb_build_object('reason', state.hold_reason, 'until', state.hold_until) END, state.customer_id
    FROM demo_state state JOIN customers_customer customer ON customer.id = state.customer_id
    WHERE state.since > %(since)s AND state.since <= %(until)s
) told
LEFT JOIN core_user actor ON actor.id = told.actor_id
ORDER BY day, verb, place
"""


def create_stages(cursor: Any) -> None:
    cursor.execute(STAGES)


def reserve_ids(cursor: Any, table: str, count: int) -> int:
    """The first of `count` ids that the table's sequence will never give again."""
    cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [table])
    (first,) = cursor.fetchone()
    cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, first + max(count, 1)])
    return int(first)


def number_items(cursor: Any) -> None:
    """Give every staged item, also those of days to come, its id and its document number."""
    cursor.execute("SELECT count(*) FROM demo_item")
    (count,) = cursor.fetchone()
    cursor.execute(_NUMBERS, [reserve_ids(cursor, "invoices_openitem", count) - 1])


class Books:
    """The staged books; `opened_until` is the last day posted."""

    def __init__(self) -> None:
        self.opened_until = date.min

    def open_until(self, day: date, now: datetime) -> None:
        """Post everything that happened since the last day opened, up to and including `day`; no event is after `now`."""
        params = {"since": self.opened_until, "until": day, "system": str(SYSTEM), "now": now} | {
            "answer_days": json.dumps(
                {reason: settings.DISPUTE_DEADLINE_DAYS[group_of(reason)] for reason in DISPUTE_REASONS}
            )
        }
        with connection.cursor() as cursor:
            cursor.execute(_SETTLED, params)
            cursor.execute(_ITEMS, params)
            if self.opened_until != date.min:
                cursor.execute(_BALANCES, params)
                cursor.execute(_REVERSALS, params)
            for statement in (_ALLOCATIONS, _DISPUTES, _PROMISES, _STATES, _AUDIT):
                cursor.execute(statement, params)
            cursor.execute(
                "DROP TABLE demo_settled; ANALYZE invoices_openitem; ANALYZE invoices_allocation;"
                "ANALYZE invoices_dispute; ANALYZE invoices_promise"
            )
        settle_promises(actor=SYSTEM, today=day, now=now)
        self.opened_until = day
