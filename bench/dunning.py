"""A dunning run over a large portfolio: selection, notices, lines, interest and audit written.

Baseline in the same run: the pure rules called customer by customer through the ORM, on a sample, per customer.
"""

import argparse
import json
import os
import resource
import statistics
import time

AS_OF = "2026-06-30"

BOOKS = (
    "INSERT INTO customers_paymentterms (id, code, name, rule, days) VALUES (1, '30J', '30 jours', 'NET', 30)",
    """
    INSERT INTO customers_legalentity (id, code, name, legal_form, siren, rcs_city, vat_number, address_lines, phone,
        email, iban, bic, currency, default_terms_id, late_fee_clause, signatory_name, signatory_title)
    VALUES (1, 'E1', 'Entité', 'SAS', '000000001', 'Lyon', '', '', '', '', '', '', 'EUR', 1, '', 'X', 'Y')
    """,
    """
    INSERT INTO customers_customer (id, legal_entity_id, account_code, name, kind, status, hold_reason, siren, siret,
        vat_number, foreign_id, country, address_lines, language, currency, terms_id, segment, naf_code, pinned_note,
        updated_at)
    SELECT n, 1, 'C' || n, 'Client ' || n,
           CASE WHEN n %% 20 = 0 THEN 'PUBLIC_BODY' WHEN n %% 33 = 0 THEN 'CONSUMER' ELSE 'COMPANY' END,
           CASE WHEN n %% 50 = 0 THEN 'ON_HOLD' ELSE 'ACTIVE' END, '', '', '', '', '', 'FR', '', 'fr', 'EUR', 1,
           '', '', '', now()
    FROM generate_series(1, %(customers)s) n
    """,
    """
    INSERT INTO invoices_openitem (id, legal_entity_id, customer_id, kind, number, instalment, issue_date, due_date,
        currency, total_amount, open_amount, disputed_amount, reference, is_factored, posted_at, updated_at)
    SELECT n, 1, 1 + n %% %(customers)s, 'INVOICE', 'F' || n, 1,
           due - 30, due, 'EUR', amount, CASE WHEN n %% 10 = 0 THEN amount / 2 ELSE amount END, 0, '', FALSE,
           now(), now()
    FROM (
        SELECT n, %(as_of)s::date - 1 - floor(power(random(), 2) * 300)::int AS due,
               round((20 + 4000 * random())::numeric, 2) * 2 AS amount
        FROM generate_series(1, %(items)s) n
    ) drawn
    """,
    """
    INSERT INTO invoices_openitem (id, legal_entity_id, customer_id, kind, number, instalment, issue_date, due_date,
        currency, total_amount, open_amount, disputed_amount, reference, is_factored, posted_at, updated_at)
    SELECT %(items)s + id, 1, customer_id, 'PAYMENT', 'P' || id, 1, due_date + 1, due_date + 1, 'EUR',
           open_amount - total_amount, 0, 0, '', FALSE, now(), now()
    FROM invoices_openitem WHERE open_amount <> total_amount
    """,
    """
    INSERT INTO invoices_allocation (debit_id, credit_id, amount, allocated_on, reversal_reason, created_at)
    SELECT id, %(items)s + id, total_amount - open_amount, least(due_date + 20, %(as_of)s), '', now()
    FROM invoices_openitem WHERE kind = 'INVOICE' AND open_amount <> total_amount
    """,
    """
    INSERT INTO invoices_dispute (item_id, amount, reason, note, opened_on)
    SELECT id, open_amount, 'PRICE', '', due_date FROM invoices_openitem WHERE kind = 'INVOICE' AND id %% 17 = 0
    """,
)

# Half of what has been due for a month had its reminder three weeks ago.
STEPS = (
    """
    INSERT INTO dunning_run (legal_entity_id, as_of, sequence, status, created_at, notice_count, line_count, guard,
        error)
    VALUES (1, %(as_of)s::date - 21, 1, 'PLANNED', now(), 0, 0, '{}', '')
    """,
    """
    INSERT INTO dunning_notice (run_id, legal_entity_id, customer_id, level_id, item_id, contact_key, currency, status,
        as_of, open_amount, interest_amount, indemnity_amount, line_count, oldest_due_date, reason, sent_on)
    SELECT run.id, 1, i.customer_id, level.id, i.id, 'C' || i.customer_id, 'EUR', 'SENT', run.as_of, i.open_amount, 0,
           0, 1, i.due_date, '', run.as_of
    FROM invoices_openitem i, dunning_run run, dunning_level level
    WHERE level.rank = 1 AND i.kind = 'INVOICE' AND i.id %% 2 = 0 AND i.due_date < %(as_of)s::date - 30
    """,
    """
    INSERT INTO dunning_noticeline (notice_id, item_id, rank, in_force, open_amount, days_late, interest_amount,
        indemnity_amount)
    SELECT id, item_id, 1, TRUE, open_amount, as_of - oldest_due_date, 0, 0 FROM dunning_notice
    """,
)


def set_up(customers: int, items: int, seed: int) -> None:
    """Write the books set by set, and a ladder in which half of the items already had their reminder."""
    from django.core.management import call_command
    from django.db import connection, transaction

    from dunning.models import Level, Policy

    call_command("migrate", verbosity=0)
    call_command("load_legal_parameters", verbosity=0)
    params = {"customers": customers, "items": items, "as_of": AS_OF}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("SELECT setseed(%s)", [seed / 1000])
        for statement in BOOKS:
            cursor.execute(statement, params)
    policy = Policy.objects.create(code="P", name="PME", status="ACTIVE")
    ladder = (
        ("REMINDER", "EMAIL", 5, 0),
        ("SECOND_REMINDER", "EMAIL", 15, 8),
        ("FORMAL_NOTICE", "REGISTERED", 30, 10),
    )
    for rank, (kind, channel, delay, gap) in enumerate(ladder, start=1):
        Level.objects.create(
            policy=policy, rank=rank, kind=kind, channel=channel, delay_days=delay, gap_days=gap,
            claims_interest=True, claims_indemnity=True,
        )  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in STEPS:
            cursor.execute(statement, params)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def run_once() -> dict[str, float]:
    """Plan one run for good, then put everything back."""
    from datetime import date

    from django.db import transaction

    from core import clock
    from core.rights import SYSTEM
    from customers.models import LegalEntity
    from dunning.operations.runs import dun

    start = time.perf_counter()
    with transaction.atomic():
        outcome = dun(
            actor=SYSTEM,
            legal_entity=LegalEntity.objects.get(),
            as_of=date.fromisoformat(AS_OF),
            now=clock.now(),
        )
        seconds = time.perf_counter() - start
        transaction.set_rollback(True)
    return {
        "seconds": seconds,
        "notices": outcome.notices,
        "lines": outcome.lines,
        "excluded": outcome.excluded,
    }


def baseline(sample: int) -> float:
    """Seconds per customer of the same decisions and rows, customer by customer through the ORM."""
    from datetime import date
    from decimal import Decimal

    from django.db import transaction
    from django.db.models import Max

    from core import audit, clock
    from core.legal import register
    from core.rights import SYSTEM
    from customers.models import Customer
    from dunning.models import Level, Notice, NoticeLine, Run
    from dunning.selection import Account, ItemFacts, LevelRule, PolicyRule, select
    from invoices.late_fee_parameters import late_fee_parameters, reference_rates
    from invoices.late_fee_rules import rule_for
    from invoices.late_fees import Claim, Movement, late_fees
    from invoices.models import Allocation, Dispute, OpenItem

    as_of, now = date.fromisoformat(AS_OF), clock.now()
    legal = register()
    parameters, rates = late_fee_parameters(legal, as_of), reference_rates(legal)
    levels = {level.rank: level for level in Level.objects.all()}
    policy = PolicyRule(
        tuple(
            LevelRule(level.rank, level.delay_days, level.gap_days, level.kind) for level in levels.values()
        ),
        contact_gap_days=7,
    )
    start = time.perf_counter()
    with transaction.atomic():
        run = Run.objects.create(legal_entity_id=1, as_of=as_of, sequence=99, created_at=now)
        for customer in Customer.objects.order_by("pk")[:sample]:
            items = {item.pk: item for item in OpenItem.objects.filter(customer=customer, open_amount__gt=0)}
            steps = {
                line.item_id: line.notice.sent_on
                for line in NoticeLine.objects.filter(item__in=items, in_force=True).select_related("notice")
            }
            contacts = Notice.objects.filter(contact_key=f"C{customer.pk}", status="SENT")
            outcome = select(
                Account(
                    policy,
                    is_on_hold=customer.status == "ON_HOLD",
                    last_contact=contacts.aggregate(last=Max("sent_on"))["last"],
                ),
                [
                    ItemFacts(
                        item.pk,
                        item.due_date,
                        item.open_amount,
                        disputed_amount=sum(
                            dispute.amount for dispute in Dispute.objects.filter(item=item, resolved_on=None)
                        ),
                        last_rank=1 if item.pk in steps else 0,
                        last_sent_on=steps.get(item.pk),
                    )
                    for item in items.values()
                ],
                as_of,
            )
            if not outcome.notices:
                continue
            [planned] = outcome.notices
            lines, interest, indemnity = [], Decimal(0), Decimal(0)
            for pk, rank in planned.ranks.items():
                item = items[pk]
                claim = Claim(
                    amount=item.total_amount,
                    due_date=item.due_date,
                    as_of=as_of,
                    rule=rule_for(customer.kind, None, parameters),
                    movements=[
                        Movement(row.allocated_on, row.amount)
                        for row in Allocation.objects.filter(debit=item)
                    ],
                    debtor=customer.kind,
                )
                fees = late_fees(claim, rates, parameters)
                lines.append((item, rank, fees))
                interest, indemnity = interest + fees.interest, indemnity + fees.indemnity
            notice = Notice.objects.create(
                run=run, legal_entity_id=1, customer=customer, level=levels[planned.level.rank], currency="EUR",
                as_of=as_of, open_amount=sum(item.open_amount for item, _rank, _fees in lines),
                interest_amount=interest, indemnity_amount=indemnity, line_count=len(lines), oldest_due_date=as_of,
            )  # fmt: skip
            for item, rank, fees in lines:
                NoticeLine.objects.create(
                    notice=notice, item=item, rank=rank, open_amount=item.open_amount,
                    days_late=(as_of - item.due_date).days, interest_amount=fees.interest,
                    indemnity_amount=fees.indemnity,
                )  # fmt: skip
            audit.record(actor=SYSTEM, verb="dunning.notice.proposed", refs=[notice, customer, run])
        seconds = time.perf_counter() - start
        transaction.set_rollback(True)
    return seconds / sample


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=400_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sample", type=int, default=400, help="customers of the baseline")
    options = parser.parse_args()
    from bench.portfolio import scratch_database

    with scratch_database("encours_bench_dunning"):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django

        django.setup()
        set_up(options.customers, options.items, options.seed)
        runs = [run_once() for _ in range(options.runs)]
        # The planning's own: the baseline holds objects for its sample.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        per_customer = baseline(options.sample)
        from django.db import connections

        connections.close_all()
    median = statistics.median(run["seconds"] for run in runs)
    print(
        json.dumps(
            {
                "bench": "dunning",
                "customers": options.customers,
                "overdue_items": options.items,
                "seed": options.seed,
                "runs": options.runs,
                "notices": runs[0]["notices"],
                "lines": runs[0]["lines"],
                "excluded": runs[0]["excluded"],
                "median_seconds": round(median, 3),
                "process_mebibytes": round(peak, 1),
                "all_seconds": [round(run["seconds"], 3) for run in runs],
                "baseline": "pure rules and ORM, customer by customer",
                "baseline_sample_customers": options.sample,
                "baseline_seconds_for_all": round(per_customer * options.customers, 1),
                "ratio": round(per_customer * options.customers / median, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
