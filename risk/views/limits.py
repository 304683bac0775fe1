"""The list of limits with its export, and the reviews that are due."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core import clock
from core.errors import BusinessError
from core.exports import FORMATS, Column, Kind, export_response, export_urls
from core.keyset import chosen_order, keyset_page
from core.rights import has_permission, permission_required, signed_in
from risk.exposure import exposures
from risk.filters_limits import LimitFilter
from risk.forms_limits import KeepForm
from risk.limit_reads import expiring_limits, open_reviews
from risk.limits import visible_limits
from risk.models import CreditLimit, LimitRequest, Score
from risk.operations.limit_reviews import keep_limit
from risk.views.places import subtabs, tabs
from risk.views.tones import class_tone

SORTS = {"customer": "customer__name", "amount": "amount", "from": "valid_from"}


def _rows(request: HttpRequest) -> tuple[LimitFilter, "QuerySet[CreditLimit]"]:
    today = clock.today()
    limits = visible_limits(request.user)  # type: ignore[arg-type]
    if request.GET.get("ended") != "1":
        limits = limits.standing(today)
    filterset = LimitFilter(request.GET, queryset=limits, request=request)
    rows = filterset.qs if filterset.is_valid() else limits.none()
    return filterset, rows.select_related("customer__legal_entity", "decided_by", "request")


@require_GET
@permission_required("risk.view")
def limit_list(request: HttpRequest) -> HttpResponse:
    """Every limit in force, or ever decided, with its use today."""
    today = clock.today()
    filterset, rows = _rows(request)
    page = keyset_page(
        rows,
        order=chosen_order(request.GET.get("sort", ""), SORTS, ("customer__name", "pk")),
        cursor=request.GET.get("cursor", ""),
    )
    customers = list({row.customer_id: row.customer for row in page.rows}.values())
    owed = exposures(customers, today)
    scores = {score.customer_id: score for score in Score.objects.current().filter(customer__in=customers)}
    context = {
        "filterset": filterset,
        "rows": [_row(row, owed[row.customer_id], scores.get(row.customer_id), today) for row in page.rows],
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "exports": export_urls("risk:limit-export", request.GET),
        "tabs": tabs(request, "limits"),
        "subtabs": subtabs(request, "limits"),
    }
    return render(request, "risk/limit_list.html", context, status=200 if filterset.is_valid() else 400)


def _row(limit: CreditLimit, exposure: Any, score: Score | None, today: Any) -> dict[str, Any]:
    is_over = limit.valid_to is not None or (limit.expires_on is not None and limit.expires_on < today)
    days = (limit.expires_on - today).days if limit.expires_on else None
    leads = exposure.limit is not None and exposure.limit.pk == limit.pk
    return {
        "limit": limit,
        "customer": limit.customer,
        "is_ended": is_over,
        "days_left": days,
        "soon": not is_over and days is not None and days <= 30,
        "leads": leads,
        "exposure": exposure,
        "use": exposure.use,
        "score": score,
        "tone": class_tone(score.risk_class) if score else "",
    }


@require_GET
@permission_required("risk.view")
def limit_export(request: HttpRequest, file_format: str) -> HttpResponseBase:
    """The list as a file, whole, in the order of the page."""
    if file_format not in FORMATS:
        raise Http404
    _filterset, rows = _rows(request)
    columns = [
        Column(_("Entité")),
        Column(_("Code client")),
        Column(_("Client"), width=32),
        Column(_("Portée")),
        Column(_("Nature")),
        Column(_("Fondement")),
        Column(_("Plafond"), Kind.AMOUNT),
        Column(_("Devise"), width=8),
        Column(_("Du"), Kind.DATE),
        Column(_("Expire le"), Kind.DATE),
        Column(_("Terminé le"), Kind.DATE),
        Column(_("Motif"), width=40),
        Column(_("Conditions"), width=30),
        Column(_("Décidé par")),
    ]
    order = chosen_order(request.GET.get("sort", ""), SORTS, ("customer__name", "pk"))
    return export_response(
        file_format,
        name=_("plafonds"),
        title=_("Plafonds"),
        columns=columns,
        rows=_exported(rows.order_by(*order)),
    )


def _exported(rows: "QuerySet[CreditLimit]") -> Iterator[list[object]]:
    for row in rows.iterator(chunk_size=1_000):
        yield [
            row.customer.legal_entity.code,
            row.customer.account_code,
            row.customer.name,
            row.get_scope_display(),
            row.get_kind_display(),
            row.get_basis_display(),
            row.amount,
            row.currency,
            row.valid_from,
            row.expires_on,
            row.valid_to,
            row.reason,
            row.conditions,
            str(row.decided_by) if row.decided_by else "Encours",
        ]


@require_GET
@permission_required("risk.view")
def review_list(request: HttpRequest) -> HttpResponse:
    """The limits to look at again, the most urgent first; and those that expire soon."""
    return _reviews(request, KeepForm())


def _reviews(request: HttpRequest, form: KeepForm, faulty: int = 0, status: int = 200) -> HttpResponse:
    today = clock.today()
    asked = LimitRequest.objects.open().filter(customer=OuterRef("customer"))
    rows = (
        open_reviews(request.user, today)
        .annotate(has_request=Exists(asked))
        .select_related("limit", "customer__legal_entity")
    )
    page = keyset_page(rows, order=("due_on", "pk"), cursor=request.GET.get("cursor", ""))
    owed = exposures([row.customer for row in page.rows], today)
    context = {
        "rows": [
            {
                "review": row,
                "late": row.due_on < today,
                "use": owed[row.customer_id].use,
                "exposure": owed[row.customer_id],
            }
            for row in page.rows
        ],
        "expiring_count": expiring_limits(request.user, today).order_by()[:1000].count(),
        "form": form,
        "faulty": faulty,
        "may_decide": has_permission(request.user, "risk.decide_limit"),
        "may_request": has_permission(request.user, "risk.request_limit"),
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "tabs": tabs(request, "limit-reviews"),
        "subtabs": subtabs(request, "limit-reviews"),
    }
    return render(request, "risk/review_list.html", context, status=status)


@require_POST
@permission_required("risk.decide_limit")
def review_keep(request: HttpRequest, pk: int) -> HttpResponse:
    """Close a review: the limit stays."""
    form = KeepForm(request.POST)
    if form.is_valid():
        try:
            keep_limit(
                actor=signed_in(request), review_id=pk, note=form.cleaned_data["note"], now=clock.now()
            )
        except BusinessError as error:
            messages.error(request, str(error))
            return redirect("risk:review-list")
        messages.success(request, _("Plafond maintenu jusqu’à son terme."))
        return redirect("risk:review-list")
    return _reviews(request, form, pk, 422)
