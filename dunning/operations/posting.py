"""Letters on paper given to the post: who says so, on which day, under which number."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from django.utils.timezone import localdate, make_aware
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.operation import operation
from core.rights import Actor
from dunning.models import Delivery, Letter, Level, Notice
from dunning.operations.notices import passing_gate

POSTED = (Level.Channel.LETTER, Level.Channel.REGISTERED)


class NothingToPost(BusinessError):
    """None of the notices named is a letter waiting for the post."""

    code = "nothing_to_post"


@operation("dunning.deliver")
def confirm_posting(
    *, actor: Actor, notice_ids: Sequence[int], posted_on: date, today: date, now: datetime
) -> int:
    """Say that printed letters were given to the post on a day. Held ones are not counted.

    Raises NothingToPost when none of them waits for it.
    """
    if posted_on > today:
        raise BusinessError(
            _("La date de dépôt ne peut pas être dans le futur."), code="future_date", field="posted_on"
        )
    _check_printed(actor, notice_ids, posted_on)
    notices = list(
        Notice.objects.visible_to(actor)
        .filter(pk__in=notice_ids, status=Notice.Status.RENDERED, level__channel__in=POSTED)
        .select_for_update(of=("self",))
        .select_related("customer", "level")
        .order_by("pk")
    )
    if not notices:
        raise NothingToPost(_("Ces courriers ne sont plus à poster : rechargez la page."))
    posted = passing_gate(actor=actor, notices=notices, today=today, now=now)
    ids = [notice.pk for notice in posted]
    attempts = Counter(Delivery.objects.filter(notice__in=ids).values_list("notice", flat=True))
    Delivery.objects.bulk_create(
        Delivery(
            notice=notice,
            channel=notice.level.channel,
            attempt=attempts[notice.pk] + 1,
            status=Delivery.Status.HANDED,
            started_at=now,
            finished_at=now,
        )
        for notice in posted
    )
    Notice.objects.filter(pk__in=ids).update(status=Notice.Status.SENT, sent_on=posted_on)
    audit.record_each(
        actor=actor,
        verb="dunning.notice.sent",
        events=(
            (
                [notice, f"customer:{notice.customer_id}"],
                {"channel": notice.level.channel, "posted_on": posted_on.isoformat()},
            )
            for notice in posted
        ),
        now=now,
    )
    return len(posted)


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
