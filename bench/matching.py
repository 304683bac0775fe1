"""Matching bank lines with open items on a portfolio whose truth is known: how much is right, how much by itself, how fast.

Runs the real engine. Reports, per line and per settled item, what is posted without a person, whether it is right, and
whether the first proposal is; by family of payment; time by phase. In the same run: a plain row-by-row matching on a
sample, and a matching with the ORM in bulk.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from bench._matching_baselines import orm_in_bulk, row_by_row
from bench.matching_truth import PROFILES, TODAY, Portfolio, TruePayment, make_portfolio
from bench.portfolio import scratch_database

NOW = datetime(2026, 6, 30, 18, 0, tzinfo=UTC)


def write(portfolio: Portfolio) -> None:
    """The portfolio in the database: the key of payment n is n + 1."""
    from django.db import connection, transaction

    from customers.models import LegalEntity, PaymentTerms
    from invoices.matching.names import name_key
    from invoices.models import BankAccount, BankFile, BankStatement
    from invoices.operations.match_rows import copy_rows, money

    terms, _new = PaymentTerms.objects.get_or_create(
        code="30J", defaults={"name": "30 jours", "rule": "NET", "days": 30}
    )
    entity, _new = LegalEntity.objects.get_or_create(
        code="E1",
        defaults={
            "name": "Ateliers", "legal_form": "SAS", "siren": "732829320", "rcs_city": "Lyon", "address_lines": "-",
            "iban": "FR7630006000011234567890189", "default_terms": terms, "signatory_name": "-", "signatory_title": "-",
        },
    )  # fmt: skip
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Foreign keys are true by construction.
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(
                "TRUNCATE customers_customer, invoices_openitem, invoices_bankaccount, invoices_bankfile CASCADE"
            )
        account = BankAccount.objects.create(
            legal_entity=entity, name="Banque", iban="FR7630006000011234567890189"
        )
        file = BankFile.objects.create(
            legal_entity=entity, file_id=1, format="CAMT", status="ACCEPTED", received_at=NOW, updated_at=NOW
        )
        statement = BankStatement.objects.create(
            bank_file=file, bank_account=account, rank=1, status="ACCEPTED", currency="EUR", fingerprint="1"
        )
        copy_rows(
            "customers_customer",
            "id legal_entity_id account_code name kind status hold_reason siren siret vat_number foreign_id country"
            " address_lines language currency parent_id terms_id segment naf_code pinned_note updated_at",
            (
                (c.pk, entity.pk, c.code, c.name, "COMPANY", "ACTIVE", "", c.siren, "", "", "", "FR", "", "fr", "EUR",
                 c.parent or None, terms.pk, "", "", "", NOW)
                for c in portfolio.customers
            ),
        )  # fmt: skip
        copy_rows(
            "invoices_openitem",
            "id legal_entity_id customer_id kind number instalment issue_date due_date currency total_amount open_amount"
            " disputed_amount reference is_factored posted_at updated_at",
            (
                (i.pk, entity.pk, i.customer, i.kind, i.number, 1, i.issued, i.due, "EUR", money(i.cents), money(i.cents),
                 money(i.cents if i.is_disputed else 0), "", False, NOW, NOW)
                for i in portfolio.items
            ),
        )  # fmt: skip
        copy_rows(
            "invoices_payeralias",
            "legal_entity_id customer_id kind value uses learned_on last_used_on",
            (
                (entity.pk, c.pk, kind, value, 1, TODAY, TODAY)
                for c in portfolio.customers
                if c.is_known
                for kind, value in (("IBAN", c.iban), ("NAME", name_key(c.name)))
            ),
        )
        copy_rows(
            "invoices_bankline",
            "id statement_id bank_account_id rank entry_rank status nature booking_date amount currency applied_amount"
            " original_currency charges_amount bank_code bank_reference end_to_end_id mandate_reference"
            " structured_reference remittance document_references counterparty_name counterparty_iban ultimate_name"
            " is_return return_code return_reason set_aside_reason fingerprint occurrence updated_at",
            (
                (place, statement.pk, account.pk, place, place, "OPEN", "TRANSFER", p.day, money(p.cents), "EUR", money(0),
                 "", money(p.charges) if p.charges else None, "", "", "", "", p.structured, p.remittance, [], p.name,
                 p.iban, "", p.cents < 0, "", "", "", str(place), 1, NOW)
                for place, p in enumerate(portfolio.payments, start=1)
            ),
        )  # fmt: skip
        with connection.cursor() as cursor:
            for table in ("customers_customer", "invoices_openitem", "invoices_bankline"):
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
                )
    connection.connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


@contextmanager
def watched(phases: dict[str, float]) -> Iterator[None]:
    """Adds up the seconds of each phase of the engine."""
    from invoices.operations import match_posting, matching

    places = [
        (matching, "directory_of", "directory"), (matching, "read_line", "reading"), (matching, "candidates_of", "candidates"),
        (matching, "propose", "proposing"), (matching, "_write_proposals", "proposals"), (matching, "post_certain", "posting"),
        (match_posting, "refresh_ageing", "ageing (part of posting)"),
    ]  # fmt: skip
    kept = [(module, name, getattr(module, name)) for module, name, _phase in places]

    def timed(phase: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return work(*args, **kwargs)
            finally:
                phases[phase] = phases.get(phase, 0.0) + time.perf_counter() - start

        return run

    for module, name, phase in places:
        setattr(module, name, timed(phase, getattr(module, name)))
    try:
        yield
    finally:
        for module, name, work in kept:
            setattr(module, name, work)


def posted_parts() -> dict[int, dict[int, int]]:
    """By line, what was posted: items and cents, signed."""
    from django.db import connection

    parts: dict[int, dict[int, int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.bank_line_id, part.item, sum(part.cents)::bigint FROM invoices_cashapplication a"
            " JOIN invoices_allocation l ON l.application_id = a.id"
            " CROSS JOIN LATERAL (VALUES (l.debit_id, (l.amount * 100)::bigint), (l.credit_id, -(l.amount * 100)::bigint))"
            " part(item, cents)"
            " WHERE NOT EXISTS (SELECT 1 FROM invoices_receipt r WHERE r.item_id = part.item) GROUP BY 1, 2"
        )
        for line, item, cents in cursor.fetchall():
            parts[line][item] = cents
    return dict(parts)


def first_proposals() -> dict[int, tuple[int, dict[int, int], list[str]]]:
    """By line, the first proposal: score, parts, blocks."""
    from django.db import connection

    found: dict[int, tuple[int, dict[int, int], list[str]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT m.bank_line_id, m.score, m.blocks, p.item_id, (p.amount * 100)::bigint"
            " FROM invoices_matchproposal m LEFT JOIN invoices_proposalpart p ON p.proposal_id = m.id WHERE m.rank = 1"
        )
        for line, score, blocks, item, cents in cursor.fetchall():
            listed = json.loads(blocks) if isinstance(blocks, str) else blocks
            held = found.setdefault(line, (score, {}, [block["code"] for block in listed]))
            if item is not None:
                held[1][item] = cents
    return found


def judge(portfolio: Portfolio, posted: dict[int, dict[int, int]]) -> dict[str, Any]:
    """What is right, against the truth."""
    proposals = first_proposals()
    by_family: dict[str, Counter[str]] = defaultdict(Counter)
    wrong: list[dict[str, Any]] = []
    blocks: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for place, payment in enumerate(portfolio.payments, start=1):
        counts = by_family[payment.family]
        counts["lines"] += 1
        found = posted.get(place)
        if found is not None:
            counts["automatic"] += 1
            if not _is_right(place, payment, found, portfolio, posted):
                counts["wrong"] += 1
                wrong.append(
                    {
                        "line": place,
                        "family": payment.family,
                        "text": payment.remittance,
                        "posted": found,
                        "true": payment.parts,
                    }
                )
        _score, parts, why = proposals.get(place, (0, {}, []))
        counts["proposed"] += bool(parts)
        right = bool(payment.parts) and parts == payment.parts
        counts["first_right"] += right
        counts["settling"] += bool(payment.parts)
        if right and found is None:
            blocks.update(set(why))
        totals["trusted"] += _score >= 60 and bool(parts)
        totals["trusted_right"] += _score >= 60 and right
        pairs["true"] += len(payment.parts)
        pairs["proposed"] += len(parts)
        pairs["right"] += sum(payment.parts.get(item) == cents for item, cents in parts.items())
        pairs["automatic"] += len(found or {})
    every: Counter[str] = sum(by_family.values(), Counter())
    settling = sum(counts["settling"] for counts in by_family.values())
    return {
        "lines": every["lines"],
        "automatic": every["automatic"],
        "automatic_rate": _share(every["automatic"], settling),
        "wrong_automatic": every["wrong"],
        "first_proposal_right_rate": _share(every["first_right"], settling),
        "precision": _share(every["first_right"], every["proposed"]),
        "recall": _share(every["first_right"], settling),
        "precision_at_60": _share(totals["trusted_right"], totals["trusted"]),
        "per_settled_item": {
            "automatic_rate": _share(pairs["automatic"], pairs["true"]),
            "precision": _share(pairs["right"], pairs["proposed"]),
            "recall": _share(pairs["right"], pairs["true"]),
        },
        "by_family": {
            family: {
                "lines": counts["lines"],
                "automatic_rate": _share(counts["automatic"], counts["lines"]),
                "first_right_rate": _share(counts["first_right"], counts["settling"]),
                "wrong_automatic": counts["wrong"],
            }
            for family, counts in sorted(by_family.items())
        },
        "right_but_waiting_because": dict(blocks.most_common(12)),
        "wrong": wrong[:10],
    }


def _is_right(
    place: int,
    payment: TruePayment,
    found: dict[int, int],
    portfolio: Portfolio,
    posted: dict[int, dict[int, int]],
) -> bool:
    """Of two equal payments made for one item, either may settle it, but not both."""
    if found == payment.parts:
        return True
    first = portfolio.payments[payment.twin] if payment.twin >= 0 else None
    if first is not None:
        return found == first.parts and posted.get(payment.twin + 1) is None
    return False


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def measure(options: argparse.Namespace, seed: int, profile: str, *, with_baselines: bool) -> dict[str, Any]:
    from core.rights import SYSTEM
    from invoices.operations.matching import match_lines

    portfolio = make_portfolio(items=options.items, lines=options.lines, seed=seed, profile=profile)
    write(portfolio)
    result: dict[str, Any] = {
        "seed": seed,
        "profile": profile,
        "items": len(portfolio.items),
        "customers": len(portfolio.customers),
    }
    if with_baselines:
        result["orm_in_bulk_seconds"] = round(orm_in_bulk(today=TODAY, now=NOW), 2)
    phases: dict[str, float] = {}
    start = time.perf_counter()
    with watched(phases):
        counts = match_lines(actor=SYSTEM, today=TODAY, now=NOW)
    result["seconds"] = round(time.perf_counter() - start, 2)
    result["phases"] = {phase: round(seconds, 2) for phase, seconds in phases.items()}
    result["counts"] = counts
    result |= judge(portfolio, posted_parts())
    if with_baselines:
        per_line = row_by_row(today=TODAY, now=NOW)
        result["row_by_row_seconds_per_line"] = round(per_line, 4)
        result["row_by_row_seconds_extrapolated"] = round(per_line * len(portfolio.payments), 1)
    print(
        f"{profile} {seed}: {result['seconds']} s, {result['wrong_automatic']} wrong",
        file=sys.stderr,
        flush=True,
    )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 20_261])
    parser.add_argument("--profiles", nargs="+", choices=list(PROFILES), default=list(PROFILES))
    parser.add_argument("--keep", action="store_true", help="leave the database")
    parser.add_argument("--without-baselines", action="store_true")
    options = parser.parse_args()
    with scratch_database("encours_bench_matching", keep=options.keep):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        os.environ.setdefault("LOG_LEVEL", "ERROR")
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        runs = [
            measure(options, seed, profile, with_baselines=not options.without_baselines and (seed, profile) == (options.seeds[0], options.profiles[0]))
            for profile in options.profiles
            for seed in options.seeds
        ]  # fmt: skip
        print(
            json.dumps(
                {
                    "bench": "matching",
                    "noise": {profile: PROFILES[profile] for profile in options.profiles},
                    "lines": sum(run["lines"] for run in runs),
                    "wrong_automatic": sum(run["wrong_automatic"] for run in runs),
                    "runs": runs,
                },
                default=str,
            )
        )
        from django.db import connections

        connections.close_all()


if __name__ == "__main__":
    main()
