"""A Maildir that the mail server fills: each message is claimed once, read, and archived. Files only.

New messages lie in `new`; one that is being read lies in `cur`, where it is found again if its reader was killed;
what was read lies in `.Archive/cur` (Maildir++), what was no report in `.Autres/cur`.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ARCHIVE, OTHERS = ".Archive", ".Autres"
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Maildir:
    """The folder at `path`. Raises OSError when it is none."""

    def __init__(self, path: str) -> None:
        self._root = Path(path)

    def claimed(self) -> Iterator[Path]:
        """The messages that wait, each moved to `cur` first; those that a killed reader left there come before.

        Raises OSError at once when there is no such folder.
        """
        current = self._root / "cur"
        current.mkdir(exist_ok=True)
        return self._each(current, sorted(self._files(current)), sorted(self._files(self._root / "new")))

    @staticmethod
    def _each(current: Path, left: list[Path], new: list[Path]) -> Iterator[Path]:
        yield from left
        for path in new:
            target = current / path.name
            try:
                os.rename(path, target)
            except FileNotFoundError:
                # Another reader was first.
                continue
            yield target

    @staticmethod
    def _files(folder: Path) -> list[Path]:
        with os.scandir(folder) as entries:
            return [
                Path(entry.path)
                for entry in entries
                if entry.is_file(follow_symlinks=False) and not entry.name.startswith(".")
            ]

    @staticmethod
    def head(path: Path, size: int) -> bytes:
        """The first bytes of a claimed message. Raises OSError for what is no regular file."""
        descriptor = os.open(path, _OPEN)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(f"{path.name}: not a file")
            return file.read(size)

    def archive(self, path: Path, *, is_report: bool) -> None:
        """Put a read message away."""
        folder = self._root / (ARCHIVE if is_report else OTHERS)
        for part in ("cur", "new", "tmp"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            os.replace(path, folder / "cur" / path.name)
