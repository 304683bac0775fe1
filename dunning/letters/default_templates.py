"""The built-in words of each kind of letter in each language: files of the repository, in the letters' language."""

import functools
import re

from core.pdf import read_template
from dunning.letters.context import LetterKind
from dunning.letters.used_template import TemplateUsed

# Sections of a file: « === objet », and what follows until the next one.
_SECTION = re.compile(r"^=== *(\S+) *$", re.MULTILINE)
_SECTIONS = {"objet": "subject", "courrier": "body", "e-mail": "email", "sms": "sms"}


@functools.cache
def default_template(kind: LetterKind, language: str) -> TemplateUsed:
    """Return the built-in template. Raises FileNotFoundError in a language without letters."""
    text = read_template(f"letters/{language}/{kind.lower()}.txt")
    _before, *pieces = _SECTION.split(text)
    found = {_SECTIONS[name]: words.strip() for name, words in zip(pieces[::2], pieces[1::2], strict=True)}
    return TemplateUsed(**found)
