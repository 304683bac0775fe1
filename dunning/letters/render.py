"""A frozen context becomes a letter: HTML, then a PDF that is the same to the byte each time."""

import hashlib

from django.utils.translation import gettext as _

from core.pdf import EmbeddedFile
from dunning.letters.claim_csv import lines_csv, segments_csv
from dunning.letters.composition import letter_values, letterhead_of, transfer_payload
from dunning.letters.context import LetterContext, LetterContextError
from dunning.letters.engine import render_template, template_version, write_pdf
from dunning.letters.epc_qr import epc_qr_png
from dunning.letters.template_output import letter_body
from dunning.letters.wording import WORDING

LAYOUT = "letters/layout.html"
_QR_URL = "letter:qr"
_LOGO_URL = "letter:logo"
_LOGO_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
)


def render_html(context: LetterContext, *, logo: bytes | None = None) -> str:
    """Return the letter as well-formed XHTML; its images are named, not included.

    Raises TemplateError when its words cannot be read.
    """
    values = letter_values(context) | {
        "logo_url": _LOGO_URL if logo else "",
        "qr_url": _QR_URL if transfer_payload(context) else "",
    }
    return render_template(LAYOUT, values | {"body": letter_body(context, values)})


def render_pdf(context: LetterContext, *, logo: bytes | None = None) -> bytes:
    """Return the letter as a PDF: the same context, logo and template version give the same bytes.

    `logo` is the PNG or JPEG file whose SHA-256 the context names.
    Raises LetterContextError when the logo is not the one the context was frozen with.
    """
    images = {}
    if logo or context.creditor.logo_sha256:
        images[_LOGO_URL] = (_check_logo(context, logo), logo or b"")
    if payload := transfer_payload(context):
        images[_QR_URL] = ("image/png", epc_qr_png(payload))
    seed = f"{context.sha256}:{context.creditor.logo_sha256}:{template_version()}"
    identifier = hashlib.sha256(seed.encode()).hexdigest()[:32].encode()
    return write_pdf(
        render_html(context, logo=logo),
        identifier=identifier,
        images=images,
        embedded=_claim_files(context),
        style=letterhead_of(context).head_style(),
    )


def _claim_files(context: LetterContext) -> list[EmbeddedFile]:
    """The décompte as data, for the debtor's software: PDF/A-3 carries it."""
    words = WORDING[context.language]
    files = [("decompte.csv", words.items_caption, lines_csv(context.lines, context.currency))]
    if context.interest_segments:
        periods = segments_csv(context.interest_segments, context.currency)
        files.append(("penalites.csv", words.interest_caption, periods))
    return [EmbeddedFile(name, label, content, context.date) for name, label, content in files]


def _check_logo(context: LetterContext, logo: bytes | None) -> str:
    if logo is None or hashlib.sha256(logo).hexdigest() != context.creditor.logo_sha256:
        raise LetterContextError(
            _("Le logo fourni n’est pas celui avec lequel la lettre a été figée."), field="logo"
        )
    for signature, media_type in _LOGO_SIGNATURES:
        if logo.startswith(signature):
            return media_type
    raise LetterContextError(_("Le logo doit être une image PNG ou JPEG."), field="logo")
