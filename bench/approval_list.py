"""The approval list with 100,000 notices to approve: whole requests in process, signed in, templates included.

Beside them, in the same run, the list as it is usually written: counted to its end and cut by OFFSET, without the
template. Notices, their lines, customers and items are generated set by set in a database of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from typing import Any

from bench.cash_board import timed
from bench.portfolio import AS_OF, scratch_database, write_portfolio

TARGET_MS = 300

_NOTICES = (
    """
    INSERT INTO dunning_run (id, legal_entity_id, as_of, sequence, status, created_at, planned_at, notice_count,
        line_count, guard, error)
    SELECT n, n, %(as_of)s, 1, 'PLANNED', now(), now(), 0, 0, '{}', '' FROM generate_series(1, 2) n
    """,
    """
    INSERT INTO dunning_notice (run_id, legal_entity_id, customer_id, level_id, contact_key, currency, status, as_of,
        open_amount, interest_amount, indemnity_amount, line_count, oldest_due_date, reason)
    SELECT c.legal_entity_id, c.legal_entity_id, c.id, level.id, 'C' || c.id, 'EUR', 'PROPOSED', %(as_of)s,
        sum(i.open_amount), round(sum(i.open_amount) * 0.01, 2), 40, count(*), min(i.due_date), ''
    FROM customers_customer c
    JOIN invoices_openitem i ON i.customer_id = c.id AND i.open_amount > 0 AND i.due_date < %(as_of)s
    JOIN dunning_level level ON level.rank = 1 + c.id %% 3
    GROUP BY c.legal_entity_id, c.id, level.id
    ORDER BY c.id
    LIMIT %(notices)s
    """,
    """
    INSERT INTO dunning_noticeline (notice_id, item_id, rank, in_force, open_amount, disputed_amount, promised_amount,
        days_late, interest_amount, indemnity_amount)
    SELECT n.id, i.id, level.rank, TRUE, i.open_amount, 0, 0, %(as_of)s::date - i.due_date, 0, 0
    FROM dunning_notice n
    JOIN dunning_level level ON level.id = n.level_id
    JOIN invoices_openitem i ON i.customer_id = n.customer_id AND i.open_amount > 0 AND i.due_date < %(as_of)s
    """,
)


def write_notices(notices: int) -> dict[str, int]:
    from django.db import connection, transaction

    from dunning.models import Level, Notice, NoticeLine, Policy

    policy = Policy.objects.create(code="BANC", name="Banc", status=Policy.Status.ACTIVE)
    ladder = (
        (1, "REMINDER", "EMAIL", 5),
        (2, "SECOND_REMINDER", "LETTER", 15),
        (3, "FORMAL_NOTICE", "REGISTERED", 30),
    )
    for rank, kind, channel, delay in ladder:
        Level.objects.create(policy=policy, rank=rank, kind=kind, channel=channel, delay_days=delay)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in _NOTICES:
            cursor.execute(statement, {"as_of": AS_OF, "notices": notices})
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return {"notices": Notice.objects.count(), "lines": NoticeLine.objects.count()}


def measure(times: int) -> dict[str, Any]:
    from django.core.paginator import Paginator
    from django.http import HttpResponse
    from django.test import Client
    from django.urls import reverse

    from core.models import Grant, Role, User
    from customers.models import EntityScope
    from dunning.approvals import why_now
    from dunning.models import Notice

    user = User.objects.create_user(
        f"banc-{time.time_ns()}@example.test", "mot-de-passe-de-banc", full_name="Banc"
    )
    Grant.objects.create(user=user, role=Role.CREDIT_MANAGER)
    EntityScope.objects.create(user=user, legal_entity=None)
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(user)
    url = reverse("dunning:approval-list")

    def get(query: str = "") -> Callable[[], Any]:
        return lambda: client.get(f"{url}?{query}")

    def deep() -> Callable[[], Any]:
        """The page in the middle of the list, by the cursor that leads there."""
        from core.keyset import keyset_page

        waiting = Notice.objects.filter(status="PROPOSED")
        middle = waiting.order_by("-open_amount", "-pk")[waiting.count() // 2]
        page = keyset_page(
            waiting.filter(open_amount__lte=middle.open_amount), order=("-open_amount", "-pk"), size=1
        )
        return get(f"cursor={page.next_cursor}")

    def naive(number: int) -> Callable[[], Any]:
        def ask() -> HttpResponse:
            rows = (
                Notice.objects.visible_to(user)
                .filter(status="PROPOSED")
                .select_related("customer", "legal_entity", "level__policy", "run")
                .order_by("-open_amount", "-pk")
            )
            page = Paginator(rows, 50).page(number)
            why_now(list(page))
            return HttpResponse(f"{len(page)} / {page.paginator.count}")

        return ask

    last = (Notice.objects.filter(status="PROPOSED").count() + 49) // 50
    asked: dict[str, Callable[[], Any]] = {
        "first page": get(),
        "middle page": deep(),
        "by delay": get("sort=late"),
        "by customer": get("sort=customer"),
        "one level": get("level=FORMAL_NOTICE"),
        "amount and delay": get("min_amount=500&max_amount=5000&late_from=20"),
        "language": get("language=en"),
        "with an exception": get("exception=with"),
        "customer by name": get("customer=ab12"),
    }
    naive_asked = {"first page": naive(1), "middle page": naive(last // 2), "last page": naive(last)}
    return {
        "requests": {name: timed(times, ask) for name, ask in asked.items()},
        "naive_without_template": {name: timed(times, ask) for name, ask in naive_asked.items()},
        "plan": _plan(),
    }


def _plan() -> list[str]:
    """How the database reads the first page's keys."""
    from dunning.models import Notice

    keys = Notice.objects.filter(status="PROPOSED").order_by("-open_amount", "-pk").values_list("pk")[:51]
    return keys.explain(analyze=True).splitlines()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=130_000)
    parser.add_argument("--open", type=int, default=420_000)
    parser.add_argument("--notices", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--seed", type=int, default=20260630)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    with scratch_database("encours_bench_approval_list", keep=options.keep):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        start = time.perf_counter()
        write_portfolio(options.customers, options.open, 1, options.seed)
        sizes = write_notices(options.notices)
        built = time.perf_counter() - start
        found = measure(options.times)
        slow = [name for name, answer in found["requests"].items() if answer["median_ms"] > TARGET_MS]
        print(
            json.dumps(
                {
                    "customers": options.customers,
                    "open_items": options.open,
                    **sizes,
                    "built_s": round(built, 1),
                    "target_ms": TARGET_MS,
                    **found,
                    "above_target": slow,
                },
                ensure_ascii=False,
                indent=2,
            )
        )
        connection.close()


if __name__ == "__main__":
    main()
