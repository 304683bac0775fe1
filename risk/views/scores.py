"""The page of a customer's score: its points, what they rest on, what others say, who contested it."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from core.rights import has_permission, permission_required, signed_in
from customers.models import Customer
from risk.cards import card_in_force, card_of_version
from risk.failure_functions import FunctionResult, Zone
from risk.forms_scores import ObjectionForm, ReviewForm
from risk.models import ExternalRating, Score, ScoreObjection
from risk.operations.objections import record_objection, review_objection
from risk.operations.scoring import score_customers
from risk.rating_scales import SCALES
from risk.score_findings import FIGURES, number, told_gap
from risk.score_words import told_classes, told_families, told_reasons
from risk.statement_history import Year, ratio_rows, years_of
from risk.views.tones import class_tone

HISTORY = 24
# A night missed is seen on the morning after the next.
FRESH_DAYS = 1
NATURAL_PERSONS = (Customer.Kind.SOLE_TRADER, Customer.Kind.CONSUMER)
ZONE_TONES = {Zone.SAFE: "ok", Zone.GREY: "watch", Zone.DISTRESS: "late"}


def visible_customer(request: HttpRequest, pk: int) -> Customer:
    customers = Customer.objects.visible_to(signed_in(request)).select_related("legal_entity")
    customer: Customer = get_object_or_404(customers, pk=pk)
    return customer


def score_context(customer: Customer, today: date) -> dict[str, Any]:
    """The score in force with its reasons, and those before it."""
    rows = list(Score.objects.filter(customer=customer).order_by("-as_of", "-pk")[:HISTORY])
    for row in rows:
        row.tone = class_tone(row.risk_class)  # type: ignore[attr-defined]
    score = next((row for row in rows if row.is_current), None)
    reasons = told_reasons(score.reasons) if score else []
    return {
        "score": score,
        "reasons": reasons,
        "families": told_families(reasons),
        "history": rows,
        "age": (today - score.as_of).days if score else 0,
        "is_stale": bool(score and (today - score.as_of).days > FRESH_DAYS),
        "is_natural_person": customer.kind in NATURAL_PERSONS,
    }


@require_GET
@permission_required("risk.view")
def score_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Every reason of a score, its age, its history, the accounts and the card it comes from."""
    customer, today = visible_customer(request, pk), clock.today()
    context = score_context(customer, today)
    score = context["score"]
    card = (card_of_version(score.card_version) if score else None) or card_in_force()
    years = years_of(customer)
    context |= {
        "customer": customer,
        "card": card,
        "bounds": [
            {
                "label": Score.RiskClass(name).label,
                "tone": class_tone(name),
                "lowest": lowest,
                "highest": highest,
            }
            for name, lowest, highest in told_classes(card)
        ],
        "years": years,
        "ratio_rows": ratio_rows(years),
        "functions": function_rows(years),
        "ratings": ratings_of(customer, today),
        "objections": objections_of(customer),
        "may_enter": has_permission(request.user, "risk.enter_accounts")
        and customer.kind != Customer.Kind.CONSUMER,
        "may_score": has_permission(request.user, "risk.score"),
        "may_object": has_permission(request.user, "risk.record_objection"),
        "may_review": has_permission(request.user, "risk.review_objection"),
        "today": today,
    }
    return render(request, "risk/score_detail.html", context)


def function_rows(years: list[Year]) -> list[dict[str, Any]]:
    """The failure functions of the latest year beside those of the years before."""
    rows: list[dict[str, Any]] = []
    for index, latest in enumerate(years[0].functions if years else ()):
        function = latest.function
        rows.append(
            {
                "function": function,
                "cells": [_function_cell(year.functions[index]) for year in years],
                "terms": [
                    {
                        "symbol": term.symbol,
                        "words": _term_words(term.over, term.under),
                        "ratio": None if term.ratio is None else number(term.ratio, 4),
                    }
                    for term in latest.terms
                ],
                "bands": function.bands,
            }
        )
    return rows


def _term_words(over: str, under: str) -> str:
    words = str(FIGURES.get(over, over))
    return f"{words} ÷ {FIGURES.get(under, under)}" if under else words


def _function_cell(found: FunctionResult) -> dict[str, Any]:
    if found.value is None or found.zone is None or found.band is None:
        return {"value": None, "reasons": [told_gap(gap.obstacle, gap.figure) for gap in found.gaps]}
    return {
        "value": number(found.value, 4),
        "tone": ZONE_TONES[found.zone],
        "words": found.band.words,
        "probability": found.probability,
    }


def ratings_of(customer: Customer, today: date) -> list[ExternalRating]:
    """Ratings in force, latest first, with their scale and whether they still hold."""
    rows = ExternalRating.objects.filter(
        withdrawn_on__isnull=True,
        **({"siren": customer.siren} if customer.siren else {"customer": customer}),
    ).select_related("entered_by")
    found = list(rows.order_by("-rated_on", "-pk")[:HISTORY])
    for row in found:
        row.told_scale = SCALES.get(row.scale)  # type: ignore[attr-defined]
        row.is_over = row.valid_until is not None and row.valid_until < today  # type: ignore[attr-defined]
    return found


def objections_of(customer: Customer) -> list[ScoreObjection]:
    rows = ScoreObjection.objects.filter(customer=customer).select_related("recorded_by", "reviewed_by")
    found = list(rows.order_by("-contested_on", "-pk")[:HISTORY])
    for row in found:
        row.tone = "watch" if row.status == ScoreObjection.Status.OPEN else "neutral"  # type: ignore[attr-defined]
    return found


@require_POST
@permission_required("risk.score")
def score_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Score one customer again, now: accounts or ratings have just come in."""
    customer = visible_customer(request, pk)
    try:
        score_customers(
            actor=signed_in(request), as_of=clock.today(), now=clock.now(), customer_ids=[customer.pk]
        )
    except BusinessError as error:
        messages.error(request, str(error))
    else:
        score = Score.objects.current().filter(customer=customer).first()
        if score is not None:
            messages.success(
                request,
                _("Score recalculé : %(points)d points sur 100, classe %(name)s.")
                % {"points": score.points, "name": score.risk_class},
            )
    return redirect("risk:score-detail", pk=customer.pk)


@require_GET
@permission_required("risk.view")
def score_information(request: HttpRequest, pk: int) -> HttpResponse:
    """What the person is told of his score: main factors, source, rights (GDPR art. 13-15 and 22)."""
    customer, today = visible_customer(request, pk), clock.today()
    context = score_context(customer, today)
    reasons = [reason for reason in context["reasons"] if not reason.is_spread]
    # What cost most points first: the factors that he can act on.
    reasons.sort(key=lambda reason: reason.points - reason.maximum)
    context |= {"customer": customer, "main_reasons": reasons[:5], "today": today}
    return render(request, "risk/score_information.html", context)


@require_http_methods(["GET", "POST"])
@permission_required("risk.record_objection")
def objection_record(request: HttpRequest, pk: int) -> HttpResponse:
    """Record that somebody contests a score, or asks for a person."""
    customer, today = visible_customer(request, pk), clock.today()
    form = ObjectionForm(request.POST or None, initial={"contested_on": today, "contested_by": customer.name})
    if request.method == "POST" and form.is_valid():
        try:
            record_objection(
                actor=signed_in(request), customer=customer, today=today, now=clock.now(), **form.cleaned_data
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("La demande est enregistrée : une personne doit y répondre."))
            return redirect("risk:score-detail", pk=customer.pk)
    context = {"customer": customer, "form": form, **score_context(customer, today)}
    return render(request, "risk/objection_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@permission_required("risk.review_objection")
def objection_review(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer an objection."""
    user = signed_in(request)
    objection = get_object_or_404(
        ScoreObjection.objects.select_related("customer__legal_entity", "recorded_by"),
        pk=pk,
        customer__in=Customer.objects.visible_to(user).order_by(),
    )
    customer = objection.customer
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            review_objection(actor=user, objection_id=objection.pk, now=clock.now(), **form.cleaned_data)
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("La réponse est enregistrée."))
            return redirect("risk:score-detail", pk=customer.pk)
    context = {
        "customer": customer,
        "objection": objection,
        "form": form,
        **score_context(customer, clock.today()),
    }
    return render(request, "risk/objection_review.html", context, status=422 if form.errors else 200)
