"""La poste: letters that wait, batches printed or handed over, registered numbers, what the printer answered."""

from collections.abc import Callable, Iterator

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from core import clock
from core.errors import BusinessError
from core.files_http import file_response
from core.keyset import keyset_page
from core.rights import has_permission, permission_required
from dunning.filters import NoticeFilter
from dunning.forms import PostingForm
from dunning.forms_post import BatchForm, BatchPostingForm, NumbersForm, entered_numbers
from dunning.gate import explain, obstacles
from dunning.gate_facts import notices_now
from dunning.models import Delivery, Level, Notice, PostAnswerFile, PostBatch
from dunning.operations.post_answers import close_answer_lines
from dunning.operations.post_batches import prepare_batches, undo_batch
from dunning.operations.post_exchange import manifest_row
from dunning.operations.posting import confirm_batch_posting, enter_tracking_numbers
from dunning.post.exchange import exchange_is_configured
from dunning.post.manifest import manifest_csv
from dunning.post_reads import letters_of, open_answer_lines, to_post, visible_batches
from dunning.views.places import tabs
from dunning.views.tones import BATCH_TONES, DELIVERY_TONES

PAGE_SIZE = 50
_STATUS = PostBatch.Status


@require_GET
@permission_required("dunning.view")
def post_list(request: HttpRequest) -> HttpResponse:
    """The letters on paper that wait for the post, and the batches under way."""
    mine = Notice.objects.visible_to(request.user).values("pk")
    waiting = to_post(clock.now()).filter(pk__in=mine)
    filterset = NoticeFilter(
        request.GET,
        queryset=waiting.select_related("customer", "legal_entity", "level", "letter"),
        request=request,
    )
    for name in ("status", "run"):
        filterset.form.fields.pop(name, None)
    page = keyset_page(
        filterset.qs if filterset.is_valid() else waiting.none(),
        order=("-open_amount", "-pk"),
        cursor=request.GET.get("cursor", ""),
        size=PAGE_SIZE,
    )
    under_way = visible_batches(request.user).filter(status=_STATUS.PREPARED).select_related("legal_entity")
    return render(
        request,
        "dunning/post_list.html",
        {
            "notices": page.rows,
            "filterset": filterset,
            "tabs": tabs(request, "to-post"),
            "next_url": page.next_url(request.GET),
            "previous_url": page.previous_url(request.GET),
            "batches": _toned(list(under_way.order_by("-pk")[:20])),
            "batch_form": BatchForm(),
            "posting_form": PostingForm(initial={"posted_on": clock.today()}),
            "exchange": exchange_is_configured(),
            "may_deliver": has_permission(request.user, "dunning.deliver"),
            "total_url": reverse("core:selection-total"),
            "has_filters": any(request.GET.get(name) for name in filterset.form.fields),
        },
        status=200 if filterset.is_valid() else 400,
    )


@require_POST
@permission_required("dunning.deliver")
def batch_create(request: HttpRequest) -> HttpResponse:
    """Put the ticked letters in batches, or all that wait."""
    values = [value for value in request.POST.getlist("selected") if value.isdecimal() and len(value) < 19]
    everything = "all" in request.POST
    try:
        if not values and not everything:
            raise BusinessError(_("Cochez au moins un courrier, ou composez un lot de tous."))
        batches = prepare_batches(
            actor=request.user,
            provider=PostBatch.Provider.EXCHANGE if exchange_is_configured() else PostBatch.Provider.HOUSE,
            today=clock.today(),
            now=clock.now(),
            notice_ids=None if everything else [int(value) for value in values],
            is_duplex="is_duplex" in request.POST,
        )
    except BusinessError as error:
        messages.error(request, str(error))
        return redirect("dunning:post-list")
    letters = sum(batch.letter_count for batch in batches)
    messages.success(
        request,
        ngettext(
            "%(count)d courrier mis en lot : son PDF se prépare.",
            "%(count)d courriers mis en lot : leur PDF se prépare.",
            letters,
        )
        % {"count": letters},
    )
    if len(batches) == 1:
        return redirect("dunning:post-batch-detail", pk=batches[0].pk)
    return redirect("dunning:post-batch-list")


@require_GET
@permission_required("dunning.view")
def batch_list(request: HttpRequest) -> HttpResponse:
    """Every batch, the latest first, with how far its letters are."""
    counted = {
        f"{name}_count": Count("deliveries", filter=Q(deliveries__status=status))
        for name, status in (
            ("waiting", Delivery.Status.STARTED),
            ("posted", Delivery.Status.HANDED),
            ("delivered", Delivery.Status.DELIVERED),
            ("returned", Delivery.Status.RETURNED),
            ("failed", Delivery.Status.FAILED),
        )
    }
    page = keyset_page(
        visible_batches(request.user).select_related("legal_entity", "created_by").annotate(**counted),
        order=("-pk",),
        cursor=request.GET.get("cursor", ""),
        size=PAGE_SIZE,
    )
    return render(
        request,
        "dunning/post_batch_list.html",
        {
            "batches": _toned(page.rows),
            "tabs": tabs(request, "post-batches"),
            "next_url": page.next_url(request.GET),
            "previous_url": page.previous_url(request.GET),
            "problem_count": open_answer_lines(request.user)[:1000].count(),
            "exchange": exchange_is_configured(),
        },
    )


@require_GET
@permission_required("dunning.view")
def batch_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One batch: its PDF and manifest, each letter with its tracking, and what may be done now."""
    return _batch_page(request, _visible(request, pk))


def _batch_page(request: HttpRequest, batch: PostBatch, status: int = 200, error: str = "") -> HttpResponse:
    deliveries = list(letters_of(batch).select_related("notice__legal_entity", "proof"))
    held = _to_pull(batch, deliveries)
    for delivery in deliveries:
        delivery.tone = DELIVERY_TONES[delivery.status]  # type: ignore[attr-defined]
        delivery.state = _state(batch, delivery)  # type: ignore[attr-defined]
        delivery.obstacle = held.get(delivery.notice_id, "")  # type: ignore[attr-defined]
        delivery.entered = request.POST.get(f"number-{delivery.pk}", delivery.tracking_number)  # type: ignore[attr-defined]
        delivery.takes_number = (  # type: ignore[attr-defined]
            batch.channel == Level.Channel.REGISTERED and delivery.status != Delivery.Status.FAILED
        )
    _toned([batch])
    may_deliver = has_permission(request.user, "dunning.deliver")
    is_house = batch.provider == PostBatch.Provider.HOUSE
    to_post_now = is_house and batch.status == _STATUS.PREPARED
    posted = request.POST or None
    return render(
        request,
        "dunning/post_batch_detail.html",
        {
            "batch": batch,
            "deliveries": deliveries,
            "held_count": len(held),
            "is_house": is_house,
            "is_registered": batch.channel == Level.Channel.REGISTERED,
            "may_post": may_deliver and to_post_now and batch.file_id is not None,
            "may_undo": may_deliver and to_post_now,
            "may_number": may_deliver
            and batch.channel == Level.Channel.REGISTERED
            and batch.status not in (_STATUS.PREPARED, _STATUS.REFUSED),
            "is_preparing": batch.status == _STATUS.PREPARED and (not is_house or batch.file_id is None),
            "posting_form": BatchPostingForm(posted, initial={"posted_on": clock.today()}),
            "numbers_form": NumbersForm(posted),
            "error": error,
            "tabs": tabs(request, "post-batches"),
        },
        status=status,
    )


def _state(batch: PostBatch, delivery: Delivery) -> str:
    """Where the letter is, in the words of the batch."""
    if delivery.status != Delivery.Status.STARTED:
        return str(delivery.get_status_display())
    if batch.provider == PostBatch.Provider.EXCHANGE:
        return _("À remettre") if batch.status == _STATUS.PREPARED else _("Chez le prestataire")
    return _("Imprimé, à déposer") if batch.file_id else _("À imprimer")


def _to_pull(batch: PostBatch, deliveries: list[Delivery]) -> dict[int, str]:
    """The letters of a printed batch that must come out of the pile now, with why."""
    if batch.status != _STATUS.PREPARED:
        return {}
    waiting = [delivery.notice for delivery in deliveries if delivery.status == Delivery.Status.STARTED]
    notices = [notice for notice in waiting if notice.status == Notice.Status.RENDERED]
    facts = notices_now(notices, today=clock.today())
    found = {notice.pk: explain(obstacles(facts[notice.pk])) for notice in notices}
    held = {notice.pk: notice.reason for notice in waiting if notice.status == Notice.Status.HELD}
    return {key: reason for key, reason in (found | held).items() if reason}


@require_GET
@permission_required("dunning.view")
def batch_pdf(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The batch in one PDF, to be printed."""
    batch = _visible(request, pk)
    if batch.file is None:
        return redirect("dunning:post-batch-detail", pk=pk)
    return file_response(batch.file, in_place=True)


@require_GET
@permission_required("dunning.view")
def batch_manifest(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The manifest as a table."""
    batch = _visible(request, pk)
    deliveries = letters_of(batch).exclude(status=Delivery.Status.FAILED)

    def lines() -> Iterator[str]:
        yield "\ufeff"
        yield from manifest_csv(manifest_row(delivery) for delivery in deliveries.iterator(chunk_size=200))

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{batch.reference}.csv"'
    return response


@require_POST
@permission_required("dunning.deliver")
def batch_post(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm that the batch was given to the post."""
    batch = _visible(request, pk)
    form = BatchPostingForm(request.POST)
    if not form.is_valid():
        return _batch_page(request, batch, 422)

    def act() -> str:
        deliveries = list(letters_of(batch).filter(status=Delivery.Status.STARTED))
        numbers = entered_numbers(request.POST, deliveries)
        of_notice = {delivery.pk: delivery.notice_id for delivery in deliveries}
        posting = confirm_batch_posting(
            actor=request.user,
            batch_id=batch.pk,
            posted_on=form.cleaned_data["posted_on"],
            numbers={of_notice[key]: number for key, number in numbers.items()},
            today=clock.today(),
            now=clock.now(),
        )
        if posting.held:
            messages.warning(
                request,
                _("À retirer de la pile, ces courriers ne doivent plus partir : %(names)s.")
                % {"names": ", ".join(notice.customer.name for notice in posting.held[:20])},
            )
        return ngettext("%(count)d courrier déposé.", "%(count)d courriers déposés.", posting.posted) % {
            "count": posting.posted
        }

    return _done(request, batch, act)


@require_POST
@permission_required("dunning.deliver")
def batch_numbers(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter or put right the registered numbers of a batch that was posted."""
    batch = _visible(request, pk)

    def act() -> str:
        deliveries = list(letters_of(batch).exclude(status=Delivery.Status.FAILED))
        changed = enter_tracking_numbers(
            actor=request.user, numbers=entered_numbers(request.POST, deliveries), now=clock.now()
        )
        return ngettext("%(count)d numéro enregistré.", "%(count)d numéros enregistrés.", changed) % {
            "count": changed
        }

    return _done(request, batch, act)


@require_POST
@permission_required("dunning.deliver")
def batch_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Give up a printed batch: its letters wait for the post again."""
    batch = _visible(request, pk)

    def act() -> str:
        undo_batch(actor=request.user, batch_id=batch.pk, now=clock.now())
        return _("Le lot est défait : ses courriers attendent de nouveau la poste.")

    return _done(request, batch, act)


def _done(request: HttpRequest, batch: PostBatch, act: Callable[[], str]) -> HttpResponse:
    try:
        messages.success(request, act())
    except BusinessError as error:
        batch.refresh_from_db()
        return _batch_page(request, batch, 422, str(error))
    return redirect("dunning:post-batch-detail", pk=batch.pk)


@require_POST
@permission_required("dunning.deliver")
def delivery_number(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter the registered number of one letter, from its notice."""
    delivery = _visible_delivery(request, pk)
    try:
        enter_tracking_numbers(
            actor=request.user, numbers={delivery.pk: request.POST.get("number", "")[:60]}, now=clock.now()
        )
        messages.success(request, _("Le numéro de recommandé est enregistré."))
    except BusinessError as error:
        messages.error(request, str(error))
    return redirect("dunning:notice-detail", pk=delivery.notice_id)


@require_GET
@permission_required("dunning.view")
def delivery_proof(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The proof of a delivery, as it was received."""
    delivery = _visible_delivery(request, pk)
    if delivery.proof is None:
        return redirect("dunning:notice-detail", pk=delivery.notice_id)
    return file_response(delivery.proof, in_place=True)


@require_GET
@permission_required("dunning.deliver")
def answer_list(request: HttpRequest) -> HttpResponse:
    """What the printer answered: the lines to look at, and the files."""
    page = keyset_page(
        open_answer_lines(request.user).select_related("file", "delivery__notice"),
        order=("-pk",),
        cursor=request.GET.get("cursor", ""),
        size=PAGE_SIZE,
    )
    return render(
        request,
        "dunning/post_answer_list.html",
        {
            "lines": page.rows,
            "files": PostAnswerFile.objects.order_by("-pk")[:20],
            "next_url": page.next_url(request.GET),
            "previous_url": page.previous_url(request.GET),
            "exchange": exchange_is_configured(),
            "tabs": tabs(request, "post-batches"),
        },
    )


@require_POST
@permission_required("dunning.deliver")
def answer_close(request: HttpRequest) -> HttpResponse:
    """Say that the ticked lines were looked at."""
    values = [value for value in request.POST.getlist("selected") if value.isdecimal() and len(value) < 19]
    closed = close_answer_lines(
        actor=request.user, line_ids=[int(value) for value in values], now=clock.now()
    )
    messages.success(
        request,
        ngettext("%(count)d ligne traitée.", "%(count)d lignes traitées.", closed) % {"count": closed},
    )
    return redirect("dunning:post-answer-list")


def _visible(request: HttpRequest, pk: int) -> PostBatch:
    batches = visible_batches(request.user).select_related("legal_entity", "file", "created_by")
    batch: PostBatch = get_object_or_404(batches, pk=pk)
    return batch


def _visible_delivery(request: HttpRequest, pk: int) -> Delivery:
    deliveries = Delivery.objects.filter(
        notice__in=Notice.objects.visible_to(request.user).values("pk")
    ).select_related("proof")
    delivery: Delivery = get_object_or_404(deliveries, pk=pk)
    return delivery


def _toned(batches: list[PostBatch]) -> list[PostBatch]:
    for batch in batches:
        batch.tone = BATCH_TONES[batch.status]  # type: ignore[attr-defined]
    return batches
