"""Assurance-crédit: deadlines that press, policies, covers, guarantees and the files to the insurer."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.errors import BusinessError
from core.files_http import file_response
from core.keyset import keyset_page
from core.rights import has_permission, permission_required, signed_in
from customers.models import Customer, LegalEntity
from risk.cover import cover_of, deadlines_of, policies_seen, pressing
from risk.cover_rules import urgency
from risk.exposure import exposures
from risk.forms_cover import (
    CoverAnswerForm,
    CoverCancellationForm,
    CoverReductionForm,
    CoverRequestForm,
    GuaranteeForm,
    InsurerFileForm,
    PolicyForm,
)
from risk.models import Cover, Guarantee, InsurancePolicy, InsurerFile
from risk.operations.cover import (
    add_guarantee,
    answer_cover,
    cancel_cover,
    reduce_cover,
    request_cover,
    set_policy,
)
from risk.operations.insurer_files import move_insurer_file, prepare_insurer_file
from risk.views.places import subtabs, tabs

MANAGE = "risk.manage_cover"
TONES = {
    "REQUESTED": "info", "GRANTED": "ok", "REDUCED": "watch", "REFUSED": "late", "CANCELLED": "late",
    "EXPIRED": "neutral", "DRAFT": "watch", "SENT": "info", "ACKNOWLEDGED": "info", "PAID": "ok",
    "DISCARDED": "neutral",
}  # fmt: skip


def _frame(request: HttpRequest, page: str, **context: Any) -> dict[str, Any]:
    return {
        "tabs": tabs(request, page),
        "subtabs": subtabs(request, page),
        "may_manage": has_permission(signed_in(request), MANAGE),
        **context,
    }


def _customer(request: HttpRequest, pk: int) -> Customer:
    return get_object_or_404(Customer.objects.visible_to(signed_in(request)), pk=pk)


def _cover(request: HttpRequest, pk: int) -> Cover:
    covers = Cover.objects.visible_to(signed_in(request)).select_related("customer", "policy")
    return get_object_or_404(covers, pk=pk)


def _files(request: HttpRequest) -> Any:
    """A file names debts of every customer of its entity: only who sees the whole entity reads it."""
    whole = LegalEntity.objects.wholly_visible_to(signed_in(request))
    return InsurerFile.objects.filter(policy__legal_entity__in=whole).select_related(
        "policy", "policy__legal_entity", "file", "prepared_by"
    )


@require_GET
@permission_required("risk.view")
def deadline_list(request: HttpRequest) -> HttpResponse:
    """The items to declare or to claim, of one policy, the most urgent first."""
    user, today = signed_in(request), clock.today()
    policies = list(policies_seen(user))
    policy = next((each for each in policies if str(each.pk) == request.GET.get("police")), None)
    policy = policy or (policies[0] if policies else None)
    kind = (
        InsurerFile.Kind.CLAIM
        if request.GET.get("delai") == "indemnisation"
        else InsurerFile.Kind.DECLARATION
    )
    context = _frame(request, "cover-deadlines", policies=policies, policy=policy, kind=kind, today=today)
    if policy is not None:
        page = keyset_page(
            pressing(user, policy, kind, today),
            order=("due_date", "pk"),
            cursor=request.GET.get("cursor", ""),
        )
        for item in page.rows:
            found = deadlines_of(item, policy)
            item.deadline = found.claim_by if kind == InsurerFile.Kind.CLAIM else found.declare_by
            item.urgency = urgency(item.deadline, today, policy.alarm_days).value
        context |= {
            "items": page.rows,
            "next_url": page.next_url(request.GET),
            "previous_url": page.previous_url(request.GET),
        }
    return render(request, "risk/insured_items.html", context)


@require_GET
@permission_required("risk.view")
def cover_list(request: HttpRequest) -> HttpResponse:
    """Every cover in the reader's scope, the latest first."""
    covers = Cover.objects.visible_to(signed_in(request)).select_related("customer", "policy")
    page = keyset_page(covers, order=("-pk",), cursor=request.GET.get("cursor", ""))
    for cover in page.rows:
        cover.tone = TONES[cover.status]
    context = _frame(
        request, "covers", covers=page.rows, next_url=page.next_url(request.GET),
        previous_url=page.previous_url(request.GET),
    )  # fmt: skip
    return render(request, "risk/cover_list.html", context)


@require_GET
@permission_required("risk.view")
def insurance_policy_list(request: HttpRequest) -> HttpResponse:
    """The policies with their terms."""
    policies = policies_seen(signed_in(request))
    return render(request, "risk/insurance_policy_list.html", _frame(request, "policies", policies=policies))


@require_http_methods(["GET", "POST"])
@permission_required(MANAGE)
def insurance_policy_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Write down a policy, or change its terms."""
    entities = LegalEntity.objects.wholly_visible_to(signed_in(request)).order_by("name")
    policy = None
    if pk is not None:
        policy = get_object_or_404(InsurancePolicy.objects.filter(legal_entity__in=entities), pk=pk)
    form = PolicyForm(request.POST or None, instance=policy, entities=entities)

    def act() -> None:
        values = {name: form.cleaned_data[name] for name in form.Meta.fields}
        entity = policy.legal_entity if policy else form.cleaned_data["entity"]
        set_policy(actor=signed_in(request), entity=entity, values=values, policy=policy, now=clock.now())

    return _form_page(
        request, form, act, "policies", _("Police d’assurance-crédit"), "risk:insurance-policy-list"
    )


@require_http_methods(["GET", "POST"])
@permission_required(MANAGE)
def cover_request(request: HttpRequest, pk: int) -> HttpResponse:
    """A cover was asked of the insurer for a customer."""
    customer = _customer(request, pk)
    policies = InsurancePolicy.objects.filter(legal_entity=customer.legal_entity_id)
    form = CoverRequestForm(request.POST or None, policies=policies, initial={"requested_on": clock.today()})

    def act() -> None:
        request_cover(
            actor=signed_in(request), customer=customer, today=clock.today(), now=clock.now(),
            **form.cleaned_data,
        )  # fmt: skip

    return _form_page(request, form, act, "covers", _("Demander un agrément"), subtitle=customer.name)


@require_http_methods(["GET", "POST"])
@permission_required(MANAGE)
def cover_answer(request: HttpRequest, pk: int) -> HttpResponse:
    """What the insurer answered."""
    form = CoverAnswerForm(request.POST or None, initial={"answered_on": clock.today()})
    return _cover_step(request, pk, form, answer_cover, _("Réponse de l’assureur"))


@require_http_methods(["GET", "POST"])
@permission_required(MANAGE)
def cover_reduce(request: HttpRequest, pk: int) -> HttpResponse:
    """The insurer cut his cover."""
    form = CoverReductionForm(request.POST or None, initial={"notified_on": clock.today()})
    return _cover_step(request, pk, form, reduce_cover, _("Réduire l’agrément"))


@require_http_methods(["GET", "POST"])
@permission_required(MANAGE)
def cover_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """The insurer withdrew his cover."""
    form = CoverCancellationForm(request.POST or None, initial={"notified_on": clock.today()})
    return _cover_step(request, pk, form, cancel_cover, _("Retirer l’agrément"))


def _cover_step(
    request: HttpRequest, pk: int, form: forms.Form, operation: Callable[..., Cover], title: str
) -> HttpResponse:
    cover = _cover(request, pk)

    def act() -> None:
        operation(
            actor=signed_in(request), cover=cover, today=clock.today(), now=clock.now(), **form.cleaned_data
        )

    return _form_page(request, form, act, "covers", title, subtitle=cover.customer.name)


@require_http_methods(["GET", "POST"])
@permission_required(MANAGE)
def guarantee_add(request: HttpRequest, pk: int) -> HttpResponse:
    """A security other than insurance."""
    customer = _customer(request, pk)
    form = GuaranteeForm(request.POST or None, initial={"valid_from": clock.today()})

    def act() -> None:
        add_guarantee(
            actor=signed_in(request), customer=customer, values=form.cleaned_data, today=clock.today(),
            now=clock.now(),
        )  # fmt: skip

    return _form_page(request, form, act, "covers", _("Enregistrer une sûreté"), subtitle=customer.name)


def _form_page(
    request: HttpRequest, form: Any, act: Callable[[], None], page: str, title: str,
    done: str = "risk:cover-list", subtitle: str = "",
) -> HttpResponse:  # fmt: skip
    if request.method == "POST" and form.is_valid():
        try:
            act()
        except BusinessError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            messages.success(request, _("Enregistré."))
            return redirect(done)
    context = _frame(request, page, form=form, title=title, subtitle=subtitle, done=done)
    return render(request, "risk/cover_form.html", context, status=400 if form.errors else 200)


@require_GET
@permission_required("risk.view")
def insurer_file_list(request: HttpRequest) -> HttpResponse:
    """The files prepared for insurers and what became of them."""
    page = keyset_page(_files(request), order=("-pk",), cursor=request.GET.get("cursor", ""))
    for each in page.rows:
        each.tone = TONES[each.status]
    context = _frame(
        request, "insurer-files", files=page.rows, next_url=page.next_url(request.GET),
        previous_url=page.previous_url(request.GET),
    )  # fmt: skip
    return render(request, "risk/insurer_file_list.html", context)


@require_POST
@permission_required(MANAGE)
def insurer_file_prepare(request: HttpRequest, pk: int) -> HttpResponse:
    """Write the file of what presses under a policy."""
    policy = get_object_or_404(policies_seen(signed_in(request)), pk=pk)
    try:
        prepare_insurer_file(
            actor=signed_in(request), policy=policy, kind=request.POST.get("kind", ""), today=clock.today(),
            now=clock.now(),
        )  # fmt: skip
    except BusinessError as error:
        messages.error(request, str(error))
        return redirect("risk:insured-items")
    messages.success(request, _("Dossier préparé : relisez-le, envoyez-le, puis notez-le ici."))
    return redirect("risk:insurer-file-list")


@require_http_methods(["GET", "POST"])
@permission_required(MANAGE)
def insurer_file_move(request: HttpRequest, pk: int) -> HttpResponse:
    """The next step of a file."""
    followed = get_object_or_404(_files(request), pk=pk)
    form = InsurerFileForm(request.POST or None, insurer_file=followed, initial={"on": clock.today()})

    def act() -> None:
        move_insurer_file(
            actor=signed_in(request), insurer_file=followed, today=clock.today(), now=clock.now(),
            **form.cleaned_data,
        )  # fmt: skip

    return _form_page(
        request, form, act, "insurer-files", _("Suivre le dossier"), "risk:insurer-file-list", str(followed)
    )


@require_GET
@permission_required("risk.view")
def insurer_file_content(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The file as it was written."""
    return file_response(get_object_or_404(_files(request), pk=pk).file)


def panel(customer: Customer, user: Any, today: date) -> dict[str, Any] | None:
    """What covers a customer, what is not covered, his guarantees."""
    cover = cover_of([customer], today).get(customer.pk)
    guarantees = list(Guarantee.objects.filter(customer=customer, status=Guarantee.Status.ACTIVE))
    may_manage = has_permission(user, MANAGE)
    if cover is None and not guarantees and not may_manage:
        return None
    exposure = exposures([customer], today)[customer.pk]
    parts = {part.currency: part.amount for part in (*exposure.apart, exposure.counted)}
    asked = Cover.objects.filter(customer=customer, status=Cover.Status.REQUESTED).first()
    return {
        "cover": cover,
        "word": _("Zone des non-dénommés")
        if cover and cover.status == "UNNAMED"
        else (Cover.Status(cover.status).label if cover else ""),
        "tone": TONES.get(cover.status, "info") if cover else "neutral",
        "uncovered_amount": cover.uncovered(parts.get(cover.currency, 0 * cover.amount)) if cover else None,
        "guarantees": guarantees,
        "asked": asked,
        "may_manage": may_manage,
        "customer": customer,
    }
