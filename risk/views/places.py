"""The tabs that the pages of Risque share, and the pages under each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from core import clock
from core.rights import has_permission
from risk.limit_reads import open_reviews, requests_to_decide
from risk.models import CreditCheck
from risk.watch import outcomes_to_review

Waiting = Callable[[Any, date], QuerySet[Any]]


@dataclass(frozen=True)
class Page:
    """A page of a tab. `waiting(user, today)` gives the rows that wait for a person there."""

    key: str
    label: Any
    url_name: str
    permission: str = "risk.view"
    waiting: Waiting | None = None


@dataclass(frozen=True)
class Place:
    """A tab: it leads to the first of its pages that the reader may open."""

    label: Any
    pages: tuple[Page, ...]


def _events_to_review(user: Any, today: date) -> QuerySet[Any]:
    return outcomes_to_review(user)


def _checks_to_decide(user: Any, today: date) -> QuerySet[Any]:
    return CreditCheck.objects.visible_to(user).filter(status=CreditCheck.Status.PENDING)


# At most seven. A subject adds its page to its tab; a page whose address does not exist is left out.
PLACES = (
    Place(_("Vue d’ensemble"), (Page("overview", _("Portefeuille"), "risk:overview"),)),
    Place(
        _("Limites"),
        (
            Page("limits", _("Plafonds"), "risk:limit-list"),
            Page("limit-requests", _("Demandes"), "risk:request-list", waiting=requests_to_decide),
            Page("limit-reviews", _("Revues"), "risk:review-list", waiting=open_reviews),
            Page("limit-simulations", _("Simulations"), "risk:limit-simulation-list", "risk.decide_limit"),
            Page("credit-policy", _("Politique"), "risk:credit-policy-list"),
        ),
    ),
    Place(
        _("Blocages et commandes"),
        (
            Page("ask", _("Puis-je livrer ?"), "risk:check-ask", "risk.check_credit"),
            Page("checks", _("Réponses"), "risk:check-list", waiting=_checks_to_decide),
            Page("holds", _("Blocages"), "risk:hold-list"),
            Page("orders", _("Commandes"), "risk:order-list"),
            Page("alerts", _("Alertes"), "risk:alert-list"),
            Page("check-settings", _("Réglages"), "risk:check-settings"),
        ),
    ),
    Place(
        _("Assurance-crédit"),
        (
            Page("cover-deadlines", _("Délais"), "risk:insured-items"),
            Page("covers", _("Agréments"), "risk:cover-list"),
            Page("policies", _("Polices"), "risk:insurance-policy-list"),
            Page("insurer-files", _("Dossiers"), "risk:insurer-file-list"),
        ),
    ),
    Place(
        _("Solvabilité"),
        (
            Page("cards", _("Grilles de score"), "risk:card-list"),
            Page(
                "outside-files", _("Comptes et notes"), "risk:outside-file", permission="risk.enter_accounts"
            ),
        ),
    ),
    Place(
        _("Veille"),
        (
            Page("watch", _("À revoir"), "risk:watch-list", waiting=_events_to_review),
            Page("proceedings", _("Procédures"), "risk:proceeding-list"),
            Page("watch-events", _("Annonces"), "risk:event-list"),
            Page("watch-files", _("Fichiers reçus"), "risk:watch-file-list"),
        ),
    ),
    Place(
        _("Mesures"),
        (
            Page("provisions", _("Dépréciations"), "risk:provision-list", "risk.provision"),
            Page("assessments", _("Évaluations"), "risk:assessment-list", "risk.provision"),
        ),
    ),
)
MOST_COUNTED = 1000


def tabs(request: HttpRequest, active: str) -> list[dict[str, object]]:
    """The tabs, with what waits under each; counts stop at 1,000 so that no list is counted to its end."""
    today = clock.today()
    found: list[dict[str, object]] = []
    for place in PLACES:
        pages = _open_to(request, place)
        if not pages:
            continue
        counts = [_count(request, page, today) for page, _url in pages if page.waiting]
        found.append(
            {
                "label": place.label,
                "url": pages[0][1],
                "active": any(page.key == active for page, _url in pages),
                "count": sum(counts) if counts else None,
            }
        )
    return found


def subtabs(request: HttpRequest, active: str) -> list[dict[str, object]]:
    """The pages of the tab that the page `active` belongs to; none for a tab of one page."""
    today = clock.today()
    for place in PLACES:
        pages = _open_to(request, place)
        if len(pages) > 1 and any(page.key == active for page, _url in pages):
            return [
                {
                    "label": page.label,
                    "url": url,
                    "active": page.key == active,
                    "count": _count(request, page, today) if page.waiting else None,
                }
                for page, url in pages
            ]
    return []


def _count(request: HttpRequest, page: Page, today: date) -> int:
    assert page.waiting is not None
    return page.waiting(request.user, today).order_by()[:MOST_COUNTED].count()


def _open_to(request: HttpRequest, place: Place) -> list[tuple[Page, str]]:
    found = []
    for page in place.pages:
        try:
            url = reverse(page.url_name)
        except NoReverseMatch:
            continue
        if has_permission(request.user, page.permission):
            found.append((page, url))
    return found
