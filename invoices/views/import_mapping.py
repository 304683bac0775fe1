"""Saying which column of a file holds what, over its first rows as they would be read."""

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from core.rights import has_permission, permission_required
from invoices.forms_mapping import MappingForm, columns_posted, words_posted
from invoices.import_messages import column_label, file_message
from invoices.import_samples import Sample, fitting_profiles, proposed_columns, sample_of
from invoices.mapping import Proposal
from invoices.mapping_words import confidence_of, field_choices, nature_choices, reason_of
from invoices.models import ImportBatch, ImportProfile
from invoices.operations.import_profiles import save_profile
from invoices.operations.imports import reread_batch
from invoices.readers.errors import UnreadableFile
from invoices.views.import_detail import batch_or_404, dialect_words

REREADABLE = ("PREVIEWED", "REJECTED", "FAILED")


@dataclass
class Choices:
    """What is chosen, whether by a person, a saved source or our own proposal."""

    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    proposals: list[Proposal] = field(default_factory=list)


@require_http_methods(["GET", "POST"])
@permission_required("invoices.import")
def import_mapping(request: HttpRequest, uid: str) -> HttpResponse:
    """The mapping of a batch's columns: looked at, changed, saved as a source with which the file is read again."""
    batch = batch_or_404(request, uid)
    if batch.format != ImportBatch.Format.TABLE or batch.subject != ImportBatch.Subject.ITEMS:
        raise Http404
    if request.method == "POST":
        return _posted(request, batch)
    profile = _asked_profile(request, batch)
    choices = _of_profile(profile) if profile else Choices(options=dict(batch.options))
    try:
        if profile is None:
            choices = _proposed(batch, choices.options)
        sample = _sample(batch, choices)
    except UnreadableFile as error:
        return _unreadable(request, batch, error)
    return _page(
        request, batch, _form(batch, sample, initial=_initial(batch, profile, choices)), sample, choices
    )


def _posted(request: HttpRequest, batch: ImportBatch) -> HttpResponse:
    workbook = request.POST.get("workbook") == "1"
    form = MappingForm(request.POST, workbook=workbook, sheets=[request.POST.get("sheet", "")])
    valid = form.is_valid()
    headers = [request.POST.get(f"header-{index}", "") for index in range(256)]
    choices = Choices(
        columns=columns_posted(request.POST, headers),
        constants=form.constants(),
        options=form.options(),
        words=words_posted(request.POST),
    )
    try:
        sample = _sample(batch, choices)
        if [column.name for column in sample.columns] != [name for name in headers if name]:
            # Another separator, sheet or header line: the columns are others, so they are proposed afresh.
            choices = _proposed(batch, choices.options, constants=choices.constants)
            sample = _sample(batch, choices)
        elif request.POST.get("action") == "propose":
            choices = _proposed(batch, choices.options, constants=choices.constants)
            sample = _sample(batch, choices)
    except UnreadableFile as error:
        return _unreadable(request, batch, error)
    if valid and request.POST.get("action") == "save":
        saved = _save(request, batch, form, choices)
        if saved is not None:
            return saved
    return _page(request, batch, _form(batch, sample, bound=form), sample, choices)


def _save(
    request: HttpRequest, batch: ImportBatch, form: MappingForm, choices: Choices
) -> HttpResponse | None:
    """Keep the source and read the file again with it; None when something is refused, said in the form."""
    existing = _own_profile(request, batch)
    try:
        profile = save_profile(
            actor=request.user,
            entity=batch.legal_entity,
            name=form.cleaned_data["name"],
            columns=choices.columns,
            constants=choices.constants,
            options=choices.options,
            values={"kind": choices.words} if choices.words else {},
            mode=form.cleaned_data["mode"] or ImportBatch.Mode.DELTA,
            creates_customers=form.cleaned_data["creates_customers"],
            profile=existing,
            now=clock.now(),
        )
    except BusinessError as error:
        show_refusal(form, error)
        return None
    messages.success(request, _("Source « %(name)s » enregistrée.") % {"name": profile.name})
    if batch.status in REREADABLE:
        reread(request, batch, profile)
    return redirect("invoices:import-detail", uid=batch.uid)


def reread(request: HttpRequest, batch: ImportBatch, profile: ImportProfile) -> None:
    """Read the batch's file again as the source says, or say why not."""
    snapshot = profile.mode == ImportBatch.Mode.SNAPSHOT
    try:
        reread_batch(
            actor=request.user,
            batch=batch,
            options=profile.options,
            profile=profile,
            mode=profile.mode,
            as_of=batch.as_of or (clock.today() if snapshot else None),
            creates_customers=profile.creates_customers,
            now=clock.now(),
        )
    except BusinessError as error:
        messages.error(request, error.message)


def _own_profile(request: HttpRequest, batch: ImportBatch) -> ImportProfile | None:
    pk = request.POST.get("profile", "")
    if not (pk.isascii() and pk.isdigit() and len(pk) < 18):
        return None
    return ImportProfile.objects.filter(
        pk=int(pk), legal_entity=batch.legal_entity_id, is_archived=False
    ).first()


def _asked_profile(request: HttpRequest, batch: ImportBatch) -> ImportProfile | None:
    """The source the page starts from: the one named in the address, the batch's, one that fits the headers."""
    pk = request.GET.get("source", "")
    if pk == "0":
        return None
    if pk.isascii() and pk.isdigit() and len(pk) < 18:
        found = ImportProfile.objects.filter(
            pk=int(pk), legal_entity=batch.legal_entity_id, is_archived=False
        ).first()
        if found is not None:
            return found
    if batch.profile is not None and not batch.profile.is_archived:
        return batch.profile
    return next(iter(fitting_profiles(batch)), None)


def _of_profile(profile: ImportProfile) -> Choices:
    return Choices(
        columns=dict(profile.columns),
        constants=dict(profile.constants),
        options=dict(profile.options),
        words=dict(profile.values.get("kind", {})),
    )


def _proposed(
    batch: ImportBatch, options: dict[str, str], constants: dict[str, str] | None = None
) -> Choices:
    columns, proposals = proposed_columns(batch, options, today=clock.today())
    return Choices(columns=columns, options=options, constants=constants or {}, proposals=proposals)


def _sample(batch: ImportBatch, choices: Choices) -> Sample:
    return sample_of(
        batch,
        options=choices.options,
        columns=choices.columns,
        constants=choices.constants,
        values={"kind": choices.words} if choices.words else {},
        proposals=choices.proposals,
        today=clock.today(),
    )


def _initial(batch: ImportBatch, profile: ImportProfile | None, choices: Choices) -> dict[str, Any]:
    stem = PurePath(batch.file.name).stem
    return {
        **choices.options,
        **choices.constants,
        "name": profile.name if profile else stem[:80],
        "mode": profile.mode if profile else batch.mode,
        "creates_customers": profile.creates_customers if profile else batch.creates_customers,
        "profile": profile.pk if profile else "",
    }


def _form(
    batch: ImportBatch,
    sample: Sample,
    *,
    initial: dict[str, Any] | None = None,
    bound: MappingForm | None = None,
) -> MappingForm:
    workbook = sample.dialect["kind"] == "xlsx"
    if bound is not None:
        again = MappingForm(bound.data, workbook=workbook, sheets=sample.sheets)
        again.is_valid()
        for name, errors in bound.errors.items():
            if name == "__all__" or name in again.fields:
                again.errors.setdefault(name, errors)
        return again
    return MappingForm(initial=initial, workbook=workbook, sheets=sample.sheets)


def _unreadable(request: HttpRequest, batch: ImportBatch, error: UnreadableFile) -> HttpResponse:
    context = {"batch": batch, "why": file_message(error.code, error.params)}
    return render(request, "invoices/import_mapping_refused.html", context)


def _page(
    request: HttpRequest, batch: ImportBatch, form: MappingForm, sample: Sample, choices: Choices
) -> HttpResponse:
    shown = []
    for column in sample.columns:
        proposal = column.proposal
        tone, sure = confidence_of(proposal) if proposal and proposal.field else ("", "")
        shown.append(
            {
                "column": column,
                "label": column_label(column.field) if column.field else "",
                "tone": tone,
                "sure": sure,
                "reason": reason_of(proposal) if proposal else "",
                "kept": bool(proposal and proposal.field and proposal.field == column.field),
            }
        )
    profile = form.data.get("profile", "") if form.is_bound else form.initial.get("profile", "")
    context = {
        "batch": batch,
        "form": form,
        "profile_pk": profile,
        "sample": sample,
        "columns": shown,
        "groups": field_choices(),
        "natures": nature_choices(),
        "words": list(enumerate(sample.words)),
        "missing": [column_label(name) for name in sample.missing],
        "dialect": dialect_words(sample.dialect),
        "may_save": has_permission(request.user, "invoices.configure_import"),
        "may_reread": batch.status in REREADABLE,
        "workbook": sample.dialect["kind"] == "xlsx",
        "right": sample.rows - sample.wrong,
    }
    return render(request, "invoices/import_mapping.html", context)
