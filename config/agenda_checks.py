"""The agenda's entries on orders and deliveries: what a person decides, what was stopped, what comes to its end."""

from collections.abc import Callable, Iterable
from datetime import date

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.agenda_entries import Entry, bounded, sums
from core.models import User
from risk.models import CreditCheck, CreditHold, UtilisationAlert


def _referred(user: User, today: date) -> Iterable[Entry]:
    waiting = CreditCheck.objects.visible_to(user).filter(status=CreditCheck.Status.PENDING)
    if count := bounded(waiting):
        yield Entry(
            key="referred_orders",
            count=count,
            title=ngettext("commande à accorder ou à refuser", "commandes à accorder ou à refuser", count),
            reason=_(
                "Le client attend : un plafond dépassé de peu, un retard ou un doute demande une personne."
            ),
            url=reverse("risk:check-list") + "?status=PENDING",
            action=_("Décider"),
            tone="late",
            amounts=sums(waiting, "amount", count),
        )


def _held(user: User, today: date) -> Iterable[Entry]:
    recent = CreditHold.objects.visible_to(user).filter(status=CreditHold.Status.ACTIVE, placed_on=today)
    if count := bounded(recent.exclude(kind=CreditHold.Kind.MANUAL)):
        yield Entry(
            key="new_holds",
            count=count,
            title=ngettext("client bloqué cette nuit", "clients bloqués cette nuit", count),
            reason=_("Toute livraison leur est refusée : prévenez les ventes, ou levez le blocage."),
            url=reverse("risk:hold-list"),
            action=_("Voir"),
            tone="watch",
        )
    ending = CreditHold.objects.visible_to(user).filter(
        status=CreditHold.Status.RELEASED, release_until__gte=today, release_until__lte=today
    )
    if count := bounded(ending):
        yield Entry(
            key="ending_releases",
            count=count,
            title=ngettext("levée de blocage finit ce soir", "levées de blocage finissent ce soir", count),
            reason=_("Demain les livraisons s’arrêtent de nouveau : prolongez la levée s’il le faut."),
            url=reverse("risk:hold-list") + "?status=RELEASED",
            action=_("Décider"),
            tone="watch",
        )


def _alerts(user: User, today: date) -> Iterable[Entry]:
    raised = (
        UtilisationAlert.objects.standing().visible_to(user).filter(raised_on=today, over_since__isnull=True)
    )
    if count := bounded(raised):
        yield Entry(
            key="utilisation_alerts",
            count=count,
            title=ngettext("client approche de son plafond", "clients approchent de leur plafond", count),
            reason=_("Un seuil a été atteint cette nuit : revoyez le plafond avant la prochaine commande."),
            url=reverse("risk:alert-list"),
            action=_("Voir"),
            tone="info",
        )


CHECK_READS: tuple[tuple[str, Callable[[User, date], Iterable[Entry]]], ...] = (
    ("risk.decide_check", _referred),
    ("risk.release_hold", _held),
    ("risk.release_hold", _alerts),
)
