"""Scénarios: the list, a version as a readable ladder, its draft's editor, activation, comparison."""

from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import audit, clock
from core.audit_words import verb_table, verb_words
from core.errors import BusinessError
from core.forms import show_refusal
from core.models import AuditEvent
from core.rights import has_permission, permission_required, signed_in
from customers.models import LegalEntity
from dunning.forms_policies import NewPolicyForm, NoteForm, PolicyForm, SimulationForm
from dunning.models import Agency, Policy, Simulation
from dunning.operations.policies import (
    activate_policy,
    create_policy,
    draft_next_version,
    install_default_policies,
    retire_policy,
    save_policy,
)
from dunning.operations.policy_drafts import ChangedMeanwhile, FaultyLadder
from dunning.policy_content import content_of, fingerprint
from dunning.policy_reach import Conditions, reach
from dunning.policy_words import differences, other_next_steps
from dunning.views.ladder import ladder_view, show_faults
from dunning.views.places import tabs
from dunning.views.tones import POLICY_TONES, SIMULATION_TONES

MANAGE = "dunning.manage_policies"


def visible_policies(request: HttpRequest) -> QuerySet[Policy]:
    """The policies of all entities, and those of the entities in scope."""
    visible = LegalEntity.objects.visible_to(signed_in(request))
    return (
        Policy.objects.filter(Q(legal_entity=None) | Q(legal_entity__in=visible))
        .select_related("legal_entity", "created_by", "activated_by")
        .prefetch_related("levels")
    )


def visible_policy(request: HttpRequest, pk: int) -> Policy:
    policy: Policy = get_object_or_404(visible_policies(request), pk=pk)
    return policy


@require_GET
@permission_required("dunning.view")
def policy_list(request: HttpRequest) -> HttpResponse:
    """The policies in force as ladders, then the drafts."""
    there = list(visible_policies(request).exclude(status=Policy.Status.RETIRED).order_by("priority", "code"))
    former = (
        visible_policies(request)
        .filter(status=Policy.Status.RETIRED)
        .exclude(code__in=[policy.code for policy in there])
        .order_by("code", "-version")
    )
    gone: dict[str, Policy] = {}
    for policy in former[:200]:
        gone.setdefault(policy.code, policy)
    context = {
        "active": [ladder_view(policy) for policy in there if policy.status == Policy.Status.ACTIVE],
        "drafts": [policy for policy in there if policy.status == Policy.Status.DRAFT],
        "gone": list(gone.values()),
        "nothing": not there and not gone,
        "may_manage": has_permission(request.user, MANAGE),
        "tabs": tabs(request, "policies"),
    }
    return render(request, "dunning/policy_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(MANAGE)
def policy_create(request: HttpRequest) -> HttpResponse:
    """A new policy under a new code."""
    sources = list(
        visible_policies(request).filter(status=Policy.Status.ACTIVE).order_by("priority", "code")[:50]
    )
    initial = {"start": "model-PME"}
    form = NewPolicyForm(request.POST or None, policies=sources, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            policy = create_policy(
                actor=signed_in(request),
                code=form.cleaned_data["code"],
                name=form.cleaned_data["name"],
                source=form.source(),
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            return redirect("dunning:policy-detail", pk=policy.pk)
    context = {"form": form, "tabs": tabs(request, "policies")}
    return render(request, "dunning/policy_create.html", context, status=400 if form.errors else 200)


@require_POST
@permission_required(MANAGE)
def policy_install(request: HttpRequest) -> HttpResponse:
    """The default ladders, in force at once, on a house that has none."""
    try:
        installed = install_default_policies(
            actor=signed_in(request),
            has_agency=Agency.objects.filter(is_active=True).exists(),
            now=clock.now(),
        )
    except BusinessError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("%(count)s scénarios sont en vigueur.") % {"count": len(installed)})
    return redirect("dunning:policy-list")


def detail_page(
    request: HttpRequest, policy: Policy, *, panel: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """The page of a version, with perhaps the form of one of its levels beside it."""
    is_draft = policy.status == Policy.Status.DRAFT
    versions = list(visible_policies(request).filter(code=policy.code).order_by("-version"))
    for version in versions:
        version.tone = POLICY_TONES[Policy.Status(version.status)]  # type: ignore[attr-defined]
    active = next((version for version in versions if version.status == Policy.Status.ACTIVE), None)
    may_manage = has_permission(request.user, MANAGE)
    context = {
        "policy": policy,
        "tone": POLICY_TONES[Policy.Status(policy.status)],
        "ladder": ladder_view(policy, checked=is_draft),
        "seen": fingerprint(policy),
        "versions": versions,
        "active": active,
        "draft": next((version for version in versions if version.status == Policy.Status.DRAFT), None),
        "history": _history(versions),
        "may_edit": is_draft and may_manage,
        "may_manage": may_manage,
        "panel": panel,
        "reach": reach(request.user, Conditions.of(policy), today=clock.today()),
        "simulations": _simulations(policy),
        "simulation_form": SimulationForm(),
        "note_form": NoteForm(),
        "tabs": tabs(request, "policies"),
    }
    return render(request, "dunning/policy_detail.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(MANAGE)
def policy_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft's conditions and manners. GET with values shows how many customers they would take."""
    policy = visible_policy(request, pk)
    if policy.status != Policy.Status.DRAFT:
        return redirect("dunning:policy-detail", pk=pk)
    user = signed_in(request)
    initial = PolicyForm.initial_of(policy)
    given = request.POST if request.method == "POST" else (request.GET if "name" in request.GET else None)
    form = PolicyForm(given, user=user, initial=initial)
    seen, changes = fingerprint(policy), []
    if request.method == "POST":
        seen = request.POST.get("seen", "")
        if form.is_valid():
            try:
                save_policy(
                    actor=user, policy_id=policy.pk, seen=seen, values=form.cleaned_data, now=clock.now()
                )
            except ChangedMeanwhile as error:
                seen, changes = error.seen, error.changes
                form.add_error(None, str(error))
            except FaultyLadder as error:
                show_faults(form, error.faults)
            except BusinessError as error:
                show_refusal(form, error)
            else:
                messages.success(request, _("Brouillon enregistré."))
                return redirect("dunning:policy-detail", pk=pk)
    conditions = Conditions.of(policy)
    if form.is_bound and not form.errors:
        conditions = Conditions.of_values(policy, form.cleaned_data)
    context = {
        "policy": policy,
        "form": form,
        "seen": seen,
        "changes": changes,
        "reach": reach(user, conditions, today=clock.today()),
        "tabs": tabs(request, "policies"),
    }
    failed = request.method == "POST" and form.errors
    return render(request, "dunning/policy_edit.html", context, status=400 if failed else 200)


@require_GET
@permission_required(MANAGE)
def policy_reach(request: HttpRequest, pk: int) -> HttpResponse:
    """How many customers and euros the conditions of the form take now: swapped in while they are typed."""
    policy = visible_policy(request, pk)
    form = PolicyForm(request.GET, user=signed_in(request), initial=PolicyForm.initial_of(policy))
    form.is_valid()
    conditions = Conditions.of_values(policy, form.cleaned_data)
    context = {"policy": policy, "reach": reach(request.user, conditions, today=clock.today())}
    return render(request, "dunning/policy_reach.html", context)


@require_POST
@permission_required(MANAGE)
def policy_draft(request: HttpRequest, pk: int) -> HttpResponse:
    """The next version, as a draft that says what this one says."""
    policy = visible_policy(request, pk)
    try:
        draft = draft_next_version(actor=signed_in(request), policy=policy, now=clock.now())
    except BusinessError as error:
        messages.error(request, str(error))
        return redirect("dunning:policy-detail", pk=pk)
    return redirect("dunning:policy-detail", pk=draft.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(MANAGE)
def policy_activate(request: HttpRequest, pk: int) -> HttpResponse:
    """What putting the draft in force will change, and the button that does it."""
    policy = visible_policy(request, pk)
    if policy.status != Policy.Status.DRAFT:
        return redirect("dunning:policy-detail", pk=pk)
    form = NoteForm(request.POST or None)
    seen, changes = fingerprint(policy), []
    if request.method == "POST" and form.is_valid():
        try:
            activate_policy(
                actor=signed_in(request),
                policy_id=pk,
                seen=request.POST.get("seen", ""),
                note=form.cleaned_data["note"],
                now=clock.now(),
            )
        except ChangedMeanwhile as error:
            changes = error.changes
            form.add_error(
                None,
                _("Le brouillon a changé depuis que cette page est ouverte : relisez-la, puis activez-le."),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("« %(policy)s » est en vigueur.") % {"policy": policy})
            return redirect("dunning:policy-detail", pk=pk)
    active = visible_policies(request).filter(code=policy.code, status=Policy.Status.ACTIVE).first()
    simulation = _simulations(policy).filter(fingerprint=seen).first()
    context = {
        "policy": policy,
        "form": form,
        "seen": seen,
        "changes": changes,
        "ladder": ladder_view(policy, checked=True),
        "active": active,
        "differences": differences(content_of(active), content_of(policy)) if active else [],
        "other_steps": other_next_steps(content_of(active), content_of(policy)) if active else [],
        "reach": reach(request.user, Conditions.of(policy), today=clock.today()),
        "simulation": simulation,
        "simulation_tone": SIMULATION_TONES[Simulation.Status(simulation.status)] if simulation else "",
        "simulation_form": SimulationForm(),
        "tabs": tabs(request, "policies"),
    }
    return render(request, "dunning/policy_activate.html", context, status=400 if form.errors else 200)


@require_POST
@permission_required(MANAGE)
def policy_retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a policy out of force, or give up its draft."""
    policy = visible_policy(request, pk)
    was_draft = policy.status == Policy.Status.DRAFT
    form = NoteForm(request.POST)
    note = form.cleaned_data["note"] if form.is_valid() else ""
    try:
        retire_policy(actor=signed_in(request), policy_id=pk, note=note, now=clock.now())
    except BusinessError as error:
        messages.error(request, str(error))
        return redirect("dunning:policy-detail", pk=pk)
    told = _("Le brouillon « %(policy)s » est abandonné.") if was_draft else _("« %(policy)s » est retiré.")
    messages.success(request, told % {"policy": policy})
    return redirect("dunning:policy-list")


@require_GET
@permission_required("dunning.view")
def policy_compare(request: HttpRequest, pk: int) -> HttpResponse:
    """Two versions side by side, and what one says otherwise than the other."""
    policy = visible_policy(request, pk)
    others = list(visible_policies(request).filter(code=policy.code).exclude(pk=pk).order_by("-version"))
    wanted = request.GET.get("avec", "")
    older = [other for other in others if other.version < policy.version]
    other = next(
        (other for other in others if str(other.pk) == wanted), (older or others)[0] if others else None
    )
    before, after = (other, policy)
    if other is not None and other.version > policy.version:
        before, after = policy, other
    sides = [ladder_view(before), ladder_view(after)] if before and after else []
    context = {
        "policy": policy,
        "others": others,
        "before": sides[0] if sides else None,
        "after": sides[1] if sides else None,
        "sides": sides,
        "differences": differences(content_of(before), content_of(after)) if before and after else [],
        "tabs": tabs(request, "policies"),
    }
    return render(request, "dunning/policy_compare.html", context)


def _simulations(policy: Policy) -> QuerySet[Simulation]:
    return Simulation.objects.filter(policy=policy).select_related("requested_by").order_by("-pk")


def _history(versions: list[Policy]) -> list[dict[str, Any]]:
    """Who did what to these versions, in words, latest first."""
    refs = [audit.ref(version) for version in versions]
    numbers = {ref: version.version for ref, version in zip(refs, versions, strict=True)}
    events = AuditEvent.objects.filter(refs__overlap=refs, verb__startswith="dunning.policy.").order_by(
        "-occurred_at", "-id"
    )[:40]
    told = []
    for event in events:
        version = next((numbers[ref] for ref in event.refs if ref in numbers), None)
        note = event.data.get("note") or ""
        told.append(
            {
                "when": event.occurred_at,
                "title": verb_words(event.verb),
                "version": version,
                "actor": event.actor_name,
                "note": note,
                "changes": event.data.get("changes") or [],
                "tone": verb_table().get(event.verb, ("", ""))[1],
                "url": reverse("dunning:policy-detail", args=[event_policy(event, versions)]),
            }
        )
    return told


def event_policy(event: AuditEvent, versions: list[Policy]) -> int:
    """The version that an event is about: the first of its references."""
    known = {audit.ref(version): version.pk for version in versions}
    return next(known[ref] for ref in event.refs if ref in known)
