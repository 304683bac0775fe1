"""Batches of files: the list, and the first step: uploading."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods

from core import clock
from core.errors import BusinessError
from core.money import format_count
from core.rights import has_permission, permission_required
from customers.models import LegalEntity
from invoices.forms_imports import UploadForm
from invoices.import_messages import column_label
from invoices.large_bodies import drain, refused_size
from invoices.models import ImportBatch
from invoices.operations import imports as operations
from invoices.readers.columns import ITEM_FIELDS, NAMES, REQUIRED
from invoices.views.import_detail import TONES

PAGE = 50


@require_GET
@permission_required("invoices.view")
def import_list(request: HttpRequest) -> HttpResponse:
    """The batches of one's entities, the latest first."""
    batches = ImportBatch.objects.visible_to(request.user).select_related(
        "legal_entity", "file", "uploaded_by", "profile"
    )
    before = request.GET.get("avant", "")
    if before.isascii() and before.isdigit() and len(before) < 18:
        batches = batches.filter(pk__lt=int(before))
    found = list(batches.order_by("-pk")[: PAGE + 1])
    shown = found[:PAGE]
    for batch in shown:
        batch.tone = TONES[batch.status]  # type: ignore[attr-defined]
    context = {
        "batches": shown,
        "next_url": f"?avant={shown[-1].pk}" if len(found) > PAGE else "",
        "may_import": has_permission(request.user, "invoices.import"),
        "may_configure": has_permission(request.user, "invoices.configure_import"),
    }
    return render(request, "invoices/import_list.html", context)


@csrf_exempt
@require_http_methods(["GET", "POST"])
@permission_required("invoices.import")
def import_upload(request: HttpRequest) -> HttpResponse:
    """Step 1. A body over the limit is refused before it is kept; the others go through the CSRF check."""
    if request.method == "POST" and (size := refused_size(request)):
        return _too_large(request, size)
    return _import_upload(request)


@csrf_protect
def _import_upload(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST or None, request.FILES or None, actor=request.user)
    if request.method == "POST" and form.is_valid():
        received = _receive(request, form)
        if len(received) == 1 and not form.errors:
            return redirect("invoices:import-detail", uid=received[0].uid)
        if received:
            done = ngettext(
                "%(count)s fichier déposé : sa lecture a commencé.",
                "%(count)s fichiers déposés : leur lecture a commencé.",
                len(received),
            ) % {"count": format_count(len(received))}
            messages.success(request, done)
            for refusal in form.errors.get("file", ()):
                messages.error(request, refusal)
            return redirect("invoices:import-list")
    return _upload_page(request, form, 200 if request.method == "GET" else 400)


def _receive(request: HttpRequest, form: UploadForm) -> list[ImportBatch]:
    """Hand each file in; what is refused is said in the form, file by file."""
    data: dict[str, Any] = form.cleaned_data
    profile, received = data["profile"], []
    several = len(data["file"]) > 1
    snapshot = data["mode"] == ImportBatch.Mode.SNAPSHOT
    for file in data["file"]:
        try:
            batch = operations.receive_batch(
                actor=request.user,
                entity=data["entity"],
                file=file.file,
                name=file.name,
                options=form.options(),
                subject=data["subject"] or ImportBatch.Subject.ITEMS,
                mode=data["mode"],
                as_of=(data["as_of"] or clock.today()) if snapshot else None,
                profile=profile,
                creates_customers=data["creates_customers"] or bool(profile and profile.creates_customers),
                now=clock.now(),
            )
        except BusinessError as error:
            text = _("%(label)s : %(value)s") % {"label": file.name, "value": error.message}
            field = error.field if error.field in form.fields else None
            form.add_error(field if not several else "file", text if several else error.message)
        else:
            received.append(batch)
    return received


def _too_large(request: HttpRequest, size: int) -> HttpResponse:
    drain(request, size)
    form = UploadForm({}, {}, actor=request.user)
    form.errors.clear()
    form.add_error("file", operations.too_large_message(size))
    return _upload_page(request, form, 413)


def _upload_page(request: HttpRequest, form: UploadForm, status: int) -> HttpResponse:
    entities = list(LegalEntity.objects.visible_to(request.user))
    context = {
        "form": form,
        "entities": entities,
        "may_configure": has_permission(request.user, "invoices.configure_import"),
        "columns": [
            {"label": column_label(field), "required": field in REQUIRED, "names": NAMES[field][:3]}
            for field in ITEM_FIELDS
        ],
    }
    return render(request, "invoices/import_upload.html", context, status=status)
