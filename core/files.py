"""Keeping bytes: immutable, hashed, in the private storage that the settings name."""

import hashlib
from datetime import datetime
from pathlib import PurePath
from typing import IO

from django.core.files.base import ContentFile, File
from django.core.files.storage import storages

from core.models import StoredFile

_CHUNK = 1024 * 1024


def sha256_of(stream: IO[bytes]) -> str:
    """The SHA-256 of a stream, which is left rewound."""
    digest = hashlib.sha256()
    stream.seek(0)
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    stream.seek(0)
    return digest.hexdigest()


def _storage_name(sha256: str, name: str) -> str:
    suffix = PurePath(name).suffix.lower()
    safe = suffix if suffix[1:].isascii() and suffix[1:].isalnum() and len(suffix) <= 6 else ""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}{safe}"


def store_file(
    *, content: bytes | IO[bytes], name: str, kind: str, content_type: str, now: datetime
) -> StoredFile:
    """Keep the bytes, then the row that names them. The same bytes are stored once.

    Bytes come first: a crash between both leaves an orphan blob, never a row without its bytes.
    """
    if isinstance(content, bytes):
        sha256, size = hashlib.sha256(content).hexdigest(), len(content)
        file: File[bytes] = ContentFile(content)
    else:
        sha256 = sha256_of(content)
        file = File(content)
        size = content.seek(0, 2)
        content.seek(0)
    storage = storages["private"]
    storage_name = _storage_name(sha256, name)
    if storage.exists(storage_name) and storage.size(storage_name) != size:
        # Left by a process that died while it wrote.
        storage.delete(storage_name)
    if not storage.exists(storage_name):
        storage_name = storage.save(storage_name, file)
    return StoredFile.objects.create(
        kind=kind,
        name=PurePath(name.replace("\\", "/")).name[:255],
        content_type=content_type,
        size=size,
        sha256=sha256,
        storage_name=storage_name,
        created_at=now,
    )


def open_file(stored: StoredFile) -> IO[bytes]:
    """The bytes of a stored file, opened for reading."""
    return storages["private"].open(stored.storage_name, "rb")


def read_file(stored: StoredFile) -> bytes:
    """The bytes of a stored file, whole."""
    with open_file(stored) as stream:
        return stream.read()
