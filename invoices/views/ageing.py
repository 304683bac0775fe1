"""The balance âgée: the page, and its exports."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from core import clock
from core.exports import FORMATS, Column, Kind, export_response
from core.keyset import PARAMETER
from core.rights import has_permission, permission_required
from core.templatetags.format import DASH, amount, amount_round, percent
from customers.models import LegalEntity
from invoices.ageing import DEFAULT_SORT, AgeingPage, AgeingRow, AgeingTotals, ageing, ageing_rows_of_all
from invoices.ageing_buckets import Basis, Credits, Scheme
from invoices.filters_ageing import AgeingFilter

OLDEST_TONE = 5


@require_GET
@permission_required("invoices.view_ageing")
def ageing_page(request: HttpRequest) -> HttpResponse:
    """Who owes what since when: totals per currency, and customers by cursor."""
    today = clock.today()
    filterset = AgeingFilter(request.GET, request=request)
    asked = filterset.read(today)
    # The field shows the day that the page is about, chosen or not.
    filterset.form.fields["as_of"].initial = asked["as_of"]
    page = ageing(
        actor=request.user,
        sort=request.GET.get("sort", DEFAULT_SORT),
        cursor=request.GET.get(PARAMETER, ""),
        **asked,
    )
    items = _ItemLinks(page, today) if has_permission(request.user, "invoices.view") else None
    codes = _entity_codes(request)
    context = {
        "filterset": filterset,
        "page": page,
        # The currency of the most customers is drawn; another is, once it is chosen.
        "sections": [
            _section(request.GET, totals, page, with_chart=index == 0)
            for index, totals in enumerate(page.totals)
        ],
        "rows": [_row_shown(row, page, items, codes) for row in page.rows],
        "bucket_heads": [
            {"label": label, "sort": f"bucket_{index}"} for index, label in enumerate(page.bucket_labels)
        ],
        "is_narrowed": asked["filters"].narrows or asked["legal_entity"] is not None,
        "is_future": page.as_of > today,
        "shows_credits": page.scheme.credits == Credits.APART,
        "may_import": has_permission(request.user, "invoices.import"),
        "export_urls": {name: _export_url(request.GET, name) for name in FORMATS},
        "next_url": _page_url(request.GET, page.next_cursor),
        "previous_url": _page_url(request.GET, page.previous_cursor),
    }
    return render(request, "invoices/ageing.html", context)


@require_GET
@permission_required("invoices.view_ageing")
def ageing_export(request: HttpRequest, file_format: str) -> HttpResponseBase:
    """Every row of what the page shows. A filter in error is shown at its field, on the page."""
    if file_format not in FORMATS:
        raise Http404
    filterset = AgeingFilter(request.GET, request=request)
    asked = filterset.read(clock.today())
    if filterset.form.errors:
        return HttpResponseRedirect(f"{reverse('invoices:ageing')}?{request.GET.urlencode()}")
    scheme, as_of = asked["scheme"], asked["as_of"]
    entities = dict(LegalEntity.objects.visible_to(request.user).values_list("pk", "code"))
    rows = ageing_rows_of_all(actor=request.user, sort=request.GET.get("sort", DEFAULT_SORT), **asked)
    return export_response(
        file_format,
        name=f"balance-agee-{as_of:%Y-%m-%d}",
        title=_("Balance âgée %(day)s") % {"day": f"{as_of:%d-%m-%Y}"},
        columns=_columns(scheme),
        rows=_cells(rows, scheme, entities),
    )


def _columns(scheme: Scheme) -> list[Column]:
    amounts = [*scheme.labels(), _("Total"), _("Échu"), _("En litige")]
    if scheme.credits == Credits.APART:
        amounts.insert(scheme.size, _("Avoirs et règlements"))
    return [
        Column(_("Entité"), width=10),
        Column(_("Code client"), width=14),
        Column(_("Client"), width=36),
        Column(_("Devise"), width=8),
        *(Column(label, Kind.AMOUNT) for label in amounts),
        Column(_("Plus ancienne échéance"), Kind.DATE),
    ]


def _cells(rows: Iterator[AgeingRow], scheme: Scheme, entities: dict[int, str]) -> Iterator[list[object]]:
    for row in rows:
        yield [
            entities.get(row.legal_entity_id, ""),
            row.account_code,
            row.customer_name,
            row.currency,
            *row.buckets,
            *([row.credits] if scheme.credits == Credits.APART else []),
            row.total,
            row.overdue,
            row.disputed,
            row.oldest_due_date,
        ]


class _ItemLinks:
    """Addresses of the items behind a figure: they are listed as they are today, in the house's buckets."""

    def __init__(self, page: AgeingPage, today: date) -> None:
        self.are_given = page.as_of == today and page.scheme.is_stored
        self.url = reverse("invoices:item-list")

    def of(self, row: AgeingRow, **filters: str) -> str:
        if not self.are_given:
            return ""
        query = QueryDict(mutable=True)
        query.update({"customer": str(row.customer_id), "currency": row.currency, **filters})
        return f"{self.url}?{query.urlencode()}"


def _row_shown(
    row: AgeingRow, page: AgeingPage, items: _ItemLinks | None, codes: dict[int, str]
) -> dict[str, Any]:
    """A row with the address behind each of its amounts, empty where there is none."""

    def url(**filters: str) -> str:
        return items.of(row, **filters) if items else ""

    return {
        "row": row,
        "entity_code": codes.get(row.legal_entity_id, ""),
        "cells": [
            {"amount": value, "url": url(bucket=str(index)) if value else ""}
            for index, value in enumerate(row.buckets)
        ],
        "credits_url": url(state="unmatched") if row.credits else "",
        "disputed_url": url(state="disputed") if row.disputed else "",
        "total_url": url(state="open"),
        "bar": list(zip(page.bucket_labels, row.buckets, strict=True)),
    }


def _section(query: QueryDict, totals: AgeingTotals, page: AgeingPage, with_chart: bool) -> dict[str, Any]:
    """A currency's figures, its chart and the table beside it."""
    labels = page.bucket_labels
    owed = sum(totals.buckets, Decimal(0))
    marks = [
        {
            "label": label,
            "amount": value,
            "share": value / owed if owed > 0 else None,
            "tone": f"age-{min(index, OLDEST_TONE)}",
            "url": _narrowed_url(query, totals.currency, bucket=str(index)),
        }
        for index, (label, value) in enumerate(zip(labels, totals.buckets, strict=True))
    ]
    if page.scheme.credits == Credits.APART:
        marks.append(
            {
                "label": _("Avoirs, règl."),
                "amount": totals.credits,
                "share": None,
                "tone": "age-credit",
                "url": _narrowed_url(query, totals.currency, sort="credits"),
            }
        )
    return {
        "totals": totals,
        "owed": owed,
        "marks": marks,
        "difference": totals.total - totals.sub_ledger,
        "books_note": _("égal à la balance") if totals.is_reconciled else _("différent de la balance"),
        "books_tone": "" if totals.is_reconciled else "blocked",
        "disputed_shown": _round_or_dash(totals.disputed, totals.currency),
        "credits_shown": _round_or_dash(totals.credits, totals.currency),
        "tone": "late" if totals.overdue > 0 else "ok",
        "chart_title": _chart_title(totals),
        "chart_unit": _("en %(currency)s, selon l’ancienneté depuis %(basis)s")
        % {
            "currency": totals.currency,
            "basis": _("la facture") if page.scheme.basis == Basis.ISSUE else _("l’échéance"),
        },
        "chart": _chart(totals, marks) if with_chart else None,
    }


def _chart(totals: AgeingTotals, marks: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "kind": "bar",
        "categories": [mark["label"] for mark in marks],
        "series": [
            {
                "name": totals.currency,
                "values": [str(mark["amount"]) for mark in marks],
                "texts": [amount(mark["amount"], totals.currency) for mark in marks],
                "tones": [mark["tone"] for mark in marks],
                "urls": [mark["url"] for mark in marks],
            }
        ],
    }


def _round_or_dash(value: Decimal, currency: str) -> str:
    return amount_round(value, currency) if value else DASH


def _chart_title(totals: AgeingTotals) -> str:
    if totals.overdue == 0:
        return _("Rien n’est échu : tout l’encours est à venir")
    if totals.overdue_share is None:
        return _("%(amount)s sont échus") % {"amount": amount(totals.overdue, totals.currency)}
    return _("%(share)s de l’encours est échu") % {"share": percent(totals.overdue_share)}


def _narrowed_url(query: QueryDict, currency: str, **changes: str) -> str:
    """This page, narrowed to the rows behind a mark."""
    narrowed = query.copy()
    narrowed.pop(PARAMETER, None)
    for name, value in {"currency": currency, **changes}.items():
        narrowed[name] = value
    return f"{reverse('invoices:ageing')}?{narrowed.urlencode()}"


def _page_url(query: QueryDict, cursor: str) -> str:
    if not cursor:
        return ""
    changed = query.copy()
    changed[PARAMETER] = cursor
    return f"?{changed.urlencode()}"


def _export_url(query: QueryDict, file_format: str) -> str:
    kept = query.copy()
    kept.pop(PARAMETER, None)
    url = reverse("invoices:ageing-export", args=[file_format])
    return f"{url}?{kept.urlencode()}" if kept else url


def _entity_codes(request: HttpRequest) -> dict[int, str]:
    """The codes of the entities in view, when there are several: a customer's code is unique within one."""
    codes = dict(LegalEntity.objects.visible_to(request.user).values_list("pk", "code"))
    return codes if len(codes) > 1 else {}
