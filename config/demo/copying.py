"""COPY into a table, a chunk at a time: neither a row by row nor the whole in memory."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

_CHUNK = 1 << 20  # characters held before they go to the server
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Copier:
    """Feeds one table by COPY, a chunk at a time."""

    def __init__(self, cursor: Any, table: str, columns: Iterable[str]) -> None:
        self._cursor = cursor
        self._statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        self._lines: list[str] = []
        self._held = 0
        self.count = 0

    def add(self, *values: object) -> None:
        line = "\t".join(
            "\\N" if value is None else value.translate(_ESCAPES) if isinstance(value, str) else str(value)
            for value in values
        )
        self.add_line(line)

    def add_line(self, line: str) -> None:
        """A line already in the COPY format, its values known to hold nothing to escape."""
        self._lines.append(line)
        self._held += len(line)
        self.count += 1
        if self._held > _CHUNK:
            self.flush()

    def flush(self) -> None:
        if self._lines:
            self._lines.append("")
            self._cursor.copy_expert(self._statement, StringIO("\n".join(self._lines)))
            self._lines, self._held = [], 0


@contextmanager
def copying(cursor: Any, table: str, columns: Iterable[str]) -> Iterator[Copier]:
    copier = Copier(cursor, table, columns)
    yield copier
    copier.flush()
