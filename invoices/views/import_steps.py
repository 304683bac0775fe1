"""What people order on a batch: commit, confirm, approve, return, cancel, take back, read again."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core import clock
from core.errors import BusinessError
from core.rights import permission_required
from invoices.forms_imports import CommitForm, RereadForm
from invoices.models import ImportBatch, ImportProfile
from invoices.operations import imports as operations
from invoices.views.import_detail import batch_or_404, detail_page
from invoices.views.import_mapping import reread


@require_POST
@permission_required("invoices.import")
def import_commit(request: HttpRequest, uid: str) -> HttpResponse:
    """Step 3: order what the preview shows to be written."""
    form = CommitForm(request.POST)
    form.is_valid()
    return _act(
        request,
        uid,
        lambda batch: operations.commit_batch(
            actor=request.user,
            batch=batch,
            accept_rejects=form.cleaned_data.get("accept_rejects", False),
            today=clock.today(),
            now=clock.now(),
        ),
    )


@require_POST
@permission_required("invoices.import")
def import_confirm(request: HttpRequest, uid: str) -> HttpResponse:
    """Say that one kind of suspicion is right."""
    return _act(
        request,
        uid,
        lambda batch: operations.confirm_suspicion(
            actor=request.user, batch=batch, code=request.POST.get("code", "")[:40], now=clock.now()
        ),
        fragment="douteux",
    )


@require_POST
@permission_required("invoices.approve_import")
def import_approve(request: HttpRequest, uid: str) -> HttpResponse:
    """The second person lets the batch be written."""
    return _act(
        request,
        uid,
        lambda batch: operations.approve_batch(
            actor=request.user, batch=batch, today=clock.today(), now=clock.now()
        ),
    )


@require_POST
@permission_required("invoices.approve_import")
def import_return(request: HttpRequest, uid: str) -> HttpResponse:
    """The second person sends the batch back to its preview."""
    return _act(
        request,
        uid,
        lambda batch: operations.return_batch(
            actor=request.user, batch=batch, reason=request.POST.get("reason", ""), now=clock.now()
        ),
        _("Lot renvoyé à la personne qui l’a préparé."),
    )


@require_POST
@permission_required("invoices.import")
def import_cancel(request: HttpRequest, uid: str) -> HttpResponse:
    """Give the batch up."""
    return _act(
        request,
        uid,
        lambda batch: operations.cancel_batch(actor=request.user, batch=batch, now=clock.now()),
        _("Lot annulé : rien n’a été enregistré."),
    )


@require_POST
@permission_required("invoices.undo_import")
def import_rollback(request: HttpRequest, uid: str) -> HttpResponse:
    """Take a written batch back."""
    return _act(
        request,
        uid,
        lambda batch: operations.request_rollback(
            actor=request.user, batch=batch, reason=request.POST.get("reason", ""), now=clock.now()
        ),
    )


@require_POST
@permission_required("invoices.import")
def import_reread(request: HttpRequest, uid: str) -> HttpResponse:
    """Read the file again with the choices made, or as a saved source says."""
    batch = batch_or_404(request, uid)
    pk = request.POST.get("profile", "")
    if pk.isascii() and pk.isdigit() and len(pk) < 18:
        profile = get_object_or_404(
            ImportProfile, pk=int(pk), legal_entity=batch.legal_entity_id, is_archived=False
        )
        reread(request, batch, profile)
        return redirect("invoices:import-detail", uid=batch.uid)
    form = RereadForm(request.POST, batch=batch)
    if not form.is_valid():
        return detail_page(request, batch, form, 400)
    return _act(
        request,
        uid,
        lambda batch: operations.reread_batch(
            actor=request.user, batch=batch, options=form.options(), now=clock.now()
        ),
    )


def _act(
    request: HttpRequest,
    uid: str,
    step: Callable[[ImportBatch], ImportBatch],
    done: str = "",
    fragment: str = "",
) -> HttpResponse:
    """Perform a step on a batch, say why not, and show the batch again."""
    batch = batch_or_404(request, uid)
    try:
        step(batch)
    except BusinessError as error:
        messages.error(request, error.message)
    else:
        if done:
            messages.success(request, done)
    response = redirect("invoices:import-detail", uid=batch.uid)
    if fragment:
        response["Location"] += f"#{fragment}"
    return response
