"""What the pages of letter templates say: the list of texts, the fields to choose from, what changed, what was found."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from dunning.letters.context import LANGUAGES, LetterKind
from dunning.letters.lint import Finding, TextPart
from dunning.letters.template_fields import FIELDS, FieldHelp
from dunning.letters.template_language import FieldKind
from dunning.letters.used_template import TemplateUsed
from dunning.models import LetterTemplate, Level

CONTEXT_LINES = 2


@dataclass(frozen=True, slots=True)
class Cell:
    """One text of the list: a level in a language."""

    language: str
    in_service: LetterTemplate | None
    in_work: LetterTemplate | None


@dataclass(frozen=True, slots=True)
class Row:
    code: str
    kind: str
    label: str
    cells: list[Cell]


def matrix(templates: Iterable[LetterTemplate], entity_id: int | None) -> list[Row]:
    """Every level, then every code that a person made, in each language, for one entity or for all."""
    own = [template for template in templates if template.legal_entity_id == entity_id]
    by_place: dict[tuple[str, str], list[LetterTemplate]] = {}
    for template in own:
        by_place.setdefault((template.code, template.language), []).append(template)
    codes = {str(kind): (str(kind), str(Level.Kind(kind).label)) for kind in Level.Kind}
    for template in own:
        codes.setdefault(template.code, (template.kind, template.name))
    return [
        Row(
            code,
            kind,
            label,
            [_cell(language, by_place.get((code, language), [])) for language in LANGUAGES],
        )
        for code, (kind, label) in codes.items()
    ]


def _cell(language: str, versions: Sequence[LetterTemplate]) -> Cell:
    status = LetterTemplate.Status
    return Cell(
        language,
        next((version for version in versions if version.status == status.ACTIVE), None),
        next((version for version in versions if version.status in (status.DRAFT, status.SUBMITTED)), None),
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """A field of the palette, and the text that a click writes."""

    insert: str
    name: str
    label: str


def palette(kind: LetterKind) -> list[tuple[str, list[Choice]]]:
    """The fields that can have a value in a letter of this kind, by group."""
    fields = [field for field in FIELDS if field.has_value_in(kind)]

    def group(wanted: FieldKind) -> list[Choice]:
        return [_choice(field) for field in fields if field.kind is wanted]

    return [
        (_("Champs"), group(FieldKind.TEXT)),
        (_("Blocs, seuls sur leur ligne"), group(FieldKind.BLOCK)),
        (_("Conditions du texte"), group(FieldKind.CONDITION)),
    ]


def _choice(field: FieldHelp) -> Choice:
    if field.kind is FieldKind.CONDITION:
        return Choice(
            f"{{{{ si {field.name} }}}}…{{{{ sinon }}}}…{{{{ fin }}}}", field.name, str(field.label)
        )
    return Choice(f"{{{{ {field.name} }}}}", field.name, str(field.label))


@dataclass(frozen=True, slots=True)
class Told:
    """A finding as the page writes it."""

    tone: str
    place: str
    message: str


def told(findings: Iterable[Finding]) -> list[Told]:
    parts = {
        TextPart.SUBJECT: _("Objet"),
        TextPart.BODY: _("Courrier"),
        TextPart.EMAIL: _("E-mail"),
        TextPart.SMS: _("SMS"),
    }
    return [
        Told(
            "late" if finding.severity == "ERROR" else "watch",
            _("%(part)s, ligne %(line)d") % {"part": parts[finding.part], "line": finding.line}
            if finding.line and finding.part is not TextPart.SUBJECT
            else parts[finding.part],
            finding.message,
        )
        for finding in findings
    ]


@dataclass(frozen=True, slots=True)
class Changed:
    """A line of a comparison: `same`, `gone` or `new`; `cut` stands for lines left out."""

    kind: str
    text: str


def differences(before: TemplateUsed, after: TemplateUsed) -> list[tuple[str, list[Changed]]]:
    """What a version changes, text by text; a text that is the same is not told."""
    pairs = (
        (_("Objet"), before.subject, after.subject),
        (_("Courrier"), before.body, after.body),
        (_("E-mail"), before.email, after.email),
        (_("SMS"), before.sms, after.sms),
    )
    return [(label, _compared(old, new)) for label, old, new in pairs if old != new]


def _compared(old: str, new: str) -> list[Changed]:
    one, other = old.split("\n"), new.split("\n")
    changed: list[Changed] = []
    for group in difflib.SequenceMatcher(None, one, other, autojunk=False).get_grouped_opcodes(CONTEXT_LINES):
        if changed or group[0][1] > 0:
            changed.append(Changed("cut", "…"))
        for tag, a, b, c, d in group:
            if tag == "equal":
                changed += [Changed("same", line) for line in one[a:b]]
            else:
                changed += [Changed("gone", line) for line in one[a:b]]
                changed += [Changed("new", line) for line in other[c:d]]
    return changed
