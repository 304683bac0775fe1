"""The rows of a batch: by what becomes of them, and those in error as the person's own file."""

from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from core import clock
from core.rights import permission_required
from customers.models import LegalEntity
from invoices.import_changes import clearings
from invoices.import_rejects import rejects_csv, rejects_xlsx
from invoices.imports import sample_csv
from invoices.models import ImportBatch
from invoices.views.import_detail import (
    HAS_ROWS,
    OUTCOME_TONES,
    batch_or_404,
    stats_of,
    with_facts,
)

PAGE = 100
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_GET
@permission_required("invoices.view")
def import_rows(request: HttpRequest, uid: str) -> HttpResponse:
    """The lines of the file with their outcome; the items that the file no longer shows."""
    batch = batch_or_404(request, uid)
    chosen = request.GET.get("resultat", "")
    after = request.GET.get("apres", "")
    place = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else 0
    if chosen == "CLEARED":
        return _cleared(request, batch, place)
    rows = batch.rows.order_by("line")
    code = request.GET.get("point", "")[:40]
    if chosen in OUTCOME_TONES:
        rows = rows.filter(outcome=chosen)
    elif chosen == "SUSPICIOUS":
        rows = rows.exclude(suspicions=[])
        if code:
            rows = rows.filter(suspicions__contains=[{"code": code}])
    elif chosen == "CUSTOMERS":
        rows = rows.filter(customer__isnull=True, outcome="NEW")
    else:
        chosen = ""
    found = list(rows.filter(line__gt=place)[: PAGE + 1])
    shown = found[:PAGE]
    with_facts(shown, batch)
    query = (f"resultat={chosen}&" if chosen else "") + (
        f"point={code}&" if chosen == "SUSPICIOUS" and code else ""
    )
    context = {
        "batch": batch,
        "rows": shown,
        "cleared": [],
        "tab_items": tabs_of(batch, chosen),
        "next_url": f"?{query}apres={shown[-1].line}" if len(found) > PAGE else "",
        "first_url": f"?{query}".rstrip("&") if place else "",
        "error_file": error_file(batch),
        "chosen": chosen,
    }
    return render(request, "invoices/import_rows.html", context)


def _cleared(request: HttpRequest, batch: ImportBatch, after: int) -> HttpResponse:
    found = clearings(batch, after_id=after, rows=PAGE + 1)
    shown = found[:PAGE]
    context = {
        "batch": batch,
        "rows": [],
        "cleared": shown,
        "tab_items": tabs_of(batch, "CLEARED"),
        "next_url": f"?resultat=CLEARED&apres={shown[-1].id}" if len(found) > PAGE else "",
        "first_url": "?resultat=CLEARED" if after else "",
        "error_file": error_file(batch),
        "chosen": "CLEARED",
    }
    return render(request, "invoices/import_rows.html", context)


@require_GET
@permission_required("invoices.view")
def import_errors(request: HttpRequest, uid: str, file_format: str) -> HttpResponse | StreamingHttpResponse:
    """The rows in error as a CSV or XLSX file, to correct and upload again."""
    batch = batch_or_404(request, uid)
    if batch.status not in HAS_ROWS or file_format not in ("csv", "xlsx"):
        raise Http404
    name = f"rejets-lot-{batch.pk}.{file_format}"
    if file_format == "xlsx":
        return FileResponse(rejects_xlsx(batch), as_attachment=True, filename=name, content_type=XLSX)
    response = StreamingHttpResponse(rejects_csv(batch), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_GET
@permission_required("invoices.import")
def import_sample(request: HttpRequest, entity: str) -> HttpResponse:
    """An example file on the customers of the entity."""
    found = get_object_or_404(LegalEntity.objects.visible_to(request.user), code=entity)
    response = HttpResponse(sample_csv(found, clock.today()), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="exemple-factures.csv"'
    return response


def error_file(batch: ImportBatch) -> str:
    """The format in which the rejects go back: the person's own."""
    return "xlsx" if batch.dialect.get("kind") == "xlsx" else "csv"


def tabs_of(batch: ImportBatch, chosen: str) -> list[dict[str, Any]]:
    """The rows by what becomes of them, with their numbers."""
    parts = [("", _("Toutes"), batch.row_count)]
    parts += [(stat["key"], stat["label"], stat["count"]) for stat in stats_of(batch)]
    return [
        {"label": label, "url": f"?resultat={key}" if key else "?", "active": key == chosen, "count": count}
        for key, label, count in parts
    ]
