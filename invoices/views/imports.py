"""The three steps of a batch: upload a file, look at what it would change, commit it."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from core import clock
from core.errors import BusinessError
from core.rights import has_permission, permission_required
from customers.models import LegalEntity
from invoices.forms_imports import CommitForm, RereadForm, UploadForm
from invoices.import_messages import ENCODING_NAMES, column_label
from invoices.imports import (
    batch_errors,
    error_kinds,
    file_error,
    new_rows,
    rejects_csv,
    same_file_batches,
    sample_csv,
)
from invoices.models import ImportBatch
from invoices.operations import imports as operations
from invoices.readers.columns import NAMES, REQUIRED
from invoices.readers.limits import MIB

PAGE = 50
ERROR_ROWS = 100
# So much of a body that is too large anyway is read and thrown away: a browser that may not finish shows no answer.
_DRAINED = 512 * MIB

TONES = {
    "RECEIVED": "info",
    "READING": "info",
    "PREVIEWED": "watch",
    "REJECTED": "late",
    "COMMITTING": "info",
    "COMMITTED": "ok",
    "CANCELLED": "neutral",
    "FAILED": "blocked",
}
OUTCOME_TONES = {"NEW": "ok", "UNCHANGED": "neutral", "ERROR": "late"}


@require_GET
@permission_required("invoices.view")
def import_list(request: HttpRequest) -> HttpResponse:
    """The batches of one's entities, the latest first."""
    batches = ImportBatch.objects.visible_to(request.user).select_related(
        "legal_entity", "file", "uploaded_by"
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
    }
    return render(request, "invoices/import_list.html", context)


@csrf_exempt
@require_http_methods(["GET", "POST"])
@permission_required("invoices.import")
def import_upload(request: HttpRequest) -> HttpResponse:
    """Step 1. A body over the limit is refused before it is kept; the others go through the CSRF check."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if request.method == "POST" and announced.isdigit() and int(announced) > settings.IMPORT_MAX_BYTES + MIB:
        return _too_large(request, int(announced))
    return _import_upload(request)


@csrf_protect
def _import_upload(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST or None, request.FILES or None, actor=request.user)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            batch = operations.receive_batch(
                actor=request.user,
                entity=form.cleaned_data["entity"],
                file=file.file,
                name=file.name,
                options=form.options(),
                now=clock.now(),
            )
        except BusinessError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            return redirect("invoices:import-detail", uid=batch.uid)
    return _upload_page(request, form, 200 if request.method == "GET" else 400)


def _too_large(request: HttpRequest, size: int) -> HttpResponse:
    left = min(size, _DRAINED)
    while left > 0 and (chunk := request.read(min(left, MIB))):
        left -= len(chunk)
    form = UploadForm({}, {}, actor=request.user)
    form.errors.clear()
    form.add_error("file", operations.too_large_message(size))
    return _upload_page(request, form, 413)


def _upload_page(request: HttpRequest, form: UploadForm, status: int) -> HttpResponse:
    entities = list(LegalEntity.objects.visible_to(request.user))
    context = {
        "form": form,
        "entities": entities,
        "columns": [
            {"label": column_label(field), "required": field in REQUIRED, "names": names[:4]}
            for field, names in NAMES.items()
        ],
    }
    return render(request, "invoices/import_upload.html", context, status=status)


@require_GET
@permission_required("invoices.view")
def import_detail(request: HttpRequest, uid: str) -> HttpResponse:
    """Steps 2 and 3: progress, then what the file would change, then what it changed."""
    batch = _batch(request, uid)
    return _detail_page(request, batch, RereadForm(batch=batch), 200)


def _detail_page(request: HttpRequest, batch: ImportBatch, reread: RereadForm, status: int) -> HttpResponse:
    state = batch.status
    has_rows = state in ("PREVIEWED", "COMMITTING", "COMMITTED")
    dialect = batch.dialect
    context = {
        "batch": batch,
        "tone": TONES[state],
        "step": 1 if state in ("RECEIVED", "READING", "REJECTED") else 3 if state == "COMMITTED" else 2,
        "file_error": file_error(batch),
        "same_files": same_file_batches(batch),
        "encoding": ENCODING_NAMES.get(dialect.get("encoding", ""), ""),
        "columns": [
            (column_label(field), dialect["columns"][field])
            for field in NAMES
            if field in dialect.get("columns", {})
        ],
        "errors": batch_errors(batch, rows=ERROR_ROWS) if has_rows and batch.error_count else [],
        "error_kinds": error_kinds(batch) if has_rows and batch.error_count else [],
        "error_rows_shown": min(batch.error_count, ERROR_ROWS),
        "new_rows": new_rows(batch) if state == "PREVIEWED" else [],
        "money": _money(batch) if has_rows else [],
        "reread_form": reread,
        "may_import": has_permission(request.user, "invoices.import"),
        "may_reread": state in ("PREVIEWED", "REJECTED", "FAILED"),
        "may_cancel": state in ("RECEIVED", "PREVIEWED", "REJECTED", "FAILED"),
        "has_rows": has_rows,
    }
    return render(request, "invoices/import_detail.html", context, status=status)


@require_GET
@permission_required("invoices.view")
def import_progress(request: HttpRequest, uid: str) -> HttpResponse:
    """The progress of a batch under way; when it is through, the page is asked to load again."""
    batch = _batch(request, uid)
    if not batch.is_under_way:
        return HttpResponseClientRefresh()
    return render(request, "invoices/import_progress.html", {"batch": batch})


@require_GET
@permission_required("invoices.view")
def import_rows(request: HttpRequest, uid: str) -> HttpResponse:
    """Every line of the file with its outcome."""
    batch = _batch(request, uid)
    rows = batch.rows.order_by("line")
    outcome = request.GET.get("resultat", "")
    if outcome in OUTCOME_TONES:
        rows = rows.filter(outcome=outcome)
    else:
        outcome = ""
    after = request.GET.get("apres", "")
    if after.isascii() and after.isdigit() and len(after) < 10:
        rows = rows.filter(line__gt=int(after))
    found = list(rows[: PAGE * 2 + 1])
    shown = found[: PAGE * 2]
    for row in shown:
        row.tone = OUTCOME_TONES[row.outcome]  # type: ignore[attr-defined]
    query = f"resultat={outcome}&" if outcome else ""
    context = {
        "batch": batch,
        "rows": shown,
        "tab_items": _tabs(batch, outcome),
        "next_url": f"?{query}apres={shown[-1].line}" if len(found) > PAGE * 2 else "",
        "first_url": f"?{query}".rstrip("&") if after else "",
    }
    return render(request, "invoices/import_rows.html", context)


@require_GET
@permission_required("invoices.view")
def import_errors(request: HttpRequest, uid: str) -> HttpResponse | StreamingHttpResponse:
    """The rows in error, to correct and upload again."""
    batch = _batch(request, uid)
    if batch.status not in ("PREVIEWED", "COMMITTING", "COMMITTED"):
        raise Http404
    response = StreamingHttpResponse(rejects_csv(batch), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="rejets-lot-{batch.pk}.csv"'
    return response


@require_POST
@permission_required("invoices.import")
def import_commit(request: HttpRequest, uid: str) -> HttpResponse:
    """Step 3: order the new rows to be written."""
    form = CommitForm(request.POST)
    form.is_valid()
    return _act(
        request,
        uid,
        lambda batch: operations.commit_batch(
            actor=request.user,
            batch=batch,
            accept_rejects=form.cleaned_data.get("accept_rejects", False),
            today=clock.today(),
            now=clock.now(),
        ),
    )


@require_POST
@permission_required("invoices.import")
def import_cancel(request: HttpRequest, uid: str) -> HttpResponse:
    """Give the batch up."""
    return _act(
        request,
        uid,
        lambda batch: operations.cancel_batch(actor=request.user, batch=batch, now=clock.now()),
        _("Lot annulé : rien n’a été enregistré."),
    )


@require_POST
@permission_required("invoices.import")
def import_reread(request: HttpRequest, uid: str) -> HttpResponse:
    """Read the file again with the choices made."""
    batch = _batch(request, uid)
    form = RereadForm(request.POST, batch=batch)
    if not form.is_valid():
        return _detail_page(request, batch, form, 400)
    return _act(
        request,
        uid,
        lambda batch: operations.reread_batch(
            actor=request.user, batch=batch, options=form.options(), now=clock.now()
        ),
    )


@require_GET
@permission_required("invoices.import")
def import_sample(request: HttpRequest, entity: str) -> HttpResponse:
    """An example file on the customers of the entity."""
    found = get_object_or_404(LegalEntity.objects.visible_to(request.user), code=entity)
    response = HttpResponse(sample_csv(found, clock.today()), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="exemple-factures.csv"'
    return response


def _batch(request: HttpRequest, uid: str) -> ImportBatch:
    return get_object_or_404(
        ImportBatch.objects.visible_to(request.user).select_related("legal_entity", "file", "uploaded_by"),
        uid=uid,
    )


def _act(
    request: HttpRequest, uid: str, step: Callable[[ImportBatch], ImportBatch], done: str = ""
) -> HttpResponse:
    """Perform a step on a batch, say why not, and show the batch again."""
    batch = _batch(request, uid)
    try:
        step(batch)
    except BusinessError as error:
        messages.error(request, error.message)
    else:
        if done:
            messages.success(request, done)
    return redirect("invoices:import-detail", uid=batch.uid)


def _tabs(batch: ImportBatch, outcome: str) -> list[dict[str, object]]:
    parts = [
        ("", _("Toutes"), batch.row_count),
        ("NEW", _("Nouvelles"), batch.new_count),
        ("UNCHANGED", _("Inchangées"), batch.unchanged_count),
        ("ERROR", _("En erreur"), batch.error_count),
    ]
    return [
        {
            "label": label,
            "url": f"?resultat={key}" if key else "?",
            "active": key == outcome,
            "count": count,
        }
        for key, label, count in parts
    ]


def _money(batch: ImportBatch) -> list[dict[str, str]]:
    """Receivable before, what is added, and after, per currency."""
    return [
        {
            "currency": currency,
            "before": batch.receivable_before.get(currency, "0"),
            "added": batch.new_amounts.get(currency, "0"),
            "after": after,
        }
        for currency, after in batch.receivable_after.items()
    ]
