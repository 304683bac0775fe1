"""The tabs that the pages of Relances share, the pages under each, and what waits there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core.rights import has_permission
from dunning.models import Case, Level, Notice

Waiting = Callable[[HttpRequest], QuerySet[Any]]
MOST_COUNTED = 1000


@dataclass(frozen=True)
class Page:
    """A page of a tab: where it leads, who sees it, and what is counted beside its name."""

    key: str
    label: Any
    url_name: str
    query: str = ""
    permission: str = "dunning.view"
    waiting: Waiting | None = None


@dataclass(frozen=True)
class Place:
    """A tab: it leads to the first of its pages that the reader may open."""

    label: Any
    pages: tuple[Page, ...]


def _notices(**conditions: Any) -> Waiting:
    return lambda request: Notice.objects.visible_to(request.user).filter(**conditions)


PLACES = (
    Place(
        _("À faire"),
        (
            Page(
                "proposed",
                _("À valider"),
                "dunning:approval-list",
                waiting=_notices(status=Notice.Status.PROPOSED),
            ),
            Page(
                "calls",
                _("Appels"),
                "dunning:call-list",
                waiting=_notices(status=Notice.Status.APPROVED, level__channel=Level.Channel.PHONE),
            ),
            Page(
                "to-post",
                _("À poster"),
                "dunning:post-list",
                waiting=_notices(status=Notice.Status.RENDERED, level__channel__in=Level.POSTED),
            ),
            Page(
                "failed",
                _("Échecs"),
                "dunning:notice-list",
                "?status=FAILED",
                waiting=_notices(status=Notice.Status.FAILED),
            ),
        ),
    ),
    Place(
        _("Envois"),
        (
            Page("runs", _("Campagnes"), "dunning:run-list"),
            Page("all", _("Relances"), "dunning:notice-list"),
            Page("post-batches", _("Lots de courriers"), "dunning:post-batch-list"),
            Page("mail-events", _("Retours de messagerie"), "dunning:mail-event-list"),
        ),
    ),
    Place(
        _("Suites"),
        (
            Page(
                "cases",
                _("Dossiers"),
                "dunning:case-list",
                waiting=lambda request: Case.objects.visible_to(request.user).filter(
                    status=Case.Status.READY
                ),
            ),
            Page("limitation", _("Prescription"), "dunning:limitation-list"),
            Page("waivers", _("Remises de pénalités"), "dunning:waiver-list"),
        ),
    ),
    Place(
        _("Règles"),
        (
            Page("policies", _("Scénarios"), "dunning:policy-list"),
            Page("trials", _("Essais comparatifs"), "dunning:trial-list"),
            Page("exceptions", _("Exceptions"), "dunning:exception-list"),
            Page(
                "templates",
                _("Modèles de courrier"),
                "dunning:template-list",
                permission="dunning.manage_templates",
            ),
            Page("addresses", _("Adresses écartées"), "dunning:suppression-list"),
            Page("stops", _("Arrêts"), "dunning:stop-list"),
            Page("settings", _("Réglages"), "dunning:settings-list"),
        ),
    ),
)


def tabs(request: HttpRequest, active: str) -> list[dict[str, object]]:
    """The tabs, and the pages of the one that `active` belongs to.

    Counts are of what waits for a person; they stop at 1,000 so that no list is counted to its end.
    """
    found: list[dict[str, object]] = []
    for place in PLACES:
        pages = [_shown(request, page, active) for page in place.pages if _is_open(request, page)]
        if not pages:
            continue
        counts = [page["count"] for page in pages if page["count"] is not None]
        is_active = any(page["active"] for page in pages)
        found.append(
            {
                "label": place.label,
                "url": pages[0]["url"],
                "active": is_active,
                "count": sum(counts) if counts else None,
                "pages": pages if is_active else (),
            }
        )
    return found


def _is_open(request: HttpRequest, page: Page) -> bool:
    return has_permission(request.user, page.permission)


def _shown(request: HttpRequest, page: Page, active: str) -> dict[str, Any]:
    return {
        "label": page.label,
        "url": reverse(page.url_name) + page.query,
        "active": page.key == active,
        "count": page.waiting(request).order_by()[:MOST_COUNTED].count() if page.waiting else None,
    }
