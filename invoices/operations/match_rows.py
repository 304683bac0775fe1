"""Many rows at once: keys drawn from the sequence, then one COPY."""

import io
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.db import connection

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": ""})


def money(cents: int) -> Decimal:
    """Whole cents as an amount."""
    return Decimal(cents).scaleb(-2) + Decimal("0.00")


def new_ids(table: str, count: int) -> list[int]:
    """Keys for so many new rows of a table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count]
        )
        return [row[0] for row in cursor.fetchall()]


def copy_rows(table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows by COPY. `columns` are names parted by spaces; lists and objects are written as JSON."""
    out = io.StringIO()
    for row in rows:
        out.write("\t".join(_text(value) for value in row))
        out.write("\n")
    if not out.tell():
        return
    out.seek(0)
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({', '.join(columns.split())}) FROM STDIN", out)


def _text(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, list | dict):
        value = json.dumps(value)
    return str(value).translate(_ESCAPES)
