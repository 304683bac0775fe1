"""Delimited text in: encoding and separator found or imposed, rows with the line numbers of the file out."""

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import IO

from invoices.readers.columns import Header, HeaderRule
from invoices.readers.detection import (
    DELIMITERS,
    ENCODINGS,
    delimiter_of,
    encoding_of_mark,
    usual_delimiter,
)
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB, Limits

Row = tuple[int, list[str]]


class CsvFile:
    """A delimited text file. Raises UnreadableFile when it is not one; iterate `rows()` as often as needed."""

    kind = "csv"
    sheet = ""

    def __init__(
        self,
        stream: IO[bytes],
        limits: Limits,
        *,
        encoding: str = "",
        delimiter: str = "",
        rule: HeaderRule | None = None,
    ) -> None:
        self._stream = stream
        self._limits = limits
        self._rule = rule or HeaderRule()
        csv.field_size_limit(limits.cell_characters)
        self.encoding = _encoding(stream, encoding)
        self._codec = "utf-8-sig" if self.encoding == "utf-8" else self.encoding
        if delimiter and delimiter not in DELIMITERS:
            raise UnreadableFile("delimiter_unknown", delimiter=delimiter)
        self.delimiter = delimiter or self._delimiter()

    def header(self) -> Header | None:
        """The header among the first lines of the file."""
        return self._header(self.delimiter)

    def rows(self) -> Iterator[Row]:
        """Every row that is not blank, with the number of its first line in the file, from 1."""
        return self._rows(self.delimiter)

    def _delimiter(self) -> str:
        """The separator under which a header shows; else the one most frequent in the first line."""
        if self._rule.line is not None:
            return delimiter_of(self._line(max(1, self._rule.line)))
        best: tuple[Header, str] | None = None
        for delimiter in DELIMITERS:
            header = self._header(delimiter)
            if header is not None and (best is None or self._rule.best([best[0], header]) is header):
                best = (header, delimiter)
        if best is not None:
            return best[1]
        return usual_delimiter(list(islice(self._lines(), 20)))

    def _line(self, wanted: int) -> str:
        return next((line for number, line in enumerate(self._lines(), 1) if number == wanted), "")

    def _header(self, delimiter: str) -> Header | None:
        candidates = []
        try:
            for line, cells in self._rows(delimiter):
                if line > self._limits.header_search_lines:
                    break
                candidates.append(self._rule.read(line, cells[: self._limits.columns]))
                if self._rule.line == 0:
                    break
        except UnreadableFile:
            if not candidates:
                raise
        return self._rule.best(candidates)

    def _lines(self) -> Iterator[str]:
        """The lines with their ends, none longer than the limit: a file without line ends must not fill memory."""
        self._stream.seek(0)
        text = io.TextIOWrapper(_Unclosable(self._stream), encoding=self._codec, errors="strict", newline="")
        longest = self._limits.line_characters
        number = 0
        while line := text.readline(longest):
            number += 1
            if len(line) >= longest and line[-1] not in "\r\n":
                raise UnreadableFile("line_too_long", line=number, limit=longest)
            yield line

    def _rows(self, delimiter: str) -> Iterator[Row]:
        feed = _Feed(self._lines())
        reader = csv.reader(feed, delimiter=delimiter)
        columns = self._limits.columns
        while True:
            first = reader.line_num + 1
            feed.quotes = 0
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if "field larger" in str(error):
                    code = "quote_unclosed" if feed.quotes % 2 else "cell_too_long"
                    raise UnreadableFile(code, line=first, limit=self._limits.cell_characters) from None
                raise UnreadableFile("csv_broken", line=first) from None
            if feed.ended and feed.quotes % 2 and reader.line_num > first:
                raise UnreadableFile("quote_unclosed", line=first, limit=self._limits.cell_characters)
            if not any(cells) or not any(cell.strip() for cell in cells):
                continue
            if len(cells) > columns:
                while cells and not cells[-1].strip():
                    cells.pop()
                if len(cells) > columns:
                    raise UnreadableFile(
                        "too_many_columns",
                        line=first,
                        columns=len(cells),
                        limit=columns,
                    )
            yield first, cells


class _Feed:
    """The lines on their way to the CSV reader, with the quotes of the record under way counted."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.quotes = 0
        self.ended = False

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        try:
            line = next(self._lines)
        except StopIteration:
            self.ended = True
            raise
        if '"' in line:
            self.quotes += line.count('"')
        return line


class _Unclosable(io.BufferedReader):
    """The same stream read from the start again and again: a text wrapper that goes away must not close it."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream, MIB)  # type: ignore[arg-type]

    def close(self) -> None:
        self.detach()


def _encoding(stream: IO[bytes], imposed: str) -> str:
    """The imposed encoding, else the mark's, else strict UTF-8, else Windows-1252; checked on every byte."""
    stream.seek(0)
    head = stream.read(65_536)
    if imposed and imposed not in ENCODINGS:
        raise UnreadableFile("encoding_unknown", encoding=imposed)
    # The mark of UTF-32 begins like that of UTF-16.
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise UnreadableFile("encoding_none", line=1)
    choice = imposed or encoding_of_mark(head)
    if choice != "utf-16":
        _refuse_binary(head)
    if choice:
        line = _first_undecodable_line(stream, choice)
        if line is not None:
            raise UnreadableFile("encoding_wrong", line=line, encoding=choice)
        return choice
    for candidate in ("utf-8", "cp1252"):
        line = _first_undecodable_line(stream, candidate)
        if line is None:
            return candidate
    raise UnreadableFile("encoding_none", line=line)


def _refuse_binary(head: bytes) -> None:
    """Text has hardly any control characters; UTF-16 without its mark has a NUL in every second byte."""
    if head.count(0) * 5 > len(head):
        raise UnreadableFile("encoding_utf16_unmarked")
    controls = len(head) - len(head.translate(None, bytes([*range(1, 9), *range(14, 32)])))
    if controls * 50 > len(head):
        raise UnreadableFile("format_binary")


def _first_undecodable_line(stream: IO[bytes], encoding: str) -> int | None:
    """The number of the first line that the encoding cannot read, None when it reads everything."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    stream.seek(0)
    lines = 1
    while chunk := stream.read(MIB):
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            return lines + error.object[: error.start].count(b"\n")
        lines += chunk.count(b"\n")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return lines
    return None
