"""Appels à passer: their list, the page of one with its script, and what came of it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.errors import BusinessError
from core.keyset import chosen_order, keyset_page
from core.money import format_amount
from core.rights import has_permission, permission_required
from customers.models import Contact
from dunning.call_reads import (
    calls_to_make,
    calls_waiting,
    fruitless_calls,
    last_contacts_of,
    numbers_of,
    script_of,
    tel,
)
from dunning.filters_calls import CallFilter
from dunning.forms import ReasonForm
from dunning.forms_post import CallForm
from dunning.models import Call, Notice
from dunning.operations.calls import CallRefused, give_up_call, open_call, promisable_items, record_call
from dunning.views.places import tabs

PAGE_SIZE = 50
SORTS = {"amount": "open_amount", "due": "oldest_due_date", "customer": "customer__name", "tries": "tries"}


@require_GET
@permission_required("dunning.view")
def call_list(request: HttpRequest) -> HttpResponse:
    """The calls to make, the largest amount first; or those that wait, or that reach nobody."""
    which = request.GET.get("which", "")
    now = clock.now()
    calls = (
        calls_waiting(request.user, now)
        if which == "later"
        else fruitless_calls(request.user)
        if which == "fruitless"
        else calls_to_make(request.user, now)
    )
    filterset = CallFilter(
        request.GET, queryset=calls.select_related("customer", "legal_entity", "level"), request=request
    )
    page = keyset_page(
        filterset.qs if filterset.is_valid() else calls.none(),
        order=chosen_order(request.GET.get("sort", ""), SORTS, ("-open_amount", "-pk")),
        cursor=request.GET.get("cursor", ""),
        size=PAGE_SIZE,
    )
    phones = _phones(page.rows)
    for notice in page.rows:
        notice.phone = phones.get(notice.customer_id, "")  # type: ignore[attr-defined]
        notice.tel = tel(notice.phone)  # type: ignore[attr-defined]
    return render(
        request,
        "dunning/call_list.html",
        {
            "notices": page.rows,
            "which": which,
            "filterset": filterset,
            "tabs": tabs(request, "calls"),
            "next_url": page.next_url(request.GET),
            "previous_url": page.previous_url(request.GET),
            "later_count": calls_waiting(request.user, now).order_by()[:1000].count(),
            "fruitless_count": fruitless_calls(request.user).order_by()[:1000].count(),
            "may_call": has_permission(request.user, "dunning.call"),
        },
        status=200 if filterset.is_valid() else 400,
    )


def _phones(notices: list[Notice]) -> dict[int, str]:
    """The number to try first for each customer, in one query."""
    found = (
        Contact.objects.filter(customer__in=[notice.customer_id for notice in notices])
        .exclude(phone="")
        .order_by("customer", "-gets_dunning", "name", "pk")
        .distinct("customer")
    )
    return dict(found.values_list("customer", "phone"))


@require_http_methods(["GET", "POST"])
@permission_required("dunning.call")
def call_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Make one call: who, what to say, what is owed; then what came of it."""
    today, now = clock.today(), clock.now()
    try:
        opened = open_call(actor=request.user, notice_id=pk, today=today, now=now)
    except CallRefused:
        return render(request, "404.html", status=404)
    if opened.gone and request.method == "GET":
        messages.warning(request, opened.gone)
        return redirect("dunning:call-list")
    notice = opened.notice
    items = promisable_items(notice)
    contacts = numbers_of(notice.customer_id)
    form = CallForm(
        request.POST or None,
        items=[("", "—"), *((str(line.item_id), line.item.number) for line in _lines(notice))],
        initial={
            "phone": contacts[0].phone if contacts else "",
            "spoke_to": contacts[0].name if contacts else "",
            "promised_amount": sum((item.open_amount for item in items), start=0) or None,
        },
    )
    if request.method == "POST" and form.is_valid():
        answer = _recorded(request, notice, form)
        if answer is not None:
            return answer
    last = last_contacts_of(notice)
    for contact in contacts:
        contact.tel = tel(contact.phone)  # type: ignore[attr-defined]
    return render(
        request,
        "dunning/call_detail.html",
        {
            "notice": notice,
            "form": form,
            "contacts": contacts,
            "script": script_of(notice, contacts, last),
            "lines": _lines(notice),
            "last": last,
            "calls": notice.calls.select_related("called_by").order_by("-pk"),
            "tries": notice.calls.exclude(outcome__in=Call.PROVEN).count(),
            "reason_form": ReasonForm(),
            "promisable": format_amount(sum((item.open_amount for item in items), start=0), notice.currency),
        },
        status=422 if request.method == "POST" else 200,
    )


def _lines(notice: Notice):  # type: ignore[no-untyped-def]
    return notice.lines.select_related("item").order_by("item__due_date", "item_id")


def _recorded(request: HttpRequest, notice: Notice, form: CallForm) -> HttpResponse | None:
    """Record the call and go where it leads; None when it is refused, with the reason at its field."""
    data = dict(form.cleaned_data)
    item = data.pop("disputed_item")
    if data["outcome"] == Call.Outcome.DISPUTED and not item:
        form.add_error("disputed_item", _("Choisissez la pièce que le client conteste."))
        return None
    try:
        call = record_call(
            actor=request.user, notice_id=notice.pk, today=clock.today(), now=clock.now(), **data
        )
    except BusinessError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return None
    messages.success(request, _told(call))
    if call.outcome == Call.Outcome.DISPUTED:
        return redirect("invoices:item-dispute", pk=int(item))
    if call.outcome == Call.Outcome.WRONG_NUMBER:
        return redirect("customers:customer-detail", pk=notice.customer_id)
    return redirect("dunning:call-list")


def _told(call: Call) -> str:
    if call.outcome == Call.Outcome.DISPUTED:
        return _("Appel enregistré. Décrivez maintenant le litige annoncé.")
    if call.outcome == Call.Outcome.WRONG_NUMBER:
        return _("Appel enregistré. Corrigez le numéro du contact, puis rappelez.")
    if call.call_again_on is not None:
        return _("Appel enregistré : à rappeler le %(day)s.") % {"day": f"{call.call_again_on:%d/%m/%Y}"}
    return _("Appel enregistré : la relance est faite.")


@require_POST
@permission_required("dunning.call")
def call_give_up(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop calling; the notice waits among the failures for a person's decision."""
    try:
        notice = give_up_call(
            actor=request.user, notice_id=pk, reason=ReasonForm.read(request.POST), now=clock.now()
        )
    except CallRefused as error:
        if error.code == "call_unknown":
            return render(request, "404.html", status=404)
        messages.error(request, str(error))
        return redirect("dunning:call-detail", pk=pk)
    except BusinessError as error:
        messages.error(request, str(error))
        return redirect("dunning:call-detail", pk=pk)
    messages.success(request, _("L’appel est abandonné : décidez de la suite parmi les échecs."))
    return redirect("dunning:notice-detail", pk=notice.pk)
