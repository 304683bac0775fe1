"""Essais comparatifs: the list, starting one, what it shows, ending it."""

from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from core.money import MINUS
from core.rights import has_permission, permission_required, signed_in
from dunning.forms_policies import TrialForm
from dunning.models import Policy, Trial
from dunning.operations.trials import end_trial, start_trial
from dunning.trial_results import HORIZONS, Results, results
from dunning.views.places import tabs
from dunning.views.policies import MANAGE, visible_policies
from dunning.views.tones import TRIAL_TONES


def _visible(request: HttpRequest) -> Any:
    return Trial.objects.select_related("policy", "control_policy", "started_by").filter(
        policy__in=visible_policies(request).order_by().values("pk")
    )


@require_GET
@permission_required("dunning.view")
def trial_list(request: HttpRequest) -> HttpResponse:
    """The trials, latest first."""
    trials = list(
        _visible(request)
        .annotate(
            control_count=Count("members", filter=Q(members__is_control=True)),
            treated_count=Count("members", filter=Q(members__is_control=False)),
        )
        .order_by("-pk")[:200]
    )
    for trial in trials:
        trial.tone = TRIAL_TONES[Trial.Status(trial.status)]
    context = {
        "trials": trials,
        "may_manage": has_permission(request.user, MANAGE),
        "tabs": tabs(request, "trials"),
    }
    return render(request, "dunning/trial_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(MANAGE)
def trial_create(request: HttpRequest) -> HttpResponse:
    """Start a trial: the groups are drawn at once."""
    policies = visible_policies(request).order_by("priority", "code", "-version")
    form = TrialForm(
        request.POST or None,
        policies=policies.filter(status=Policy.Status.ACTIVE),
        controls=policies.exclude(status=Policy.Status.DRAFT),
    )
    if request.method == "POST" and form.is_valid():
        try:
            trial = start_trial(
                actor=signed_in(request), today=clock.today(), now=clock.now(), **form.cleaned_data
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("L’essai est commencé : les groupes sont tirés au sort."))
            return redirect("dunning:trial-detail", pk=trial.pk)
    context = {"form": form, "tabs": tabs(request, "trials")}
    return render(request, "dunning/trial_create.html", context, status=400 if form.errors else 200)


@require_GET
@permission_required("dunning.view")
def trial_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The groups at the start, the days gained since and what they are worth, with their intervals."""
    trial = get_object_or_404(_visible(request), pk=pk)
    wanted = request.GET.get("horizon", "")
    horizon = next((days for days in HORIZONS if str(days) == wanted), 60)
    found = results(trial, horizon=horizon, today=clock.today())
    context = {
        "trial": trial,
        "written": _written(found),
        "tone": TRIAL_TONES[Trial.Status(trial.status)],
        "results": found,
        "horizons": HORIZONS,
        "is_running": trial.status == Trial.Status.RUNNING,
        "policy_changed": trial.policy.status != Policy.Status.ACTIVE,
        "may_manage": has_permission(request.user, MANAGE),
        "tabs": tabs(request, "trials"),
    }
    return render(request, "dunning/trial_detail.html", context)


def _written(found: Results) -> dict[str, str]:
    """Its figures that are no money, as people read them; a dash where nothing is known."""
    difference = found.difference
    return {
        "gained": _number(difference and difference.value, 1),
        "low": _number(difference and difference.low, 1),
        "high": _number(difference and difference.high, 1),
        "control_days": _number(found.control.mean_days, 1),
        "treated_days": _number(found.treated.mean_days, 1),
        "overdue_balance": _number(found.overdue_balance, 2),
        "open_balance": _number(found.open_balance, 2),
    }


def _number(value: float | None, places: int) -> str:
    return "–" if value is None else number_format(value, places).replace("-", MINUS)


@require_POST
@permission_required(MANAGE)
def trial_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a trial: its customers are led like everybody again."""
    trial = get_object_or_404(_visible(request), pk=pk)
    try:
        end_trial(actor=signed_in(request), trial_id=trial.pk, today=clock.today(), now=clock.now())
    except BusinessError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("L’essai est terminé."))
    return redirect("dunning:trial-detail", pk=pk)
