"""The page on which one thing is done to an item, and what an operation refused, shown on its form."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from invoices.models import OpenItem
from invoices.views.items import with_state


def attempt(form: forms.BaseForm, call: Callable[[], Any]) -> Any:
    """What the operation returns, or None after its refusal is shown on the form."""
    try:
        return call()
    except BusinessError as error:
        show_refusal(form, error)
        return None


def action_page(request: HttpRequest, item: OpenItem, **context: Any) -> HttpResponse:
    """The page of an action; 422 when its form is at fault."""
    context = {
        "item": with_state([item], clock.today())[0],
        "back_url": reverse("invoices:item-detail", args=[item.pk]),
        "explanation": "",
        "impossible": "",
        **context,
    }
    status = 422 if context["form"].errors else 200
    return render(request, "invoices/item_action.html", context, status=status)
