"""Limit requests: asking beside the proposal, the queue, one request with its decision, words, papers and letter."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.audit import timeline
from core.errors import BusinessError
from core.files_http import file_response
from core.forms import show_refusal
from core.keyset import keyset_page
from core.models import Role
from core.rights import has_permission, permission_required, roles_of, signed_in
from customers.models import Customer
from risk.approval_rules import missing_roles, role_to_sign_with
from risk.exposure import exposures
from risk.filters_limits import LimitRequestFilter
from risk.forms_limits import ApprovalForm, LimitRequestForm, NoteForm, RefusalForm
from risk.limit_facts import proposals_of
from risk.limit_letters import letter_pdf
from risk.limit_reads import requests_to_decide
from risk.limit_words import stored, told_levers, told_lines, told_refusals
from risk.limits import group_members, limit_of
from risk.models import LimitNote, LimitRequest, Score
from risk.operations.limit_decisions import approve_request, refuse_request
from risk.operations.limit_letters import keep_letter
from risk.operations.limit_requests import Asked, add_note, request_limit, withdraw_request
from risk.verbs import VERBS
from risk.views.places import subtabs, tabs
from risk.views.tones import class_tone

TONES = {
    LimitRequest.Status.SUBMITTED: "watch",
    LimitRequest.Status.IN_APPROVAL: "watch",
    LimitRequest.Status.APPROVED: "ok",
    LimitRequest.Status.REFUSED: "late",
    LimitRequest.Status.WITHDRAWN: "neutral",
    LimitRequest.Status.EXPIRED: "neutral",
}


def _visible(request: HttpRequest) -> "QuerySet[LimitRequest]":
    return LimitRequest.objects.visible_to(request.user).select_related(
        "customer__legal_entity", "requested_by", "policy", "letter"
    )


def _one(request: HttpRequest, pk: int) -> LimitRequest:
    found: LimitRequest = get_object_or_404(_visible(request), pk=pk)
    return found


def proposal_context(kept: dict[str, Any]) -> dict[str, Any]:
    """A stored proposal as the pages show it."""
    amount = kept.get("amount")
    return {
        "proposal": {
            "amount": None if amount is None else Decimal(amount),
            "currency": kept.get("currency", ""),
            "lines": told_lines(kept),
            "refusals": told_refusals(kept.get("refusals", [])),
            "levers": told_levers(kept),
        }
    }


def customer_context(customer: Customer, today: date) -> dict[str, Any]:
    """Exposure and limit of the day, class and points."""
    exposure = exposures([customer], today)[customer.pk]
    score = Score.objects.current().filter(customer=customer).first()
    return {
        "customer": customer,
        "exposure": exposure,
        "use": exposure.use,
        "held": limit_of([customer], today).get(customer.pk),
        "score": score,
        "score_label": score.get_risk_class_display() if score else "",
        "score_tone": class_tone(score.risk_class) if score else "",
    }


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("risk.request_limit")
def request_create(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a limit, with what the rules propose beside the form."""
    customer = get_object_or_404(
        Customer.objects.visible_to(request.user).select_related("legal_entity"), pk=pk
    )
    today = clock.today()
    has_group = customer.parent_id is None and len(group_members([pk])[pk]) > 1
    form = LimitRequestForm(
        request.POST or None, initial={"currency": customer.currency}, has_group=has_group
    )
    if request.method == "POST" and form.is_valid():
        try:
            made = request_limit(
                actor=signed_in(request),
                customer=customer,
                asked=Asked(**form.cleaned_data),
                today=today,
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(
                request,
                _("Demande n° %(number)d déposée : elle attend son approbation.") % {"number": made.pk},
            )
            return redirect("risk:request-detail", pk=made.pk)
    expected = form.cleaned_data.get("expected_purchases") if form.is_bound and form.is_valid() else None
    worked = proposals_of([customer], today, expected_purchases={} if expected is None else {pk: expected})[
        pk
    ]
    context = {
        **customer_context(customer, today),
        **proposal_context(stored(worked)),
        "form": form,
        "open_requests": list(_visible(request).open().filter(customer=customer)),
    }
    return render(request, "risk/request_create.html", context, status=422 if form.errors else 200)


@require_GET
@permission_required("risk.view")
def request_list(request: HttpRequest) -> HttpResponse:
    """The requests: first those that wait for this person, then all that are open, then all."""
    today = clock.today()
    chosen = request.GET.get("list", "mine")
    filterset = LimitRequestFilter(request.GET, queryset=_visible(request), request=request)
    rows = filterset.qs if filterset.is_valid() else _visible(request).none()
    if chosen == "mine":
        rows = rows.filter(pk__in=requests_to_decide(request.user, today).values("pk"))
    elif chosen == "open":
        rows = rows.open()
    page = keyset_page(rows, order=("-pk",), cursor=request.GET.get("cursor", ""))
    for row in page.rows:
        row.tone = TONES[LimitRequest.Status(row.status)]  # type: ignore[attr-defined]
        row.waits_for = _role_labels(row.required_roles) if row.is_open else ""  # type: ignore[attr-defined]
    lists = (
        ("mine", _("Attendent votre décision"), requests_to_decide(request.user, today)),
        ("open", _("En cours"), LimitRequest.objects.visible_to(request.user).open()),
        ("all", _("Toutes"), None),
    )
    context = {
        "requests": page.rows,
        "filterset": filterset,
        "chosen": chosen,
        "lists": [
            {
                "label": label,
                "url": f"?list={key}",
                "active": key == chosen,
                "count": None if counted is None else counted.order_by()[:1000].count(),
            }
            for key, label, counted in lists
        ],
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "tabs": tabs(request, "limit-requests"),
        "subtabs": subtabs(request, "limit-requests"),
    }
    return render(request, "risk/request_list.html", context, status=200 if filterset.is_valid() else 400)


def _role_labels(roles: tuple[str, ...] | list[str]) -> str:
    return " + ".join(str(Role(role).label) for role in roles)


@require_GET
@permission_required("risk.view")
def request_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One request: what is asked, what the rules propose, who answered, and the answer to give."""
    return _detail(request, _one(request, pk))


def _detail(request: HttpRequest, row: LimitRequest, status: int = 200, **forms: Any) -> HttpResponse:
    user, today = signed_in(request), clock.today()
    approvals = list(row.approvals.select_related("approver"))
    given = [approval.role for approval in approvals]
    most = row.amount if row.approved_amount is None else row.approved_amount
    is_own = row.requested_by_id == user.pk
    answered = any(approval.approver_id == user.pk for approval in approvals)
    role = role_to_sign_with(row.required_roles, given, roles_of(user))
    may_decide = row.is_open and not is_own and not answered and has_permission(user, "risk.decide_limit")
    seen = {"seen": len(approvals)}
    context = {
        **customer_context(row.customer, today),
        **proposal_context(row.proposal),
        "row": row,
        "tone": TONES[LimitRequest.Status(row.status)],
        "approvals": [{"approval": approval, "role": Role(approval.role).label} for approval in approvals],
        "wanted": _role_labels(row.required_roles),
        "missing": _role_labels(missing_roles(row.required_roles, given)) if row.is_open else "",
        "most": most,
        "may_decide": may_decide,
        # Above his step he may still grant what is within it.
        "may_approve": may_decide and (role is not None or row.policy_id is not None),
        "may_refuse": may_decide and role is not None,
        "is_own": is_own and row.is_open,
        "may_withdraw": row.is_open and is_own,
        "notes": list(row.notes.select_related("written_by", "file")),
        "refusal_labels": told_refusals(row.refusal_reasons),
        "may_write_letter": row.status in ("APPROVED", "REFUSED")
        and has_permission(user, "risk.decide_limit"),
        "approval_form": forms.get("approval_form") or ApprovalForm(initial={"amount": most, **seen}),
        "refusal_form": forms.get("refusal_form")
        or RefusalForm(initial={"reasons": row.proposal.get("refusals", []), **seen}),
        "note_form": forms.get("note_form") or NoteForm(),
        "events": [
            {
                "when": event.occurred_at,
                "title": VERBS[event.verb][0],
                "tone": VERBS[event.verb][1],
                "actor": event.actor_name,
                "text": event.data.get("note", "") or event.data.get("text", ""),
            }
            for event in timeline(row)[:50]
            if event.verb in VERBS
        ],
        "tabs": tabs(request, "limit-requests"),
        "subtabs": subtabs(request, "limit-requests"),
    }
    return render(request, "risk/request_detail.html", context, status=status)


@require_POST
@permission_required("risk.decide_limit")
def request_approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve, for the amount asked or less."""
    row = _one(request, pk)
    form = ApprovalForm(request.POST)
    if form.is_valid():
        values = form.cleaned_data
        try:
            done = approve_request(
                actor=signed_in(request),
                request_id=pk,
                amount=values["amount"],
                conditions=values["conditions"],
                note=values["note"],
                seen_approvals=values["seen"],
                today=clock.today(),
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            told = (
                _("Demande approuvée : le plafond vaut dès aujourd’hui.")
                if done.status == LimitRequest.Status.APPROVED
                else _("Première approbation donnée ; la demande attend la seconde.")
            )
            messages.success(request, told)
            return redirect("risk:request-detail", pk=pk)
    return _detail(request, _one(request, row.pk), 422, approval_form=_anew(form, row))


@require_POST
@permission_required("risk.decide_limit")
def request_refuse(request: HttpRequest, pk: int) -> HttpResponse:
    """Refuse, with reasons that may stand in a letter."""
    row = _one(request, pk)
    form = RefusalForm(request.POST)
    if form.is_valid():
        values = form.cleaned_data
        try:
            refuse_request(
                actor=signed_in(request),
                request_id=pk,
                reasons=values["reasons"],
                note=values["note"],
                seen_approvals=values["seen"],
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Demande refusée. Le courrier au client peut être établi."))
            return redirect("risk:request-detail", pk=pk)
    return _detail(request, _one(request, row.pk), 422, refusal_form=_anew(form, row))


def _anew(form: Any, row: LimitRequest) -> Any:
    """The person answers anew for what the page now shows."""
    form.data = form.data.copy()
    form.data["seen"] = str(row.approvals.count())
    return form


@require_POST
@permission_required("risk.request_limit")
def request_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one's own request back."""
    _one(request, pk)
    try:
        withdraw_request(
            actor=signed_in(request), request_id=pk, note=request.POST.get("note", ""), now=clock.now()
        )
    except BusinessError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Demande retirée."))
    return redirect("risk:request-detail", pk=pk)


@require_POST
@permission_required("risk.view")
def request_note(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a word or a paper."""
    row = _one(request, pk)
    form = NoteForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            add_note(
                actor=signed_in(request),
                request_id=pk,
                text=form.cleaned_data["text"],
                content=file.file if file else None,
                name=file.name if file else "",
                content_type=(file.content_type or "application/octet-stream") if file else "",
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Ajouté à la demande."))
            return redirect("risk:request-detail", pk=pk)
    return _detail(request, row, 422, note_form=form)


@require_GET
@permission_required("risk.view")
def request_file(request: HttpRequest, pk: int, note: int) -> HttpResponseBase:
    """A paper added to a request."""
    found = get_object_or_404(
        LimitNote.objects.select_related("file"), pk=note, request=_one(request, pk), file__isnull=False
    )
    assert found.file is not None
    return file_response(found.file)


@require_POST
@permission_required("risk.decide_limit")
def request_letter_write(request: HttpRequest, pk: int) -> HttpResponse:
    """Write the letter of the decision, once."""
    row = _one(request, pk)
    try:
        pdf = letter_pdf(row, today=clock.today()) if row.letter is None else b""
        keep_letter(actor=signed_in(request), request_id=pk, pdf=pdf, now=clock.now())
    except ValueError:
        messages.error(
            request, _("Un courrier de décision s’établit une fois la demande approuvée ou refusée.")
        )
    except BusinessError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Courrier établi et conservé : relisez-le avant de l’envoyer."))
    return redirect("risk:request-detail", pk=pk)


@require_GET
@permission_required("risk.view")
def request_letter(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The letter as it was written."""
    row = _one(request, pk)
    if row.letter is None:
        raise Http404
    return file_response(row.letter, in_place=True)
