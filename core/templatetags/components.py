"""The pieces every page is made of: docs/interface.md shows each with its result.

Tags and not `include`, so that every variable of a piece is always defined and its options have defaults.
A tag ending in `end…` wraps the markup between its two halves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any
from zlib import crc32

from django import template
from django.forms import BaseForm, BoundField, CheckboxInput
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from core.templatetags.interface import read

register = template.Library()

# --- parts of a page --------------------------------------------------------------------------------------


@register.simple_block_tag
def page_header(
    content: str,
    title: str,
    subtitle: str = "",
    back_url: str = "",
    back_label: str = "",
) -> SafeString:
    """Title, one sentence, and between the halves the actions (one `.button-primary` at most)."""
    return render_to_string(
        "components/page_header.html",
        {
            "actions": content,
            "title": title,
            "subtitle": subtitle,
            "back_url": back_url,
            "back_label": back_label,
        },
    )


@register.simple_block_tag
def panel(
    content: str,
    title: str = "",
    note: str = "",
    link_url: str = "",
    link_label: str = "",
    id: str = "",
) -> SafeString:
    """A titled part of a page under a strong rule."""
    return render_to_string(
        "components/panel.html",
        {
            "content": content,
            "title": title,
            "note": note,
            "link_url": link_url,
            "link_label": link_label,
            "id": id,
        },
    )


@register.simple_block_tag
def data_table(content: str, label: str, id: str = "", selectable: bool = False, css: str = "") -> SafeString:
    """A table scrolling inside its own frame, with sticky head and first column; content: thead, tbody, tfoot."""
    return render_to_string(
        "components/data_table.html",
        {
            "content": content,
            "label": label,
            "id": id,
            "selectable": selectable,
            "css": css,
        },
    )


@register.inclusion_tag("components/row_check.html")
def row_check(
    value: object,
    label: str,
    amount: object = "",
    currency: str = "",
    name: str = "selected",
) -> dict[str, object]:
    """The first cell of a selectable row. `amount` and `currency` feed the total of the ticked rows."""
    return {
        "value": value,
        "label": label,
        "amount": "" if amount is None else str(amount),
        "currency": currency,
        "name": name,
    }


@register.simple_block_tag
def bulk_bar(content: str, total_url: str = "") -> SafeString:
    """Bar of the ticked rows: their number, their total (asked from `total_url`), and the actions between."""
    return render_to_string("components/bulk_bar.html", {"actions": content, "total_url": total_url})


@register.simple_block_tag
def stat(content: str, label: str, value: str, note: str = "", tone: str = "", url: str = "") -> SafeString:
    """One figure of a `.stats` row. Between the halves: how it is computed (shown on its dotted underline)."""
    body = mark_safe(content.strip())
    return render_to_string(
        "components/stat.html",
        {
            "label": label,
            "value": value,
            "note": note,
            "tone": tone,
            "url": url,
            "explanation": body,
            "id": _stable_id("stat", label, value, body),
        },
    )


@register.simple_block_tag
def explain(content: str, value: str, title: str = "", id: str = "") -> SafeString:
    """A figure that opens its formula, parameters and rows (between the halves) from a dotted underline."""
    return render_to_string(
        "components/explain.html",
        {
            "value": value,
            "title": title,
            "explanation": content,
            "id": id or _stable_id("explain", title, value, content),
        },
    )


def _stable_id(prefix: str, *parts: object) -> str:
    return f"{prefix}-{crc32('|'.join(str(part) for part in parts).encode()):08x}"


@register.simple_block_tag
def message(content: str, tone: str = "info", title: str = "") -> SafeString:
    """A remark in the page; `late` and `blocked` are announced at once by screen readers."""
    drawing = {
        "ok": "success",
        "watch": "alert",
        "late": "error",
        "blocked": "error",
    }.get(tone, "info")
    return render_to_string(
        "components/message.html",
        {"content": content, "tone": tone, "title": title, "drawing": drawing},
    )


@register.simple_block_tag
def empty_state(
    content: str,
    title: str,
    drawing: str = "info",
    action_url: str = "",
    action_label: str = "",
    action_icon: str = "",
) -> SafeString:
    """What this place is for and how it fills (between the halves), with the action that starts it."""
    return render_to_string(
        "components/empty_state.html",
        {
            "content": content,
            "title": title,
            "drawing": drawing,
            "action_url": action_url,
            "action_label": action_label,
            "action_icon": action_icon,
        },
    )


@register.simple_block_tag
def confirm(
    content: str,
    label: str,
    title: str,
    id: str,
    danger: bool = False,
    drawing: str = "",
    small: bool = False,
) -> SafeString:
    """A button opening a dialog: between the halves what will happen and the form that does it."""
    return render_to_string(
        "components/confirm.html",
        {
            "content": content,
            "label": label,
            "title": title,
            "id": id,
            "danger": danger,
            "drawing": drawing,
            "small": small,
        },
    )


@register.inclusion_tag("components/tabs.html")
def tabs(items: Iterable[Any], label: str = "") -> dict[str, object]:
    """Links between sibling pages: items with `label`, `url`, `active` and perhaps `count`.

    An active item may bring its own `pages`, items likewise: they stand in a second row.
    """
    items = list(items)
    chosen = next((item for item in items if read(item, "active", False) and read(item, "pages", ())), None)
    return {
        "label": label or _("Sections"),
        "items": [_tab(item) for item in items],
        "second_label": read(chosen, "label") if chosen else "",
        "second": [_tab(page) for page in read(chosen, "pages", ())] if chosen else [],
    }


def _tab(item: Any) -> SimpleNamespace:
    return SimpleNamespace(
        label=read(item, "label"),
        url=read(item, "url"),
        active=read(item, "active", False),
        count=read(item, "count"),
    )


@register.inclusion_tag("components/timeline.html")
def timeline(events: Iterable[Any]) -> dict[str, object]:
    """What happened, newest first: events with `when` and `title`, and perhaps `actor`, `text`, `url`, `tone`."""
    return {
        "events": [
            SimpleNamespace(
                **{
                    name: read(event, name, "")
                    for name in (
                        "when",
                        "title",
                        "actor",
                        "text",
                        "url",
                        "tone",
                        "badge",
                    )
                },
                timed=isinstance(read(event, "when"), dt.datetime),
            )
            for event in events
        ]
    }


@register.inclusion_tag("components/stepper.html")
def stepper(current: int, steps: Sequence[str] = ()) -> dict[str, object]:
    """Where one stands in a wizard, counted from 1; by default the three steps of an upload."""
    return {
        "current": current,
        "steps": list(steps) or [_("Fichier"), _("Aperçu"), _("Validation")],
    }


@register.inclusion_tag("components/progress.html")
def progress(
    label: str,
    done: object = None,
    total: object = None,
    *,
    poll_url: str = "",
    detail: str = "",
    id: str = "progress",
) -> dict[str, object]:
    """Work under way. With `poll_url` the piece asks that address for its successor every second (htmx).

    The page at `poll_url` answers with `{% progress %}` again, or with what follows the work, in an
    element of the same id. Without `total` the bar shows that work goes on, not how far.
    """
    return {
        "label": label,
        "done": "" if done is None else done,
        "total": total or "",
        "poll_url": poll_url,
        "detail": detail,
        "id": id,
    }


@register.inclusion_tag("components/pagination.html")
def pagination(next_url: str = "", previous_url: str = "", note: str = "") -> dict[str, object]:
    """Links of a list read by cursor. `note` says what is on the screen, never a count of everything."""
    return {
        "next_url": next_url or "",
        "previous_url": previous_url or "",
        "note": note,
    }


# --- forms ------------------------------------------------------------------------------------------------


def field_context(bound: BoundField, css: str = "", mark_optional: bool = True) -> dict[str, object]:
    return {
        "field": bound,
        "css": css,
        "optional": mark_optional and not bound.field.required,
        "checkbox": isinstance(bound.field.widget, CheckboxInput),
    }


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, css: str = "") -> dict[str, object]:
    """A form field: label, control, help, errors (tied to the control for screen readers)."""
    return field_context(bound, css)


@register.inclusion_tag("components/form_fields.html")
def form_fields(form: BaseForm) -> dict[str, object]:
    """All fields of a form, the errors of the whole first."""
    return {"form": form}
