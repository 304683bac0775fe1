"""Dossiers de recouvrement: the list, one case with its dossier, and the two steps left to people."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core import audit, clock
from core.audit_words import told
from core.errors import BusinessError
from core.files_http import file_response
from core.keyset import keyset_page
from core.rights import has_permission, permission_required
from dunning.filters import CaseFilter
from dunning.forms import ReasonForm
from dunning.models import Case
from dunning.operations.cases import hand_over_case, recall_case
from dunning.views.places import tabs
from dunning.views.tones import CASE_TONES

PAGE_SIZE = 50


@require_GET
@permission_required("dunning.view")
def case_list(request: HttpRequest) -> HttpResponse:
    """The cases, latest first."""
    visible = Case.objects.visible_to(request.user).select_related(
        "customer", "agency", "notice", "legal_entity"
    )
    filterset = CaseFilter(request.GET, queryset=visible, request=request)
    page = keyset_page(
        filterset.qs if filterset.is_valid() else visible.none(),
        order=("-pk",),
        cursor=request.GET.get("cursor", ""),
        size=PAGE_SIZE,
    )
    for case in page.rows:
        case.tone = CASE_TONES[Case.Status(case.status)]
    context = {
        "cases": page.rows,
        "filterset": filterset,
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "tabs": tabs(request, "cases"),
    }
    return render(request, "dunning/case_list.html", context, status=200 if filterset.is_valid() else 400)


def _visible(request: HttpRequest, pk: int) -> Case:
    cases = Case.objects.visible_to(request.user).select_related("customer", "agency", "notice", "dossier")
    case: Case = get_object_or_404(cases, pk=pk)
    return case


@require_GET
@permission_required("dunning.view")
def case_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One case: what is claimed, the dossier, the agency, and the two steps left to people."""
    case = _visible(request, pk)
    case.tone = CASE_TONES[Case.Status(case.status)]  # type: ignore[attr-defined]
    return render(
        request,
        "dunning/case_detail.html",
        {
            "case": case,
            "lines": case.notice.lines.select_related("item").order_by("item__due_date", "item_id"),
            "events": told(audit.timeline(case)[:50]),
            "reason_form": ReasonForm(),
            "tabs": tabs(request, "cases"),
            "may_hand_over": has_permission(request.user, "dunning.hand_over"),
            "recallable": case.status in Case.LIVE,
        },
    )


@require_GET
@permission_required("dunning.view")
def case_dossier(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The dossier's ZIP, as it was frozen."""
    case = _visible(request, pk)
    if case.dossier is None:
        raise Http404
    return file_response(case.dossier)


@require_POST
@permission_required("dunning.hand_over")
def case_hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm that the agency has the dossier."""
    case = _visible(request, pk)
    try:
        hand_over_case(actor=request.user, case=case, today=clock.today(), now=clock.now())
    except BusinessError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Le dossier est remis à %(agency)s.") % {"agency": case.agency})
    return redirect("dunning:case-detail", pk=pk)


@require_POST
@permission_required("dunning.hand_over")
def case_recall(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the case back from the agency."""
    case = _visible(request, pk)
    try:
        recall_case(
            actor=request.user,
            case=case,
            reason=ReasonForm.read(request.POST),
            today=clock.today(),
            now=clock.now(),
        )
    except BusinessError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Le dossier est rappelé ; ses pièces peuvent de nouveau être relancées."))
    return redirect("dunning:case-detail", pk=pk)
