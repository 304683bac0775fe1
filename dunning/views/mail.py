"""Addresses that are not written to, and what mail systems told us of our messages."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.errors import BusinessError
from core.keyset import keyset_page
from core.rights import has_permission, permission_required
from dunning.delivery_story import answer_of
from dunning.filters_mail import MailEventFilter, SuppressionFilter
from dunning.forms_mail import LiftForm, SuppressionForm
from dunning.mail_reads import (
    customers_by_address,
    suppression_of,
    visible_mail_events,
    visible_suppressions,
)
from dunning.models import MailEvent, SuppressedAddress
from dunning.operations.suppressions import lift_suppression, suppress_address
from dunning.views.places import tabs

PAGE_SIZE = 50
EVENT_TONES = {
    MailEvent.Kind.HARD_BOUNCE: "late",
    MailEvent.Kind.SOFT_BOUNCE: "watch",
    MailEvent.Kind.COMPLAINT: "blocked",
    MailEvent.Kind.DELAYED: "neutral",
    MailEvent.Kind.DELIVERED: "ok",
}
SUPPRESSION_TONES = {
    SuppressedAddress.Reason.HARD_BOUNCE: "late",
    SuppressedAddress.Reason.SOFT_BOUNCES: "watch",
    SuppressedAddress.Reason.COMPLAINT: "blocked",
    SuppressedAddress.Reason.PERSON: "neutral",
}


@require_GET
@permission_required("dunning.view")
def suppression_list(request: HttpRequest) -> HttpResponse:
    """The addresses that are not written to, the latest first."""
    return _suppressions(request, SuppressionForm(), 200)


def _suppressions(request: HttpRequest, form: SuppressionForm, status: int) -> HttpResponse:
    visible = visible_suppressions(request.user)
    filterset = SuppressionFilter(request.GET, queryset=visible, request=request)
    if not filterset.is_valid():
        status = 400
    page = keyset_page(
        filterset.qs if filterset.is_valid() else visible.none(),
        order=("-pk",),
        cursor=request.GET.get("cursor", ""),
        size=PAGE_SIZE,
    )
    customers = customers_by_address(request.user, {row.address for row in page.rows})
    for row in page.rows:
        row.customers = customers.get(row.address, [])
        row.tone = SUPPRESSION_TONES[SuppressedAddress.Reason(row.reason)]
        row.popover = f"lever-{row.pk}"
    context = {
        "rows": page.rows,
        "filterset": filterset,
        "form": form,
        "tabs": tabs(request, "addresses"),
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "shows_lifted": bool(request.GET.get("state")),
        "may_suppress": has_permission(request.user, "dunning.suppress"),
    }
    return render(request, "dunning/suppression_list.html", context, status=status)


@require_POST
@permission_required("dunning.suppress")
def suppression_add(request: HttpRequest) -> HttpResponse:
    """Set an address aside."""
    form = SuppressionForm(request.POST)
    if form.is_valid():
        try:
            row = suppress_address(actor=request.user, now=clock.now(), **form.cleaned_data)
        except BusinessError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            messages.success(
                request, _("« %(address)s » est écartée : plus rien n’y part.") % {"address": row.address}
            )
            return redirect("dunning:suppression-list")
    return _suppressions(request, form, 400)


@require_POST
@permission_required("dunning.suppress")
def suppression_lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Write to an address again."""
    row = get_object_or_404(visible_suppressions(request.user), pk=pk)
    form = LiftForm(request.POST)
    try:
        reason = form.cleaned_data["reason"] if form.is_valid() else ""
        lift_suppression(actor=request.user, suppression=row, reason=reason, now=clock.now())
    except BusinessError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            _("« %(address)s » peut de nouveau recevoir des relances. Renvoyez celles qui ont échoué.")
            % {"address": row.address},
        )
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = reverse("dunning:suppression-list")
    return HttpResponseRedirect(target)


@require_GET
@permission_required("dunning.view")
def mail_event_list(request: HttpRequest) -> HttpResponse:
    """What mail systems told us, the latest first; those of unknown messages among them."""
    visible = visible_mail_events(request.user)
    filterset = MailEventFilter(request.GET, queryset=visible, request=request)
    page = keyset_page(
        filterset.qs if filterset.is_valid() else visible.none(),
        order=("-pk",),
        cursor=request.GET.get("cursor", ""),
        size=PAGE_SIZE,
    )
    for row in page.rows:
        row.tone = EVENT_TONES[MailEvent.Kind(row.kind)]
        row.answer = answer_of(row)
    context = {
        "rows": page.rows,
        "filterset": filterset,
        "tabs": tabs(request, "mail-events"),
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
    }
    return render(
        request, "dunning/mail_event_list.html", context, status=200 if filterset.is_valid() else 400
    )


@require_http_methods(["GET", "HEAD"])
@permission_required("dunning.view")
def address_check(request: HttpRequest) -> HttpResponse:
    """For the form of a contact: a word of warning when the address that is being typed is not written to."""
    found = suppression_of(request.GET.get("email", "")[:254].replace("\x00", ""))
    return render(request, "dunning/address_warning.html", {"suppressed": [found] if found else []})
