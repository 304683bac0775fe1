"""From today's balances back to those of a day: what allocations took from items since, and gave back.

An item's open amount at the end of `as_of` is its stored open amount plus its row here, when it has one.
"""

LATER_MOVES = """
SELECT item_id, sum(amount) AS amount
FROM (
    SELECT debit_id AS item_id, amount FROM invoices_allocation
    WHERE allocated_on > %(as_of)s AND reversed_on IS NULL
    UNION ALL
    SELECT credit_id, -amount FROM invoices_allocation
    WHERE allocated_on > %(as_of)s AND reversed_on IS NULL
    UNION ALL
    SELECT debit_id, -amount FROM invoices_allocation
    WHERE allocated_on <= %(as_of)s AND reversed_on > %(as_of)s
    UNION ALL
    SELECT credit_id, amount FROM invoices_allocation
    WHERE allocated_on <= %(as_of)s AND reversed_on > %(as_of)s
) moves
GROUP BY item_id
"""
