"""The lines of a bank file: copied in, compared with what is known, put to work. Set-based, called by operations.

A line's identity is (account, fingerprint, occurrence). Occurrences count the movements that share a fingerprint: in
statements that may overlap, from the start of each statement; in notices, which tell each movement once, from the
first notice on.
"""

import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db import connection

from invoices.bank_fingerprints import BY_REFERENCE, line_fingerprint
from invoices.bank_overlap import Booking, Movement, repeats, same_bookings
from invoices.readers.bank.model import ReadLine
from invoices.readers.staged import NULL, copy_json, copy_text

_PIECE = 5_000
_COLUMNS = (
    "statement_id", "bank_account_id", "rank", "entry_rank", "status", "nature", "booking_date", "value_date",
    "amount", "currency", "applied_amount", "original_amount", "original_currency", "charges_amount", "bank_code",
    "bank_reference", "end_to_end_id", "mandate_reference", "structured_reference", "remittance",
    "document_references", "counterparty_name", "counterparty_iban", "ultimate_name", "is_return", "return_code",
    "return_reason", "set_aside_reason", "fingerprint", "occurrence", "updated_at",
)  # fmt: skip

# The statements that go on where an accepted one of the same day ended, and notices: they repeat nothing of their
# own kind, so their weak fingerprints count on from there.
_SERIES = """
    SELECT s.id FROM invoices_bankstatement s
    WHERE s.bank_file_id = %(file)s AND s.status = 'PREVIEWED' AND (
        s.kind IN ('NOTIFICATION', 'RETURNS')
        OR EXISTS (
            SELECT 1 FROM invoices_bankstatement e
            WHERE e.bank_account_id = s.bank_account_id AND e.kind = s.kind AND e.id <> s.id
              AND e.closing_amount = s.opening_amount AND e.to_date = s.from_date
              AND (e.status = 'ACCEPTED'
                   OR e.bank_file_id = s.bank_file_id AND e.status = 'PREVIEWED' AND e.rank < s.rank)
        )
    )
"""
_PLACE = f"""
WITH series AS ({_SERIES}), mine AS (
    SELECT l.id, l.bank_account_id, l.fingerprint, s.kind, s.rank AS statement_rank, l.rank,
           left(l.fingerprint, 1) <> '{BY_REFERENCE}' AND s.id IN (SELECT id FROM series) AS counts_on,
           row_number() OVER (PARTITION BY l.statement_id, l.fingerprint ORDER BY l.rank) AS of_statement,
           row_number() OVER (
               PARTITION BY l.bank_account_id, s.kind, l.fingerprint ORDER BY s.rank, l.rank) AS of_kind
    FROM invoices_bankline l JOIN invoices_bankstatement s ON s.id = l.statement_id
    WHERE s.bank_file_id = %(file)s AND s.status = 'PREVIEWED'
), before AS (
    SELECT m.bank_account_id, m.kind, m.fingerprint, count(*) AS told
    FROM (SELECT DISTINCT bank_account_id, kind, fingerprint FROM mine WHERE counts_on) m
    JOIN invoices_bankline l ON l.fingerprint = m.fingerprint
    JOIN invoices_bankstatement s ON s.id = l.statement_id AND s.kind = m.kind AND s.status = 'ACCEPTED'
    GROUP BY 1, 2, 3
), placed AS (
    SELECT m.*, CASE WHEN m.counts_on THEN coalesce(b.told, 0) + m.of_kind ELSE m.of_statement END AS place
    FROM mine m LEFT JOIN before b USING (bank_account_id, kind, fingerprint)
), numbered AS (
    SELECT p.*, first_value(p.id) OVER (
        PARTITION BY p.bank_account_id, p.fingerprint, p.place ORDER BY p.statement_rank, p.rank) AS first_id
    FROM placed p
), judged AS (
    SELECT p.id, p.place, coalesce(e.movement, CASE WHEN p.first_id <> p.id THEN p.first_id END) AS same_as
    FROM numbered p
    LEFT JOIN LATERAL (
        SELECT coalesce(l.same_as_id, l.id) AS movement FROM invoices_bankline l
        WHERE l.fingerprint = p.fingerprint AND l.occurrence = p.place AND l.status <> 'DRAFT' AND l.id <> p.id
        ORDER BY l.id LIMIT 1
    ) e ON true
)
UPDATE invoices_bankline l
SET occurrence = j.place, same_as_id = j.same_as,
    status = CASE WHEN j.same_as IS NULL THEN l.status ELSE 'KNOWN' END
FROM judged j
WHERE l.id = j.id AND l.status = 'DRAFT' AND (j.same_as IS NOT NULL OR l.occurrence <> j.place)
"""

# What is compared across series: lines of this file that seem new, and movements told by other series.
_SERIES_NAME = "s.kind || ' ' || b.format"
_SAID = "l.end_to_end_id, l.structured_reference, l.counterparty_iban, l.counterparty_name, left(l.remittance, 400)"
_SEEM_NEW = f"""
SELECT l.id, l.bank_account_id, l.booking_date, l.amount, ARRAY[{_SERIES_NAME}], {_SAID}
FROM invoices_bankline l
JOIN invoices_bankstatement s ON s.id = l.statement_id
JOIN invoices_bankfile b ON b.id = s.bank_file_id
WHERE s.bank_file_id = %(file)s AND s.status = 'PREVIEWED' AND l.status = 'DRAFT' AND EXISTS (
    SELECT 1 FROM invoices_bankline o
    WHERE o.bank_account_id = l.bank_account_id AND o.amount = l.amount AND o.booking_date = l.booking_date
      AND o.status NOT IN ('DRAFT', 'KNOWN'))
ORDER BY s.rank, l.rank
"""
_TOLD = f"""
SELECT l.id, l.bank_account_id, l.booking_date, l.amount,
       ARRAY[{_SERIES_NAME}] || coalesce((
           SELECT array_agg(rs.kind || ' ' || rb.format)
           FROM invoices_bankline r
           JOIN invoices_bankstatement rs ON rs.id = r.statement_id
           JOIN invoices_bankfile rb ON rb.id = rs.bank_file_id
           WHERE r.same_as_id = l.id), ARRAY[]::varchar[]),
       {_SAID}
FROM (
    SELECT DISTINCT n.bank_account_id, n.amount, n.booking_date
    FROM invoices_bankline n JOIN invoices_bankstatement ns ON ns.id = n.statement_id
    WHERE ns.bank_file_id = %(file)s AND ns.status = 'PREVIEWED' AND n.status = 'DRAFT'
) n
JOIN invoices_bankline l ON l.bank_account_id = n.bank_account_id AND l.amount = n.amount
     AND l.booking_date = n.booking_date AND l.status NOT IN ('DRAFT', 'KNOWN')
JOIN invoices_bankstatement s ON s.id = l.statement_id
JOIN invoices_bankfile b ON b.id = s.bank_file_id
ORDER BY l.id
"""
_MARK = """
UPDATE invoices_bankline l SET status = 'KNOWN', same_as_id = r.same_as
FROM unnest(%(lines)s::bigint[], %(same)s::bigint[]) AS r(id, same_as)
WHERE l.id = r.id AND l.status = 'DRAFT'
"""

# Bookings given by their transactions, and lines that are a whole booking by themselves: one kind of notice may
# give as one sum what another itemises. A told booking that a line leans on already is told by both.
_ITEMISED = """
SELECT l.statement_id, l.entry_rank, l.bank_account_id, l.booking_date, s.kind, sum(l.amount), count(*), min(l.id)
FROM invoices_bankline l JOIN invoices_bankstatement s ON s.id = l.statement_id
WHERE {where}
GROUP BY 1, 2, 3, 4, 5 HAVING count(*) > 1
ORDER BY 1, 2
"""
_ALONE = """
SELECT l.statement_id, l.entry_rank, l.bank_account_id, l.booking_date, s.kind, l.amount, 1, l.id
FROM unnest(%(accounts)s::bigint[], %(days)s::date[], %(sums)s::numeric[]) AS w(account, day, total)
JOIN invoices_bankline l ON l.bank_account_id = w.account AND l.booking_date = w.day AND l.amount = w.total
JOIN invoices_bankstatement s ON s.id = l.statement_id
WHERE {where} AND NOT EXISTS (
    SELECT 1 FROM invoices_bankline o
    WHERE o.statement_id = l.statement_id AND o.entry_rank = l.entry_rank AND o.id <> l.id)
ORDER BY 1, 2
"""
_FRESH = "s.bank_file_id = %(file)s AND s.status = 'PREVIEWED' AND l.status = 'DRAFT'"
_BEFORE = """s.status = 'ACCEPTED' AND l.status NOT IN ('DRAFT', 'KNOWN')
    AND NOT EXISTS (SELECT 1 FROM invoices_bankline r WHERE r.same_as_id = l.id)"""
_NEAR = """
    AND (l.bank_account_id, l.booking_date) IN (
        SELECT DISTINCT n.bank_account_id, n.booking_date
        FROM invoices_bankline n JOIN invoices_bankstatement ns ON ns.id = n.statement_id
        WHERE ns.bank_file_id = %(file)s AND ns.status = 'PREVIEWED' AND n.status = 'DRAFT')"""
_MARK_BOOKINGS = """
UPDATE invoices_bankline l SET status = 'KNOWN', same_as_id = r.same_as
FROM unnest(%(statements)s::bigint[], %(ranks)s::integer[], %(same)s::bigint[]) AS r(statement, entry_rank, same_as)
WHERE l.statement_id = r.statement AND l.entry_rank = r.entry_rank AND l.status = 'DRAFT'
"""

# A line that repeats a line that turned out to be known repeats the movement itself.
_TO_THE_MOVEMENT = """
UPDATE invoices_bankline l SET same_as_id = k.same_as_id
FROM invoices_bankline k, invoices_bankstatement s
WHERE s.id = l.statement_id AND s.bank_file_id = %(file)s AND k.id = l.same_as_id AND k.status = 'KNOWN'
"""
_COUNT_KNOWN = """
UPDATE invoices_bankstatement s SET known_count = (
    SELECT count(*) FROM invoices_bankline l WHERE l.statement_id = s.id AND l.status = 'KNOWN')
WHERE s.bank_file_id = %(file)s AND s.status = 'PREVIEWED'
"""

_PUT_TO_WORK = """
UPDATE invoices_bankline l
SET status = CASE WHEN l.is_return OR (l.amount > 0 AND l.nature <> 'CHARGES') THEN 'OPEN' ELSE 'SET_ASIDE' END,
    set_aside_reason = CASE WHEN l.is_return OR (l.amount > 0 AND l.nature <> 'CHARGES') THEN ''
                            WHEN l.nature = 'CHARGES' THEN %(charges)s ELSE %(debit)s END,
    updated_at = %(now)s
FROM invoices_bankstatement s
WHERE s.id = l.statement_id AND s.bank_file_id = %(file)s AND s.status = 'PREVIEWED' AND l.status = 'DRAFT'
"""
# A returned payment names the end-to-end id of the payment that comes back: linked when exactly one fits.
_LINK_RETURNS = """
UPDATE invoices_bankline r SET returns_id = found.original
FROM (
    SELECT n.id, min(o.id) AS original
    FROM invoices_bankline n
    JOIN invoices_bankstatement s ON s.id = n.statement_id AND s.bank_file_id = %(file)s
    JOIN invoices_bankline o ON o.end_to_end_id = n.end_to_end_id AND o.amount = -n.amount
         AND o.currency = n.currency AND o.booking_date <= n.booking_date AND NOT o.is_return
         AND o.status NOT IN ('DRAFT', 'KNOWN')
    JOIN invoices_bankaccount a ON a.id = o.bank_account_id AND a.legal_entity_id = %(entity)s
    WHERE n.status = 'OPEN' AND n.is_return AND n.end_to_end_id <> ''
      AND NOT EXISTS (SELECT 1 FROM invoices_bankline p WHERE p.returns_id = o.id)
    GROUP BY n.id HAVING count(*) = 1
) found
WHERE r.id = found.id
"""
_TAKE_OUT = """
DELETE FROM invoices_proposalpart p USING invoices_matchproposal m, invoices_bankline l, invoices_bankstatement s
WHERE m.id = p.proposal_id AND l.id = m.bank_line_id AND s.id = l.statement_id AND s.bank_file_id = %(file)s;
DELETE FROM invoices_matchproposal m USING invoices_bankline l, invoices_bankstatement s
WHERE l.id = m.bank_line_id AND s.id = l.statement_id AND s.bank_file_id = %(file)s;
DELETE FROM invoices_bankline l USING invoices_bankstatement s
WHERE s.id = l.statement_id AND s.bank_file_id = %(file)s;
"""


def fingerprint_of(line: ReadLine, account_id: int) -> str:
    """The fingerprint of a line that was read."""
    return line_fingerprint(
        account_id=account_id,
        booking_date=line.booking_date,
        amount=line.amount,
        currency=line.currency,
        bank_reference=line.bank_reference,
        end_to_end_id=line.end_to_end_id,
        text=line.remittance or line.counterparty_name,
    )


def copy_lines(lines: Iterable[tuple[int, int | None, ReadLine]], now: datetime) -> None:
    """Copy lines in as drafts: (statement, account or None, line)."""
    pieces = 0
    with connection.cursor() as cursor:
        texts = _copied(lines, now.isoformat())
        while piece := list(islice(texts, _PIECE)):
            cursor.copy_expert(
                f"COPY invoices_bankline ({', '.join(_COLUMNS)}) FROM STDIN",
                io.BytesIO("".join(piece).encode()),
            )
            pieces += 1
        if pieces > 1:
            # What follows joins these lines: without fresh statistics it would be planned for a few of them.
            cursor.execute("ANALYZE invoices_bankline")


def mark_known(file_id: int) -> None:
    """Mark the draft lines that are known already, and number the others; called again before they are accepted."""
    with connection.cursor() as cursor:
        cursor.execute(_PLACE, {"file": file_id})
        cursor.execute(_SEEM_NEW, {"file": file_id})
        new = [_movement(row) for row in cursor.fetchall()]
        if new:
            cursor.execute(_TOLD, {"file": file_id})
            found = repeats(new, (_movement(row) for row in cursor.fetchall()))
            if found:
                cursor.execute(_MARK, {"lines": list(found), "same": list(found.values())})
        _mark_bookings(cursor, file_id)
        cursor.execute(_TO_THE_MOVEMENT, {"file": file_id})
        cursor.execute(_COUNT_KNOWN, {"file": file_id})


def _mark_bookings(cursor: Any, file_id: int) -> None:
    """Mark what another kind of notice has told as a sum, or by its parts."""
    cursor.execute(_ITEMISED.format(where=_FRESH), {"file": file_id})
    fresh_parts = [Booking(*row) for row in cursor.fetchall()]
    cursor.execute(_ITEMISED.format(where=_BEFORE + _NEAR), {"file": file_id})
    told_parts = [Booking(*row) for row in cursor.fetchall()]
    pairs: list[tuple[Booking, Booking]] = []
    for parts, where, is_fresh in ((told_parts, _FRESH, True), (fresh_parts, _BEFORE, False)):
        if not parts:
            continue
        wanted = sorted({(one.account_id, one.booking_date, one.amount) for one in parts})
        accounts, days, sums = (list(column) for column in zip(*wanted, strict=True))
        cursor.execute(
            _ALONE.format(where=where), {"file": file_id, "accounts": accounts, "days": days, "sums": sums}
        )
        alone = [Booking(*row) for row in cursor.fetchall()]
        pairs += same_bookings(alone, parts) if is_fresh else same_bookings(parts, alone)
    if pairs:
        cursor.execute(
            _MARK_BOOKINGS,
            {
                "statements": [fresh.statement_id for fresh, _told in pairs],
                "ranks": [fresh.entry_rank for fresh, _told in pairs],
                "same": [told.first_id for _fresh, told in pairs],
            },
        )


def put_to_work(file_id: int, *, entity_id: int, charges: str, debit: str, now: datetime) -> int:
    """Open the new lines of the file's statements, set aside those without a customer; how many lines."""
    values: dict[str, Any] = {
        "file": file_id,
        "entity": entity_id,
        "charges": charges,
        "debit": debit,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_PUT_TO_WORK, values)
        count = int(cursor.rowcount)
        cursor.execute(_LINK_RETURNS, values)
    return count


def take_out(file_id: int) -> None:
    """Delete the lines of a file, with what was proposed for them."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_OUT, {"file": file_id})


def hold_accounts(account_ids: Iterable[int]) -> None:
    """Let nobody else accept or withdraw lines of these accounts until the transaction ends."""
    with connection.cursor() as cursor:
        for account_id in sorted(set(account_ids)):
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
                [f"invoices.bank_account:{account_id}"],
            )


def _movement(row: tuple[Any, ...]) -> Movement:
    pk, account_id, booking_date, amount, told_by, *said = row
    return Movement(pk, account_id, booking_date, amount, frozenset(told_by), *said)


def _copied(lines: Iterable[tuple[int, int | None, ReadLine]], now: str) -> Iterator[str]:
    for statement_id, account_id, line in lines:
        end_to_end = line.end_to_end_id or (line.returned_end_to_end_id if line.is_return else "")
        values = (
            str(statement_id),
            NULL if account_id is None else str(account_id),
            str(line.rank),
            str(line.entry_rank),
            "DRAFT",
            line.nature,
            line.booking_date.isoformat(),
            NULL if line.value_date is None else line.value_date.isoformat(),
            str(line.amount),
            line.currency,
            "0",
            _number(line.original_amount),
            line.original_currency,
            _number(line.charges_amount),
            copy_text(line.bank_code),
            copy_text(line.bank_reference),
            copy_text(end_to_end),
            copy_text(line.mandate_reference),
            copy_text(line.structured_reference),
            copy_text(line.remittance),
            copy_json(line.document_references),
            copy_text(line.counterparty_name),
            copy_text(line.counterparty_iban),
            copy_text(line.ultimate_name),
            "t" if line.is_return else "f",
            copy_text(line.return_code),
            copy_text(line.return_reason),
            "",
            fingerprint_of(line, account_id or 0),
            "1",
            now,
        )
        yield "\t".join(values) + "\n"


def _number(amount: Decimal | None) -> str:
    return NULL if amount is None else str(amount)
