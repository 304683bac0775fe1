"""XHTML in, PDF out, the same to the byte each time: shared by letters and agreements, kept warm in each process.

What costs the same for every document - stylesheet, fonts - is done once. Nothing is fetched: the fetcher knows
the fonts and the images handed to it, and refuses every other address.
"""

import functools
import hashlib
import io
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from xml.etree import ElementTree

import cssselect2
import pydyf
import weasyprint
from weasyprint.document import Document
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

_ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = _ROOT / "templates"
_VENDOR = _ROOT / "static" / "vendor"
# For archives (PDF/A-3) with its structure tagged (level A): tables stay tables to a screen reader.
PDF_VARIANT = "pdf/a-3a"

# One rendering at a time in a process: Pango's font map is not made for two threads.
_RENDERING = threading.Lock()
# Little styles that come with documents and that many of them share: one for each paper.
_MOST_STYLES = 64


class ForbiddenAddress(ValueError):
    """A document asked for an address outside what it was given."""


class GivenOnly(URLFetcher):
    """Serves the assets given to it by address; no network, no file, no other scheme."""

    def __init__(self, assets: Mapping[str, tuple[str, bytes]]) -> None:
        super().__init__(allowed_protocols=("letter",))
        self.assets = assets

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        try:
            media_type, content = self.assets[url]
        except KeyError:
            raise ForbiddenAddress(url) from None
        return URLFetcherResponse(url, content, {"Content-Type": media_type})


class _Page(weasyprint.HTML):
    """A document parsed as XML, in C: our templates are well formed, and a fault must stop the letter."""

    def __init__(self, xhtml: str, url_fetcher: URLFetcher) -> None:
        root = ElementTree.fromstring(xhtml)
        self.base_url = None
        self.url_fetcher = url_fetcher
        self.media_type = "print"
        self.wrapper_element = cssselect2.ElementWrapper.from_html_root(root, content_language=None)
        self.etree_element = self.wrapper_element.etree_element

    def _ua_stylesheets(self, forms: bool = False) -> list[weasyprint.CSS]:
        # Our stylesheets bring their own base: the browser's costs a tenth of a letter in selectors to try.
        return []


def read_template(name: str) -> str:
    """Return the text of a file of `templates/`: a stylesheet."""
    return (TEMPLATES / name).read_text()


def font_files() -> dict[str, Path]:
    """Return the font files found among the vendored assets, by weight; empty before the set-up ran.

    A weight that is missing falls back on the machine's own sans-serif: the letter looks plainer, it is sent.
    """
    found = {}
    for weight in ("400", "600"):
        for suffix, subset in (("", "latin"), ("-ext", "latin-ext")):
            matches = sorted(_VENDOR.glob(f"**/inter-{subset}-{weight}-normal.woff2"))
            if matches:
                found[f"letter:font/{weight}{suffix}"] = matches[0]
    return found


@functools.cache
def _style(stylesheet: str, process_id: int) -> tuple[weasyprint.CSS, FontConfiguration]:
    # By process: a font configuration deletes its files when it goes, and a forked worker is not its owner.
    fonts = FontConfiguration()
    fetcher = GivenOnly({url: ("font/woff2", path.read_bytes()) for url, path in font_files().items()})
    return weasyprint.CSS(string=read_template(stylesheet), font_config=fonts, url_fetcher=fetcher), fonts


@functools.lru_cache(maxsize=_MOST_STYLES)
def _own_style(css: str) -> weasyprint.CSS:
    return weasyprint.CSS(string=css, url_fetcher=_fetcher())


@functools.cache
def _fetcher() -> GivenOnly:
    # One for all documents, each gives it its images: WeasyPrint's sets up ten handlers of the network.
    return GivenOnly({})


@dataclass(frozen=True, slots=True)
class EmbeddedFile:
    """A file carried inside a PDF/A-3: the data that its pages show. `day` is the date written with it."""

    name: str
    description: str
    content: bytes
    day: date


def write_pdf(
    xhtml: str,
    *,
    stylesheet: str,
    identifier: bytes,
    images: Mapping[str, tuple[str, bytes]],
    embedded: Sequence[EmbeddedFile] = (),
    style: str = "",
) -> bytes:
    """Return the PDF of a well-formed XHTML document. `images` are `letter:` addresses and their bytes.

    `style` is CSS that this document has beside its stylesheet and shares with others of its kind.
    The same arguments give the same bytes: the identifier is given, dates come from the document.
    Raises ElementTree.ParseError when the document is not well formed.
    """
    with _RENDERING:
        sheet, fonts = _style(stylesheet, os.getpid())
        fetcher = _fetcher()
        fetcher.assets = images
        written: bytes = _Page(xhtml, fetcher).write_pdf(
            font_config=fonts,
            stylesheets=[sheet, _own_style(style)] if style else [sheet],
            pdf_identifier=False,
            pdf_variant=PDF_VARIANT,
            attachments=[_attachment(file, fetcher) for file in embedded],
            finisher=_name_files_once,
        )
        return _identified(written, identifier)


def _identified(written: bytes, identifier: bytes) -> bytes:
    """The file with its identifier, in the last dictionary of it: the one that says where all others are.

    WeasyPrint would make every object a second time to hash them: a twelfth of the work.
    """
    place = int(written[written.rindex(b"startxref") :].split()[1])
    inside = written.index(b"<<", place) + 2
    of_content = hashlib.md5(written, usedforsecurity=False).hexdigest().encode()
    return written[:inside] + b"/ID [(%s) (%s)]" % (identifier, of_content) + written[inside:]


def _attachment(file: EmbeddedFile, fetcher: GivenOnly) -> weasyprint.Attachment:
    moment = datetime.combine(file.day, time.min)
    return weasyprint.Attachment(
        file_obj=io.BytesIO(file.content),
        url_fetcher=fetcher,
        name=file.name,
        description=file.description,
        created=moment,
        modified=moment,
        relationship="Data",
    )


def _name_files_once(_document: Document, written: pydyf.PDF) -> None:
    """The variant names each embedded file twice in the catalogue; once is what the standard asks."""
    if "AF" in written.catalog:
        written.catalog["AF"] = pydyf.Array(dict.fromkeys(written.catalog["AF"]))
