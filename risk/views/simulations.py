"""Simulations of limits: asking for one, reading its differences, making requests of them."""

from typing import Any

from django.contrib import messages
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from core import clock
from core.errors import BusinessError
from core.jobs import kick
from core.keyset import chosen_order, keyset_page
from core.models import JobRun
from core.rights import has_permission, permission_required, signed_in
from customers.models import Customer, LegalEntity
from risk.forms_credit_policies import SimulationRequestForm
from risk.limit_rules import Part
from risk.limit_words import PART_LABELS
from risk.models import LimitSimulation, SimulatedLimit
from risk.operations.limit_simulations import request_limit_simulation, request_simulated_limits
from risk.views.places import subtabs, tabs
from risk.views.tones import class_tone

DECIDE = "risk.decide_limit"
TONES = {"REQUESTED": "watch", "DONE": "ok", "FAILED": "blocked"}
SORTS = {"difference": "difference", "proposed": "proposed_amount", "customer": "customer__name"}
SHOWN = {
    "raised": Q(limit_amount__isnull=False, difference__gt=0),
    "lowered": Q(limit_amount__isnull=False, difference__lt=0),
    "without": Q(limit_amount__isnull=True, proposed_amount__gt=0),
    "all": Q(),
}


def _visible(request: HttpRequest) -> "QuerySet[LimitSimulation]":
    entities = LegalEntity.objects.visible_to(request.user)
    rows = LimitSimulation.objects.select_related("legal_entity", "policy", "requested_by")
    return rows.filter(Q(legal_entity__isnull=True) | Q(legal_entity__in=entities))


@require_GET
@permission_required(DECIDE)
def limit_simulation_list(request: HttpRequest) -> HttpResponse:
    """The simulations made, and the form for another."""
    rows = list(_visible(request)[:50])
    for row in rows:
        row.tone = TONES[row.status]  # type: ignore[attr-defined]
    context = {
        "simulations": rows,
        "form": SimulationRequestForm(user=request.user),
        "tabs": tabs(request, "limit-simulations"),
        "subtabs": subtabs(request, "limit-simulations"),
    }
    return render(request, "risk/limit_simulation_list.html", context)


@require_POST
@permission_required(DECIDE)
def limit_simulation_request(request: HttpRequest) -> HttpResponse:
    """Ask for a simulation; a worker makes it."""
    form = SimulationRequestForm(request.POST, user=request.user)
    if not form.is_valid():
        messages.error(request, _("Choisissez une entité et une politique de la liste."))
        return redirect("risk:limit-simulation-list")
    try:
        made = request_limit_simulation(
            actor=signed_in(request), today=clock.today(), now=clock.now(), **form.cleaned_data
        )
    except BusinessError as error:
        messages.error(request, str(error))
        return redirect("risk:limit-simulation-list")
    kick("risk.tasks.simulate_limits")
    return redirect("risk:limit-simulation-detail", pk=made.pk)


@require_GET
@permission_required(DECIDE)
def limit_simulation_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The differences, the largest first."""
    simulation = get_object_or_404(_visible(request), pk=pk)
    if request.htmx and simulation.status == LimitSimulation.Status.REQUESTED:  # type: ignore[attr-defined]
        return render(request, "risk/limit_simulation_progress.html", _progress(simulation))
    chosen = request.GET.get("list", "raised")
    chosen = chosen if chosen in SHOWN else "raised"
    mine = SimulatedLimit.objects.filter(
        simulation=simulation, customer__in=Customer.objects.visible_to(request.user).order_by().values("pk")
    )
    default = ("difference", "pk") if chosen == "lowered" else ("-difference", "-pk")
    page = keyset_page(
        mine.filter(SHOWN[chosen])
        .select_related("customer__legal_entity")
        .annotate(name=F("customer__name")),
        order=chosen_order(request.GET.get("sort", ""), SORTS, default),
        cursor=request.GET.get("cursor", ""),
    )
    for row in page.rows:
        row.tone = class_tone(row.risk_class)  # type: ignore[attr-defined]
        row.binding_label = PART_LABELS[Part(row.binding)] if row.binding else ""  # type: ignore[attr-defined]
    labels = {
        "raised": _("Hausses"),
        "lowered": _("Baisses"),
        "without": _("Sans plafond"),
        "all": _("Tous"),
    }
    context: dict[str, Any] = {
        "simulation": simulation,
        "tone": TONES[simulation.status],
        "waits": simulation.status == LimitSimulation.Status.REQUESTED,
        "rows": page.rows,
        "lists": [
            {
                "label": labels[key],
                "url": f"?list={key}",
                "active": key == chosen,
                "count": mine.filter(where)[:1000].count(),
            }
            for key, where in SHOWN.items()
        ],
        "chosen": chosen,
        "may_request": has_permission(request.user, "risk.request_limit"),
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "tabs": tabs(request, "limit-simulations"),
        "subtabs": subtabs(request, "limit-simulations"),
        **_progress(simulation),
    }
    template = "limit_simulation_piece.html" if request.htmx else "limit_simulation_detail.html"  # type: ignore[attr-defined]
    return render(request, f"risk/{template}", context)


def _progress(simulation: LimitSimulation) -> dict[str, Any]:
    job = JobRun.objects.filter(name="risk.simulate_limits", key=str(simulation.pk)).first()
    return {
        "done": job.done if job and job.total else 0,
        "total": job.total if job and job.total else 0,
        "poll_url": reverse("risk:limit-simulation-detail", args=[simulation.pk]),
    }


@require_POST
@permission_required("risk.request_limit")
def limit_simulation_ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Make requests of the ticked lines."""
    get_object_or_404(_visible(request), pk=pk)
    ticked = [
        int(key)
        for key in request.POST.getlist("selected")
        if key.isascii() and key.isdigit() and len(key) < 19
    ]
    if not ticked:
        messages.error(request, _("Cochez au moins une ligne."))
        return redirect("risk:limit-simulation-detail", pk=pk)
    try:
        made = request_simulated_limits(
            actor=signed_in(request), simulation_id=pk, line_ids=ticked, today=clock.today(), now=clock.now()
        )
    except BusinessError as error:
        messages.error(request, str(error))
        return redirect("risk:limit-simulation-detail", pk=pk)
    messages.success(
        request,
        ngettext("%(count)d demande déposée.", "%(count)d demandes déposées.", len(made))
        % {"count": len(made)},
    )
    return redirect(reverse("risk:request-list") + "?list=open")
