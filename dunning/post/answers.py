"""A printer's answer file: bytes in, rows with their line numbers out. Pure; docs/formats/post.md describes it.

The last line says how many there are (`END;12`): without it the file is not whole, however it ends.
"""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

MOST_LINES = 20_000
MOST_BYTES = 10 * 1024 * 1024
COLUMNS = (
    "batch", "reference", "status", "reason", "tracking_number", "posted_on", "first_presented_on",
    "delivered_on", "returned_on", "return_reason", "proof",
)  # fmt: skip
STATUSES = ("ACKNOWLEDGED", "REFUSED")
RETURN_REASONS = ("UNCLAIMED", "REFUSED", "UNKNOWN_ADDRESS")
_END = "END"
_TRACKING = re.compile(r"[0-9A-Z]{8,40}")
_PROOF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}\.pdf", re.IGNORECASE)


class AnswerFileRefused(ValueError):
    """The file as a whole cannot be used; the message says why and what the printer should do."""


class AnswerFileUnfinished(AnswerFileRefused):
    """The file has no last line that counts the others: it is still being written, or was cut off."""


@dataclass(frozen=True)
class Answer:
    """What the printer says of one letter; an empty value says nothing."""

    line: int
    batch: str
    reference: str
    status: str = ""
    reason: str = ""
    tracking_number: str = ""
    posted_on: date | None = None
    first_presented_on: date | None = None
    delivered_on: date | None = None
    returned_on: date | None = None
    return_reason: str = ""
    proof: str = ""


@dataclass(frozen=True)
class BadLine:
    """A line that cannot be understood: its number, whom it names if it does, and why."""

    line: int
    reference: str
    message: str


@dataclass
class AnswerFile:
    """The answers and the lines that are none, in the file's order."""

    answers: list[Answer] = field(default_factory=list)
    bad_lines: list[BadLine] = field(default_factory=list)

    @property
    def line_count(self) -> int:
        return len(self.answers) + len(self.bad_lines)


def read_answers(content: bytes) -> AnswerFile:
    """Read an answer file. Raises AnswerFileUnfinished or AnswerFileRefused for what concerns it as a whole."""
    rows = _rows(content)
    if not rows or rows[-1][1][0].strip().upper() != _END:
        raise AnswerFileUnfinished(
            _("La dernière ligne « END;nombre de lignes » manque : le fichier est incomplet.")
        )
    count = rows[-1][1][1].strip() if len(rows[-1][1]) > 1 else ""
    head, *lines = rows[:-1] or [(0, [])]
    if not count.isdecimal() or int(count) != len(lines):
        raise AnswerFileRefused(
            _("La dernière ligne annonce %(said)s lignes, le fichier en a %(found)s : il a été altéré.")
            % {"said": count or "?", "found": len(lines)}
        )
    names = [name.strip().lower() for name in head[1]]
    missing = [name for name in ("batch", "reference") if name not in names]
    if missing:
        raise AnswerFileRefused(
            _("La première ligne doit nommer les colonnes ; il manque : %(names)s.")
            % {"names": ", ".join(missing)}
        )
    if len(set(names)) != len(names):
        raise AnswerFileRefused(_("Une colonne est nommée deux fois."))
    found = AnswerFile()
    for number, values in lines:
        cells = dict(zip(names, (value.strip() for value in values), strict=False))
        try:
            if len(values) > len(names):
                raise ValueError(_("plus de valeurs que de colonnes"))
            found.answers.append(_answer(number, cells))
        except ValueError as error:
            found.bad_lines.append(BadLine(number, cells.get("reference", "")[:60], str(error)))
    return found


def _rows(content: bytes) -> list[tuple[int, list[str]]]:
    if len(content) > MOST_BYTES:
        raise AnswerFileRefused(_("Le fichier dépasse 10 Mo : envoyez-le en plusieurs parties."))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # A character cut in two at the end is a file cut off, not another encoding.
        if error.end >= len(content) and error.reason == "unexpected end of data":
            raise AnswerFileUnfinished(_("Le fichier s’arrête au milieu d’un caractère.")) from error
        raise AnswerFileRefused(_("Le fichier n’est pas en UTF-8.")) from error
    if "\x00" in text:
        raise AnswerFileRefused(_("Le fichier contient des octets nuls : ce n’est pas du texte."))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";")
    rows: list[tuple[int, list[str]]] = []
    try:
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            rows.append((reader.line_num, values))
            if len(rows) > MOST_LINES + 2:
                raise AnswerFileRefused(
                    _("Le fichier a plus de 20 000 lignes : envoyez-le en plusieurs parties.")
                )
    except csv.Error as error:
        raise AnswerFileRefused(
            _("Ligne %(line)s : %(error)s.") % {"line": reader.line_num, "error": error}
        ) from error
    return rows


def _answer(number: int, cells: dict[str, str]) -> Answer:
    if not cells.get("reference"):
        raise ValueError(_("la référence du courrier manque"))
    if len(cells["reference"]) > 40 or len(cells.get("batch", "")) > 40:
        raise ValueError(_("référence de plus de 40 caractères"))
    for value in cells.values():
        if not value.isprintable():
            raise ValueError(_("un caractère de commande dans une valeur"))
    tracking = re.sub(r"\s", "", cells.get("tracking_number", "")).upper()
    if tracking and not _TRACKING.fullmatch(tracking):
        raise ValueError(_("numéro de suivi illisible « %s »") % cells["tracking_number"][:40])
    proof = cells.get("proof", "")
    if proof and not _PROOF.fullmatch(proof):
        raise ValueError(_("nom de preuve « %s » : attendu un nom de fichier .pdf sans dossier") % proof[:80])
    days: dict[str, Any] = {
        name: _day(name, cells.get(name, ""))
        for name in ("posted_on", "first_presented_on", "delivered_on", "returned_on")
    }
    return Answer(
        line=number,
        batch=cells.get("batch", ""),
        reference=cells["reference"],
        status=_one_of(cells.get("status", ""), STATUSES, lambda value: _("état « %s » inconnu") % value),
        reason=cells.get("reason", "")[:500],
        tracking_number=tracking,
        return_reason=_one_of(
            cells.get("return_reason", ""),
            RETURN_REASONS,
            lambda value: _("motif de retour « %s » inconnu") % value,
        ),
        proof=proof,
        **days,
    )


def _one_of(value: str, known: tuple[str, ...], refusal: Callable[[str], str]) -> str:
    if value and value.upper() not in known:
        raise ValueError(refusal(value[:40]))
    return value.upper()


def _day(name: str, value: str) -> date | None:
    if not value:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(
            _("%(name)s : date « %(value)s » illisible, attendue AAAA-MM-JJ")
            % {"name": name, "value": value[:20]}
        ) from None
