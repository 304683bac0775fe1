"""A batch, a delivery and a call, for the routes of the post."""

from datetime import date, datetime, timedelta
from typing import Any

from customers.models import LegalEntity
from dunning.models import Delivery, Level, Notice, PostBatch
from tests.dunning.factories import make_customer, make_item, make_policy, make_step


def post_world(entity: LegalEntity, printed: Notice, today: date, now: datetime) -> dict[str, Any]:
    """What the routes of the post and of the telephone name."""
    batch = PostBatch.objects.create(
        reference="MONDE-P000001",
        legal_entity=entity,
        channel=Level.Channel.REGISTERED,
        provider=PostBatch.Provider.HOUSE,
        letter_count=1,
        created_at=now,
    )
    delivery = Delivery.objects.create(
        notice=printed, channel=Level.Channel.REGISTERED, started_at=now, post_batch=batch
    )
    spoken = make_policy(entity).levels.get(rank=1)
    spoken.channel = Level.Channel.PHONE
    spoken.save()
    item = make_item(make_customer(entity), "300.00", today - timedelta(days=12))
    call = make_step(item, spoken, sent_on=None)
    Notice.objects.filter(pk=call.pk).update(status=Notice.Status.APPROVED)
    return {"post_batch": batch.pk, "delivery": delivery.pk, "call": call.pk}
