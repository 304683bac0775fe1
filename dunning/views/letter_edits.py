"""The words of one letter before it leaves, and the paper of an entity."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core import clock
from core.errors import BusinessError
from core.legal import register
from core.rights import permission_required, signed_in
from customers.models import LegalEntity
from dunning.forms_letter_templates import LetterheadForm, LetterTextForm
from dunning.letter_context import LetterFacts, letter_context
from dunning.letter_texts import choose_texts, letter_kind
from dunning.letters.lint import has_errors, lint
from dunning.models import Letterhead, Notice
from dunning.operations.letter_texts import EDITABLE, LetterTextRefused, edit_letter
from dunning.operations.letterheads import set_letterhead
from dunning.template_words import differences, palette, told
from dunning.views.letter_previews import REFUSALS, no_preview, refusal_of, screen_of
from dunning.views.places import tabs


@require_http_methods(["GET", "POST"])
@permission_required("dunning.approve")
def letter_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The words of one letter: its template's until a person changes them."""
    notice = _editable(request, pk)
    if request.method != "POST":
        texts = choose_texts(notice, LetterFacts(register()).templates).texts
        return _page(request, notice, LetterTextForm(initial={"subject": texts.subject, "body": texts.body}))
    form = LetterTextForm(request.POST)
    if not form.is_valid():
        return _page(request, notice, form, status=400)
    subject, body = form.words()
    if request.POST.get("action") == "check":
        return _page(request, notice, form, words=(subject, body))
    if request.POST.get("action") == "restore":
        notice.edited_subject = notice.edited_body = ""
        texts = choose_texts(notice, LetterFacts(register()).templates).texts
        subject, body = texts.subject, texts.body
    try:
        edit_letter(
            actor=signed_in(request),
            notice_id=pk,
            subject=subject,
            body=body,
            today=clock.today(),
            now=clock.now(),
        )
    except LetterTextRefused as error:
        messages.error(request, str(error))
        return _page(request, notice, form, words=(subject, body), status=409)
    except (BusinessError, *REFUSALS) as error:
        form.add_error(None, refusal_of(error))
        return _page(request, notice, form, status=409)
    messages.success(request, _("Texte du courrier enregistré."))
    return redirect("dunning:notice-detail", pk=pk)


@require_POST
@permission_required("dunning.approve")
def letter_edit_check(request: HttpRequest, pk: int) -> HttpResponse:
    """The reading and the preview of the words being written; nothing is kept."""
    notice = _editable(request, pk)
    form = LetterTextForm(request.POST)
    words = form.words() if form.is_valid() else None
    return render(
        request, "dunning/letter_template_check.html", {**_read(notice, words), "form_errors": form.errors}
    )


@require_http_methods(["GET", "POST"])
@permission_required("dunning.manage_templates")
def letterhead_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Where an entity's envelopes have their window."""
    entity = get_object_or_404(LegalEntity.objects.visible_to(signed_in(request)), pk=pk)
    head = Letterhead.objects.filter(legal_entity=entity).first()
    head = head or Letterhead(legal_entity=entity, window_top=55)
    form = LetterheadForm(request.POST if request.method == "POST" else None, instance=head)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                set_letterhead(
                    actor=signed_in(request), legal_entity=entity, values=form.cleaned_data, now=clock.now()
                )
                messages.success(request, _("Papier enregistré : les prochains courriers le suivent."))
                return redirect("dunning:template-list")
            except BusinessError as error:
                form.add_error(None, str(error))
    return render(
        request,
        "dunning/letter_template_paper.html",
        {"entity": entity, "form": form, "tabs": tabs(request, "templates")},
        status=status,
    )


def _editable(request: HttpRequest, pk: int) -> Notice:
    notice = get_object_or_404(
        Notice.objects.visible_to(signed_in(request)).select_related(
            "legal_entity__logo", "customer", "level", "run"
        ),
        pk=pk,
    )
    if notice.level.channel in notice.level.WITHOUT_LETTER:
        raise Http404
    return notice


def _page(
    request: HttpRequest,
    notice: Notice,
    form: LetterTextForm,
    *,
    words: tuple[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    return render(
        request,
        "dunning/letter_template_one.html",
        {
            "notice": notice,
            "form": form,
            "editable": notice.status in EDITABLE,
            "palette": palette(letter_kind(notice.level.kind)),
            **_read(notice, words),
        },
        status=status,
    )


def _read(notice: Notice, words: tuple[str, str] | None) -> dict[str, object]:
    """The letter with these words, read over; the notice is not kept."""
    facts = LetterFacts(register())
    edited = bool(notice.edited_body)
    if words is not None:
        notice.edited_subject, notice.edited_body = words
    kept = (notice.edited_subject, notice.edited_body)
    notice.edited_subject = notice.edited_body = ""
    usual = choose_texts(notice, facts.templates).texts
    notice.edited_subject, notice.edited_body = kept
    try:
        letter = letter_context(notice, facts=facts, today=clock.today())
        assert letter.template is not None
        findings = lint(letter.template, samples=[letter])
        changes = differences(usual, letter.template)
        preview = screen_of(letter)
    except REFUSALS as error:
        findings, changes, preview = [], [], no_preview(error)
    return {
        "findings": told(findings),
        "has_errors": has_errors(findings),
        "preview": preview,
        "changes": changes,
        "edited": edited,
        "form_errors": {},
    }
