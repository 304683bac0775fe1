"""The claim as tables for a spreadsheet: its lines, and the periods that its interest is made of.

UTF-8 with its mark, semicolons, decimal commas; column names are French whatever the letter's language.
"""

import csv
import io
from collections.abc import Iterable
from decimal import Decimal

from dunning.letters.context import InterestSegment, LetterLine

_LINE_COLUMNS = (
    "piece",
    "nature",
    "date",
    "echeance",
    "devise",
    "montant_ttc",
    "deja_regle",
    "principal_restant_du",
    "jours_de_retard",
    "penalites",
    "indemnite_forfaitaire",
    "en_litige_non_demande",
    "promis_non_demande",
)
_SEGMENT_COLUMNS = (
    "piece",
    "du",
    "au_inclus",
    "jours",
    "devise",
    "base",
    "taux_annuel_pour_cent",
    "penalites",
)


def lines_csv(lines: Iterable[LetterLine], currency: str) -> bytes:
    """One row an item."""
    return _table(
        _LINE_COLUMNS,
        (
            (
                _text_cell(line.number),
                _text_cell(line.item_kind),
                line.issue_date.isoformat(),
                line.due_date.isoformat() if line.due_date else "",
                currency,
                *(_figure(amount) for amount in (line.total, line.paid_amount, line.open_amount)),
                line.days_late,
                _figure(line.interest),
                _figure(line.indemnity),
                _figure(line.disputed),
                _figure(line.promised),
            )
            for line in lines
        ),
    )


def segments_csv(segments: Iterable[InterestSegment], currency: str) -> bytes:
    """One row a stretch of days at one rate."""
    return _table(
        _SEGMENT_COLUMNS,
        (
            (
                _text_cell(segment.number),
                segment.from_date.isoformat(),
                segment.to_date.isoformat(),
                segment.days,
                currency,
                _figure(segment.principal),
                _figure(segment.rate),
                _figure(segment.interest),
            )
            for segment in segments
        ),
    )


def _table(columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _figure(value: Decimal) -> str:
    return str(value).replace(".", ",")


def _text_cell(value: str) -> str:
    """A spreadsheet must not take a number of ours for a formula."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value
