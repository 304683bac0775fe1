"""A batch: its progress, then what the file would change, then what it changed."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET
from django_htmx.http import HttpResponseClientRefresh

from core import clock
from core.money import format_count
from core.rights import has_permission, permission_required
from invoices.forms_imports import RereadForm
from invoices.import_changes import batch_suspicions, changed_rows, clearings
from invoices.import_dependents import may_roll_back_until, rollback_dependents
from invoices.import_messages import ENCODING_NAMES, column_label
from invoices.import_row_words import facts_of_row
from invoices.import_samples import fitting_profiles
from invoices.imports import (
    batch_errors,
    error_kinds,
    file_error,
    new_rows,
    same_file_batches,
)
from invoices.mapping_words import AMOUNT_LABELS, CREDIT_LABELS, SIGN_LABELS
from invoices.models import ImportBatch, ImportRow
from invoices.readers.columns import NAMES

ERROR_ROWS = 100
FIRST_ROWS = 10
OUTCOME_TONES = {
    "NEW": "ok",
    "CHANGED": "info",
    "UNCHANGED": "neutral",
    "SKIPPED": "neutral",
    "ERROR": "late",
}
HAS_ROWS = ("PREVIEWED", "TO_APPROVE", "COMMITTING", "COMMITTED", "ROLLING_BACK", "ROLLED_BACK")
BEFORE_COMMIT = ("PREVIEWED", "TO_APPROVE")
# What a mapping of the columns can put right.
MAPPABLE = ("columns_missing", "header_missing", "column_double")

TONES = {
    "RECEIVED": "info",
    "READING": "info",
    "PREVIEWED": "watch",
    "TO_APPROVE": "watch",
    "REJECTED": "late",
    "COMMITTING": "info",
    "COMMITTED": "ok",
    "ROLLING_BACK": "info",
    "ROLLED_BACK": "neutral",
    "CANCELLED": "neutral",
    "FAILED": "blocked",
}


def batch_or_404(request: HttpRequest, uid: str) -> ImportBatch:
    """The batch of this address, if the person may see it."""
    batches = ImportBatch.objects.visible_to(request.user).select_related(
        "legal_entity", "file", "uploaded_by", "profile", "requested_by", "committed_by", "rolled_back_by"
    )
    return get_object_or_404(batches, uid=uid)


@require_GET
@permission_required("invoices.view")
def import_detail(request: HttpRequest, uid: str) -> HttpResponse:
    """Steps 2 and 3: progress, then what the file would change, then what it changed."""
    batch = batch_or_404(request, uid)
    return detail_page(request, batch, RereadForm(batch=batch), 200)


@require_GET
@permission_required("invoices.view")
def import_progress(request: HttpRequest, uid: str) -> HttpResponse:
    """The progress of a batch under way; when it is through, the page is asked to load again."""
    batch = batch_or_404(request, uid)
    if not batch.is_under_way:
        return HttpResponseClientRefresh()
    return render(request, "invoices/import_progress.html", {"batch": batch})


def detail_page(request: HttpRequest, batch: ImportBatch, reread: RereadForm, status: int) -> HttpResponse:
    """The page of a batch as its state asks for."""
    state = batch.status
    has_rows = state in HAS_ROWS
    mappable = batch.format == ImportBatch.Format.TABLE and batch.subject == ImportBatch.Subject.ITEMS
    suspicions = batch_suspicions(batch) if has_rows else []
    waiting = [found for found in suspicions if not found.is_confirmed]
    may_import = has_permission(request.user, "invoices.import")
    context = {
        "batch": batch,
        "tone": TONES[state],
        "step": _step(state),
        "file_error": file_error(batch),
        "same_files": same_file_batches(batch),
        "fitting": fitting_profiles(batch)[:1] if state in ("PREVIEWED", "REJECTED") and may_import else [],
        "dialect": dialect_words(batch.dialect) if "decimal" in batch.dialect else [],
        "columns": [
            (column_label(field), batch.dialect["columns"][field])
            for field in NAMES
            if field in batch.dialect.get("columns", {})
        ],
        "suspicions": suspicions,
        "waiting": waiting,
        "stats": stats_of(batch) if has_rows else [],
        "errors": batch_errors(batch, rows=ERROR_ROWS) if has_rows and batch.error_count else [],
        "error_kinds": error_kinds(batch) if has_rows and batch.error_count else [],
        "error_rows_shown": min(batch.error_count, ERROR_ROWS),
        "new_rows": with_facts(new_rows(batch, FIRST_ROWS), batch) if state in BEFORE_COMMIT else [],
        "changed": changed_rows(batch, rows=FIRST_ROWS) if has_rows and batch.changed_count else [],
        "cleared": clearings(batch, rows=FIRST_ROWS) if has_rows and batch.cleared_count else [],
        "money": money_of(batch) if has_rows else [],
        "reread_form": reread,
        "may_import": may_import,
        "may_confirm": may_import and has_permission(request.user, "core.use_site"),
        "may_map": mappable and may_import and state in ("PREVIEWED", "REJECTED", "FAILED"),
        "needs_mapping": mappable and batch.error_code in MAPPABLE,
        "may_reread": state in ("PREVIEWED", "REJECTED", "FAILED")
        and batch.format == ImportBatch.Format.TABLE,
        "may_cancel": state in ("RECEIVED", "PREVIEWED", "TO_APPROVE", "REJECTED", "FAILED"),
        "may_approve": state == "TO_APPROVE" and has_permission(request.user, "invoices.approve_import"),
        "asked_by_me": batch.requested_by_id == request.user.pk,
        "has_rows": has_rows,
        "summary": summary_of(batch),
        "changes_something": bool(batch.new_count + batch.changed_count + batch.cleared_count),
        "error_file": "xlsx" if batch.dialect.get("kind") == "xlsx" else "csv",
        **_undo(request, batch),
    }
    return render(request, "invoices/import_detail.html", context, status=status)


def with_facts(rows: Sequence[ImportRow], batch: ImportBatch) -> Sequence[ImportRow]:
    """The rows, each with its tone, what there is to know of it and the customer's name that it gives."""
    headers = batch.dialect.get("columns", {})
    for row in rows:
        row.tone = OUTCOME_TONES[row.outcome]  # type: ignore[attr-defined]
        row.facts = facts_of_row(row, headers)  # type: ignore[attr-defined]
        row.told_name = row.details.get("customer", {}).get("name", "")  # type: ignore[attr-defined]
    return rows


def _undo(request: HttpRequest, batch: ImportBatch) -> dict[str, Any]:
    """Whether the batch may be taken back, until when, and what depends on it."""
    if batch.status != "COMMITTED" or not has_permission(request.user, "invoices.undo_import"):
        return {"may_undo": False, "undo_until": None, "dependents": []}
    until = may_roll_back_until(batch)
    open_still = until is not None and clock.now() <= until
    return {
        "may_undo": open_still,
        "undo_until": until,
        "dependents": rollback_dependents(batch) if open_still else [],
    }


def summary_of(batch: ImportBatch) -> str:
    """What the commit changes, in one line without its point; parts that are nothing are left out."""
    parts = [
        ngettext("%(count)s nouvelle", "%(count)s nouvelles", batch.new_count)
        % {"count": format_count(batch.new_count)}
        if batch.new_count
        else "",
        ngettext("%(count)s modifiée", "%(count)s modifiées", batch.changed_count)
        % {"count": format_count(batch.changed_count)}
        if batch.changed_count
        else "",
        ngettext("%(count)s soldée", "%(count)s soldées", batch.cleared_count)
        % {"count": format_count(batch.cleared_count)}
        if batch.cleared_count
        else "",
    ]
    return ", ".join(part for part in parts if part)


def _step(state: str) -> int:
    if state in ("RECEIVED", "READING", "REJECTED"):
        return 1
    return 3 if state in ("COMMITTED", "ROLLING_BACK", "ROLLED_BACK") else 2


def stats_of(batch: ImportBatch) -> list[dict[str, Any]]:
    """The figures of a batch, each with the rows it opens; those that are nothing and seldom something are left out."""
    done = batch.status not in BEFORE_COMMIT
    address = reverse("invoices:import-rows", kwargs={"uid": batch.uid})
    parts: list[tuple[str, str, int, str, str, bool]] = [
        ("NEW", _("Nouvelles"), batch.new_count, _("enregistrées") if done else _("à enregistrer"), "", True),
        ("CHANGED", _("Modifiées"), batch.changed_count, _("champ par champ"), "", False),
        (
            "CLEARED",
            _("Soldées"),
            batch.cleared_count,
            _("absentes du fichier"),
            "",
            batch.mode == "SNAPSHOT",
        ),
        ("UNCHANGED", _("Inchangées"), batch.unchanged_count, _("déjà au grand livre"), "", True),
        ("ERROR", _("En erreur"), batch.error_count, _("à corriger"), "late", True),
        ("SUSPICIOUS", _("Douteuses"), batch.suspicious_count, _("à confirmer"), "watch", False),
        ("SKIPPED", _("Laissées de côté"), batch.skipped_count, _("brouillons, groupes lettrés…"), "", False),
        ("CUSTOMERS", _("Clients créés"), batch.new_customer_count, _("inconnus jusqu’ici"), "", False),
    ]
    return [
        {
            "key": key,
            "label": label,
            "count": count,
            "note": note,
            "tone": tone if count else "",
            "url": f"{address}?resultat={key}" if count else "",
        }
        for key, label, count, note, tone, always in parts
        if always or count
    ]


def money_of(batch: ImportBatch) -> list[dict[str, str]]:
    """Receivable before, what each part of the batch moves, and after, per currency."""
    return [
        {
            "currency": currency,
            "before": batch.receivable_before.get(currency, "0"),
            "new": batch.new_amounts.get(currency, "0"),
            "changed": batch.changed_amounts.get(currency, "0"),
            "cleared": str(-Decimal(batch.cleared_amounts.get(currency, "0")) + 0),
            "after": after,
        }
        for currency, after in batch.receivable_after.items()
    ]


def dialect_words(dialect: dict[str, Any]) -> list[tuple[str, str]]:
    """How a table is written, in words: (what, how)."""
    marks = {
        ";": _("point-virgule"),
        ",": _("virgule"),
        "\t": _("tabulation"),
        "|": _("barre"),
    }
    decimals = {",": _("virgule (1 234,56)"), ".": _("point (1,234.56)")}
    if dialect.get("kind") == "xlsx":
        found = [(_("Format"), _("Classeur XLSX, feuille « %(sheet)s »") % {"sheet": dialect["sheet"]})]
    else:
        encoding = ENCODING_NAMES.get(dialect.get("encoding", ""), "")
        found = [
            (_("Format"), _("CSV en %(encoding)s") % {"encoding": encoding}),
            (_("Séparateur"), marks.get(dialect.get("delimiter", ""), "")),
        ]
    order = _("mois/jour/année") if dialect.get("date_order") == "mdy" else _("jour/mois/année")
    found += [
        (_("Décimales"), decimals.get(dialect.get("decimal", ""), _("aucune dans le fichier"))),
        (_("Dates"), order),
    ]
    if "amounts" in dialect:
        found.append((_("Montants"), str(AMOUNT_LABELS[dialect["amounts"]])))
        if dialect["sign"] == "reversed":
            found.append((_("Signe"), str(SIGN_LABELS["reversed"])))
        if dialect["amounts"] != "kind":
            found.append((_("Un crédit sans type est"), str(CREDIT_LABELS[dialect["credit_kind"]])))
    line = dialect.get("header_line", 1)
    found.append((_("Ligne des en-têtes"), str(line) if line else _("aucune")))
    return found
