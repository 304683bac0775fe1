"""Forbidden words and mandatory mentions of letters, by the text that asks for them."""

import dataclasses
import itertools
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from dunning.letters import required_mentions
from dunning.letters.context import Channel, LetterKind
from dunning.letters.render import render_html
from dunning.letters.vocabulary import (
    Severity,
    UnknownVocabulary,
    WordReason,
    forbidden_words,
    languages,
    mandatory_mentions,
    missing_mentions,
    word_list,
)
from tests.dunning.letter_samples import AS_OF, CREDITOR, LOGO, make_context

ROOT = Path(__file__).parents[2]

FORBIDDEN = [
    # source, language, text, word found, reason
    ("C. pén. 433-13 commandement", "fr", "Commandement de payer", "Commandement de payer", WordReason.OFFICIAL_ACT),
    ("C. pén. 433-13 capitals", "fr", "DERNIER COMMANDEMENT", "COMMANDEMENT", WordReason.OFFICIAL_ACT),
    ("C. pén. 433-13 sommation", "fr", "Ceci vaut sommation.", "sommation", WordReason.OFFICIAL_ACT),
    ("C. pén. 433-13 a French act in an English letter", "en", "This sommation", "sommation", WordReason.OFFICIAL_ACT),
    ("C. pén. 433-13 accents left out", "fr", "REPUBLIQUE FRANCAISE", "REPUBLIQUE FRANCAISE", WordReason.OFFICIAL_SIGN),
    ("C. pén. 433-13 title", "fr", "par ministère d’huissier", "ministère d’huissier", WordReason.OFFICIAL_SIGN),
    ("C. pén. 433-13 seal", "fr", "revêtu du sceau de la société", "sceau", WordReason.OFFICIAL_SIGN),
    ("hidden by mark-up", "fr", "un comman<b>de</b>ment", "commandement", WordReason.OFFICIAL_ACT),
    ("hidden by a soft hyphen", "fr", "un com\u00adman\u200bdement", "com\u00adman\u200bdement", WordReason.OFFICIAL_ACT),
    ("hidden by entities", "fr", "porter&nbsp;plainte", "porter plainte", WordReason.CRIMINAL),
    ("hidden by a line break", "fr", "porter<br>plainte", "porter plainte", WordReason.CRIMINAL),
    ("criminal proceedings", "fr", "des poursuites pénales", "poursuites pénales", WordReason.CRIMINAL),
    ("publicity", "fr", "sur notre liste noire", "liste noire", WordReason.PUBLICITY),
    ("CPCE L111-8 costs", "fr", "Frais de relance : 15 €", "Frais de relance", WordReason.COSTS),
    ("criminal proceedings, English", "en", "you will be prosecuted", "prosecuted", WordReason.CRIMINAL),
    ("official act, English", "en", "a court order", "court order", WordReason.OFFICIAL_ACT),
    ("official act, German", "de", "gerichtlicher Mahnbescheid", "Mahnbescheid", WordReason.OFFICIAL_ACT),
    ("umlaut, German", "de", "Gefängnis", "Gefängnis", WordReason.CRIMINAL),
    ("publicity, German", "de", "ein SCHUFA-Eintrag", "SCHUFA", WordReason.PUBLICITY),
    ("official act, Spanish", "es", "un requerimiento judicial", "requerimiento judicial", WordReason.OFFICIAL_ACT),
    ("publicity, Spanish", "es", "un registro de morosos", "registro de morosos", WordReason.PUBLICITY),
    ("official act, Italian", "it", "un decreto ingiuntivo", "decreto ingiuntivo", WordReason.OFFICIAL_ACT),
    ("criminal proceedings, Italian", "it", "sporgeremo querela", "querela", WordReason.CRIMINAL),
]  # fmt: skip

ALLOWED = [
    ("fr", "Mise en demeure de payer la somme de 1 917,71 €"),
    ("fr", "indemnité forfaitaire pour frais de recouvrement"),
    ("fr", "nous le recommandons ; il commanderait ; une recommandation ; sommes ; un consommateur"),
    ("fr", "la juridiction compétente, un tiers mandaté, un commissaire de justice"),
    ("fr", "une lettre express, la compression"),
    ("en", "formal notice to pay; the competent court; an authorised third party"),
    ("de", "förmliche Mahnung; zuständiges Gericht"),
    ("es", "requerimiento formal de pago"),
    ("it", "costituzione in mora; l’autorità giudiziaria competente"),
]


@pytest.mark.parametrize(
    ("language", "text", "word", "reason"), [case[1:] for case in FORBIDDEN], ids=[case[0] for case in FORBIDDEN]
)  # fmt: skip
def test_forbidden(language: str, text: str, word: str, reason: WordReason) -> None:
    [found] = forbidden_words(text, language)
    assert (found.text, found.word.reason, found.severity) == (word, reason, Severity.FORBIDDEN)
    assert found.word.source in found.message and found.text in found.message


@pytest.mark.parametrize(("language", "text"), ALLOWED)
def test_allowed(language: str, text: str) -> None:
    assert forbidden_words(text, language) == []


def test_a_doubtful_word_asks_a_person_to_look() -> None:
    [found] = forbidden_words("À défaut, une saisie suivra.", "fr")
    assert (found.severity, found.word.reason) == (Severity.DOUBTFUL, WordReason.ENFORCEMENT)


def test_places_are_those_of_the_text_given() -> None:
    text = "<p>Œuvre&nbsp;: un <i>commandement</i> puis une sommation.</p>"
    found = forbidden_words(text, "fr")
    assert [text[hit.start : hit.end] for hit in found] == ["commandement", "sommation"]


def test_a_language_without_a_list_names_itself() -> None:
    with pytest.raises(UnknownVocabulary, match="«\u00a0pl-PL\u00a0»"):
        forbidden_words("komornik", "pl-PL")


def test_the_list_of_a_past_day() -> None:
    assert forbidden_words("commandement", "fr", on=date(1990, 1, 1)) == []


def test_every_row_is_dated_sourced_and_finds_something() -> None:
    assert languages() == {"fr", "en", "de", "es", "it"}
    for row in word_list():
        assert row.source and row.checked_on and row.valid_from
    for language, severity in itertools.product(languages(), Severity):
        assert any(row.language == language and row.severity is severity for row in word_list())


def test_the_shipped_templates_hold_no_forbidden_word() -> None:
    seen = 0
    for folder, language in itertools.product(("letters", "emails"), languages()):
        for path in ROOT.glob(f"templates/{folder}/{language}/*"):
            seen += 1
            assert forbidden_words(path.read_text(), language) == [], path
    assert seen >= 16


@pytest.mark.parametrize(("kind", "language"), list(itertools.product(LetterKind, sorted(languages()))))
def test_the_shipped_letters_say_all_they_must(kind: LetterKind, language: str) -> None:
    letter = make_context(kind, language=language, invoices=6)
    text = render_html(letter, logo=LOGO)
    assert [mention.key for mention in missing_mentions(text, kind, language, CREDITOR, letter=letter)] == []


MISSING = [
    # source, what is changed in the text, key that goes missing
    ("C. com. R123-237 SIREN", "732 829 320", "siren"),
    ("C. com. R123-237 RCS", "RCS Lyon", "rcs"),
    ("C. com. R123-238 capital", "150 000", "share_capital"),
    ("C. com. R123-238 form", "SAS", "legal_form"),
    ("C. civ. 1344 total", "5 988,", "total"),
    ("C. civ. 1344 date", "1er décembre 2026", "pay_by"),
    ("IBAN", "FR76", "iban"),
    ("daily accrual", "6,42", "daily_interest"),
    ("C. civ. 1344 addressee", "Chaumeil", "debtor_name"),
    ("signatory", "Garrigue", "signatory"),
]


@pytest.mark.parametrize(("words", "key"), [case[1:] for case in MISSING], ids=[case[0] for case in MISSING])
def test_a_mention_left_out_is_named(words: str, key: str) -> None:
    letter = make_context(LetterKind.FORMAL_NOTICE, invoices=3)
    spaces = str.maketrans({"\u00a0": " ", "\u202f": " "})
    text = render_html(letter, logo=LOGO).replace("&nbsp;", " ").translate(spaces)
    if key == "total":
        words = f"{letter.totals.total:,.2f}".replace(",", " ").replace(".", ",")
    assert words in text
    cut = text.replace(words, "…").replace("01/12/2026", "…")
    missing = missing_mentions(cut, LetterKind.FORMAL_NOTICE, "fr", CREDITOR, letter=letter)
    assert key in [mention.key for mention in missing]


def test_a_fact_that_the_file_lacks_says_what_to_fill_in() -> None:
    creditor = dataclasses.replace(CREDITOR, siren="", rcs_city="", share_capital=None)
    gaps = {m.key: str(m.gap) for m in mandatory_mentions(LetterKind.REMINDER, "fr", creditor) if m.gap}
    assert set(gaps) == {"siren", "rcs", "share_capital"}
    assert all("complétez sa fiche" in gap for gap in gaps.values())


def test_r123_238_only_companies_with_a_capital_print_it() -> None:
    trader = dataclasses.replace(CREDITOR, legal_form="Entrepreneur individuel", share_capital=None)
    assert "share_capital" not in [m.key for m in mandatory_mentions(LetterKind.REMINDER, "fr", trader)]
    limited = dataclasses.replace(CREDITOR, legal_form="S.A.R.L.")
    assert "share_capital" in [m.key for m in mandatory_mentions(LetterKind.REMINDER, "fr", limited)]


def test_r123_237_a_foreign_creditor_has_no_french_registration() -> None:
    creditor = dataclasses.replace(CREDITOR, siren="", rcs_city="", vat_number="DE123456789")
    keys = [mention.key for mention in mandatory_mentions(LetterKind.REMINDER, "fr", creditor)]
    assert "creditor_name" in keys and "siren" not in keys


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("fr", "le 22/11/2026", True),
        ("de", "22.11.2026", True),
        ("de", "am 22. November 2026", True),
        ("es", "22 de noviembre de 2026", True),
        ("en", "November 22, 2026", True),
        ("fr", "2026-11-22", True),
        ("fr", "le 2/11/2026", False),
        ("fr", "122/11/2026", False),
        ("fr", "22 novembre 2025", False),
        ("fr", "22 octobre 2026", False),
        ("it", "22 novembre 2026", True),
        ("en", "22 Nov 2026", True),
    ],
)
def test_a_date_is_recognised_as_each_language_writes_it(language: str, written: str, said: bool) -> None:
    assert required_mentions.says_day(written, day=AS_OF, language=language) is said


def test_an_electronic_registered_letter_says_so() -> None:
    letter = make_context(
        LetterKind.FORMAL_NOTICE, channel=Channel.REGISTERED_EMAIL, daily_interest=Decimal(0)
    )
    wanted = mandatory_mentions(LetterKind.FORMAL_NOTICE, "fr", CREDITOR, letter=letter)
    [mention] = [mention for mention in wanted if mention.key == "registered"]
    assert mention.is_in("Lettre recommandée électronique") and not mention.is_in("Lettre recommandée")
