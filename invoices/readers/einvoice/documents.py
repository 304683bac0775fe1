"""The documents of an upload: one XML, one PDF, or a ZIP of both, each led to its XML."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import IO, Any

from invoices.readers.einvoice.archive import LARGEST_MEMBER, Archive, BrokenMember
from invoices.readers.einvoice.xml import BadXml, looks_like_xml, name_of, namespace_of, parse
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB

_PDF_SECONDS = 20
# What a PDF/A-3 calls the invoice it carries; other names are looked at after these.
_XML_NAMES = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml")
SINGLE_PDF, SINGLE_XML = "facture.pdf", "facture.xml"


@dataclass
class Document:
    """A file that should be an invoice: its `root` element, or the `code` and `params` of why it is none.

    `name` is what people look at: the PDF when there is one. `kind` is `UBL`, `CII` or empty.
    """

    name: str
    root: Any = None
    kind: str = ""
    code: str = ""
    params: dict[str, Any] | None = None


class Documents:
    """The documents of a stream. `total` is their number."""

    def __init__(self, stream: IO[bytes]) -> None:
        head = _head(stream)
        self._stream, self._archive, self._names = stream, None, list[str]()
        self.total = 1
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            self._archive = Archive(stream)
            self._names = _documents_of(list(self._archive.members))
            self.total = len(self._names)
            if not self.total:
                raise UnreadableFile("zip_empty")
        elif not is_pdf(head) and not looks_like_xml(head):
            raise UnreadableFile("einvoice_not_one")

    @property
    def container(self) -> str:
        return "zip" if self._archive else "single"

    def __iter__(self) -> Iterator[Document]:
        if self._archive is None:
            yield self._single()
            return
        pdfs = {_stem(name): name for name in self._archive.members if name.lower().endswith(".pdf")}
        for name in self._names:
            document = self._member(name)
            if not name.lower().endswith(".pdf"):
                document.name = pdfs.get(_stem(name), name)
            yield document

    def _single(self) -> Document:
        """The only document; the file as a whole is refused when it is no invoice."""
        size = self._stream.seek(0, 2)
        if size > LARGEST_MEMBER:
            raise UnreadableFile("einvoice_too_large", limit=LARGEST_MEMBER // MIB)
        self._stream.seek(0)
        content = self._stream.read()
        document = document_of(SINGLE_PDF if is_pdf(content) else SINGLE_XML, content)
        if document.code:
            raise UnreadableFile(document.code, **(document.params or {}))
        return document

    def _member(self, name: str) -> Document:
        assert self._archive is not None
        try:
            return document_of(name, self._archive.read(name))
        except BrokenMember as error:
            return Document(name, code=error.code, params=error.params)


def document_of(name: str, content: bytes) -> Document:
    """The invoice in these bytes, or why there is none. Never raises for what a stranger wrote."""
    try:
        if is_pdf(content[:1024]):
            root = _root_in_pdf(content)
        elif looks_like_xml(content[:1024]):
            root = parse(content)
        else:
            raise BadXml("member_not_invoice")
        return Document(name, root=root, kind=_kind_of(root))
    except BadXml as error:
        return Document(name, code=error.code, params=error.params)
    except MemoryError:
        return Document(name, code="member_too_large", params={"limit": LARGEST_MEMBER // MIB})


def is_pdf(head: bytes) -> bool:
    return b"%PDF-" in head[:1024]


def _kind_of(root: Any) -> str:
    """`UBL` or `CII`. Raises BadXml that says what else the document is."""
    name, namespace = name_of(root), namespace_of(root)
    if name in ("Invoice", "CreditNote") and f":xsd:{name}-2" in namespace:
        return "UBL"
    if (name == "CrossIndustryInvoice" and "CrossIndustryInvoice" in namespace) or (
        name == "CrossIndustryDocument" and "ferd" in namespace
    ):
        return "CII"
    if name == "SCRDMCCBDACIOMessageStructure" or name.startswith("Order"):
        raise BadXml("einvoice_is_order")
    if name == "CrossDomainAcknowledgementAndResponse":
        raise BadXml("einvoice_is_status")
    if name in ("Document", "BkToCstmrStmt"):
        raise BadXml("einvoice_is_bank")
    raise BadXml("einvoice_root", value=name[:80], namespace=namespace[:120])


def _root_in_pdf(content: bytes) -> Any:
    """The invoice that a PDF carries. Raises BadXml: none, several kinds of damage, or too long to look for."""
    last: BadXml | None = None
    for attached in _attachments(content):
        try:
            root = parse(attached)
            _kind_of(root)
        except BadXml as error:
            last = error if last is None or error.code == "einvoice_is_order" else last
            continue
        return root
    if last is not None:
        raise last
    raise BadXml("pdf_without_xml")


def _attachments(content: bytes) -> list[bytes]:
    """The embedded files of a PDF that begin as XML does, those with the names of the standard first."""
    from pypdf import PdfReader

    found: list[tuple[int, bytes]] = []
    try:
        with _time_limit(_PDF_SECONDS):
            reader = PdfReader(BytesIO(content), strict=False)
            if reader.is_encrypted and not reader.decrypt(""):
                raise BadXml("pdf_encrypted")
            for attached in reader.attachment_list:
                name = attached.name.lower()
                embedded = attached.content
                if looks_like_xml(embedded[:1024]):
                    found.append((0 if name in _XML_NAMES else 1, embedded))
    except (BadXml, MemoryError):
        raise
    except _TooSlow:
        raise BadXml("pdf_too_slow") from None
    except Exception as error:
        # pypdf tells damage by exceptions of every kind: one damaged PDF must not stop the others.
        code = "pdf_encrypted" if "ecrypt" in type(error).__name__ + str(error) else "pdf_broken"
        raise BadXml(code) from None
    return [embedded for _rank, embedded in sorted(found, key=lambda pair: pair[0])]


class _TooSlow(BaseException):
    """Not an Exception: libraries that catch everything must not swallow it."""


@contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    """Stop the body after so many seconds of processor time. In the main thread of the reading process only."""
    started = time.process_time()

    def stop(_signal: int, _frame: Any) -> None:
        raise _TooSlow

    previous = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)
        if time.process_time() - started > 2 * seconds:
            raise _TooSlow


def _documents_of(names: list[str]) -> list[str]:
    """The files to read: a PDF beside an XML of the same stem is the picture of it, not another invoice."""
    xml_stems = {_stem(name) for name in names if name.lower().endswith(".xml")}
    return [name for name in names if not (name.lower().endswith(".pdf") and _stem(name) in xml_stems)]


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix("")).lower()


def _head(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    head = stream.read(1024)
    stream.seek(0)
    if not head.strip():
        raise UnreadableFile("empty")
    return head
