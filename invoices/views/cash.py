"""The cash board: on the left the lines to apply, on the right what one of them settles."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseRedirectBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core import clock
from core.errors import BusinessError
from core.keyset import keyset_page
from core.money import AmountError, parse_amount
from core.rights import has_permission, permission_required
from invoices.cash_board import (
    Work,
    applications_of,
    next_line,
    totals_of,
    with_best,
    work_of,
)
from invoices.cash_entry import TOO_LITTLE, TOO_MUCH
from invoices.cash_fates import fate_label
from invoices.cash_refunds import announced_refunds, is_open_debit
from invoices.cash_return_candidates import return_candidates
from invoices.filters_cash import CashLineFilter
from invoices.models import BankLine, CashApplication, MatchProposal
from invoices.operations.cash import (
    ApplicationPart,
    CashRefused,
    Difference,
    OnAccount,
    accept_proposal,
    apply_line,
    reopen_line,
    set_line_aside,
)
from invoices.operations.cash_returns import return_receipt
from invoices.operations.cash_reversals import reverse_application

ORDER = ("booking_date", "pk")
LATEST = ("-booking_date", "-pk")
PAGE = 40


def _filtered(request: HttpRequest, query: QueryDict) -> CashLineFilter:
    query = query.copy()
    lines = BankLine.objects.visible_to(request.user).select_related("bank_account__legal_entity")
    if query.get("state", "open") in ("", "open"):
        query.pop("state", None)
        lines = lines.filter(status=BankLine.Status.OPEN)
    return CashLineFilter(query, queryset=lines, request=request)


@require_GET
@permission_required("invoices.view_bank")
def cash_board(request: HttpRequest) -> HttpResponse:
    """Lines to apply, the oldest first; `?ligne=` chooses one, else the first is worked on."""
    return render(request, "invoices/cash_board.html", board_context(request, request.GET))


def board_context(
    request: HttpRequest, query: QueryDict, asked: Mapping[str, Any] | None = None, line_id: int = 0
) -> dict[str, Any]:
    """What the board shows. `asked` is what was posted, shown again with its errors."""
    today = clock.today()
    filterset = _filtered(request, query)
    is_open = query.get("state", "open") in ("", "open")
    page = keyset_page(
        filterset.qs, order=ORDER if is_open else LATEST, cursor=query.get("cursor", ""), size=PAGE
    )
    rows = with_best(page.rows)
    chosen = _chosen(request, str(line_id or query.get("ligne", "")), rows)
    work = work_of(request.user, chosen, asked if asked is not None else query, today) if chosen else None
    return {
        "filterset": filterset,
        "rows": rows,
        "totals": totals_of(filterset.qs),
        "next_url": _board_url(page.next_url(query)),
        "previous_url": _board_url(page.previous_url(query)),
        "is_filtered": any(query.get(name) for name in filterset.form.fields),
        "query": _kept(query),
        "done": _done(request, query.getlist("fait")),
        "chosen": chosen,
        "work": work,
        "today": today,
        **(_work_context(request, work, chosen) if chosen and work else {}),
        **_rights(request),
    }


def _work_context(request: HttpRequest, work: Work, line: BankLine) -> dict[str, Any]:
    is_open = line.status == BankLine.Status.OPEN
    entry = work.entry
    allowed = TOO_MUCH if entry and entry.gap > 0 else TOO_LITTLE
    return {
        "applications": applications_of(line) if line.applied_amount or not is_open else [],
        "candidates": return_candidates(line) if is_open and line.is_return and line.amount < 0 else [],
        "announced": announced_refunds(line) if is_open_debit(line) else [],
        "fates": [(fate.value, fate_label(fate)) for fate in allowed] if entry and entry.gap else [],
    }


def _rights(request: HttpRequest) -> dict[str, bool]:
    return {
        "may_apply": has_permission(request.user, "invoices.apply_cash"),
        "may_refund": has_permission(request.user, "invoices.refund"),
        "may_export": has_permission(request.user, "invoices.export_entries"),
        "may_configure": has_permission(request.user, "invoices.configure_cash"),
        "may_see_customer": has_permission(request.user, "customers.view"),
    }


def _chosen(request: HttpRequest, asked: str, rows: list[BankLine]) -> BankLine | None:
    if asked.isascii() and asked.isdigit() and len(asked) < 19:
        found = (
            BankLine.objects.visible_to(request.user)
            .filter(pk=int(asked))
            .select_related("bank_account__legal_entity", "returns", "statement")
            .first()
        )
        if found is not None:
            return with_best([found])[0]
    return rows[0] if rows else None


def _board_url(query: str) -> str:
    return f"{reverse('invoices:cash-board')}{query}" if query else ""


def _kept(query: QueryDict) -> str:
    """The filters of the address, without what is about one line."""
    kept = query.copy()
    for name in ("ligne", "proposition", "client", "imputer", "cherche", "fait", "piece", "reste"):
        kept.pop(name, None)
    return kept.urlencode()


def _done(request: HttpRequest, ids: list[str]) -> dict[str, Any] | None:
    """The act just made, which « Annuler » takes back."""
    keys = [int(text) for text in ids[:20] if text.isascii() and text.isdigit() and len(text) < 19]
    found = list(
        CashApplication.objects.visible_to(request.user)
        .filter(pk__in=keys, reversed_on__isnull=True)
        .select_related("customer", "bank_line")
        .order_by("pk")
    )
    if not found:
        return None
    line = found[0].bank_line
    return {
        "ids": [application.pk for application in found],
        "line": line,
        "customers": ", ".join(application.customer.name for application in found[:3]),
    }


# --- acts --------------------------------------------------------------------------------------------------


@require_POST
@permission_required("invoices.view_bank")
def cash_balance(request: HttpRequest, pk: int) -> HttpResponse:
    """What is left to apply with these ticks, as they are changed: the foot of the form."""
    line = visible_line(request, pk)
    work = posted_work(request, line)
    context = {"work": work, "chosen": line, **_rights(request), **_work_context(request, work, line)}
    return render(request, "invoices/cash_balance.html", context)


@require_POST
@permission_required("invoices.apply_cash")
def cash_apply(request: HttpRequest, pk: int) -> HttpResponse:
    """Apply the line to what is ticked; the next line shows."""
    line = visible_line(request, pk)
    work = posted_work(request, line)
    wrong = [row for account in work.accounts for row in account.rows if row.error]
    entry = work.entry
    if wrong or entry is None or "recompter" in request.POST:
        return again(request, line, "" if not wrong else _("Corrigez les montants signalés."))
    customer = work.account_customer
    if entry.on_account and customer is None:
        return again(request, line, _("Cochez au moins une pièce, ou choisissez le compte d’un client."))
    on_account = [OnAccount(customer.pk, entry.on_account)] if customer and entry.on_account else []

    def act() -> list[CashApplication]:
        return apply_line(
            actor=request.user,
            line_id=pk,
            parts=[ApplicationPart(key, amount) for key, amount in entry.parts.items()],
            on_account=on_account,
            differences=[Difference(*entry.difference)] if entry.difference else [],
            today=clock.today(),
            now=clock.now(),
            proposal_id=_same_proposal(line, request.POST.get("proposal", ""), entry.parts),
            seen_remaining=seen_of(request),
        )

    return attempt(request, line, act)


@require_POST
@permission_required("invoices.apply_cash")
def cash_accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Apply the line as one of its proposals says."""
    line = visible_line(request, pk)
    asked = request.POST.get("proposal", "")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else 0

    def act() -> list[CashApplication]:
        if not MatchProposal.objects.filter(pk=number, bank_line=line).exists():
            raise CashRefused(_("Cette proposition n’est plus d’actualité. Rechargez la page."))
        return accept_proposal(
            actor=request.user,
            proposal_id=number,
            today=clock.today(),
            now=clock.now(),
            seen_remaining=seen_of(request),
        )

    return attempt(request, line, act)


@require_POST
@permission_required("invoices.apply_cash")
def cash_set_aside(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that the line concerns no customer."""
    line = visible_line(request, pk)
    reason = request.POST.get("reason", "")

    def act() -> list[CashApplication]:
        set_line_aside(actor=request.user, line_id=pk, reason=reason, now=clock.now())
        return []

    return attempt(request, line, act)


@require_POST
@permission_required("invoices.apply_cash")
def cash_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a line back among those to apply."""
    line = visible_line(request, pk)
    try:
        reopen_line(actor=request.user, line_id=pk, now=clock.now())
    except BusinessError as error:
        return again(request, line, str(error))
    return redirect(f"{reverse('invoices:cash-board')}?ligne={pk}")


@require_POST
@permission_required("invoices.apply_cash")
def cash_return(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back what a returned payment had settled."""
    line = visible_line(request, pk)
    original = visible_line(request, number_of(request.POST.get("original", "")))

    def act() -> list[CashApplication]:
        return return_receipt(
            actor=request.user,
            line_id=pk,
            original_line_id=original.pk,
            today=clock.today(),
            now=clock.now(),
        )

    return attempt(request, line, act)


@require_POST
@permission_required("invoices.apply_cash")
def cash_undo(request: HttpRequest) -> HttpResponse:
    """Undo what was just applied: each application of one act, the last first."""
    ids = [number_of(text) for text in request.POST.getlist("application")[:20]]
    found = CashApplication.objects.visible_to(request.user).filter(pk__in=ids)
    applications = list(found.select_related("bank_line__bank_account").order_by("-pk"))
    line = applications[0].bank_line if applications else None
    reason = request.POST.get("reason", "").strip() or _("Annulé aussitôt")
    try:
        if not applications:
            raise CashRefused(_("Cette affectation n’existe pas dans votre périmètre."))
        # What was one act is undone wholly, or not at all.
        with transaction.atomic():
            for application in applications:
                reverse_application(
                    actor=request.user,
                    application_id=application.pk,
                    reason=reason,
                    today=clock.today(),
                    now=clock.now(),
                )
    except BusinessError as error:
        return again(request, line, str(error))
    back = _query(request)
    if line is not None:
        back["ligne"] = str(line.pk)
        back.setlist("client", [str(application.customer_id) for application in reversed(applications)])
    return redirect(f"{reverse('invoices:cash-board')}?{back.urlencode()}")


def attempt(
    request: HttpRequest, line: BankLine, act: Callable[[], list[CashApplication]]
) -> HttpResponse | HttpResponseRedirectBase:
    """Do it, then show the next line with the way back; a refusal shows the same line with what to do."""
    query = _query(request)
    following = next_line(filtered_lines(request, query), line)
    try:
        made = act()
    except BusinessError as error:
        return again(request, line, str(error), field=error.field or "")
    line.refresh_from_db()
    if line.status == BankLine.Status.OPEN:
        following = line
    if following is not None:
        query["ligne"] = str(following.pk)
    query.setlist("fait", [str(application.pk) for application in made])
    return redirect(f"{reverse('invoices:cash-board')}?{query.urlencode()}")


def again(request: HttpRequest, line: BankLine | None, message: str, *, field: str = "") -> HttpResponse:
    """The board as it was posted, with the error."""
    asked = request.POST if "ticks" in request.POST else None
    context = board_context(request, _query(request), asked, line.pk if line else 0)
    work = context["work"]
    if message and work is not None:
        rows = {f"part-{row.item.pk}": row for account in work.accounts for row in account.rows}
        if field in rows:
            rows[field].error = message
        else:
            work.errors.append(message)
    status = 422 if message else 200
    response = render(request, "invoices/cash_board.html", {**context, "refused": message}, status=status)
    # The address of an act is no page to come back to.
    response["HX-Push-Url"] = "false"
    return response


def visible_line(request: HttpRequest, pk: int) -> BankLine:
    lines = BankLine.objects.visible_to(request.user)
    return get_object_or_404(
        lines.select_related("bank_account__legal_entity", "returns", "statement"), pk=pk
    )


def posted_work(request: HttpRequest, line: BankLine) -> Work:
    """The work as it was ticked."""
    return work_of(request.user, line, request.POST, clock.today())


def filtered_lines(request: HttpRequest, query: QueryDict) -> "QuerySet[BankLine]":
    """The lines that the board shows for this address."""
    lines: QuerySet[BankLine] = _filtered(request, query).qs
    return lines


def _query(request: HttpRequest) -> QueryDict:
    """The filters that the form carries along."""
    return QueryDict(request.POST.get("query", "")[:2000], mutable=True)


def seen_of(request: HttpRequest) -> Any:
    try:
        return parse_amount(request.POST.get("seen", ""), decimal=".")
    except AmountError:
        return None


def number_of(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _same_proposal(line: BankLine, asked: str, parts: Mapping[int, Any]) -> int | None:
    """The proposal that was ticked, when it is applied just as it was."""
    proposal = line.proposals.filter(pk=number_of(asked), status=MatchProposal.Status.OPEN).first()
    if proposal is None or dict(proposal.parts.values_list("item_id", "amount")) != dict(parts):
        return None
    return int(proposal.pk)
