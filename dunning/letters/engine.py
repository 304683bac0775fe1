"""The letters' own template engine; the PDF is written by `core.pdf`."""

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path

from django.template import Engine
from django.template.context import Context

from core import pdf

_TEMPLATES = pdf.TEMPLATES
STYLESHEET = "letters/letter.css"


class _UndefinedVariable(str):
    """Makes the engine fail on a variable that is not there, instead of printing a hole in a letter."""

    def __contains__(self, item: object) -> bool:
        return True

    def __mod__(self, name: object) -> str:
        raise LookupError(f"undefined template variable: {name}")


@functools.cache
def _engine() -> Engine:
    return Engine(
        dirs=[str(_TEMPLATES)],
        loaders=[("django.template.loaders.cached.Loader", ["django.template.loaders.filesystem.Loader"])],
        builtins=["dunning.letters.formats"],
        string_if_invalid=_UndefinedVariable("%s"),
    )


def render_template(name: str, values: dict[str, object], *, autoescape: bool = True) -> str:
    """Render a template of letters or e-mails. Raises LookupError on an undefined variable."""
    context = Context(values, autoescape=autoescape, use_l10n=False, use_tz=False)
    return _engine().get_template(name).render(context)


@functools.cache
def template_version() -> str:
    """Twelve hexadecimal digits that change with any template, stylesheet or wording of letters."""
    digest = hashlib.sha256()
    sources = [*_TEMPLATES.glob("letters/**/*"), *_TEMPLATES.glob("emails/**/*")]
    sources += [*Path(__file__).parent.rglob("*.py"), Path(pdf.__file__)]
    for path in sorted(path for path in sources if path.is_file()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def write_pdf(
    xhtml: str,
    *,
    identifier: bytes,
    images: dict[str, tuple[str, bytes]],
    embedded: Sequence[pdf.EmbeddedFile] = (),
    style: str = "",
) -> bytes:
    """Return the PDF of a letter: `core.pdf.write_pdf` with the letters' stylesheet."""
    return pdf.write_pdf(
        xhtml, stylesheet=STYLESHEET, identifier=identifier, images=images, embedded=embedded, style=style
    )
