"""The balance âgée as read by pages, exports, the API and the command: totals, and customers by cursor.

It is read from the stored day when there is a true one, else computed from the ledger; both give the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core import signing
from django.db import connection, transaction

from core.keyset import PAGE_SIZE, BadCursor
from core.rights import SYSTEM, Actor
from customers.models import Customer, EntityScope, LegalEntity
from invoices.ageing_buckets import STORED, Scheme
from invoices.ageing_query import (
    RowFilter,
    Sort,
    StoredDay,
    computed_page,
    computed_rows,
    stored_page,
    stored_rows,
    stored_totals,
)
from invoices.ageing_sql import FOR_A_LARGE_SCAN, LedgerScope, Params
from invoices.models import AgeingDay

DEFAULT_SORT = "-overdue"
_SALT = "invoices.ageing"


@dataclass(frozen=True)
class AgeingFilters:
    """What narrows a balance âgée. `customers` is a queryset of customers, None for all of the scope;
    `bucket` keeps the customers who owe something in that bucket."""

    customers: Any = None
    currency: str = ""
    bucket: int | None = None
    min_overdue: Decimal | None = None

    @property
    def narrows(self) -> bool:
        return self.customers is not None or bool(self.currency) or bool(self.of_rows)

    @property
    def of_rows(self) -> RowFilter:
        return RowFilter(bucket=self.bucket, min_overdue=self.min_overdue)


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """Amounts of one currency. Credits are negative; `total` = buckets + credits; `overdue` is by due date."""

    currency: str
    buckets: tuple[Decimal, ...]
    credits: Decimal
    overdue: Decimal
    disputed: Decimal
    total: Decimal

    @property
    def overdue_share(self) -> Decimal | None:
        """Overdue ÷ receivables, or None when nothing is owed on balance."""
        return self.overdue / self.total if self.total > 0 else None


@dataclass(frozen=True, kw_only=True)
class AgeingTotals(Amounts):
    """`sub_ledger` is the sum of what was posted to the same accounts up to the date: it must equal `total`."""

    customer_count: int
    sub_ledger: Decimal

    @property
    def is_reconciled(self) -> bool:
        return self.total == self.sub_ledger


@dataclass(frozen=True, kw_only=True)
class AgeingRow(Amounts):
    customer_id: int
    customer_name: str
    account_code: str
    legal_entity_id: int
    oldest_due_date: date | None


@dataclass(frozen=True)
class AgeingPage:
    """`stored_at` is when the stored day was computed, None when the ledger was read for this page."""

    as_of: date
    scheme: Scheme
    totals: list[AgeingTotals]
    rows: list[AgeingRow]
    stored_at: datetime | None
    next_cursor: str = ""
    previous_cursor: str = ""
    filters: AgeingFilters = field(default_factory=AgeingFilters)

    @property
    def bucket_labels(self) -> list[str]:
        return self.scheme.labels()


def ageing(
    *,
    actor: Actor,
    as_of: date,
    legal_entity: LegalEntity | None = None,
    filters: AgeingFilters = AgeingFilters(),
    scheme: Scheme = STORED,
    sort: str = DEFAULT_SORT,
    cursor: str = "",
    limit: int = PAGE_SIZE,
    strict: bool = False,
) -> AgeingPage:
    """A page of the balance âgée of what the actor sees, and its totals per currency.

    `sort` is `name`, `code`, `total`, `overdue`, `credits`, `disputed`, `oldest` or `bucket_0` …, with a minus
    for the largest first; unknown ones give the default. A cursor of another list gives the first page, or
    raises BadCursor when `strict`.
    """
    order = Sort.named(sort, scheme) or Sort.named(DEFAULT_SORT, scheme)
    assert order is not None
    backwards, after = _read_cursor(cursor, order, strict)
    reading = _Reading.of(actor, as_of, legal_entity, filters, scheme)
    totals, rows = reading.page(order, after, backwards, limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    if backwards:
        rows.reverse()
    has_next, has_previous = (True, more) if backwards else (more, after is not None)
    return AgeingPage(
        as_of=as_of,
        scheme=scheme,
        totals=[_totals(record, scheme) for record in totals],
        rows=[_row(record, scheme) for record in rows],
        stored_at=reading.stored_at,
        next_cursor=_written_cursor(order, rows[-1], backwards=False) if rows and has_next else "",
        previous_cursor=_written_cursor(order, rows[0], backwards=True) if rows and has_previous else "",
        filters=filters,
    )


def ageing_totals(
    *,
    actor: Actor,
    as_of: date,
    legal_entity: LegalEntity | None = None,
    filters: AgeingFilters = AgeingFilters(),
    scheme: Scheme = STORED,
) -> list[AgeingTotals]:
    """The totals per currency alone."""
    return ageing(
        actor=actor, as_of=as_of, legal_entity=legal_entity, filters=filters, scheme=scheme, limit=0
    ).totals


def ageing_rows_of_all(
    *,
    actor: Actor,
    as_of: date,
    legal_entity: LegalEntity | None = None,
    filters: AgeingFilters = AgeingFilters(),
    scheme: Scheme = STORED,
    sort: str = DEFAULT_SORT,
) -> Iterator[AgeingRow]:
    """Every row of the balance âgée in order, read as it is consumed: for exports."""
    order = Sort.named(sort, scheme) or Sort.named(DEFAULT_SORT, scheme)
    assert order is not None
    reading = _Reading.of(actor, as_of, legal_entity, filters, scheme)
    sql, params = reading.all_rows(order)
    with transaction.atomic():
        with connection.cursor() as settings:
            settings.execute(FOR_A_LARGE_SCAN)
        with connection.chunked_cursor() as cursor:
            cursor.execute(sql, params)
            # A server-side cursor describes its columns only once rows were fetched.
            while records := cursor.fetchmany(2000):
                names = [column[0] for column in cursor.description]
                for record in records:
                    yield _row(dict(zip(names, record, strict=True)), scheme)


@dataclass(frozen=True)
class _Reading:
    """Where the answer comes from: the stored days, if each entity in view has a true one, else the ledger."""

    as_of: date
    scheme: Scheme
    scope: LedgerScope
    row_filter: RowFilter
    days: list[StoredDay]
    stored_at: datetime | None

    @classmethod
    def of(
        cls,
        actor: Actor,
        as_of: date,
        legal_entity: LegalEntity | None,
        filters: AgeingFilters,
        scheme: Scheme,
    ) -> "_Reading":
        entity_ids, sees_whole = _entities_in_view(actor, legal_entity)
        customers = filters.customers
        if not sees_whole:
            visible = Customer.objects.visible_to(actor)
            customers = visible if customers is None else customers.filter(pk__in=visible.values("pk"))
        scope = LedgerScope(
            entity_ids=entity_ids,
            customers=customers,
            currencies=(filters.currency,) if filters.currency else None,
        )
        stored = (
            AgeingDay.objects.filter(legal_entity__in=entity_ids, as_of=as_of, is_stale=False)
            if scheme.is_stored
            else AgeingDay.objects.none()
        )
        found = list(stored.values_list("pk", "legal_entity", "computed_at"))
        if len(found) != len(entity_ids):
            return cls(as_of, scheme, scope, filters.of_rows, [], None)
        days = [StoredDay(day, entity) for day, entity, _at in found]
        stored_at = min((at for _day, _entity, at in found), default=None)
        return cls(as_of, scheme, scope, filters.of_rows, days, stored_at)

    def page(
        self, order: Sort, after: tuple[str, int, str] | None, backwards: bool, limit: int
    ) -> tuple[list[Params], list[Params]]:
        if self.days or not self.scope.entity_ids:
            totals = _records(*stored_totals(self.days, self.scope, self.row_filter))
            rows = _records(
                *stored_page(self.days, self.scope, self.row_filter, order, after, backwards, limit)
            )
            return totals, rows
        sql, params = computed_page(
            self.as_of, self.scheme, self.scope, self.row_filter, order, after, backwards, limit
        )
        with transaction.atomic():
            with connection.cursor() as settings:
                settings.execute(FOR_A_LARGE_SCAN)
            records = _records(sql, params)
        totals = [record for record in records if record["customer_id"] is None]
        rows = [record for record in records if record["customer_id"] is not None]
        return totals, sorted(rows, key=lambda record: record["place"])

    def all_rows(self, order: Sort) -> tuple[str, Params]:
        if self.days or not self.scope.entity_ids:
            return stored_rows(self.days, self.scope, self.row_filter, order)
        return computed_rows(self.as_of, self.scheme, self.scope, self.row_filter, order)


def _entities_in_view(actor: Actor, legal_entity: LegalEntity | None) -> tuple[tuple[int, ...], bool]:
    """The entities in view, and whether the actor sees every customer of each of them."""
    entities = LegalEntity.objects.visible_to(actor).order_by("pk")
    if legal_entity is not None:
        entities = entities.filter(pk=legal_entity.pk)
    entity_ids = tuple(entities.values_list("pk", flat=True))
    if actor is SYSTEM:
        return entity_ids, True
    whole = set(
        EntityScope.objects.filter(user=actor.pk, own_portfolio_only=False).values_list(
            "legal_entity", flat=True
        )
    )
    return entity_ids, None in whole or whole.issuperset(entity_ids)


def _records(sql: str, params: Params) -> list[Params]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, record, strict=True)) for record in cursor.fetchall()]


def _amounts(record: Params, scheme: Scheme) -> dict[str, Any]:
    return {
        "currency": record["currency"],
        "buckets": tuple(record[f"bucket_{index}_amount"] for index in range(scheme.size)),
        "credits": record["credits_amount"],
        "overdue": record["overdue_amount"],
        "disputed": record["disputed_amount"],
        "total": record["total_amount"],
    }


def _totals(record: Params, scheme: Scheme) -> AgeingTotals:
    return AgeingTotals(
        **_amounts(record, scheme),
        customer_count=record["customer_count"],
        sub_ledger=record["sub_ledger_amount"],
    )


def _row(record: Params, scheme: Scheme) -> AgeingRow:
    return AgeingRow(
        **_amounts(record, scheme),
        customer_id=record["customer_id"],
        customer_name=record["name"],
        account_code=record["account_code"],
        legal_entity_id=record["legal_entity_id"],
        oldest_due_date=record["oldest_due_date"],
    )


def _written_cursor(order: Sort, record: Params, *, backwards: bool) -> str:
    values = [str(record[order.column]), record["customer_id"], record["currency"]]
    return signing.dumps({"o": order.name, "b": backwards, "v": values}, salt=_SALT)


def _read_cursor(cursor: str, order: Sort, strict: bool) -> tuple[bool, tuple[str, int, str] | None]:
    if not cursor:
        return False, None
    try:
        held = signing.loads(cursor, salt=_SALT)
    except (signing.BadSignature, ValueError):
        held = None
    if held is None or held["o"] != order.name:
        if strict:
            raise BadCursor(cursor)
        return False, None
    value, customer_id, currency = held["v"]
    return held["b"], (value, customer_id, currency)
