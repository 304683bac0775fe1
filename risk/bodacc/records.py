"""From bytes to records: the JSON of both API shapes, JSON lines, the CSV export. Pure; bad records are told by number.

Shapes: Explore v2 (`results`, `records[].record.fields`, or the bare list of an export), legacy v1
(`records[].fields`), one JSON object per line, and CSV with a header row (`;`, `,` or tab, BOM or not).
"""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MOST_RECORDS = 500_000
# One field of the export holds a whole judgment; the csv module refuses more than 128 KiB unless told.
_LONGEST_FIELD = 4_000_000


class UnreadableFile(ValueError):
    """The bytes are no file of announcements. `code` says what they are."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True)
class Record:
    """One record by its number in the file, from 1."""

    number: int
    fields: dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """Why a record could not be read: `code` is stable, `value` what stood there, cut short."""

    number: int
    code: str
    value: str = ""

    @property
    def told(self) -> dict[str, object]:
        return {"number": self.number, "code": self.code, "value": self.value}


@dataclass(frozen=True)
class ReadFile:
    """What a file holds. `total` is what the service says there is in all, None when it says nothing."""

    records: tuple[Record, ...]
    problems: tuple[Problem, ...] = ()
    total: int | None = None
    shape: str = ""
    parts: dict[str, Any] = field(default_factory=dict)


def read_records(content: bytes) -> ReadFile:
    """Every record of the file. Raises UnreadableFile when it is empty, or neither JSON nor CSV with known columns."""
    text = decoded(content).strip()
    if not text:
        raise UnreadableFile("empty")
    if text[0] in "[{":
        return _read_json(text)
    return _read_csv(text)


def decoded(content: bytes) -> str:
    """The text, whatever the file says of its encoding: UTF-8 when it can be, else Windows-1252."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace").removeprefix("\u00ef\u00bb\u00bf")


def parsed(text: str) -> Any:
    """JSON that may nest or count beyond reason. Raises ValueError."""
    try:
        return json.loads(text, parse_constant=lambda name: None)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _read_json(text: str) -> ReadFile:
    try:
        document = parsed(text)
    except ValueError:
        return _read_lines(text)
    if isinstance(document, list):
        return _of_list(document, "list", None)
    if not isinstance(document, dict):
        raise UnreadableFile("not_announcements")
    total = document.get("total_count", document.get("nhits"))
    total = total if isinstance(total, int) and not isinstance(total, bool) else None
    for key in ("results", "records"):
        if isinstance(document.get(key), list):
            return _of_list(document[key], key, total)
    if _is_record(document):
        return _of_list([document], "single", None)
    if "error_code" in document or "errorcode" in document or "error" in document:
        raise UnreadableFile("service_error")
    raise UnreadableFile("not_announcements")


def _read_lines(text: str) -> ReadFile:
    """JSON lines. A line that is none is told; when no line is one, neither is the file."""
    records: list[Record] = []
    problems: list[Problem] = []
    number = 0
    for line in text.splitlines():
        if not line.strip():
            continue
        number += 1
        try:
            found = parsed(line.strip().removesuffix(","))
        except ValueError:
            problems.append(Problem(number, "not_json", line.strip()[:80]))
            continue
        if isinstance(fields := _fields(found), dict):
            records.append(Record(number, fields))
        else:
            problems.append(Problem(number, "not_a_record", line.strip()[:80]))
        _check_count(number)
    if not records:
        raise UnreadableFile("broken_json")
    return ReadFile(tuple(records), tuple(problems), None, "lines")


def _of_list(rows: list[Any], shape: str, total: int | None) -> ReadFile:
    records: list[Record] = []
    problems: list[Problem] = []
    _check_count(len(rows))
    for number, row in enumerate(rows, start=1):
        fields = _fields(row)
        if fields is None:
            problems.append(Problem(number, "not_a_record", str(row)[:80]))
        else:
            records.append(Record(number, fields))
    return ReadFile(tuple(records), tuple(problems), total, shape)


def _fields(row: Any) -> dict[str, Any] | None:
    """The fields of a record, out of the wrappings that the versions of the service put around them."""
    for _depth in range(3):
        if not isinstance(row, dict):
            return None
        if isinstance(row.get("fields"), dict):
            row = row["fields"]
        elif isinstance(row.get("record"), dict):
            row = row["record"]
        else:
            return {str(name): value for name, value in row.items()}
    return None


_RECORD_KEYS = frozenset(
    {
        "id", "jugement", "familleavis", "numeroannonce", "fields",
        # one answer of the directory
        "uniteLegale", "unitesLegales", "etablissement", "etablissements",
    }
)  # fmt: skip


def _is_record(document: dict[str, Any]) -> bool:
    return bool(document.keys() & _RECORD_KEYS)


KNOWN_COLUMNS = frozenset(
    {"id", "dateparution", "familleavis", "jugement", "registre", "date_publication", "type_annonce", "siren"}
)


def _read_csv(text: str) -> ReadFile:
    csv.field_size_limit(_LONGEST_FIELD)
    head = text.splitlines()[0]
    delimiter = max(";,\t", key=head.count)
    try:
        rows: Iterable[list[str]] = csv.reader(
            io.StringIO(text, newline=""), delimiter=delimiter, strict=False
        )
        return _of_rows(iter(rows))
    except csv.Error as error:
        raise UnreadableFile("broken_csv") from error


def _of_rows(rows: Any) -> ReadFile:
    header = [name.strip().strip('"').lower() for name in next(rows, [])]
    if len(KNOWN_COLUMNS.intersection(header)) < 2:
        raise UnreadableFile("not_announcements")
    records: list[Record] = []
    problems: list[Problem] = []
    number = 0
    for cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        number += 1
        _check_count(number)
        if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
            problems.append(Problem(number, "too_many_cells", str(cells)[:80]))
            continue
        records.append(Record(number, dict(zip(header, cells, strict=False))))
    return ReadFile(tuple(records), tuple(problems), None, "csv")


def _check_count(count: int) -> None:
    if count > MOST_RECORDS:
        raise UnreadableFile("too_many_records")
