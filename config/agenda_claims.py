"""The agenda's entries on what customers contest or promise: disputes, promises, payment plans."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta

from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.agenda_entries import Entry, bounded, sums
from core.models import User
from invoices.dispute_reads import late_disputes
from invoices.models import Instalment, PaymentPlan
from invoices.promise_reads import broken_since, due_promises

# A promise broken, or a plan in default, longer ago is the matter of the dunning that took over.
SHOWN_DAYS = 7
# An instalment is announced so many days ahead.
AHEAD_DAYS = 3


def _disputes(user: User, today: date) -> Iterable[Entry]:
    late = late_disputes(user, today)
    if count := bounded(late):
        yield Entry(
            key="late_disputes",
            count=count,
            title=ngettext("litige sans réponse à temps", "litiges sans réponse à temps", count),
            reason=_(
                "Leur date de réponse est passée : répondez au client, ou relancez celui qui doit répondre."
            ),
            url=f"{reverse('invoices:dispute-list')}?late=yes",
            action=_("Faire avancer"),
            tone="late",
            amounts=sums(late.annotate(currency=F("item__currency")), "amount", count),
        )


def _promises(user: User, today: date) -> Iterable[Entry]:
    since = today - timedelta(days=SHOWN_DAYS)
    broken = broken_since(user, since)
    if count := bounded(broken):
        yield Entry(
            key="broken_promises",
            count=count,
            title=ngettext("promesse non tenue", "promesses non tenues", count),
            reason=_("La date promise et le délai de grâce sont passés sans règlement : rappelez le client."),
            url=f"{reverse('invoices:promise-list')}?state=BROKEN&recall=yes&judged_after={since.isoformat()}",
            action=_("Rappeler"),
            tone="late",
            amounts=sums(broken.annotate(currency=F("item__currency")), "amount", count),
        )
    due = due_promises(user, today)
    if count := bounded(due):
        yield Entry(
            key="due_promises",
            count=count,
            title=ngettext("promesse à vérifier", "promesses à vérifier", count),
            reason=_("Le règlement était promis pour aujourd’hui ou avant."),
            url=f"{reverse('invoices:promise-list')}?promised_before={today.isoformat()}",
            action=_("Vérifier"),
            tone="watch",
            amounts=sums(due.annotate(currency=F("item__currency")), "amount", count),
        )


def _instalments(user: User, today: date) -> Iterable[Entry]:
    running = PaymentPlan.objects.visible_to(user).filter(status=PaymentPlan.Status.ACTIVE)
    waiting = Instalment.objects.filter(
        status__in=[Instalment.Status.DUE, Instalment.Status.PARTLY_PAID], plan__in=running
    ).annotate(currency=F("plan__currency"), left=F("amount") - F("paid_amount"))
    missed = waiting.filter(due_date__lt=today)
    if count := bounded(missed):
        yield Entry(
            key="missed_instalments",
            count=count,
            title=ngettext("échéance d’échéancier impayée", "échéances d’échéanciers impayées", count),
            reason=_("Leur date est passée ; après le délai de grâce, tout le solde redevient exigible."),
            url=_plan_url(running.filter(pk__in=missed.values("plan")), "ACTIVE"),
            action=_("Rappeler"),
            tone="late",
            amounts=sums(missed, "left", count),
        )
    coming = waiting.filter(due_date__gte=today, due_date__lte=today + timedelta(days=AHEAD_DAYS))
    if count := bounded(coming):
        yield Entry(
            key="due_instalments",
            count=count,
            title=ngettext("échéance d’échéancier proche", "échéances d’échéanciers proches", count),
            reason=_("À recevoir dans les trois jours : vérifiez que le client y pense."),
            url=_plan_url(running.filter(pk__in=coming.values("plan")), "ACTIVE"),
            action=_("Suivre"),
            tone="info",
            amounts=sums(coming, "left", count),
        )
    ended = today - timedelta(days=SHOWN_DAYS)
    defaulted = PaymentPlan.objects.visible_to(user).filter(
        status=PaymentPlan.Status.DEFAULTED, ended_on__gte=ended
    )
    if count := bounded(defaulted):
        yield Entry(
            key="defaulted_plans",
            count=count,
            title=ngettext("échéancier défaillant", "échéanciers défaillants", count),
            reason=_(
                "Une échéance a manqué : tout le solde est redevenu exigible et ses relances reprennent."
            ),
            url=_plan_url(defaulted, "DEFAULTED"),
            action=_("Décider"),
            tone="late",
            amounts=sums(defaulted, "total_amount", count),
        )


def _plans_to_approve(user: User, today: date) -> Iterable[Entry]:
    waiting = (
        PaymentPlan.objects.visible_to(user)
        .filter(status=PaymentPlan.Status.TO_APPROVE)
        .exclude(made_by=user)
    )
    if count := bounded(waiting):
        yield Entry(
            key="plans_to_approve",
            count=count,
            title=ngettext("échéancier à approuver", "échéanciers à approuver", count),
            reason=_(
                "Leur montant demande l’accord d’une seconde personne ; rien n’est proposé au client avant."
            ),
            url=_plan_url(waiting, "TO_APPROVE"),
            action=_("Approuver"),
            tone="watch",
            amounts=sums(waiting, "total_amount", count),
        )


def _plan_url(plans: "QuerySet[PaymentPlan]", status: str) -> str:
    """The page of the only one, else the list of those in this status."""
    uids = list(plans.order_by().values_list("uid", flat=True)[:2])
    if len(uids) == 1:
        return reverse("invoices:plan-detail", args=[uids[0]])
    return f"{reverse('invoices:plan-list')}?etat={status}"


CLAIM_READS: tuple[tuple[str, Callable[[User, date], Iterable[Entry]]], ...] = (
    ("invoices.dispute", _disputes),
    ("invoices.promise", _promises),
    ("invoices.plan", _instalments),
    ("invoices.approve_plan", _plans_to_approve),
)
