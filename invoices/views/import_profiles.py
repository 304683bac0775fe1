"""The saved sources of batches, and what is found suspicious in batches."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from core.rights import has_permission, permission_required
from customers.models import LegalEntity
from invoices.forms_imports import GuardForm
from invoices.forms_profiles import ProfileForm
from invoices.import_messages import column_label
from invoices.mapping_words import nature_label
from invoices.models import ImportBatch, ImportGuard, ImportProfile
from invoices.operations.import_profiles import archive_profile, save_profile, set_guard

_MOST = 500


@require_GET
@permission_required("invoices.view")
def import_profile_list(request: HttpRequest) -> HttpResponse:
    """The sources of one's entities, and the guard of each entity."""
    entities = list(LegalEntity.objects.visible_to(request.user))
    profiles = list(
        ImportProfile.objects.filter(legal_entity__in=entities)
        .select_related("legal_entity", "updated_by")
        .order_by("is_archived", "legal_entity__code", "name")[:_MOST]
    )
    guards = {guard.legal_entity_id: guard for guard in ImportGuard.objects.filter(legal_entity__in=entities)}
    context = {
        "profiles": [profile for profile in profiles if not profile.is_archived],
        "archived": [profile for profile in profiles if profile.is_archived],
        "guards": [
            (entity, guards.get(entity.pk) or ImportGuard(legal_entity=entity)) for entity in entities
        ],
        "may_configure": has_permission(request.user, "invoices.configure_import"),
        "may_set_guard": has_permission(request.user, "invoices.configure_guard"),
    }
    return render(request, "invoices/import_profile_list.html", context)


@require_http_methods(["GET", "POST"])
@permission_required("invoices.configure_import")
def import_profile_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A source: its name, what its files contain, its columns by name."""
    profile = _profile(request, pk)
    form = ProfileForm(request.POST or None, profile=profile)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                save_profile(
                    actor=request.user,
                    entity=profile.legal_entity,
                    name=form.cleaned_data["name"],
                    columns=form.columns(),
                    constants=profile.constants,
                    options=profile.options,
                    values=profile.values,
                    mode=form.cleaned_data["mode"],
                    creates_customers=form.cleaned_data["creates_customers"],
                    profile=profile,
                    now=clock.now(),
                )
            except BusinessError as error:
                show_refusal(form, error)
            else:
                messages.success(request, _("Source « %(name)s » enregistrée.") % {"name": profile.name})
                return redirect("invoices:import-profile-list")
    context = {
        "profile": profile,
        "form": form,
        "constants": [
            (column_label(name), nature_label(value) if name == "kind" else value)
            for name, value in profile.constants.items()
        ],
        "words": [(word, nature_label(value)) for word, value in profile.values.get("kind", {}).items()],
        "last": ImportBatch.objects.filter(profile=profile).select_related("file").order_by("-pk").first(),
    }
    return render(request, "invoices/import_profile_detail.html", context, status=status)


@require_POST
@permission_required("invoices.configure_import")
def import_profile_archive(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose a source no more."""
    profile = _profile(request, pk)
    try:
        archive_profile(actor=request.user, profile=profile, now=clock.now())
    except BusinessError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Source « %(name)s » archivée.") % {"name": profile.name})
    return redirect("invoices:import-profile-list")


@require_http_methods(["GET", "POST"])
@permission_required("invoices.configure_guard")
def import_guard(request: HttpRequest, entity: str) -> HttpResponse:
    """What is suspicious in the batches of an entity."""
    found = get_object_or_404(LegalEntity.objects.visible_to(request.user), code=entity)
    guard = ImportGuard.objects.filter(legal_entity=found).first() or ImportGuard(legal_entity=found)
    form = GuardForm(request.POST or None, instance=guard)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                set_guard(actor=request.user, entity=found, now=clock.now(), **form.cleaned_data)
            except BusinessError as error:
                show_refusal(form, error)
            else:
                messages.success(request, _("Garde-fous de %(name)s enregistrés.") % {"name": found.name})
                return redirect("invoices:import-profile-list")
    return render(request, "invoices/import_guard.html", {"entity": found, "form": form}, status=status)


def _profile(request: HttpRequest, pk: int) -> ImportProfile:
    entities = LegalEntity.objects.visible_to(request.user)
    return get_object_or_404(
        ImportProfile.objects.select_related("legal_entity").filter(legal_entity__in=entities), pk=pk
    )
