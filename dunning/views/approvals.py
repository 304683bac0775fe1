"""La liste à valider: what a run proposes, the letter in place beside it, and decisions on many at once."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from core import clock
from core.errors import BusinessError
from core.keyset import chosen_order, keyset_page
from core.money import format_count
from core.rights import has_permission, permission_required
from dunning.approvals import why_now
from dunning.filters import ApprovalFilter
from dunning.forms import ReasonForm
from dunning.gate import explain, obstacles
from dunning.gate_facts import notice_now
from dunning.models import Level, Notice
from dunning.operations.bulk_decisions import (
    ListChanged,
    approve_matching,
    reject_matching,
    to_approve,
    to_reject,
)
from dunning.views.places import tabs

PAGE_SIZE = 50
SORTS = {"amount": "open_amount", "late": "oldest_due_date", "customer": "customer__name"}
LINES_SHOWN = 8


def _proposed(request: HttpRequest) -> QuerySet[Notice]:
    return Notice.objects.visible_to(request.user).filter(status=Notice.Status.PROPOSED)


@require_GET
@permission_required("dunning.view")
def approval_list(request: HttpRequest) -> HttpResponse:
    """The proposed notices, the largest first; `?relance=` shows one letter beside them."""
    proposed = _proposed(request)
    filterset = ApprovalFilter(request.GET, queryset=proposed, request=request, today=clock.today())
    page = keyset_page(
        (filterset.qs if filterset.is_valid() else proposed.none()).select_related(
            "customer", "legal_entity", "level__policy", "run"
        ),
        order=chosen_order(request.GET.get("sort", ""), SORTS, ("-open_amount", "-pk")),
        cursor=request.GET.get("cursor", ""),
        size=PAGE_SIZE,
    )
    reasons = why_now(page.rows)
    for notice in page.rows:
        notice.why = reasons[notice.pk]  # type: ignore[attr-defined]
    without_panel = request.GET.copy()
    without_panel.pop("relance", None)
    without_cursor = without_panel.copy()
    without_cursor.pop("cursor", None)
    context = {
        "notices": page.rows,
        "filterset": filterset,
        "tabs": tabs(request, "proposed"),
        "next_url": page.next_url(without_panel),
        "previous_url": page.previous_url(without_panel),
        "close_url": f"?{without_panel.urlencode()}",
        "all_query": without_cursor.urlencode(),
        "chosen": _chosen(request),
        "reason_form": ReasonForm(),
        "may_approve": has_permission(request.user, "dunning.approve"),
        "total_url": reverse("core:selection-total"),
    }
    return render(request, "dunning/approval_list.html", context, status=200 if filterset.is_valid() else 400)


def _chosen(request: HttpRequest) -> dict[str, Any] | None:
    """What the panel shows: the letter, why it comes, what stands against it."""
    asked = request.GET.get("relance", "")
    if not asked.isdecimal() or len(asked) > 18:
        return None
    notice = (
        _proposed(request)
        .select_related("customer", "legal_entity", "level__policy", "run")
        .filter(pk=int(asked))
        .first()
    )
    if notice is None:
        return None
    is_hand_over = notice.level.kind == Level.Kind.HAND_OVER
    return {
        "notice": notice,
        "why": why_now([notice])[notice.pk],
        "obstacle": explain(obstacles(notice_now(notice, today=clock.today()))),
        "lines": list(
            notice.lines.select_related("item").order_by("item__due_date", "item_id")[:LINES_SHOWN]
        ),
        "more_lines": max(0, notice.line_count - LINES_SHOWN),
        "has_letter": not is_hand_over and notice.level.channel not in Level.WITHOUT_LETTER,
        "is_hand_over": is_hand_over,
    }


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("dunning.approve")
def approval_all(request: HttpRequest) -> HttpResponse:
    """Decide on all that the filters let through: the count first, then the decision on exactly that many."""
    today, now = clock.today(), clock.now()
    filterset = ApprovalFilter(request.GET, queryset=_proposed(request), request=request, today=today)
    if not filterset.is_valid():
        return redirect(f"{reverse('dunning:approval-list')}?{request.GET.urlencode()}")
    refused = ""
    if request.method == "POST":
        try:
            messages.success(request, _decide_all(request, filterset.qs, now=now))
        except BusinessError as error:
            refused = str(error)
            if not isinstance(error, ListChanged) and error.field != "reason":
                messages.error(request, refused)
                return redirect("dunning:approval-list")
        else:
            return redirect("dunning:approval-list")
    approvable = _figures(to_approve(filterset.qs))
    context = {
        "approvable": approvable,
        "rejectable": _figures(to_reject(filterset.qs)),
        "kept_back": _count(filterset.qs) - approvable["count"],
        "filterset": filterset,
        "query": request.GET.urlencode(),
        "refused": refused,
        "reason_form": ReasonForm(),
        "tabs": tabs(request, "proposed"),
    }
    return render(request, "dunning/approval_all.html", context, status=409 if refused else 200)


def _decide_all(request: HttpRequest, notices: QuerySet[Notice], *, now: Any) -> str:
    asked = request.POST.get("expected", "")
    expected = int(asked) if asked.isdecimal() and len(asked) < 10 else -1
    if request.POST.get("action") == "reject":
        count = reject_matching(
            actor=request.user,
            notices=notices,
            expected=expected,
            reason=ReasonForm.read(request.POST),
            now=now,
        )
        return ngettext("%(count)s relance écartée.", "%(count)s relances écartées.", count) % {
            "count": format_count(count)
        }
    count = approve_matching(actor=request.user, notices=notices, expected=expected, now=now)
    return ngettext("%(count)s relance validée.", "%(count)s relances validées.", count) % {
        "count": format_count(count)
    }


def _count(notices: QuerySet[Notice]) -> int:
    return notices.order_by().count()


def _figures(notices: QuerySet[Notice]) -> dict[str, Any]:
    """How many by level and channel, and their sums per currency."""
    rows = list(
        notices.order_by()
        .values("level__kind", "level__channel", "currency")
        .annotate(count=Count("pk"), amount=Sum("open_amount"))
        .order_by("level__kind", "level__channel", "currency")
    )
    for row in rows:
        row["kind"] = Level.Kind(row["level__kind"]).label
        row["channel"] = Level.Channel(row["level__channel"]).label
    return {"rows": rows, "count": sum(row["count"] for row in rows), "totals": _totals(rows)}


def _totals(rows: Iterable[dict[str, Any]]) -> list[tuple[str, Decimal]]:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        totals[row["currency"]] += row["amount"]
    return sorted(totals.items())
