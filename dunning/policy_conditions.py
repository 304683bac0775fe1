"""The conditions of policies in SQL: one text for runs, for the reach of a draft, for simulations and for the draw of a trial."""

# Whether policy `p` takes account `a`: the conditions that a day does not change, then those that it does.
TAKES_LASTING = """
    (p.legal_entity_id IS NULL OR p.legal_entity_id = a.legal_entity_id)
    AND (p.customer_kind = '' OR p.customer_kind = a.kind)
    AND (p.segment = '' OR p.segment = a.segment)
    AND (p.risk_class = '' OR p.risk_class = a.risk_class)
    AND (p.countries = '{}' OR a.country = ANY (p.countries))
    AND (p.turnover_share_from IS NULL OR 100 * a.invoiced >= p.turnover_share_from * a.whole)
"""
TAKES_TODAY = """
    AND (p.overdue_from IS NULL OR a.overdue_amount >= p.overdue_from)
    AND (p.overdue_below IS NULL OR a.overdue_amount < p.overdue_below)
    AND (p.oldest_days_from IS NULL OR a.oldest_days >= p.oldest_days_from)
    AND (p.oldest_days_below IS NULL OR a.oldest_days < p.oldest_days_below)
"""
