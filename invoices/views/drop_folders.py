"""The watched folders: what they are for, when they were last looked at, what came of their files."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from core.keyset import keyset_page
from core.rights import permission_required
from customers.models import LegalEntity
from invoices.forms_bank import DropFolderForm
from invoices.models import DropFolder, DroppedFile
from invoices.operations import drop_folders as operations

TONES = {"CLAIMED": "info", "RECEIVED": "ok", "REFUSED": "late"}


@require_GET
@permission_required("invoices.configure_import")
def drop_folder_list(request: HttpRequest) -> HttpResponse:
    """The folders of one's entities, and the last files that were put into them."""
    folders = list(
        DropFolder.objects.filter(legal_entity__in=LegalEntity.objects.visible_to(request.user))
        .select_related("legal_entity", "profile")
        .order_by("-is_active", "path")
    )
    files = DroppedFile.objects.filter(folder__in=folders).select_related("folder", "batch", "bank_file")
    page = keyset_page(files, order=("-pk",), cursor=request.GET.get("cursor", ""))
    for dropped in page.rows:
        dropped.tone = TONES[dropped.status]  # type: ignore[attr-defined]
    context = {
        "folders": folders,
        "files": page.rows,
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
    }
    return render(request, "invoices/drop_folder_list.html", context)


@require_http_methods(["GET", "POST"])
@permission_required("invoices.configure_import")
def drop_folder_create(request: HttpRequest) -> HttpResponse:
    """Watch another folder."""
    form = DropFolderForm(request.POST or None, actor=request.user)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            folder = operations.create_drop_folder(
                actor=request.user,
                entity=given["entity"],
                path=given["path"],
                subject=given["subject"],
                profile=given["profile"],
                commits_by_itself=given["commits_by_itself"],
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Le dossier « %(path)s » est surveillé.") % {"path": folder.path})
            return redirect("invoices:drop-folder-list")
    return _form_page(request, form, _("Surveiller un dossier"), _("Surveiller ce dossier"))


@require_http_methods(["GET", "POST"])
@permission_required("invoices.configure_import")
def drop_folder_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change how a folder is watched."""
    folder = get_object_or_404(
        DropFolder.objects.filter(legal_entity__in=LegalEntity.objects.visible_to(request.user)), pk=pk
    )
    form = DropFolderForm(request.POST or None, actor=request.user, folder=folder)
    if request.method == "POST" and form.is_valid():
        try:
            operations.change_drop_folder(
                actor=request.user, folder=folder, now=clock.now(), **form.cleaned_data
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Le dossier est à jour."))
            return redirect("invoices:drop-folder-list")
    return _form_page(request, form, folder.path, _("Enregistrer"))


def _form_page(request: HttpRequest, form: DropFolderForm, title: str, submit: str) -> HttpResponse:
    context = {
        "form": form,
        "title": title,
        "submit": submit,
        "back_url": reverse("invoices:drop-folder-list"),
        "back_label": _("Dossiers surveillés"),
    }
    return render(request, "invoices/bank_form.html", context, status=400 if form.errors else 200)
