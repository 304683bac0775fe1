"""A large made-up ledger for measurements, written set-based with a seed; and the scratch database it lives in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from urllib.parse import urlsplit, urlunsplit

import psycopg2

AS_OF = date(2026, 6, 30)


@contextmanager
def scratch_database(name: str, keep: bool = False) -> Iterator[str]:
    """Create an empty database beside the one of DATABASE_URL, and name it there for this process."""
    from config.runtime.services import service_urls

    parts = urlsplit(os.environ.get("DATABASE_URL") or service_urls().database)
    maintenance = urlunsplit(parts._replace(path="/postgres"))
    url = urlunsplit(parts._replace(path=f"/{name}"))

    def run(*statements: str) -> None:
        connection = psycopg2.connect(maintenance)
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        connection.close()

    run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"')
    os.environ["DATABASE_URL"] = url
    try:
        yield url
    finally:
        if not keep:
            run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def write_portfolio(customers: int, open_items: int, settled: int, seed: int) -> None:
    """Two legal entities, 24 months up to AS_OF: open invoices (5 % part-paid, 4 % credits), settled ones with
    their payments (each settles about 2.5 invoices), 2 % disputes, 0.1 % of allocations reversed since.
    """
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        # Foreign keys are true by construction; checking millions of them one by one would be most of the time.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("SELECT setseed(%s)", [(seed % 1000) / 1000])
        params = {
            "customers": customers,
            "open": open_items,
            "settled": settled,
            "payments": max(settled * 2 // 5, 1),
            "as_of": AS_OF,
        }
        for statement in _STATEMENTS:
            cursor.execute(statement, params)
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


_STATEMENTS = (
    """
    INSERT INTO customers_paymentterms (id, code, name, rule, days) VALUES (1, '30J', '30 jours nets', 'NET', 30)
    """,
    """
    INSERT INTO customers_legalentity (id, code, name, legal_form, siren, rcs_city, vat_number, address_lines, phone,
        email, iban, bic, currency, default_terms_id, late_fee_clause, signatory_name, signatory_title)
    SELECT n, 'E' || n, 'Entité ' || n, 'SAS', lpad(n::text, 9, '0'), 'Chartres', '', '', '', '', '', '', 'EUR', 1,
        '', 'X', 'Y'
    FROM generate_series(1, 2) n
    """,
    """
    INSERT INTO customers_customer (id, legal_entity_id, account_code, name, kind, status, hold_reason, siren, siret,
        vat_number, foreign_id, country, address_lines, language, currency, terms_id, segment, naf_code, pinned_note,
        updated_at)
    SELECT n, 1 + (n %% 5 < 2)::int, 'C' || n, 'Client ' || md5(n::text), 'COMPANY', 'ACTIVE', '', '', '', '', '',
        CASE WHEN n %% 20 = 0 THEN 'DE' ELSE 'FR' END, '', 'fr', 'EUR', 1,
        CASE WHEN n %% 10 = 0 THEN 'Grands comptes' ELSE 'PME' END, '', '', now()
    FROM generate_series(1, %(customers)s) n
    """,
    # Open items: issued in the last eight months, more of them lately.
    """
    INSERT INTO invoices_openitem (id, legal_entity_id, customer_id, kind, number, instalment, issue_date, due_date,
        currency, total_amount, open_amount, disputed_amount, reference, is_factored, posted_at, updated_at)
    SELECT n, 1 + (customer %% 5 < 2)::int, customer, CASE WHEN credit THEN 'CREDIT_NOTE' ELSE 'INVOICE' END,
        'O' || n, 1, issued, issued + CASE WHEN credit THEN 0 ELSE 30 + (n %% 3) * 15 END, 'EUR',
        amount, amount, 0, '', false, now(), now()
    FROM (
        SELECT n, 1 + floor(random() * %(customers)s)::int AS customer,
            %(as_of)s::date - floor(240 * random() * random())::int AS issued,
            n %% 25 = 0 AS credit,
            CASE WHEN n %% 25 = 0 THEN -1 ELSE 1 END * round((20 + 4000 * random() * random())::numeric, 2) AS amount
        FROM generate_series(1, %(open)s) n
    ) drawn
    """,
    # Settled invoices over 24 months, and the payments that settled them: payment p settles the invoices of one
    # customer, so that customer is drawn from the payment.
    """
    CREATE TEMP TABLE settled ON COMMIT DROP AS
    SELECT n, payment, 1 + (payment::bigint * 7919 %% %(customers)s)::int AS customer, issued,
        issued + 30 + (n %% 3) * 15 AS due,
        round((20 + 4000 * random() * random())::numeric, 2) AS amount
    FROM (
        SELECT n, n %% %(payments)s AS payment,
            (%(as_of)s::date - 730 + ((n %% %(payments)s)::bigint * 620 / %(payments)s)::int
                + floor(random() * 30)::int) AS issued
        FROM generate_series(1, %(settled)s) n
    ) drawn
    """,
    """
    CREATE TEMP TABLE paid ON COMMIT DROP AS
    SELECT payment, customer, sum(amount) AS amount,
        least(max(due) + floor(-10 + 45 * random())::int, %(as_of)s::date) AS paid_on
    FROM settled GROUP BY payment, customer
    """,
    """
    INSERT INTO invoices_openitem (id, legal_entity_id, customer_id, kind, number, instalment, issue_date, due_date,
        currency, total_amount, open_amount, disputed_amount, reference, is_factored, posted_at, updated_at)
    SELECT %(open)s + n, 1 + (customer %% 5 < 2)::int, customer, 'INVOICE', 'S' || n, 1, issued, due, 'EUR', amount,
        0, 0, '', false, now(), now()
    FROM settled
    UNION ALL
    SELECT %(open)s + %(settled)s + 1 + payment, 1 + (customer %% 5 < 2)::int, customer, 'PAYMENT', 'P' || payment, 1,
        paid_on, paid_on, 'EUR', -amount, 0, 0, '',
        false, now(), now()
    FROM paid
    """,
    """
    INSERT INTO invoices_allocation (debit_id, credit_id, amount, allocated_on, reversal_reason, created_at)
    SELECT %(open)s + s.n, %(open)s + %(settled)s + 1 + s.payment, s.amount, p.paid_on, '', now()
    FROM settled s JOIN paid p USING (payment)
    """,
    # Part payments of open invoices, by credit items of their own.
    """
    INSERT INTO invoices_openitem (id, legal_entity_id, customer_id, kind, number, instalment, issue_date, due_date,
        currency, total_amount, open_amount, disputed_amount, reference, is_factored, posted_at, updated_at)
    SELECT %(open)s + %(settled)s + %(payments)s + 1 + id, legal_entity_id, customer_id, 'PAYMENT', 'A' || id, 1,
        least(due_date, %(as_of)s::date), least(due_date, %(as_of)s::date), currency, -round(total_amount / 2, 2),
        0, 0, '', false, now(), now()
    FROM invoices_openitem WHERE id <= %(open)s AND id %% 20 = 1
    """,
    """
    INSERT INTO invoices_allocation (debit_id, credit_id, amount, allocated_on, reversal_reason, created_at)
    SELECT id, %(open)s + %(settled)s + %(payments)s + 1 + id, round(total_amount / 2, 2),
        least(due_date, %(as_of)s::date), '', now()
    FROM invoices_openitem WHERE id <= %(open)s AND id %% 20 = 1
    """,
    """
    UPDATE invoices_openitem SET open_amount = total_amount - round(total_amount / 2, 2)
    WHERE id <= %(open)s AND id %% 20 = 1
    """,
    """
    INSERT INTO invoices_allocation (debit_id, credit_id, amount, allocated_on, reversed_on, reversal_reason, created_at)
    SELECT debit_id, credit_id, amount, allocated_on, least(allocated_on + 2, %(as_of)s::date), 'Erreur', now()
    FROM invoices_allocation WHERE id %% 1000 = 0
    """,
    """
    UPDATE invoices_allocation SET allocated_on = least(allocated_on + 2, %(as_of)s::date)
    WHERE id %% 1000 = 0 AND reversed_on IS NULL
    """,
    """
    INSERT INTO invoices_dispute (item_id, amount, reason, note, opened_on)
    SELECT id, round(total_amount / 3, 2), 'PU_ERR', '', least(issue_date + 10, %(as_of)s::date)
    FROM invoices_openitem WHERE id <= %(open)s AND id %% 50 = 2 AND total_amount > 0
    """,
    """
    UPDATE invoices_openitem i SET disputed_amount = d.amount FROM invoices_dispute d WHERE d.item_id = i.id
    """,
)
