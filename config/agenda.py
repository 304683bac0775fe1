"""The agenda: what waits for a person, counted, with its reason and the page where it is dealt with.

Every entry is one bounded query on an index; a right that is missing drops the entry, a scope narrows it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.agenda_checks import CHECK_READS
from config.agenda_claims import CLAIM_READS
from config.agenda_cover import COVER_READS
from config.agenda_entries import MOST_COUNTED, Entry, bounded, sums, written
from config.agenda_law import LAW_READS
from config.agenda_limits import LIMIT_READS
from config.agenda_post import POST_READS
from config.agenda_runs import RUN_READS
from config.agenda_scores import SCORE_READS
from config.agenda_watch import WATCH_READS
from core import clock
from core.models import JobRun, User
from core.rights import has_permission
from customers.models import Customer
from dunning.approvals import visible_runs
from dunning.models import Case, Notice, Run
from dunning.post_reads import to_post
from invoices.einvoice_reads import flagged_statuses
from invoices.models import AgeingDay, ImportBatch, OpenItem
from risk.exposure import balances
from risk.overview import over_limit

FAILURES_SHOWN_DAYS = 7


@dataclass(frozen=True)
class Step:
    """One of a newcomer's first steps."""

    title: str
    text: str
    url: str
    done: bool


_RANK = {"blocked": 0, "late": 1, "watch": 2, "info": 3}


def agenda(user: User, today: date) -> list[Entry]:
    """What waits for this person, the most urgent first."""
    found: list[Entry] = []
    for permission, read in _READS:
        if has_permission(user, permission):
            found += read(user, today)
    return sorted(found, key=lambda entry: _RANK[entry.tone])


def first_steps(user: User) -> list[Step]:
    """The way from a file to a letter, until the first letter of one's entities exists; then nothing."""
    items = OpenItem.objects.visible_to(user)
    notices = Notice.objects.visible_to(user)
    if notices.filter(letter__isnull=False).exists():
        return []
    has_items = items.exists()
    has_run = notices.exists()
    approved = notices.exclude(status__in=[Notice.Status.PROPOSED, Notice.Status.REJECTED]).exists()
    return [
        Step(
            _("Déposer un fichier de factures"),
            _("CSV ou Excel ; rien n’est enregistré avant votre validation."),
            reverse("invoices:import-upload") if has_permission(user, "invoices.import") else "",
            has_items,
        ),
        Step(
            _("Lire la balance âgée"),
            _("Ce qui est dû, par client et par ancienneté du retard."),
            reverse("invoices:ageing"),
            has_items and AgeingDay.objects.exists(),
        ),
        Step(
            _("Lancer une campagne de relance"),
            _("Encours propose une relance par client, et dit pourquoi les autres n’en ont pas."),
            reverse("dunning:run-list"),
            has_run,
        ),
        Step(
            _("Valider les relances"),
            _("Rien ne part sans votre accord : validez ou écartez chaque proposition."),
            reverse("dunning:approval-list"),
            approved,
        ),
        Step(
            _("Lire les courriers"),
            _("Chaque lettre est produite, conservée telle qu’envoyée et jointe au dossier du client."),
            reverse("dunning:notice-list"),
            False,
        ),
    ]


def _failed_jobs(user: User, today: date) -> Iterable[Entry]:
    since = today - timedelta(days=FAILURES_SHOWN_DAYS)
    count = JobRun.objects.filter(status=JobRun.Status.FAILED, started_at__date__gte=since).count()
    if count:
        yield Entry(
            key="failed_jobs",
            count=count,
            title=ngettext("travail de fond échoué", "travaux de fond échoués", count),
            reason=_("Des chiffres ou des envois peuvent manquer tant qu’ils n’ont pas repris."),
            url=reverse("core:job-list") + "?status=FAILED",
            action=_("Voir l’erreur"),
            tone="blocked",
        )


def _stopped_batches(user: User, today: date) -> Iterable[Entry]:
    batches = ImportBatch.objects.visible_to(user)
    stopped = batches.filter(status__in=[ImportBatch.Status.FAILED, ImportBatch.Status.REJECTED])
    if count := bounded(stopped):
        yield Entry(
            key="stopped_batches",
            count=count,
            title=ngettext("fichier de pièces à reprendre", "fichiers de pièces à reprendre", count),
            reason=_("Illisible ou interrompu : rien n’en est enregistré."),
            url=_batch_url(stopped, count),
            action=_("Reprendre"),
            tone="late",
        )
    waiting = batches.filter(status=ImportBatch.Status.PREVIEWED)
    if count := bounded(waiting):
        yield Entry(
            key="batches",
            count=count,
            title=ngettext("lot de pièces à valider", "lots de pièces à valider", count),
            reason=_("Lu et contrôlé ; la balance ne change qu’après validation."),
            url=_batch_url(waiting, count),
            action=_("Vérifier"),
            tone="watch",
        )


def _batch_url(batches: "QuerySet[ImportBatch]", count: int) -> str:
    if count == 1:
        return reverse("invoices:import-detail", args=[batches.values_list("uid", flat=True)[0]])
    return reverse("invoices:import-list")


def _notices(user: User, today: date) -> Iterable[Entry]:
    proposed = Notice.objects.visible_to(user).filter(status=Notice.Status.PROPOSED)
    if count := bounded(proposed):
        yield Entry(
            key="notices",
            count=count,
            title=ngettext("relance à valider", "relances à valider", count),
            reason=_("Proposées par la dernière campagne ; aucune ne part sans votre accord."),
            url=reverse("dunning:approval-list"),
            action=_("Valider"),
            tone="watch",
            amounts=sums(proposed, "open_amount", count),
        )


def _deliveries(user: User, today: date) -> Iterable[Entry]:
    notices = Notice.objects.visible_to(user)
    failed = notices.filter(status=Notice.Status.FAILED)
    if count := bounded(failed):
        yield Entry(
            key="failed_notices",
            count=count,
            title=ngettext("envoi refusé", "envois refusés", count),
            reason=_("Adresse inconnue ou serveur muet : corrigez l’adresse, puis renvoyez."),
            url=reverse("dunning:notice-list") + "?status=FAILED",
            action=_("Corriger"),
            tone="late",
        )
    paper = notices.filter(pk__in=to_post(clock.now()).values("pk"))
    if count := bounded(paper):
        yield Entry(
            key="letters_to_post",
            count=count,
            title=ngettext("courrier à poster", "courriers à poster", count),
            reason=_("Prêts à imprimer ; notez leur remise à la poste, la suite en dépend."),
            url=reverse("dunning:post-list"),
            action=_("Imprimer"),
            tone="watch",
        )


def _cases(user: User, today: date) -> Iterable[Entry]:
    ready = Case.objects.filter(
        status=Case.Status.READY, customer__in=Customer.objects.visible_to(user).values("pk")
    )
    if count := bounded(ready):
        yield Entry(
            key="cases",
            count=count,
            title=ngettext("dossier à remettre à l’agence", "dossiers à remettre à l’agence", count),
            reason=_("Le dossier est complet : relisez-le, puis remettez-le."),
            url=reverse("dunning:case-list") + "?status=READY",
            action=_("Relire"),
            tone="watch",
        )


def _failed_runs(user: User, today: date) -> Iterable[Entry]:
    since = today - timedelta(days=FAILURES_SHOWN_DAYS)
    failed = visible_runs(user).filter(status=Run.Status.FAILED, as_of__gte=since)
    if count := bounded(failed):
        yield Entry(
            key="failed_runs",
            count=count,
            title=ngettext("campagne échouée", "campagnes échouées", count),
            reason=_("Aucune relance n’a été proposée ce jour-là : lisez l’erreur et relancez."),
            url=reverse("dunning:run-list"),
            action=_("Voir"),
            tone="late",
        )


def _flagged_statuses(user: User, today: date) -> Iterable[Entry]:
    if count := bounded(flagged_statuses(user, today - timedelta(days=FAILURES_SHOWN_DAYS))):
        yield Entry(
            key="einvoice_flags",
            count=count,
            title=ngettext("statut électronique à vérifier", "statuts électroniques à vérifier", count),
            reason=_("Le compte ou le payeur change : assurez-vous que cela vient de vous."),
            url=f"{reverse('invoices:einvoice-status-list')}?effect=FLAGGED",
            action=_("Vérifier"),
            tone="late",
        )


def _unmatched(user: User, today: date) -> Iterable[Entry]:
    credits = OpenItem.objects.visible_to(user).filter(open_amount__lt=0)
    if count := bounded(credits):
        yield Entry(
            key="unmatched",
            count=count,
            title=ngettext("règlement ou avoir à lettrer", "règlements ou avoirs à lettrer", count),
            reason=_("Tant qu’ils ne soldent rien, leurs clients ne sont pas relancés."),
            url=_items("unmatched"),
            action=_("Lettrer"),
            tone="info",
            amounts=sums(credits, "open_amount", count),
        )


def _expired_holds(user: User, today: date) -> Iterable[Entry]:
    expired = Customer.objects.visible_to(user).filter(status=Customer.Status.ON_HOLD, hold_until__lt=today)
    if count := bounded(expired):
        yield Entry(
            key="expired_holds",
            count=count,
            title=ngettext("suspension de relances échue", "suspensions de relances échues", count),
            reason=_("Leur date de fin est passée : reprenez les relances ou prolongez la suspension."),
            url=reverse("customers:customer-list") + "?status=ON_HOLD",
            action=_("Décider"),
            tone="watch",
        )


def _over_limit(user: User, today: date) -> Iterable[Entry]:
    beyond = over_limit(Customer.objects.visible_to(user), balances(user, today))
    rows = list(beyond.order_by().values_list("currency", "excess")[:MOST_COUNTED])
    if rows:
        sums: dict[str, Decimal] = {}
        for currency, excess in rows:
            sums[currency] = sums.get(currency, Decimal(0)) + excess
        yield Entry(
            key="over_limit",
            count=len(rows),
            title=ngettext("client au-delà de son plafond", "clients au-delà de leur plafond", len(rows)),
            reason=_("Leur encours dépasse la limite de crédit décidée : relevez-la ou arrêtez de livrer."),
            url=reverse("risk:overview") + "?list=over",
            action=_("Décider"),
            tone="watch",
            amounts=written(sums),
        )


_READS: tuple[tuple[str, Callable[[User, date], Iterable[Entry]]], ...] = (
    ("core.view_jobs", _failed_jobs),
    ("invoices.import", _stopped_batches),
    ("dunning.plan", _failed_runs),
    ("dunning.deliver", _deliveries),
    ("dunning.approve", _notices),
    ("dunning.hand_over", _cases),
    ("customers.hold", _expired_holds),
    ("risk.set_limit", _over_limit),
    *CHECK_READS,
    *COVER_READS,
    *SCORE_READS,
    *LIMIT_READS,
    *RUN_READS,
    *POST_READS,
    *CLAIM_READS,
    ("invoices.record_einvoice_status", _flagged_statuses),
    *LAW_READS,
    *WATCH_READS,
    ("invoices.allocate", _unmatched),
)


def _items(state: str) -> str:
    return f"{reverse('invoices:item-list')}?state={state}"
