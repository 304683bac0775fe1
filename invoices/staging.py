"""Checks, matching and posting of a staged batch: a handful of SQL statements, never row by row.

The rows of a file are copied into a temporary table of the session, checked and matched with the ledger on
their way into `ImportRow`, and posted from there with one `INSERT … SELECT`.
"""

import io
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from invoices.readers.staged import STAGED

Amounts = dict[str, Decimal]

_CREATE = """
CREATE TEMPORARY TABLE IF NOT EXISTS import_staging (
    line integer, cells jsonb, customer_code text, number text, instalment smallint, kind text,
    issue_date date, due_date date, currency text, total_amount numeric(14,2), vat_amount numeric(14,2),
    open_amount numeric(14,2), reference text, details jsonb, document_name text, skipped text, errors jsonb
);
CREATE TEMPORARY TABLE IF NOT EXISTS import_due (terms_id bigint, issue_date date, due_date date);
CREATE TEMPORARY TABLE IF NOT EXISTS import_double (
    number text, instalment smallint, first_line integer, last_line integer, identical boolean
);
TRUNCATE import_staging, import_due, import_double;
"""

_DROP = "DROP TABLE IF EXISTS import_staging, import_due, import_double"

# A number twice in the file: when the rows say the same, the first one counts; when they differ, none does.
_DOUBLES = """
INSERT INTO import_double
SELECT number, instalment, min(line), max(line),
       count(DISTINCT (customer_code, kind, issue_date, due_date, currency, total_amount, vat_amount)) = 1
FROM import_staging
WHERE (number, instalment) IN (
    SELECT number, instalment FROM import_staging WHERE number IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1
)
GROUP BY number, instalment
"""

_TERMS_IN_USE = """
SELECT DISTINCT c.terms_id, s.issue_date
FROM import_staging s
JOIN customers_customer c ON c.legal_entity_id = %(entity)s AND c.account_code = s.customer_code
WHERE s.due_date IS NULL AND s.issue_date IS NOT NULL AND s.kind IN ('INVOICE', 'DEPOSIT', 'OTHER')
"""

# One object per column that the ledger holds otherwise. A due date that we computed proves nothing.
_DIFFERENCES = """
    CASE WHEN o.id IS NULL OR ({same}) THEN '[]'::jsonb ELSE (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'column', d.name, 'code', 'differs_from_ledger', 'value', d.here, 'ledger', d.there,
            'number', r.number)), '[]'::jsonb)
        FROM (VALUES
            ('customer_code', r.customer_code, (SELECT account_code FROM customers_customer WHERE id = o.customer_id)),
            ('kind', r.kind, o.kind),
            ('issue_date', r.issue_date::text, o.issue_date::text),
            ('due_date', CASE WHEN NOT r.due_date_computed THEN r.due_date::text END, o.due_date::text),
            ('currency', r.currency, o.currency),
            ('total_amount', r.total_amount::text, o.total_amount::text),
            ('vat_amount', CASE WHEN o.vat_amount IS NOT NULL THEN r.vat_amount::text END, o.vat_amount::text)
        ) AS d(name, here, there)
        WHERE d.here IS NOT NULL AND d.here <> d.there
    ) END
"""
_SAME = """
    o.customer_id = r.customer_id AND o.kind = r.kind AND o.issue_date = r.issue_date
    AND (r.due_date_computed OR o.due_date = r.due_date) AND o.currency = r.currency
    AND o.total_amount = r.total_amount
    AND (r.vat_amount IS NULL OR o.vat_amount IS NULL OR o.vat_amount = r.vat_amount)
"""

_RESOLVE = f"""
INSERT INTO invoices_importrow (
    batch_id, line, cells, customer_code, number, instalment, kind, issue_date, due_date, due_date_computed,
    currency, total_amount, vat_amount, reference, customer_id, errors, outcome
)
SELECT %(batch)s, line, cells, customer_code, number, instalment, kind, issue_date, due_date, due_date_computed,
       currency, total_amount, vat_amount, reference, customer_id, errors,
       CASE WHEN errors <> '[]'::jsonb THEN 'ERROR' WHEN item_id IS NOT NULL THEN 'UNCHANGED' ELSE 'NEW' END
FROM (
    SELECT r.line, r.cells, r.customer_code, r.number, r.instalment, r.kind, r.issue_date, r.due_date,
           r.due_date_computed, r.currency, r.total_amount, r.vat_amount, r.reference, r.customer_id,
           o.id AS item_id,
           coalesce(r.errors, '[]'::jsonb)
           || CASE WHEN r.customer_id IS NULL AND r.customer_code IS NOT NULL THEN jsonb_build_array(
                  jsonb_build_object('column', 'customer_code', 'code', 'customer_unknown', 'value', r.customer_code))
              ELSE '[]'::jsonb END
           || CASE WHEN r.customer_id IS NOT NULL AND r.issue_date IS NOT NULL AND r.due_date IS NULL
                        AND r.errors IS NULL
                   THEN '[{{"column": "due_date", "code": "due_not_computable"}}]'::jsonb
              ELSE '[]'::jsonb END
           || CASE WHEN d.number IS NOT NULL AND NOT (d.identical AND r.line = d.first_line) THEN jsonb_build_array(
                  jsonb_build_object('column', 'number', 'code', 'duplicate_in_file', 'value', r.number,
                      'other', CASE WHEN r.line = d.first_line THEN d.last_line ELSE d.first_line END))
              ELSE '[]'::jsonb END
           || {_DIFFERENCES.format(same=_SAME)} AS errors
    FROM (
        SELECT s.line, s.cells, s.customer_code, s.number, s.instalment, s.kind, s.issue_date, s.currency,
               s.total_amount, s.vat_amount, s.reference, s.errors, c.id AS customer_id,
               coalesce(s.due_date, CASE WHEN s.kind IN ('CREDIT_NOTE', 'PAYMENT') THEN s.issue_date END, t.due_date)
                   AS due_date,
               s.due_date IS NULL AS due_date_computed
        FROM import_staging s
        LEFT JOIN customers_customer c ON c.legal_entity_id = %(entity)s AND c.account_code = s.customer_code
        LEFT JOIN import_due t ON t.terms_id = c.terms_id AND t.issue_date = s.issue_date AND s.due_date IS NULL
    ) r
    LEFT JOIN import_double d ON d.number = r.number AND d.instalment = r.instalment
    LEFT JOIN invoices_openitem o
        ON o.legal_entity_id = %(entity)s AND o.number = r.number AND o.instalment = r.instalment
) checked
"""

_COUNTS = """
SELECT outcome, count(*) FROM invoices_importrow WHERE batch_id = %(batch)s GROUP BY outcome
"""
_NEW_AMOUNTS = """
SELECT currency, sum(total_amount) FROM invoices_importrow
WHERE batch_id = %(batch)s AND outcome = 'NEW' GROUP BY currency
"""
_RECEIVABLE = """
SELECT currency, sum(open_amount) FROM invoices_openitem
WHERE legal_entity_id = %(entity)s AND open_amount <> 0 GROUP BY currency
"""

# Between preview and commit another batch, or the API, may have posted the same numbers.
_NOW_UNCHANGED = f"""
UPDATE invoices_importrow r SET outcome = 'UNCHANGED'
FROM invoices_openitem o
WHERE r.batch_id = %(batch)s AND r.outcome = 'NEW' AND o.legal_entity_id = %(entity)s
  AND o.number = r.number AND o.instalment = r.instalment AND {_SAME}
"""
_NOW_IN_ERROR = f"""
UPDATE invoices_importrow r SET outcome = 'ERROR', errors = {_DIFFERENCES.format(same="false")}
FROM invoices_openitem o
WHERE r.batch_id = %(batch)s AND r.outcome = 'NEW' AND o.legal_entity_id = %(entity)s
  AND o.number = r.number AND o.instalment = r.instalment
"""

_POST = """
INSERT INTO invoices_openitem (
    legal_entity_id, customer_id, kind, number, instalment, issue_date, due_date, currency, total_amount,
    vat_amount, open_amount, disputed_amount, reference, is_factored, posted_at, updated_at
)
SELECT %(entity)s, r.customer_id, r.kind, r.number, r.instalment, r.issue_date, r.due_date, r.currency,
       r.total_amount, r.vat_amount, r.total_amount, 0, r.reference, false, %(now)s, %(now)s
FROM invoices_importrow r
WHERE r.batch_id = %(batch)s AND r.outcome = 'NEW'
ORDER BY r.line
"""

# One event per customer and currency: his timeline says what came in, without a row per item.
_AUDIT_CUSTOMERS = """
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor)s, %(actor_name)s, 'invoices.items.imported',
       ARRAY['customer:' || r.customer_id, %(batch_ref)s],
       jsonb_build_object('count', count(*), 'currency', r.currency, 'amount', sum(r.total_amount)::text)
FROM invoices_importrow r
WHERE r.batch_id = %(batch)s AND r.outcome = 'NEW'
GROUP BY r.customer_id, r.currency
ORDER BY r.customer_id, r.currency
"""
_MOVED = """
SELECT array_agg(DISTINCT customer_id), min(issue_date) FROM invoices_importrow
WHERE batch_id = %(batch)s AND outcome = 'NEW'
"""


class Staging:
    """The temporary table of one reading, in this session. Use as a context manager."""

    def __enter__(self) -> "Staging":
        with connection.cursor() as cursor:
            cursor.execute(_CREATE)
        return self

    def __exit__(self, *_error: object) -> None:
        if connection.connection is None or connection.needs_rollback:
            return
        with connection.cursor() as cursor:
            cursor.execute(_DROP)

    def copy(self, piece: bytes) -> None:
        """Append rows in COPY text format, columns as in `readers.rows.STAGED`."""
        with connection.cursor() as cursor:
            cursor.copy_expert(f"COPY import_staging ({', '.join(STAGED)}) FROM STDIN", io.BytesIO(piece))

    def terms_in_use(self, entity_id: int) -> list[tuple[int, date]]:
        """Payment terms and issue dates from which due dates must be computed."""
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE import_staging")
            cursor.execute(_TERMS_IN_USE, {"entity": entity_id})
            return list(cursor.fetchall())

    def set_due_dates(self, due_dates: Iterable[tuple[int, date, date]]) -> None:
        """Give the due date of each (payment terms, issue date)."""
        text = "".join(f"{terms}\t{issued}\t{due}\n" for terms, issued, due in due_dates)
        with connection.cursor() as cursor:
            cursor.copy_expert("COPY import_due FROM STDIN", io.BytesIO(text.encode()))

    def resolve(self, *, batch_id: int, entity_id: int) -> None:
        """Check every row, match it with the ledger, and keep it with its outcome and its errors."""
        with connection.cursor() as cursor:
            cursor.execute(_DOUBLES)
            cursor.execute("ANALYZE import_due; ANALYZE import_double")
            cursor.execute(_RESOLVE, {"batch": batch_id, "entity": entity_id})


def counts(batch_id: int) -> dict[str, int]:
    """Rows of a batch by outcome."""
    return dict(_rows(_COUNTS, {"batch": batch_id}))


def new_amounts(batch_id: int) -> Amounts:
    """What the new rows of a batch add to the receivable, per currency."""
    return dict(_rows(_NEW_AMOUNTS, {"batch": batch_id}))


def receivable(entity_id: int) -> Amounts:
    """The open amount of a legal entity's ledger, per currency."""
    return dict(_rows(_RECEIVABLE, {"entity": entity_id}))


def recheck(*, batch_id: int, entity_id: int) -> int:
    """Match the new rows with the ledger as it is now; the number of rows that turned into errors."""
    values = {"batch": batch_id, "entity": entity_id}
    with connection.cursor() as cursor:
        cursor.execute(_NOW_UNCHANGED, values)
        cursor.execute(_NOW_IN_ERROR, values)
        return int(cursor.rowcount)


def post(*, batch_id: int, entity_id: int, now: datetime) -> int:
    """Write the new rows into the ledger; how many they are."""
    with connection.cursor() as cursor:
        cursor.execute(_POST, {"batch": batch_id, "entity": entity_id, "now": now})
        return int(cursor.rowcount)


def audit_customers(
    *, batch_id: int, batch_ref: str, actor_id: int | None, actor_name: str, now: datetime
) -> None:
    """One audit event per customer and currency of the posted rows."""
    values = {
        "batch": batch_id,
        "batch_ref": batch_ref,
        "actor": actor_id,
        "actor_name": actor_name[:120],
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_AUDIT_CUSTOMERS, values)


def moved_accounts(batch_id: int) -> tuple[list[int], date | None]:
    """The customers whose balance the new rows of a batch move, and from which date on."""
    customers, since = _rows(_MOVED, {"batch": batch_id})[0]
    return customers or [], since


def _rows(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
