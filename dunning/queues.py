"""The queues: which notices may be taken for the next step. Their status is the queue; this says what keeps one back.

A renderer or a sender takes its next notice from `ready`, under lock and skipping what others have locked.
"""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from dunning.models import DunningStop, Level, Notice, Run
from dunning.models.notices import NoticeQuerySet

WITH_LETTER = (
    Level.Channel.EMAIL,
    Level.Channel.LETTER,
    Level.Channel.REGISTERED,
    Level.Channel.E_REGISTERED,
)


def ready(*, status: str, channels: Collection[str], now: datetime) -> NoticeQuerySet:
    """The notices in `status` on those channels that nothing keeps back at `now`, the oldest first.

    Kept back: those that wait (`not_before`), those of an entity whose dunning is stopped, those of a guarded run.
    """
    return (
        Notice.objects.filter(
            ~stopped(),
            Q(not_before=None) | Q(not_before__lte=now),
            status=status,
            level__channel__in=list(channels),
        )
        .exclude(run__status=Run.Status.GUARDED)
        .order_by("pk")
    )


def stops_in_force() -> QuerySet[DunningStop]:
    """The stops that nobody has lifted, the one of all entities first."""
    return (
        DunningStop.objects.filter(lifted_at=None)
        .select_related("legal_entity", "stopped_by")
        .order_by(F("legal_entity__name").asc(nulls_first=True), "pk")
    )


def stopped(entity: str = "legal_entity") -> Exists:
    """Whether a stop stands for the legal entity of a row: a condition for querysets that have that column."""
    standing = DunningStop.objects.filter(lifted_at=None)
    return Exists(standing.filter(Q(legal_entity=None) | Q(legal_entity=OuterRef(entity))))


def stopped_entities() -> set[int | None]:
    """The keys of the entities whose dunning is stopped; None among them: all are."""
    return set(DunningStop.objects.filter(lifted_at=None).values_list("legal_entity", flat=True))


def is_stopped(entity_id: int) -> bool:
    """Whether nothing may leave for this entity."""
    return not stopped_entities().isdisjoint({None, entity_id})
