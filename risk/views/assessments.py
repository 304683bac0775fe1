"""Debts assessed one by one: the list, assessing, ending, and what a customer's page shows of them."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from core import clock
from core.errors import BusinessError
from core.keyset import keyset_page
from core.rights import has_permission, permission_required, signed_in
from customers.models import Customer
from invoices.models import OpenItem
from risk.forms_provisions import AssessmentForm, EndAssessmentForm
from risk.models import IndividualAssessment
from risk.operations.provisions import assess_debt, end_assessment
from risk.views.places import subtabs, tabs

PROVISION = "risk.provision"


@require_GET
@permission_required(PROVISION)
def assessment_list(request: HttpRequest) -> HttpResponse:
    """The debts assessed one by one, those in force first asked for."""
    mine = Customer.objects.visible_to(signed_in(request))
    assessments = IndividualAssessment.objects.filter(customer__in=mine).select_related(
        "customer", "item", "assessed_by"
    )
    ended = request.GET.get("etat") == "levees"
    assessments = assessments.filter(ended_on__isnull=not ended)
    page = keyset_page(assessments, order=("-pk",), cursor=request.GET.get("cursor", ""))
    here = reverse("risk:assessment-list")
    context = _frame(
        request,
        assessments=page.rows,
        ended=ended,
        states=[
            {"label": _("En vigueur"), "url": here, "active": not ended},
            {"label": _("Levées"), "url": f"{here}?etat=levees", "active": ended},
        ],
        next_url=page.next_url(request.GET),
        previous_url=page.previous_url(request.GET),
    )
    return render(request, "risk/assessment_list.html", context)


@require_http_methods(["GET", "POST"])
@permission_required(PROVISION)
def assessment_create(request: HttpRequest, pk: int) -> HttpResponse:
    """Assess a debt of a customer, or all of them."""
    customer = get_object_or_404(Customer.objects.visible_to(signed_in(request)), pk=pk)
    items = OpenItem.objects.filter(customer=customer, open_amount__gt=0).order_by("due_date", "pk")
    form = AssessmentForm(request.POST or None, items=items)

    def act() -> None:
        assess_debt(
            actor=signed_in(request),
            customer=customer,
            today=clock.today(),
            now=clock.now(),
            **form.cleaned_data,
        )

    return _form_page(request, form, act, "risk/assessment_create.html", {"customer": customer})


@require_http_methods(["GET", "POST"])
@permission_required(PROVISION)
def assessment_end(request: HttpRequest, pk: int) -> HttpResponse:
    """The debt goes back to the matrix."""
    mine = Customer.objects.visible_to(signed_in(request))
    assessment = get_object_or_404(
        IndividualAssessment.objects.filter(customer__in=mine).select_related("customer", "item"), pk=pk
    )
    form = EndAssessmentForm(request.POST or None)

    def act() -> None:
        end_assessment(
            actor=signed_in(request),
            assessment=assessment,
            today=clock.today(),
            now=clock.now(),
            **form.cleaned_data,
        )

    return _form_page(request, form, act, "risk/assessment_end.html", {"assessment": assessment})


def _form_page(
    request: HttpRequest, form: forms.Form, act: Callable[[], None], template: str, context: dict[str, Any]
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            act()
        except BusinessError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            return redirect("risk:assessment-list")
    frame = _frame(request, form=form, **context)
    return render(request, template, frame, status=400 if form.errors else 200)


def panel(customer: Customer, user: Any, today: date) -> dict[str, Any] | None:
    """What is set aside for a customer: his assessments in force, and the latest closing's allowance."""
    if not has_permission(user, PROVISION):
        return None
    assessments = list(
        IndividualAssessment.objects.in_force(today).filter(customer=customer).select_related("item")
    )
    return {"customer": customer, "assessments": assessments}


def _frame(request: HttpRequest, **context: Any) -> dict[str, Any]:
    return {"tabs": tabs(request, "assessments"), "subtabs": subtabs(request, "assessments"), **context}
