"""The watch: what waits for a person, what was published, the files taken in, one announcement."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from core.keyset import keyset_page
from core.money import format_count
from core.rights import has_permission, permission_required, signed_in
from risk.forms_watch import EVENT_KINDS, AttachForm, DecisionForm, NoteForm, WatchFileForm
from risk.models import EventOutcome, LegalEvent, WatchFile
from risk.operations.legal_events import Taken, attach_event, set_event_aside, take_watch_file
from risk.operations.outcomes import decide_outcome
from risk.views.places import subtabs, tabs
from risk.watch import candidates, outcomes_to_review, unmatched
from risk.watch_words import KIND_TONES, PROBLEMS, STATUS_TONES, told

EVENT_ORDER = ("-publication_date", "-pk")
OUTCOME_ORDER = ("-recorded_at", "-pk")
FILE_ORDER = ("-received_at", "-pk")
FACTS = (
    "text",
    "name",
    "address",
    "ceased_on",
    "closed_on",
    "accounts",
    "partial_diffusion",
    "published_address",
)


def _frame(request: HttpRequest, active: str) -> dict[str, Any]:
    return {
        "tabs": tabs(request, active),
        "subtabs": subtabs(request, active),
        "may_watch": has_permission(request.user, "risk.watch"),
    }


def _row(outcome: EventOutcome) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "event": outcome.event,
        "customer": outcome.customer,
        "tone": KIND_TONES.get(outcome.event.kind, "info"),
        "status_tone": STATUS_TONES[EventOutcome.Status(outcome.status)],
        "reasons": told(outcome.reasons),
    }


@require_GET
@permission_required("risk.view")
def watch_list(request: HttpRequest) -> HttpResponse:
    """What waits for a decision, then the announcements that no SIREN ties to an account."""
    user = signed_in(request)
    waiting = outcomes_to_review(user).select_related("event", "customer__legal_entity", "proceeding")
    page = keyset_page(waiting, order=OUTCOME_ORDER, cursor=request.GET.get("cursor", ""))
    lost = list(unmatched(user).order_by(*EVENT_ORDER)[:50])
    context = _frame(request, "watch") | {
        "rows": [_row(outcome) for outcome in page.rows],
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "unmatched": [{"event": event, "reasons": told(event.doubts)} for event in lost],
        "has_files": WatchFile.objects.exists(),
    }
    return render(request, "risk/watch_list.html", context)


@require_GET
@permission_required("risk.view")
def event_list(request: HttpRequest) -> HttpResponse:
    """Every announcement of one's customers, the latest first."""
    user = signed_in(request)
    asked, text = request.GET.get("kind", ""), " ".join(request.GET.get("q", "").split())[:80]
    events = LegalEvent.objects.visible_to(user)
    if asked in LegalEvent.Kind.values:
        events = events.filter(kind=asked)
    if text:
        digits = "".join(char for char in text if char.isdigit() and char.isascii())
        found = Q(name__icontains=text) | Q(notice_id__iexact=text)
        events = events.filter(found | Q(siren=digits) if len(digits) == 9 else found)
    page = keyset_page(
        events.annotate(account_count=Count("outcomes")), order=EVENT_ORDER, cursor=request.GET.get("cursor", "")
    )  # fmt: skip
    context = _frame(request, "watch-events") | {
        "rows": [{"event": event, "tone": KIND_TONES.get(event.kind, "info")} for event in page.rows],
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "kinds": EVENT_KINDS,
        "asked": asked,
        "text": text,
    }
    return render(request, "risk/event_list.html", context)


def _visible_event(request: HttpRequest, pk: int) -> LegalEvent:
    events = LegalEvent.objects.visible_to(signed_in(request)).select_related("file", "earlier", "matched_by")
    event: LegalEvent = get_object_or_404(events, pk=pk)
    return event


def _event_page(
    request: HttpRequest, event: LegalEvent, *, forms: dict[int, DecisionForm] | None = None, **extra: Any
) -> HttpResponse:
    """The announcement, what came of it on each account one sees, and what may be decided."""
    user = signed_in(request)
    frame = _frame(request, "watch-events")
    rows = []
    outcomes = EventOutcome.objects.visible_to(user).filter(event=event).select_related(
        "event", "customer__legal_entity", "proceeding", "decided_by"
    )  # fmt: skip
    for outcome in outcomes.order_by("pk"):
        form = (forms or {}).get(outcome.pk)
        if form is None and outcome.status == EventOutcome.Status.TO_REVIEW and frame["may_watch"]:
            form = DecisionForm(outcome=outcome, prefix=str(outcome.pk))
        rows.append(_row(outcome) | {"form": form})
    is_unmatched = event.matching in (LegalEvent.Matching.UNMATCHED, LegalEvent.Matching.SET_ASIDE)
    context = frame | {
        "event": event,
        "facts": {name: event.facts.get(name, "") for name in FACTS},
        "tone": KIND_TONES.get(event.kind, "info"),
        "doubts": told(event.doubts),
        "rows": rows,
        "later": list(event.later_notices.order_by("publication_date")),
        "is_unmatched": is_unmatched,
        "candidates": candidates(event, user) if is_unmatched else [],
        "attach_form": AttachForm(actor=user, prefix="attach"),
        "aside_form": NoteForm(prefix="aside"),
    }
    context |= extra
    refused = any(form.errors for form in (forms or {}).values()) or bool(extra)
    return render(request, "risk/event_detail.html", context, status=422 if refused else 200)


@require_GET
@permission_required("risk.view")
def event_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _event_page(request, _visible_event(request, pk))


@require_POST
@permission_required("risk.watch")
def outcome_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Decide on what waits for one account."""
    outcomes = EventOutcome.objects.visible_to(signed_in(request)).select_related("event", "customer")
    outcome = get_object_or_404(outcomes, pk=pk)
    form = DecisionForm(request.POST, outcome=outcome, prefix=str(outcome.pk))
    if form.is_valid():
        found = form.cleaned_data
        try:
            decide_outcome(
                actor=request.user,
                outcome=outcome,
                choice=found["choice"],
                note=found["note"],
                kind=found.get("kind", ""),
                procedure=found.get("procedure", ""),
                today=clock.today(),
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(
                request, _("Décision enregistrée pour « %(name)s ».") % {"name": outcome.customer.name}
            )
            return redirect("risk:event-detail", pk=outcome.event_id)
    return _event_page(request, _visible_event(request, outcome.event_id), forms={outcome.pk: form})


@require_POST
@permission_required("risk.watch")
def event_attach(request: HttpRequest, pk: int) -> HttpResponse:
    """Say whose announcement it is."""
    event = _visible_event(request, pk)
    form = AttachForm(request.POST, actor=signed_in(request), prefix="attach")
    if form.is_valid() and form.customer is not None:
        try:
            attach_event(
                actor=request.user,
                event=event,
                customer=form.customer,
                note=form.cleaned_data["note"],
                today=clock.today(),
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(
                request, _("L’annonce est rapprochée de « %(name)s ».") % {"name": form.customer.name}
            )
            return redirect("risk:event-detail", pk=pk)
    return _event_page(request, event, attach_form=form)


@require_POST
@permission_required("risk.watch")
def event_aside(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that it is no customer's."""
    event = _visible_event(request, pk)
    form = NoteForm(request.POST, prefix="aside")
    if form.is_valid():
        try:
            set_event_aside(actor=request.user, event=event, note=form.cleaned_data["note"], now=clock.now())
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("L’annonce est écartée."))
            return redirect("risk:watch-list")
    return _event_page(request, event, aside_form=form)


@require_GET
@permission_required("risk.view")
def watch_file_list(request: HttpRequest) -> HttpResponse:
    """What was taken in, from where, and what it held."""
    files = WatchFile.objects.select_related("received_by")
    page = keyset_page(files, order=FILE_ORDER, cursor=request.GET.get("cursor", ""))
    rows = [
        {
            "file": file,
            "problems": [
                {**problem, "said": PROBLEMS.get(problem.get("code"), _("Illisible."))}
                for problem in file.problems[:20]
            ],
            "more": max(0, file.problem_count - 20),
        }
        for file in page.rows
    ]
    context = _frame(request, "watch-files") | {
        "rows": rows,
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
    }
    return render(request, "risk/watch_file_list.html", context)


@require_http_methods(["GET", "POST"])
@permission_required("risk.watch")
def watch_upload(request: HttpRequest) -> HttpResponse:
    """Take in a file of announcements: what concerns one's customers is applied at once."""
    form = WatchFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        limit = settings.WATCH_MAX_BYTES
        content = upload.read(limit + 1)
        if len(content) > limit:
            form.add_error("file", _("Le fichier dépasse %(size)s Mo : partagez-le par dates de parution, ou déposez-le dans le dossier surveillé.") % {"size": limit // 1_048_576})  # fmt: skip
        else:
            try:
                taken = take_watch_file(
                    actor=request.user,
                    content=content,
                    name=upload.name or "annonces",
                    source=WatchFile.Source.UPLOAD,
                    today=clock.today(),
                    now=clock.now(),
                )
            except BusinessError as error:
                show_refusal(form, error)
            else:
                _tell(request, taken)
                return redirect("risk:watch-list" if taken.file.new_count else "risk:watch-file-list")
    context = _frame(request, "watch-files") | {"form": form}
    return render(request, "risk/watch_upload.html", context, status=422 if form.errors else 200)


def _tell(request: HttpRequest, taken: Taken) -> None:
    file = taken.file
    if not taken.is_new:
        messages.info(
            request,
            _("Ce fichier a déjà été reçu le %(day)s : rien ne change.")
            % {"day": f"{file.received_at:%d/%m/%Y}"},
        )
        return
    said = ngettext(
        "%(count)s annonce concerne vos clients.",
        "%(count)s annonces concernent vos clients.",
        file.new_count,
    ) % {"count": format_count(file.new_count)}
    more = _(
        "Lues : %(read)s, déjà connues : %(known)s, sans rapport : %(foreign)s, illisibles : %(bad)s."
    ) % {
        "read": format_count(file.record_count),
        "known": format_count(file.known_count),
        "foreign": format_count(file.foreign_count),
        "bad": format_count(file.problem_count),
    }
    told_as = messages.warning if file.problem_count else messages.success
    told_as(request, f"{said} {more}")
