"""The statements of the balance âgée's read: totals, a page by cursor, all rows; from stored days or the ledger."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from invoices.ageing_buckets import STORED, Scheme
from invoices.ageing_sql import LedgerScope, Params, ageing_rows, sub_ledger

# Where nothing is owed there is no oldest due date: such rows sort as the latest.
_OLDEST = "coalesce(s.oldest_due_date, '9999-12-31'::date)"


@dataclass(frozen=True)
class StoredDay:
    day_id: int
    entity_id: int


@dataclass(frozen=True)
class RowFilter:
    """What a row (customer and currency) must hold: something in a bucket, an overdue amount."""

    bucket: int | None = None
    min_overdue: Decimal | None = None

    def where(self) -> tuple[str, Params]:
        parts, params = "", {}
        if self.bucket is not None:
            parts += f" AND s.bucket_{self.bucket:d}_amount <> 0"
        if self.min_overdue is not None:
            parts += " AND s.overdue_amount >= %(min_overdue)s"
            params["min_overdue"] = self.min_overdue
        return parts, params

    def __bool__(self) -> bool:
        return self.bucket is not None or self.min_overdue is not None


@dataclass(frozen=True)
class Sort:
    """An order of rows: by an expression, then by customer and currency in the same direction."""

    name: str
    expression: str
    cast: str
    column: str
    is_descending: bool

    @classmethod
    def named(cls, name: str, scheme: Scheme) -> "Sort | None":
        """The order that `name` asks for, None when it is unknown."""
        plain = name.removeprefix("-")
        amounts = {"total", "overdue", "credits", "disputed", *(f"bucket_{i}" for i in range(scheme.size))}
        if plain in amounts:
            expression, cast, column = f"s.{plain}_amount", "numeric", f"{plain}_amount"
        elif plain == "oldest":
            expression, cast, column = _OLDEST, "date", "oldest_sorted"
        elif plain == "name":
            expression, cast, column = "c.name", "text", "name"
        elif plain == "code":
            expression, cast, column = "c.account_code", "text", "account_code"
        else:
            return None
        return cls(name, expression, cast, column, name.startswith("-"))

    @property
    def is_of_customer(self) -> bool:
        return self.expression.startswith("c.")

    def order_by(self, backwards: bool = False) -> str:
        direction = "DESC" if self.is_descending != backwards else "ASC"
        return ", ".join(f"{key} {direction}" for key in (self.expression, "s.customer_id", "s.currency"))

    def after(self, position: tuple[str, int, str] | None, backwards: bool) -> tuple[str, Params]:
        """The condition of the rows that follow a position."""
        if position is None:
            return "", {}
        side = "<" if self.is_descending != backwards else ">"
        sql = (
            f" AND ({self.expression}, s.customer_id, s.currency) {side}"
            f" (%(after_value)s::{self.cast}, %(after_customer)s, %(after_currency)s)"
        )
        return sql, dict(zip(("after_value", "after_customer", "after_currency"), position, strict=True))


def _amount_names(scheme: Scheme) -> list[str]:
    return [
        *(f"bucket_{index}_amount" for index in range(scheme.size)),
        "credits_amount",
        "overdue_amount",
        "disputed_amount",
        "total_amount",
    ]


def _row_columns(scheme: Scheme) -> str:
    names = ", ".join(f"s.{name}" for name in _amount_names(scheme))
    return (
        f"s.customer_id, s.currency, {names}, s.oldest_due_date, {_OLDEST} AS oldest_sorted,"
        " c.name, c.account_code, c.legal_entity_id"
    )


def stored_totals(days: list[StoredDay], scope: LedgerScope, row_filter: RowFilter) -> tuple[str, Params]:
    """Totals per currency of stored days: from their totals, or added up when something narrows them."""
    of_rows, row_params = row_filter.where()
    of_scope, scope_params = _narrowed(scope, "s")
    whole = scope.customers is None and not row_filter
    table = "invoices_ageingtotal" if whole else "invoices_ageingsnapshot"
    count = "sum(s.customer_count)::bigint" if whole else "count(*)"
    names = [*_amount_names(STORED), "sub_ledger_amount"]
    sums = ", ".join(f"sum(s.{name}) AS {name}" for name in names)
    sql = f"""
SELECT s.currency, {count} AS customer_count, {sums}
FROM {table} s
WHERE s.day_id = ANY(%(day_ids)s){of_rows}{of_scope}
GROUP BY s.currency
HAVING {count} <> 0 OR sum(s.total_amount) <> 0 OR sum(s.sub_ledger_amount) <> 0
ORDER BY customer_count DESC, s.currency
"""
    return (
        sql,
        {"day_ids": [day.day_id for day in days], **row_params, **scope_params},
    )


def stored_page(
    days: list[StoredDay],
    scope: LedgerScope,
    row_filter: RowFilter,
    order: Sort,
    after: tuple[str, int, str] | None,
    backwards: bool,
    limit: int,
) -> tuple[str, Params]:
    """A page of stored rows: the first ones of each day by its index, then the first ones of these."""
    of_rows, row_params = row_filter.where()
    of_scope, scope_params = _narrowed(scope, "s")
    beyond, after_params = order.after(after, backwards)
    ordering = order.order_by(backwards)
    # Sorted by name, the walk is along the customers' index; otherwise along the rows'.
    source = (
        "customers_customer c JOIN invoices_ageingsnapshot s ON s.day_id = day.id AND s.customer_id = c.id"
        " WHERE c.legal_entity_id = day.entity_id"
        if order.is_of_customer
        else "invoices_ageingsnapshot s WHERE s.day_id = day.id"
    )
    sql = f"""
SELECT {_row_columns(STORED)}
FROM unnest(%(day_ids)s::bigint[], %(day_entity_ids)s::bigint[]) AS day(id, entity_id)
CROSS JOIN LATERAL (
    SELECT s.* FROM {source}{of_rows}{of_scope}{beyond}
    ORDER BY {ordering} LIMIT %(limit)s
) s
JOIN customers_customer c ON c.id = s.customer_id
ORDER BY {ordering} LIMIT %(limit)s
"""
    return sql, {
        "day_ids": [day.day_id for day in days],
        "day_entity_ids": [day.entity_id for day in days],
        "limit": limit,
        **row_params,
        **scope_params,
        **after_params,
    }


def stored_rows(
    days: list[StoredDay], scope: LedgerScope, row_filter: RowFilter, order: Sort
) -> tuple[str, Params]:
    """All rows of stored days, in order."""
    of_rows, row_params = row_filter.where()
    of_scope, scope_params = _narrowed(scope, "s")
    sql = f"""
SELECT {_row_columns(STORED)}
FROM invoices_ageingsnapshot s JOIN customers_customer c ON c.id = s.customer_id
WHERE s.day_id = ANY(%(day_ids)s){of_rows}{of_scope}
ORDER BY {order.order_by()}
"""
    return (
        sql,
        {"day_ids": [day.day_id for day in days], **row_params, **scope_params},
    )


def computed_page(
    as_of: date,
    scheme: Scheme,
    scope: LedgerScope,
    row_filter: RowFilter,
    order: Sort,
    after: tuple[str, int, str] | None,
    backwards: bool,
    limit: int,
) -> tuple[str, Params]:
    """Totals (rows without customer) and a page (rows with their place), computed from the ledger at one instant."""
    kept, params = _kept(as_of, scheme, scope, row_filter)
    books, book_params = sub_ledger(as_of, scope)
    if row_filter:
        pairs = "(i.customer_id, i.currency) IN (SELECT customer_id, currency FROM kept)"
        books = books.replace("\nGROUP BY", f" AND {pairs}\nGROUP BY")
    beyond, after_params = order.after(after, backwards)
    ordering = order.order_by(backwards)
    names = _amount_names(scheme)
    sums = ", ".join(f"sum({name}) AS {name}" for name in names)
    zeroes = ", ".join(f"coalesce({name}, 0.00) AS {name}" for name in names)
    columns = ", ".join(names)
    joined = " JOIN customers_customer c ON c.id = s.customer_id" if order.is_of_customer else ""
    sql = f"""
WITH {kept}
SELECT NULL::bigint AS customer_id, currency, {zeroes}, NULL::date AS oldest_due_date, NULL::date AS oldest_sorted,
    NULL AS name, NULL AS account_code, NULL::bigint AS legal_entity_id,
    coalesce(customer_count, 0) AS customer_count, coalesce(sub_ledger_amount, 0.00) AS sub_ledger_amount,
    row_number() OVER (ORDER BY customer_count DESC NULLS LAST, currency) AS place
FROM (SELECT currency, {sums}, count(*) AS customer_count FROM kept GROUP BY currency) owed
FULL JOIN ({books}) books USING (currency)
WHERE customer_count IS NOT NULL OR sub_ledger_amount <> 0
UNION ALL
SELECT customer_id, currency, {columns}, oldest_due_date, oldest_sorted, name, account_code, legal_entity_id,
    NULL, NULL, place
FROM (
    SELECT {_row_columns(scheme)}, row_number() OVER (ORDER BY {ordering}) AS place
    FROM (
        SELECT s.* FROM kept s{joined} WHERE true{beyond}
        ORDER BY {ordering} LIMIT %(limit)s
    ) s
    JOIN customers_customer c ON c.id = s.customer_id
) page
ORDER BY customer_id NULLS FIRST, place
"""
    return sql, {**params, **book_params, **after_params, "limit": limit}


def computed_rows(
    as_of: date, scheme: Scheme, scope: LedgerScope, row_filter: RowFilter, order: Sort
) -> tuple[str, Params]:
    """All rows computed from the ledger, in order."""
    kept, params = _kept(as_of, scheme, scope, row_filter)
    sql = f"""
WITH {kept}
SELECT {_row_columns(scheme)} FROM kept s JOIN customers_customer c ON c.id = s.customer_id
ORDER BY {order.order_by()}
"""
    return sql, params


def _kept(as_of: date, scheme: Scheme, scope: LedgerScope, row_filter: RowFilter) -> tuple[str, Params]:
    rows, params = ageing_rows(as_of, scheme, scope)
    of_rows, row_params = row_filter.where()
    return f"kept AS MATERIALIZED (SELECT s.* FROM ({rows}) s WHERE true{of_rows})", {**params, **row_params}


def _narrowed(scope: LedgerScope, alias: str) -> tuple[str, Params]:
    """The scope's conditions but the entities': a stored day belongs to one."""
    return LedgerScope(customers=scope.customers, currencies=scope.currencies).where(alias)
