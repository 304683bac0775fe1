"""The balance âgée as of any date, as SQL over the ledger. Shared by the read, the stored days and the checks.

Open amount of an item as of D = its open amount now
    + allocations in force now and made after D
    - allocations made by D and reversed after D (no longer in force now).
Sums by customer and bucket are linear in it, so that items and allocations are added up without being grouped
by item: only items with an allocation reversed after D, and disputed ones, are computed one by one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet

from invoices.ageing_buckets import Basis, Credits, Scheme

Params = dict[str, Any]

# A statement over a whole ledger: compiling it costs more than it saves, and its sums belong in memory.
FOR_A_LARGE_SCAN = "SET LOCAL jit = off; SET LOCAL work_mem = '64MB'; SET LOCAL random_page_cost = 1.1"


@dataclass(frozen=True)
class LedgerScope:
    """Which part of the ledger is read; None means all of it.

    `customers` is a list of ids or a queryset of customers; `currencies` a list of codes.
    """

    entity_ids: tuple[int, ...] | None = None
    customers: "Iterable[int] | QuerySet | None" = None
    currencies: tuple[str, ...] | None = None

    def where(self, alias: str) -> tuple[str, Params]:
        """Further SQL conditions, each begun with AND, on a table with the scope's three columns."""
        parts: list[str] = []
        params: Params = {}
        if self.entity_ids is not None:
            params["entity_ids"] = list(self.entity_ids)
            parts.append(f"{alias}.legal_entity_id = ANY(%(entity_ids)s)")
        if isinstance(self.customers, QuerySet):
            query, values = named_query(self.customers.order_by().values("pk"), "customer")
            params |= values
            parts.append(f"{alias}.customer_id IN ({query})")
        elif self.customers is not None:
            params["customer_ids"] = list(self.customers)
            parts.append(f"{alias}.customer_id = ANY(%(customer_ids)s)")
        if self.currencies is not None:
            params["currencies"] = list(self.currencies)
            parts.append(f"{alias}.currency = ANY(%(currencies)s)")
        return "".join(f" AND {part}" for part in parts), params


def named_query(queryset: "QuerySet", prefix: str) -> tuple[str, Params]:
    """The SQL of a queryset with its values as parameters named `prefix`_0, `prefix`_1 …"""
    try:
        sql, values = queryset.query.sql_with_params()
    except EmptyResultSet:
        return "SELECT NULL::bigint WHERE false", {}
    names = iter(range(len(values)))
    named = re.sub(r"%s|%%", lambda mark: f"%({prefix}_{next(names)})s" if mark[0] == "%s" else "%%", sql)
    return named, {f"{prefix}_{index}": value for index, value in enumerate(values)}


def _reversed_after(side: str) -> str:
    """Items with an allocation that was in force as of the date and no longer is."""
    return (
        f"SELECT {side}_id FROM invoices_allocation "
        "WHERE reversed_on > %(as_of)s AND allocated_on <= %(as_of)s"
    )


_REVERSED = f"{_reversed_after('debit')} UNION ALL {_reversed_after('credit')}"


def _made_since(side: str, amount: str, where: str) -> str:
    """What allocations made after the date took off the open amounts of their debits or credits."""
    return f"""SELECT i.customer_id, i.currency, i.due_date, i.issue_date, {amount} AS amount
            FROM invoices_allocation a JOIN invoices_openitem i ON i.id = a.{side}_id
            WHERE a.allocated_on > %(as_of)s AND a.reversed_on IS NULL AND i.issue_date <= %(as_of)s{where}
                AND a.{side}_id NOT IN ({_REVERSED})"""


def _settled(side: str) -> str:
    """What had been allocated to item `i` as of the date."""
    return f"""coalesce((SELECT sum(a.amount) FROM invoices_allocation a WHERE a.{side}_id = i.id
        AND a.allocated_on <= %(as_of)s AND (a.reversed_on IS NULL OR a.reversed_on > %(as_of)s)), 0)"""


# The open amount of one item as of the date, from its total and the allocations in force then.
_OPEN_AS_OF = f"(i.total_amount - {_settled('debit')} + {_settled('credit')})"


def ageing_rows(as_of: date, scheme: Scheme, scope: LedgerScope) -> tuple[str, Params]:
    """A query of one row per customer and currency that have an item open as of the date.

    Columns: customer_id, currency, bucket_0_amount … , credits_amount, overdue_amount, disputed_amount,
    total_amount, oldest_due_date (of what is owed).
    """
    where, params = scope.where("i")
    buckets = [f"bucket_{index}_amount" for index in range(scheme.size)]
    by_columns = scheme.basis == Basis.DUE and scheme.credits == Credits.APART
    summed = [*buckets, "credits_amount"] if by_columns else [*buckets, "credits_amount", "late_amount"]
    # By due date, what is late is the buckets but the first: adding it up once more would cost a sum per item.
    overdue = " + ".join(buckets[1:]) if by_columns else "late_amount"
    both = ", ".join(
        f"coalesce(still.{name}, 0.00) + coalesce(since.{name}, 0.00) AS {name}" for name in summed
    )
    # What is open now is added up along its index, in the order of customers; the rest is far less.
    still_open = f"""
            SELECT i.customer_id, i.currency, i.due_date, i.issue_date, i.open_amount AS amount
            FROM invoices_openitem i
            WHERE i.open_amount <> 0 AND i.issue_date <= %(as_of)s{where} AND i.id NOT IN ({_REVERSED})"""
    settled_since = f"""
            {_made_since("debit", "a.amount", where)}
            UNION ALL
            {_made_since("credit", "-a.amount", where)}
            UNION ALL
            SELECT i.customer_id, i.currency, i.due_date, i.issue_date, {_OPEN_AS_OF}
            FROM invoices_openitem i
            WHERE i.id IN ({_REVERSED}) AND i.issue_date <= %(as_of)s{where} AND {_OPEN_AS_OF} <> 0"""
    sql = f"""
SELECT owed.customer_id, owed.currency, {", ".join(buckets)}, credits_amount, {overdue} AS overdue_amount,
    coalesce(disputed_amount, 0.00) AS disputed_amount, {" + ".join(buckets)} + credits_amount AS total_amount,
    oldest_due_date
FROM (
    SELECT customer_id, currency, {both}, least(still.oldest_due_date, since.oldest_due_date) AS oldest_due_date
    FROM ({_summed(still_open, scheme, not by_columns)}) still FULL JOIN ({_summed(settled_since, scheme, not by_columns)}) since
    USING (customer_id, currency)
) owed
LEFT JOIN (
    SELECT customer_id, currency, sum(least(claimed, greatest(open_then, 0))) AS disputed_amount
    FROM (
        SELECT i.customer_id, i.currency, i.total_amount - {_settled("debit")} AS open_then,
            sum(d.amount) AS claimed
        FROM invoices_dispute d JOIN invoices_openitem i ON i.id = d.item_id
        WHERE d.opened_on <= %(as_of)s AND (d.resolved_on IS NULL OR d.resolved_on > %(as_of)s)
            AND i.issue_date <= %(as_of)s{where}
        GROUP BY i.id
    ) claims
    GROUP BY customer_id, currency
) disputed ON disputed.customer_id = owed.customer_id AND disputed.currency = owed.currency
"""
    return sql, {**params, "as_of": as_of}


def _summed(parts: str, scheme: Scheme, with_late: bool) -> str:
    """Open parts of items, added up in columns by customer and currency; NULL where there is nothing."""
    owed = "amount > 0 AND " if scheme.credits == Credits.APART else ""
    columns = [
        f"sum(amount) FILTER (WHERE {owed}{_within(scheme, index)}) AS bucket_{index}_amount"
        for index in range(scheme.size)
    ]
    credits_ = "sum(amount) FILTER (WHERE amount < 0)" if scheme.credits == Credits.APART else "NULL::numeric"
    columns.append(f"{credits_} AS credits_amount")
    if with_late:
        columns.append("sum(amount) FILTER (WHERE amount > 0 AND due_date < %(as_of)s::date) AS late_amount")
    return f"""
        SELECT customer_id, currency, {", ".join(columns)},
            min(due_date) FILTER (WHERE amount > 0) AS oldest_due_date
        FROM ({parts}) parts
        GROUP BY customer_id, currency"""


def _within(scheme: Scheme, bucket: int) -> str:
    """That a date falls in a bucket. Compared as dates: computing each item's bucket first costs half more."""
    aged = "due_date" if scheme.basis == Basis.DUE else "issue_date"
    first, last = scheme.day_range(bucket)
    bounds = []
    if first is not None:
        bounds.append(f"{aged} <= %(as_of)s::date - {first:d}")
    if last is not None:
        bounds.append(f"{aged} >= %(as_of)s::date - {last:d}")
    return " AND ".join(bounds)


def sub_ledger(as_of: date, scope: LedgerScope, by_customer: bool = False) -> tuple[str, Params]:
    """The balance of the receivables account: the sum of all that was posted up to the date, per currency.

    Allocating moves no money: this sum knows nothing of allocations, and must equal the ageing's total.
    """
    keys = "i.customer_id, i.currency" if by_customer else "i.currency"
    where, params = scope.where("i")
    sql = f"""
SELECT {keys}, sum(i.total_amount) AS sub_ledger_amount
FROM invoices_openitem i
WHERE i.issue_date <= %(as_of)s{where}
GROUP BY {keys}
"""
    return sql, {**params, "as_of": as_of}
