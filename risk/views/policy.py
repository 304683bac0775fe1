"""The credit policy: its versions, writing one, and putting it in force by a second person."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from core.models import Role, User
from core.rights import has_permission, permission_required, signed_in
from customers.models import LegalEntity
from risk.credit_policies import CLASSES, steps_of
from risk.forms_credit_policies import SHARES, CreditPolicyForm
from risk.models import CreditPolicy
from risk.operations.credit_policies import (
    activate_policy,
    draft_policy,
    fingerprint,
    retire_policy,
    save_policy,
    submit_policy,
)
from risk.views.places import subtabs, tabs

MANAGE = "risk.manage_credit_policy"
TONES = {"DRAFT": "watch", "ACTIVE": "ok", "RETIRED": "neutral"}


def _visible(request: HttpRequest) -> "QuerySet[CreditPolicy]":
    entities = LegalEntity.objects.visible_to(request.user)
    rows = CreditPolicy.objects.select_related("legal_entity", "created_by", "activated_by").prefetch_related(
        "steps"
    )
    return rows.filter(Q(legal_entity__isnull=True) | Q(legal_entity__in=entities))


def _one(request: HttpRequest, pk: int) -> CreditPolicy:
    found: CreditPolicy = get_object_or_404(_visible(request), pk=pk)
    return found


@require_GET
@permission_required("risk.view")
def policy_list(request: HttpRequest) -> HttpResponse:
    """The versions in force, in preparation and past."""
    rows = list(_visible(request).order_by("legal_entity__code", "-version")[:200])
    for row in rows:
        row.tone = TONES[row.status]  # type: ignore[attr-defined]
    drafted = {row.legal_entity_id for row in rows if row.status == CreditPolicy.Status.DRAFT}
    entities = LegalEntity.objects.visible_to(request.user)
    context = {
        "policies": rows,
        "may_manage": has_permission(request.user, MANAGE),
        "entities": [entity for entity in entities if entity.pk not in drafted],
        "may_draft_general": None not in drafted and not entities.query.where,
        "tabs": tabs(request, "credit-policy"),
        "subtabs": subtabs(request, "credit-policy"),
    }
    return render(request, "risk/credit_policy_list.html", context)


@require_POST
@permission_required(MANAGE)
def policy_draft(request: HttpRequest) -> HttpResponse:
    """Open the next version of an entity's policy, or of the one for all."""
    code = request.POST.get("entity", "")
    entity = get_object_or_404(LegalEntity.objects.visible_to(request.user), code=code) if code else None
    try:
        policy = draft_policy(actor=signed_in(request), legal_entity=entity, now=clock.now())
    except BusinessError as error:
        messages.error(request, str(error))
        return redirect("risk:credit-policy-list")
    return redirect("risk:credit-policy-edit", pk=policy.pk)


@require_GET
@permission_required("risk.view")
def policy_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What a version says, who wrote it, and what can be done with it."""
    policy, user = _one(request, pk), signed_in(request)
    wrote = user.pk in policy.editor_ids
    is_draft = policy.status == CreditPolicy.Status.DRAFT
    may = is_draft and has_permission(user, MANAGE)
    context = {
        "policy": policy,
        "tone": TONES[policy.status],
        "steps": [
            {
                "up_to": step.up_to,
                "from": before,
                "who": " + ".join(str(Role(role).label) for role in step.roles),
            }
            for step, before in _with_floor(policy)
        ],
        "classes": list(CLASSES),
        "shares": [
            (policy._meta.get_field(name).verbose_name, getattr(policy, name))
            for name in SHARES  # type: ignore[union-attr]
        ],
        "writers": list(User.objects.filter(pk__in=policy.editor_ids).order_by("full_name")),
        "seen": fingerprint(policy),
        "may_edit": may,
        "may_submit": may and not policy.is_submitted,
        "may_activate": may and policy.is_submitted and not wrote,
        "waits_for_another": may and policy.is_submitted and wrote,
        "tabs": tabs(request, "credit-policy"),
        "subtabs": subtabs(request, "credit-policy"),
    }
    return render(request, "risk/credit_policy_detail.html", context)


def _with_floor(policy: CreditPolicy) -> list[tuple[Any, Any]]:
    steps = steps_of(policy)
    return list(zip(steps, [None, *(step.up_to for step in steps[:-1])], strict=True))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(MANAGE)
def policy_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Write a draft."""
    policy = _one(request, pk)
    if policy.status != CreditPolicy.Status.DRAFT:
        return redirect("risk:credit-policy-detail", pk=pk)
    form = CreditPolicyForm(request.POST or None, instance=policy, initial={"seen": fingerprint(policy)})
    if request.method == "POST" and form.is_valid():
        try:
            save_policy(
                actor=signed_in(request),
                policy_id=pk,
                values=form.values(),
                steps=form.steps(),
                seen=form.cleaned_data["seen"],
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Version enregistrée. Une autre personne la mettra en vigueur."))
            return redirect("risk:credit-policy-detail", pk=pk)
    context = {
        "policy": policy,
        "form": form,
        "tabs": tabs(request, "credit-policy"),
        "subtabs": subtabs(request, "credit-policy"),
    }
    return render(request, "risk/credit_policy_edit.html", context, status=422 if form.errors else 200)


def _move(
    request: HttpRequest, pk: int, operation: Callable[..., Any], told: str, **values: Any
) -> HttpResponse:
    _one(request, pk)
    try:
        operation(actor=signed_in(request), policy_id=pk, now=clock.now(), **values)
    except BusinessError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, told)
    return redirect("risk:credit-policy-detail", pk=pk)


@require_POST
@permission_required(MANAGE)
def policy_submit(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that the draft is ready for a second person."""
    told = _("Version soumise : une personne qui ne l’a pas rédigée peut la mettre en vigueur.")
    return _move(request, pk, submit_policy, told, seen=request.POST.get("seen", ""))


@require_POST
@permission_required(MANAGE)
def policy_activate(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the draft in force."""
    told = _("Politique en vigueur : les demandes déposées désormais la suivent.")
    return _move(request, pk, activate_policy, told, seen=request.POST.get("seen", ""))


@require_POST
@permission_required(MANAGE)
def policy_retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a draft up."""
    return _move(request, pk, retire_policy, _("Version abandonnée."))
