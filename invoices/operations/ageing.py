"""Storing the balance âgée of a day, and keeping the latest stored day true as the ledger moves."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection

from core import audit
from core.operation import operation
from core.rights import Actor
from customers.models import LegalEntity
from invoices.ageing_buckets import STORED
from invoices.ageing_sql import FOR_A_LARGE_SCAN, LedgerScope, Params, ageing_rows, sub_ledger
from invoices.models import AgeingDay

# Days older than this are kept for the ends of months only: any other date is computed again when it is asked.
KEPT_DAYS = 35

_AMOUNTS = (
    *(f"bucket_{index}_amount" for index in range(STORED.size)),
    "credits_amount",
    "overdue_amount",
    "disputed_amount",
    "total_amount",
    "sub_ledger_amount",
)
_COLUMNS = ", ".join(_AMOUNTS)
_ZEROES_FOR_NULLS = ", ".join(f"coalesce({name}, 0)" for name in _AMOUNTS)


@dataclass(frozen=True)
class StoredAgeing:
    """What `store_ageing` wrote: the day, and over how many customers and currencies."""

    day: AgeingDay
    row_count: int


@operation("invoices.store_ageing")
def store_ageing(*, actor: Actor, legal_entity: LegalEntity, as_of: date, now: datetime) -> StoredAgeing:
    """Store the entity's ageing as of a date, in place of what was stored for it. Twice gives the same."""
    _shut_out_movements(legal_entity.pk)
    AgeingDay.objects.filter(legal_entity=legal_entity, as_of=as_of).delete()
    day = AgeingDay.objects.create(legal_entity=legal_entity, as_of=as_of, computed_at=now)
    row_count = _write_rows(day, LedgerScope(entity_ids=(legal_entity.pk,)))
    audit.record(
        actor=actor,
        verb="invoices.ageing.stored",
        refs=[legal_entity],
        now=now,
        as_of=as_of.isoformat(),
        rows=row_count,
    )
    return StoredAgeing(day, row_count)


def refresh_ageing(*, customer_ids: Iterable[int], effective_from: date) -> None:
    """Bring the stored ageing up to date with movements of these customers' accounts.

    To be called by every operation that moves a balance or a dispute, at its end and in its own transaction,
    with the earliest date from which a movement counts. The latest stored day of each entity concerned is
    corrected; older ones from that date on turn stale. Locks the customers until the end of the transaction.
    """
    ids = sorted(set(customer_ids))
    if not ids:
        return
    entity_ids = _lock_customers(ids)
    for entity_id in entity_ids:
        _let_movements_in(entity_id)
    days = list(
        AgeingDay.objects.filter(legal_entity__in=entity_ids, as_of__gte=effective_from)
        .order_by("legal_entity", "-as_of")
        .only("legal_entity_id", "as_of", "is_stale")
    )
    latest: dict[int, AgeingDay] = {}
    for day in days:
        latest.setdefault(day.legal_entity_id, day)
    older = [day.pk for day in days if day is not latest[day.legal_entity_id] and not day.is_stale]
    if older:
        AgeingDay.objects.filter(pk__in=older, is_stale=False).update(is_stale=True)
    for day in latest.values():
        if not day.is_stale:
            _rewrite_rows(day, ids)


def forget_old_days(*, today: date) -> int:
    """Drop stored days past their use, but those of ends of months. Returns how many."""
    old = AgeingDay.objects.filter(as_of__lt=today - timedelta(days=KEPT_DAYS))
    within_month = [day.pk for day in old if (day.as_of + timedelta(days=1)).day != 1]
    AgeingDay.objects.filter(pk__in=within_month).delete()
    return len(within_month)


def _shut_out_movements(entity_id: int) -> None:
    """Wait for movements under way, and let new ones wait until the day is stored: none is lost between."""
    with connection.cursor() as cursor:
        cursor.execute(FOR_A_LARGE_SCAN)
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"ageing:{entity_id}"])


def _let_movements_in(entity_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", [f"ageing:{entity_id}"]
        )


def _lock_customers(ids: list[int]) -> list[int]:
    """One movement of an account at a time: the later one must see what the earlier one wrote."""
    with connection.cursor() as cursor:
        cursor.execute(
            # Compiling the statements that follow would cost more than running them.
            "SET LOCAL jit = off;"
            " WITH locked AS MATERIALIZED (SELECT legal_entity_id FROM customers_customer"
            " WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE)"
            " SELECT DISTINCT legal_entity_id FROM locked ORDER BY 1",
            [ids],
        )
        return [row[0] for row in cursor.fetchall()]


def _write_rows(day: AgeingDay, scope: LedgerScope) -> int:
    """Compute and insert the rows of a day, and their sum as a part of its totals."""
    rows, row_params = ageing_rows(day.as_of, STORED, scope)
    books, book_params = sub_ledger(day.as_of, scope, by_customer=True)
    sql = f"""
WITH written AS (
    INSERT INTO invoices_ageingsnapshot (day_id, customer_id, currency, {_COLUMNS}, oldest_due_date)
    SELECT %(day_id)s, customer_id, currency, {_ZEROES_FOR_NULLS}, oldest_due_date
    FROM ({rows}) owed FULL JOIN ({books}) books USING (customer_id, currency)
    WHERE owed.total_amount IS NOT NULL OR books.sub_ledger_amount <> 0
    RETURNING *
)
{_insert_totals("written", 1)}
RETURNING customer_count
"""
    with connection.cursor() as cursor:
        cursor.execute(sql, {**row_params, **book_params, "day_id": day.pk})
        return sum(row[0] for row in cursor.fetchall())


def _rewrite_rows(day: AgeingDay, ids: list[int]) -> None:
    """Replace the customers' rows of a day; the totals get the difference."""
    params: Params = {"day_id": day.pk, "ids": ids}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
WITH gone AS (
    DELETE FROM invoices_ageingsnapshot WHERE day_id = %(day_id)s AND customer_id = ANY(%(ids)s) RETURNING *
)
{_insert_totals("gone", -1)}
""",
            params,
        )
    _write_rows(day, LedgerScope(entity_ids=(day.legal_entity_id,), customers=ids))


def _insert_totals(source: str, sign: int) -> str:
    sums = ", ".join(f"{sign} * sum({name})" for name in _AMOUNTS)
    return (
        f"INSERT INTO invoices_ageingtotal (day_id, currency, customer_count, {_COLUMNS})"
        f" SELECT %(day_id)s, currency, {sign} * count(*), {sums} FROM {source} GROUP BY currency"
    )
