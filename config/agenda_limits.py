"""The agenda's entries on credit limits: requests to decide, reviews, limits about to expire, policies to activate."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.agenda_entries import Entry, bounded, sums
from core.models import User
from risk.limit_reads import expiring_limits, open_reviews, policies_to_activate, requests_to_decide


def _only(rows: Any, count: int, name: str, otherwise: str) -> str:
    if count == 1:
        return reverse(name, args=[rows.order_by().values_list("pk", flat=True)[0]])
    return reverse(otherwise)


def _requests(user: User, today: date) -> Iterable[Entry]:
    waiting = requests_to_decide(user, today)
    if count := bounded(waiting):
        yield Entry(
            key="limit_requests",
            count=count,
            title=ngettext("demande de plafond à décider", "demandes de plafond à décider", count),
            reason=_("Elles attendent une approbation de votre rôle ; sans réponse, elles expirent."),
            url=_only(waiting, count, "risk:request-detail", "risk:request-list"),
            action=_("Décider"),
            tone="watch",
            amounts=sums(waiting, "amount", count),
        )


def _reviews(user: User, today: date) -> Iterable[Entry]:
    reviews = open_reviews(user, today)
    if count := bounded(reviews):
        late = reviews.filter(due_on__lt=today).exists()
        yield Entry(
            key="limit_reviews",
            count=count,
            title=ngettext("plafond à revoir", "plafonds à revoir", count),
            reason=_("Leur revue est due, ou ils expirent bientôt : maintenez-les ou demandez-en un autre."),
            url=reverse("risk:review-list"),
            action=_("Revoir"),
            tone="late" if late else "watch",
        )
    expiring = expiring_limits(user, today)
    if count := bounded(expiring):
        yield Entry(
            key="limits_expiring",
            count=count,
            title=ngettext("plafond expire bientôt", "plafonds expirent bientôt", count),
            reason=_("Sans nouveau plafond à leur terme, ces clients n’ont plus de crédit."),
            url=f"{reverse('risk:limit-list')}?expires=30",
            action=_("Voir"),
            tone="watch",
            amounts=sums(expiring, "amount", count),
        )


def _policies(user: User, today: date) -> Iterable[Entry]:
    waiting = policies_to_activate(user, today)
    if count := bounded(waiting):
        yield Entry(
            key="credit_policies",
            count=count,
            title=ngettext(
                "politique de crédit à mettre en vigueur", "politiques de crédit à mettre en vigueur", count
            ),
            reason=_("Rédigée par une autre personne : relisez-la, puis mettez-la en vigueur."),
            url=_only(waiting, count, "risk:credit-policy-detail", "risk:credit-policy-list"),
            action=_("Relire"),
            tone="watch",
        )


LIMIT_READS: tuple[tuple[str, Callable[[User, date], Iterable[Entry]]], ...] = (
    ("risk.decide_limit", _requests),
    ("risk.decide_limit", _reviews),
    ("risk.manage_credit_policy", _policies),
)
