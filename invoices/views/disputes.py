"""Litiges: their worklist, the page of one, and what is done to it."""

import mimetypes
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import audit, clock
from core.audit_words import told
from core.calendar import add_months
from core.exports import FORMATS, Column, Kind, export_response, export_urls
from core.files_http import file_response
from core.keyset import keyset_page
from core.money import format_amount
from core.rights import has_permission, permission_required, signed_in
from invoices.dispute_reads import delays_by_reason, dispute_totals, visible_disputes
from invoices.dispute_rules import GROUP_LABELS, group_of
from invoices.filters_disputes import DisputeFilter
from invoices.forms_disputes import DisputeChangeForm, DisputeFileForm, DisputeForm, ResolutionForm
from invoices.models import Dispute, DisputeFile
from invoices.operations.disputes import add_dispute_file, change_dispute, open_dispute, resolve_dispute
from invoices.views.action_page import action_page, attempt
from invoices.views.items import visible_item, with_state

# Over how many months the mean time to a resolution is taken.
DELAY_MONTHS = 12
_NEVER = date(9999, 12, 31)
OPEN_ORDER = ("answer_by", "pk")
CLOSED_ORDER = ("-resolved_on", "-pk")


def _is_closed(request: HttpRequest) -> bool:
    return request.GET.get("state") == "closed"


def _order(request: HttpRequest) -> tuple[str, ...]:
    return CLOSED_ORDER if _is_closed(request) else OPEN_ORDER


def _filtered(request: HttpRequest, today: date) -> DisputeFilter:
    """The disputes that the address asks for: the open ones unless it says otherwise."""
    query = request.GET.copy()
    rows = visible_disputes(signed_in(request)).annotate(answer_by=Coalesce(F("deadline"), Value(_NEVER)))
    if not _is_closed(request):
        # What the list shows unless asked otherwise; said by the list itself, so it needs no chip.
        query.pop("state", None)
        rows = rows.filter(resolved_on__isnull=True)
    return DisputeFilter(
        query,
        queryset=rows.select_related("item__customer", "item__legal_entity", "owner"),
        request=request,
        as_of=today,
    )


@require_GET
@permission_required("invoices.view")
def dispute_list(request: HttpRequest) -> HttpResponse:
    """The open disputes by the day they are to be answered, or the resolved ones, the latest first."""
    today = clock.today()
    filterset = _filtered(request, today)
    page = keyset_page(filterset.qs, order=_order(request), cursor=request.GET.get("cursor", ""))
    since = add_months(today, -DELAY_MONTHS)
    context = {
        "filterset": filterset,
        "disputes": _shown(page.rows, today),
        "totals": dispute_totals(filterset.qs),
        "export_urls": export_urls("invoices:dispute-export", request.GET),
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "has_filters": any(request.GET.get(name) for name in filterset.form.fields),
        "delays": delays_by_reason(visible_disputes(signed_in(request)), since=since, today=today),
        "since": since,
    }
    return render(request, "invoices/dispute_list.html", context)


@require_GET
@permission_required("invoices.view")
def dispute_export(request: HttpRequest, file_format: str) -> HttpResponseBase:
    """Every row of the list, in its order. A filter in error is shown at its field, on the page."""
    if file_format not in FORMATS:
        raise Http404
    today = clock.today()
    filterset = _filtered(request, today)
    if filterset.form.errors:
        return HttpResponseRedirect(f"{reverse('invoices:dispute-list')}?{request.GET.urlencode()}")
    return export_response(
        file_format,
        name=f"litiges-{today:%Y-%m-%d}",
        title=_("Litiges"),
        columns=[
            Column(_("Entité"), width=10),
            Column(_("Code client"), width=14),
            Column(_("Client"), width=36),
            Column(_("Pièce"), width=18),
            Column(_("Échéance n°"), Kind.INTEGER),
            Column(_("Motif"), width=28),
            Column(_("Nature du motif"), width=20),
            Column(_("Devise"), width=8),
            Column(_("Contesté à l’ouverture"), Kind.AMOUNT),
            Column(_("Contesté"), Kind.AMOUNT),
            Column(_("Solde de la pièce"), Kind.AMOUNT),
            Column(_("Responsable"), width=24),
            Column(_("Ouvert le"), Kind.DATE),
            Column(_("À traiter avant le"), Kind.DATE),
            Column(_("Retard (jours)"), Kind.INTEGER),
            Column(_("Résolu le"), Kind.DATE),
            Column(_("Issue"), width=24),
            Column(_("Commentaire"), width=40),
        ],
        rows=_cells(filterset.qs.order_by(*_order(request)), today),
    )


def _cells(disputes: "QuerySet[Dispute]", today: date) -> Iterator[list[object]]:
    for dispute in disputes.iterator(chunk_size=2000):
        _shown([dispute], today)
        item = dispute.item
        yield [
            item.legal_entity.code,
            item.customer.account_code,
            item.customer.name,
            item.number,
            item.instalment,
            dispute.get_reason_display(),
            dispute.group_label,  # type: ignore[attr-defined]
            item.currency,
            dispute.amount,
            dispute.contested_amount,
            item.open_amount,
            dispute.owner.full_name if dispute.owner else None,
            dispute.opened_on,
            dispute.deadline,
            dispute.days_late,  # type: ignore[attr-defined]
            dispute.resolved_on,
            dispute.get_resolution_display(),
            dispute.note,
        ]


@require_GET
@permission_required("invoices.view")
def dispute_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One dispute: what is contested, who answers by when, its documents, its history."""
    return _page(request, visible_dispute(request, pk), 200)


@require_http_methods(["GET", "POST"])
@permission_required("invoices.dispute")
def item_dispute(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that the customer contests all or part of the item."""
    item = visible_item(request.user, pk)
    form = DisputeForm(
        request.POST or None,
        customer=item.customer,
        initial={"amount": item.open_amount, "owner": request.user},
    )
    if request.method == "POST" and form.is_valid():
        dispute = attempt(
            form,
            lambda: open_dispute(
                actor=request.user, item_id=pk, today=clock.today(), now=clock.now(), **form.cleaned_data
            ),
        )
        if dispute:
            messages.success(request, _opened(dispute, item.open_amount - dispute.amount, item.currency))
            return redirect("invoices:dispute-detail", pk=dispute.pk)
    explanation = _(
        "La pièce reste entière dans la balance âgée ; seule la part contestée n’est plus relancée jusqu’à la "
        "résolution du litige."
    )
    return action_page(
        request,
        item,
        form=form,
        title=_("Ouvrir un litige"),
        submit=_("Ouvrir le litige"),
        explanation=explanation,
    )


@require_POST
@permission_required("invoices.dispute")
def dispute_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Give it another part, reason, owner, deadline or note."""
    dispute = visible_dispute(request, pk)
    form = DisputeChangeForm(request.POST, dispute=dispute)
    if form.is_valid() and attempt(
        form,
        lambda: change_dispute(
            actor=request.user, dispute_id=pk, today=clock.today(), now=clock.now(), **form.cleaned_data
        ),
    ):
        messages.success(request, _("Litige modifié."))
        return redirect("invoices:dispute-detail", pk=pk)
    return _page(request, dispute, 422, change_form=form)


@require_http_methods(["GET", "POST"])
@permission_required("invoices.dispute")
def dispute_resolve(request: HttpRequest, pk: int) -> HttpResponse:
    """Say how a dispute ended."""
    dispute = visible_dispute(request, pk)
    form = ResolutionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        done = attempt(
            form,
            lambda: resolve_dispute(
                actor=request.user, dispute_id=pk, today=clock.today(), now=clock.now(), **form.cleaned_data
            ),
        )
        if done:
            messages.success(request, _("Litige résolu : la part contestée peut de nouveau être relancée."))
            return redirect("invoices:dispute-detail", pk=pk)
    return _page(request, dispute, 422 if request.method == "POST" else 200, resolution_form=form)


@require_POST
@permission_required("invoices.dispute")
def dispute_file_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Join a document."""
    dispute = visible_dispute(request, pk)
    form = DisputeFileForm(request.POST, request.FILES)
    if form.is_valid():
        upload = form.cleaned_data["file"]
        added = attempt(
            form,
            lambda: add_dispute_file(
                actor=request.user,
                dispute_id=pk,
                content=upload.file,
                name=upload.name,
                # By the name: what a browser claims of a file is not trusted when the file is given back.
                content_type=mimetypes.guess_type(upload.name)[0] or "application/octet-stream",
                now=clock.now(),
            ),
        )
        if added:
            messages.success(request, _("Document joint : %(name)s.") % {"name": added.file.name})
            return redirect("invoices:dispute-detail", pk=pk)
    return _page(request, dispute, 422, file_form=form)


@require_GET
@permission_required("invoices.view")
def dispute_file(request: HttpRequest, pk: int) -> FileResponse:
    """A document of a dispute, for who may see the dispute."""
    files = DisputeFile.objects.filter(dispute__in=visible_disputes(request.user)).select_related("file")
    return file_response(get_object_or_404(files, pk=pk).file, in_place=True)


def visible_dispute(request: HttpRequest, pk: int) -> Dispute:
    """The dispute, or 404 outside the person's scope."""
    disputes: QuerySet[Dispute] = visible_disputes(signed_in(request))
    return get_object_or_404(
        disputes.select_related("item__customer", "item__legal_entity", "item__document", "owner"), pk=pk
    )


def _page(request: HttpRequest, dispute: Dispute, status: int, **forms: Any) -> HttpResponse:
    """The page of a dispute; `forms` are those a refusal is shown on."""
    today = clock.today()
    (dispute,) = _shown([dispute], today)
    may_dispute = has_permission(request.user, "invoices.dispute")
    is_open = dispute.resolved_on is None
    context = {
        "dispute": dispute,
        "item": with_state([dispute.item], today)[0],
        "chased": dispute.item.open_amount - dispute.item.contested_amount,
        "files": dispute.files.select_related("file", "added_by"),
        "events": told(audit.timeline(dispute)[:30]),
        "may_change": may_dispute and is_open,
        "may_add_file": may_dispute,
        "file_form": DisputeFileForm(),
        "resolution_form": ResolutionForm(),
        "change_form": DisputeChangeForm(dispute=dispute) if may_dispute and is_open else None,
        **forms,
    }
    return render(request, "invoices/dispute_detail.html", context, status=status)


def _shown(disputes: list[Dispute], today: date) -> list[Dispute]:
    """Disputes with `group_label`, `days_open`, `days_late` (None without a deadline) and `is_late`."""
    for dispute in disputes:
        end = dispute.resolved_on or today
        late = (end - dispute.deadline).days if dispute.deadline else None
        dispute.group_label = GROUP_LABELS[group_of(dispute.reason)]  # type: ignore[attr-defined]
        dispute.days_open = (end - dispute.opened_on).days  # type: ignore[attr-defined]
        dispute.days_late = late  # type: ignore[attr-defined]
        dispute.is_late = late is not None and late > 0  # type: ignore[attr-defined]
    return disputes


def _opened(dispute: Dispute, rest: Any, currency: str) -> str:
    if rest > 0:
        return _(
            "Litige ouvert : les %(part)s contestés ne seront plus relancés jusqu’à sa résolution ; le reste "
            "(%(rest)s) continue de l’être."
        ) % {"part": format_amount(dispute.amount, currency), "rest": format_amount(rest, currency)}
    return _("Litige ouvert : les %(part)s contestés ne seront plus relancés jusqu’à sa résolution.") % {
        "part": format_amount(dispute.amount, currency)
    }
