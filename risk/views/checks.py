"""« Puis-je livrer ? » for people, the answers given, and the decision of those that were referred."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from core.keyset import keyset_page
from core.rights import has_permission, permission_required
from customers.models import Customer
from risk.credit_words import OUTCOME_TITLES, OUTCOME_TONES, told_reasons
from risk.exposure import exposures
from risk.filters_orders import CheckFilter
from risk.forms_checks import AskForm, DecisionForm
from risk.models import CreditCheck
from risk.operations.credit_checks import ask_credit, decide_check
from risk.views.places import subtabs, tabs

STATUS_TONES = {"FINAL": "neutral", "PENDING": "watch", "RELEASED": "ok", "REJECTED": "blocked"}


def _visible(request: HttpRequest) -> "QuerySet[CreditCheck]":
    return CreditCheck.objects.visible_to(request.user).select_related(
        "customer__legal_entity", "order", "resolved_by"
    )


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("risk.check_credit")
def check_ask(request: HttpRequest) -> HttpResponse:
    """Ask for a customer and an amount; the answer has its own page."""
    asked = request.GET.get("client", "")
    customer = None
    if asked.isascii() and asked.isdecimal() and len(asked) < 18:
        visible = Customer.objects.visible_to(request.user).select_related("legal_entity")
        customer = visible.filter(pk=int(asked)).first()
    initial = {"customer": customer.account_code if customer else ""}
    form = AskForm(request.POST or None, initial=initial, actor=request.user)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            check = ask_credit(
                actor=request.user,
                customer=values["customer"],
                amount=values["amount"],
                currency=values["currency"],
                reference=values["reference"],
                reserves=bool(values["reference"].strip()),
                today=clock.today(),
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            return redirect("risk:check-detail", pk=check.pk)
    context: dict[str, Any] = {
        "form": form,
        "customer": customer,
        "tabs": tabs(request, "ask"),
        "subtabs": subtabs(request, "ask"),
    }
    if customer is not None:
        context["exposure"] = exposures([customer], clock.today())[customer.pk]
        context["use"] = context["exposure"].use
        context["group"] = None
    return render(request, "risk/check_ask.html", context, status=422 if form.errors else 200)


@require_GET
@permission_required("risk.view")
def check_list(request: HttpRequest) -> HttpResponse:
    """The answers given, the last first; `?status=PENDING` those that wait."""
    filterset = CheckFilter(request.GET, queryset=_visible(request), request=request)
    page = keyset_page(
        filterset.qs if filterset.is_valid() else _visible(request).none(),
        order=("-pk",),
        cursor=request.GET.get("cursor", ""),
    )
    for check in page.rows:
        _tell(check)
    waiting = request.GET.getlist("status") == ["PENDING"]
    context = {
        "checks": page.rows,
        "filterset": filterset,
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "waiting": waiting,
        "tabs": tabs(request, "checks"),
        "subtabs": subtabs(request, "checks"),
    }
    return render(request, "risk/check_list.html", context, status=200 if filterset.is_valid() else 400)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("risk.view")
def check_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One answer with its reasons and what was known; the decision of who may decide."""
    check = get_object_or_404(_visible(request), pk=pk)
    may_decide = check.status == CreditCheck.Status.PENDING and has_permission(
        request.user, "risk.decide_check"
    )
    form = DecisionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        grants = request.POST.get("decision") == "grant"
        try:
            decide_check(
                actor=request.user,
                check_id=pk,
                grants=grants,
                reason=form.cleaned_data["reason"],
                today=clock.today(),
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(
                request,
                _("La commande est accordée : elle prend sa part du plafond.")
                if grants
                else _("La commande est refusée."),
            )
            return redirect("risk:check-detail", pk=pk)
    _tell(check)
    context = {
        "check": check,
        "form": form,
        "may_decide": may_decide,
        "is_asker": check.asked_by_id == request.user.pk,
        "known": check.known,
        "score_day": date.fromisoformat(check.known["score"]["as_of"]) if check.known["score"] else None,
        "tabs": tabs(request, "checks"),
        "subtabs": subtabs(request, "checks"),
    }
    return render(request, "risk/check_detail.html", context, status=422 if form.errors else 200)


def _tell(check: Any) -> None:
    """What the templates show of an answer."""
    check.tone = OUTCOME_TONES[check.outcome]
    check.title = OUTCOME_TITLES[check.outcome]
    check.told = told_reasons(check.reasons)
    check.status_tone = STATUS_TONES[check.status]
