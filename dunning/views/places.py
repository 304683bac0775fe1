"""The tabs that the pages of Relances share, with what waits under each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from core.rights import has_permission
from dunning.models import Case, Level, Notice

Counter = Callable[[HttpRequest], QuerySet[Any]]


@dataclass(frozen=True)
class Place:
    """A tab: where it leads, who sees it, and what is counted beside its name."""

    key: str
    label: Any
    url_name: str
    query: str = ""
    permission: str = "dunning.view"
    waiting: Counter | None = None
    # Shown among the tabs only on its own pages; the page of settings leads there.
    is_aside: bool = False


def _notices(**conditions: Any) -> Counter:
    return lambda request: Notice.objects.visible_to(request.user).filter(**conditions)


POSTED = [Level.Channel.LETTER, Level.Channel.REGISTERED]
PLACES = (
    Place("runs", _("Campagnes"), "dunning:run-list"),
    Place(
        "proposed",
        _("À valider"),
        "dunning:approval-list",
        waiting=_notices(status=Notice.Status.PROPOSED),
    ),
    Place(
        "calls",
        _("Appels"),
        "dunning:call-list",
        waiting=_notices(status=Notice.Status.APPROVED, level__channel=Level.Channel.PHONE),
    ),
    Place(
        "to-post",
        _("À poster"),
        "dunning:post-list",
        waiting=_notices(status=Notice.Status.RENDERED, level__channel__in=POSTED),
    ),
    Place("post-batches", _("Lots de courriers"), "dunning:post-batch-list"),
    Place(
        "failed",
        _("Échecs"),
        "dunning:notice-list",
        "?status=FAILED",
        waiting=_notices(status=Notice.Status.FAILED),
    ),
    Place("all", _("Suivi"), "dunning:notice-list"),
    Place(
        "cases",
        _("Dossiers"),
        "dunning:case-list",
        waiting=lambda request: Case.objects.visible_to(request.user).filter(status=Case.Status.READY),
    ),
    Place("exceptions", _("Exceptions"), "dunning:exception-list"),
    Place("addresses", _("Adresses écartées"), "dunning:suppression-list", is_aside=True),
    Place("limitation", _("Prescription"), "dunning:limitation-list", is_aside=True),
    Place("policies", _("Scénarios"), "dunning:policy-list"),
    Place(
        "templates",
        _("Modèles"),
        "dunning:template-list",
        permission="dunning.manage_templates",
        is_aside=True,
    ),
    Place("settings", _("Réglages"), "dunning:settings-list"),
)


def tabs(request: HttpRequest, active: str) -> list[dict[str, object]]:
    """Counts are of what waits for a person; they stop at 1,000 so that no list is counted to its end."""
    return [
        {
            "label": place.label,
            "url": url,
            "active": place.key == active,
            "count": place.waiting(request).order_by()[:1000].count() if place.waiting else None,
        }
        for place, url in _open_to(request)
        if not place.is_aside or place.key == active
    ]


def aside(request: HttpRequest) -> list[dict[str, object]]:
    """The places beside the tabs, for the page of settings."""
    return [{"label": place.label, "url": url} for place, url in _open_to(request) if place.is_aside]


def _open_to(request: HttpRequest) -> list[tuple[Place, str]]:
    found = []
    for place in PLACES:
        try:
            url = reverse(place.url_name)
        except NoReverseMatch:
            continue
        if has_permission(request.user, place.permission):
            found.append((place, url + place.query))
    return found
