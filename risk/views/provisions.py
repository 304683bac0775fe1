"""Dépréciations: drafts and closings, their matrix and movements, the method, debts assessed one by one."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.errors import BusinessError
from core.exports import FORMATS, Column, Kind, Row, export_response
from core.files_http import file_response
from core.jobs import kick
from core.keyset import keyset_page
from core.models import JobRun
from core.rights import has_permission, permission_required, signed_in
from customers.models import LegalEntity
from risk.forms_provisions import MethodForm, ProvisionForm
from risk.models import ProvisionRun
from risk.operations.provisions import (
    close_provision,
    discard_provision,
    method_of,
    request_provision,
    set_provision_method,
)
from risk.provision_computation import back_test, individual_lines
from risk.provision_entries import entry_changes
from risk.provision_words import MOVEMENTS, SOURCES, bucket_labels
from risk.views.places import subtabs, tabs

PROVISION = "risk.provision"
TONES = {
    ProvisionRun.Status.REQUESTED: "info",
    ProvisionRun.Status.FAILED: "late",
    ProvisionRun.Status.DRAFT: "watch",
    ProvisionRun.Status.CLOSED: "ok",
    ProvisionRun.Status.DISCARDED: "neutral",
}
INDIVIDUALS_SHOWN = 50
ENTRIES_SHOWN = 20


def _entities(request: HttpRequest) -> Any:
    return LegalEntity.objects.wholly_visible_to(signed_in(request)).order_by("name")


def _run(request: HttpRequest, pk: int) -> ProvisionRun:
    runs = ProvisionRun.objects.select_related(
        "legal_entity", "requested_by", "closed_by", "previous", "entries"
    )
    run: ProvisionRun = get_object_or_404(runs.filter(legal_entity__in=_entities(request)), pk=pk)
    return run


def _frame(request: HttpRequest, active: str, **context: Any) -> dict[str, Any]:
    return {"tabs": tabs(request, active), "subtabs": subtabs(request, active), **context}


@require_http_methods(["GET", "POST"])
@permission_required(PROVISION)
def provision_list(request: HttpRequest) -> HttpResponse:
    """The closings and drafts, the latest first, and a new draft."""
    entities, today = _entities(request), clock.today()
    initial = {"entity": entities.first(), "as_of": today, "outlook_factor": Decimal(1)}
    form = ProvisionForm(request.POST or None, entities=entities, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            run = request_provision(
                actor=signed_in(request), today=today, now=clock.now(), **form.cleaned_data
            )
        except BusinessError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            kick("risk.tasks.compute_provisions")
            return redirect("risk:provision-detail", pk=run.pk)
    runs = ProvisionRun.objects.filter(legal_entity__in=entities).select_related(
        "legal_entity", "requested_by", "closed_by"
    )
    page = keyset_page(runs, order=("-as_of", "-pk"), cursor=request.GET.get("cursor", ""))
    for run in page.rows:
        run.tone = TONES[ProvisionRun.Status(run.status)]
        run.shown_totals = [_total(row) for row in run.totals]
    context = _frame(
        request,
        "provisions",
        form=form,
        runs=page.rows,
        entities=entities,
        next_url=page.next_url(request.GET),
        previous_url=page.previous_url(request.GET),
    )
    return render(request, "risk/provision_list.html", context, status=400 if form.errors else 200)


@require_GET
@permission_required(PROVISION)
def provision_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One allowance: its matrix, what moved, what is assessed apart, and what goes to the accounts."""
    run = _run(request, pk)
    waits = run.status == ProvisionRun.Status.REQUESTED
    if request.htmx and waits:  # type: ignore[attr-defined]
        return render(request, "risk/provision_progress.html", _progress(run))
    context = _frame(
        request,
        "provisions",
        run=run,
        tone=TONES[ProvisionRun.Status(run.status)],
        may_close=has_permission(request.user, "risk.close_provision"),
        is_mine=run.requested_by_id == signed_in(request).pk,
    )
    if waits:
        context |= _progress(run)
    elif run.status in (ProvisionRun.Status.DRAFT, ProvisionRun.Status.CLOSED):
        context |= _figures(run)
    template = "provision_figures.html" if request.htmx else "provision_detail.html"  # type: ignore[attr-defined]
    return render(request, f"risk/{template}", context)


def _progress(run: ProvisionRun) -> dict[str, Any]:
    job = JobRun.objects.filter(name="risk.compute_provision", key=str(run.pk)).first()
    return {
        "done": job.done if job and job.total else 0,
        "total": job.total if job and job.total else 0,
        "poll_url": reverse("risk:provision-detail", args=[run.pk]),
    }


def _figures(run: ProvisionRun) -> dict[str, Any]:
    lines = individual_lines(run)
    changes = entry_changes(run)
    own = run.legal_entity.currency
    totals = sorted(map(_total, run.totals), key=lambda row: (row["currency"] != own, row["currency"]))
    return {
        "totals": totals,
        "moves": [
            {
                "label": label,
                "hint": hint,
                "amounts": [(row["moves"][part], row["currency"]) for row in totals],
            }
            for part, label, hint in MOVEMENTS
        ],
        "matrices": sorted(_matrices(run), key=lambda matrix: matrix["currency"] != own),
        "individuals": lines[:INDIVIDUALS_SHOWN],
        "more_individuals": lines.count() > INDIVIDUALS_SHOWN,
        "changes": changes[:ENTRIES_SHOWN],
        "change_count": len(changes),
        "allowance_change": sum((row[3] for row in changes), Decimal(0)),
        "line_urls": {each: reverse("risk:provision-lines", args=[run.pk, each]) for each in FORMATS},
    }


def _total(row: dict[str, Any]) -> dict[str, Any]:
    allowance, owed = Decimal(row["allowance"]), Decimal(row["owed"])
    return {
        **row,
        "allowance": allowance,
        "owed": owed,
        "individual": Decimal(row["individual"]),
        "collective": allowance - Decimal(row["individual"]),
        "share": allowance / owed if owed else None,
        "opening": Decimal(row["opening"]),
        "moves": {part: Decimal(amount) for part, amount in row["movements"].items()},
    }


def _matrices(run: ProvisionRun) -> list[dict[str, Any]]:
    """The matrix by currency and group, its figures as numbers."""
    labels = bucket_labels()
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in run.matrix:
        figures = {
            name: Decimal(row[name])
            for name in ("entered", "rolled", "rate", "applied_rate", "base", "allowance")
        }
        shown = {**row, **figures, "label": labels[row["bucket"]], "source": SOURCES[row["source"]]}
        found.setdefault((row["currency"], row["group"]), []).append(shown)
    return [{"currency": currency, "group": group, "rows": rows} for (currency, group), rows in found.items()]


@require_POST
@permission_required("risk.close_provision")
def provision_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Freeze a draft, with its entries."""
    return _step(
        request, pk, lambda run: close_provision(actor=signed_in(request), run=run, now=clock.now()),
        _("Dépréciation arrêtée : elle ne change plus, ses écritures sont prêtes."),
    )  # fmt: skip


@require_POST
@permission_required(PROVISION)
def provision_discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a draft up."""
    return _step(
        request, pk, lambda run: discard_provision(actor=signed_in(request), run=run, now=clock.now()),
        _("Projet abandonné."),
    )  # fmt: skip


def _step(request: HttpRequest, pk: int, act: Callable[[ProvisionRun], object], done: str) -> HttpResponse:
    run = _run(request, pk)
    try:
        act(run)
    except BusinessError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
    return redirect("risk:provision-detail", pk=run.pk)


@require_GET
@permission_required(PROVISION)
def provision_lines(request: HttpRequest, pk: int, file_format: str) -> HttpResponseBase:
    """Every debt with its rate and what is set aside, as a file."""
    run = _run(request, pk)
    if file_format not in FORMATS:
        raise Http404
    name = f"depreciations-{run.legal_entity.code}-{run.as_of:%Y%m%d}"
    return export_response(
        file_format, name=name, title=_("Dépréciations"), columns=_columns(), rows=_line_rows(run)
    )


def _columns() -> tuple[Column, ...]:
    return (
        Column(_("Client"), width=12),
        Column(_("Nom")),
        Column(_("Pièce"), width=14),
        Column(_("Échéance"), Kind.DATE),
        Column(_("Devise"), width=7),
        Column(_("Groupe"), width=12),
        Column(_("Tranche"), width=16),
        Column(_("Solde dû"), Kind.AMOUNT),
        Column(_("Après avoirs et règlements"), Kind.AMOUNT),
        Column(_("Hors TVA"), Kind.AMOUNT),
        Column(_("Assiette"), Kind.AMOUNT),
        Column(_("Taux (%)"), Kind.AMOUNT),
        Column(_("Dépréciation"), Kind.AMOUNT),
        Column(_("Cause"), width=22),
    )


def _line_rows(run: ProvisionRun) -> Iterator[Row]:
    labels = bucket_labels()
    lines = run.lines.select_related("customer", "item").order_by("customer__account_code", "pk")
    for line in lines.iterator(chunk_size=2_000):
        yield (
            line.customer.account_code, line.customer.name, line.item.number, line.item.due_date, line.currency,
            line.group, labels[line.bucket], line.open_amount, line.owed_amount, line.owed_without_vat,
            line.base_amount, (line.rate * 100).quantize(Decimal("0.0001")), line.allowance_amount,
            line.get_cause_display(),
        )  # fmt: skip


@require_GET
@permission_required(PROVISION)
def provision_entries(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The entries of a closing, as they were frozen."""
    run = _run(request, pk)
    if run.entries is None:
        raise Http404
    return file_response(run.entries)


@require_GET
@permission_required(PROVISION)
def provision_back_test(request: HttpRequest, pk: int) -> HttpResponse:
    """What became of the debts of a past allowance."""
    run, today, labels = _run(request, pk), clock.today(), bucket_labels()
    rows = back_test(run, today) if run.totals else []
    for row in rows:
        row["label"] = labels[row["bucket"]]
        row["gap"] = row["expected_amount"] - row["lost_amount"]
    context = _frame(
        request, "provisions", run=run, rows=rows, today=today, days=(today - run.as_of).days,
        loss_after=run.method.get("loss_after_days", ""),
    )  # fmt: skip
    return render(request, "risk/provision_back_test.html", context)


@require_http_methods(["GET", "POST"])
@permission_required(PROVISION)
def provision_method(request: HttpRequest, pk: int) -> HttpResponse:
    """How an entity estimates its losses."""
    entity = get_object_or_404(_entities(request), pk=pk)
    form = MethodForm(request.POST or None, instance=method_of(entity))
    if request.method == "POST" and form.is_valid():
        try:
            set_provision_method(
                actor=signed_in(request), entity=entity, values=form.values(), now=clock.now()
            )
        except BusinessError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Méthode enregistrée : elle vaut pour les prochains projets."))
            return redirect("risk:provision-list")
    context = _frame(request, "provisions", entity=entity, form=form)
    return render(request, "risk/provision_method.html", context, status=400 if form.errors else 200)
