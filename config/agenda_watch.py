"""The agenda's entries on the insolvency watch: deadlines and tasks, announcements to review, receipts after a judgment."""

from collections.abc import Callable, Iterable
from datetime import date

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.agenda_entries import Entry, bounded
from core.models import JobRun, User
from dunning.models import Case
from risk.models import InsolvencyProceeding, ProceedingTask
from risk.tasks_watch import BODACC_JOB
from risk.watch import (
    open_tasks,
    outcomes_to_review,
    proceedings_with_late_receipts,
    tasks_at_hand,
    unmatched,
)


def _tasks(user: User, today: date) -> Iterable[Entry]:
    """What a proceeding asks within a fortnight, or had asked already."""
    at_hand = tasks_at_hand(user, today)
    if count := bounded(at_hand):
        first = at_hand.order_by("due_date", "pk").select_related("proceeding__customer")[0]
        yield Entry(
            key="proceeding_tasks",
            count=count,
            title=ngettext("délai de procédure collective", "délais de procédures collectives", count),
            reason=_("%(task)s pour « %(name)s » avant le %(day)s.")
            % {
                "task": first.get_kind_display(),
                "name": first.proceeding.customer.name,
                "day": f"{first.due_date:%d/%m/%Y}",
            },
            url=reverse("risk:proceeding-detail", args=[first.proceeding_id])
            if count == 1
            else reverse("risk:proceeding-list"),
            action=_("Agir"),
            tone="late",
        )
    addressee = open_tasks(user).filter(kind=ProceedingTask.Kind.CONFIRM_REPRESENTATIVE)
    if count := bounded(addressee):
        yield Entry(
            key="proceeding_contacts",
            count=count,
            title=ngettext("mandataire à joindre", "mandataires à joindre", count),
            reason=_("Confirmez à qui la créance se déclare avant de l’envoyer."),
            url=reverse("risk:proceeding-list"),
            action=_("Confirmer"),
            tone="watch",
        )


def _review(user: User, today: date) -> Iterable[Entry]:
    """Announcements that nobody has decided on, or that no SIREN ties to an account."""
    if count := bounded(outcomes_to_review(user)):
        yield Entry(
            key="events_to_review",
            count=count,
            title=ngettext("annonce légale à revoir", "annonces légales à revoir", count),
            reason=_("Elle se contredit, annule un avis ou change une fiche : rien ne se fait sans vous."),
            url=reverse("risk:watch-list"),
            action=_("Décider"),
            tone="watch",
        )
    if count := bounded(unmatched(user)):
        yield Entry(
            key="events_unmatched",
            count=count,
            title=ngettext("annonce à rapprocher", "annonces à rapprocher", count),
            reason=_("Aucun SIREN utilisable : dites de qui elle parle, ou écartez-la."),
            url=f"{reverse('risk:watch-list')}#unmatched",
            action=_("Rapprocher"),
            tone="info",
        )


def _receipts(user: User, today: date) -> Iterable[Entry]:
    """Money that came in after a judgment for what was owed before."""
    paid = proceedings_with_late_receipts(user)
    if count := bounded(paid):
        yield Entry(
            key="late_receipts",
            count=count,
            title=ngettext(
                "procédure avec un règlement après jugement",
                "procédures avec un règlement après jugement",
                count,
            ),
            reason=_(
                "Payer une dette antérieure est interdit (C. com. L622-7) : ce règlement peut être annulé."
            ),
            url=reverse("risk:proceeding-detail", args=[paid.order_by("pk").values_list("pk", flat=True)[0]])
            if count == 1
            else reverse("risk:proceeding-list"),
            action=_("Vérifier"),
            tone="late",
        )


def _agency_cases(user: User, today: date) -> Iterable[Entry]:
    """Claims that an agency still collects although their debtor is in proceedings: actions stop (L622-21)."""
    live = InsolvencyProceeding.objects.visible_to(user).live().order_by()
    cases = Case.objects.filter(status=Case.Status.HANDED_OVER, customer__in=live.values("customer"))
    if count := bounded(cases):
        yield Entry(
            key="insolvent_cases",
            count=count,
            title=ngettext("dossier d’agence à rappeler", "dossiers d’agence à rappeler", count),
            reason=_(
                "Le débiteur est en procédure collective : toute action en paiement s’arrête (C. com. L622-21)."
            ),
            url=reverse("dunning:case-list"),
            action=_("Rappeler"),
            tone="blocked",
        )


def _service(user: User, today: date) -> Iterable[Entry]:
    """The service that did not answer on the last day it was asked."""
    last = JobRun.objects.filter(name=BODACC_JOB).order_by("-started_at", "-pk").first()
    if last is not None and last.status == JobRun.Status.FAILED:
        yield Entry(
            key="bodacc_away",
            count=1,
            title=_("service du Bodacc sans réponse"),
            reason=last.error.partition(": ")[2][:160] or last.error[:160],
            url=reverse("risk:watch-file-list"),
            action=_("Voir"),
            tone="late",
        )


WATCH_READS: tuple[tuple[str, Callable[[User, date], Iterable[Entry]]], ...] = (
    ("risk.watch", _tasks),
    ("risk.watch", _review),
    ("risk.watch", _receipts),
    ("dunning.hand_over", _agency_cases),
    ("risk.watch", _service),
)
