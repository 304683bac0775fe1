"""The watched folders as files: listing, opening and moving, without being led astray by names or links.

The storage named `drop` is a folder of the machine (`DROP_ROOT`), or any storage that the settings name, as a bucket.
On a folder, every step goes through descriptors that follow no symbolic link; only regular files are opened.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.utils.translation import gettext as _

from core.errors import BusinessError

ARCHIVE, REFUSED = "archive", "refused"
REPORT_SUFFIX = ".compte-rendu.txt"
_UNFINISHED = (".part", ".tmp", ".temp", ".filepart", ".crdownload", ".partial", ".swp", REPORT_SUFFIX)
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LONGEST_NAME = 255


class DropPathRefused(BusinessError):
    """The path of a watched folder is none that can be swept."""

    code = "drop_path_refused"


@dataclass(frozen=True)
class Found:
    """A file that waits. `version` changes with its content: size and time of change."""

    name: str
    version: str
    size: int
    modified_at: datetime


def clean_drop_path(text: str) -> str:
    """A path below the storage, its parts separated by slashes. Raises DropPathRefused."""
    parts = [part.strip() for part in text.strip().strip("/").split("/")]
    if not text.strip("/ ") or text.strip().startswith("/") or len(text) > 200:
        raise DropPathRefused(
            _("Indiquez un chemin sous le dossier des dépôts, par exemple « fr01/factures »."), field="path"
        )
    for part in parts:
        if not part or part.startswith(".") or not all(char.isalnum() or char in "-_. " for char in part):
            raise DropPathRefused(
                _(
                    "« %(part)s » ne peut pas nommer un dossier : lettres, chiffres, tirets et points seulement."
                )
                % {"part": part or "/"},
                field="path",
            )
        if part.lower() in (ARCHIVE, REFUSED):
            raise DropPathRefused(
                _("« %(part)s » est réservé aux fichiers déjà pris en charge.") % {"part": part}, field="path"
            )
    return "/".join(parts)


def is_finished(name: str) -> bool:
    """Whether a name is one of a file that its sender has finished: not hidden, not temporary, not our report."""
    return (
        not name.startswith((".", "~"))
        and not name.lower().endswith(_UNFINISHED)
        and len(name.encode("utf-8", "surrogateescape")) <= _LONGEST_NAME - len(REPORT_SUFFIX) - 20
    )


def is_readable_name(name: str) -> bool:
    """Whether a name can be kept and shown: no byte that is no text, no control character."""
    return name.isprintable()


class DropArea:
    """One watched folder of a storage that has no links: a bucket."""

    def __init__(self, storage: Storage, path: str) -> None:
        self.storage = storage
        self.path = path

    def files(self) -> list[Found]:
        """The files right in the folder, the oldest first."""
        _directories, names = self.storage.listdir(self.path)
        found = []
        for name in names:
            if not name:
                continue
            full = f"{self.path}/{name}"
            modified, size = self.storage.get_modified_time(full), self.storage.size(full)
            found.append(Found(name, f"{size}-{modified.isoformat()}", size, modified))
        return sorted(found, key=lambda file: (file.modified_at, file.name))

    @contextmanager
    def opened(self, found: Found) -> Iterator[IO[bytes]]:
        """The bytes. Raises FileNotFoundError when the file has gone."""
        with self.storage.open(f"{self.path}/{found.name}", "rb") as file:
            yield file.file if hasattr(file, "file") else file

    def move(self, name: str, target: str) -> None:
        """Move a file to `target`, a path in this folder. A second call for the same file is harmless."""
        source, kept = f"{self.path}/{name}", f"{self.path}/{target}"
        if not self.storage.exists(kept):
            with self.storage.open(source, "rb") as file:
                self.storage.save(kept, File(file))
        self.storage.delete(source)

    def is_taken(self, target: str) -> bool:
        return self.storage.exists(f"{self.path}/{target}")

    def write(self, target: str, text: str) -> None:
        """Write one of our reports, in place of an older one."""
        name = f"{self.path}/{target}"
        if self.storage.exists(name):
            self.storage.delete(name)
        self.storage.save(name, ContentFile(text.encode()))


class LocalDropArea(DropArea):
    """One watched folder of the machine."""

    def __init__(self, storage: FileSystemStorage, path: str) -> None:
        super().__init__(storage, path)
        self.root = Path(storage.path(""))

    @contextmanager
    def _folder(self, *parts: str, make: bool = False) -> Iterator[int]:
        """A descriptor of the folder, reached without following a link. Raises OSError."""
        self.root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in (*self.path.split("/"), *parts):
                try:
                    deeper = os.open(part, _DIRECTORY, dir_fd=descriptor)
                except FileNotFoundError:
                    if not make:
                        raise
                    os.mkdir(part, 0o770, dir_fd=descriptor)
                    deeper = os.open(part, _DIRECTORY, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = deeper
            yield descriptor
        finally:
            os.close(descriptor)

    def files(self) -> list[Found]:
        found = []
        with self._folder(make=True) as folder:
            for name in os.listdir(folder):
                try:
                    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if stat.S_ISREG(status.st_mode):
                    found.append(_found(name, status))
        return sorted(found, key=lambda file: (file.modified_at, file.name))

    @contextmanager
    def opened(self, found: Found) -> Iterator[IO[bytes]]:
        with self._folder() as folder:
            # Not blocking: what stands there now may have become a pipe.
            descriptor = os.open(
                found.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder
            )
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or _found(found.name, status).version != found.version:
                raise FileNotFoundError(found.name)
            yield file

    def move(self, name: str, target: str) -> None:
        *parts, last = target.split("/")
        with self._folder() as source, self._folder(*parts, make=True) as kept:
            if not _exists(last, kept):
                os.rename(name, last, src_dir_fd=source, dst_dir_fd=kept)

    def is_taken(self, target: str) -> bool:
        *parts, last = target.split("/")
        try:
            with self._folder(*parts) as folder:
                return _exists(last, folder)
        except FileNotFoundError:
            return False

    def write(self, target: str, text: str) -> None:
        *parts, last = target.split("/")
        draft = f".{last}.tmp"
        with self._folder(*parts, make=True) as folder:
            descriptor = os.open(
                draft,
                os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC,
                0o640,
                dir_fd=folder,
            )
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(draft, last, src_dir_fd=folder, dst_dir_fd=folder)


def drop_area(path: str) -> DropArea:
    """The watched folder of this path in the storage that the settings name `drop`."""
    storage = storages["drop"]
    if isinstance(storage, FileSystemStorage):
        return LocalDropArea(storage, path)
    return DropArea(storage, path)


def _found(name: str, status: os.stat_result) -> Found:
    return Found(
        name,
        f"{status.st_size}-{status.st_mtime_ns}",
        status.st_size,
        datetime.fromtimestamp(status.st_mtime, UTC),
    )


def _exists(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
