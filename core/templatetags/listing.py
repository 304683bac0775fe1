"""The filter bar of a list: one form over a django-filter FilterSet, and its filters as removable chips."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, cast

from django import template
from django.db.models import Model, QuerySet
from django.forms import BoundField, ChoiceField, Form, SelectMultiple
from django.template.context import Context
from django.utils.translation import gettext as _

from core.templatetags.components import field_context
from core.templatetags.format import DASH, amount, date_short
from core.templatetags.interface import CURSOR_PARAMETERS, query_of, written

register = template.Library()

RANGE_SUFFIXES = ("_min", "_max", "_after", "_before", "_0", "_1")


@dataclass(frozen=True)
class Chip:
    label: str
    value: str
    url: str


def _texts(bound: BoundField, value: Any) -> list[tuple[str, str | None]]:
    """(what is shown, the value in the query when it can be removed alone)."""
    if isinstance(value, slice):
        return [(f"{_one(bound, value.start)} {DASH} {_one(bound, value.stop)}", None)]
    if isinstance(value, (list, tuple, set, QuerySet)):
        return [(_one(bound, part), str(part.pk if isinstance(part, Model) else part)) for part in value]
    return [(_one(bound, value), None)]


def _one(bound: BoundField, value: Any) -> str:
    if value is None:
        return "…"
    if value is True:
        return _("oui")
    if value is False:
        return _("non")
    if isinstance(value, dt.date):
        return date_short(value)
    if isinstance(bound.field, ChoiceField) and not isinstance(value, Model):
        for key, label in cast(Any, bound.field).choices:
            if str(key) == str(value):
                return str(label)
    if hasattr(value, "as_tuple"):
        return amount(value)
    return str(value)


def _chips(context: Context, form: Form, hidden: tuple[str, ...]) -> list[Chip]:
    if not form.is_bound:
        return []
    form.is_valid()
    chips = []
    for bound in form:
        value = form.cleaned_data.get(bound.name)
        given = any(name in form.data for name in _names(bound.html_name))
        if bound.name in hidden or not given or value in (None, "", [], ()):
            continue
        if isinstance(value, QuerySet) and not value:
            continue
        for text, single in _texts(bound, value):
            query = query_of(context)
            kept = [part for part in query.getlist(bound.html_name) if single is not None and part != single]
            for name in (*_names(bound.html_name), *CURSOR_PARAMETERS):
                query.pop(name, None)
            if kept:
                query.setlist(bound.html_name, kept)
            chips.append(Chip(str(bound.label), text, written(query)))
    return chips


def _names(name: str) -> tuple[str, ...]:
    return (name, *(f"{name}{suffix}" for suffix in RANGE_SUFFIXES))


@register.inclusion_tag("components/filter_field.html")
def filter_field(bound: BoundField) -> dict[str, object]:
    """A field of the bar: as `field`, without a word on being optional; several choices fold into one line."""
    several = isinstance(bound.field.widget, SelectMultiple) and not bound.is_hidden
    given = {str(value) for value in (bound.value() or [])} if several else set()
    choices = [
        {"value": str(value), "label": str(label), "chosen": str(value) in given}
        for value, label in (bound.field.choices if several else ())  # type: ignore[attr-defined]
    ]
    return {
        **field_context(bound, mark_optional=False),
        "several": several,
        "choices": choices,
        "summary": ", ".join(choice["label"] for choice in choices if choice["chosen"]) or _("Tous"),  # type: ignore[misc]
    }


@register.inclusion_tag("components/filter_bar.html", takes_context=True)
def filter_bar(
    context: Context,
    filterset: Any,
    visible: int = 4,
    hidden: str = "sort",
    keep: str = "",
) -> dict[str, object]:
    """Filters of a list. `visible` fields stand in the bar, the others behind « Plus de filtres ».

    `hidden`: fields (comma-separated) that are neither drawn nor chips but keep their value, as the sort.
    `keep`: further parameters of the address to keep, as the as-of date; « Tout effacer » keeps both.
    """
    form: Form = filterset.form
    hidden_names = tuple(name.strip() for name in hidden.split(",") if name.strip())
    kept_names = (
        *hidden_names,
        *(name.strip() for name in keep.split(",") if name.strip()),
    )
    drawn = [bound for bound in form if bound.name not in hidden_names and not bound.is_hidden]
    query = query_of(context)
    kept = [(name, value) for name in kept_names for value in query.getlist(name)]
    cleared = query.copy()
    for name in list(cleared):
        if name not in kept_names:
            del cleared[name]
    return {
        "form": form,
        "shown": drawn[:visible],
        "more": drawn[visible:],
        "more_open": any(bound.errors for bound in drawn[visible:]),
        "kept": kept,
        "chips": _chips(context, form, hidden_names),
        "clear_url": written(cleared),
    }
