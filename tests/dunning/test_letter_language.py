"""The letters' language: what it reads, what it refuses and where, and that nothing gets through it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.letters.template_fields import FIELDS, field_truth, field_values, vocabulary
from dunning.letters.template_language import (
    MAX_CHARS,
    MAX_DEPTH,
    MAX_FIELDS,
    FieldKind,
    TemplateError,
    fold_name,
    parse,
)
from dunning.letters.template_layout import Block, Entries, Heading, Paragraph, lay_out
from tests.dunning.letter_samples import make_context

WORDS = {
    "total": FieldKind.TEXT,
    "penalites": FieldKind.TEXT,
    "date_limite": FieldKind.TEXT,
    "client.nom": FieldKind.TEXT,
    "particulier": FieldKind.CONDITION,
    "totaux": FieldKind.BLOCK,
    "paiement": FieldKind.BLOCK,
}
VALUES = {"total": "12,00 €", "penalites": "", "date_limite": "1er décembre", "client.nom": "Durand"}


def read(source, *, particulier=False, **values):
    return lay_out(parse(source, WORDS), VALUES | values, {"particulier": particulier})


def text(source, **values):
    """The words of the paragraphs, one line each."""
    return [
        "".join(run.text for run in line)
        for part in read(source, **values)
        if isinstance(part, Paragraph)
        for line in part.lines
    ]


def faults(source):
    with pytest.raises(TemplateError) as error:
        parse(source, WORDS)
    return [(fault.line, fault.message) for fault in error.value.faults]


def test_a_text_has_paragraphs_lists_headings_bold_and_blocks():
    parts = read("Bonjour **{{ client.nom }}**,\nà vous.\n\n## Titre\n- un\n- deux\n\n{{ totaux }}\nFin")
    assert [type(part) for part in parts] == [Paragraph, Heading, Entries, Block, Paragraph]
    first = parts[0].lines[0]
    assert [(run.text, run.bold) for run in first] == [("Bonjour ", False), ("Durand", True), (",", False)]
    assert len(parts[0].lines) == 2
    assert len(parts[2].lines) == 2
    assert parts[3] == Block("totaux")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ si penalites }}A{{ sinon }}B{{ fin }}", "B"),
        ("{{ si non penalites }}A{{ fin }}", "A"),
        ("{{ si total et penalites }}A{{ sinon si total }}B{{ sinon }}C{{ fin }}", "B"),
        ("{{ si penalites ou total }}A{{ fin }}", "A"),
        ("{{ si total et non particulier }}A{{ fin }}", "A"),
        ("{{ SI Pénalités OU Total }}A{{ FIN SI }}", "A"),
        ("{{ si total }}{{ si penalites }}A{{ sinon }}B{{ fin }}{{ fin }}", "B"),
    ],
)
def test_conditions(source, said):
    assert text(source) == [said]


def test_names_are_read_as_people_write_them():
    assert fold_name(" Date  limite ") == "date_limite"
    assert text("{{Date Limite}}") == ["1er décembre"]


def test_a_line_of_conditions_only_is_no_line_of_the_letter():
    assert text("A\n{{ si total }}\nB\n{{ fin }}\nC") == ["A", "B", "C"]
    parts = read("A\n{{ si total }}\n\nB\n{{ fin }}")
    assert len(parts) == 2


def test_a_line_without_value_leaves_no_hole():
    (paragraph,) = read("A\n{{ penalites }}\nB")
    assert len(paragraph.lines) == 2


def test_a_value_is_never_read_as_text_of_the_language():
    nasty = "- **x** {{ total }} ## y\n\n{{ fin }}"
    (paragraph,) = read("{{ client.nom }}", **{"client.nom": nasty})
    assert [(run.text, run.bold) for run in paragraph.lines[0]] == [(nasty, False)]


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("A\n{{ totl }}", 2, "Vouliez-vous dire « total »"),
        ("{{ zzzzzz }}", 1, "choisissez-le dans la liste"),
        ("A\n\n{{ si total }}B", 3, "n’est pas refermée"),
        ("{{ fin }}", 1, "n’est précédé d’aucun"),
        ("{{ sinon }}", 1, "n’est précédé d’aucun"),
        ("{{ si total }}{{ sinon }}{{ sinon }}{{ fin }}", 1, "a déjà un"),
        ("{{ si }}A{{ fin }}", 1, "incomplète"),
        ("{{ si total et penalites ou particulier }}A{{ fin }}", 1, "ne mélange pas"),
        ("{{ si totaux }}A{{ fin }}", 1, "ne peut pas servir de condition"),
        ("{{ particulier }}", 1, "est une condition"),
        ("Le {{ totaux }}", 1, "seul sur sa ligne"),
        ("{{ totaux }}\n{{ si total }}\n{{ totaux }}\n{{ fin }}", 3, "déjà placé plus haut"),
        ("**gras", 1, "se refermer"),
        ("**{{ si total }}a**{{ fin }}", 1, "se refermer"),
        ("{% si total %}", 1, "n’est pas une balise"),
        ("{{ total", 1, "non refermées"),
        ("a }} b", 1, "non refermées"),
        ("{{ total\n}}", 1, "non refermées"),
        ("{{ }}", 1, "vide"),
        ("{{ client.__class__ }}", 1, "n’existe pas"),
        ("{{ total|upper }}", 1, "n’existe pas"),
        ("{{ total() }}", 1, "n’existe pas"),
        ("x" * (MAX_CHARS + 1), 1, "raccourcissez"),
        ("{{ total }}" * (MAX_FIELDS + 1), 1, "plus de"),
        ("{{ si total }}" * (MAX_DEPTH + 1) + "{{ fin }}" * (MAX_DEPTH + 1), 1, "imbriquées"),
    ],
)
def test_a_fault_names_its_line_and_what_to_do(source, line, words):
    found = faults(source)
    assert any(line == at and words in message for at, message in found), found


def test_every_fault_is_told_at_once():
    assert [line for line, _message in faults("{{ totl }}\n\n{{ nope }} **x\n{{ fin }}")] == [1, 3, 3, 4]


def test_a_block_may_stand_in_each_branch():
    (block,) = read("{{ si penalites }}\n{{ totaux }}\n{{ sinon }}\n{{ totaux }}\n{{ fin }}")
    assert block == Block("totaux")


PIECES = st.sampled_from(
    [
        "{{ total }}",
        "{{ si total }}",
        "{{ sinon }}",
        "{{ fin }}",
        "{{ totaux }}",
        "\n",
        "**",
        "- ",
        "{{",
        "}}",
        "a b ",
        "{{ si ",
    ]
)


@given(st.lists(PIECES, max_size=60).map("".join))
def test_any_text_is_read_or_refused_and_no_longer_than_what_it_is_made_of(source):
    try:
        template = parse(source, WORDS)
    except TemplateError as error:
        assert error.faults
        return
    parts = lay_out(template, VALUES, {"particulier": True})
    printed = sum(
        len(run.text)
        for part in parts
        if isinstance(part, Paragraph | Entries)
        for line in part.lines
        for run in line
    )
    assert printed <= len(source) + source.count("total") * len(VALUES["total"])


@pytest.mark.parametrize("language", ["fr", "de"])
def test_every_field_of_the_list_has_a_value_and_nothing_else_has(language):
    context = make_context(language=language)
    names = vocabulary()
    assert len(names) == len(FIELDS)
    assert set(field_values(context)) == {name for name, kind in names.items() if kind is FieldKind.TEXT}
    assert set(field_truth(context)) == {name for name, kind in names.items() if kind is FieldKind.CONDITION}


def test_values_of_a_formal_notice():
    values = field_values(make_context(invoices=6))
    assert values["date_limite"] == "1er\u00a0décembre\u00a02026"
    assert values["plus_ancienne_echeance"] == "1er\u00a0août\u00a02026"
    assert values["retard_maximal"] == "113"
    assert values["nombre_pieces"] == "7"
    assert values["penalites_par_jour"] == "6,42\u00a0€"
    assert values["dernier_courrier"].startswith("notre second rappel du 14\u00a0octobre")
