"""Several lines at once: accept what is certain, set aside what concerns nobody; and refunds by a debit line."""

from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.db import transaction
from django.db.models import Exists
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from core import clock
from core.errors import BusinessError
from core.rights import permission_required
from invoices.cash_board import proposals_of
from invoices.filters_cash import certain, open_proposals
from invoices.models import BankLine, CashApplication
from invoices.operations.cash import ApplicationPart, CashRefused, accept_proposal, set_line_aside
from invoices.operations.credits import confirm_refund, refund_credit
from invoices.views import cash

# Each line is a transaction that a person waits for.
MOST = 100


@dataclass(frozen=True)
class Planned:
    """A line and the proposal that would be accepted; none: nothing would happen to it."""

    line: BankLine
    found: object | None


@require_GET
@permission_required("invoices.apply_cash")
def cash_certain(request: HttpRequest) -> HttpResponse:
    """The certain proposals among the filtered lines, before they are accepted."""
    lines = (
        cash.filtered_lines(request, request.GET)
        .filter(Exists(certain(open_proposals())), status=BankLine.Status.OPEN, amount__gt=0)
        .order_by(*cash.ORDER)[: MOST + 1]
    )
    return _preview(request, list(lines), request.GET.urlencode(), only_certain=True)


@require_POST
@permission_required("invoices.apply_cash")
def cash_bulk(request: HttpRequest) -> HttpResponse:
    """What the ticked lines would become, then, once confirmed, what they became."""
    ids = [cash.number_of(text) for text in request.POST.getlist("line")[:MOST]]
    lines = BankLine.objects.visible_to(request.user).select_related("bank_account__legal_entity")
    chosen = list(lines.filter(pk__in=ids, status=BankLine.Status.OPEN).order_by(*cash.ORDER))
    query = request.POST.get("query", "")[:2000]
    if request.POST.get("action") == "aside":
        return _aside(request, chosen, query)
    if "confirmed" not in request.POST:
        return _preview(request, chosen, query)
    done, refused = 0, []
    for line, proposal in zip(chosen, _asked(request, chosen), strict=True):
        try:
            with transaction.atomic():
                accept_proposal(
                    actor=request.user, proposal_id=proposal, today=clock.today(), now=clock.now()
                )
            done += 1
        except BusinessError as error:
            refused.append(f"{line.counterparty_name or line.remittance} : {error}")
    return _told(
        request,
        query,
        ngettext("%(n)s mouvement lettré.", "%(n)s mouvements lettrés.", done) % {"n": done},
        refused,
    )


def _aside(request: HttpRequest, chosen: list[BankLine], query: str) -> HttpResponse:
    reason = request.POST.get("reason", "").strip()
    if "confirmed" not in request.POST or not reason:
        context = {
            "lines": chosen,
            "query": query,
            "error": _("Indiquez pourquoi ces mouvements sont sans objet.")
            if "confirmed" in request.POST
            else "",
        }
        return render(
            request, "invoices/cash_bulk_aside.html", context, status=422 if context["error"] else 200
        )
    done, refused = 0, []
    for line in chosen:
        try:
            set_line_aside(actor=request.user, line_id=line.pk, reason=reason, now=clock.now())
            done += 1
        except BusinessError as error:
            refused.append(f"{line.counterparty_name or line.remittance} : {error}")
    words = ngettext("%(n)s mouvement sans objet.", "%(n)s mouvements sans objet.", done) % {"n": done}
    return _told(request, query, words, refused)


def _preview(
    request: HttpRequest, lines: list[BankLine], query: str, *, only_certain: bool = False
) -> HttpResponse:
    more, lines = len(lines) > MOST, lines[:MOST]
    planned = [Planned(line, next(iter(proposals_of(line)), None)) for line in lines]
    totals: dict[str, Decimal] = {}
    for plan in planned:
        if plan.found is not None:
            totals[plan.line.currency] = totals.get(plan.line.currency, Decimal(0)) + (
                plan.line.amount - plan.line.applied_amount
            )
    context = {
        "planned": [plan for plan in planned if plan.found is not None],
        "without": [plan.line for plan in planned if plan.found is None],
        "totals": sorted(totals.items()),
        "more": more,
        "most": MOST,
        "only_certain": only_certain,
        "query": query,
    }
    return render(request, "invoices/cash_bulk.html", context)


def _asked(request: HttpRequest, lines: list[BankLine]) -> list[int]:
    """The proposal that the preview showed for each line; 0 when none was."""
    return [cash.number_of(request.POST.get(f"proposal-{line.pk}", "")) for line in lines]


def _told(request: HttpRequest, query: str, words: str, refused: list[str]) -> HttpResponse:
    messages.success(request, words)
    for line in refused[:5]:
        messages.warning(request, line)
    if len(refused) > 5:
        messages.warning(
            request,
            ngettext("Et %(n)s autre refus.", "Et %(n)s autres refus.", len(refused) - 5)
            % {"n": len(refused) - 5},
        )
    return redirect(f"{reverse('invoices:cash-board')}?{query}")


@require_POST
@permission_required("invoices.refund")
def cash_refund(request: HttpRequest, pk: int) -> HttpResponse:
    """A debit line gives ticked credits back."""
    line = cash.visible_line(request, pk)
    work = cash.posted_work(request, line)
    if any(row.error for account in work.accounts for row in account.rows) or work.entry is None:
        return cash.again(request, line, _("Corrigez les montants signalés."))
    parts = [ApplicationPart(key, -amount) for key, amount in work.entry.parts.items()]

    def act() -> list[CashApplication]:
        if not parts:
            raise CashRefused(_("Cochez les avoirs ou règlements qui sont rendus."))
        return [
            refund_credit(
                actor=request.user,
                parts=parts,
                line_id=pk,
                today=clock.today(),
                now=clock.now(),
                seen_remaining=cash.seen_of(request),
            )
        ]

    return cash.attempt(request, line, act)


@require_POST
@permission_required("invoices.refund")
def cash_confirm_refund(request: HttpRequest, pk: int) -> HttpResponse:
    """A debit line is a refund that was announced."""
    line = cash.visible_line(request, pk)

    def act() -> list[CashApplication]:
        receipt = confirm_refund(
            actor=request.user,
            application_id=cash.number_of(request.POST.get("application", "")),
            line_id=pk,
            today=clock.today(),
            now=clock.now(),
        )
        return [receipt.application] if receipt.application else []

    return cash.attempt(request, line, act)
