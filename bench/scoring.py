"""The night's scoring of a large portfolio: facts read, the card applied, scores and changes of class written.

Accounts for two companies in five, ratings for one in ten. Baseline in the same run: the same rule customer by
customer through the same readers, on a sample, per customer.
"""

import argparse
import json
import os
import resource
import statistics
import time

AS_OF = "2026-06-30"

FACTS = (
    """
    UPDATE customers_customer
    SET siren = (100000000 + id)::text, naf_code = (10 + id %% 80) || '.10Z',
        customer_since = %(as_of)s::date - (id %% 4000)::int
    WHERE kind = 'COMPANY'
    """,
    """
    INSERT INTO invoices_openitem (id, legal_entity_id, customer_id, kind, number, instalment, issue_date, due_date,
        currency, total_amount, open_amount, disputed_amount, reference, is_factored, posted_at, updated_at)
    SELECT 10000000 + n, 1, 1 + n %% %(customers)s, 'INVOICE', 'S' || n, 1, due - 30, due, 'EUR', 100 + n %% 900, 0, 0,
           '', FALSE, now(), now()
    FROM (
        SELECT n, %(as_of)s::date - 20 - (n * 7919 %% 340)::int AS due FROM generate_series(1, %(items)s) n
    ) drawn
    """,
    """
    INSERT INTO invoices_openitem (id, legal_entity_id, customer_id, kind, number, instalment, issue_date, due_date,
        currency, total_amount, open_amount, disputed_amount, reference, is_factored, posted_at, updated_at)
    SELECT 10000000 + id, 1, customer_id, 'PAYMENT', 'P' || id, 1, due_date - 3 + (id %% 23)::int,
           due_date - 3 + (id %% 23)::int, 'EUR', -total_amount, 0, 0, '', FALSE, now(), now()
    FROM invoices_openitem WHERE id > 10000000
    """,
    """
    INSERT INTO invoices_allocation (debit_id, credit_id, amount, allocated_on, reversal_reason, created_at)
    SELECT id, 10000000 + id, total_amount, due_date - 3 + (id %% 23)::int, '', now()
    FROM invoices_openitem WHERE kind = 'INVOICE' AND id > 10000000
    """,
    """
    INSERT INTO risk_financialstatement (customer_id, siren, form, basis, period_end, months, currency, unit, values,
        previous, warnings, publicity, source, note, is_current, entered_at)
    SELECT id, siren, 'NORMAL', 'INDIVIDUAL', make_date(2026 - year, 12, 31), 12, 'EUR', 1000, %(cells)s::jsonb, '{}',
           '[]', 'DEPOSITED', 'FORM', '', TRUE, %(as_of)s::date - 30
    FROM customers_customer, generate_series(1, 2) year
    WHERE siren <> '' AND id %% 5 < 2
    """,
    """
    INSERT INTO risk_externalrating (customer_id, siren, scale, value, position, is_insolvent, rated_on, reference,
        source, entered_at, withdrawal_reason)
    SELECT id, siren, 'AGENCY_20', (id %% 21)::text, (id %% 21) / 20.0, FALSE, %(as_of)s::date - 40, '', 'CSV',
           %(as_of)s::date - 30, ''
    FROM customers_customer WHERE siren <> '' AND id %% 10 = 3
    """,
)


def cells() -> str:
    """A whole tax return, with its totals."""
    from decimal import Decimal

    from risk.liasse import completed

    parts = {
        "BJ": 1400, "BK": 600, "BT": 300, "BX": 500, "BZ": 60, "CF": 120, "CH": 20, "DA": 200, "DD": 20, "DG": 310,
        "DH": 100, "DI": 70, "DP": 50, "DU": 410, "DX": 380, "DY": 210, "EA": 50, "EH": 60, "FL": 3000, "FS": 1000,
        "FW": 800, "FX": 40, "FY": 700, "FZ": 280, "GA": 80, "GP": 5, "GU": 18, "GR": 18, "HK": 17,
    }  # fmt: skip
    made = completed("NORMAL", {code: Decimal(value * 1000) for code, value in parts.items()})
    return json.dumps({code: str(value) for code, value in made.items()})


def set_up(customers: int, items: int, seed: int) -> None:
    from django.db import connection, transaction

    from bench.dunning import set_up as books

    books(customers, items // 2, seed)
    params = {"customers": customers, "items": items // 2, "as_of": AS_OF, "cells": cells()}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in FACTS:
            cursor.execute(statement, params)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def run_once(day: int) -> dict[str, float]:
    """Score the whole portfolio as the night does, for good: the next night meets the scores of this one."""
    from datetime import date, timedelta

    from core import clock
    from core.rights import SYSTEM
    from risk.operations.scoring import score_customers

    start = time.perf_counter()
    outcome = score_customers(
        actor=SYSTEM, as_of=date.fromisoformat(AS_OF) + timedelta(days=day), now=clock.now()
    )
    return {
        "seconds": time.perf_counter() - start,
        "customers": outcome.customers,
        "class_changes": outcome.class_changes,
    }


def baseline(sample: int) -> float:
    """Seconds per customer of the same facts, rule and row, customer by customer."""
    from datetime import date

    from django.db import transaction

    from core import audit, clock
    from core.rights import SYSTEM
    from customers.models import Customer
    from risk.cards import card_in_force
    from risk.models import Score
    from risk.score_facts import facts_of
    from risk.score_words import stored
    from risk.scoring import score_facts

    as_of, now = date.fromisoformat(AS_OF), clock.now()
    start = time.perf_counter()
    with transaction.atomic():
        for customer in Customer.objects.order_by("pk")[:sample]:
            card = card_in_force()
            [found] = facts_of([customer.pk], as_of)
            scored = score_facts(card, found.facts, as_of)
            held = Score.objects.current().filter(customer=customer).first()
            if held is not None:
                held.points, held.risk_class, held.reasons = scored.points, scored.risk_class, stored(scored)
                held.scored_at = now
                held.save()
            audit.record(actor=SYSTEM, verb="risk.score.class_changed", refs=[customer])
        seconds = time.perf_counter() - start
        transaction.set_rollback(True)
    return seconds / sample


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=400_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--sample", type=int, default=200, help="customers of the baseline")
    options = parser.parse_args()
    from bench.portfolio import scratch_database

    with scratch_database("encours_bench_scoring"):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django

        django.setup()
        set_up(options.customers, options.items, options.seed)
        used = resource.getrusage(resource.RUSAGE_SELF)
        runs = [run_once(day) for day in range(options.runs)]
        spent = resource.getrusage(resource.RUSAGE_SELF)
        peak = spent.ru_maxrss / 1024
        per_customer = baseline(options.sample)
        from django.db import connections

        connections.close_all()
    median = statistics.median(run["seconds"] for run in runs)
    print(
        json.dumps(
            {
                "bench": "scoring",
                "customers": options.customers,
                "items": options.items,
                "seed": options.seed,
                "runs": options.runs,
                "class_changes": [run["class_changes"] for run in runs],
                "median_seconds": round(median, 3),
                "all_seconds": [round(run["seconds"], 3) for run in runs],
                "processor_seconds_per_run": round((spent.ru_utime - used.ru_utime) / options.runs, 3),
                "process_mebibytes": round(peak, 1),
                "bar_seconds": 60,
                "baseline": "the same rule and readers, customer by customer",
                "baseline_sample_customers": options.sample,
                "baseline_seconds_for_all": round(per_customer * options.customers, 1),
                "ratio": round(per_customer * options.customers / median, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
