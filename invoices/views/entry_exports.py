"""Entries to post back into the ledger: what waits, what was exported, each file again."""

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from core import clock
from core.errors import BusinessError
from core.files_http import file_response
from core.forms import show_refusal
from core.rights import permission_required
from customers.models import LegalEntity
from invoices.forms_cash import ExportForm
from invoices.models import EntryExport
from invoices.operations.entry_exports import export_entries, waiting_entries
from invoices.views.cash_tables import links_of

MOST_SHOWN = 100


@require_http_methods(["GET", "POST"])
@permission_required("invoices.export_entries")
def entry_export_list(request: HttpRequest) -> HttpResponse:
    """Exports so far, and a new one."""
    today = clock.today()
    entities = LegalEntity.objects.visible_to(request.user).order_by("code")
    form = ExportForm(
        request.POST or None, entities=entities, initial={"until": today, "separator": "semicolon"}
    )
    if request.method == "POST" and form.is_valid():
        try:
            export = export_entries(actor=request.user, today=today, now=clock.now(), **form.cleaned_data)
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(
                request,
                ngettext(
                    "%(n)s écriture exportée : téléchargez le fichier ci-dessous.",
                    "%(n)s écritures exportées : téléchargez le fichier ci-dessous.",
                    export.entry_count,
                )
                % {"n": export.entry_count},
            )
            return redirect("invoices:entry-export-list")
    exports = EntryExport.objects.filter(legal_entity__in=entities)
    context = {
        "form": form,
        "waiting": waiting_entries([entity.pk for entity in entities], today),
        "exports": exports.select_related("legal_entity", "file", "created_by").order_by("-id")[:MOST_SHOWN],
        **links_of(request),
    }
    return render(request, "invoices/entry_exports.html", context, status=422 if form.errors else 200)


@require_GET
@permission_required("invoices.export_entries")
def entry_export_file(request: HttpRequest, pk: int) -> FileResponse:
    """The file of an export, as it was made."""
    exports = EntryExport.objects.filter(legal_entity__in=LegalEntity.objects.visible_to(request.user))
    return file_response(get_object_or_404(exports.select_related("file"), pk=pk).file)
