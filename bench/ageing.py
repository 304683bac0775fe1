"""The balance âgée of a large ledger: the stored day's page, any past date, storing and refreshing.

Baselines in the same run: the same day computed from the ledger at each request (for the stored page), a plain
statement item by item, and the ORM customer by customer (for a past date).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from bench.portfolio import AS_OF, scratch_database, write_portfolio

NOW = datetime(2026, 6, 30, 22, 20, tzinfo=UTC)
SORTS = ("-overdue", "-total", "name", "-bucket_3", "oldest")
DAYS_BACK = (1, 30, 90, 180, 365, 700)

# What one writes first: every item's open amount from its allocations, then its bucket.
PLAIN_STATEMENT = """
SELECT customer_id, currency, width_bucket(%(as_of)s::date - due_date, ARRAY[1, 31, 61, 91, 121]) AS bucket,
    sum(total_amount - coalesce(taken, 0) + coalesce(given, 0))
FROM invoices_openitem i
LEFT JOIN (
    SELECT debit_id, sum(amount) AS taken FROM invoices_allocation
    WHERE allocated_on <= %(as_of)s AND (reversed_on IS NULL OR reversed_on > %(as_of)s) GROUP BY debit_id
) d ON d.debit_id = i.id
LEFT JOIN (
    SELECT credit_id, sum(amount) AS given FROM invoices_allocation
    WHERE allocated_on <= %(as_of)s AND (reversed_on IS NULL OR reversed_on > %(as_of)s) GROUP BY credit_id
) c ON c.credit_id = i.id
WHERE issue_date <= %(as_of)s
GROUP BY customer_id, currency, bucket
"""


class SqlClock:
    """Adds up the time spent in statements while it is in force."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.statements: list[tuple[float, str, Any]] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        start = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            took = time.perf_counter() - start
            self.seconds += took
            self.statements.append((took, sql, params))


def sql_seconds(work: Callable[[], object]) -> tuple[float, SqlClock]:
    from django.db import connection

    measured = SqlClock()
    with connection.execute_wrapper(measured):
        work()
    return measured.seconds, measured


def median_of(times: int, work: Callable[[], object]) -> dict[str, Any]:
    """Seconds in SQL. The best and the worst say how noisy the machine was."""
    seconds = [sql_seconds(work)[0] for _time in range(times)]
    return {
        "median": round(statistics.median(seconds), 4),
        "best": round(min(seconds), 4),
        "worst": round(max(seconds), 4),
    }


def explained(work: Callable[[], object]) -> dict[str, Any]:
    """EXPLAIN (ANALYZE, BUFFERS) of the longest statement of the work, in short."""
    from django.db import connection, transaction

    from invoices.ageing_sql import FOR_A_LARGE_SCAN

    _seconds, measured = sql_seconds(work)
    _took, sql, params = max(measured.statements, key=lambda statement: statement[0])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(FOR_A_LARGE_SCAN)
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
        (found,) = cursor.fetchone()
    plan = (found if isinstance(found, list) else json.loads(found))[0]
    nodes: dict[str, float] = {}

    def walk(node: dict[str, Any]) -> None:
        name = " ".join(
            str(part)
            for part in (node["Node Type"], node.get("Index Name") or node.get("Relation Name"))
            if part
        )
        took = node["Actual Total Time"] * node["Actual Loops"]
        if node["Actual Loops"]:
            nodes[name] = max(nodes.get(name, 0.0), round(took, 1))
        for child in node.get("Plans", []):
            walk(child)

    walk(plan["Plan"])
    longest = sorted(nodes.items(), key=lambda node: -node[1])[:8]
    return {
        "execution_ms": round(plan["Execution Time"], 1),
        "shared_hit_blocks": plan["Plan"]["Shared Hit Blocks"],
        "shared_read_blocks": plan["Plan"]["Shared Read Blocks"],
        "longest_nodes_ms": dict(longest),
    }


def measure(options: argparse.Namespace) -> dict[str, Any]:
    from django.db import connection, transaction

    from core.rights import SYSTEM
    from customers.models import Customer, LegalEntity
    from invoices.ageing import ageing
    from invoices.ageing_buckets import STORED
    from invoices.models import Allocation, OpenItem
    from invoices.operations.ageing import refresh_ageing, store_ageing
    from invoices.operations.reconciliation import reconcile_ledger

    entities = list(LegalEntity.objects.order_by("pk"))

    def page(as_of: date, sort: str = "-overdue") -> Any:
        return ageing(actor=SYSTEM, as_of=as_of, sort=sort)

    def store() -> None:
        for entity in entities:
            store_ageing(actor=SYSTEM, legal_entity=entity, as_of=AS_OF, now=NOW)

    def plain() -> None:
        with connection.cursor() as cursor:
            cursor.execute(PLAIN_STATEMENT, {"as_of": AS_OF - timedelta(days=30)})
            cursor.fetchall()

    def orm(sample: int) -> float:
        """Seconds per customer."""
        as_of = AS_OF - timedelta(days=30)
        start = time.perf_counter()
        for customer in Customer.objects.order_by("pk")[:sample]:
            sums: dict[int, Decimal] = {}
            for item in OpenItem.objects.filter(customer=customer, issue_date__lte=as_of):
                open_amount = item.total_amount
                for side, sign in (("debit", -1), ("credit", 1)):
                    for part in Allocation.objects.filter(**{side: item}, allocated_on__lte=as_of):
                        if part.reversed_on is None or part.reversed_on > as_of:
                            open_amount += sign * part.amount
                bucket = STORED.bucket_of(issue_date=item.issue_date, due_date=item.due_date, as_of=as_of)
                sums[bucket] = sums.get(bucket, Decimal(0)) + open_amount
        return (time.perf_counter() - start) / sample

    computed_today = median_of(options.runs, lambda: page(AS_OF))
    stored_in = median_of(1, store)["median"]
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE invoices_ageingsnapshot, invoices_ageingtotal")
    page(AS_OF)
    stored_pages = {sort: median_of(options.runs * 5, lambda sort=sort: page(AS_OF, sort)) for sort in SORTS}
    past = {
        (AS_OF - timedelta(days=back)).isoformat(): median_of(
            options.runs, lambda back=back: page(AS_OF - timedelta(days=back))
        )
        for back in DAYS_BACK
    }
    reconciled = all(
        totals.is_reconciled
        for back in (0, *DAYS_BACK)
        for totals in page(AS_OF - timedelta(days=back)).totals
    )
    drawn = random.Random(options.seed).sample(range(1, options.customers + 1), min(1000, options.customers))

    def refresh(count: int) -> None:
        with transaction.atomic():
            refresh_ageing(customer_ids=drawn[:count], effective_from=AS_OF)

    refreshed = {
        str(count): median_of(options.runs, lambda count=count: refresh(count)) for count in (1, 1000)
    }
    start = time.perf_counter()
    found = [
        finding
        for entity in entities
        for finding in reconcile_ledger(actor=SYSTEM, legal_entity=entity, now=NOW)
    ]
    checked_in = time.perf_counter() - start
    plain_seconds = median_of(options.runs, plain)
    per_customer = orm(options.sample)
    slowest_past = max(each["median"] for each in past.values())
    stored = stored_pages["-overdue"]["median"]
    return {
        "stored_page_sql_seconds": stored,
        "stored_page_by_sort": stored_pages,
        "past_date_sql_seconds_slowest": slowest_past,
        "past_dates": past,
        "same_day_computed": computed_today,
        "store_day_seconds": round(stored_in, 2),
        "refresh_seconds_by_customers": refreshed,
        "reconcile_seconds": round(checked_in, 2),
        "reconcile_findings": len(found),
        "total_equals_sub_ledger": reconciled,
        "baseline_plain_statement_past_date": plain_seconds,
        "baseline_orm_seconds_for_all": round(per_customer * options.customers, 1),
        "ratio_stored_page_to_computed": round(computed_today["median"] / stored, 1),
        "ratio_past_date_to_plain_statement": round(
            plain_seconds["median"] / past[(AS_OF - timedelta(days=30)).isoformat()]["median"], 1
        ),
        "ratio_past_date_to_orm": round(
            per_customer * options.customers / past[(AS_OF - timedelta(days=30)).isoformat()]["median"], 1
        ),
        "explain_stored_page": explained(lambda: page(AS_OF)),
        "explain_past_date": explained(lambda: page(AS_OF - timedelta(days=30))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--open", type=int, default=1_000_000, help="open items")
    parser.add_argument(
        "--settled", type=int, default=1_000_000, help="settled invoices, with their payments"
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sample", type=int, default=50, help="customers of the ORM baseline")
    options = parser.parse_args()
    with scratch_database("encours_bench_ageing"):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connections

        call_command("migrate", verbosity=0)
        write_portfolio(options.customers, options.open, options.settled, options.seed)
        load_before = os.getloadavg()[0]
        result = measure(options)
        connections.close_all()
    print(
        json.dumps(
            {
                "bench": "ageing",
                "customers": options.customers,
                "open_items": options.open,
                "settled_invoices": options.settled,
                "seed": options.seed,
                "load_average": [round(load_before, 1), round(os.getloadavg()[0], 1)],
                **result,
            }
        )
    )


if __name__ == "__main__":
    main()
