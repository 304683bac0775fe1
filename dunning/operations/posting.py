"""Letters on paper given to the post by the house: who says so, on which day, under which number."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Exists, Model, OuterRef, QuerySet
from django.utils.timezone import localdate, make_aware
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.operation import operation
from core.rights import Actor
from dunning.models import Delivery, Letter, Level, Notice, PostBatch
from dunning.operations.notices import passing_gate
from dunning.post_reads import visible_batches
from dunning.queues import is_stopped

POSTED = Level.POSTED
_TRACKING = re.compile(r"[0-9A-Z]{8,40}")


class NothingToPost(BusinessError):
    """None of the notices named is a letter waiting for the post."""

    code = "nothing_to_post"


class TrackingRefused(BusinessError):
    """A number of the post cannot be read, or is another letter's."""

    code = "tracking_refused"


@dataclass(frozen=True)
class Posting:
    """How many letters were posted, and those that must come out of the pile: the gate held them."""

    posted: int
    held: tuple[Notice, ...]


@operation("dunning.deliver")
def confirm_posting(
    *,
    actor: Actor,
    notice_ids: Sequence[int],
    posted_on: date,
    today: date,
    now: datetime,
    numbers: Mapping[int, str] | None = None,
) -> int:
    """Say that printed letters were given to the post on a day. Held ones are not counted.

    `numbers` are the registered numbers by notice. Raises NothingToPost when none of them waits for it, or
    TrackingRefused.
    """
    return _confirm(actor, notice_ids, posted_on, numbers or {}, today, now).posted


@operation("dunning.deliver")
def confirm_batch_posting(
    *,
    actor: Actor,
    batch_id: int,
    posted_on: date,
    numbers: Mapping[int, str],
    today: date,
    now: datetime,
) -> Posting:
    """Say that a batch printed by the house was given to the post. Held letters must come out of the pile.

    Raises NothingToPost when it no longer waits for it.
    """
    batch = visible_batches(actor).select_for_update(of=("self",)).filter(pk=batch_id).first()
    if batch is None or batch.provider != PostBatch.Provider.HOUSE or batch.file_id is None:
        raise NothingToPost(_("Ce lot n’est pas encore imprimé : attendez son PDF."))
    notice_ids = list(
        Delivery.objects.filter(post_batch=batch, status=Delivery.Status.STARTED).values_list(
            "notice", flat=True
        )
    )
    return _confirm(actor, notice_ids, posted_on, numbers, today, now)


def _confirm(
    actor: Actor,
    notice_ids: Sequence[int],
    posted_on: date,
    numbers: Mapping[int, str],
    today: date,
    now: datetime,
) -> Posting:
    if posted_on > today:
        raise BusinessError(
            _("La date de dépôt ne peut pas être dans le futur."), code="future_date", field="posted_on"
        )
    _check_printed(actor, notice_ids, posted_on)
    tracking = {notice: clean_tracking(number) for notice, number in numbers.items() if number.strip()}
    named = list(
        Notice.objects.visible_to(actor)
        .filter(pk__in=notice_ids, level__channel__in=POSTED)
        .select_for_update(of=("self",))
        .select_related("customer", "level", "legal_entity", "run")
        .order_by("pk")
    )
    notices = [notice for notice in named if notice.status == Notice.Status.RENDERED]
    # Held since the printing: no letter to count, and one to take out of the pile all the same.
    pulled = [notice for notice in named if notice.status == Notice.Status.HELD]
    if not notices and not _in_batch(pulled).exists():
        raise NothingToPost(_("Ces courriers ne sont plus à poster : rechargez la page."))
    for entity_id in {notice.legal_entity_id for notice in notices}:
        if is_stopped(entity_id):
            raise NothingToPost(_("Les relances de cette entité sont arrêtées : rien n’est posté."))
    _check_free(tracking)
    # What a person has taken to the post is gone: neither the day of the week nor old bank data keep it.
    posted = passing_gate(actor=actor, notices=notices, today=today, now=now, waits=False)
    _hand_to_post(posted, tracking, posted_on, now)
    held = [*pulled, *(notice for notice in notices if notice not in posted)]
    _leave_batches(held, now)
    Notice.objects.filter(pk__in=[notice.pk for notice in posted]).update(
        status=Notice.Status.SENT, sent_on=posted_on
    )
    _close_batches([*posted, *held], now)
    audit.record_each(
        actor=actor,
        verb="dunning.notice.sent",
        events=(
            (
                [notice, f"customer:{notice.customer_id}"],
                {"channel": notice.level.channel, "posted_on": posted_on.isoformat()}
                | ({"tracking_number": tracking[notice.pk]} if notice.pk in tracking else {}),
            )
            for notice in posted
        ),
        now=now,
    )
    return Posting(len(posted), tuple(held))


def _hand_to_post(
    notices: Sequence[Notice], tracking: Mapping[int, str], posted_on: date, now: datetime
) -> None:
    """Close the deliveries of letters in a batch; write those of the others."""
    ids = [notice.pk for notice in notices]
    begun = list(
        Delivery.objects.filter(notice__in=ids, status=Delivery.Status.STARTED)
        .select_for_update(of=("self",))
        .order_by("pk")
    )
    for delivery in begun:
        delivery.status, delivery.finished_at = Delivery.Status.HANDED, now
        delivery.posted_on = posted_on
        delivery.tracking_number = tracking.get(delivery.notice_id, "")
    Delivery.objects.bulk_update(
        begun, ["status", "finished_at", "posted_on", "tracking_number"], batch_size=500
    )
    in_batch = {delivery.notice_id for delivery in begun}
    attempts = Counter(Delivery.objects.filter(notice__in=ids).values_list("notice", flat=True))
    Delivery.objects.bulk_create(
        Delivery(
            notice=notice,
            channel=notice.level.channel,
            attempt=attempts[notice.pk] + 1,
            status=Delivery.Status.HANDED,
            started_at=now,
            finished_at=now,
            posted_on=posted_on,
            tracking_number=tracking.get(notice.pk, ""),
        )
        for notice in notices
        if notice.pk not in in_batch
    )


def _in_batch(notices: Sequence[Notice]) -> QuerySet[Delivery]:
    """The open deliveries of these notices in a batch."""
    return Delivery.objects.filter(
        notice__in=[notice.pk for notice in notices],
        status=Delivery.Status.STARTED,
        post_batch__isnull=False,
    )


def _leave_batches(held: Sequence[Notice], now: datetime) -> None:
    """A letter that the gate keeps back is in its batch no more; should it leave after all, it joins another."""
    _in_batch(held).update(
        status=Delivery.Status.FAILED, finished_at=now, detail=_("Retirée du lot : retenue avant le dépôt.")
    )


def _close_batches(notices: Sequence[Notice], now: datetime) -> None:
    """A batch printed by the house is posted with its last letter; given up when none of them could leave."""
    batches = PostBatch.objects.filter(
        pk__in=Delivery.objects.filter(
            notice__in=[notice.pk for notice in notices], post_batch__isnull=False
        ).values("post_batch"),
        provider=PostBatch.Provider.HOUSE,
        status=PostBatch.Status.PREPARED,
    ).exclude(deliveries__status=Delivery.Status.STARTED)
    posted = Delivery.objects.filter(post_batch=OuterRef("pk")).exclude(status=Delivery.Status.FAILED)
    batches.filter(~Exists(posted)).update(
        status=PostBatch.Status.REFUSED,
        answered_at=now,
        detail=_("Aucun courrier du lot ne pouvait plus partir."),
    )
    batches.update(status=PostBatch.Status.HANDED, handed_at=now)


@operation("dunning.deliver")
def enter_tracking_numbers(*, actor: Actor, numbers: Mapping[int, str], now: datetime) -> int:
    """Note the registered numbers of posted letters, by delivery; an empty one says nothing. Returns how many changed.

    A number noted before is put right, and the trail keeps both. Raises TrackingRefused.
    """
    wanted = {pk: clean_tracking(number) for pk, number in numbers.items() if number.strip()}
    deliveries = list(
        Delivery.objects.filter(pk__in=wanted, channel=Level.Channel.REGISTERED)
        .filter(notice__in=Notice.objects.visible_to(actor).values("pk"))
        .exclude(status=Delivery.Status.FAILED)
        .select_for_update(of=("self",))
        .select_related("notice")
        .order_by("pk")
    )
    changed = [(delivery, wanted[delivery.pk]) for delivery in deliveries]
    changed = [(delivery, number) for delivery, number in changed if delivery.tracking_number != number]
    _check_free({delivery.notice_id: number for delivery, number in changed})
    events: list[tuple[list[Model | str], dict[str, str]]] = [
        (
            [delivery.notice, f"customer:{delivery.notice.customer_id}"],
            {"tracking_number": number, "before": delivery.tracking_number},
        )
        for delivery, number in changed
    ]
    # Freed first: two numbers that were swapped may change places.
    Delivery.objects.filter(pk__in=[delivery.pk for delivery, _number in changed]).update(tracking_number="")
    for delivery, number in changed:
        delivery.tracking_number = number
    Delivery.objects.bulk_update(
        [delivery for delivery, _number in changed], ["tracking_number"], batch_size=500
    )
    audit.record_each(actor=actor, verb="dunning.delivery.tracked", events=events, now=now)
    return len(changed)


def clean_tracking(number: str) -> str:
    """A number of the post without its spaces. Raises TrackingRefused."""
    cleaned = re.sub(r"[\s\u00a0\u202f.-]", "", number).upper()
    if not _TRACKING.fullmatch(cleaned):
        raise TrackingRefused(
            _("« %(number)s » n’est pas un numéro de suivi : 8 à 40 lettres et chiffres.")
            % {"number": number.strip()[:60]},
            field="numbers",
        )
    return cleaned


def _check_free(tracking: Mapping[int, str]) -> None:
    """No number twice, among these nor with another letter's."""
    twice = [number for number, count in Counter(tracking.values()).items() if count > 1]
    if twice:
        raise TrackingRefused(
            _("Le numéro %(number)s est donné à deux courriers.") % {"number": twice[0]}, field="numbers"
        )
    taken = (
        Delivery.objects.filter(tracking_number__in=list(tracking.values()))
        .exclude(notice__in=list(tracking))
        .select_related("notice__letter")
        .order_by("pk")
        .first()
    )
    if taken is not None:
        raise TrackingRefused(
            _("Le numéro %(number)s est déjà celui du courrier %(reference)s.")
            % {"number": taken.tracking_number, "reference": taken.notice.letter.reference},
            field="numbers",
        )


def _check_printed(actor: Actor, notice_ids: Sequence[int], posted_on: date) -> None:
    """A letter is not posted before it is printed: the next step would come too soon."""
    midnight = make_aware(datetime.combine(posted_on + timedelta(days=1), time.min))
    early = (
        Letter.objects.filter(
            notice__in=Notice.objects.visible_to(actor).filter(pk__in=notice_ids), rendered_at__gte=midnight
        )
        .order_by("-rendered_at")
        .first()
    )
    if early is not None:
        raise BusinessError(
            _("Le courrier %(reference)s a été produit le %(day)s : il ne peut pas avoir été posté avant.")
            % {"reference": early.reference, "day": f"{localdate(early.rendered_at):%d/%m/%Y}"},
            code="before_printing",
            field="posted_on",
        )
