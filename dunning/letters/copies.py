"""Copies of invoices behind a letter that leaves on paper: one file, so that what is printed is what was kept.

The letter's own pages stay as they are; a file with copies is no archive file any more, since those were not made here.
"""

import io
from collections.abc import Sequence

from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError

MOST_PAGES = 60


def printable_pages(content: bytes) -> int:
    """How many pages of a kept PDF can be printed; 0 when it cannot be read, is locked or has none."""
    try:
        reader = PdfReader(io.BytesIO(content))
        return 0 if reader.is_encrypted else len(reader.pages)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return 0


def with_copies(letter: bytes, copies: Sequence[bytes]) -> bytes:
    """The letter followed by every page of each copy."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(letter)))
    for copy in copies:
        for page in PdfReader(io.BytesIO(copy)).pages:
            writer.add_page(page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
