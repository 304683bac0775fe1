"""The words of letters: versions are drafted, read over, submitted by one person and approved by another."""

import re
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Max
from django.utils.text import slugify
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError, WrongState
from core.operation import operation
from core.rights import SYSTEM, Actor, SystemActor
from core.states import check_move
from customers.models import LegalEntity
from dunning.letter_samples import samples_for
from dunning.letter_texts import letter_kind, texts_of_template
from dunning.letters.context import LANGUAGES
from dunning.letters.default_templates import default_template
from dunning.letters.lint import Finding, has_errors, lint
from dunning.models import LetterTemplate, Level

Status = LetterTemplate.Status
IN_WORK = (Status.DRAFT, Status.SUBMITTED)
MOST_CODE = 30
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,29}")


class TemplateRefused(BusinessError):
    """The texts have faults; `findings` says which, where."""

    code = "letter_template_refused"

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__(_("Le modèle a des erreurs : corrigez-les avant de le soumettre."))


class TemplateChanged(BusinessError):
    """Somebody else saved it since it was read."""

    code = "letter_template_changed"


class SamePerson(BusinessError):
    """Four eyes: nobody approves what he submitted."""

    code = "letter_template_same_person"


@dataclass(frozen=True, kw_only=True)
class Texts:
    """What a person may write; the columns' lengths are checked by the form and by the database."""

    name: str
    subject: str
    body: str
    email_body: str = ""
    sms_body: str = ""
    note: str = ""


@operation("dunning.manage_templates")
def draft_template(
    *,
    actor: Actor,
    code: str,
    kind: str,
    language: str,
    legal_entity: LegalEntity | None,
    now: datetime,
    name: str = "",
) -> LetterTemplate:
    """Prepare a new version, from the one in service or from the built-in text. Raises when one is in work.

    `code` is the level's kind, or one of a person's own, for levels that name it; `name` is that of a first version.
    """
    _check_scope(actor, legal_entity)
    if kind not in Level.Kind.values or language not in LANGUAGES:
        raise BusinessError(_("Ce niveau ou cette langue n’existe pas."), field="kind")
    _check_code(code, kind)
    family = LetterTemplate.objects.select_for_update().filter(
        code=code, language=language, legal_entity=legal_entity
    )
    versions = list(family.order_by("version"))
    if any(version.status in IN_WORK for version in versions):
        raise WrongState(_("Une version de ce modèle est déjà en préparation : ouvrez-la."))
    current = next((version for version in versions if version.status == Status.ACTIVE), None)
    last = family.aggregate(last=Max("version"))["last"] or 0
    texts = texts_of_template(current) if current else default_template(letter_kind(kind), language)
    template = LetterTemplate.objects.create(
        code=code,
        kind=kind,
        language=language,
        legal_entity=legal_entity,
        version=last + 1,
        name=current.name if current else name.strip()[:80] or _name_of(code, kind),
        subject=texts.subject,
        body=texts.body,
        email_body=texts.email,
        sms_body=texts.sms,
        created_by_id=actor.pk,
        created_at=now,
        updated_at=now,
    )
    _record(actor, template, "drafted", now)
    return template


@operation("dunning.manage_templates")
def save_template(
    *, actor: Actor, template_id: int, texts: Texts, read_at: datetime | None, now: datetime
) -> LetterTemplate:
    """Keep the words of a draft, faults and all. Raises TemplateChanged when it is not the version read at `read_at`."""
    template = _locked(actor, template_id)
    if template.status != Status.DRAFT:
        raise WrongState(_("Cette version n’est plus un brouillon : préparez-en une nouvelle."))
    if read_at is not None and template.updated_at != read_at:
        raise TemplateChanged(
            _("Quelqu’un a modifié ce brouillon entre-temps : rechargez la page avant d’enregistrer.")
        )
    template.name, template.subject, template.body = texts.name, texts.subject, texts.body
    template.email_body, template.sms_body, template.note = texts.email_body, texts.sms_body, texts.note
    template.updated_at = now
    template.save(update_fields=["name", "subject", "body", "email_body", "sms_body", "note", "updated_at"])
    _record(actor, template, "edited", now)
    return template


@operation("dunning.manage_templates")
def submit_template(*, actor: Actor, template_id: int, today: date, now: datetime) -> LetterTemplate:
    """Ask another person to approve a draft. Raises TemplateRefused with its faults."""
    template = _locked(actor, template_id)
    check_move(template, Status.SUBMITTED)
    _check_texts(template, today)
    template.status, template.submitted_by_id, template.updated_at = Status.SUBMITTED, actor.pk, now
    template.save(update_fields=["status", "submitted_by", "updated_at"])
    _record(actor, template, "submitted", now)
    return template


@operation("dunning.approve_templates")
def approve_template(*, actor: Actor, template_id: int, today: date, now: datetime) -> LetterTemplate:
    """Put a submitted version in service; the one before it retires. Raises SamePerson or TemplateRefused."""
    template = _locked(actor, template_id)
    check_move(template, Status.ACTIVE)
    if isinstance(actor, SystemActor) or template.submitted_by_id == actor.pk:
        raise SamePerson(
            _("Vous avez soumis ce modèle : une autre personne doit l’approuver."),
        )
    _check_texts(template, today)
    former = (
        LetterTemplate.objects.select_for_update()
        .filter(
            code=template.code,
            language=template.language,
            legal_entity=template.legal_entity_id,
            status=Status.ACTIVE,
        )
        .order_by("pk")
        .first()
    )
    if former is not None:
        former.status, former.updated_at = Status.RETIRED, now
        former.save(update_fields=["status", "updated_at"])
    template.status, template.updated_at = Status.ACTIVE, now
    template.approved_by_id, template.approved_at = actor.pk, now
    template.save(update_fields=["status", "updated_at", "approved_by", "approved_at"])
    _record(actor, template, "approved", now, replaces=former.version if former else 0)
    return template


@operation("dunning.approve_templates")
def return_template(*, actor: Actor, template_id: int, reason: str, now: datetime) -> LetterTemplate:
    """Give a submitted version back to its author, saying why."""
    template = _locked(actor, template_id)
    check_move(template, Status.DRAFT)
    if not reason.strip():
        raise BusinessError(_("Dites à l’auteur ce qu’il faut reprendre."), field="reason")
    template.status, template.submitted_by, template.updated_at = Status.DRAFT, None, now
    template.save(update_fields=["status", "submitted_by", "updated_at"])
    _record(actor, template, "returned", now, reason=reason.strip()[:200])
    return template


@operation("dunning.manage_templates")
def discard_template(*, actor: Actor, template_id: int, now: datetime) -> LetterTemplate:
    """Set a draft aside; its version number is not used again."""
    template = _locked(actor, template_id)
    if template.status != Status.DRAFT:
        raise WrongState(_("Seul un brouillon s’abandonne."))
    template.status, template.updated_at = Status.RETIRED, now
    template.save(update_fields=["status", "updated_at"])
    _record(actor, template, "discarded", now)
    return template


@operation("dunning.approve_templates")
def retire_template(*, actor: Actor, template_id: int, now: datetime) -> LetterTemplate:
    """Take a version out of service: letters go back to the text of all entities, else to the built-in one."""
    template = _locked(actor, template_id)
    if template.status != Status.ACTIVE:
        raise WrongState(_("Seule une version en service se retire."))
    check_move(template, Status.RETIRED)
    template.status, template.updated_at = Status.RETIRED, now
    template.save(update_fields=["status", "updated_at"])
    _record(actor, template, "retired", now)
    return template


def findings_of(template: LetterTemplate, today: date) -> list[Finding]:
    """What the reading of a version finds, on letters of its kind, language and entity."""
    samples = samples_for(template.kind, template.language, template.legal_entity, today)
    return lint(texts_of_template(template), samples=samples)


def code_of_name(name: str) -> str:
    """The code of a template of a person's own, from the name given to it; empty when nothing of it can serve."""
    return slugify(name).upper()[:MOST_CODE]


def _check_code(code: str, kind: str) -> None:
    """A code belongs to one level: letters of another level would leave with its words."""
    if not _CODE.fullmatch(code):
        raise BusinessError(
            _("Donnez au modèle un nom fait de lettres et de chiffres : son code en vient."), field="name"
        )
    other = (
        LetterTemplate.objects.filter(code=code).exclude(kind=kind).order_by("pk").first()
        if code not in Level.Kind.values
        else None
    )
    if other is not None or (code in Level.Kind.values and code != kind):
        label = other.get_kind_display() if other else Level.Kind(code).label
        raise BusinessError(
            _("Ce nom est déjà celui d’un modèle du niveau « %(kind)s » : choisissez-en un autre.")
            % {"kind": label},
            field="name",
        )


def _name_of(code: str, kind: str) -> str:
    """The name of the same template in another language, else that of its level."""
    known = LetterTemplate.objects.filter(code=code).order_by("-pk").values_list("name", flat=True).first()
    return known or str(Level.Kind(kind).label)


def _check_texts(template: LetterTemplate, today: date) -> None:
    findings = findings_of(template, today)
    if has_errors(findings):
        raise TemplateRefused(findings)


def _locked(actor: Actor, template_id: int) -> LetterTemplate:
    template = (
        LetterTemplate.objects.select_for_update(of=("self",))
        .select_related("legal_entity")
        .filter(pk=template_id)
        .first()
    )
    if template is None:
        raise BusinessError(_("Ce modèle n’existe pas."), code="not_found")
    _check_scope(actor, template.legal_entity)
    return template


def _check_scope(actor: Actor, entity: LegalEntity | None) -> None:
    """A text of all entities belongs to those who see them all."""
    if actor is SYSTEM:
        return
    visible = LegalEntity.objects.visible_to(actor)
    if entity is None:
        if visible.count() < LegalEntity.objects.count():
            raise BusinessError(
                _(
                    "Ce modèle sert à toutes les entités, et vous n’en voyez qu’une partie : préparez celui de votre entité."
                ),
                code="out_of_scope",
            )
    elif not visible.filter(pk=entity.pk).exists():
        raise BusinessError(_("Cette entité ne vous est pas ouverte."), code="out_of_scope")


def _record(actor: Actor, template: LetterTemplate, verb: str, now: datetime, **data: object) -> None:
    audit.record(
        actor=actor,
        verb=f"dunning.letter_template.{verb}",
        refs=[template],
        now=now,
        code=template.code,
        language=template.language,
        version=template.version,
        **data,
    )
