"""What a workbook would cost, told from its ZIP directory and one streamed look at a sheet, before it is opened."""

import posixpath
import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO
from xml.etree import ElementTree

from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB, Limits

_WORKBOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_SMALL_PART = 8 * MIB
# A cell that holds something: style-only cells are closed at once (`<c r="A1" s="3"/>`).
_CELL = re.compile(rb' r="([A-Z]{1,3})([0-9]{1,7})"([^>]*[^/>]|)>')
_FAILED_TYPE = b't="e"'
_FAILED_TEXT = re.compile(rb"<(?:\w+:)?v>(#[A-Z0-9/!?]{2,12})<")
_MOST_FAILED = 100_000
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    KeyError,
)


def check_archive(stream: IO[bytes], limits: Limits) -> dict[str, str]:
    """The part that holds each sheet, by sheet name.

    Raises UnreadableFile when the ZIP is no Excel workbook, is broken, or declares more than it may unpack.
    """
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            _check_sizes(list(entries.values()), limits)
            if _WORKBOOK not in entries:
                raise UnreadableFile(_other_format(archive, entries))
            if any(entry.flag_bits & 1 for entry in entries.values()):
                raise UnreadableFile("format_encrypted")
            return _sheet_parts(archive, entries)
    except UnreadableFile:
        raise
    except (*_BROKEN, ElementTree.ParseError) as error:
        raise UnreadableFile("workbook_broken", detail=str(error)[:200]) from None


def _check_sizes(entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if len(entries) > 10_000 or unpacked > limits.unpacked_bytes:
        raise UnreadableFile("workbook_bomb", size=unpacked // MIB, limit=limits.unpacked_bytes // MIB)
    if unpacked > 16 * MIB and unpacked > packed * limits.compression_ratio:
        raise UnreadableFile("workbook_bomb", size=unpacked // MIB, limit=limits.unpacked_bytes // MIB)


def _other_format(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> str:
    """Which refusal a ZIP without an Excel workbook gets."""
    if "xl/workbook.bin" in entries:
        return "format_xlsb"
    kind = entries.get("mimetype")
    if kind is not None and kind.file_size < 200 and b"opendocument" in archive.read(kind):
        return "format_ods"
    return "format_archive"


def _sheet_parts(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> dict[str, str]:
    for name in (_WORKBOOK, _RELATIONS):
        if entries[name].file_size > _SMALL_PART:
            raise UnreadableFile("workbook_broken", detail=name)
    targets = {
        node.get("Id"): node.get("Target", "") for node in ElementTree.fromstring(archive.read(_RELATIONS))
    }
    parts: dict[str, str] = {}
    for node in ElementTree.fromstring(archive.read(_WORKBOOK)).iter():
        if node.tag.endswith("}sheet"):
            relation = next(
                (value for key, value in node.attrib.items() if key.endswith("}id")),
                None,
            )
            target = targets.get(relation, "")
            path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
            if path in entries:
                parts[node.get("name", "")] = path
    return parts


@dataclass(frozen=True)
class SheetScan:
    """The rectangle that a sheet fills, and its cells whose formula failed: (line, column), from 1 -> text."""

    columns: int
    lines: int
    corner: str
    failed: dict[tuple[int, int], str]


def scan_sheet(stream: IO[bytes], part: str) -> SheetScan:
    """Stream a sheet's XML once. The parser allocates the whole rectangle, and gives failed cells as empty ones."""
    extent = _Extent()
    failed: dict[tuple[int, int], str] = {}
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive, archive.open(part) as xml:
            rest = b""
            while chunk := xml.read(MIB):
                data = rest + chunk
                # A cell may go on in the next chunk: keep the last one for it.
                cut = data.rfind(b"<c ")
                cut = cut if cut > 0 else len(data)
                data, rest = data[:cut], data[cut : cut + MIB]
                extent.see(data)
                _note_failed(data, failed)
            extent.see(rest)
            _note_failed(rest, failed)
    except _BROKEN as error:
        raise UnreadableFile("workbook_broken", detail=str(error)[:200]) from None
    return SheetScan(
        extent.right - extent.left + 1,
        extent.bottom - extent.top + 1,
        extent.corner,
        failed,
    )


class _Extent:
    """The smallest rectangle around the cells seen."""

    def __init__(self) -> None:
        self.left = self.top = 1
        self.right = self.bottom = 0
        self.corner = ""
        self._columns: set[bytes] = set()

    def see(self, data: bytes) -> None:
        found = _CELL.findall(data)
        if not found:
            return
        lines = [int(line) for line in {match[1] for match in found}]
        self.top = min(lines) if not self.bottom else min(self.top, *lines)
        self.bottom = max(self.bottom, *lines)
        for name in {match[0] for match in found} - self._columns:
            number = column_number(name.decode())
            self.left = number if not self.right else min(self.left, number)
            self.right = max(self.right, number)
            self._columns.add(name)
        last = max(self._columns, key=lambda name: (len(name), name))
        self.corner = f"{last.decode()}{self.bottom}"


def _note_failed(data: bytes, failed: dict[tuple[int, int], str]) -> None:
    if _FAILED_TYPE not in data:
        return
    for match in _CELL.finditer(data):
        if _FAILED_TYPE in match[3] and len(failed) < _MOST_FAILED:
            value = _FAILED_TEXT.search(data, match.end(), match.end() + 4096)
            text = value[1].decode() if value else "#N/A"
            failed[int(match[2]), column_number(match[1].decode())] = text


def column_number(letters: str) -> int:
    """A is 1, Z 26, AA 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
