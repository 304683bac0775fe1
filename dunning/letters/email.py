"""The e-mail that carries a letter: plain text and HTML saying the same, from the same frozen context."""

import functools
from dataclasses import dataclass

import css_inline

from core.pdf import read_template
from dunning.letters.composition import letter_subject, letter_values
from dunning.letters.context import LetterContext, LetterKind
from dunning.letters.engine import render_template

# The words of each message stand once, in a text template; the two layouts dress it as text and as HTML.
MESSAGES: dict[tuple[LetterKind, str], str] = {
    (LetterKind.REMINDER, "fr"): "emails/fr/reminder.txt",
    (LetterKind.SECOND_REMINDER, "fr"): "emails/fr/second_reminder.txt",
    (LetterKind.FORMAL_NOTICE, "fr"): "emails/fr/formal_notice.txt",
    (LetterKind.HAND_OVER_INFO, "fr"): "emails/fr/hand_over_info.txt",
    (LetterKind.REMINDER, "en"): "emails/en/reminder.txt",
    (LetterKind.SECOND_REMINDER, "en"): "emails/en/second_reminder.txt",
    (LetterKind.FORMAL_NOTICE, "en"): "emails/en/formal_notice.txt",
    (LetterKind.HAND_OVER_INFO, "en"): "emails/en/hand_over_info.txt",
}
TEXT_LAYOUT = "emails/layout.txt"
HTML_LAYOUT = "emails/layout.html"
STYLESHEET = "emails/email.css"


@dataclass(frozen=True, slots=True)
class EmailContent:
    subject: str
    text: str
    html: str


def render_email(context: LetterContext) -> EmailContent:
    """Return the e-mail of a letter; the caller attaches the PDF.

    Every value is escaped in the HTML, and styles are inlined: many mail readers drop style sheets.
    """
    message = MESSAGES[context.kind, context.language]
    values = letter_values(context)
    text = render_template(message, values | {"layout": TEXT_LAYOUT}, autoescape=False)
    html = render_template(message, values | {"layout": HTML_LAYOUT})
    return EmailContent(
        subject=f"{letter_subject(context)} ({context.reference})",
        text=_tidy(text),
        html=_inliner().inline(html),
    )


@functools.cache
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(extra_css=read_template(STYLESHEET), load_remote_stylesheets=False)


def _tidy(text: str) -> str:
    """Template tags leave blank lines; a message has one between paragraphs and none elsewhere."""
    lines = [line.strip() for line in text.strip().splitlines()]
    kept = [line for index, line in enumerate(lines) if line or lines[index - 1]]
    return "\n".join(kept) + "\n"
