"""Credit checks that reserve, over HTTP: a real gunicorn, 50 clients at once, a book of 100,000 customers.

Each client keeps one connection open and asks for a delivery with a reservation; one client in five asks for one same
customer, whose limit runs out. Told apart: the time inside the server, from the first middleware to the answer (wall
and processor), and the whole round trip as the client sees it, queueing included. Clients and server share the
machine. First at a steady pace, then without any pause (the queue is then most of what a client waits for). At the
end the database is asked whether anybody was granted more than his limit. Beside it, in process: the check as it is
usually written, without a lock and adding up rows in Python, by eight threads on one customer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from bench.portfolio import scratch_database, write_portfolio

TARGET_MS = 20
HOT = 7
AMOUNT = "5.00"
_LIMITS = """
INSERT INTO risk_creditlimit (customer_id, scope, kind, basis, amount, currency, valid_from, reason, conditions, decided_at)
SELECT id, 'ACCOUNT', 'PERMANENT', 'OWN',
       coalesce((SELECT greatest(sum(open_amount), 0) FROM invoices_openitem i WHERE i.customer_id = c.id AND open_amount <> 0), 0)
       + CASE WHEN id = %(hot)s THEN 500 ELSE 20000 END,
       'EUR', current_date - 30, 'Banc', '', now()
FROM customers_customer c
"""
_SCORES = """
INSERT INTO risk_score (customer_id, as_of, points, risk_class, reasons, card_version, is_current, class_since,
                        previous_class, scored_at)
SELECT id, current_date, 70, 'B', '[]', 1, true, current_date, '', now() FROM customers_customer
"""
# Nobody is refused for being late: it is the limit that is measured.
_SETTINGS = """
INSERT INTO risk_risksettings (legal_entity_id, counts_open_items, counts_deliveries, counts_orders, counts_credit_notes,
    counts_receipts, alert_percents, tolerance_percent, holds_overdue, overdue_grace_days, overdue_hold_amount,
    holds_over_limit, over_limit_grace_days, ends_holds, reservation_days, updated_at)
SELECT id, true, true, true, true, true, '{80,90,100}', 0, false, 30, 100, false, 5, true, 30, now()
FROM customers_legalentity
"""
# Open orders of before: one customer in ten has three.
_ORDERS = """
INSERT INTO risk_order (legal_entity_id, customer_id, reference, status, currency, amount, released_amount, ordered_on,
                        note, created_at, updated_at)
SELECT c.legal_entity_id, c.id, 'B' || c.id || '-' || n, 'RESERVED', 'EUR', 100, 0, current_date, '', now(), now()
FROM customers_customer c CROSS JOIN generate_series(1, 3) n
WHERE c.id %% 10 = 3
"""
_OVER = """
SELECT count(*) FROM (
    SELECT l.customer_id, l.amount, sum(o.amount) AS reserved
    FROM risk_order o JOIN risk_creditlimit l ON l.customer_id = o.customer_id
    WHERE o.status = 'RESERVED'
    GROUP BY l.customer_id, l.amount
) held
WHERE held.reserved + (
    SELECT coalesce(sum(open_amount), 0) FROM invoices_openitem i
    WHERE i.customer_id = held.customer_id AND open_amount <> 0
) > held.amount
"""


def percentiles(values: Iterable[float]) -> dict[str, float]:
    found = sorted(values)
    if not found:
        return {}
    return {
        name: round(found[min(int(len(found) * share), len(found) - 1)], 2)
        for name, share in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99), ("max_ms", 1.0))
    }


def build(customers: int, open_items: int, seed: int) -> str:
    """The book, its limits, scores and orders; the key of the partner who asks."""
    from django.core.management import call_command
    from django.db import connection, transaction
    from django.utils import timezone

    from core.api.authentication import hash_key, new_key
    from core.models import ApiKey, Grant, Role, User
    from customers.models import EntityScope

    call_command("migrate", verbosity=0)
    write_portfolio(customers, open_items, 1, seed)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in (_LIMITS, _SCORES, _SETTINGS, _ORDERS):
            cursor.execute(statement, {"hot": HOT})
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    user = User.objects.create_user("erp@banc.example", "mot-de-passe-de-banc", full_name="Banc")
    Grant.objects.create(user=user, role=Role.API_PARTNER)
    EntityScope.objects.create(user=user, legal_entity=None)
    secret = new_key()
    ApiKey.objects.create(
        user=user,
        name="Banc",
        prefix=secret[:17],
        secret_sha256=hash_key(secret),
        scopes=["credit-checks:read", "credit-checks:write"],
        created_at=timezone.now(),
    )
    return secret


class Client:
    """One connection, one request at a time."""

    def __init__(self, port: int, key: str, number: int, customers: int, seed: int) -> None:
        self.port, self.key, self.number, self.customers = port, key, number, customers
        self.chance = random.Random(f"{seed}:{number}")
        self.rows: list[tuple[float, float, float, str]] = []
        self.failures: list[str] = []

    async def work(self, until: float, pause: float, run: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        await asyncio.sleep(pause * self.chance.random())
        sent = 0
        while time.perf_counter() < until:
            sent += 1
            customer = HOT if self.number % 5 == 0 else self.chance.randint(1, self.customers)
            body = json.dumps(
                {
                    "customer": f"external:C{customer}",
                    "amount": AMOUNT,
                    "reserve": True,
                    "reference": f"{run}-{self.number}-{sent}",
                }
            ).encode()
            head = (
                f"POST /api/v1/credit-checks HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.key}\r\n"
                f"Idempotency-Key: {run}-{self.number}-{sent}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            ).encode()
            began = time.perf_counter()
            writer.write(head + body)
            await writer.drain()
            answer = await reader.readuntil(b"\r\n\r\n")
            headers = dict(
                line.split(": ", 1) for line in answer.decode("latin-1").split("\r\n")[1:] if ": " in line
            )
            content = await reader.readexactly(int(headers["Content-Length"]))
            took = (time.perf_counter() - began) * 1000
            if not answer.startswith(b"HTTP/1.1 201"):
                self.failures.append(content.decode()[:300])
                continue
            wall, busy = headers["X-Service"].split()
            self.rows.append((float(wall), float(busy), took, json.loads(content)["outcome"]))
            if headers.get("Connection") == "close":
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            if pause:
                await asyncio.sleep(max(pause - took / 1000, 0))
        writer.close()


async def ask(port: int, key: str, options: argparse.Namespace, pause: float, run: str) -> dict[str, Any]:
    clients = [Client(port, key, n, options.customers, options.seed) for n in range(options.clients)]
    began = time.perf_counter()
    until = began + options.seconds
    await asyncio.gather(*(client.work(until, pause, run) for client in clients))
    spent = time.perf_counter() - began
    rows = [row for client in clients for row in client.rows]
    outcomes: dict[str, int] = {}
    for row in rows:
        outcomes[row[3]] = outcomes.get(row[3], 0) + 1
    return {
        "requests": len(rows),
        "requests_per_second": round(len(rows) / spent, 1),
        "in_server_wall": percentiles(row[0] for row in rows),
        "in_server_processor": percentiles(row[1] for row in rows),
        "round_trip": percentiles(row[2] for row in rows),
        "outcomes": outcomes,
        "failures": [failure for client in clients for failure in client.failures][:3],
    }


def serve(workers: int, threads: int) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "gunicorn", "bench._timed_wsgi:application", "--bind", f"127.0.0.1:{port}", "--workers",
        str(workers), "--worker-class", "gthread", "--threads", str(threads), "--preload", "--keep-alive", "60",
        "--no-control-socket", "--log-level", "warning",
    ]  # fmt: skip
    environ = {**os.environ, "API_REQUESTS_PER_MINUTE": "0", "DEBUG": "0", "LOG_LEVEL": "WARNING"}
    server = subprocess.Popen(command, env=environ)
    for _try in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return server, port
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the server does not answer")


def count_queries(key: str) -> dict[str, Any]:
    """The statements of one request, and of the check alone."""
    from django.db import connection
    from django.test import Client as Browser
    from django.test.utils import CaptureQueriesContext

    browser = Browser(SERVER_NAME="127.0.0.1", headers={"Authorization": f"Bearer {key}"})

    def post(reference: str) -> list[str]:
        body = {"customer": "external:C13", "amount": AMOUNT, "reserve": True, "reference": reference}
        with CaptureQueriesContext(connection) as captured:
            answer = browser.post(
                "/api/v1/credit-checks", body, "application/json", headers={"Idempotency-Key": reference}
            )
        assert answer.status_code == 201, answer.content
        return [query["sql"] for query in captured.captured_queries]

    post("count-1")
    found = post("count-2")
    return {"statements_of_a_request": len(found), "statements": [sql[:160] for sql in found]}


def naive(seconds: float) -> dict[str, Any]:
    """Rows added up in Python, no lock: how long it takes, and how much too much it grants."""
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection, transaction
    from django.utils import timezone

    from customers.models import Customer
    from invoices.models import OpenItem
    from risk.models import CreditLimit, Order

    customer = Customer.objects.get(account_code="C11")
    limit = CreditLimit.objects.get(customer=customer)
    owed = sum(OpenItem.objects.open().filter(customer=customer).values_list("open_amount", flat=True))
    CreditLimit.objects.bulk_create(
        [
            CreditLimit(
                customer=customer, kind="TEMPORARY", amount=owed + limit.amount, currency="EUR",
                valid_from=limit.valid_from, expires_on=limit.valid_from.replace(year=2100), reason="Banc",
                decided_at=timezone.now(),
            )
        ]
    )  # fmt: skip
    room = Decimal(40)
    times: list[float] = []
    until = time.perf_counter() + seconds

    def work(number: int) -> int:
        granted = 0
        while time.perf_counter() < until:
            began = time.perf_counter()
            with transaction.atomic():
                items = sum(item.open_amount for item in OpenItem.objects.open().filter(customer=customer))
                orders = sum(
                    order.amount for order in Order.objects.filter(customer=customer, status="RESERVED")
                )
                if orders + Decimal(AMOUNT) <= room and items is not None:
                    Order.objects.create(
                        legal_entity_id=customer.legal_entity_id, customer=customer, reference=f"N{number}-{granted}",
                        status="RESERVED", currency="EUR", amount=Decimal(AMOUNT), ordered_on=timezone.now().date(),
                        created_at=timezone.now(), updated_at=timezone.now(),
                    )  # fmt: skip
                    granted += 1
            times.append((time.perf_counter() - began) * 1000)
        connection.close()
        return granted

    with ThreadPoolExecutor(8) as pool:
        granted = sum(pool.map(work, range(8)))
    return {
        "threads": 8,
        "room": str(room),
        "granted": str(granted * Decimal(AMOUNT)),
        "granted_too_much": str(max(granted * Decimal(AMOUNT) - room, Decimal(0))),
        **percentiles(times),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--open", type=int, default=1_000_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument(
        "--rate", type=float, default=1.0, help="requests a second and client at the steady pace"
    )
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--warm", type=float, default=15, help="seconds before anything is measured")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--seed", type=int, default=20260630)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    with scratch_database("encours_bench_credit_checks", keep=options.keep):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django

        django.setup()
        from django.db import connection

        key = build(options.customers, options.open, options.seed)
        found: dict[str, Any] = count_queries(key)
        connection.close()
        server, port = serve(options.workers, options.threads)
        try:
            # Connections, plans and caches of every thread.
            warm = argparse.Namespace(**{**vars(options), "seconds": options.warm})
            asyncio.run(ask(port, key, warm, 1, "warm"))
            found["steady"] = asyncio.run(ask(port, key, options, 1 / options.rate, "steady"))
            found["without_pause"] = asyncio.run(ask(port, key, options, 0, "flood"))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)
        with connection.cursor() as cursor:
            cursor.execute(_OVER)
            found["customers_over_reserved"] = cursor.fetchone()[0]
        found["naive_in_process"] = naive(3)
        print(
            json.dumps(
                {
                    "customers": options.customers,
                    "open_items": options.open,
                    "clients": options.clients,
                    "server": f"{options.workers} × {options.threads}",
                    "load_average": [round(load, 1) for load in os.getloadavg()],
                    "target_p99_ms": TARGET_MS,
                    **found,
                },
                ensure_ascii=False,
                indent=2,
            )
        )
        connection.close()


if __name__ == "__main__":
    main()
