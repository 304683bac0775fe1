"""The e-mail of a letter: text and HTML say the same, values are escaped, styles are inlined."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest

from dunning.letters.context import LANGUAGES, LetterKind
from dunning.letters.email import render_email
from tests.dunning.letter_samples import CREDITOR, DEBTOR, make_context


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.words.append(data)


def read_html(html: str) -> _Text:
    parser = _Text()
    parser.feed(html)
    return parser


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LetterKind)
def test_text_and_html_say_the_same(kind, language):
    context = make_context(kind, language=language, invoices=6)
    content = render_email(context)
    html = plain(" ".join(read_html(content.html).words))
    for line in context.lines:
        assert line.number in content.text
        assert line.number in html
    opening = plain(content.text.split("\n\n")[1])
    assert opening in html
    assert content.subject.endswith("(AMD-R0000042)")
    assert ("IBAN" in content.text) == (kind is not LetterKind.HAND_OVER_INFO)
    assert ("IBAN" in html) == (kind is not LetterKind.HAND_OVER_INFO)


def test_a_reminder_by_mail():
    content = render_email(make_context(LetterKind.REMINDER, invoices=1))
    text = plain(content.text)
    assert content.subject == "Votre compte client – règlement en attente (AMD-R0000042)"
    assert "la facture ci-dessous, arrivée à échéance, ne nous a pas encore été réglée" in text
    assert "d’ici au 1er décembre 2026" in text
    assert "- FA-2026-00118, échéance 01/08/2026, reste dû 1 334,56 EUR" in text
    assert "Total à payer : 1 334,56 €" in text
    assert "IBAN : FR76 3000 6000 0112 3456 7890 189" in text
    assert "732 829 320 RCS Lyon" in text
    for threat in ("pénalité", "indemnité", "mise en demeure"):
        assert threat not in text.lower()


def test_values_are_escaped_in_html_and_literal_in_text():
    nasty = '<img src=x onerror="alert(1)"> & Fils'
    line = make_context(invoices=1).lines[0]
    context = make_context(
        LetterKind.SECOND_REMINDER,
        lines=[dataclasses.replace(line, number=nasty)],
        interest_segments=(),
        creditor=dataclasses.replace(CREDITOR, name=nasty),
        debtor=dataclasses.replace(DEBTOR, name=nasty),
        contact=dataclasses.replace(make_context().contact, name=nasty),
    )
    content = render_email(context)
    parsed = read_html(content.html)
    assert "img" not in parsed.tags
    assert "script" not in parsed.tags
    assert nasty in "".join(parsed.words)
    assert f"- {nasty}, échéance" in content.text
    assert "&amp;" not in content.text and "&lt;" not in content.text


def test_styles_are_inlined_and_nothing_is_fetched():
    html = render_email(make_context()).html
    assert "<style" not in html
    assert "<link" not in html
    assert 'style="' in html
    assert "http" not in html


def test_text_has_single_blank_lines():
    text = render_email(make_context(invoices=6)).text
    assert "\n\n\n" not in text
    assert text.startswith("Madame, Monsieur,\n\n")


def test_a_subject_has_one_line():
    content = render_email(make_context(subject="Un\nsujet\r\nBcc: x@example.org"))
    assert "\n" not in content.subject and "\r" not in content.subject
