"""Score cards: those there are, the editor of a draft, what a card would change, putting it in force."""

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from core.rights import has_permission, permission_required, signed_in
from customers.models import Customer
from risk.card_content import CLASSES, fingerprint
from risk.card_words import fault_words, told_causes
from risk.cards import read_card
from risk.default_cards import DEFAULT_CARD, DEFAULT_CARDS
from risk.forms_cards import CardForm, NewCardForm, NoteForm
from risk.models import CardSimulation, Score, ScoreCard, SimulatedMove
from risk.operations.card_trials import request_simulation
from risk.operations.score_cards import (
    CardRefused,
    activate_card,
    challenge_with,
    draft_card,
    retire_card,
    save_card,
)
from risk.score_card import FAMILIES, OVERRIDES, Card
from risk.score_findings import number
from risk.score_words import FAMILY_LABELS, LABELS, told_bound, told_classes
from risk.sectors import SECTIONS
from risk.views.places import subtabs, tabs
from risk.views.tones import class_tone

MANAGE = "risk.manage_cards"
NIGHTS = 30
MOST_MOVES = 50
STATUS_TONES = {
    ScoreCard.Status.DRAFT: "info",
    ScoreCard.Status.CHALLENGER: "watch",
    ScoreCard.Status.ACTIVE: "ok",
    ScoreCard.Status.RETIRED: "neutral",
}


@require_http_methods(["GET", "POST"])
@permission_required("risk.view")
def card_list(request: HttpRequest) -> HttpResponse:
    """Every version, the card on trial night by night, and a new version to open."""
    rows = list(ScoreCard.objects.select_related("edited_by", "activated_by").order_by("-version"))
    for row in rows:
        row.tone = STATUS_TONES[ScoreCard.Status(row.status)]  # type: ignore[attr-defined]
    form = NewCardForm(request.POST or None, versions=_versions(rows))
    may_manage = has_permission(request.user, MANAGE)
    if request.method == "POST" and may_manage and form.is_valid():
        try:
            card = draft_card(actor=signed_in(request), now=clock.now(), **form.cleaned_data)
        except BusinessError as error:
            show_refusal(form, error)
        else:
            return redirect("risk:card-version", version=card.version)
    on_trial = next((row for row in rows if row.status == ScoreCard.Status.CHALLENGER), None)
    context = {
        "rows": rows,
        "shipped": [] if rows else DEFAULT_CARDS,
        "default_version": DEFAULT_CARD.version,
        "form": form,
        "may_manage": may_manage,
        "on_trial": on_trial,
        "nights": _nights(on_trial) if on_trial else [],
        "tabs": tabs(request, "cards"),
        "subtabs": subtabs(request, "cards"),
    }
    if request.method == "POST" and not may_manage:
        return render(request, "403.html", status=403)
    return render(request, "risk/card_list.html", context, status=422 if form.errors else 200)


def _nights(card: ScoreCard) -> list[CardSimulation]:
    rows = CardSimulation.objects.filter(card=card, kind=CardSimulation.Kind.NIGHTLY)
    found = list(rows.order_by("-as_of")[:NIGHTS])
    for night in found:
        night.old_mean = number(Decimal(night.facts["old_mean"]), 1)  # type: ignore[attr-defined]
        night.new_mean = number(Decimal(night.facts["new_mean"]), 1)  # type: ignore[attr-defined]
    return found


def _versions(rows: list[ScoreCard]) -> list[tuple[int, str]]:
    if rows:
        return [(row.version, f"{row} · {row.get_status_display()}") for row in rows]
    return [
        (card.version, _("Version %(version)d") % {"version": card.version})
        for card in reversed(DEFAULT_CARDS)
    ]


@require_http_methods(["GET", "POST"])
@permission_required("risk.view")
def card_version(request: HttpRequest, version: int) -> HttpResponse:
    """A version: read, or edited as long as it is a draft."""
    row = (
        ScoreCard.objects.select_related("edited_by", "activated_by", "created_by")
        .filter(version=version)
        .first()
    )
    shipped = next((card for card in DEFAULT_CARDS if card.version == version), None)
    if row is None and (shipped is None or ScoreCard.objects.exists()):
        raise Http404
    card = read_card(row) if row is not None else shipped
    assert card is not None
    may_manage = has_permission(request.user, MANAGE)
    is_draft = row is not None and row.status == ScoreCard.Status.DRAFT
    form = None
    if row is not None and is_draft and may_manage:
        form = CardForm(
            request.POST or None,
            card=card,
            initial={"name": row.name, "note": row.note, "seen": fingerprint(row.content)},
        )
        if request.method == "POST" and form.is_valid() and _save(request, row, form):
            return redirect("risk:card-version", version=version)
    elif request.method == "POST":
        return render(request, "403.html", status=403)
    context = {
        "row": row,
        "tone": STATUS_TONES[ScoreCard.Status(row.status)] if row else "ok",
        "card": card,
        "families": told_card(card),
        "caps": [
            (LABELS[criterion], card.caps[criterion]) for criterion in OVERRIDES if criterion in card.caps
        ],
        "sectors": [
            (letter, title, card.sectors[letter])
            for letter, _f, _l, title in SECTIONS
            if letter in card.sectors
        ],
        "bounds": _bounds(card),
        "form": form,
        "note_form": NoteForm(),
        "may_manage": may_manage,
        "simulations": list(CardSimulation.objects.filter(card=row).order_by("-pk")[:10]) if row else [],
        "may_challenge": may_manage and is_draft,
        "may_retire": may_manage and row is not None and row.status in ("DRAFT", "CHALLENGER"),
        "may_simulate": may_manage and row is not None and row.status != ScoreCard.Status.RETIRED,
        "may_activate": row is not None
        and row.status in ("DRAFT", "CHALLENGER")
        and has_permission(request.user, "risk.activate_card"),
        "is_own": row is not None and row.edited_by_id == signed_in(request).pk,
        "is_simulated": row is not None
        and CardSimulation.objects.filter(
            card=row, status="DONE", fingerprint=fingerprint(row.content)
        ).exists(),
    }
    return render(request, "risk/card_detail.html", context, status=422 if form and form.errors else 200)


def _save(request: HttpRequest, row: ScoreCard, form: CardForm) -> bool:
    try:
        save_card(
            actor=signed_in(request),
            card_id=row.pk,
            seen=form.cleaned_data["seen"],
            name=form.cleaned_data["name"],
            note=form.cleaned_data["note"],
            content=form.content(),
            now=clock.now(),
        )
    except CardRefused as refusal:
        if refusal.faults:
            form.show_faults(refusal.faults)
        else:
            show_refusal(form, refusal)
        return False
    except BusinessError as error:
        show_refusal(form, error)
        return False
    messages.success(request, _("Le brouillon est enregistré. Simulez-le avant de le mettre en vigueur."))
    return True


def told_card(card: Card) -> list[dict[str, Any]]:
    """A card as a table: families with their weights, criteria with their bounds."""
    rules = {rule.criterion: rule for rule in card.criteria}
    return [
        {
            "label": FAMILY_LABELS[family],
            "weight": card.weight_of(family),
            "criteria": [
                {
                    "label": LABELS[criterion],
                    "weight": rules[criterion].weight,
                    "best": told_bound(criterion, rules[criterion].best),
                    "worst": told_bound(criterion, rules[criterion].worst),
                    "is_spread": rules[criterion].when_missing == "SPREAD",
                }
                for criterion in criteria
                if criterion in rules
            ],
        }
        for family, criteria in FAMILIES.items()
        if any(criterion in rules for criterion in criteria)
    ]


def _bounds(card: Card) -> list[dict[str, Any]]:
    return [
        {"label": Score.RiskClass(name).label, "tone": class_tone(name), "lowest": lowest, "highest": highest}
        for name, lowest, highest in told_classes(card)
    ]


@require_POST
@permission_required(MANAGE)
def card_simulate(request: HttpRequest, version: int) -> HttpResponse:
    row = get_object_or_404(ScoreCard, version=version)
    try:
        simulation = request_simulation(
            actor=signed_in(request), card_id=row.pk, as_of=clock.today(), now=clock.now()
        )
    except BusinessError as error:
        messages.error(request, str(error))
        return redirect("risk:card-version", version=version)
    return redirect("risk:card-simulation", pk=simulation.pk)


@require_POST
@permission_required(MANAGE)
def card_challenge(request: HttpRequest, version: int) -> HttpResponse:
    row = get_object_or_404(ScoreCard, version=version)
    try:
        challenge_with(actor=signed_in(request), card_id=row.pk, now=clock.now())
    except BusinessError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("La grille est à l’essai : chaque nuit la comparera à celle en vigueur."))
    return redirect("risk:card-version", version=version)


@require_POST
@permission_required("risk.activate_card")
def card_activate(request: HttpRequest, version: int) -> HttpResponse:
    row = get_object_or_404(ScoreCard, version=version)
    try:
        activate_card(
            actor=signed_in(request), card_id=row.pk, note=request.POST.get("note", "")[:200], now=clock.now()
        )
    except CardRefused as refusal:
        messages.error(request, " ".join([str(refusal), *(fault_words(fault) for fault in refusal.faults)]))
    except BusinessError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, _("La grille est en vigueur : les scores la suivront dès le prochain calcul.")
        )
    return redirect("risk:card-version", version=version)


@require_POST
@permission_required(MANAGE)
def card_retire(request: HttpRequest, version: int) -> HttpResponse:
    row = get_object_or_404(ScoreCard, version=version)
    try:
        retire_card(actor=signed_in(request), card_id=row.pk, now=clock.now())
    except BusinessError as error:
        messages.error(request, str(error))
        return redirect("risk:card-version", version=version)
    messages.success(request, _("La version est retirée."))
    return redirect("risk:card-list")


@require_GET
@permission_required("risk.view")
def card_simulation(request: HttpRequest, pk: int) -> HttpResponse:
    """Who would move where, and why; of the customers that the reader sees for the names, of all for the counts."""
    simulation = get_object_or_404(CardSimulation.objects.select_related("card", "requested_by"), pk=pk)
    waits = simulation.status == CardSimulation.Status.REQUESTED
    context: dict[str, Any] = {
        "simulation": simulation,
        "card": simulation.card,
        "is_current": fingerprint(simulation.card.content) == simulation.fingerprint,
        "poll_url": reverse("risk:card-simulation", args=[pk]),
    }
    if request.htmx and waits:  # type: ignore[attr-defined]
        return render(request, "risk/card_simulation_progress.html", context)
    if simulation.status == CardSimulation.Status.DONE:
        context |= _moves(request, simulation)
    template = "risk/card_simulation_figures.html" if request.htmx else "risk/card_simulation.html"  # type: ignore[attr-defined]
    return render(request, template, context)


def _moves(request: HttpRequest, simulation: CardSimulation) -> dict[str, Any]:
    old, new = request.GET.get("de", ""), request.GET.get("vers", "")
    visible = Customer.objects.visible_to(signed_in(request)).order_by()
    moves = SimulatedMove.objects.filter(simulation=simulation, customer__in=visible).select_related(
        "customer__legal_entity"
    )
    if old in CLASSES and new in CLASSES:
        moves = moves.filter(old_class=old, new_class=new)
    shown = list(
        moves.annotate(change=F("new_points") - F("old_points")).order_by("change", "pk")[:MOST_MOVES]
    )
    for move in shown:
        move.causes = told_causes(move.reasons)  # type: ignore[attr-defined]
        move.old_tone, move.new_tone = class_tone(move.old_class), class_tone(move.new_class)  # type: ignore[attr-defined]
    matrix = [
        {
            "name": before,
            "tone": class_tone(before),
            "label": Score.RiskClass(before).label,
            "cells": [
                {
                    "count": simulation.matrix.get(before, {}).get(after, 0),
                    "old": before,
                    "new": after,
                    "is_same": before == after,
                    "is_worse": after > before,
                }
                for after in CLASSES
            ],
            "total": sum(simulation.matrix.get(before, {}).values()),
        }
        for before in CLASSES
    ]
    facts = simulation.facts
    means = [number(Decimal(facts[name]), 1) for name in ("old_mean", "new_mean")]
    totals = [sum(row["cells"][index]["count"] for row in matrix) for index in range(len(CLASSES))]
    return {
        "matrix": matrix,
        "totals": totals,
        "classes": CLASSES,
        "old_mean": means[0],
        "new_mean": means[1],
        "moves": shown,
        "old": old,
        "new": new,
    }
