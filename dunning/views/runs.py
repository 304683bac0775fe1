"""Campagnes: the list, asking for one, and what one proposes."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from core import clock
from core.errors import BusinessError
from core.jobs import kick
from core.rights import has_permission, permission_required
from customers.models import Customer, LegalEntity
from dunning.forms import RunForm
from dunning.models import Level, Notice, Run, RunExclusion
from dunning.operations.runs import request_run
from dunning.views.places import tabs
from dunning.views.tones import RUN_TONES

PAGE_SIZE = 50


def _visible_runs(request: HttpRequest) -> Any:
    return Run.objects.filter(legal_entity__in=LegalEntity.objects.visible_to(request.user)).select_related(
        "legal_entity", "requested_by"
    )


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
    runs = list(_visible_runs(request).order_by("-as_of", "-pk")[:PAGE_SIZE])
    for run in runs:
        run.tone = RUN_TONES[Run.Status(run.status)]
    context = {
        "form": form,
        "runs": runs,
        "tabs": tabs(request, "runs"),
        "may_plan": has_permission(request.user, "dunning.plan"),
    }
    return render(request, "dunning/run_list.html", context, status=400 if form.errors else 200)


@require_GET
@permission_required("dunning.view")
def run_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What a run proposes by level, and whom it leaves alone and why."""
    run = get_object_or_404(_visible_runs(request), pk=pk)
    run.tone = RUN_TONES[Run.Status(run.status)]
    customers = Notice.objects.visible_to(request.user).filter(run=run)
    levels = list(
        customers.values("level__rank", "level__kind", "level__channel", "currency", "status")
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
        RunExclusion.objects.filter(run=run, customer__in=_customers(request))
        .values("reason", "currency")
        .annotate(
            customers=Count("customer", distinct=True), items=Sum("item_count"), amount=Sum("open_amount")
        )
        .order_by("-amount")
    )
    for row in exclusions:
        row["label"] = RunExclusion.Reason(row["reason"]).label
    reason = request.GET.get("reason", "")
    excluded = (
        RunExclusion.objects.filter(run=run, reason=reason, customer__in=_customers(request))
        .select_related("customer")
        .order_by("-open_amount", "pk")[:200]
        if reason in RunExclusion.Reason.values
        else []
    )
    return render(
        request,
        "dunning/run_detail.html",
        {
            "run": run,
            "levels": levels,
            "exclusions": exclusions,
            "excluded": excluded,
            "reason_label": RunExclusion.Reason(reason).label if excluded else "",
            "tabs": tabs(request, "runs"),
            "may_approve": has_permission(request.user, "dunning.approve"),
        },
    )


def _customers(request: HttpRequest) -> Any:
    return Customer.objects.visible_to(request.user)
