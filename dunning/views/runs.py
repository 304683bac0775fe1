"""Campagnes: the list, asking for one, what one proposes, and deciding on it as a whole."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import audit, clock
from core.audit_words import told
from core.errors import BusinessError
from core.exports import FORMATS, Column, Kind, export_response
from core.jobs import kick
from core.keyset import keyset_page
from core.rights import has_permission, permission_required, signed_in
from core.templatetags.format import amount, integer
from customers.models import Customer
from dunning.approvals import confirmable, visible_runs
from dunning.forms import OutcomeForm, ReasonForm, RunForm
from dunning.models import Level, Notice, Run, RunExclusion
from dunning.operations.run_decisions import cancel_run, confirm_run, release_run
from dunning.operations.runs import request_run
from dunning.run_guard import AMOUNT
from dunning.run_outcomes import Outcome, every_outcome, outcomes_page
from dunning.views.places import tabs
from dunning.views.tones import RUN_TONES

PAGE_SIZE = 50
EVENTS = 20
CHUNK = 2_000


def _visible_runs(request: HttpRequest) -> Any:
    return visible_runs(signed_in(request)).select_related("legal_entity", "requested_by", "confirmed_by")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("dunning.view")
def run_list(request: HttpRequest) -> HttpResponse:
    """The runs, latest first, and the form that asks for one."""
    today = clock.today()
    form = RunForm(request.POST or None, user=request.user, today=today, initial={"as_of": today})
    if request.method == "POST" and not has_permission(request.user, "dunning.plan"):
        raise PermissionDenied("dunning.plan")
    if request.method == "POST" and form.is_valid():
        try:
            run = request_run(actor=request.user, now=clock.now(), **form.cleaned_data)
        except BusinessError as error:
            form.add_error(None, str(error))
        else:
            kick("dunning.tasks.plan_requested_runs")
            messages.info(request, _("La campagne est en préparation."))
            return redirect("dunning:run-detail", pk=run.pk)
    page = keyset_page(
        _visible_runs(request),
        order=("-as_of", "-pk"),
        cursor=request.GET.get("cursor", ""),
        size=PAGE_SIZE,
    )
    for run in page.rows:
        run.tone = RUN_TONES[Run.Status(run.status)]
    context = {
        "form": form,
        "runs": page.rows,
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "tabs": tabs(request, "runs"),
        "may_plan": has_permission(request.user, "dunning.plan"),
        "may_stop": has_permission(request.user, "dunning.stop"),
    }
    return render(request, "dunning/run_list.html", context, status=400 if form.errors else 200)


@require_GET
@permission_required("dunning.view")
def run_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What a run proposes by level, whom it leaves alone and why, and the decisions on it as a whole."""
    run = get_object_or_404(_visible_runs(request), pk=pk)
    run.tone = RUN_TONES[Run.Status(run.status)]
    visible = Customer.objects.visible_to(request.user)
    notices = Notice.objects.filter(run=run, customer__in=visible)
    levels = list(
        notices.values("level__rank", "level__kind", "level__channel", "currency", "status")
        .annotate(
            notices=Count("pk"),
            open_amount=Sum("open_amount"),
            interest=Sum("interest_amount"),
            indemnity=Sum("indemnity_amount"),
        )
        .order_by("level__rank", "currency", "status")
    )
    for row in levels:
        row["kind"] = Level.Kind(row["level__kind"]).label
        row["channel"] = Level.Channel(row["level__channel"]).label
        row["status_label"] = Notice.Status(row["status"]).label
    exclusions = list(
        RunExclusion.objects.filter(run=run, customer__in=visible)
        .values("reason", "currency")
        .annotate(
            customers=Count("customer", distinct=True), items=Sum("item_count"), amount=Sum("open_amount")
        )
        .order_by("-amount")
    )
    for row in exclusions:
        row["label"] = RunExclusion.Reason(row["reason"]).label
    return render(
        request,
        "dunning/run_detail.html",
        {
            "run": run,
            "levels": levels,
            "proposed_count": sum(
                row["notices"] for row in levels if row["status"] == Notice.Status.PROPOSED
            ),
            "exclusions": exclusions,
            "guard": _guard_words(run),
            "to_confirm": _to_confirm(notices),
            "events": told(audit.timeline(run).exclude(verb__startswith="dunning.notice.")[:EVENTS]),
            "reason_form": ReasonForm(),
            "tabs": tabs(request, "runs"),
            "may_approve": has_permission(request.user, "dunning.approve"),
        },
    )


def _guard_words(run: Run) -> dict[str, str] | None:
    """The figures that made the volume unusual, as written."""
    if not run.guard:
        return None
    guard = run.guard
    volume, usual = Decimal(guard["volume"]), Decimal(guard["usual"])
    if guard["what"] == AMOUNT:
        written = (amount(volume, guard["currency"]), amount(usual, guard["currency"]))
    else:
        written = (integer(volume), integer(usual))
    return {
        "what": _("Principal relancé") if guard["what"] == AMOUNT else _("Nombre de relances"),
        "volume": written[0],
        "usual": written[1],
        "times": amount(volume / usual) if usual else "–",
        "ratio": str(guard["ratio"]),
        "runs": str(guard["runs"]),
    }


def _to_confirm(notices: Any) -> dict[str, Any] | None:
    """What one confirmation would let leave: automatic levels and those « after confirmation »."""
    rows = list(
        confirmable(notices)
        .order_by()
        .values("currency")
        .annotate(count=Count("pk"), amount=Sum("open_amount"))
        .order_by("currency")
    )
    return {"count": sum(row["count"] for row in rows), "rows": rows} if rows else None


def _decided(request: HttpRequest, pk: int, decide: Callable[[Run], str]) -> HttpResponse:
    run = get_object_or_404(_visible_runs(request), pk=pk)
    try:
        messages.success(request, decide(run))
    except BusinessError as error:
        messages.error(request, str(error))
    return redirect("dunning:run-detail", pk=pk)


@require_POST
@permission_required("dunning.approve")
def run_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the notices leave that only ask for the run to be confirmed."""

    def decide(run: Run) -> str:
        count = confirm_run(actor=request.user, run=run, now=clock.now())
        return ngettext(
            "Envoi confirmé : %(count)d relance est validée.",
            "Envoi confirmé : %(count)d relances sont validées.",
            count,
        ) % {"count": count}

    return _decided(request, pk, decide)


@require_POST
@permission_required("dunning.approve")
def run_release(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a guarded run go on."""

    def decide(run: Run) -> str:
        release_run(actor=request.user, run=run, now=clock.now())
        return _("La campagne est libérée : ses relances suivent leur cours.")

    return _decided(request, pk, decide)


@require_POST
@permission_required("dunning.approve")
def run_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Set all of a guarded run aside."""

    def decide(run: Run) -> str:
        cancel_run(actor=request.user, run=run, reason=ReasonForm.read(request.POST), now=clock.now())
        return _("La campagne est annulée : aucune de ses relances ne compte.")

    return _decided(request, pk, decide)


@require_GET
@permission_required("dunning.view")
def run_outcomes(request: HttpRequest, pk: int) -> HttpResponse:
    """What the run decided of every customer it looked at."""
    run = get_object_or_404(_visible_runs(request), pk=pk)
    form = OutcomeForm(request.GET)
    asked = form.cleaned_data if form.is_valid() else {"outcome": "", "customer": ""}
    page = outcomes_page(
        run=run, actor=request.user, cursor=request.GET.get("cursor", ""), size=PAGE_SIZE, **asked
    )
    query = request.GET.copy()

    def url(cursor: str) -> str:
        query["cursor"] = cursor
        return f"?{query.urlencode()}" if cursor else ""

    context = {
        "run": run,
        "form": form,
        "rows": [(row, page.customers[row.customer_id]) for row in page.rows],
        "is_filtered": bool(asked["outcome"] or asked["customer"]),
        "export_urls": _export_urls(run, request),
        "next_url": url(page.next_cursor),
        "previous_url": url(page.previous_cursor),
        "tabs": tabs(request, "runs"),
    }
    return render(request, "dunning/run_outcomes.html", context)


def _export_urls(run: Run, request: HttpRequest) -> dict[str, str]:
    kept = request.GET.copy()
    kept.pop("cursor", None)
    return {
        file_format: f"{reverse('dunning:run-outcomes-export', args=[run.pk, file_format])}?{kept.urlencode()}"
        for file_format in FORMATS
    }


@require_GET
@permission_required("dunning.view")
def run_outcomes_export(request: HttpRequest, pk: int, file_format: str) -> HttpResponseBase:
    """The same list, all of it."""
    run = get_object_or_404(_visible_runs(request), pk=pk)
    if file_format not in FORMATS:
        raise Http404
    form = OutcomeForm(request.GET)
    asked = form.cleaned_data if form.is_valid() else {"outcome": "", "customer": ""}
    return export_response(
        file_format,
        name=f"campagne-{run.pk}-{run.as_of:%Y-%m-%d}",
        title=_("Campagne"),
        columns=[
            Column(_("Code client"), width=14),
            Column(_("Client"), width=36),
            Column(_("Issue"), width=16),
            Column(_("Niveau ou motif"), width=44),
            Column(_("État de la relance"), width=20),
            Column(_("Prochaine étape le"), Kind.DATE),
            Column(_("Pièces"), Kind.INTEGER),
            Column(_("Devise"), width=8),
            Column(_("Solde dû"), Kind.AMOUNT),
        ],
        rows=_cells(every_outcome(run=run, actor=request.user, **asked)),
    )


def _cells(outcomes: Iterator[Outcome]) -> Iterator[list[object]]:
    states = dict(Notice.Status.choices)
    while chunk := list(islice(outcomes, CHUNK)):
        customers = Customer.objects.in_bulk({row.customer_id for row in chunk})
        for row in chunk:
            customer = customers[row.customer_id]
            yield [
                customer.account_code,
                customer.name,
                _("Relancé") if row.notice_id else _("Laissé"),
                row.label,
                str(states[row.status]) if row.status else "",
                row.next_date,
                row.items,
                row.currency,
                row.open_amount,
            ]
