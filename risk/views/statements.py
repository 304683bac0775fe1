"""Accounts and ratings of a customer: entered by hand, withdrawn."""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from core.rights import has_permission, permission_required, signed_in
from core.templatetags.format import date_short
from customers.models import Customer
from risk.failure_functions import evaluate_all
from risk.financial_ratios import ratios
from risk.financials import amounts, figures
from risk.forms_scores import RatingForm, ReasonForm, StatementForm
from risk.liasse import faults
from risk.liasse_cells import CELLS, sections_of
from risk.models import ExternalRating, FinancialStatement
from risk.operations.financial_statements import (
    StatementEntry,
    StatementRefused,
    enter_statement,
    withdraw_statement,
)
from risk.operations.ratings import enter_rating, withdraw_rating
from risk.rating_scales import SCALES
from risk.views.scores import visible_customer

FORMS = FinancialStatement.Form


@require_http_methods(["GET", "POST"])
@permission_required("risk.enter_accounts")
def statement_create(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter the accounts of a year, cell by cell."""
    customer, today = visible_customer(request, pk), clock.today()
    kind = request.GET.get("modele", FORMS.NORMAL)
    if kind not in FORMS.values:
        kind = FORMS.NORMAL
    form = StatementForm(request.POST or None, form=kind, initial={"currency": customer.currency})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        entry = StatementEntry(
            form=kind,
            period_end=data["period_end"],
            values=form.amounts(),
            previous=form.amounts("n1-"),
            months=data["months"],
            currency=data["currency"],
            unit=data["unit"],
            basis=data["basis"],
            publicity=data["publicity"],
            note=data["note"],
        )
        try:
            statement = enter_statement(
                actor=signed_in(request), customer=customer, entry=entry, today=today, now=clock.now()
            )
        except StatementRefused as refusal:
            show_refusal(form, refusal)
            form.show_faults(refusal.faults)
        else:
            messages.success(
                request,
                _(
                    "Les comptes clos le %(day)s sont enregistrés. Recalculez le score pour les prendre en compte."
                )
                % {"day": date_short(statement.period_end)},
            )
            return redirect("risk:score-detail", pk=customer.pk)
    context = {
        "customer": customer,
        "form": form,
        "sections": form.rows(),
        "kinds": [
            {
                "label": label,
                "url": f"{reverse('risk:statement-create', args=[customer.pk])}?modele={value}",
                "active": value == kind,
            }
            for value, label in FORMS.choices
        ],
    }
    return render(request, "risk/statement_form.html", context, status=422 if form.errors else 200)


@require_GET
@permission_required("risk.view")
def statement_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One document: its cells, its sums, its ratios, where it comes from."""
    statement = _visible(request, pk)
    values, previous = amounts(statement.values), amounts(statement.previous)
    shown = [
        {
            "section": section,
            "cells": [
                {"cell": cell, "value": values.get(cell.code), "before": previous.get(cell.code)}
                for cell in section.cells
                if cell.code in values or cell.code in previous
            ],
        }
        for section in (*sections_of(statement.form), *sections_of(FORMS.KEY_FIGURES))
    ]
    known = {row["cell"].code for block in shown for row in block["cells"]}  # type: ignore[attr-defined]
    found = figures(statement)
    context: dict[str, Any] = {
        "statement": statement,
        "customer": statement.customer,
        "sections": [block for block in shown if block["cells"]],
        "others": sorted(code for code in values if code not in known),
        "faults": [
            {
                "fault": fault,
                "label": CELLS[fault.total].label,
            }
            for fault in faults(
                statement.form,
                values,
                statement.unit,
                is_complete=statement.source == FinancialStatement.Source.FORM,
            )
        ],
        "has_previous": bool(previous),
        "ratios": ratios(found),
        "functions": evaluate_all(found),
        "form": ReasonForm(),
        "may_withdraw": statement.is_current and has_permission(request.user, "risk.enter_accounts"),
    }
    return render(request, "risk/statement_detail.html", context)


@require_POST
@permission_required("risk.enter_accounts")
def statement_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    statement = _visible(request, pk)
    try:
        withdraw_statement(
            actor=signed_in(request),
            statement_id=statement.pk,
            reason=request.POST.get("reason", "")[:200],
            now=clock.now(),
        )
    except BusinessError as error:
        messages.error(request, str(error))
        return redirect("risk:statement-detail", pk=statement.pk)
    messages.success(
        request, _("Ces comptes ne comptent plus dans le score ; ils restent dans l’historique.")
    )
    return redirect("risk:score-detail", pk=statement.customer_id)


def _visible(request: HttpRequest, pk: int) -> FinancialStatement:
    rows = FinancialStatement.objects.select_related("customer__legal_entity", "entered_by", "file")
    visible = Customer.objects.visible_to(signed_in(request)).order_by()
    # The accounts of a company are those of each of its accounts.
    shared = Q(siren__in=visible.exclude(siren="").values("siren"))
    statement: FinancialStatement = get_object_or_404(rows, Q(customer__in=visible) | shared, pk=pk)
    return statement


@require_http_methods(["GET", "POST"])
@permission_required("risk.enter_accounts")
def rating_create(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter what somebody else thinks of a customer."""
    customer, today = visible_customer(request, pk), clock.today()
    form = RatingForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            enter_rating(
                actor=signed_in(request), customer=customer, today=today, now=clock.now(), **form.cleaned_data
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(
                request, _("La note est enregistrée. Recalculez le score pour la prendre en compte.")
            )
            return redirect("risk:score-detail", pk=customer.pk)
    context = {"customer": customer, "form": form, "scales": list(SCALES.values())}
    return render(request, "risk/rating_form.html", context, status=422 if form.errors else 200)


@require_POST
@permission_required("risk.enter_accounts")
def rating_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    rating = get_object_or_404(
        ExternalRating, pk=pk, customer__in=Customer.objects.visible_to(user).order_by()
    )
    try:
        withdraw_rating(
            actor=user,
            rating_id=rating.pk,
            reason=request.POST.get("reason", "")[:200],
            today=clock.today(),
            now=clock.now(),
        )
    except BusinessError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("La note ne compte plus dans le score ; elle reste dans l’historique."))
    return redirect("risk:score-detail", pk=rating.customer_id)
