"""Every row of a demo as text, without keys: two demos are the same when their digests are."""

import hashlib

from django.db import connection

ROWS = """
SELECT 'item', e.code, regexp_replace(i.number, '^BQ-.*', 'BQ'), c.account_code, i.kind, i.issue_date, i.due_date, i.currency, i.total_amount,
       i.vat_amount, i.open_amount, i.disputed_amount, i.reference, i.is_factored
FROM invoices_openitem i JOIN customers_customer c ON c.id = i.customer_id
JOIN customers_legalentity e ON e.id = i.legal_entity_id
ORDER BY 2, 3, i.id
"""
ALLOCATION_ROWS = """
SELECT 'allocation', e.code, d.number, regexp_replace(k.number, '^BQ-.*', 'BQ'), a.amount, a.allocated_on, a.reversed_on, a.reversal_reason
FROM invoices_allocation a JOIN invoices_openitem d ON d.id = a.debit_id JOIN invoices_openitem k ON k.id = a.credit_id
JOIN customers_legalentity e ON e.id = d.legal_entity_id
ORDER BY 2, 3, 4, 5, 6
"""
CUSTOMER_ROWS = """
SELECT e.code, c.account_code, c.name, c.kind, c.status, c.hold_reason, c.hold_until, c.insolvency_date, c.siren,
       c.siret, c.vat_number, c.foreign_id, c.country, c.address_lines, c.language, c.currency, p.account_code, t.code,
       u.email, c.segment, c.naf_code, c.customer_since, c.pinned_note
FROM customers_customer c JOIN customers_legalentity e ON e.id = c.legal_entity_id
JOIN customers_paymentterms t ON t.id = c.terms_id
LEFT JOIN customers_customer p ON p.id = c.parent_id LEFT JOIN core_user u ON u.id = c.portfolio_owner_id
ORDER BY 1, 2
"""
CLAIM_ROWS = """
SELECT 'dispute', i.number, d.amount, d.reason, d.note, d.opened_on, d.resolved_on, NULL
FROM invoices_dispute d JOIN invoices_openitem i ON i.id = d.item_id
UNION ALL
SELECT 'promise', i.number, p.amount, p.status, p.note, p.promised_date, p.made_on, NULL
FROM invoices_promise p JOIN invoices_openitem i ON i.id = p.item_id
UNION ALL
SELECT 'contact', c.account_code, NULL, k.name, k.email, NULL, NULL, k.phone
FROM customers_contact k JOIN customers_customer c ON c.id = k.customer_id
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
"""


def query(sql: str, *params: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def digest() -> str:
    found = hashlib.sha256()
    for sql in (ROWS, ALLOCATION_ROWS, CUSTOMER_ROWS, CLAIM_ROWS):
        found.update(repr(query(sql)).encode())
    return found.hexdigest()
