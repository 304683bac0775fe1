"""Rows against customers and the ledger: at the preview from the staging table, at the commit once more."""

from datetime import date
from typing import Any

from django.db import connection

from invoices.staging.verdict import CHANGES, LEDGER_ERRORS, LEDGER_SUSPICIONS, VERDICT_JOINS

# Without a code, the one customer with the SIRET, else the SIREN, else the VAT number; else he would be new, under
# one of these as his code.
PARTIES = """
WITH said AS (
    SELECT s.line, s.details -> 'customer' ->> 'siret' AS siret, s.details -> 'customer' ->> 'siren' AS siren,
        s.details -> 'customer' ->> 'vat_number' AS vat_number
    FROM import_staging s
    WHERE s.customer_code IS NULL AND s.details ? 'customer'
), found AS (
    SELECT said.line, coalesce(
        (SELECT min(c.account_code) FROM customers_customer c
            WHERE c.legal_entity_id = %(entity)s AND c.siret = said.siret AND said.siret <> '' HAVING count(*) = 1),
        (SELECT min(c.account_code) FROM customers_customer c
            WHERE c.legal_entity_id = %(entity)s AND c.siren = said.siren AND said.siren <> '' HAVING count(*) = 1),
        (SELECT min(c.account_code) FROM customers_customer c
            WHERE c.legal_entity_id = %(entity)s AND c.vat_number = said.vat_number AND said.vat_number <> ''
            HAVING count(*) = 1),
        nullif(said.siren, ''), nullif(left(said.siret, 9), ''), nullif(said.vat_number, '')
    ) AS code
    FROM said
)
UPDATE import_staging s SET customer_code = found.code
FROM found WHERE found.line = s.line AND found.code IS NOT NULL
"""

# A number twice in the file: when the rows say the same, the first one counts; when they differ, none does.
DOUBLES = """
INSERT INTO import_double
SELECT number, instalment, min(line), max(line),
       count(DISTINCT (customer_code, kind, issue_date, due_date, currency, total_amount, vat_amount, open_amount)) = 1
FROM import_staging
WHERE skipped IS NULL AND (number, instalment) IN (
    SELECT number, instalment FROM import_staging
    WHERE number IS NOT NULL AND skipped IS NULL GROUP BY 1, 2 HAVING count(*) > 1
)
GROUP BY number, instalment
"""

_ROW_ERRORS = """
    coalesce(s.errors, '[]'::jsonb)
    || CASE WHEN c.id IS NOT NULL THEN '[]'::jsonb
        WHEN n.errors IS NOT NULL THEN n.errors
        WHEN n.code IS NOT NULL OR (s.customer_code IS NULL AND s.errors IS NOT NULL) THEN '[]'::jsonb
        ELSE jsonb_build_array(jsonb_build_object('column', 'customer_code', 'code', 'customer_unknown',
            'value', coalesce(s.customer_code, s.details -> 'customer' ->> 'name', ''))) END
    || CASE WHEN coalesce(c.terms_id, n.terms_id) IS NOT NULL AND s.issue_date IS NOT NULL AND s.errors IS NULL
            AND s.due_date IS NULL AND t.due_date IS NULL AND s.kind NOT IN ('CREDIT_NOTE', 'PAYMENT')
        THEN '[{"column": "due_date", "code": "due_not_computable"}]'::jsonb ELSE '[]'::jsonb END
    || CASE WHEN d.number IS NOT NULL AND NOT (d.identical AND s.line = d.first_line) THEN jsonb_build_array(
            jsonb_build_object('column', 'number', 'code', 'duplicate_in_file', 'value', s.number,
                'other', CASE WHEN s.line = d.first_line THEN d.last_line ELSE d.first_line END))
        ELSE '[]'::jsonb END
"""

_ROW_SUSPICIONS = """
    CASE WHEN jsonb_array_length(s.errors) = 1 AND s.errors -> 0 ->> 'code' = 'due_before_issue'
        THEN s.errors ELSE '[]'::jsonb END
    || CASE WHEN abs(s.total_amount) >= u.amount * %(factor)s THEN jsonb_build_array(jsonb_build_object(
        'column', 'total_amount', 'code', 'amount_factor', 'value', s.total_amount::text,
        'usual', round(u.amount, 2)::text)) ELSE '[]'::jsonb END
    || CASE WHEN coalesce(s.due_date, t.due_date) > t.cap AND s.kind = 'INVOICE'
            AND coalesce(c.kind, 'COMPANY') IN ('COMPANY', 'SOLE_TRADER') THEN jsonb_build_array(jsonb_build_object(
        'column', 'due_date', 'code', 'terms_above_cap', 'value', coalesce(s.due_date, t.due_date)::text,
        'cap', t.cap::text)) ELSE '[]'::jsonb END
"""

RESOLVE = f"""
INSERT INTO invoices_importrow (
    batch_id, line, cells, customer_code, number, instalment, kind, issue_date, due_date, due_date_computed,
    currency, total_amount, vat_amount, open_amount, reference, details, document_name, customer_id, item_id,
    errors, changes, suspicions, outcome
)
SELECT %(batch)s, line, cells, customer_code, number, instalment, kind, issue_date, due_date, due_date_computed,
    currency, total_amount, vat_amount, open_amount, coalesce(reference, ''), details, coalesce(document_name, ''),
    customer_id, item_id, errors, CASE WHEN errors = '[]' THEN changes ELSE '[]' END,
    CASE WHEN skipped IS NOT NULL THEN '[]'
        WHEN errors <> '[]' THEN CASE WHEN jsonb_array_length(errors) = 1 THEN due_suspicion ELSE '[]' END
        WHEN item_id IS NULL OR changes <> '[]' THEN row_suspicions || suspicions ELSE suspicions END,
    CASE WHEN skipped IS NOT NULL THEN 'SKIPPED' WHEN errors <> '[]' THEN 'ERROR' WHEN item_id IS NULL THEN 'NEW'
        WHEN changes <> '[]' THEN 'CHANGED' ELSE 'UNCHANGED' END
FROM (
    SELECT r.line, r.cells, r.customer_code, r.number, r.instalment, r.kind, r.issue_date, r.due_date,
        r.due_date_computed, r.currency, r.total_amount, r.vat_amount, r.open_amount, r.reference, r.details,
        r.document_name, r.customer_id, r.skipped, o.id AS item_id,
        r.row_suspicions,
        CASE WHEN r.row_suspicions -> 0 ->> 'code' = 'due_before_issue' THEN r.row_suspicions ELSE '[]' END
            AS due_suspicion,
        CASE WHEN r.skipped IS NOT NULL THEN '[]'::jsonb ELSE r.row_errors || {LEDGER_ERRORS} END AS errors,
        CASE WHEN r.skipped IS NOT NULL THEN '[]'::jsonb ELSE {CHANGES} END AS changes,
        CASE WHEN r.skipped IS NOT NULL THEN '[]'::jsonb ELSE {LEDGER_SUSPICIONS} END AS suspicions
    FROM (
        SELECT s.line, s.cells, s.customer_code, s.number, s.instalment, s.kind, s.issue_date, s.currency,
            s.total_amount, s.vat_amount, s.open_amount, s.reference, s.document_name, s.skipped, c.id AS customer_id,
            coalesce(s.details, '{{}}'::jsonb)
                || CASE WHEN s.skipped IS NULL THEN '{{}}'::jsonb ELSE jsonb_build_object('skipped', s.skipped) END
                AS details,
            coalesce(s.due_date, CASE WHEN s.kind IN ('CREDIT_NOTE', 'PAYMENT') THEN s.issue_date END, t.due_date)
                AS due_date,
            s.due_date IS NULL AS due_date_computed,
            {_ROW_ERRORS} AS row_errors,
            {_ROW_SUSPICIONS} AS row_suspicions
        FROM import_staging s
        LEFT JOIN customers_customer c ON c.legal_entity_id = %(entity)s AND c.account_code = s.customer_code
        LEFT JOIN import_new_customer n ON n.code = s.customer_code AND c.id IS NULL
        LEFT JOIN import_due t ON t.terms_id = coalesce(c.terms_id, n.terms_id) AND t.issue_date = s.issue_date
        LEFT JOIN import_double d ON d.number = s.number AND d.instalment = s.instalment
        LEFT JOIN import_usual u ON u.customer_id = c.id
        OFFSET 0
    ) r
    {VERDICT_JOINS}
) checked
"""

# Customers come and go between preview and commit: another batch creates them, an undo takes them away.
_CUSTOMERS_NOW = """
UPDATE invoices_importrow r SET customer_id = c.id
FROM customers_customer c
WHERE r.batch_id = %(batch)s AND r.outcome IN ('NEW', 'CHANGED', 'UNCHANGED') AND r.customer_id IS NULL
    AND c.legal_entity_id = %(entity)s AND c.account_code = r.customer_code
"""
_CUSTOMERS_GONE = """
UPDATE invoices_importrow r SET customer_id = NULL,
    outcome = CASE WHEN %(creates)s AND r.details -> 'customer' ? 'name' THEN r.outcome ELSE 'ERROR' END,
    errors = CASE WHEN %(creates)s AND r.details -> 'customer' ? 'name' THEN r.errors ELSE jsonb_build_array(
        jsonb_build_object('column', 'customer_code', 'code', 'customer_unknown', 'value', r.customer_code)) END
WHERE r.batch_id = %(batch)s AND r.outcome IN ('NEW', 'CHANGED', 'UNCHANGED') AND r.customer_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM customers_customer c WHERE c.id = r.customer_id)
"""

_RECHECK = f"""
UPDATE invoices_importrow r SET
    item_id = n.item_id, errors = n.errors, changes = n.changes, suspicions = n.suspicions, outcome = n.outcome
FROM (
    SELECT id, item_id, errors, CASE WHEN errors = '[]' THEN changes ELSE '[]' END AS changes,
        CASE WHEN errors = '[]' THEN kept || suspicions ELSE '[]' END AS suspicions,
        CASE WHEN errors <> '[]' THEN 'ERROR' WHEN item_id IS NULL THEN 'NEW'
            WHEN changes <> '[]' THEN 'CHANGED' ELSE 'UNCHANGED' END AS outcome
    FROM (
        SELECT r.id, o.id AS item_id, {LEDGER_ERRORS} AS errors, {CHANGES} AS changes,
            {LEDGER_SUSPICIONS} AS suspicions,
            CASE WHEN r.suspicions = '[]' THEN r.suspicions ELSE (
                SELECT coalesce(jsonb_agg(e), '[]') FROM jsonb_array_elements(r.suspicions) e
                WHERE e ->> 'code' NOT IN ('amount_differs', 'open_above_ledger')
            ) END AS kept
        FROM invoices_importrow r
        {VERDICT_JOINS}
        WHERE r.batch_id = %(batch)s AND r.outcome IN ('NEW', 'CHANGED', 'UNCHANGED')
    ) checked
) n
WHERE r.id = n.id AND (
    r.outcome <> n.outcome OR r.item_id IS DISTINCT FROM n.item_id OR r.changes <> n.changes
    OR r.suspicions <> n.suspicions
)
"""

# What the batch means to move, held before it is looked at again.
_LOCK = """
SELECT count(*) FROM (
    SELECT id FROM invoices_openitem WHERE id IN (
        SELECT item_id FROM invoices_importrow WHERE batch_id = %(batch)s AND outcome = 'CHANGED'
        UNION SELECT item_id FROM invoices_importclearing WHERE batch_id = %(batch)s
    ) ORDER BY id FOR NO KEY UPDATE
) held
"""

# A person said that these are right: due on the day of issue.
_ACCEPT_DUE = """
UPDATE invoices_importrow r SET due_date = r.issue_date, due_date_computed = false, errors = '[]', outcome = 'NEW'
WHERE r.batch_id = %(batch)s AND r.outcome = 'ERROR' AND jsonb_array_length(r.errors) = 1
    AND r.errors -> 0 ->> 'code' = 'due_before_issue'
"""


def lock_items(batch_id: int) -> None:
    """Hold the items that the batch changes or clears until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, {"batch": batch_id})


def recheck(
    *, batch_id: int, entity_id: int, today: date, is_snapshot: bool, creates_customers: bool
) -> None:
    """Match the rows that were right with customers and ledger as they are now."""
    values: dict[str, Any] = {
        "batch": batch_id,
        "entity": entity_id,
        "today": today,
        "snapshot": is_snapshot,
        "creates": creates_customers,
    }
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        cursor.execute(_CUSTOMERS_NOW, values)
        cursor.execute(_CUSTOMERS_GONE, values)
        cursor.execute(_RECHECK, values)


def accept_due_before_issue(batch_id: int) -> int:
    """Take in the rows that only a due date before their issue keeps in error; how many there are."""
    with connection.cursor() as cursor:
        cursor.execute(_ACCEPT_DUE, {"batch": batch_id})
        return int(cursor.rowcount)
