"""What the pages of waivers and of limitation share: the item or the act in sight, and the page of one act."""

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render

from core.errors import BusinessError
from core.forms import show_refusal
from dunning.models import LimitationEvent
from invoices.models import OpenItem


def visible_claim(request: HttpRequest, pk: int) -> OpenItem:
    """A debit item in the person's scope."""
    items = OpenItem.objects.visible_to(request.user).filter(total_amount__gt=0)
    item: OpenItem = get_object_or_404(items.select_related("customer", "legal_entity"), pk=pk)
    return item


def visible_event(request: HttpRequest, pk: int) -> LimitationEvent:
    """An event in force in the person's scope."""
    events = LimitationEvent.objects.filter(
        item__in=OpenItem.objects.visible_to(request.user), withdrawn_on__isnull=True
    )
    event: LimitationEvent | None = events.select_related("item__customer", "file").filter(pk=pk).first()
    if event is None:
        raise Http404
    return event


def act_page(
    request: HttpRequest,
    form: forms.Form,
    act: Callable[[], str],
    *,
    title: str,
    subtitle: str,
    submit: str,
    back: str,
    explanation: str = "",
    danger: bool = False,
) -> HttpResponse:
    """The page of one act on an item or a relance. Done, it says so and goes back; refused, it says why (422)."""
    if request.method == "POST" and form.is_valid():
        try:
            told = act()
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, told)
            return HttpResponseRedirect(back)
    context = {
        "form": form,
        "title": title,
        "subtitle": subtitle,
        "submit": submit,
        "back_url": back,
        "explanation": explanation,
        "danger": danger,
    }
    return render(request, "dunning/law_form.html", context, status=422 if form.errors else 200)
