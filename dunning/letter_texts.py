"""Which words a letter takes: those a person wrote for it, else the template in service, else the built-in one."""

import dataclasses
from dataclasses import dataclass

from dunning.letters.context import LetterKind
from dunning.letters.default_templates import default_template
from dunning.letters.used_template import TemplateUsed
from dunning.models import LetterTemplate, Level, Notice

# Template code, language and entity; None: the template of all entities.
Key = tuple[str, str, int | None]


@dataclass(frozen=True, slots=True)
class ChosenTexts:
    """`template` is None when the words are the built-in ones."""

    texts: TemplateUsed
    template: LetterTemplate | None


def letter_kind(kind: str) -> LetterKind:
    """The letter of a level: that of a hand-over tells the debtor of it."""
    return LetterKind.HAND_OVER_INFO if kind == Level.Kind.HAND_OVER else LetterKind(kind)


def templates_in_service() -> dict[Key, LetterTemplate]:
    """Every template in service: some tens of rows."""
    rows = LetterTemplate.objects.filter(status=LetterTemplate.Status.ACTIVE)
    return {(row.code, row.language, row.legal_entity_id): row for row in rows}


def texts_of_template(template: LetterTemplate) -> TemplateUsed:
    """The words of a version; what it leaves empty for e-mails and SMS is said by the built-in template."""
    built_in = default_template(letter_kind(template.kind), template.language)
    return TemplateUsed(
        name=template.code,
        version=template.version,
        subject=template.subject,
        body=template.body,
        email=template.email_body or built_in.email,
        sms=template.sms_body or built_in.sms,
    )


def choose_texts(notice: Notice, in_service: dict[Key, LetterTemplate]) -> ChosenTexts:
    """The words of the letter of a notice: the template that its level names, else that of its kind.

    Each of the entity before that of all entities; a template not written in the customer's language is none.
    """
    level, language = notice.level, notice.customer.language
    wanted = [
        (code, language, entity)
        for code in dict.fromkeys([level.template_code or level.kind, level.kind])
        for entity in (notice.legal_entity_id, None)
    ]
    template = next((in_service[key] for key in wanted if key in in_service), None)
    texts = texts_of_template(template) if template else default_template(letter_kind(level.kind), language)
    if notice.edited_body or notice.edited_subject:
        texts = dataclasses.replace(
            texts,
            subject=notice.edited_subject or texts.subject,
            body=notice.edited_body or texts.body,
            edited=True,
        )
    return ChosenTexts(texts, template)
