"""What the reading of a letter's texts finds, and that the built-in ones pass it."""

import dataclasses

import pytest

from dunning.letters.context import LANGUAGES, Debtor, LetterKind
from dunning.letters.default_templates import default_template
from dunning.letters.letterhead import LetterheadLayout
from dunning.letters.lint import Severity, TextPart, has_errors, lint, lint_address
from dunning.letters.template_output import short_message, sms_count
from tests.dunning.letter_samples import DEBTOR, make_context


def samples(kind, language="fr"):
    return [
        make_context(kind, language=language),
        make_context(kind, language=language, invoices=1, previous_letters=()),
    ]


def findings(kind=LetterKind.FORMAL_NOTICE, language="fr", **changes):
    texts = dataclasses.replace(default_template(kind, language), **changes)
    return lint(texts, samples=samples(kind, language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LetterKind)
def test_the_built_in_letters_have_nothing_to_see_to(kind, language):
    assert findings(kind, language) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LetterKind)
def test_the_built_in_short_messages_are_two_at_most(kind, language):
    text = short_message(make_context(kind, language=language))
    assert text
    assert sms_count(text) <= 2


BODY = default_template(LetterKind.FORMAL_NOTICE, "fr").body


@pytest.mark.parametrize(
    ("changes", "part", "severity", "words"),
    [
        ({"body": ""}, TextPart.BODY, Severity.ERROR, "vide"),
        ({"body": BODY.replace("{{ signature }}", "")}, TextPart.BODY, Severity.ERROR, "pas signé"),
        (
            {"body": BODY.replace("{{ decompte }}", "")},
            TextPart.BODY,
            Severity.ERROR,
            "ne dit pas ce qui est dû",
        ),
        ({"body": BODY.replace("{{ paiement }}", "")}, TextPart.BODY, Severity.ERROR, "l’IBAN"),
        (
            {"body": BODY.replace("contestez", "lisez").replace("motifs", "x")},
            TextPart.BODY,
            Severity.ERROR,
            "désaccord",
        ),
        ({"body": BODY.replace("entre-temps", "hier")}, TextPart.BODY, Severity.ERROR, "déjà réglé"),
        (
            {"body": BODY + "\n\nCeci vaut commandement de payer."},
            TextPart.BODY,
            Severity.ERROR,
            "commandement",
        ),
        ({"body": BODY + "\n\n{{ client.nome }}"}, TextPart.BODY, Severity.ERROR, "client.nom"),
        ({"body": BODY + "\n\n{{ agence }}"}, TextPart.BODY, Severity.ERROR, "n’a jamais de valeur"),
        (
            {"body": BODY + "\n\nIBAN FR76 3000 6000 0112 3456 7890 189"},
            TextPart.BODY,
            Severity.ERROR,
            "Un IBAN",
        ),
        ({"body": BODY + "\n\nNous retenons 40 €."}, TextPart.BODY, Severity.WARNING, "40 €"),
        ({"body": BODY + "\n\n" + "x" * 90}, TextPart.BODY, Severity.WARNING, "trop long"),
        (
            {"body": BODY + "\n\nPlease send us the payment of these invoices without delay."},
            TextPart.BODY,
            Severity.WARNING,
            "autre langue",
        ),
        ({"subject": "{{ totaux }}"}, TextPart.SUBJECT, Severity.ERROR, "bloc"),
        ({"subject": "Mise en demeure " * 8}, TextPart.SUBJECT, Severity.WARNING, "caractères"),
        ({"sms": "Mise en demeure " * 30}, TextPart.SMS, Severity.WARNING, "messages"),
        ({"email": "{{ nope }}"}, TextPart.EMAIL, Severity.ERROR, "n’existe pas"),
    ],
)
def test_a_fault_is_found(changes, part, severity, words):
    found = findings(**changes)
    assert any(
        finding.part is part and finding.severity is severity and words in finding.message
        for finding in found
    ), found
    assert has_errors(found) is (severity is Severity.ERROR)


def test_a_fault_has_its_line():
    found = findings(body=BODY + "\n\nAvant commandement.")
    assert found[0].line == BODY.count("\n") + 3


def test_a_courteous_reminder_that_threatens_is_told():
    kind = LetterKind.REMINDER
    body = default_template(kind, "fr").body.replace("un simple oubli", "un simple oubli, sans pénalités")
    (finding,) = findings(kind, body=body)
    assert finding.severity is Severity.WARNING
    assert "rappel courtois" in finding.message


def test_what_the_entity_lacks_is_no_fault_of_the_text():
    kind = LetterKind.REMINDER
    bare = [
        dataclasses.replace(sample, creditor=dataclasses.replace(sample.creditor, rcs_city=""))
        for sample in samples(kind)
    ]
    found = lint(default_template(kind, "fr"), samples=bare)
    assert found
    assert not has_errors(found)
    assert "complétez sa fiche" in found[0].message


def test_an_address_that_the_window_cannot_show_is_told():
    assert (
        lint_address(
            make_context(debtor=Debtor(name="Durand", address_lines=("1 rue Haute", "75001 Paris"))),
            LetterheadLayout(),
        )
        == []
    )
    found = lint_address(make_context(debtor=DEBTOR), LetterheadLayout(window_height=20))
    assert any("dépasse 38 caractères" in finding.message for finding in found)
    assert any("plus haute que la fenêtre" in finding.message for finding in found)
    long = dataclasses.replace(DEBTOR, address_lines=("a", "b", "c", "d", "e"))
    assert any(
        "plus de 6 lignes" in finding.message
        for finding in lint_address(make_context(debtor=long), LetterheadLayout())
    )
