"""What in a batch of items a person must look at before it is written, against the legal entity's guard."""

from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any

from django.db import connection

from invoices.models import ImportBatch, ImportGuard
from invoices.staging.figures import CHANGED_AMOUNT, Figures

# Fewer batches, rows or customers than these say nothing of what is usual.
_FEWEST_BATCHES = 3
_FEWEST_ROWS = 100
_FEWEST_CUSTOMERS = 10
_CUSTOMER_SHARE = 10

_ROWS = f"""
SELECT e ->> 'code', r.currency, count(DISTINCT r.line),
    sum(CASE WHEN e ->> 'code' = 'amount_differs' OR r.outcome = 'CHANGED' THEN abs({CHANGED_AMOUNT})
        ELSE abs(r.total_amount) END)
FROM invoices_importrow r, jsonb_array_elements(r.suspicions) e
WHERE r.batch_id = %(batch)s AND r.suspicions <> '[]'
GROUP BY 1, 2
"""

# What the batch settles of the debits, per currency; and what is open of them.
_SETTLED = f"""
SELECT o.currency, sum(s.amount)
FROM (
    SELECT c.item_id, c.open_amount AS amount FROM invoices_importclearing c WHERE c.batch_id = %(batch)s
    UNION ALL
    SELECT r.item_id, -{CHANGED_AMOUNT} FROM invoices_importrow r
    WHERE r.batch_id = %(batch)s AND r.outcome = 'CHANGED' AND r.changes @> '[{{"column": "open_amount"}}]'
        AND {CHANGED_AMOUNT} < 0
) s
JOIN invoices_openitem o ON o.id = s.item_id
WHERE o.open_amount > 0
GROUP BY o.currency
"""
_OPEN_DEBITS = """
SELECT currency, sum(open_amount) FROM invoices_openitem
WHERE legal_entity_id = %(entity)s AND open_amount > 0 GROUP BY currency
"""

Found = dict[str, Any]


@dataclass(frozen=True)
class Suspicious:
    """The suspicions of a batch, and whether they move so much that a second person must approve."""

    suspicions: list[Found]
    needs_second_person: bool


def suspicions(batch: ImportBatch, found: Figures) -> Suspicious:
    """Everything suspicious in a batch of items, as its rows and clearings stand."""
    guard = ImportGuard.objects.filter(legal_entity=batch.legal_entity_id).first() or ImportGuard()
    moved: dict[str, Decimal] = {}
    listed = [
        *_of_rows(batch, moved),
        *_of_settlements(batch, guard, moved),
        *_of_volume(batch, guard, found, moved),
        *_of_customers(batch, found),
    ]
    return Suspicious(listed, any(amount > guard.second_person_amount for amount in moved.values()))


def harmful_changes(before: list[Found], after: list[Found]) -> list[str]:
    """The codes of what is suspicious now and was not when the person looked, or is so in more places."""
    seen = {suspicion["code"]: suspicion for suspicion in before}
    return [
        suspicion["code"]
        for suspicion in after
        if suspicion["code"] not in seen or suspicion["count"] > seen[suspicion["code"]]["count"]
    ]


def _of_rows(batch: ImportBatch, moved: dict[str, Decimal]) -> list[Found]:
    listed: dict[str, Found] = {}
    for code, currency, count, amount in _ask(_ROWS, batch):
        entry = listed.setdefault(code, {"code": code, "count": 0, "params": {"amounts": {}}})
        entry["count"] += count
        if currency:
            entry["params"]["amounts"][currency] = str(amount or 0)
            if code != "open_above_ledger":
                moved[currency] = moved.get(currency, Decimal(0)) + (amount or Decimal(0))
    return [listed[code] for code in sorted(listed)]


def _of_settlements(batch: ImportBatch, guard: ImportGuard, moved: dict[str, Decimal]) -> list[Found]:
    """More of the debits settled than the guard lets pass: one entry, the currency with the largest share first."""
    over = []
    settled_amounts = _ask(_SETTLED, batch)
    open_amounts = dict(_ask(_OPEN_DEBITS, batch)) if settled_amounts else {}
    for currency, settled in settled_amounts:
        share = (settled / open_amounts[currency] * 100).quantize(Decimal("0.1"))
        if share > guard.cleared_share:
            over.append((share, currency, settled))
            moved[currency] = moved.get(currency, Decimal(0)) + settled
    if not over:
        return []
    share, currency, settled = max(over)
    params = {
        "share": str(share),
        "limit": str(guard.cleared_share),
        "amount": str(settled),
        "currency": currency,
        "amounts": {code: str(amount) for _share, code, amount in over},
    }
    return [{"code": "cleared_share", "count": batch.cleared_count, "params": params}]


def _of_volume(
    batch: ImportBatch, guard: ImportGuard, found: Figures, moved: dict[str, Decimal]
) -> list[Found]:
    """Many more new rows than the entity's last batches of the kind brought."""
    earlier = list(
        ImportBatch.objects.filter(
            legal_entity=batch.legal_entity_id,
            subject=batch.subject,
            format=batch.format,
            status=ImportBatch.Status.COMMITTED,
            new_count__gt=0,
        )
        .exclude(pk=batch.pk)
        .order_by("-pk")
        .values_list("new_count", flat=True)[:10]
    )
    count = found.counts.get("NEW", 0)
    if len(earlier) < _FEWEST_BATCHES or count < _FEWEST_ROWS:
        return []
    usual = int(median(earlier))
    if count < usual * guard.volume_factor:
        return []
    for currency, amount in found.new.items():
        moved[currency] = moved.get(currency, Decimal(0)) + abs(amount)
    return [{"code": "unusual_volume", "count": count, "params": {"usual": usual}}]


def _of_customers(batch: ImportBatch, found: Figures) -> list[Found]:
    """More new customers than a tenth of those that are there; the first ones of an entity are no surprise."""
    count = found.new_customer_count
    if count <= _FEWEST_CUSTOMERS:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM customers_customer WHERE legal_entity_id = %s", [batch.legal_entity_id]
        )
        known = int(cursor.fetchone()[0])
    if not known or count * _CUSTOMER_SHARE <= known:
        return []
    return [{"code": "new_customers", "count": count, "params": {"known": known}}]


def _ask(sql: str, batch: ImportBatch) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"batch": batch.pk, "entity": batch.legal_entity_id})
        return list(cursor.fetchall())
