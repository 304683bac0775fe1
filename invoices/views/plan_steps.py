"""The steps of a payment plan: submitted, approved or sent back, signed, cancelled."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from core.rights import permission_required
from invoices.forms_plans import PlanReasonForm, SignedAgreementForm
from invoices.models import PaymentPlan
from invoices.operations import payment_plans as operations
from invoices.views.plans import detail_page, visible_plan


@require_POST
@permission_required("invoices.plan")
def plan_submit(request: HttpRequest, uid: str) -> HttpResponse:
    """End the draft: to a second person above the threshold, else straight to the customer."""
    return _act(
        request,
        uid,
        lambda plan: operations.submit_plan(
            actor=request.user, plan_id=plan.pk, today=clock.today(), now=clock.now()
        ),
        lambda plan: (
            _("Échéancier transmis : une autre personne doit l’approuver.")
            if plan.status == PaymentPlan.Status.TO_APPROVE
            else _("L’accord est prêt : faites-le signer, puis déposez-le ici.")
        ),
    )


@require_POST
@permission_required("invoices.approve_plan")
def plan_approve(request: HttpRequest, uid: str) -> HttpResponse:
    """Approve somebody else's plan."""
    return _act(
        request,
        uid,
        lambda plan: operations.approve_plan(
            actor=request.user, plan_id=plan.pk, today=clock.today(), now=clock.now()
        ),
        lambda plan: _("Échéancier approuvé : l’accord est prêt à être signé."),
    )


@require_POST
@permission_required("invoices.approve_plan")
def plan_return(request: HttpRequest, uid: str) -> HttpResponse:
    """Send the plan back to its author."""
    return _with_reason(
        request,
        uid,
        lambda plan, reason: operations.return_plan(
            actor=request.user, plan_id=plan.pk, reason=reason, now=clock.now()
        ),
        _("Échéancier renvoyé à son auteur."),
    )


@require_POST
@permission_required("invoices.plan")
def plan_start(request: HttpRequest, uid: str) -> HttpResponse:
    """Keep the signed agreement: the plan is in force."""
    plan = visible_plan(request, uid)
    form = SignedAgreementForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            operations.start_plan(
                actor=request.user,
                plan_id=plan.pk,
                content=file.file,
                name=file.name,
                today=clock.today(),
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Échéancier en vigueur : ses pièces ne sont plus relancées."))
            return redirect("invoices:plan-detail", uid=plan.uid)
    return detail_page(request, plan, 422, signed_form=form)


@require_POST
@permission_required("invoices.plan")
def plan_cancel(request: HttpRequest, uid: str) -> HttpResponse:
    """End the plan before its time."""
    return _with_reason(
        request,
        uid,
        lambda plan, reason: operations.cancel_plan(
            actor=request.user, plan_id=plan.pk, reason=reason, today=clock.today(), now=clock.now()
        ),
        _("Échéancier annulé : ses pièces peuvent de nouveau être relancées."),
    )


def _with_reason(
    request: HttpRequest, uid: str, step: Callable[[PaymentPlan, str], PaymentPlan], done: str
) -> HttpResponse:
    form = PlanReasonForm(request.POST)
    if not form.is_valid():
        return detail_page(request, visible_plan(request, uid), 422, reason_form=form)
    return _act(request, uid, lambda plan: step(plan, form.cleaned_data["reason"]), lambda plan: done)


def _act(
    request: HttpRequest,
    uid: str,
    step: Callable[[PaymentPlan], PaymentPlan],
    done: Callable[[PaymentPlan], str],
) -> HttpResponse:
    """Perform a step on a plan, say why not, and show the plan again."""
    plan = visible_plan(request, uid)
    try:
        messages.success(request, done(step(plan)))
    except BusinessError as error:
        messages.error(request, error.message)
    return redirect("invoices:plan-detail", uid=plan.uid)
