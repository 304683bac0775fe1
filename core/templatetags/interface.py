"""The frame of a page, its drawings, its links and its statuses: docs/interface.md shows each in use."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from django import template
from django.contrib.messages import get_messages
from django.http import HttpRequest, QueryDict
from django.template.context import Context
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.rights import has_permission

register = template.Library()

TONES = {"ok", "watch", "late", "blocked", "info", "neutral"}
CURSOR_PARAMETERS = ("cursor", "page")


def read(source: Any, name: str, default: Any = None) -> Any:
    if isinstance(source, Mapping):
        return source.get(name, default)
    return getattr(source, name, default)


def _request(context: Context) -> HttpRequest | None:
    request = context.get("request")
    return request if isinstance(request, HttpRequest) else None


# --- the frame --------------------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def shell(context: Context) -> SimpleNamespace:
    """What the frame of a page shows; each part is None or empty when the page was rendered without it."""
    nav = context.get("nav")
    user = context.get("user")
    request = _request(context)
    signed_in = bool(user and user.is_authenticated)
    name = str(user) if signed_in else ""
    return SimpleNamespace(
        user=user if signed_in else None,
        name=name,
        initials="".join(part[0] for part in name.replace("@", " ").split()[:2]).upper(),
        places=read(nav, "places", []),
        administration=read(nav, "administration"),
        search_url=read(nav, "search_url", ""),
        search_query=request.GET.get("q", "") if request and request.path == read(nav, "search_url") else "",
        entity=read(nav, "entity"),
        entities=read(nav, "entities", []),
        as_of=read(nav, "as_of"),
        as_of_reset_url=read(nav, "as_of_reset_url", ""),
        jobs_count=read(nav, "jobs_count", 0),
        jobs_url=read(nav, "jobs_url", ""),
        help_url=read(nav, "help_url", ""),
        language_url=read(nav, "language_url", ""),
        path=request.get_full_path() if request else "/",
        messages=list(get_messages(request)) if request else [],
    )


@register.simple_tag(takes_context=True)
def optional(context: Context, name: str, default: object = "") -> object:
    """A variable of the context that a view may leave out: `{% optional "demo_accounts" as accounts %}`."""
    return context.get(name, default)


@register.simple_tag(takes_context=True)
def may(context: Context, permission: str) -> bool:
    """Whether the person who reads the page holds the permission."""
    request = _request(context)
    return request is not None and has_permission(request.user, permission)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """A drawing of static/img/icons.svg; without `label` it is decoration and hidden from screen readers."""
    href = f"{static('img/icons.svg')}#{name}"
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}"></use></svg>',
            label,
            href,
        )
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"></use></svg>', href)


@register.simple_tag
def active_if(condition: object, kind: str = "page") -> SafeString:
    """` aria-current="page"` when the condition holds, else nothing."""
    return format_html(' aria-current="{}"', kind) if condition else SafeString("")


# --- addresses --------------------------------------------------------------------------------------------


def query_of(context: Context) -> QueryDict:
    request = _request(context)
    return request.GET.copy() if request else QueryDict(mutable=True)


def written(query: QueryDict) -> str:
    return f"?{query.urlencode()}" if query else "?"


@register.simple_tag(takes_context=True)
def query_with(context: Context, **changes: object) -> str:
    """The address's query with these parameters set; None removes one. The cursor falls unless it is given."""
    query = query_of(context)
    for name in CURSOR_PARAMETERS:
        if name not in changes:
            query.pop(name, None)
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
        else:
            query[name] = str(value)
    return written(query)


@register.simple_tag(takes_context=True)
def query_without(context: Context, *names: str) -> str:
    """The address's query without these parameters nor the cursor."""
    query = query_of(context)
    for name in (*names, *CURSOR_PARAMETERS):
        query.pop(name, None)
    return written(query)


@register.simple_tag(takes_context=True)
def sort_header(
    context: Context,
    label: str,
    field: str,
    *,
    numeric: bool = False,
    css: str = "",
    parameter: str = "sort",
) -> SafeString:
    """A `<th>` whose link sorts by `field`; numbers first go from the largest, text from A."""
    request = _request(context)
    current = (request.GET.get(parameter, "") if request else "").split(",")[0]
    other = {field: f"-{field}", f"-{field}": field}
    following = other.get(current, f"-{field}" if numeric else field)
    direction = {field: "ascending", f"-{field}": "descending"}.get(current, "")
    drawing = {"ascending": "arrow-up", "descending": "arrow-down"}.get(direction, "sort")
    classes = " ".join(part for part in ("num" if numeric else "", css) if part)
    return format_html(
        '<th scope="col"{}{}><a href="{}">{}{}</a></th>',
        format_html(' class="{}"', classes) if classes else "",
        format_html(' aria-sort="{}"', direction) if direction else "",
        query_with(context, **{parameter: following}),
        label,
        icon(drawing),
    )


# --- statuses ------------------------------------------------------------------------------------------


@register.simple_tag
def badge(tone: str, label: str) -> SafeString:
    """A status: `ok`, `watch`, `late`, `blocked`, `info` or `neutral`; each tone has its own shape."""
    if tone not in TONES:
        raise ValueError(f"unknown tone {tone!r}: one of {', '.join(sorted(TONES))}")
    return format_html('<span class="badge badge-{}">{}</span>', tone, label)
