"""The temporary table of one reading: rows go in with COPY, tables of what Python computes stand beside it."""

import io
import json
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from invoices.readers.staged import STAGED, copy_text
from invoices.staging.matching import DOUBLES, PARTIES, RESOLVE

_CREATE = """
CREATE TEMPORARY TABLE IF NOT EXISTS import_staging (
    line integer, cells jsonb, customer_code text, number text, instalment smallint, kind text,
    issue_date date, due_date date, currency text, total_amount numeric(14,2), vat_amount numeric(14,2),
    open_amount numeric(14,2), reference text, details jsonb, document_name text, skipped text, errors jsonb
);
CREATE TEMPORARY TABLE IF NOT EXISTS import_due (terms_id bigint, issue_date date, due_date date, cap date);
CREATE TEMPORARY TABLE IF NOT EXISTS import_double (
    number text, instalment smallint, first_line integer, last_line integer, identical boolean
);
CREATE TEMPORARY TABLE IF NOT EXISTS import_new_customer (code text, terms_id bigint, errors jsonb);
CREATE TEMPORARY TABLE IF NOT EXISTS import_usual (customer_id bigint, amount numeric);
TRUNCATE import_staging, import_due, import_double, import_new_customer, import_usual;
"""
_DROP = "DROP TABLE IF EXISTS import_staging, import_due, import_double, import_new_customer, import_usual"

_TERMS_IN_USE = """
SELECT DISTINCT coalesce(c.terms_id, n.terms_id), s.issue_date
FROM import_staging s
LEFT JOIN customers_customer c ON c.legal_entity_id = %(entity)s AND c.account_code = s.customer_code
LEFT JOIN import_new_customer n ON n.code = s.customer_code
WHERE s.issue_date IS NOT NULL AND s.kind IN ('INVOICE', 'DEPOSIT', 'OTHER')
    AND coalesce(c.terms_id, n.terms_id) IS NOT NULL
"""

# The first row that names a customer we do not have says who he is.
_NEW_CUSTOMERS = """
SELECT DISTINCT ON (s.customer_code) s.customer_code, s.details -> 'customer'
FROM import_staging s
WHERE s.customer_code IS NOT NULL AND s.skipped IS NULL
    AND NOT EXISTS (
        SELECT FROM customers_customer c
        WHERE c.legal_entity_id = %(entity)s AND c.account_code = s.customer_code
    )
ORDER BY s.customer_code, s.line
"""

# What a customer is usually invoiced: the middle of his last documents, when there are enough of them.
_USUAL = """
INSERT INTO import_usual
SELECT customer_id, middle FROM (
    SELECT i.customer_id, count(*) AS found,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(i.total_amount)) AS middle
    FROM (
        SELECT DISTINCT c.id FROM import_staging s
        JOIN customers_customer c ON c.legal_entity_id = %(entity)s AND c.account_code = s.customer_code
    ) buyer
    CROSS JOIN LATERAL (
        SELECT o.customer_id, o.total_amount FROM invoices_openitem o
        WHERE o.customer_id = buyer.id AND o.kind IN ('INVOICE', 'DEPOSIT')
        ORDER BY o.issue_date DESC, o.id DESC LIMIT 20
    ) i
    GROUP BY i.customer_id
) usual
WHERE found >= 3 AND middle > 0
"""


class Staging:
    """The temporary tables of one reading, in this session. Use as a context manager."""

    def __enter__(self) -> "Staging":
        with connection.cursor() as cursor:
            cursor.execute(_CREATE)
        return self

    def __exit__(self, *_error: object) -> None:
        if connection.connection is None or connection.needs_rollback:
            return
        with connection.cursor() as cursor:
            cursor.execute(_DROP)

    def copy(self, piece: bytes) -> None:
        """Append rows in COPY text format, columns as in `readers.staged.STAGED`."""
        with connection.cursor() as cursor:
            cursor.copy_expert(f"COPY import_staging ({', '.join(STAGED)}) FROM STDIN", io.BytesIO(piece))

    def name_customers(self, entity_id: int) -> None:
        """Give rows without customer code that of the one customer with the identifiers they name."""
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL jit = off; ANALYZE import_staging")
            cursor.execute(PARTIES, {"entity": entity_id})

    def new_customers(self, entity_id: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """The codes of the file that no customer has, and what the file says of each."""
        with connection.chunked_cursor() as cursor:
            cursor.execute(_NEW_CUSTOMERS, {"entity": entity_id})
            while found := cursor.fetchmany(2_000):
                for code, said in found:
                    yield code, as_object(said)

    def set_new_customers(self, customers: Iterable[tuple[str, int | None, list[dict[str, Any]]]]) -> None:
        """Say of each new customer's code which payment terms he has, or what forbids to create him."""
        text = "".join(
            f"{copy_text(code)}\t{terms_id or chr(92) + 'N'}\t{copy_text(json.dumps(errors)) if errors else chr(92) + 'N'}\n"
            for code, terms_id, errors in customers
        )
        with connection.cursor() as cursor:
            cursor.copy_expert("COPY import_new_customer FROM STDIN", io.BytesIO(text.encode()))
            cursor.execute("ANALYZE import_new_customer")

    def terms_in_use(self, entity_id: int) -> list[tuple[int, date]]:
        """Payment terms and issue dates from which due dates and legal limits must be computed."""
        with connection.cursor() as cursor:
            cursor.execute(_TERMS_IN_USE, {"entity": entity_id})
            return list(cursor.fetchall())

    def set_due_dates(self, due_dates: Iterable[tuple[int, date, date | None, date | None]]) -> None:
        """Give the due date and the latest lawful one of each (payment terms, issue date)."""
        text = "".join(
            "\t".join("\\N" if value is None else str(value) for value in row) + "\n" for row in due_dates
        )
        with connection.cursor() as cursor:
            cursor.copy_expert("COPY import_due FROM STDIN", io.BytesIO(text.encode()))

    def resolve(
        self, *, batch_id: int, entity_id: int, today: date, is_snapshot: bool, amount_factor: int
    ) -> None:
        """Check every row of items, match it with the ledger, and keep it with its outcome."""
        values: dict[str, Any] = {
            "batch": batch_id,
            "entity": entity_id,
            "today": today,
            "snapshot": is_snapshot,
            "factor": Decimal(amount_factor),
        }
        with connection.cursor() as cursor:
            cursor.execute(DOUBLES)
            cursor.execute(_USUAL, values)
            cursor.execute("ANALYZE import_due; ANALYZE import_double; ANALYZE import_usual")
            cursor.execute(RESOLVE, values)

    def staged_customers(
        self,
    ) -> Iterator[tuple[int, list[str], str | None, dict[str, Any], list[dict[str, Any]]]]:
        """The rows of a customers' file in the order of the lines: line, cells, code, details, errors."""
        with connection.chunked_cursor() as cursor:
            cursor.execute(
                "SELECT line, cells, customer_code, details, errors FROM import_staging"
                " WHERE skipped IS NULL ORDER BY line"
            )
            while found := cursor.fetchmany(2_000):
                for line, cells, code, details, errors in found:
                    yield line, as_list(cells), code, as_object(details), as_list(errors)


def as_object(value: Any) -> dict[str, Any]:
    """A jsonb value of a raw cursor as an object; Django leaves it as text."""
    found = json.loads(value) if isinstance(value, str) else value
    return found if isinstance(found, dict) else {}


def as_list(value: Any) -> list[Any]:
    """A jsonb value of a raw cursor as a list."""
    found = json.loads(value) if isinstance(value, str) else value
    return found if isinstance(found, list) else []
