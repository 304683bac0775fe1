"""The dunning panel of a customer's page: which step comes when and why, what was sent with its proof, exceptions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from core import clock
from core.rights import has_permission, permission_required
from core.templatetags.format import date_short
from customers.models import Customer
from dunning.gate_facts import exceptions_in_force
from dunning.mail_reads import suppressed_contacts
from dunning.models import Call, Case, Delivery, DunningException, Notice, RunExclusion
from dunning.outlook import ItemOutlook, customer_outlook
from dunning.queues import is_stopped
from dunning.views.tones import CASE_TONES, NOTICE_TONES

NOTICES_SHOWN = 20
ITEMS_SHOWN = 12


@dataclass(frozen=True)
class NextStep:
    """What the panel says of one item."""

    row: ItemOutlook
    tone: str
    words: str
    on: date | None
    detail: str


@require_GET
@permission_required("dunning.view")
def customer_panel(request: HttpRequest, pk: int) -> HttpResponse:
    """The customer page's piece."""
    customer = get_object_or_404(
        Customer.objects.visible_to(request.user).select_related("legal_entity"), pk=pk
    )
    today = clock.today()
    steps = [_step(row) for row in customer_outlook(customer, today)]
    steps.sort(key=lambda step: (step.row.reason is not None, step.on or date.max, step.row.due_date))
    shown = steps if "tout" in request.GET else steps[:ITEMS_SHOWN]
    notices = list(
        Notice.objects.filter(customer=customer)
        .select_related("level", "run")
        .order_by("-pk")[:NOTICES_SHOWN]
    )
    proofs = _proofs(notices)
    for notice in notices:
        notice.tone = NOTICE_TONES[Notice.Status(notice.status)]  # type: ignore[attr-defined]
        notice.proof = proofs.get(notice.pk, "")  # type: ignore[attr-defined]
    cases = list(Case.objects.filter(customer=customer).select_related("agency").order_by("-pk")[:10])
    for case in cases:
        case.tone = CASE_TONES[Case.Status(case.status)]  # type: ignore[attr-defined]
    context = {
        "customer": customer,
        "steps": shown,
        "more_steps": len(steps) - len(shown),
        "next_step": _headline(steps),
        "exceptions": DunningException.objects.filter(exceptions_in_force(today), customer=customer)
        .select_related("item", "created_by")
        .order_by("pk"),
        "is_on_hold": customer.status == Customer.Status.ON_HOLD,
        "is_stopped": is_stopped(customer.legal_entity_id),
        "notices": notices,
        "cases": cases,
        "suppressed": suppressed_contacts(customer),
        "may_except": has_permission(request.user, "dunning.except"),
    }
    template = "dunning/customer_panel.html" if request.htmx else "dunning/customer_panel_page.html"  # type: ignore[attr-defined]
    return render(request, template, context)


def _step(row: ItemOutlook) -> NextStep:
    level = f"{row.level.get_kind_display()}, {row.level.get_channel_display()}" if row.level else ""
    taken = _("étape %(rank)d envoyée le %(day)s") % {
        "rank": row.last_rank,
        "day": date_short(row.last_sent_on),
    }
    taken = taken if row.last_sent_on else ""
    if row.reason is None:
        return NextStep(row, "watch", level, row.on, _("dès la prochaine campagne"))
    if row.reason == RunExclusion.Reason.WAITING:
        return NextStep(row, "neutral", level, row.on, taken)
    if row.reason == RunExclusion.Reason.CONTACT_GAP:
        return NextStep(row, "neutral", level, row.on, _("client contacté il y a trop peu de temps"))
    if row.reason == RunExclusion.Reason.PENDING and row.pending is not None:
        words = f"{row.pending.level.get_kind_display()}, {row.pending.get_status_display().lower()}"
        return NextStep(row, "info", words, None, row.pending.wait_reason or _("la suite attend cet envoi"))
    return NextStep(row, "blocked", str(RunExclusion.Reason(row.reason).label), None, taken)


def _headline(steps: Iterable[NextStep]) -> str:
    """One sentence for the whole customer."""
    steps = list(steps)
    if not steps:
        return _("Rien n’est ouvert sur ce compte : aucune relance ne vient.")
    now = [step for step in steps if step.row.reason is None]
    if now:
        return _("La prochaine campagne propose : %(level)s.") % {"level": now[0].words}
    dated = sorted((step for step in steps if step.on is not None), key=lambda step: step.on or date.max)
    if dated:
        return _("Prochaine étape le %(day)s : %(level)s.") % {
            "day": date_short(dated[0].on),
            "level": dated[0].words,
        }
    return _("Aucune étape ne vient : %(reason)s.") % {
        "reason": steps[0].words[:1].lower() + steps[0].words[1:]
    }


def _proofs(notices: Iterable[Notice]) -> dict[int, str]:
    """What is known of each notice's arrival, from its last attempt or its last call."""
    ids = [notice.pk for notice in notices]
    told: dict[int, str] = {}
    for call in Call.objects.filter(notice__in=ids).order_by("notice_id", "-pk").distinct("notice_id"):
        told[call.notice_id] = f"{call.get_outcome_display()}, {date_short(call.called_at)}"
    for delivery in (
        Delivery.objects.filter(notice__in=ids).order_by("notice_id", "-attempt").distinct("notice_id")
    ):
        told[delivery.notice_id] = _proof(delivery)
    return told


def _proof(delivery: Delivery) -> str:
    parts: list[Any] = []
    if delivery.returned_on:
        parts.append(
            _("revenue le %(day)s (%(reason)s)")
            % {"day": date_short(delivery.returned_on), "reason": delivery.get_return_reason_display()}
        )
    elif delivery.delivered_on:
        parts.append(_("distribuée le %(day)s") % {"day": date_short(delivery.delivered_on)})
    elif delivery.first_presented_on:
        parts.append(_("présentée le %(day)s") % {"day": date_short(delivery.first_presented_on)})
    else:
        parts.append(delivery.get_status_display())
    if delivery.recipient:
        parts.append(delivery.recipient)
    if delivery.tracking_number:
        parts.append(delivery.tracking_number)
    return " · ".join(str(part) for part in parts)
