"""What a row of items says against what the ledger holds, as SQL: one text for the preview and for the commit.

`VERDICT_JOINS` goes after a relation named `r` with the columns of `ImportRow`; the expressions after it use
`o` (the item), `l` (its total and open amount with its corrections) and `s` (what the file states).
Parameters: `entity`, `today`, `snapshot`.
"""

# Allocations by which an earlier batch settled the item, and not those of its correcting documents.
SETTLEMENTS = """
    SELECT a.* FROM invoices_allocation a
    JOIN invoices_openitem other ON other.id = CASE WHEN a.debit_id = o.id THEN a.credit_id ELSE a.debit_id END
    WHERE (a.debit_id = o.id OR a.credit_id = o.id) AND a.reversed_on IS NULL
        AND a.import_batch_id IS NOT NULL AND other.corrects_id IS NULL
"""

# `stated` is what should be open; a full snapshot without that column says of each of its items that it is open.
# `base` is what would be open once the total is put right.
VERDICT_JOINS = f"""
LEFT JOIN invoices_openitem o
    ON o.legal_entity_id = %(entity)s AND o.number = r.number AND o.instalment = r.instalment
LEFT JOIN LATERAL (
    SELECT sum(c.total_amount) AS total_amount, sum(c.open_amount) AS open_amount
    FROM invoices_openitem c WHERE c.corrects_id = o.id
) k ON true
CROSS JOIN LATERAL (
    SELECT o.total_amount + coalesce(k.total_amount, 0) AS total, o.open_amount + coalesce(k.open_amount, 0) AS open
) l
CROSS JOIN LATERAL (
    SELECT coalesce(r.open_amount, CASE WHEN %(snapshot)s AND l.open = 0 THEN r.total_amount END) AS stated,
        l.open + r.total_amount - l.total AS base
) s
CROSS JOIN LATERAL (
    SELECT o.id IS NOT NULL AND abs(s.stated) > greatest(sign(r.total_amount) * s.base, 0) AS above
) a
CROSS JOIN LATERAL (
    SELECT CASE WHEN a.above THEN (SELECT coalesce(sum(amount), 0) FROM ({SETTLEMENTS}) z)
        >= abs(s.stated) - greatest(sign(r.total_amount) * s.base, 0) ELSE true END AS reachable
) x
"""

# What cannot be put right: one object per column that the ledger holds otherwise.
LEDGER_ERRORS = """
    CASE WHEN o.id IS NULL OR (
        o.customer_id IS NOT DISTINCT FROM r.customer_id AND o.kind = r.kind AND o.currency = r.currency
        AND (r.vat_amount IS NULL OR o.vat_amount IS NULL OR o.vat_amount = r.vat_amount
            OR l.total <> r.total_amount)
    ) THEN '[]'::jsonb ELSE (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'column', d.name, 'code', 'differs_from_ledger', 'value', d.here, 'ledger', d.there,
            'number', r.number)), '[]'::jsonb)
        FROM (VALUES
            ('customer_code', r.customer_code, (SELECT account_code FROM customers_customer WHERE id = o.customer_id)),
            ('kind', r.kind, o.kind),
            ('currency', r.currency, o.currency),
            ('vat_amount', CASE WHEN o.vat_amount IS NOT NULL AND l.total = r.total_amount
                THEN r.vat_amount::text END, o.vat_amount::text)
        ) AS d(name, here, there)
        WHERE d.here IS NOT NULL AND d.here <> d.there
    ) END
    || CASE WHEN o.id IS NOT NULL AND r.issue_date > o.issue_date AND EXISTS (
            SELECT FROM invoices_allocation a
            WHERE (a.debit_id = o.id OR a.credit_id = o.id) AND a.allocated_on < r.issue_date
                AND a.reversed_on IS DISTINCT FROM a.allocated_on
        ) THEN jsonb_build_array(jsonb_build_object('column', 'issue_date', 'code', 'issue_after_allocation',
            'value', r.issue_date::text, 'number', r.number)) ELSE '[]'::jsonb END
    || CASE WHEN r.open_amount <> 0
            AND (abs(r.open_amount) > abs(r.total_amount) OR sign(r.open_amount) <> sign(r.total_amount))
        THEN jsonb_build_array(jsonb_build_object('column', 'open_amount', 'code', 'open_above_total',
            'value', r.open_amount::text, 'total', r.total_amount::text)) ELSE '[]'::jsonb END
    || CASE WHEN r.issue_date > %(today)s AND r.open_amount <> r.total_amount
        THEN jsonb_build_array(jsonb_build_object('column', 'open_amount', 'code', 'settled_in_future',
            'value', r.open_amount::text, 'issued', r.issue_date::text)) ELSE '[]'::jsonb END
"""

# What the commit would put right, field by field. A due date that we computed proves nothing.
CHANGES = """
    CASE WHEN o.id IS NULL OR (
        o.issue_date = r.issue_date AND (r.due_date_computed OR o.due_date = r.due_date)
        AND (coalesce(r.reference, '') IN ('', o.reference)) AND (r.vat_amount IS NULL OR o.vat_amount IS NOT NULL)
        AND l.total = r.total_amount AND (s.stated IS NULL OR s.stated = l.open)
    ) THEN '[]'::jsonb ELSE (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'column', d.name, 'before', d.there, 'after', d.here) ORDER BY d.rank), '[]'::jsonb)
        FROM (VALUES
            (1, 'issue_date', r.issue_date::text, o.issue_date::text),
            (2, 'due_date', CASE WHEN NOT r.due_date_computed OR o.due_date < r.issue_date
                THEN r.due_date::text END, o.due_date::text),
            (3, 'reference', nullif(r.reference, ''), o.reference),
            (4, 'vat_amount', CASE WHEN o.vat_amount IS NULL THEN r.vat_amount::text END, NULL),
            (5, 'total_amount', r.total_amount::text, l.total::text),
            (6, 'open_amount', CASE WHEN x.reachable THEN s.stated::text END, l.open::text)
        ) AS d(rank, name, here, there)
        WHERE d.here IS NOT NULL
            AND (d.here IS DISTINCT FROM d.there OR (d.name = 'open_amount' AND s.stated <> s.base))
    ) END
"""

LEDGER_SUSPICIONS = """
    CASE WHEN o.id IS NOT NULL AND l.total <> r.total_amount THEN jsonb_build_array(jsonb_build_object(
        'column', 'total_amount', 'code', 'amount_differs', 'value', r.total_amount::text,
        'ledger', l.total::text)) ELSE '[]'::jsonb END
    || CASE WHEN NOT x.reachable THEN jsonb_build_array(jsonb_build_object(
        'column', 'open_amount', 'code', 'open_above_ledger', 'value', s.stated::text,
        'ledger', l.open::text)) ELSE '[]'::jsonb END
"""
