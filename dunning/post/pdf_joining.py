"""Many PDF files joined into one, written as it grows: memory holds one source and the places of the objects.

For printing only: each page keeps its content and its resources; links, attachments, structure and metadata of the
sources stay behind, as paper has none. Sources are PDF files that Encours made.
"""

import io
from collections.abc import Callable
from typing import IO

from pypdf import PdfReader
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    EncodedStreamObject,
    FloatObject,
    IndirectObject,
    NameObject,
    NullObject,
    NumberObject,
    PdfObject,
    StreamObject,
)

# What paper cannot show; some of these lead from a page to the whole document.
_LEFT_BEHIND = (
    "/Annots",
    "/B",
    "/AF",
    "/StructParents",
    "/Parent",
    "/PieceInfo",
    "/Metadata",
    "/Tabs",
    "/Thumb",
)
_CATALOG, _PAGES = 1, 2
_A4 = (FloatObject(595.28), FloatObject(841.89))


class Source:
    """One file whose pages go into the joined one."""

    def __init__(self, joining: "PdfJoining", reader: PdfReader) -> None:
        self._joining = joining
        self._reader = reader
        self._copied: dict[tuple[int, int], int] = {}

    @property
    def page_count(self) -> int:
        return len(self._reader.pages)

    def append(self, first: int = 0, last: int | None = None) -> int:
        """Add the pages from `first` to before `last`, all of them without; returns how many."""
        numbers = range(first, self.page_count if last is None else min(last, self.page_count))
        for number in numbers:
            # pypdf gives each page what it inherits from the tree.
            values = DictionaryObject(self._reader.pages[number])
            for name in _LEFT_BEHIND:
                values.pop(NameObject(name), None)
            self._joining.add_page(values, self._copied)
        return len(numbers)


class PdfJoining:
    """Writes one PDF to `out`, a binary stream; call `append` for each source, then `close`."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._offsets: list[int] = [0, 0, 0]
        self._pages: list[int] = []
        self._at = 0
        self._put(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    @property
    def page_count(self) -> int:
        """How many pages stand in the joined file so far."""
        return len(self._pages)

    def append(self, content: bytes | IO[bytes]) -> int:
        """Add every page of a source; returns how many. Raises pypdf's PdfReadError when it cannot be read."""
        return self.source(content).append()

    def source(self, content: bytes | IO[bytes]) -> "Source":
        """A source whose pages are added some at a time, sharing their fonts."""
        return Source(self, PdfReader(io.BytesIO(content) if isinstance(content, bytes) else content))

    def add_page(self, values: DictionaryObject, copied: dict[tuple[int, int], int]) -> None:
        """Write a page and all it leads to; `copied` are the objects of its file that stand here already."""
        values[NameObject("/Parent")] = IndirectObject(_PAGES, 0, None)
        self._pages.append(self._copy(values, copied))

    def append_blank(self) -> None:
        """Add an empty A4 page: the back of a letter that ends on the front."""
        box = ArrayObject([NumberObject(0), NumberObject(0), *_A4])
        page = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Page"),
                NameObject("/Parent"): IndirectObject(_PAGES, 0, None),
                NameObject("/MediaBox"): box,
                NameObject("/Resources"): DictionaryObject(),
            }
        )
        self._pages.append(self._write(self._reserve(), page))

    def close(self) -> None:
        """Write the tree of pages and the table of objects."""
        kids = ArrayObject(IndirectObject(number, 0, None) for number in self._pages)
        self._write(
            _PAGES,
            DictionaryObject(
                {
                    NameObject("/Type"): NameObject("/Pages"),
                    NameObject("/Kids"): kids,
                    NameObject("/Count"): NumberObject(len(kids)),
                }
            ),
        )
        self._write(
            _CATALOG,
            DictionaryObject(
                {
                    NameObject("/Type"): NameObject("/Catalog"),
                    NameObject("/Pages"): IndirectObject(_PAGES, 0, None),
                }
            ),
        )
        table_at = self._at
        self._put(b"xref\n0 %d\n0000000000 65535 f \n" % len(self._offsets))
        for offset in self._offsets[1:]:
            self._put(b"%010d 00000 n \n" % offset)
        self._put(
            b"trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n"
            % (len(self._offsets), _CATALOG, table_at)
        )

    def _copy(self, root: PdfObject, copied: dict[tuple[int, int], int]) -> int:
        """Write an object and all it leads to under new numbers; returns its own."""
        number = self._reserve()
        waiting: list[tuple[int, PdfObject]] = [(number, root)]

        def renumber(link: IndirectObject) -> IndirectObject:
            if link.pdf is None:  # one of ours
                return link
            key = (link.idnum, link.generation)
            if key not in copied:
                copied[key] = self._reserve()
                target = link.get_object()
                waiting.append((copied[key], NullObject() if target is None else target))
            return IndirectObject(copied[key], 0, None)

        while waiting:
            target_number, target = waiting.pop()
            self._write(target_number, _relinked(target, renumber))
        return number

    def _reserve(self) -> int:
        self._offsets.append(0)
        return len(self._offsets) - 1

    def _write(self, number: int, value: PdfObject) -> int:
        self._offsets[number] = self._at
        buffer = io.BytesIO()
        value.write_to_stream(buffer)
        self._put(b"%d 0 obj\n" % number)
        self._put(buffer.getvalue())
        self._put(b"\nendobj\n")
        return number

    def _put(self, data: bytes) -> None:
        self._out.write(data)
        self._at += len(data)


def _relinked(value: PdfObject, renumber: Callable[[IndirectObject], IndirectObject]) -> PdfObject:
    """The same value with its links renumbered; bytes of streams are taken as they are, still compressed."""
    if isinstance(value, IndirectObject):
        return renumber(value)
    if isinstance(value, StreamObject):
        stream = EncodedStreamObject()
        stream._data = value._data
        for name in value:
            if name != "/Length":
                # As it stands: a link is not followed.
                stream[NameObject(name)] = _relinked(value.raw_get(name), renumber)
        return stream
    if isinstance(value, DictionaryObject):
        return DictionaryObject(
            {NameObject(name): _relinked(value.raw_get(name), renumber) for name in value}
        )
    if isinstance(value, ArrayObject):
        return ArrayObject(_relinked(item, renumber) for item in list.__iter__(value))
    return value
