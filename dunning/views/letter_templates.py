"""Modèles de courrier: the list, one version with its reading and preview, and the steps of its life."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import audit, clock
from core.audit_words import told as told_events
from core.errors import BusinessError
from core.rights import has_permission, permission_required, signed_in
from customers.models import LegalEntity
from dunning.forms_letter_templates import TextsForm
from dunning.letter_samples import samples_for
from dunning.letter_texts import letter_kind, templates_in_service, texts_of_template
from dunning.letters.context import LANGUAGES
from dunning.letters.default_templates import default_template
from dunning.letters.lint import has_errors, lint
from dunning.letters.used_template import TemplateUsed
from dunning.models import LetterTemplate, Level
from dunning.operations.letter_templates import (
    MOST_CODE,
    TemplateRefused,
    approve_template,
    code_of_name,
    discard_template,
    draft_template,
    retire_template,
    return_template,
    save_template,
    submit_template,
)
from dunning.template_words import differences, matrix, palette, told
from dunning.views.letter_previews import chosen_customer, customers_to_choose, pdf_of, preview_of
from dunning.views.places import tabs

Status = LetterTemplate.Status
TONES = {Status.DRAFT: "info", Status.SUBMITTED: "watch", Status.ACTIVE: "ok", Status.RETIRED: "neutral"}


@require_GET
@permission_required("dunning.manage_templates")
def template_list(request: HttpRequest) -> HttpResponse:
    """Levels and languages, for all entities or for one: which text serves, and which one is in work."""
    user = signed_in(request)
    entities = list(LegalEntity.objects.visible_to(user).order_by("name"))
    entity = _entity(request.GET.get("entite", ""), entities)
    templates = LetterTemplate.objects.exclude(status=Status.RETIRED).select_related("legal_entity")
    here = reverse("dunning:template-list")
    return render(
        request,
        "dunning/letter_template_list.html",
        {
            "tabs": tabs(request, "templates"),
            "languages": [(code, _language_name(code)) for code in LANGUAGES],
            "kinds": Level.Kind.choices,
            "rows": matrix(templates, entity.pk if entity else None),
            "general": {row.code: row for row in matrix(templates, None)},
            "entity": entity,
            "entities": [
                {"label": _("Toutes les entités"), "url": here, "active": entity is None},
                *(
                    {"label": each.name, "url": f"{here}?entite={each.pk}", "active": each == entity}
                    for each in entities
                ),
            ],
        },
    )


@require_GET
@permission_required("dunning.manage_templates")
def template_built_in(request: HttpRequest, kind: str, language: str) -> HttpResponse:
    """The text that serves where nobody wrote another."""
    if kind not in Level.Kind.values or language not in LANGUAGES:
        raise Http404
    texts = default_template(letter_kind(kind), language)
    entities = list(LegalEntity.objects.visible_to(signed_in(request)).order_by("name"))
    customer = chosen_customer(request)
    return render(
        request,
        "dunning/letter_template_built_in.html",
        {
            "kind": kind,
            "kind_label": Level.Kind(kind).label,
            "text_language": language,
            "language_name": _language_name(language),
            "entity": _entity(request.GET.get("entite", ""), entities),
            "texts": texts,
            "preview": preview_of(request, kind, language, None, texts, customer),
            "customers": customers_to_choose(request, None, customer),
            "customer": customer,
        },
    )


@require_POST
@permission_required("dunning.manage_templates")
def template_draft(request: HttpRequest) -> HttpResponse:
    """Prepare a new version of a text."""
    user = signed_in(request)
    entities = list(LegalEntity.objects.visible_to(user))
    kind, language = request.POST.get("kind", ""), request.POST.get("language", "")
    name = request.POST.get("name", "").strip()[:80]
    try:
        template = draft_template(
            actor=user,
            code=code_of_name(name)
            if "own" in request.POST
            else (request.POST.get("code") or kind)[:MOST_CODE],
            kind=kind,
            language=language,
            legal_entity=_entity(request.POST.get("entite", ""), entities),
            now=clock.now(),
            name=name,
        )
    except BusinessError as error:
        messages.error(request, str(error))
        return redirect("dunning:template-list")
    return redirect("dunning:template-detail", pk=template.pk)


@require_http_methods(["GET", "POST"])
@permission_required("dunning.manage_templates")
def template_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One version: to write while it is a draft, to read afterwards. POST keeps it, or only reads it over."""
    template = _visible(request, pk)
    draft = template.status == Status.DRAFT
    if request.method != "POST" or not draft:
        form = TextsForm(initial=_initial(template)) if draft else None
        return _page(request, template, form, texts_of_template(template))
    form = TextsForm(request.POST)
    if not form.is_valid():
        return _page(request, template, form, texts_of_template(template), status=400)
    texts = _texts(template, form)
    if request.POST.get("action") == "check":
        return _page(request, template, form, texts)
    try:
        kept = save_template(
            actor=signed_in(request),
            template_id=pk,
            texts=form.texts(),
            read_at=parse_datetime(form.cleaned_data["read_at"]) if form.cleaned_data["read_at"] else None,
            now=clock.now(),
        )
        if request.POST.get("action") == "submit":
            submit_template(
                actor=signed_in(request), template_id=kept.pk, today=clock.today(), now=clock.now()
            )
            messages.success(request, _("Modèle soumis : une autre personne doit l’approuver."))
        else:
            messages.success(request, _("Brouillon enregistré."))
    except TemplateRefused as error:
        messages.error(request, str(error))
    except (BusinessError, ValueError) as error:
        form.add_error(None, str(error))
        return _page(request, template, form, texts, status=409)
    return redirect("dunning:template-detail", pk=pk)


@require_POST
@permission_required("dunning.manage_templates")
def template_check(request: HttpRequest, pk: int) -> HttpResponse:
    """The reading and the preview of a text that is being written; nothing is kept."""
    template = _visible(request, pk)
    form = TextsForm(request.POST)
    texts = _texts(template, form) if form.is_valid() else texts_of_template(template)
    return render(
        request,
        "dunning/letter_template_check.html",
        {**_read(request, template, texts), "form_errors": form.errors, "template": template},
    )


@xframe_options_sameorigin
@require_http_methods(["GET", "POST"])
@permission_required("dunning.manage_templates")
def template_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """The letter as it would be printed: of what is kept, or of what is being written."""
    template = _visible(request, pk)
    texts = texts_of_template(template)
    if request.method == "POST":
        form = TextsForm(request.POST)
        if not form.is_valid():
            return HttpResponse(
                _("Complétez l’objet et le courrier."), status=400, content_type="text/plain; charset=utf-8"
            )
        texts = _texts(template, form)
    return pdf_of(template.kind, template.language, template.legal_entity, texts, chosen_customer(request))


@require_POST
@permission_required("dunning.manage_templates")
def template_step(request: HttpRequest, pk: int) -> HttpResponse:
    """Submit, approve, give back, abandon or take out of service."""
    template = _visible(request, pk)
    actor, now, today = signed_in(request), clock.now(), clock.today()
    action = request.POST.get("action", "")
    try:
        if action == "submit":
            submit_template(actor=actor, template_id=pk, today=today, now=now)
            messages.success(request, _("Modèle soumis : une autre personne doit l’approuver."))
        elif action == "approve":
            approve_template(actor=actor, template_id=pk, today=today, now=now)
            messages.success(request, _("Modèle en service : les prochains courriers le prennent."))
        elif action == "return":
            return_template(actor=actor, template_id=pk, reason=request.POST.get("reason", ""), now=now)
            messages.success(request, _("Modèle rendu à son auteur."))
        elif action == "discard":
            discard_template(actor=actor, template_id=pk, now=now)
            messages.success(request, _("Brouillon abandonné."))
            return redirect("dunning:template-list")
        elif action == "retire":
            retire_template(actor=actor, template_id=pk, now=now)
            messages.success(request, _("Modèle retiré du service."))
        else:
            messages.error(request, _("Cette étape n’existe pas."))
    except BusinessError as error:
        messages.error(request, str(error))
    return redirect("dunning:template-detail", pk=template.pk)


def _page(
    request: HttpRequest,
    template: LetterTemplate,
    form: TextsForm | None,
    texts: TemplateUsed,
    *,
    status: int = 200,
) -> HttpResponse:
    user = signed_in(request)
    versions = LetterTemplate.objects.filter(
        code=template.code, language=template.language, legal_entity=template.legal_entity_id
    ).select_related("created_by", "submitted_by", "approved_by")
    before, before_label = _before(template)
    return render(
        request,
        "dunning/letter_template_detail.html",
        {
            "template": template,
            "tone": TONES[template.status],
            "language_name": _language_name(template.language),
            "form": form,
            "texts": texts,
            "palette": palette(letter_kind(template.kind)),
            "customers": customers_to_choose(request, template.legal_entity, chosen_customer(request)),
            "versions": [(version, TONES[version.status]) for version in versions.order_by("-version")],
            "changes": differences(before, texts),
            "before_label": before_label,
            "events": told_events(audit.timeline(template)[:30]),
            "may_approve": has_permission(user, "dunning.approve_templates"),
            "own_submission": template.submitted_by_id == user.pk,
            **_read(request, template, texts),
        },
        status=status,
    )


def _read(request: HttpRequest, template: LetterTemplate, texts: TemplateUsed) -> dict[str, Any]:
    samples = samples_for(template.kind, template.language, template.legal_entity, clock.today())
    findings = lint(texts, samples=samples)
    customer = chosen_customer(request)
    return {
        "findings": told(findings),
        "has_errors": has_errors(findings),
        "preview": preview_of(
            request, template.kind, template.language, template.legal_entity, texts, customer
        ),
        "customer": customer,
        "form_errors": {},
    }


def _before(template: LetterTemplate) -> tuple[TemplateUsed, str]:
    """What a version is compared with: the one before it that served, else what serves without it."""
    former = (
        LetterTemplate.objects.filter(
            code=template.code,
            language=template.language,
            legal_entity=template.legal_entity_id,
            version__lt=template.version,
            approved_at__isnull=False,
        )
        .order_by("-version")
        .first()
    )
    if former is None and template.legal_entity_id is not None:
        former = templates_in_service().get((template.code, template.language, None))
    if former is None:
        return default_template(letter_kind(template.kind), template.language), _("le texte intégré")
    return texts_of_template(former), str(former)


def _initial(template: LetterTemplate) -> dict[str, str]:
    return {
        "name": template.name,
        "subject": template.subject,
        "body": template.body,
        "email_body": template.email_body,
        "sms_body": template.sms_body,
        "note": template.note,
        "read_at": template.updated_at.isoformat(),
    }


def _texts(template: LetterTemplate, form: TextsForm) -> TemplateUsed:
    """The words of the form as a letter would take them, kept nowhere."""
    written = form.texts()
    return texts_of_template(
        LetterTemplate(
            code=template.code,
            kind=template.kind,
            language=template.language,
            version=template.version,
            subject=written.subject,
            body=written.body,
            email_body=written.email_body,
            sms_body=written.sms_body,
        )
    )


def _visible(request: HttpRequest, pk: int) -> LetterTemplate:
    template = get_object_or_404(LetterTemplate.objects.select_related("legal_entity"), pk=pk)
    entity = template.legal_entity
    if entity and not LegalEntity.objects.visible_to(signed_in(request)).filter(pk=entity.pk).exists():
        raise Http404
    return template


def _entity(value: str, entities: list[LegalEntity]) -> LegalEntity | None:
    return next((entity for entity in entities if str(entity.pk) == value), None)


def _language_name(code: str) -> str:
    return {
        "fr": _("Français"),
        "en": _("Anglais"),
        "de": _("Allemand"),
        "es": _("Espagnol"),
        "it": _("Italien"),
    }[code]
