"""The agenda's entries on the post and the telephone: calls, batches to post, numbers to enter, what does not agree."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.agenda_entries import Entry, bounded, sums
from core import clock
from core.models import User
from dunning.call_reads import calls_to_make, fruitless_calls
from dunning.models import Delivery, Level, Notice, PostBatch
from dunning.post_reads import open_answer_lines, visible_batches

# A formal notice's number is asked for during so many days after the posting.
NUMBER_DAYS = 60


def _calls(user: User, today: date) -> Iterable[Entry]:
    fruitless = fruitless_calls(user)
    if count := bounded(fruitless):
        yield Entry(
            key="fruitless_calls",
            count=count,
            title=ngettext("appel sans réponse", "appels sans réponse", count),
            reason=_("Essayés plusieurs fois sans joindre personne : rappelez, écrivez ou écartez."),
            url=f"{reverse('dunning:call-list')}?which=fruitless",
            action=_("Décider"),
            tone="late",
            amounts=sums(Notice.objects.filter(pk__in=fruitless.values("pk")), "open_amount", count),
        )
    to_make = calls_to_make(user, clock.now())
    if count := bounded(to_make):
        yield Entry(
            key="calls",
            count=count,
            title=ngettext("appel à passer", "appels à passer", count),
            reason=_("Script, pièces et numéro sont prêts ; le résultat fait avancer la relance."),
            url=reverse("dunning:call-list"),
            action=_("Appeler"),
            tone="watch",
            amounts=sums(Notice.objects.filter(pk__in=to_make.values("pk")), "open_amount", count),
        )


def _post(user: User, today: date) -> Iterable[Entry]:
    printed = visible_batches(user).filter(
        status=PostBatch.Status.PREPARED, provider=PostBatch.Provider.HOUSE, file__isnull=False
    )
    if count := bounded(printed):
        only = list(printed.order_by().values_list("pk", flat=True)[:2])
        yield Entry(
            key="batches_to_post",
            count=count,
            title=ngettext("lot imprimé à déposer", "lots imprimés à déposer", count),
            reason=_("Notez leur dépôt à la poste et les numéros de recommandé : la suite en dépend."),
            url=reverse("dunning:post-batch-detail", args=only)
            if len(only) == 1
            else reverse("dunning:post-batch-list"),
            action=_("Confirmer"),
            tone="watch",
        )
    unnumbered = Delivery.objects.filter(
        notice__in=Notice.objects.visible_to(user).values("pk"),
        channel=Level.Channel.REGISTERED,
        status=Delivery.Status.HANDED,
        tracking_number="",
        posted_on__gte=today - timedelta(days=NUMBER_DAYS),
    )
    if count := bounded(unnumbered):
        only = list(unnumbered.order_by().values_list("notice", flat=True)[:2])
        yield Entry(
            key="numbers_to_enter",
            count=count,
            title=ngettext("recommandé sans numéro de suivi", "recommandés sans numéro de suivi", count),
            reason=_("Sans son numéro, l’envoi d’une mise en demeure ne se prouve pas."),
            url=reverse("dunning:notice-detail", args=only)
            if len(only) == 1
            else f"{reverse('dunning:notice-list')}?status=SENT&channel=REGISTERED",
            action=_("Saisir"),
            tone="watch",
        )
    if count := bounded(open_answer_lines(user)):
        yield Entry(
            key="post_answers",
            count=count,
            title=ngettext("réponse du prestataire à regarder", "réponses du prestataire à regarder", count),
            reason=_("Illisible, inconnue ou contraire à ce qui était annoncé : rien n’en a été retenu."),
            url=reverse("dunning:post-answer-list"),
            action=_("Regarder"),
            tone="late",
        )


POST_READS: tuple[tuple[str, Callable[[User, date], Iterable[Entry]]], ...] = (
    ("dunning.call", _calls),
    ("dunning.deliver", _post),
)
