"""Files of the bank: their list, the upload, and the page of one with its statements and lines."""

from collections.abc import Callable

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from core import audit, clock
from core.audit_words import told
from core.errors import BusinessError
from core.files_http import file_response
from core.keyset import keyset_page
from core.rights import has_permission, permission_required
from invoices.bank import LINE_TONES, TONES, file_error, files_shown, outcome_of, same_file, shown
from invoices.filters_bank import BankFileFilter, BankLineFilter
from invoices.forms_bank import RereadStatementForm, StatementUploadForm, WithdrawForm
from invoices.large_bodies import drain, refused_size
from invoices.models import BankFile, BankLine
from invoices.operations import bank_files as operations
from invoices.operations.imports import too_large_message

MOST_STATEMENTS = 200


@require_GET
@permission_required("invoices.view_bank")
def bank_file_list(request: HttpRequest) -> HttpResponse:
    """The files of one's entities with their statements, the latest first."""
    files = BankFile.objects.visible_to(request.user).select_related("legal_entity", "file", "uploaded_by")
    filterset = BankFileFilter(request.GET, queryset=files, request=request)
    page = keyset_page(filterset.qs, order=("-pk",), cursor=request.GET.get("cursor", ""))
    context = {
        "filterset": filterset,
        "files": files_shown(page.rows),
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "has_filters": any(request.GET.get(name) for name in filterset.form.fields),
        "may_import": has_permission(request.user, "invoices.import_statement"),
        "may_watch": has_permission(request.user, "invoices.configure_import"),
    }
    return render(request, "invoices/bank_file_list.html", context)


@csrf_exempt
@require_http_methods(["GET", "POST"])
@permission_required("invoices.import_statement")
def bank_file_upload(request: HttpRequest) -> HttpResponse:
    """Upload files. A body over the limit is refused before it is kept; the others go through the CSRF check."""
    if request.method == "POST" and (size := refused_size(request)):
        return _too_large(request, size)
    return _upload(request)


@csrf_protect
def _upload(request: HttpRequest) -> HttpResponse:
    form = StatementUploadForm(request.POST or None, request.FILES or None, actor=request.user)
    if request.method == "GET" or not form.is_valid():
        return _upload_page(request, form, 200 if request.method == "GET" else 400)
    received: list[BankFile] = []
    refused: list[tuple[str, str]] = []
    for file in form.cleaned_data["files"]:
        try:
            received.append(
                operations.receive_bank_file(
                    actor=request.user,
                    entity=form.cleaned_data["entity"],
                    file=file.file,
                    name=file.name,
                    bank_account=form.cleaned_data["bank_account"],
                    options=form.options(),
                    now=clock.now(),
                )
            )
        except BusinessError as error:
            field = "files" if error.field == "file" else error.field
            refused.append((file.name, error.message))
            form.add_error(
                field if field in form.fields else None,
                error.message
                if len(form.cleaned_data.get("files", [1])) == 1
                else _("%(name)s : %(message)s") % {"name": file.name, "message": error.message},
            )
    if not received:
        return _upload_page(request, form, 400)
    for name, message in refused:
        messages.error(
            request, _("« %(name)s » est refusé. %(message)s") % {"name": name, "message": message}
        )
    if len(received) == 1 and not refused:
        return redirect("invoices:bank-file-detail", uid=received[0].uid)
    return redirect("invoices:bank-file-list")


def _too_large(request: HttpRequest, size: int) -> HttpResponse:
    drain(request, size)
    form = StatementUploadForm({}, {}, actor=request.user)
    form.errors.clear()
    form.add_error("files", too_large_message(size))
    return _upload_page(request, form, 413)


def _upload_page(request: HttpRequest, form: StatementUploadForm, status: int) -> HttpResponse:
    return render(request, "invoices/bank_file_upload.html", {"form": form}, status=status)


@require_GET
@permission_required("invoices.view_bank")
def bank_file_detail(request: HttpRequest, uid: str) -> HttpResponse:
    """What a file brings: statements and their checks, what accepting does, every line."""
    bank_file = _file(request, uid)
    return _detail_page(request, bank_file, _reread_form(request, bank_file), WithdrawForm(), 200)


def _detail_page(
    request: HttpRequest,
    bank_file: BankFile,
    reread: RereadStatementForm,
    withdraw: WithdrawForm,
    status: int,
) -> HttpResponse:
    state = bank_file.status
    is_read = state in ("PREVIEWED", "ACCEPTED", "WITHDRAWN")
    statements = [
        shown(one)
        for one in bank_file.statements.select_related("bank_account").order_by("rank")[: MOST_STATEMENTS + 1]
    ]
    lines = BankLine.objects.filter(statement__bank_file=bank_file).select_related(
        "statement", "same_as__statement__bank_file__file"
    )
    filterset = BankLineFilter(request.GET, queryset=lines, request=request)
    page = keyset_page(
        filterset.qs, order=("statement_id", "rank", "pk"), cursor=request.GET.get("cursor", "")
    )
    for line in page.rows:
        line.tone = LINE_TONES[line.status]  # type: ignore[attr-defined]
    may_import = has_permission(request.user, "invoices.import_statement")
    context = {
        "bank_file": bank_file,
        "tone": TONES[state],
        "file_error": file_error(bank_file),
        "same_file": same_file(bank_file),
        "statements": statements[:MOST_STATEMENTS],
        "has_more_statements": len(statements) > MOST_STATEMENTS,
        "remarks": [one for one in statements if one.message][:20],
        "unknown_accounts": any(one.statement.remark_code == "account_unknown" for one in statements),
        "outcome": outcome_of(bank_file) if state in ("PREVIEWED", "ACCEPTED") else None,
        "accepts": any(one.statement.status == "PREVIEWED" for one in statements),
        "filterset": filterset,
        "lines": page.rows,
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "has_filters": any(request.GET.get(name) for name in filterset.form.fields),
        "is_read": is_read,
        "events": told(audit.timeline(bank_file)[:12]),
        "reread_form": reread,
        "withdraw_form": withdraw,
        "may_import": may_import,
        "may_reread": may_import and state in ("PREVIEWED", "REJECTED", "FAILED"),
        "may_cancel": may_import and state in ("RECEIVED", "PREVIEWED", "REJECTED", "FAILED"),
        "may_withdraw": may_import and state == "ACCEPTED",
        "may_configure": has_permission(request.user, "invoices.configure_cash"),
        "may_apply": has_permission(request.user, "invoices.apply_cash"),
    }
    return render(request, "invoices/bank_file_detail.html", context, status=status)


@require_GET
@permission_required("invoices.view_bank")
def bank_file_progress(request: HttpRequest, uid: str) -> HttpResponse:
    """The progress of a file under way; when it is read, the page is asked to load again."""
    bank_file = _file(request, uid)
    if not bank_file.is_under_way:
        return HttpResponseClientRefresh()
    return render(request, "invoices/bank_file_progress.html", {"bank_file": bank_file})


@require_GET
@permission_required("invoices.view_bank")
def bank_file_original(request: HttpRequest, uid: str) -> FileResponse:
    """The file as the bank made it."""
    return file_response(_file(request, uid).file)


@require_POST
@permission_required("invoices.import_statement")
def bank_file_accept(request: HttpRequest, uid: str) -> HttpResponse:
    """Put the new lines to work."""
    return _act(
        request,
        uid,
        lambda bank_file: operations.accept_bank_file(
            actor=request.user, bank_file=bank_file, today=clock.today(), now=clock.now()
        ),
        _("Mouvements enregistrés. Le rapprochement commence."),
    )


@require_POST
@permission_required("invoices.import_statement")
def bank_file_cancel(request: HttpRequest, uid: str) -> HttpResponse:
    """Give the file up."""
    return _act(
        request,
        uid,
        lambda bank_file: operations.cancel_bank_file(
            actor=request.user, bank_file=bank_file, now=clock.now()
        ),
        _("Fichier abandonné : rien n’a été enregistré."),
    )


@require_POST
@permission_required("invoices.import_statement")
def bank_file_withdraw(request: HttpRequest, uid: str) -> HttpResponse:
    """Take an accepted file back."""
    bank_file = _file(request, uid)
    form = WithdrawForm(request.POST)
    if not form.is_valid():
        return _detail_page(request, bank_file, _reread_form(request, bank_file), form, 400)
    return _act(
        request,
        uid,
        lambda bank_file: operations.withdraw_bank_file(
            actor=request.user, bank_file=bank_file, reason=form.cleaned_data["reason"], now=clock.now()
        ),
        _("Fichier retiré : ses mouvements ne comptent plus."),
    )


@require_POST
@permission_required("invoices.import_statement")
def bank_file_reread(request: HttpRequest, uid: str) -> HttpResponse:
    """Read the file again with the choices made."""
    bank_file = _file(request, uid)
    form = RereadStatementForm(request.POST, bank_file=bank_file, actor=request.user)
    if not form.is_valid():
        return _detail_page(request, bank_file, form, WithdrawForm(), 400)
    return _act(
        request,
        uid,
        lambda bank_file: operations.reread_bank_file(
            actor=request.user,
            bank_file=bank_file,
            bank_account=form.cleaned_data.get("bank_account"),
            options=form.options(),
            now=clock.now(),
        ),
    )


def _reread_form(request: HttpRequest, bank_file: BankFile) -> RereadStatementForm:
    return RereadStatementForm(bank_file=bank_file, actor=request.user)


def _file(request: HttpRequest, uid: str) -> BankFile:
    return get_object_or_404(
        BankFile.objects.visible_to(request.user).select_related(
            "legal_entity", "file", "uploaded_by", "accepted_by", "bank_account"
        ),
        uid=uid,
    )


def _act(
    request: HttpRequest, uid: str, step: Callable[[BankFile], BankFile], done: str = ""
) -> HttpResponse:
    """Perform a step on a file, say why not, and show the file again."""
    bank_file = _file(request, uid)
    try:
        step(bank_file)
    except BusinessError as error:
        messages.error(request, error.message)
    else:
        if done:
            messages.success(request, done)
    return redirect("invoices:bank-file-detail", uid=bank_file.uid)
