"""The folder shared with the printer: batches go out whole or not at all, answers come back. docs/formats/post.md.

    outbound/<batch>/       PDFs, manifest.json, manifest.csv, and `ready`, which says that all of it is there
    answers/                files of the printer; `proofs/` beside them; taken in, they go to `archive` or `refused`

A folder of the machine is followed without links, as the other party writes there too. There a batch appears by
one renaming; in a bucket, `ready` is written last. Either way a batch without `ready` is none.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage, storages

from invoices.drop_storage import DropArea, LocalDropArea

OUTBOUND, ANSWERS, PROOFS = "outbound", "answers", "answers/proofs"
READY = "ready"


def exchange_is_configured() -> bool:
    """Whether letters on paper go to a printer rather than being printed by the house."""
    return bool(settings.POST_EXCHANGE)


class Exchange:
    """The shared folder in a storage without renaming: a bucket."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def is_published(self, batch: str) -> bool:
        """Whether the printer may take this batch, or has taken it."""
        return self.storage.exists(f"{OUTBOUND}/{batch}/{READY}")

    def begin(self, batch: str) -> None:
        """Clear what a process that died left of an unpublished batch."""
        folder = f"{OUTBOUND}/{batch}"
        try:
            _folders, names = self.storage.listdir(folder)
        except FileNotFoundError:
            return
        for name in names:
            self.storage.delete(f"{folder}/{name}")

    def put(self, batch: str, name: str, content: IO[bytes]) -> None:
        """Write one file of the batch."""
        self.storage.save(f"{OUTBOUND}/{batch}/{name}", File(content))

    def publish(self, batch: str, note: str) -> None:
        """Say that the batch is whole: from here on it is the printer's."""
        self.storage.save(f"{OUTBOUND}/{batch}/{READY}", ContentFile(note.encode()))

    def answers(self) -> DropArea:
        return DropArea(self.storage, ANSWERS)

    def proofs(self) -> DropArea:
        return DropArea(self.storage, PROOFS)


class _Folder(LocalDropArea):
    """A folder below the root, by a descriptor that followed no link."""

    @contextmanager
    def descriptor(self, *parts: str, make: bool = False) -> Iterator[int]:
        with self._folder(*parts, make=make) as folder:
            yield folder


class LocalExchange(Exchange):
    """The shared folder on this machine: mounted, or served to the printer by SFTP."""

    storage: FileSystemStorage

    def is_published(self, batch: str) -> bool:
        try:
            with self._outbound.descriptor(batch) as folder:
                os.stat(READY, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def begin(self, batch: str) -> None:
        with self._outbound.descriptor(make=True) as outbound:
            # Neither follows a link: what the name leads to elsewhere stays.
            for name in (_draft(batch), batch):
                try:
                    shutil.rmtree(name, dir_fd=outbound)
                except FileNotFoundError:
                    continue

    def put(self, batch: str, name: str, content: IO[bytes]) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with (
            self._outbound.descriptor(_draft(batch), make=True) as folder,
            os.fdopen(os.open(name, flags, 0o640, dir_fd=folder), "wb") as file,
        ):
            shutil.copyfileobj(content, file)
            file.flush()
            os.fsync(file.fileno())

    def publish(self, batch: str, note: str) -> None:
        with self._outbound.descriptor(make=True) as outbound:
            with self._outbound.descriptor(_draft(batch)) as folder:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
                with os.fdopen(os.open(READY, flags, 0o640, dir_fd=folder), "wb") as file:
                    file.write(note.encode())
                    file.flush()
                    os.fsync(file.fileno())
                os.fsync(folder)
            os.rename(_draft(batch), batch, src_dir_fd=outbound, dst_dir_fd=outbound)
            os.fsync(outbound)

    def answers(self) -> DropArea:
        return LocalDropArea(self.storage, ANSWERS)

    def proofs(self) -> DropArea:
        return LocalDropArea(self.storage, PROOFS)

    @property
    def _outbound(self) -> _Folder:
        return _Folder(self.storage, OUTBOUND)


def _draft(batch: str) -> str:
    return f".{batch}.part"


def exchange() -> Exchange:
    """The shared folder in the storage that the settings name `post`."""
    storage = storages["post"]
    return LocalExchange(storage) if isinstance(storage, FileSystemStorage) else Exchange(storage)
