"""What late payment costs on an item, and what of it is given up."""

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from core import clock
from core.keyset import keyset_page
from core.legal import register
from core.legal_register import MissingLegalParameter, Register
from core.money import format_count
from core.rights import has_permission, permission_required, signed_in
from dunning.fee_statements import FeeStatement, fee_statements
from dunning.fee_waivers import is_allowed
from dunning.forms_law import WaiverForm, WaiverRevocationForm
from dunning.gate_facts import exceptions_in_force
from dunning.law_words import REGIME_LABELS, alert_tone
from dunning.letter_context import rate_basis
from dunning.letters.wording import WORDING
from dunning.limitation_reads import limitations
from dunning.models import DunningException, FeeWaiver, Notice, NoticeLine
from dunning.operations.waivers import revoke_waiver, waive_fees, waive_notice_fees
from dunning.views.law_pages import act_page, visible_claim
from dunning.views.places import tabs
from dunning.views.tones import NOTICE_TONES
from invoices.late_fee_rules import REASON_LABELS
from invoices.models import OpenItem

STEPS_SHOWN = 10


@require_GET
@permission_required("dunning.view")
def item_law(request: HttpRequest, pk: int) -> HttpResponse:
    """The panel of an item's page: its steps and exceptions, what its lateness costs, until when it may be claimed."""
    item, today, legal = visible_claim(request, pk), clock.today(), register()
    statement, missing = _statement(item, legal)
    limitation = limitations([item], legal)[item.pk]
    dates = limitation.limitation
    months = dates.months_left(today, _alert_months(legal)) if dates and item.open_amount else None
    waiver = FeeWaiver.objects.filter(item=item, revoked_on__isnull=True).select_related("granted_by").first()
    pending = ("COURT_CLAIM", "CLAIM_DECLARED", "MEDIATION")
    context = {
        "item": item,
        "today": today,
        "statement": statement,
        "missing": missing,
        "basis": _basis(statement),
        "reasons": [REASON_LABELS[reason] for reason in statement.fees.reasons] if statement else [],
        "waiver": waiver,
        "waiver_allowed": _waivers_allowed(legal),
        "dates": dates,
        "limitation_missing": limitation.missing,
        "regime": REGIME_LABELS[dates.period.regime] if dates else "",
        "is_barred": bool(dates and item.open_amount and dates.is_barred(today)),
        "alert": months,
        "alert_tone": alert_tone(months),
        "events": [(event, event.kind in pending and event.ended_on is None) for event in limitation.events],
        "steps": _steps(item),
        "exceptions": DunningException.objects.filter(exceptions_in_force(today), customer=item.customer_id)
        .filter(Q(item=None) | Q(item=item))
        .order_by("pk"),
        "may_except": has_permission(request.user, "dunning.except"),
        "may_waive": has_permission(request.user, "dunning.waive"),
        "may_record": has_permission(request.user, "dunning.record_limitation"),
    }
    part = "item_law.html" if request.htmx else "item_law_page.html"  # type: ignore[attr-defined]
    response = render(request, f"dunning/{part}", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _steps(item: OpenItem) -> list[NoticeLine]:
    """The relances that named the item, the latest first."""
    lines = NoticeLine.objects.filter(item=item, rank__gt=0).select_related("notice__level")
    steps = list(lines.order_by("-notice_id")[:STEPS_SHOWN])
    for line in steps:
        line.tone = NOTICE_TONES[Notice.Status(line.notice.status)]  # type: ignore[attr-defined]
    return steps


def _statement(item: OpenItem, legal: Register) -> tuple[FeeStatement | None, str]:
    try:
        return fee_statements([item], as_of=clock.today(), legal=legal)[item.pk], ""
    except MissingLegalParameter as error:
        return None, str(error)


def _alert_months(legal: Register) -> list[int]:
    try:
        return [int(text) for text in legal.parameter("limitation.alert_months", clock.today()).value.split()]
    except MissingLegalParameter:
        return []


def _waivers_allowed(legal: Register) -> bool:
    try:
        return is_allowed(legal, clock.today())
    except MissingLegalParameter:
        return False


def _basis(statement: FeeStatement | None) -> str:
    language = (get_language() or "fr")[:2]
    return rate_basis(statement.rule, language if language in WORDING else "fr") if statement else ""


@require_GET
@permission_required("dunning.view")
def waiver_list(request: HttpRequest) -> HttpResponse:
    """The waivers, the latest first: what was given up, by whom, why."""
    waivers = FeeWaiver.objects.filter(item__in=OpenItem.objects.visible_to(request.user)).select_related(
        "item__customer", "granted_by", "revoked_by"
    )
    page = keyset_page(waivers, order=("-pk",), cursor=request.GET.get("cursor", ""))
    context = {
        "waivers": page.rows,
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "waiver_allowed": _waivers_allowed(register()),
        "may_waive": has_permission(request.user, "dunning.waive"),
        "tabs": tabs(request, "waivers"),
    }
    return render(request, "dunning/waiver_list.html", context)


@require_http_methods(["GET", "POST"])
@permission_required("dunning.waive")
def waiver_create(request: HttpRequest, pk: int) -> HttpResponse:
    """Give up the interest, the indemnity or both of one item."""
    item = visible_claim(request, pk)
    form = WaiverForm(request.POST or None, initial={"part": FeeWaiver.Part.BOTH})

    def act() -> str:
        waive_fees(
            actor=signed_in(request),
            item_ids=[item.pk],
            today=clock.today(),
            now=clock.now(),
            **form.cleaned_data,
        )
        return _("Remise accordée sur la pièce %(number)s.") % {"number": item.number}

    return act_page(
        request,
        form,
        act,
        title=_("Remettre des pénalités"),
        subtitle=f"{item.customer.name} · {item.number}",
        submit=_("Accorder la remise"),
        back=reverse("invoices:item-detail", args=[item.pk]),
        explanation=_(
            "La remise vaut dès aujourd’hui et pour l’avenir, quel que soit le montant. Les relances qui ne sont pas "
            "parties et réclament ce qui est remis sont retenues : la prochaine campagne les propose sans."
        ),
    )


@require_http_methods(["GET", "POST"])
@permission_required("dunning.waive")
def notice_waive(request: HttpRequest, pk: int) -> HttpResponse:
    """Give up what a relance claims besides the principal."""
    notice = get_object_or_404(Notice.objects.visible_to(request.user).select_related("customer"), pk=pk)
    form = WaiverForm(request.POST or None, initial={"part": FeeWaiver.Part.BOTH})

    def act() -> str:
        count = len(
            waive_notice_fees(
                actor=signed_in(request),
                notice_id=notice.pk,
                today=clock.today(),
                now=clock.now(),
                **form.cleaned_data,
            )
        )
        return ngettext(
            "Remise accordée sur %(count)s pièce.", "Remise accordée sur %(count)s pièces.", count
        ) % {"count": format_count(count)}

    return act_page(
        request,
        form,
        act,
        title=_("Remettre des pénalités"),
        subtitle=f"{notice.customer.name} · {notice}",
        submit=_("Accorder la remise"),
        back=reverse("dunning:notice-detail", args=[notice.pk]),
        explanation=_("La remise porte sur chaque pièce de cette relance qui réclame ce que vous remettez."),
    )


@require_http_methods(["GET", "POST"])
@permission_required("dunning.waive")
def waiver_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Claim again what was given up."""
    visible = FeeWaiver.objects.filter(item__in=OpenItem.objects.visible_to(request.user))
    waiver = get_object_or_404(visible.select_related("item__customer"), pk=pk)
    form = WaiverRevocationForm(request.POST or None)

    def act() -> str:
        revoke_waiver(
            actor=signed_in(request), waiver_id=pk, today=clock.today(), now=clock.now(), **form.cleaned_data
        )
        return _("Remise retirée : ces sommes sont de nouveau réclamées.")

    return act_page(
        request,
        form,
        act,
        title=_("Retirer la remise"),
        subtitle=f"{waiver.item.customer.name} · {waiver.item.number}",
        submit=_("Retirer la remise"),
        back=reverse("invoices:item-detail", args=[waiver.item_id]),
        danger=True,
    )
