"""Life-cycle statuses of electronic invoices: those received, a file of them, and what was collected (212)."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from core import clock
from core.errors import BusinessError
from core.keyset import keyset_page
from core.rights import has_permission, permission_required
from invoices.einvoice_reads import collected, visible_statuses, with_words
from invoices.einvoice_statuses import EFFECT_LABELS
from invoices.filters_einvoices import EInvoiceStatusFilter
from invoices.forms_einvoices import CollectedForm, StatusUploadForm
from invoices.operations.einvoice_status_files import ReceivedFile, receive_status_file

ORDER = ("-occurred_at", "-pk")
_SHOWN_PROBLEMS = 100


@require_GET
@permission_required("invoices.view")
def einvoice_status_list(request: HttpRequest) -> HttpResponse:
    """The statuses in one's scope, the latest first."""
    statuses = visible_statuses(request.user).select_related("legal_entity", "item", "item__customer")
    filterset = EInvoiceStatusFilter(request.GET, queryset=statuses, request=request)
    page = keyset_page(filterset.qs, order=ORDER, cursor=request.GET.get("cursor", ""))
    context = {
        "filterset": filterset,
        "statuses": with_words(page.rows),
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "has_filters": any(request.GET.get(name) for name in filterset.form.fields),
        "may_record": has_permission(request.user, "invoices.record_einvoice_status"),
    }
    return render(request, "invoices/einvoice_status_list.html", context)


@require_http_methods(["GET", "POST"])
@permission_required("invoices.record_einvoice_status")
def einvoice_status_upload(request: HttpRequest) -> HttpResponse:
    """Record a file of statuses; what could not be taken is shown on the page."""
    form = StatusUploadForm(request.POST or None, request.FILES or None, actor=request.user)
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            received = receive_status_file(
                actor=request.user,
                entity=form.cleaned_data["entity"],
                file=upload.file,
                name=upload.name,
                today=clock.today(),
                now=clock.now(),
            )
        except BusinessError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            return _received(request, form, received)
    status = 400 if form.errors else 200
    return render(request, "invoices/einvoice_status_upload.html", {"form": form}, status=status)


def _received(request: HttpRequest, form: StatusUploadForm, received: ReceivedFile) -> HttpResponse:
    recorded = received.recorded
    told = ngettext("%(count)d statut enregistré.", "%(count)d statuts enregistrés.", recorded.created) % {
        "count": recorded.created
    }
    if not received.problems:
        known = (
            " "
            + ngettext("%(count)d était déjà connu.", "%(count)d étaient déjà connus.", recorded.known)
            % {"count": recorded.known}
            if recorded.known
            else ""
        )
        messages.success(request, told + known)
        return redirect("invoices:einvoice-status-list")
    context: dict[str, Any] = {
        "form": form,
        "told": told,
        "recorded": recorded,
        "effects": [
            {"label": EFFECT_LABELS[effect], "count": count}  # type: ignore[index]
            for effect, count in recorded.effects.most_common()
        ],
        "problems": received.problems[:_SHOWN_PROBLEMS],
        "problem_count": len(received.problems),
    }
    return render(request, "invoices/einvoice_status_upload.html", context)


@require_GET
@permission_required("invoices.record_einvoice_status")
def einvoice_collected(request: HttpRequest) -> HttpResponse:
    """What was received on electronic invoices in a period: to be told to the platform as status 212."""
    today = clock.today()
    first = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    asked = bool(request.GET)
    form = CollectedForm(
        request.GET if asked else None,
        actor=request.user,
        initial={"start": first, "end": today.replace(day=1) - timedelta(days=1)},
    )
    rows = []
    if asked and form.is_valid():
        found = form.cleaned_data
        rows = collected(found["entity"], found["start"], found["end"])
        if request.GET.get("format") == "json":
            answer = JsonResponse(
                {
                    "legal_entity": found["entity"].code,
                    "from": found["start"].isoformat(),
                    "to": found["end"].isoformat(),
                    "statuses": [row.as_json() for row in rows],
                },
                json_dumps_params={"ensure_ascii": False},
            )
            name = f"encaissements-{found['entity'].code}-{found['start']:%Y%m%d}-{found['end']:%Y%m%d}.json"
            answer["Content-Disposition"] = f'attachment; filename="{name}"'
            return answer
    context = {"form": form, "rows": rows, "asked": asked and form.is_valid()}
    return render(
        request, "invoices/einvoice_collected.html", context, status=400 if asked and form.errors else 200
    )
