"""A ZIP from strangers: what it may hold is settled before anything in it is unpacked, and unpacking is bounded."""

import stat
import struct
import zipfile
import zlib
from typing import IO, Any

from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB

MOST_MEMBERS = 20_000
LARGEST_MEMBER = 64 * MIB
MOST_UNPACKED = 768 * MIB
MOST_RATIO = 200
_LEAST_BOMB = MIB
_LONGEST_NAME = 400
_DIRECTORY_ENTRY = 46
_END, _END_64, _END_64_LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
# What file managers leave in archives.
_LITTER = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini", ".git/")


class BrokenMember(Exception):
    """One file of the archive cannot be unpacked. `code` and `params` choose the message."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code, params)
        self.code = code
        self.params = params


class Archive:
    """The files of a ZIP by their paths, in its order. Raises UnreadableFile for what is no honest archive."""

    def __init__(self, stream: IO[bytes]) -> None:
        _check_directory(stream)
        try:
            self._zip = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error) as error:
            raise UnreadableFile("zip_broken") from error
        self._announced = 0
        self.members: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            self._add(info)

    def _add(self, info: zipfile.ZipInfo) -> None:
        name = info.filename
        _check_name(info)
        if name.endswith("/") or any(part in name for part in _LITTER):
            return
        if info.flag_bits & 0x1:
            raise UnreadableFile("zip_encrypted", name=_shown(name))
        if name.lower().endswith(".zip"):
            raise UnreadableFile("zip_nested", name=_shown(name))
        if info.file_size > _LEAST_BOMB and info.file_size > MOST_RATIO * max(info.compress_size, 1):
            raise UnreadableFile("zip_bomb", name=_shown(name), size=info.file_size // MIB)
        if name in self.members:
            raise UnreadableFile("zip_duplicate", name=_shown(name))
        self.members[name] = info
        self._announced += info.file_size
        if self._announced > MOST_UNPACKED:
            raise UnreadableFile("zip_too_large", limit=MOST_UNPACKED // MIB)

    def read(self, name: str) -> bytes:
        """The bytes of one file. Raises BrokenMember, and UnreadableFile for a bomb or an archive in the archive."""
        info = self.members[name]
        if info.file_size > LARGEST_MEMBER:
            raise BrokenMember("member_too_large", limit=LARGEST_MEMBER // MIB)
        try:
            with self._zip.open(info) as member:
                content = member.read(min(info.file_size, LARGEST_MEMBER) + 1)
        except (
            zipfile.BadZipFile,
            zlib.error,
            NotImplementedError,
            RuntimeError,
            EOFError,
            OSError,
            ValueError,
        ) as error:
            raise BrokenMember("member_broken") from error
        if len(content) > info.file_size:
            raise UnreadableFile("zip_bomb", name=_shown(name), size=info.file_size // MIB)
        if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            raise UnreadableFile("zip_nested", name=_shown(name))
        return content


def _check_name(info: zipfile.ZipInfo) -> None:
    """No path that leads out of a folder, no link: nothing here is written by name, but a bad name is no accident."""
    name = info.orig_filename
    parts = name.replace("\\", "/").split("/")
    if (
        not name
        or len(name) > _LONGEST_NAME
        or "\\" in name
        or name.startswith("/")
        or ".." in parts
        or name[1:2] == ":"
        or any(ord(char) < 32 for char in name)
    ):
        raise UnreadableFile("zip_path", name=_shown(name))
    if stat.S_ISLNK(info.external_attr >> 16):
        raise UnreadableFile("zip_path", name=_shown(name))


def _check_directory(stream: IO[bytes]) -> None:
    """Refuse a directory of too many files before it is read: each of them takes memory."""
    size = stream.seek(0, 2)
    start = max(0, size - 65_557)
    stream.seek(start)
    tail = stream.read(size - start)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < 22:
        raise UnreadableFile("zip_broken")
    count, directory = struct.unpack_from("<HI", tail, at + 10)
    if at >= 20 and tail[at - 20 : at - 16] == _END_64_LOCATOR:
        stream.seek(max(0, start + at - 20 - 56))
        record = stream.read(56)
        if record[:4] != _END_64:
            raise UnreadableFile("zip_broken")
        count, directory = struct.unpack_from("<QQ", record, 32)
    if count > MOST_MEMBERS or directory > MOST_MEMBERS * (_DIRECTORY_ENTRY + _LONGEST_NAME):
        raise UnreadableFile("zip_too_many", limit=MOST_MEMBERS, count=min(count, 10**9))
    stream.seek(0)


def _shown(name: str) -> str:
    return name[:120].replace("\x00", "\ufffd")
