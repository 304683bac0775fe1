"""Payment plans: their list, the making of one, and its page."""

from typing import Any

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from core import audit, clock
from core.audit_words import told
from core.calendar import add_months
from core.errors import BusinessError
from core.files_http import file_response
from core.forms import show_refusal
from core.keyset import keyset_page
from core.models import StoredFile
from core.rights import has_permission, permission_required
from customers.models import Customer
from invoices.forms_plans import InstalmentFormSet, PlanForm, PlanReasonForm, SignedAgreementForm
from invoices.models import Instalment, OpenItem, PaymentPlan, PlanItem
from invoices.operations.payment_plans import PlanRefused, draft_plan
from invoices.plan_agreement import agreement_reference
from invoices.plan_rules import equal_instalments

TONES = {
    "DRAFT": "neutral",
    "TO_APPROVE": "watch",
    "OFFERED": "info",
    "ACTIVE": "ok",
    "COMPLETED": "ok",
    "DEFAULTED": "late",
    "CANCELLED": "neutral",
}
INSTALMENT_TONES = {"DUE": "neutral", "PARTLY_PAID": "watch", "PAID": "ok", "MISSED": "late"}
MOST_ITEMS = 200


@require_GET
@permission_required("invoices.view")
def plan_list(request: HttpRequest) -> HttpResponse:
    """The plans of one's customers, the latest first."""
    plans = PaymentPlan.objects.visible_to(request.user)
    state = request.GET.get("etat", "")
    if state not in PaymentPlan.Status.values:
        state = ""
    counts = dict(plans.order_by().values_list("status").annotate(n=Count("pk")))
    shown = plans.filter(status=state) if state else plans
    page = keyset_page(
        shown.select_related("customer", "legal_entity"), order=("-pk",), cursor=request.GET.get("cursor", "")
    )
    _with_progress(page.rows)
    tabs = [{"label": _("Tous"), "url": "?", "active": not state, "count": sum(counts.values())}] + [
        {"label": label, "url": f"?etat={value}", "active": value == state, "count": counts[value]}
        for value, label in PaymentPlan.Status.choices
        if counts.get(value)
    ]
    context = {
        "plans": page.rows,
        "tab_items": tabs,
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
    }
    return render(request, "invoices/plan_list.html", context)


@require_http_methods(["GET", "POST"])
@permission_required("invoices.plan")
def plan_create(request: HttpRequest, customer: int) -> HttpResponse:
    """Choose items and instalments; look at them, change them, keep them as a draft."""
    debtor = get_object_or_404(Customer.objects.visible_to(request.user), pk=customer)
    today = clock.today()
    payable = _payable(request, debtor)
    form = PlanForm(request.POST or None, payable=payable, initial={"first_date": add_months(today, 1)})
    formset = None
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            if "rows-TOTAL_FORMS" in request.POST and "preview" not in request.POST:
                formset = InstalmentFormSet(request.POST, prefix="rows")
                if formset.is_valid():
                    plan = _drafted(request, debtor, form, formset)
                    if plan is not None:
                        return redirect("invoices:plan-detail", uid=plan.uid)
            else:
                formset, status = _proposed(form)
    context = {
        "customer": debtor,
        "form": form,
        "formset": formset,
        "payable": list(payable[:MOST_ITEMS]),
        "chosen": _chosen(request),
        "total": form.total() if form.is_bound and "items" in getattr(form, "cleaned_data", {}) else None,
        "currency": _currency(form),
    }
    return render(request, "invoices/plan_create.html", context, status=status)


def _payable(request: HttpRequest, debtor: Customer) -> QuerySet[OpenItem]:
    return (
        OpenItem.objects.visible_to(request.user)
        .filter(customer=debtor, open_amount__gt=0, is_factored=False, disputed_amount=0)
        .exclude(pk__in=PlanItem.objects.filter(released_on__isnull=True).values("item"))
        .order_by("due_date", "pk")
    )


def _proposed(form: PlanForm) -> tuple[Any, int]:
    """Equal instalments to look at; the form says why there can be none."""
    try:
        parts = equal_instalments(form.total(), form.cleaned_data["count"], form.cleaned_data["first_date"])
    except (ValueError, ArithmeticError):
        form.add_error("count", _("Le montant ne se partage pas en autant d’échéances."))
        return None, 422
    initial = [{"due_date": part.due_date, "amount": part.amount} for part in parts]
    return InstalmentFormSet(initial=initial, prefix="rows"), 200


def _drafted(request: HttpRequest, debtor: Customer, form: PlanForm, formset: Any) -> PaymentPlan | None:
    try:
        return draft_plan(
            actor=request.user,
            customer_id=debtor.pk,
            item_ids=[item.pk for item in form.cleaned_data["items"]],
            instalments=[row.part() for row in formset.forms],
            grace_days=form.cleaned_data["grace_days"],
            note=form.cleaned_data["note"],
            today=clock.today(),
            now=clock.now(),
        )
    except PlanRefused as refusal:
        for index, messages_of_row in refusal.rows.items():
            for message in messages_of_row:
                formset.forms[index].add_error(None, message)
        show_refusal(form, refusal)
    except BusinessError as refusal:
        show_refusal(form, refusal)
    return None


def _chosen(request: HttpRequest) -> set[int]:
    given = request.POST.getlist("items") if request.method == "POST" else request.GET.getlist("piece")
    return {int(value) for value in given if value.isascii() and value.isdigit() and len(value) < 18}


def _currency(form: PlanForm) -> str:
    items = list(getattr(form, "cleaned_data", {}).get("items") or ())
    return items[0].currency if items else ""


@require_GET
@permission_required("invoices.view")
def plan_detail(request: HttpRequest, uid: str) -> HttpResponse:
    """What was agreed, what has come, what comes next."""
    plan = visible_plan(request, uid)
    return detail_page(request, plan, 200)


def detail_page(request: HttpRequest, plan: PaymentPlan, status: int, **forms: Any) -> HttpResponse:
    """The page of a plan; `forms` are those a refusal is shown on."""
    instalments = list(plan.instalments.order_by("rank"))
    for row in instalments:
        row.tone = INSTALMENT_TONES[row.status]  # type: ignore[attr-defined]
        row.left = row.amount - row.paid_amount  # type: ignore[attr-defined]
    state = plan.status
    may_plan = has_permission(request.user, "invoices.plan")
    is_author = plan.made_by_id == request.user.pk
    context = {
        "plan": plan,
        "reference": agreement_reference(plan),
        "tone": TONES[state],
        "instalments": instalments,
        "paid": sum(row.paid_amount for row in instalments),
        "left": sum(row.amount - row.paid_amount for row in instalments),
        "parts": plan.items.select_related("item").order_by("item__due_date", "item_id"),
        "events": told(audit.timeline(plan)[:12]),
        "signed_form": SignedAgreementForm(),
        "reason_form": PlanReasonForm(),
        "may_submit": may_plan and state == "DRAFT",
        "may_approve": has_permission(request.user, "invoices.approve_plan")
        and state == "TO_APPROVE"
        and not is_author,
        "waits_for_another": state == "TO_APPROVE" and is_author,
        "may_start": may_plan and state == "OFFERED",
        "may_cancel": may_plan and state in ("DRAFT", "TO_APPROVE", "OFFERED", "ACTIVE"),
        **forms,
    }
    return render(request, "invoices/plan_detail.html", context, status=status)


@require_GET
@permission_required("invoices.view")
def plan_agreement(request: HttpRequest, uid: str) -> FileResponse:
    """The agreement to be signed."""
    return _file(visible_plan(request, uid).agreement)


@require_GET
@permission_required("invoices.view")
def plan_signed(request: HttpRequest, uid: str) -> FileResponse:
    """The agreement as the customer signed it."""
    return _file(visible_plan(request, uid).signed_agreement)


def visible_plan(request: HttpRequest, uid: str) -> PaymentPlan:
    """The plan, if its customer is in the person's scope."""
    return get_object_or_404(
        PaymentPlan.objects.visible_to(request.user).select_related(
            "customer", "legal_entity", "agreement", "signed_agreement", "made_by", "approved_by"
        ),
        uid=uid,
    )


def _file(stored: StoredFile | None) -> FileResponse:
    if stored is None:
        raise Http404
    return file_response(stored, in_place=True)


def _with_progress(plans: list[PaymentPlan]) -> None:
    """Give each plan its tone, what was paid, and its next instalment; one statement for all."""
    waiting = Q(status__in=[Instalment.Status.DUE, Instalment.Status.PARTLY_PAID])
    figures = {
        row["plan"]: row
        for row in Instalment.objects.filter(plan__in=plans)
        .order_by()
        .values("plan")
        .annotate(
            total=Count("pk"),
            paid=Count("pk", filter=Q(status=Instalment.Status.PAID)),
            paid_amount=Sum("paid_amount"),
            next_date=Min("due_date", filter=waiting),
        )
    }
    for plan in plans:
        plan.tone = TONES[plan.status]  # type: ignore[attr-defined]
        plan.reference = agreement_reference(plan)  # type: ignore[attr-defined]
        plan.progress = figures.get(plan.pk, {})  # type: ignore[attr-defined]
