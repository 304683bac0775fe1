"""The agenda's entries on campaigns: those held for their volume, stops that stand, sendings and exceptions to look at."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.agenda_entries import Entry, bounded
from core.models import User
from customers.models import Customer, LegalEntity
from dunning.approvals import confirmable, visible_runs
from dunning.gate_facts import exceptions_in_force
from dunning.models import DunningException, Notice, Run
from dunning.queues import stops_in_force

# An exception that ends within so many days is told before it does.
ENDING_DAYS = 7


def _runs(user: User, today: date) -> Iterable[Entry]:
    visible = visible_runs(user)
    guarded = visible.filter(status=Run.Status.GUARDED)
    if count := bounded(guarded):
        yield Entry(
            key="guarded_runs",
            count=count,
            title=ngettext("campagne retenue", "campagnes retenues", count),
            reason=_("Volume inhabituel : rien n’en part avant d’être libéré ou annulé."),
            url=_only(guarded, count),
            action=_("Décider"),
            tone="late",
        )
    to_confirm = visible.filter(pk__in=confirmable(Notice.objects.visible_to(user)).values("run"))
    if count := bounded(to_confirm):
        yield Entry(
            key="runs_to_confirm",
            count=count,
            title=ngettext("envoi de campagne à confirmer", "envois de campagne à confirmer", count),
            reason=_("Leurs relances partent ensemble, une fois la campagne confirmée."),
            url=_only(to_confirm, count),
            action=_("Confirmer"),
            tone="watch",
        )


def _only(runs: "QuerySet[Run]", count: int) -> str:
    if count == 1:
        return reverse("dunning:run-detail", args=[runs.order_by().values_list("pk", flat=True)[0]])
    return reverse("dunning:run-list")


def _stops(user: User, today: date) -> Iterable[Entry]:
    stops = stops_in_force().filter(
        Q(legal_entity=None) | Q(legal_entity__in=LegalEntity.objects.visible_to(user))
    )
    if count := bounded(stops):
        yield Entry(
            key="stops",
            count=count,
            title=ngettext("arrêt des relances en cours", "arrêts des relances en cours", count),
            reason=_("Rien ne part tant qu’il tient."),
            url=reverse("dunning:stop-list"),
            action=_("Voir"),
            tone="blocked",
        )


def _exceptions(user: User, today: date) -> Iterable[Entry]:
    ending = DunningException.objects.filter(
        exceptions_in_force(today),
        customer__in=Customer.objects.visible_to(user),
        until__lte=today + timedelta(days=ENDING_DAYS),
    )
    if count := bounded(ending):
        yield Entry(
            key="ending_exceptions",
            count=count,
            title=ngettext("exception qui se termine", "exceptions qui se terminent", count),
            reason=_("Sans décision, les relances reprennent à leur terme."),
            url=reverse("dunning:exception-list"),
            action=_("Regarder"),
            tone="info",
        )


RUN_READS: tuple[tuple[str, Callable[[User, date], Iterable[Entry]]], ...] = (
    ("dunning.approve", _runs),
    ("dunning.stop", _stops),
    ("dunning.except", _exceptions),
)
