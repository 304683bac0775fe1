"""The accounts on which the entities are paid: how far each is known, and where a statement is missing."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from core.rights import has_permission, permission_required
from invoices.bank import accounts_shown
from invoices.forms_bank import BankAccountForm, NewBankAccountForm
from invoices.models import BankAccount
from invoices.operations import bank_accounts as operations

# A statement older than this many days is worth a look.
OLD_DAYS = 5


@require_GET
@permission_required("core.use_site")
def bank_account_list(request: HttpRequest) -> HttpResponse:
    """For whoever reads statements, and for whoever sets the accounts up."""
    may_configure = has_permission(request.user, "invoices.configure_cash")
    may_view = has_permission(request.user, "invoices.view_bank")
    if not may_configure and not may_view:
        raise PermissionDenied("invoices.view_bank")
    context = {
        "accounts": accounts_shown(request.user, clock.today()),
        "may_configure": may_configure,
        "may_view": may_view,
        "old_days": OLD_DAYS,
    }
    return render(request, "invoices/bank_account_list.html", context)


@require_http_methods(["GET", "POST"])
@permission_required("invoices.configure_cash")
def bank_account_create(request: HttpRequest) -> HttpResponse:
    """Open an account; `?iban=` fills in what an unknown statement said."""
    initial = {"iban": request.GET.get("iban", "")[:50]}
    form = NewBankAccountForm(request.POST or None, initial=initial, actor=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            account = operations.create_bank_account(
                actor=request.user, entity=form.cleaned_data["entity"], now=clock.now(), **form.values()
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Le compte « %(name)s » est créé.") % {"name": account.name})
            return redirect("invoices:bank-account-list")
    return _form_page(request, form, _("Nouveau compte bancaire"), _("Créer le compte"))


@require_http_methods(["GET", "POST"])
@permission_required("invoices.configure_cash")
def bank_account_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Correct an account."""
    account = _account(request, pk)
    form = BankAccountForm(request.POST or None, instance=_account(request, pk))
    if request.method == "POST" and form.is_valid():
        try:
            operations.change_bank_account(
                actor=request.user, account=account, now=clock.now(), **form.values()
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Le compte est à jour."))
            return redirect("invoices:bank-account-list")
    return _form_page(request, form, account.name, _("Enregistrer"))


@require_POST
@permission_required("invoices.configure_cash")
def bank_account_archive(request: HttpRequest, pk: int) -> HttpResponse:
    """Take no more statements of the account."""
    return _switch(request, pk, operations.archive_bank_account, _("Le compte « %(name)s » est archivé."))


@require_POST
@permission_required("invoices.configure_cash")
def bank_account_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Take statements of the account again."""
    return _switch(request, pk, operations.reopen_bank_account, _("Le compte « %(name)s » est réactivé."))


def _switch(request: HttpRequest, pk: int, step: Callable[..., BankAccount], done: str) -> HttpResponse:
    account = _account(request, pk)
    try:
        step(actor=request.user, account=account, now=clock.now())
    except BusinessError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, done % {"name": account.name})
    return redirect("invoices:bank-account-list")


def _account(request: HttpRequest, pk: int) -> BankAccount:
    return get_object_or_404(
        BankAccount.objects.visible_to(request.user).select_related("legal_entity"), pk=pk
    )


def _form_page(request: HttpRequest, form: BankAccountForm, title: str, submit: str) -> HttpResponse:
    context = {
        "form": form,
        "title": title,
        "submit": submit,
        "back_url": reverse("invoices:bank-account-list"),
        "back_label": _("Comptes bancaires"),
    }
    return render(request, "invoices/bank_form.html", context, status=400 if form.errors else 200)
