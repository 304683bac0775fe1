"""The e-mail that carries a letter: plain text and HTML saying the same, from the same frozen context."""

import functools
from dataclasses import dataclass

import css_inline

from core.pdf import read_template
from dunning.letters.composition import letter_values
from dunning.letters.context import LetterContext
from dunning.letters.engine import render_template
from dunning.letters.template_output import email_html, email_text

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
    values = letter_values(context)
    html = render_template(HTML_LAYOUT, values | {"message": email_html(context, values)})
    foot = "\n".join(str(line) for line in (values["mentions"], values["numbers"]) if line)
    return EmailContent(
        subject=f"{values['subject']} ({context.reference})",
        text=f"{email_text(context, values)}\n--\n{foot}\n",
        html=_inliner().inline(html),
    )


@functools.cache
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(extra_css=read_template(STYLESHEET), load_remote_stylesheets=False)
