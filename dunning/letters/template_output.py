"""The words of a letter dressed: the body of the PDF, the message of an e-mail in text and HTML, a short message."""

import functools
import re
import unicodedata
from collections.abc import Callable, Mapping

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from dunning.letters.context import LetterContext
from dunning.letters.default_templates import default_template
from dunning.letters.engine import render_template
from dunning.letters.formats import NBSP
from dunning.letters.template_fields import field_truth, field_values, vocabulary
from dunning.letters.template_language import Template, parse
from dunning.letters.template_layout import Block, Entries, Heading, Line, Paragraph, Part, lay_out
from dunning.letters.used_template import TemplateUsed

# French writes a space that does not break before these signs and inside its quotation marks.
_FRENCH_SPACES = re.compile(r" (?=[:;?!»%€])|(?<=«) ")

_PLAIN_SIGNS = str.maketrans(
    {"\u00a0": " ", "\u202f": " ", "’": "'", "«": '"', "»": '"', "–": "-", "−": "-", "…": "...", "º": "o"}
)
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)

Values = Mapping[str, object]
BlockWriter = Callable[[str], str]


def words_of(context: LetterContext) -> TemplateUsed:
    """The texts of a letter: those frozen with it, else the built-in ones."""
    return context.template or default_template(context.kind, context.language)


def subject_of(context: LetterContext) -> str:
    """One line: the context's own subject, else that of its texts."""
    return context.subject or _one_line(words_of(context).subject, context)


def short_message(context: LetterContext) -> str:
    """The text of an SMS; empty when the texts have none.

    Signs and accents that telephones send at double the cost become plain.
    """
    text = _one_line(words_of(context).sms, context).translate(_PLAIN_SIGNS)
    return "".join(
        char if char in _GSM else unicodedata.normalize("NFD", char)[0]
        for char in unicodedata.normalize("NFC", text)
    )


def sms_count(text: str) -> int:
    """How many messages a network makes of it: 160 characters, or 70 when one is outside the GSM 03.38 alphabet."""
    alone, joined = (160, 153) if set(text) <= _GSM else (70, 67)
    return 1 if len(text) <= alone else -(-len(text) // joined)


def letter_body(context: LetterContext, values: Values) -> SafeString:
    """The body of the letter as XHTML; every word and value is escaped."""
    return _html(_parts(words_of(context).body, context), lambda name: _letter_block(name, values))


def email_html(context: LetterContext, values: Values) -> SafeString:
    return _html(_parts(words_of(context).email, context), lambda name: _email_html_block(name, values))


def email_text(context: LetterContext, values: Values) -> str:
    """The same message in plain text: one blank line between its parts."""
    written = []
    for part in _parts(words_of(context).email, context):
        if isinstance(part, Block):
            if part.name == "agence" and not values["agency"]:
                continue
            name = f"emails/blocks/{_email_block(part.name)}.txt"
            written.append(_tidy(render_template(name, dict(values), autoescape=False)))
        elif isinstance(part, Entries):
            written.append("\n".join(f"- {_plain(line)}" for line in part.lines))
        else:
            lines = (part.line,) if isinstance(part, Heading) else part.lines
            written.append("\n".join(_plain(line) for line in lines))
    return "\n\n".join(text for text in written if text) + "\n"


# The blocks of the body, by the template that prints them. The décompte is one table when each item has one
# period and one rate, else the items and, apart, their periods.
_LETTER_BLOCKS = {
    "tableau_pieces": "items",
    "tableau_penalites": "items_with_interest",
    "decompte": "statement",
    "mode_calcul": "basis",
    "totaux": "totals",
    "paiement": "payment",
    "agence": "agency",
    "signature": "signature",
}
# A message shows one table of items, whichever the letter has.
_EMAIL_BLOCKS = {"tableau_penalites": "items", "decompte": "items"}


def _letter_block(name: str, values: Values) -> str:
    if name == "agence" and not values["agency"]:
        return ""
    return render_template(f"letters/parts/{_LETTER_BLOCKS[name]}.html", dict(values))


def _email_html_block(name: str, values: Values) -> str:
    if name == "agence" and not values["agency"]:
        return ""
    return render_template(f"emails/blocks/{_email_block(name)}.html", dict(values))


def _email_block(name: str) -> str:
    return _EMAIL_BLOCKS.get(name, _LETTER_BLOCKS[name])


@functools.lru_cache(maxsize=256)
def _parsed(source: str) -> Template:
    return parse(source, vocabulary())


def _parts(source: str, context: LetterContext) -> list[Part]:
    if context.language == "fr":
        source = _FRENCH_SPACES.sub(NBSP, source)
    return lay_out(_parsed(source), field_values(context), field_truth(context))


def _one_line(source: str, context: LetterContext) -> str:
    lines = [line for part in _parts(source, context) if isinstance(part, Paragraph) for line in part.lines]
    return " ".join(_plain(line) for line in lines)


def _html(parts: list[Part], block: BlockWriter) -> SafeString:
    written: list[str] = []
    for index, part in enumerate(parts):
        if isinstance(part, Block):
            text = block(part.name)
            # The closing words and the name stay on one page.
            if part.name == "signature":
                closing = written.pop() if index and isinstance(parts[index - 1], Paragraph) else ""
                text = f'<div class="signature">{closing}{text}</div>'
            written.append(text)
        elif isinstance(part, Heading):
            written.append(f"<h2>{_marked(part.line)}</h2>")
        elif isinstance(part, Entries):
            written.append(f"<ul>{''.join(f'<li>{_marked(line)}</li>' for line in part.lines)}</ul>")
        else:
            leads = ' class="lead"' if _stays_with_next(parts, index) else ""
            written.append(f"<p{leads}>{'<br />'.join(_marked(line) for line in part.lines)}</p>")
    return mark_safe("\n".join(written))


def _stays_with_next(parts: list[Part], index: int) -> bool:
    """What introduces a table; and the last words before the closing, so that a signature is never alone on a page."""
    following = parts[index + 1 : index + 3]
    if following and isinstance(following[0], Block):
        return following[0].name != "signature"
    return len(following) == 2 and following[1] == Block("signature")


def _marked(line: Line) -> str:
    return "".join(f"<b>{escape(run.text)}</b>" if run.bold else escape(run.text) for run in line).strip()


def _plain(line: Line) -> str:
    return "".join(run.text for run in line).strip()


def _tidy(text: str) -> str:
    """Template tags leave blank lines."""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())
