"""What is done to an item or an account with cash: giving up, giving back, matching credits, undoing an act."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from core.money import AmountError, parse_amount
from core.rights import permission_required
from core.templatetags.format import amount as written_amount
from customers.models import Customer
from invoices.forms_cash import RefundForm, UndoForm, WriteOffForm
from invoices.models import CashApplication, OpenItem
from invoices.operations.adjustments import write_off
from invoices.operations.applying import ApplicationPart
from invoices.operations.cash_reversals import reverse_application
from invoices.operations.credits import apply_credits, refund_credit
from invoices.views.items import visible_item, with_state

MOST_SHOWN = 200


@require_http_methods(["GET", "POST"])
@permission_required("invoices.write_off")
def item_write_off(request: HttpRequest, pk: int) -> HttpResponse:
    """Give up all or part of what is open on an item."""
    item = visible_item(request.user, pk)
    initial = {"amount": abs(item.open_amount), "seen": item.open_amount}
    form = WriteOffForm(request.POST or None, initial=initial, is_credit=item.is_credit)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data

        def act() -> object:
            return write_off(
                actor=request.user,
                item_id=pk,
                amount=values["amount"],
                reason=values["reason"],
                note=values["note"],
                seen_open_amount=values["seen"],
                today=clock.today(),
                now=clock.now(),
            )

        if _attempt(form, act):
            messages.success(
                request,
                _("%(amount)s passés en écart ou en pertes.")
                % {"amount": written_amount(values["amount"], item.currency)},
            )
            return redirect("invoices:item-detail", pk=pk)
    explanation = _(
        "La somme n’est plus due et va au compte de son motif ; l’écriture part avec le prochain export. "
        "Cela se défait tant que rien d’autre n’en dépend."
    )
    return _page(
        request,
        item,
        form=form,
        title=_("Passer en écart ou en pertes"),
        submit=_("Abandonner cette somme"),
        explanation=explanation,
        impossible="" if item.open_amount else _("Cette pièce est soldée."),
    )


@require_http_methods(["GET", "POST"])
@permission_required("invoices.refund")
def item_refund(request: HttpRequest, pk: int) -> HttpResponse:
    """Announce that a credit is given back; the bank's debit line confirms it later."""
    item = visible_item(request.user, pk)
    form = RefundForm(
        request.POST or None, initial={"amount": abs(item.open_amount), "seen": item.open_amount}
    )
    if request.method == "POST" and form.is_valid():
        amount = form.cleaned_data["amount"]

        def act() -> object:
            return refund_credit(
                actor=request.user,
                parts=[ApplicationPart(pk, -amount)],
                today=clock.today(),
                now=clock.now(),
                seen={pk: form.cleaned_data["seen"]},
            )

        if _attempt(form, act):
            messages.success(
                request,
                _("Remboursement de %(amount)s annoncé : le relevé bancaire le confirmera.")
                % {"amount": written_amount(amount, item.currency)},
            )
            return redirect("invoices:item-detail", pk=pk)
    explanation = _(
        "Le crédit est soldé aujourd’hui par une pièce de remboursement. Quand le débit paraît sur le relevé, "
        "retrouvez-le dans le rapprochement."
    )
    return _page(
        request,
        item,
        form=form,
        title=_("Rembourser"),
        submit=_("Annoncer le remboursement"),
        explanation=explanation,
        impossible="" if item.open_amount < 0 else _("Seul un crédit ouvert se rembourse."),
    )


@require_http_methods(["GET", "POST"])
@permission_required("invoices.apply_cash")
def application_reverse(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo an act of matching as a whole."""
    found = CashApplication.objects.visible_to(request.user).select_related("customer", "bank_line")
    application = get_object_or_404(found, pk=pk)
    form = UndoForm(request.POST or None)
    if request.method == "POST" and form.is_valid():

        def act() -> object:
            return reverse_application(
                actor=request.user,
                application_id=pk,
                reason=form.cleaned_data["reason"],
                today=clock.today(),
                now=clock.now(),
            )

        if _attempt(form, act):
            messages.success(request, _("Affectation défaite : ce qu’elle réglait est de nouveau dû."))
            if application.bank_line_id:
                return redirect(f"{reverse('invoices:cash-board')}?ligne={application.bank_line_id}")
            return redirect("invoices:credit-apply", pk=application.customer_id)
    context = {
        "application": application,
        "allocations": application.allocations.filter(reversed_on__isnull=True).select_related(
            "debit", "credit"
        )[:MOST_SHOWN],
        "form": form,
    }
    return render(
        request, "invoices/cash_application_reverse.html", context, status=422 if form.errors else 200
    )


@require_http_methods(["GET", "POST"])
@permission_required("invoices.apply_cash")
def credit_apply(request: HttpRequest, pk: int) -> HttpResponse:
    """Match credits already on an account with what it owes: any number of each, in one act."""
    customer = get_object_or_404(
        Customer.objects.visible_to(request.user).select_related("legal_entity"), pk=pk
    )
    items = list(
        OpenItem.objects.filter(customer=customer)
        .open()
        .select_related("customer", "legal_entity")
        .order_by("currency", "due_date", "id")[: MOST_SHOWN * 2]
    )
    ticked = set(request.POST.getlist("part"))
    rows, parts, errors = [], [], []
    for item in with_state(items, clock.today()):
        text = request.POST.get(f"amount-{item.pk}", "").strip() or written_amount(item.open_amount)
        row = {"item": item, "ticked": str(item.pk) in ticked, "written": text[:40], "error": ""}
        if row["ticked"]:
            try:
                parts.append(ApplicationPart(item.pk, parse_amount(text, currency=item.currency)))
            except AmountError as error:
                row["error"] = str(error)
                errors.append(_("Corrigez les montants signalés."))
        rows.append(row)
    if request.method == "POST" and not errors:
        try:
            application = apply_credits(
                actor=request.user,
                parts=parts,
                today=clock.today(),
                now=clock.now(),
                seen=_seen(request, items),
            )
        except BusinessError as error:
            by_field = {f"part-{row['item'].pk}": row for row in rows}
            if error.field in by_field:
                by_field[error.field]["error"] = str(error)
            errors.append(str(error))
        else:
            messages.success(request, _("Crédits lettrés."))
            return redirect(f"{reverse('invoices:credit-apply', args=[pk])}?fait={application.pk}")
    context = {
        "customer": customer,
        "credits": [row for row in rows if row["item"].open_amount < 0],
        "debits": [row for row in rows if row["item"].open_amount > 0],
        "errors": dict.fromkeys(errors),
        "applications": CashApplication.objects.filter(customer=customer)
        .select_related("bank_line", "applied_by")
        .prefetch_related("allocations__debit", "allocations__credit")
        .order_by("-id")[:10],
    }
    return render(request, "invoices/cash_credits.html", context, status=422 if errors else 200)


def _seen(request: HttpRequest, items: list[OpenItem]) -> dict[int, Decimal]:
    """What the page showed open on each item."""
    seen = {}
    for item in items:
        try:
            seen[item.pk] = parse_amount(request.POST.get(f"seen-{item.pk}", ""), decimal=".")
        except AmountError:
            continue
    return seen


def _attempt(form: forms.BaseForm, call: Callable[[], object]) -> object:
    try:
        return call()
    except BusinessError as error:
        show_refusal(form, error)
        return None


def _page(request: HttpRequest, item: OpenItem, **context: Any) -> HttpResponse:
    context = {
        "item": with_state([item], clock.today())[0],
        "back_url": reverse("invoices:item-detail", args=[item.pk]),
        **context,
    }
    return render(
        request, "invoices/item_action.html", context, status=422 if context["form"].errors else 200
    )
