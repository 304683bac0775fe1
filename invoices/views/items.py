"""The list of items, the page of one, and a customer's account as a panel of his page."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from core import audit, clock
from core.audit_words import told
from core.exports import FORMATS, Column, Kind, export_response, export_urls
from core.files_http import file_response
from core.keyset import chosen_order, keyset_page
from core.models import User
from core.rights import has_permission, permission_required
from customers.models import Customer
from invoices.accounts import account_figures
from invoices.filters import ItemFilter
from invoices.item_states import days_late, shown, state_of
from invoices.models import Allocation, OpenItem

SORTS = {
    "due_date": "due_date",
    "issue_date": "issue_date",
    "number": "number",
    "customer": "customer__name",
    "open_amount": "open_amount",
    "total_amount": "total_amount",
}
DEFAULT_ORDER = ("due_date", "pk")
# Settled items add up over the years: unless narrowed, they are shown as they were posted, the latest first.
WHOLE_ORDER = ("-pk",)
NARROWING = ("customer", "q", "number")
# The total of a filter is added up only when this bounds the work.
MOST_SUMMED = 10_000
MOST_IN_PANEL = 100
PROMISE_TONES = {
    "OPEN": "info",
    "KEPT": "ok",
    "PARTLY_KEPT": "watch",
    "BROKEN": "late",
    "WITHDRAWN": "neutral",
}


def visible_item(user: User, pk: int) -> OpenItem:
    """The item, or 404 outside the person's scope."""
    items = OpenItem.objects.visible_to(user).select_related("customer", "legal_entity", "document")
    return get_object_or_404(items, pk=pk)


def with_state(items: "list[OpenItem]", today: date) -> "list[OpenItem]":
    """Items with `shown` (state in words) and `days_late`, for templates."""
    for item in items:
        item.shown = shown(  # type: ignore[attr-defined]
            state_of(
                open_amount=item.open_amount,
                disputed_amount=item.disputed_amount,
                due_date=item.due_date,
                as_of=today,
            )
        )
        item.days_late = days_late(item.open_amount, item.due_date, today)  # type: ignore[attr-defined]
    return items


def _filtered(request: HttpRequest, today: date) -> ItemFilter:
    """The items that the address asks for: the open ones unless it names a state."""
    items = OpenItem.objects.visible_to(request.user).select_related("customer", "legal_entity")
    query = request.GET.copy()
    if query.get("state", "open") in ("", "open"):
        # What a list of items shows unless asked otherwise; said by the filter itself, so it needs no chip.
        query.pop("state", None)
        items = items.open()
    return ItemFilter(query, queryset=items, request=request, as_of=today)


def _is_sortable(request: HttpRequest) -> bool:
    """Whether the rows are few enough to be put in any order: open ones, or a customer's, or a number's."""
    is_whole = request.GET.get("state") in ("all", "settled")
    return not is_whole or any(request.GET.get(name, "").strip() for name in NARROWING)


def _order(request: HttpRequest) -> tuple[str, ...]:
    if not _is_sortable(request):
        return WHOLE_ORDER
    return chosen_order(request.GET.get("sort", ""), SORTS, DEFAULT_ORDER)


@require_GET
@permission_required("invoices.view")
def item_list(request: HttpRequest) -> HttpResponse:
    """All items in one's scope, by due date unless asked otherwise; `?piece=` opens the panel."""
    today = clock.today()
    filterset = _filtered(request, today)
    page = keyset_page(
        filterset.qs,
        order=_order(request),
        cursor=request.GET.get("cursor", ""),
    )
    rows = with_state(page.rows, today)
    without_panel = request.GET.copy()
    without_panel.pop("piece", None)
    context = {
        "filterset": filterset,
        "items": rows,
        "page_totals": _totals_of(rows),
        "filter_totals": _totals(filterset.qs) if page.next_cursor or page.previous_cursor else None,
        "next_url": page.next_url(without_panel),
        "previous_url": page.previous_url(without_panel),
        "is_sortable": _is_sortable(request),
        "cursor": request.GET.get("cursor"),
        "export_urls": export_urls("invoices:item-export", request.GET),
        "has_filters": any(request.GET.get(name) for name in filterset.form.fields),
        "chosen": _chosen(request, today),
        "may_import": has_permission(request.user, "invoices.import"),
        **_rights(request.user),
    }
    return render(request, "invoices/item_list.html", context)


@require_GET
@permission_required("invoices.view")
def item_export(request: HttpRequest, file_format: str) -> HttpResponseBase:
    """Every row of the list, in its order. A filter in error is shown at its field, on the page."""
    if file_format not in FORMATS:
        raise Http404
    today = clock.today()
    filterset = _filtered(request, today)
    if filterset.form.errors:
        return HttpResponseRedirect(f"{reverse('invoices:item-list')}?{request.GET.urlencode()}")
    rows = filterset.qs.order_by(*_order(request))
    return export_response(
        file_format,
        name=f"pieces-{today:%Y-%m-%d}",
        title=_("Pièces"),
        columns=[
            Column(_("Entité"), width=10),
            Column(_("Code client"), width=14),
            Column(_("Client"), width=36),
            Column(_("Numéro"), width=18),
            Column(_("Échéance n°"), Kind.INTEGER),
            Column(_("Nature"), width=16),
            Column(_("Émise le"), Kind.DATE),
            Column(_("Échéance"), Kind.DATE),
            Column(_("Retard (jours)"), Kind.INTEGER),
            Column(_("Devise"), width=8),
            Column(_("Montant TTC"), Kind.AMOUNT),
            Column(_("Solde"), Kind.AMOUNT),
            Column(_("En litige"), Kind.AMOUNT),
            Column(_("État"), width=16),
            Column(_("Référence client"), width=20),
        ],
        rows=_cells(rows, today),
    )


def _cells(items: "QuerySet[OpenItem]", today: date) -> Iterator[list[object]]:
    for item in items.iterator(chunk_size=2000):
        (row,) = with_state([item], today)
        yield [
            row.legal_entity.code,
            row.customer.account_code,
            row.customer.name,
            row.number,
            row.instalment,
            row.get_kind_display(),
            row.issue_date,
            row.due_date,
            row.days_late,
            row.currency,
            row.total_amount,
            row.open_amount,
            row.contested_amount,
            row.shown.label,
            row.reference,
        ]


@require_GET
@permission_required("invoices.view")
def item_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One item: its facts, what settles it, disputes, promises, history."""
    today = clock.today()
    item = with_state([visible_item(request.user, pk)], today)[0]
    return render(request, "invoices/item_detail.html", _item_context(request.user, item))


@require_GET
@permission_required("invoices.view")
def item_document(request: HttpRequest, pk: int) -> FileResponse:
    """The document of an item, for who may see the item."""
    item = visible_item(request.user, pk)
    if item.document is None:
        raise Http404
    return file_response(item.document, in_place=True)


@require_GET
@permission_required("invoices.view")
def customer_panel(request: HttpRequest, pk: int) -> HttpResponse:
    """A customer's account: balance, ageing, open items, what is not matched, latest matching."""
    today = clock.today()
    customer = get_object_or_404(
        Customer.objects.visible_to(request.user).select_related("legal_entity"), pk=pk
    )
    open_items = OpenItem.objects.filter(customer=customer).open().order_by("due_date", "id")
    debits = list(open_items.filter(open_amount__gt=0)[: MOST_IN_PANEL + 1])
    credits = list(open_items.filter(open_amount__lt=0)[: MOST_IN_PANEL + 1])
    allocations = (
        Allocation.objects.filter(debit__customer=customer)
        .select_related("debit", "credit")
        .order_by("-allocated_on", "-id")[:10]
    )
    context = {
        "customer": customer,
        "accounts": account_figures([customer.pk], today).get(customer.pk, []),
        "debits": with_state(debits[:MOST_IN_PANEL], today),
        "credits": with_state(credits[:MOST_IN_PANEL], today),
        "more_debits": len(debits) > MOST_IN_PANEL,
        "allocations": list(allocations),
        "all_url": f"{reverse('invoices:item-list')}?customer={customer.pk}&state=all",
        **_rights(request.user),
    }
    part = "customer_account.html" if request.htmx else "customer_account_page.html"
    response = render(request, f"invoices/{part}", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _rights(user: User) -> dict[str, bool]:
    return {
        "may_allocate": has_permission(user, "invoices.allocate"),
        "may_dispute": has_permission(user, "invoices.dispute"),
        "may_promise": has_permission(user, "invoices.promise"),
    }


def _item_context(user: User, item: OpenItem) -> dict[str, Any]:
    side = "credit" if item.total_amount < 0 else "debit"
    other = "debit" if side == "credit" else "credit"
    allocations = list(
        Allocation.objects.filter(**{side: item})
        .select_related("debit", "credit")
        .order_by("-allocated_on", "-id")[:200]
    )
    for allocation in allocations:
        allocation.counterpart = getattr(allocation, other)  # type: ignore[attr-defined]
    disputes = list(item.disputes.select_related("owner"))
    promises = list(item.promises.order_by("-made_on", "-id"))
    for promise in promises:
        promise.tone = PROMISE_TONES[promise.status]  # type: ignore[attr-defined]
    return {
        "item": item,
        "allocations": allocations,
        "disputes": disputes,
        "promises": promises,
        "open_dispute": next((found for found in disputes if found.resolved_on is None), None),
        "open_promise": next((found for found in promises if found.status == "OPEN"), None),
        "events": told(audit.timeline(item)[:30]),
        "may_see_customer": has_permission(user, "customers.view"),
        **_rights(user),
    }


def _chosen(request: HttpRequest, today: date) -> dict[str, Any] | None:
    """What the right panel shows; nothing for an unknown item or one out of scope."""
    asked = request.GET.get("piece", "")
    if not (asked.isascii() and asked.isdigit() and len(asked) < 19):
        return None
    item = (
        OpenItem.objects.visible_to(request.user)
        .select_related("customer", "legal_entity", "document")
        .filter(pk=int(asked))
        .first()
    )
    return _item_context(request.user, with_state([item], today)[0]) if item else None


def _totals_of(items: "list[OpenItem]") -> list[dict[str, Any]]:
    """Totals per currency of the rows shown; currencies are never added."""
    totals: dict[str, dict[str, Any]] = {}
    for item in items:
        total = totals.setdefault(
            item.currency, {"currency": item.currency, "total": Decimal(0), "open": Decimal(0), "count": 0}
        )
        total["total"] += item.total_amount
        total["open"] += item.open_amount
        total["count"] += 1
    return sorted(totals.values(), key=lambda total: total["currency"])


def _totals(items: "QuerySet[OpenItem]") -> list[dict[str, Any]] | None:
    """Totals per currency of a whole filter; None when it holds more rows than are worth adding for a page."""
    bounded = OpenItem.objects.filter(pk__in=items.order_by().values("pk")[: MOST_SUMMED + 1])
    rows = list(
        bounded.values("currency")
        .annotate(total=Sum("total_amount"), open=Sum("open_amount"), count=Count("pk"))
        .order_by("currency")
    )
    return rows if sum(row["count"] for row in rows) <= MOST_SUMMED else None
