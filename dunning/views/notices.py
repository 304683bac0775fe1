"""Relances: the lists of what waits, one notice, its letter, and the decisions on it."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_POST

from core import audit, clock
from core.audit_words import told
from core.errors import BusinessError
from core.files_http import file_response
from core.jobs import kick
from core.keyset import keyset_page
from core.legal import MissingLegalParameter, register
from core.money import format_count
from core.rights import has_permission, permission_required
from dunning.delivery_story import story_of
from dunning.filters import NoticeFilter
from dunning.forms import PostingForm, ReasonForm, SentForm
from dunning.forms_mail import RetryForm
from dunning.gate import explain, obstacles
from dunning.gate_facts import notice_now
from dunning.letter_context import LetterFacts, StatementChanged, letter_context
from dunning.letters.context import LetterContextError
from dunning.letters.render import render_pdf
from dunning.models import Level, Notice
from dunning.operations.deliveries import retry_notice
from dunning.operations.notices import approve_notices, mark_sent, reject_notices
from dunning.operations.posting import confirm_posting
from dunning.operations.redone_letters import address_has_changed, redo_letter
from dunning.operations.undone_approvals import undo_approval, undoable
from dunning.views.places import tabs
from dunning.views.tones import NOTICE_TONES

PAGE_SIZE = 50
TITLES = {
    "to-post": gettext_lazy("Courriers à poster"),
    "failed": gettext_lazy("Envois en échec"),
    "approved": gettext_lazy("Relances validées"),
    "all": gettext_lazy("Suivi des relances"),
}


@require_GET
@permission_required("dunning.view")
def notice_list(request: HttpRequest) -> HttpResponse:
    """Notices, latest first, and what may be done with the ticked ones. Those to approve have a list of their own."""
    if request.GET.getlist("status") == [Notice.Status.PROPOSED]:
        query = request.GET.copy()
        del query["status"]
        return redirect(f"{reverse('dunning:approval-list')}?{query.urlencode()}")
    visible = Notice.objects.visible_to(request.user).select_related(
        "customer", "legal_entity", "level", "run"
    )
    filterset = NoticeFilter(request.GET, queryset=visible, request=request)
    place = _place(request.GET.getlist("status"), request.GET.getlist("channel"))
    page = keyset_page(
        filterset.qs if filterset.is_valid() else visible.none(),
        # What waits for a decision: the largest first. The whole history: the latest first.
        order=("-pk",) if place == "all" else ("-open_amount", "-pk"),
        cursor=request.GET.get("cursor", ""),
        size=PAGE_SIZE,
    )
    notices = page.rows
    for notice in notices:
        notice.tone = NOTICE_TONES[Notice.Status(notice.status)]
    return render(
        request,
        "dunning/notice_list.html",
        {
            "notices": notices,
            "filterset": filterset,
            "place": place,
            "title": TITLES[place],
            "tabs": tabs(request, "all" if place == "approved" else place),
            "next_url": page.next_url(request.GET),
            "previous_url": page.previous_url(request.GET),
            "reason_form": ReasonForm(),
            "posting_form": PostingForm(initial={"posted_on": clock.today()}),
            "may_approve": has_permission(request.user, "dunning.approve"),
            "may_deliver": has_permission(request.user, "dunning.deliver"),
            "total_url": reverse("core:selection-total"),
        },
        status=200 if filterset.is_valid() else 400,
    )


def _place(states: list[str], channels: list[str]) -> str:
    if states == [Notice.Status.RENDERED] and channels:
        return "to-post"
    if states == [Notice.Status.APPROVED]:
        return "approved"
    return "failed" if states == [Notice.Status.FAILED] else "all"


def _visible(request: HttpRequest, pk: int) -> Notice:
    notices = Notice.objects.visible_to(request.user).select_related(
        "customer", "legal_entity__logo", "level__policy", "run", "decided_by"
    )
    notice: Notice = get_object_or_404(notices, pk=pk)
    return notice


@require_GET
@permission_required("dunning.view")
def notice_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One notice: its lines, its letter in place, what happened to it, and what may be done now."""
    notice = _visible(request, pk)
    notice.tone = NOTICE_TONES[Notice.Status(notice.status)]  # type: ignore[attr-defined]
    waiting = notice.status in (Notice.Status.PROPOSED, Notice.Status.APPROVED, Notice.Status.RENDERED)
    found = obstacles(notice_now(notice, today=clock.today())) if waiting else ()
    is_hand_over = notice.level.kind == Level.Kind.HAND_OVER
    letter = getattr(notice, "letter", None)
    return render(
        request,
        "dunning/notice_detail.html",
        {
            "notice": notice,
            "letter": letter,
            "case": getattr(notice, "case", None),
            "lines": notice.lines.select_related("item").order_by("item__due_date", "item_id"),
            "delivery_events": story_of(notice),
            "retry_form": RetryForm()
            if notice.level.channel in (Level.Channel.EMAIL, Level.Channel.SMS)
            else None,
            "events": told(audit.timeline(notice)[:50]),
            "obstacle": explain(found),
            "preview": not is_hand_over and letter is None and waiting,
            "is_hand_over": is_hand_over,
            "reason_form": ReasonForm(),
            "sent_form": SentForm(auto_id="sent_%s"),
            "is_on_paper": notice.level.channel in Level.POSTED,
            "address_has_changed": notice.status == Notice.Status.FAILED and address_has_changed(notice),
            "may_undo": has_permission(request.user, "dunning.approve")
            and undoable(Notice.objects.filter(pk=pk)).exists(),
            "posting_form": PostingForm(initial={"posted_on": clock.today()}),
            "may_approve": has_permission(request.user, "dunning.approve"),
            "may_deliver": has_permission(request.user, "dunning.deliver"),
            "to_post": notice.status == Notice.Status.RENDERED and notice.level.channel in Level.POSTED,
        },
    )


@xframe_options_sameorigin
@require_GET
@permission_required("dunning.view")
def letter_pdf(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The letter as it was made, byte for byte."""
    notice = _visible(request, pk)
    letter = getattr(notice, "letter", None)
    if letter is None:
        return redirect("dunning:notice-detail", pk=pk)
    return file_response(letter.file, in_place="telecharger" not in request.GET)


@xframe_options_sameorigin
@require_GET
@permission_required("dunning.view")
def notice_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """How the letter would look if it were made now; nothing is kept."""
    notice = _visible(request, pk)
    if notice.level.kind == Level.Kind.HAND_OVER:
        return redirect("dunning:notice-detail", pk=pk)
    facts = LetterFacts(register())
    try:
        context = letter_context(notice, facts=facts, today=clock.today())
        content = render_pdf(context, logo=facts.logo(notice.legal_entity.logo))
    except (LetterContextError, StatementChanged, MissingLegalParameter) as error:
        return HttpResponse(str(error), status=409, content_type="text/plain; charset=utf-8")
    return HttpResponse(content, content_type="application/pdf")


def _ticked(request: HttpRequest) -> list[int]:
    """The notices ticked on the page. Raises BusinessError when there is none."""
    values = [value for value in request.POST.getlist("selected") if value.isdecimal() and len(value) < 19]
    if not values:
        raise BusinessError(_("Cochez au moins une relance."), code="nothing_ticked", field="selected")
    return [int(value) for value in values]


def _back(request: HttpRequest) -> HttpResponse:
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = reverse("dunning:approval-list")
    # Not `redirect`, which takes a word for the name of a page.
    return HttpResponseRedirect(target)


def _answer(request: HttpRequest, act: Callable[[], str]) -> HttpResponse:
    """Do it and go back; a refusal is told above the page and changes nothing."""
    try:
        messages.success(request, act())
    except BusinessError as error:
        messages.error(request, str(error))
    return _back(request)


def _passed_over(count: int) -> str:
    """What was ticked and not moved: decided meanwhile, or kept back by a stop or a guarded run."""
    if not count:
        return ""
    return ngettext(
        "%(count)s autre reste en l’état : décidée entre-temps, arrêtée, ou d’une campagne retenue.",
        "%(count)s autres restent en l’état : décidées entre-temps, arrêtées, ou de campagnes retenues.",
        count,
    ) % {"count": format_count(count)}


@require_POST
@permission_required("dunning.approve")
def notice_approve(request: HttpRequest) -> HttpResponse:
    """Approve the ticked notices."""

    def act() -> str:
        told = approve_notices(
            actor=request.user, notice_ids=_ticked(request), today=clock.today(), now=clock.now()
        )
        approved = ngettext("%(count)s relance validée.", "%(count)s relances validées.", told.decided) % {
            "count": format_count(told.decided)
        }
        return f"{approved} {_passed_over(told.passed_over)}".strip()

    return _answer(request, act)


@require_POST
@permission_required("dunning.approve")
def notice_undo_approval(request: HttpRequest) -> HttpResponse:
    """Put the ticked notices back among those to validate."""

    def act() -> str:
        told = undo_approval(actor=request.user, notice_ids=_ticked(request), now=clock.now())
        undone = ngettext(
            "%(count)s relance est de nouveau à valider.",
            "%(count)s relances sont de nouveau à valider.",
            told.decided,
        ) % {"count": format_count(told.decided)}
        left = ngettext(
            "%(count)s autre est déjà produite ou partie.",
            "%(count)s autres sont déjà produites ou parties.",
            told.passed_over,
        ) % {"count": format_count(told.passed_over)}
        return f"{undone} {left}" if told.passed_over else undone

    return _answer(request, act)


@require_POST
@permission_required("dunning.approve")
def notice_reject(request: HttpRequest) -> HttpResponse:
    """Set the ticked notices aside, with a reason."""

    def act() -> str:
        told = reject_notices(
            actor=request.user,
            notice_ids=_ticked(request),
            reason=ReasonForm.read(request.POST),
            now=clock.now(),
        )
        rejected = ngettext("%(count)s relance écartée.", "%(count)s relances écartées.", told.decided) % {
            "count": format_count(told.decided)
        }
        return f"{rejected} {_passed_over(told.passed_over)}".strip()

    return _answer(request, act)


@require_POST
@permission_required("dunning.deliver")
def notice_post(request: HttpRequest) -> HttpResponse:
    """Confirm that the ticked letters were posted."""
    form = PostingForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(message for errors in form.errors.values() for message in errors))
        return _back(request)

    def act() -> str:
        posted = confirm_posting(
            actor=request.user,
            notice_ids=_ticked(request),
            posted_on=form.cleaned_data["posted_on"],
            today=clock.today(),
            now=clock.now(),
        )
        return ngettext("%(count)d courrier posté.", "%(count)d courriers postés.", posted) % {
            "count": posted
        }

    return _answer(request, act)


@require_POST
@permission_required("dunning.deliver")
def notice_retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a failed notice again."""
    notice = _visible(request, pk)

    def act() -> str:
        form = RetryForm(request.POST)
        if not form.is_valid():
            raise BusinessError(_("Cette adresse ne peut pas servir."), field="send_to")
        retry_notice(actor=request.user, notice=notice, now=clock.now(), **form.cleaned_data)
        return _("La relance repart.")

    return _answer(request, act)


@require_POST
@permission_required("dunning.approve")
def notice_redo(request: HttpRequest, pk: int) -> HttpResponse:
    """Do a letter again that came back, to the customer's corrected address."""
    notice = _visible(request, pk)

    def act() -> str:
        redo_letter(actor=request.user, notice_id=notice.pk, today=clock.today(), now=clock.now())
        kick("dunning.tasks.plan_requested_runs")
        return _("La relance est écartée, et une campagne la propose de nouveau à la bonne adresse.")

    return _answer(request, act)


@require_POST
@permission_required("dunning.approve")
def notice_sent(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that a notice whose sending failed reached the customer."""
    notice = _visible(request, pk)
    form = SentForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(message for errors in form.errors.values() for message in errors))
        return _back(request)

    def act() -> str:
        mark_sent(
            actor=request.user, notice=notice, today=clock.today(), now=clock.now(), **form.cleaned_data
        )
        return _("La relance compte comme reçue : l’étape suivante part de ce jour.")

    return _answer(request, act)
