"""Simulations: asking for one, watching it, reading what a policy would do beside the version in force."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core import clock
from core.errors import BusinessError
from core.files import open_file
from core.files_http import file_response
from core.jobs import kick
from core.models import JobRun, StoredFile
from core.money import format_amount
from core.rights import permission_required, signed_in
from core.templatetags.format import integer
from customers.models import Customer
from dunning.forms_policies import SimulationForm
from dunning.models import Level, Simulation
from dunning.operations.simulations import request_simulation
from dunning.policy_content import fingerprint
from dunning.views.places import tabs
from dunning.views.policies import MANAGE, visible_policies, visible_policy


@require_POST
@permission_required(MANAGE)
def simulation_request(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask what a version would do; a worker answers."""
    policy = visible_policy(request, pk)
    form = SimulationForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choisissez un horizon et une hypothèse de règlement."))
        return redirect("dunning:policy-detail", pk=pk)
    try:
        simulation = request_simulation(
            actor=signed_in(request),
            policy=policy,
            today=clock.today(),
            now=clock.now(),
            **form.cleaned_data,
        )
    except BusinessError as error:
        messages.error(request, str(error))
        return redirect("dunning:policy-detail", pk=pk)
    kick("dunning.tasks.run_simulations")
    return redirect("dunning:simulation-detail", pk=simulation.pk)


def visible_simulation(request: HttpRequest, pk: int) -> Simulation:
    simulations = Simulation.objects.select_related("policy", "requested_by", "file")
    simulation: Simulation = get_object_or_404(
        simulations.filter(policy__in=visible_policies(request).order_by().values("pk")), pk=pk
    )
    return simulation


@require_GET
@permission_required("dunning.view")
def simulation_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What the version would do, week by week, level by level, beside the version in force."""
    simulation = visible_simulation(request, pk)
    policy = visible_policy(request, simulation.policy_id)
    waits = simulation.status == Simulation.Status.REQUESTED
    if request.htmx and waits:  # type: ignore[attr-defined]
        return render(request, "dunning/simulation_progress.html", _progress(simulation))
    context: dict[str, Any] = {
        "simulation": simulation,
        "policy": policy,
        "last": simulation.as_of + timedelta(days=simulation.horizon_days),
        "is_current": simulation.fingerprint == fingerprint(policy),
        "simulation_form": SimulationForm(),
        "tabs": tabs(request, "policies"),
    }
    if waits:
        context |= _progress(simulation)
    if simulation.status == Simulation.Status.DONE:
        context |= _figures(request, simulation)
    template = "dunning/simulation_figures.html" if request.htmx else "dunning/simulation_detail.html"  # type: ignore[attr-defined]
    return render(request, template, context)


@require_GET
@permission_required("dunning.view")
def simulation_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Who would be contacted when, as CSV; of the customers that the person sees."""
    simulation = visible_simulation(request, pk)
    if simulation.file is None:
        raise Http404
    mine = Customer.objects.visible_to(signed_in(request))
    if not mine.query.where:
        return file_response(simulation.file)
    codes = set(mine.values_list("legal_entity__code", "account_code"))
    response = StreamingHttpResponse(_lines(simulation.file, codes), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{simulation.file.name}"'
    response["Cache-Control"] = "private, no-store"
    return response


def _lines(stored: StoredFile, codes: set[tuple[str, str]]) -> Iterator[str]:
    with open_file(stored) as stream, io.TextIOWrapper(stream, encoding="utf-8", newline="") as text:
        for number, line in enumerate(text):
            entity, code = next(csv.reader([line], delimiter=";"))[1:3]
            if number == 0 or (entity, code.removeprefix("'")) in codes:
                yield line


def _progress(simulation: Simulation) -> dict[str, Any]:
    job = JobRun.objects.filter(name="dunning.run_simulation", key=str(simulation.pk)).first()
    return {
        "done": job.done if job and job.total else 0,
        "total": job.total if job and job.total else 0,
        "poll_url": reverse("dunning:simulation-detail", args=[simulation.pk]),
    }


def _figures(request: HttpRequest, simulation: Simulation) -> dict[str, Any]:
    sides = simulation.outcome["sides"]
    own = sides[0]
    other = sides[1] if len(sides) > 1 else None
    met = {key: count for count, key in own["busiest"]}
    customers = list(
        Customer.objects.visible_to(signed_in(request)).filter(pk__in=met).select_related("legal_entity")
    )
    for customer in customers:
        customer.contact_count = met[customer.pk]  # type: ignore[attr-defined]
    return {
        "own": own,
        "other": other,
        "levels": _levels(own, other),
        "channels": _channels(own, other),
        "costs": [_costs(side) for side in sides],
        "weeks": _weeks(simulation, own, other),
        "chart": _chart(simulation, own, other),
        "busiest": sorted(customers, key=lambda row: (-met[row.pk], row.name)),
    }


def _levels(own: dict[str, Any], other: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Each level of this version, then of the version in force: contacts, and what they claim per currency."""
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for side in (own, other) if other else (own,):
        for rank, kind, channel, currency, count, amount in side["steps"]:
            row = rows.setdefault(
                (side["name"], rank),
                {
                    "side": side["name"],
                    "rank": rank,
                    "kind": Level.Kind(kind).label,
                    "channel": Level.Channel(channel).label,
                    "count": 0,
                    "amounts": [],
                },
            )
            row["count"] += count
            row["amounts"].append((currency, Decimal(amount)))
    for row in rows.values():
        row["amounts"].sort(key=lambda pair: (pair[0] != "EUR", pair[0]))
    return list(rows.values())


def _channels(own: dict[str, Any], other: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Contacts and cost by channel, both versions side by side."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    costs: dict[str, list[str]] = defaultdict(lambda: ["", ""])
    for place, side in enumerate((own, other)):
        for _rank, _kind, channel, _currency, count, _amount in side["steps"] if side else ():
            counts[channel][place] += count
        for channel, currency, amount in side["costs"] if side else ():
            told = format_amount(Decimal(amount), currency)
            costs[channel][place] = " + ".join(part for part in (costs[channel][place], told) if part)
    return [
        {
            "label": Level.Channel(channel).label,
            "own": counts[channel][0],
            "other": counts[channel][1],
            "change": counts[channel][0] - counts[channel][1],
            "own_cost": costs[channel][0],
            "other_cost": costs[channel][1],
        }
        for channel in Level.Channel.values
        if channel in counts
    ]


def _costs(side: dict[str, Any]) -> dict[str, Any]:
    """The cost of a version per currency, and what has no price yet."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for _channel, currency, amount in side["costs"]:
        sums[currency] += Decimal(amount)
    return {
        "text": " + ".join(format_amount(amount, currency) for currency, amount in sorted(sums.items())),
        "unpriced": [(Level.Channel(channel).label, count) for channel, count in side["unpriced"]],
    }


def _weeks(simulation: Simulation, own: dict[str, Any], other: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Each week of the horizon with what leaves in it, by channel."""
    monday = simulation.as_of - timedelta(days=simulation.as_of.weekday())
    last = simulation.as_of + timedelta(days=simulation.horizon_days)
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    before: dict[str, int] = defaultdict(int)
    for week, _rank, _kind, channel, count in own["cells"]:
        counts[week][channel] += count
    for week, _rank, _kind, _channel, count in other["cells"] if other else ():
        before[week] += count
    channels = [channel for channel in Level.Channel.values if any(channel in row for row in counts.values())]
    end = max([last, *(date.fromisoformat(week) for week in (*counts, *before))])
    weeks = []
    while monday <= end:
        found = counts[monday.isoformat()]
        weeks.append(
            {
                "monday": monday,
                "cells": [found[channel] for channel in channels],
                "total": sum(found.values()),
                "other": before[monday.isoformat()],
            }
        )
        monday += timedelta(days=7)
    return [{"channels": [Level.Channel(channel) for channel in channels], "rows": weeks}]


def _chart(simulation: Simulation, own: dict[str, Any], other: dict[str, Any] | None) -> dict[str, Any]:
    weeks = _weeks(simulation, own, other)[0]["rows"]
    series = [{"name": own["name"], "values": [week["total"] for week in weeks]}]
    if other:
        series.append(
            {"name": other["name"], "values": [week["other"] for week in weeks], "tone": "series-5"}
        )
    for one in series:
        one["texts"] = [str(integer(value)) for value in one["values"]]
    return {"kind": "bar", "categories": [f"{week['monday']:%d/%m}" for week in weeks], "series": series}
