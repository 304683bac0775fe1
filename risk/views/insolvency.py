"""Insolvency proceedings: the list, and the page of one with its dates, tasks, statement and addressee."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core import clock
from core.audit import timeline
from core.audit_words import told as told_events
from core.errors import BusinessError
from core.files_http import file_response
from core.forms import show_refusal
from core.keyset import keyset_page
from core.legal_register import MissingLegalParameter
from core.rights import has_permission, permission_required, signed_in
from customers.models import Customer
from risk.forms_watch import (
    DisputeLetterForm,
    NoteForm,
    ProceedingForm,
    RepresentativeForm,
    TaskDoneForm,
)
from risk.insolvency_rules import days_left
from risk.models import EventOutcome, InsolvencyProceeding, LegalEvent, ProceedingTask
from risk.operations import insolvency
from risk.views.places import subtabs, tabs
from risk.watch import (
    events_of_customer,
    illicit_until,
    last_statements,
    late_receipts,
    proceedings,
    struck_off,
    unmatched_receipts,
)
from risk.watch_words import KIND_TONES, PROCEEDING_TONES, told

ORDER = ("-judgment_date", "-pk")
SHOWN_LINES = 100
Status = InsolvencyProceeding.Status


def urgency(left: int | None) -> str:
    """The tone of a day that comes: past, within a fortnight, later."""
    if left is None:
        return "neutral"
    return "late" if left < 0 else "watch" if left <= 15 else "info"


@require_GET
@permission_required("risk.view")
def proceeding_list(request: HttpRequest) -> HttpResponse:
    """The proceedings one sees, the latest judgment first."""
    user, today = signed_in(request), clock.today()
    which = request.GET.get("which", "")
    found = proceedings(user)
    if which != "all":
        found = found.filter(status__in=(Status.OPEN, Status.PLAN))
    page = keyset_page(found, order=ORDER, cursor=request.GET.get("cursor", ""))
    rows = [
        {
            "proceeding": row,
            "tone": PROCEEDING_TONES[Status(row.status)],
            "left": days_left(row.next_day, today),
            "left_tone": urgency(days_left(row.next_day, today)),
        }
        for row in page.rows
    ]
    context = {
        "tabs": tabs(request, "proceedings"),
        "subtabs": subtabs(request, "proceedings"),
        "may_watch": has_permission(user, "risk.watch"),
        "rows": rows,
        "which": which,
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
    }
    return render(request, "risk/proceeding_list.html", context)


def _visible(request: HttpRequest, pk: int) -> InsolvencyProceeding:
    found = InsolvencyProceeding.objects.visible_to(signed_in(request)).select_related(
        "customer__legal_entity", "opening", "representative_confirmed_by"
    )
    proceeding: InsolvencyProceeding = get_object_or_404(found, pk=pk)
    return proceeding


def _limits(proceeding: InsolvencyProceeding, today: date) -> list[dict[str, Any]]:
    """The creditor's limits, each with its text and what is left of it."""
    sources = proceeding.limits_sources
    limits = [
        (_("Déclarer la créance"), proceeding.declare_by, sources.get("CLAIM_DECLARATION", "")),
        (_("Revendiquer les marchandises"), proceeding.reclaim_by, sources.get("RETENTION_OF_TITLE", "")),
        (_("Demander le relevé de forclusion"), proceeding.relief_by, sources.get("RELEVE_FORCLUSION", "")),
    ]
    return [
        {
            "label": label,
            "day": day,
            "source": source,
            "left": days_left(day, today),
            "tone": urgency(days_left(day, today)),
        }
        for label, day, source in limits
        if day is not None
    ]


def _page(
    request: HttpRequest, proceeding: InsolvencyProceeding, refused: dict[str, forms.Form] | None = None
) -> HttpResponse:
    today = clock.today()
    statements = last_statements(proceeding)
    receipts = late_receipts(proceeding)
    tasks = list(proceeding.tasks.select_related("closed_by", "proof", "event").order_by("status", "due_date", "pk"))  # fmt: skip
    tasks.sort(
        key=lambda task: (task.status != ProceedingTask.Status.OPEN, task.due_date or date.max, task.pk)
    )
    given = refused or {}
    may = has_permission(request.user, "risk.watch")
    is_live = proceeding.status in (Status.OPEN, Status.PLAN)
    events = events_of_customer(proceeding.customer)
    waiting = EventOutcome.objects.filter(proceeding=proceeding, status=EventOutcome.Status.TO_REVIEW)
    context = {
        "tabs": tabs(request, "proceedings"),
        "subtabs": subtabs(request, "proceedings"),
        "proceeding": proceeding,
        "customer": proceeding.customer,
        "tone": PROCEEDING_TONES[Status(proceeding.status)],
        "limits": _limits(proceeding, today),
        "tasks": [_task_row(task, today, given, may) for task in tasks],
        "statements": [{"statement": row, "totals": _totals(row.content)} for row in statements],
        "lines": [_line(row) for row in statements[0].content["lines"][:SHOWN_LINES]] if statements else [],
        "line_count": len(statements[0].content["lines"]) if statements else 0,
        "receipts": [{"receipt": row, "until": illicit_until(row.received_on)} for row in receipts],
        "unmatched_receipts": sorted(unmatched_receipts(proceeding).items()),
        "events": [
            {
                "when": event.publication_date,
                "title": event.get_kind_display(),
                "text": event.nature or event.family,
                "url": reverse("risk:event-detail", args=[event.pk]),
                "tone": KIND_TONES.get(event.kind, ""),
                "badge": _notice_badge(event),
            }
            for event in events
        ],
        "waiting": [
            {"outcome": row, "reasons": told(row.reasons)} for row in waiting.select_related("event")
        ],
        "struck_off": struck_off([proceeding.customer]).get(proceeding.customer_id),
        "journal": told_events(timeline(proceeding)[:40]),
        "may_watch": may,
        "is_live": is_live,
        "representative_form": given.get("representative")
        or RepresentativeForm(
            initial={
                "role": proceeding.representative_role,
                "name": proceeding.representative_name,
                "address": proceeding.representative_address,
            }
        ),
        "proceeding_form": given.get("change") or ProceedingForm(instance=proceeding),
        "dispute_form": given.get("dispute") or DisputeLetterForm(initial={"received_on": today}),
        "cancel_form": given.get("cancel") or NoteForm(prefix="cancel"),
        "reactivate_form": given.get("reactivate") or NoteForm(prefix="reactivate"),
        "side_forms": [given[key] for key in ("dispute", "change", "cancel", "reactivate") if key in given],
        "account_before": Customer.Status(proceeding.customer_status_before).label,
        "is_account_insolvent": proceeding.customer.status == "INSOLVENT",
    }
    return render(request, "risk/proceeding_detail.html", context, status=422 if refused else 200)


def _notice_badge(event: LegalEvent) -> str:
    """What a notice is that is no first one, or holds no more."""
    if event.annulled_on:
        return _("(annulé)")
    return (
        "" if event.notice_type == LegalEvent.NoticeType.INITIAL else f"({event.get_notice_type_display()})"
    )


def _task_row(task: ProceedingTask, today: date, given: dict[str, forms.Form], may: bool) -> dict[str, Any]:
    left = days_left(task.due_date, today)
    is_open = task.status == ProceedingTask.Status.OPEN
    refused = given.get(f"done-{task.pk}") or given.get(f"note-{task.pk}")
    return {
        "task": task,
        "errors": refused.errors if refused is not None else "",
        "left": left,
        "tone": urgency(left)
        if is_open
        else "ok"
        if task.status == ProceedingTask.Status.DONE
        else "neutral",
        "is_open": is_open,
        "done_form": (
            given.get(f"done-{task.pk}")
            or TaskDoneForm(task=task, prefix=f"done-{task.pk}", initial={"done_on": today})
        )
        if may and is_open
        else None,
        "note_form": (given.get(f"note-{task.pk}") or NoteForm(prefix=f"note-{task.pk}")) if may else None,
    }


def _line(line: dict[str, Any]) -> dict[str, Any]:
    """A frozen line with its days and amounts as such."""
    days = {name: date.fromisoformat(line[name]) for name in ("issue_date", "due_date")}
    sums = {name: Decimal(line[name]) for name in ("open_amount", "interest", "indemnity")}
    return line | days | sums


def _totals(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The sums of a frozen statement, by birth and currency, as amounts."""
    labels = {"PRIOR": _("Antérieures au jugement"), "LATER": _("Postérieures au jugement")}
    return [
        {"label": labels[birth], "currency": currency, **{name: Decimal(text) for name, text in sums.items()}}
        for birth in ("PRIOR", "LATER")
        for currency, sums in sorted(content["totals"].get(birth, {}).items())
    ]


@require_GET
@permission_required("risk.view")
def proceeding_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, _visible(request, pk))


@require_GET
@permission_required("risk.view")
def proceeding_statement(request: HttpRequest, pk: int, version: int) -> HttpResponseBase:
    """The frozen statement, as it was kept."""
    proceeding = _visible(request, pk)
    statement = proceeding.statements.select_related("file").filter(version=version).first()
    if statement is None:
        raise Http404
    return file_response(statement.file)


@require_GET
@permission_required("risk.view")
def task_proof(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The proof kept with a task."""
    task = _visible_task(request, pk)
    if task.proof is None:
        raise Http404
    return file_response(task.proof, in_place=True)


def _visible_task(request: HttpRequest, pk: int) -> ProceedingTask:
    mine = InsolvencyProceeding.objects.visible_to(signed_in(request)).order_by()
    tasks = ProceedingTask.objects.filter(proceeding__in=mine).select_related("proceeding", "proof")
    task: ProceedingTask = get_object_or_404(tasks, pk=pk)
    return task


def _act(
    request: HttpRequest,
    proceeding: InsolvencyProceeding,
    key: str,
    form: forms.Form | forms.ModelForm,
    act: Callable[[], object],
    said: str,
) -> HttpResponse:
    """One step of the page: done, it says so; refused, the page says why at the field (422)."""
    if form.is_valid():
        try:
            act()
        except BusinessError as error:
            show_refusal(form, error)
        except MissingLegalParameter as missing:
            form.add_error(None, str(missing))
        else:
            messages.success(request, said)
            return redirect("risk:proceeding-detail", pk=proceeding.pk)
    return _page(request, _visible(request, proceeding.pk), {key: form})


@require_POST
@permission_required("risk.watch")
def proceeding_representative(request: HttpRequest, pk: int) -> HttpResponse:
    proceeding, form = _visible(request, pk), RepresentativeForm(request.POST)
    return _act(
        request, proceeding, "representative", form,
        lambda: insolvency.confirm_representative(actor=request.user, proceeding=proceeding, now=clock.now(), **form.cleaned_data),
        _("Le mandataire est confirmé."),
    )  # fmt: skip


@require_POST
@permission_required("risk.watch")
def proceeding_change(request: HttpRequest, pk: int) -> HttpResponse:
    proceeding = _visible(request, pk)
    form = ProceedingForm(request.POST)
    return _act(
        request, proceeding, "change", form,
        lambda: insolvency.change_proceeding(
            actor=request.user, proceeding=proceeding, today=clock.today(), now=clock.now(), **form.cleaned_data
        ),
        _("La procédure est corrigée."),
    )  # fmt: skip


@require_POST
@permission_required("risk.watch")
def proceeding_dispute(request: HttpRequest, pk: int) -> HttpResponse:
    proceeding, form = _visible(request, pk), DisputeLetterForm(request.POST)
    return _act(
        request, proceeding, "dispute", form,
        lambda: insolvency.record_dispute_letter(
            actor=request.user, proceeding=proceeding, today=clock.today(), now=clock.now(), **form.cleaned_data
        ),
        _("La contestation est notée : répondez avant la date de la tâche."),
    )  # fmt: skip


@require_POST
@permission_required("risk.watch")
def proceeding_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    proceeding, form = _visible(request, pk), NoteForm(request.POST, prefix="cancel")
    return _act(
        request, proceeding, "cancel", form,
        lambda: insolvency.cancel_proceeding(
            actor=request.user, proceeding=proceeding, today=clock.today(), now=clock.now(), **form.cleaned_data
        ),
        _("La procédure est annulée : le compte retrouve l’état qu’il avait."),
    )  # fmt: skip


@require_POST
@permission_required("risk.watch")
def proceeding_reactivate(request: HttpRequest, pk: int) -> HttpResponse:
    proceeding, form = _visible(request, pk), NoteForm(request.POST, prefix="reactivate")
    return _act(
        request, proceeding, "reactivate", form,
        lambda: insolvency.reactivate_customer(actor=request.user, proceeding=proceeding, now=clock.now(), **form.cleaned_data),
        _("Le compte est de nouveau actif."),
    )  # fmt: skip


@require_POST
@permission_required("risk.watch")
def task_done(request: HttpRequest, pk: int) -> HttpResponse:
    task = _visible_task(request, pk)
    form = TaskDoneForm(request.POST, request.FILES, task=task, prefix=f"done-{task.pk}")

    def act() -> None:
        proof = form.cleaned_data["proof"]
        insolvency.finish_task(
            actor=request.user,
            task=task,
            done_on=form.cleaned_data["done_on"],
            note=form.cleaned_data["note"],
            proof=proof.file if proof else None,
            proof_name=proof.name if proof else "",
            today=clock.today(),
            now=clock.now(),
        )

    return _act(request, task.proceeding, f"done-{task.pk}", form, act, _("La tâche est faite."))


@require_POST
@permission_required("risk.watch")
def task_drop(request: HttpRequest, pk: int) -> HttpResponse:
    task = _visible_task(request, pk)
    form = NoteForm(request.POST, prefix=f"note-{task.pk}")
    return _act(
        request, task.proceeding, f"note-{task.pk}", form,
        lambda: insolvency.drop_task(actor=request.user, task=task, now=clock.now(), **form.cleaned_data),
        _("La tâche est sans objet."),
    )  # fmt: skip


@require_POST
@permission_required("risk.watch")
def task_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    task = _visible_task(request, pk)
    form = NoteForm(request.POST, prefix=f"note-{task.pk}")
    return _act(
        request, task.proceeding, f"note-{task.pk}", form,
        lambda: insolvency.reopen_task(actor=request.user, task=task, now=clock.now(), **form.cleaned_data),
        _("La tâche est rouverte."),
    )  # fmt: skip
