"""Reading the post: what waits for it, its batches, and how far each letter is."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from core.rights import SYSTEM, Actor
from dunning.models import Delivery, Level, Notice, PostAnswerLine, PostBatch
from dunning.models.notices import NoticeQuerySet
from dunning.queues import ready

POSTED = Level.POSTED


def in_a_batch() -> Exists:
    """Whether a notice's letter is in a batch that is not posted yet: a condition for querysets of notices."""
    return Exists(
        Delivery.objects.filter(
            notice=OuterRef("pk"), status=Delivery.Status.STARTED, post_batch__isnull=False
        )
    )


def to_post(now: datetime) -> NoticeQuerySet:
    """The letters on paper that wait for the post and are in no batch yet."""
    return ready(status=Notice.Status.RENDERED, channels=POSTED, now=now).exclude(in_a_batch())


def visible_batches(actor: Actor) -> QuerySet[PostBatch]:
    """The batches of which one may see every letter."""
    if actor is SYSTEM:
        return PostBatch.objects.all()
    letters = Delivery.objects.filter(post_batch=OuterRef("pk"))
    hidden = letters.exclude(notice__in=Notice.objects.visible_to(actor).values("pk"))
    return PostBatch.objects.filter(Exists(letters)).exclude(Exists(hidden))


def open_answer_lines(actor: Actor) -> QuerySet[PostAnswerLine]:
    """The printer's lines to look at: those of letters in one's scope, and those of letters that nobody knows."""
    lines = PostAnswerLine.objects.filter(is_closed=False)
    mine = Notice.objects.visible_to(actor).values("pk")
    return lines.filter(Q(delivery=None) | Q(delivery__notice__in=mine))


def letters_of(batch: PostBatch) -> QuerySet[Delivery]:
    """The letters in the batch, in the order in which they are printed."""
    return (
        Delivery.objects.filter(post_batch=batch)
        .select_related("notice__customer", "notice__letter__file")
        .order_by("pk")
    )
