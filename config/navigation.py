"""The left rail: the places a person may go to."""

from dataclasses import dataclass, field

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from core.rights import has_permission
from dunning.views.stops import Banner, stop_banners


@dataclass(frozen=True)
class Place:
    key: str
    label: object
    url: str
    icon: str
    active: bool


@dataclass(frozen=True)
class Navigation:
    places: list[Place] = field(default_factory=list)
    administration: Place | None = None
    search_url: str = ""
    # What stands above every page of a place: tone, title, text, url, url_label.
    banners: list[Banner] = field(default_factory=list)


# key, label, URL name, permission, icon, path prefixes under which it is lit
PLACES = (
    ("agenda", _("Agenda"), "home", "core.use_site", "agenda", ()),
    ("customers", _("Clients"), "customers:customer-list", "customers.view", "customers", ("/clients/",)),
    ("invoices", _("Factures"), "invoices:item-list", "invoices.view", "invoices", ("/factures/",)),
    ("dunning", _("Relances"), "dunning:approval-list", "dunning.view", "dunning", ("/relances/",)),
    ("risk", _("Risque"), "risk:overview", "risk.view", "risk", ("/risque/",)),
    (
        "steering",
        _("Pilotage"),
        "invoices:ageing",
        "invoices.view_ageing",
        "steering",
        ("/factures/balance-agee/",),
    ),
)
ADMINISTRATION = (
    "administration",
    _("Administration"),
    "core:administration",
    "core.view_jobs",
    "administration",
)


def navigation(request: HttpRequest) -> dict[str, Navigation]:
    """Context processor: `nav` for base.html."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"nav": Navigation()}
    best = max(
        (prefix for *_rest, prefixes in PLACES for prefix in prefixes if request.path.startswith(prefix)),
        key=len,
        default="",
    )
    places = [
        Place(key, label, _url(name), icon, request.path == "/" if not prefixes else best in prefixes)
        for key, label, name, permission, icon, prefixes in PLACES
        if has_permission(user, permission)
    ]
    key, label, name, permission, icon = ADMINISTRATION
    administration = (
        Place(key, label, _url(name), icon, request.path.startswith("/administration/"))
        if has_permission(user, permission)
        else None
    )
    banners = stop_banners(request) if best == "/relances/" and has_permission(user, "dunning.view") else []
    return {"nav": Navigation(places, administration, reverse("search"), banners)}


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return reverse("home")
