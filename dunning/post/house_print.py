"""A batch printed by the house: its letters in one PDF, a separator before each customer, the manifest last.

Reads the letters one at a time; what is kept of them all is a line each.
"""

import hashlib
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.pdf import write_pdf
from dunning.post.pdf_joining import PdfJoining, Source

STYLESHEET = "post/post.css"
# So many separators, or lines of the manifest, are laid out at once.
_CHUNK = 50
_MANIFEST_CHUNK = 200
_LISTED = 18
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True)
class PrintedLetter:
    """One letter of the batch; `content` opens its PDF of `pages` pages."""

    reference: str
    customer: str
    account: str
    channel: str
    pages: int
    sha256: str
    content: Callable[[], IO[bytes]]


def print_batch(
    batch: str, sender: str, letters: Sequence[PrintedLetter], out: IO[bytes], *, is_duplex: bool
) -> int:
    """Write the batch to `out`, a binary stream; returns how many pages. Letters of a customer stand together."""
    joining = PdfJoining(out)
    foot = f"{batch} · {sender}"
    groups = [list(group) for _key, group in itertools.groupby(letters, key=lambda letter: letter.account)]
    first_pages: list[int] = []
    for group, separator in zip(groups, _separators(batch, foot, groups, joining), strict=True):
        separator.source.append(separator.page, separator.page + 1)
        _fill(joining, is_duplex)
        for letter in group:
            first_pages.append(joining.page_count + 1)
            with letter.content() as stream:
                joining.append(stream)
            _fill(joining, is_duplex)
    for manifest in _manifests(batch, foot, sender, letters, first_pages):
        joining.append(manifest)
    joining.close()
    return joining.page_count


def _fill(joining: PdfJoining, is_duplex: bool) -> None:
    if is_duplex and joining.page_count % 2:
        joining.append_blank()


@dataclass(frozen=True)
class _Separator:
    source: Source
    page: int


def _separators(
    batch: str, foot: str, groups: Sequence[Sequence[PrintedLetter]], joining: PdfJoining
) -> Iterator[_Separator]:
    for start in range(0, len(groups), _CHUNK):
        chunk = groups[start : start + _CHUNK]
        pages = [
            {
                "place": f"{start + offset + 1} / {len(groups)}",
                "customer": group[0].customer,
                "account": group[0].account,
                "letters": [
                    {
                        "reference": letter.reference,
                        "channel": letter.channel,
                        "pages": ngettext("%(count)d page", "%(count)d pages", letter.pages)
                        % {"count": letter.pages},
                    }
                    for letter in group[:_LISTED]
                ],
                "more": _("… et %(count)d autres courriers.") % {"count": len(group) - _LISTED}
                if len(group) > _LISTED
                else "",
            }
            for offset, group in enumerate(chunk)
        ]
        source = joining.source(_laid_out("post/separators.html", batch=batch, foot=foot, pages=pages))
        if source.page_count != len(chunk):
            raise RuntimeError(f"{len(chunk)} separators took {source.page_count} pages")
        for offset in range(len(chunk)):
            yield _Separator(source, offset)


def _manifests(
    batch: str, foot: str, sender: str, letters: Sequence[PrintedLetter], first_pages: Sequence[int]
) -> Iterator[bytes]:
    subtitle = _("%(sender)s · %(letters)s · %(pages)s") % {
        "sender": sender,
        "letters": ngettext("%(count)d courrier", "%(count)d courriers", len(letters))
        % {"count": len(letters)},
        "pages": ngettext(
            "%(count)d page de courrier", "%(count)d pages de courrier", sum(row.pages for row in letters)
        )
        % {"count": sum(row.pages for row in letters)},
    }
    heads = [
        {"label": label, "is_number": is_number}
        for label, is_number in (
            (_("Page"), True),
            (_("Référence"), False),
            (_("Client"), False),
            (_("Canal"), False),
            (_("Pages"), True),
            (_("Empreinte SHA-256"), False),
        )
    ]
    for start in range(0, len(letters), _MANIFEST_CHUNK):
        rows = [
            {
                "page": first_pages[number],
                "reference": letters[number].reference,
                "customer": letters[number].customer,
                "channel": letters[number].channel,
                "pages": letters[number].pages,
                "sha256": letters[number].sha256,
            }
            for number in range(start, min(start + _MANIFEST_CHUNK, len(letters)))
        ]
        yield _laid_out(
            "post/manifest.html",
            batch=batch,
            foot=foot,
            title=_("Bordereau du lot %(batch)s") % {"batch": batch},
            subtitle=subtitle,
            heads=heads,
            rows=rows,
        )


def _laid_out(template: str, **values: object) -> bytes:
    xhtml = _CONTROL.sub(" ", render_to_string(template, values))
    seed = hashlib.sha256(xhtml.encode()).hexdigest()[:32].encode()
    return write_pdf(xhtml, stylesheet=STYLESHEET, identifier=seed, images={})
