"""The panel that shows how a notice's letter travelled."""

from typing import Any

from django import template

from dunning.models import Delivery, Level, Notice
from dunning.views.tones import DELIVERY_TONES

register = template.Library()

_CHANNELS = (Level.Channel.LETTER, Level.Channel.REGISTERED, Level.Channel.E_REGISTERED)


@register.inclusion_tag("dunning/delivery_proof.html", takes_context=True)
def postal_proof(context: dict[str, Any], notice: Notice, may_number: bool = False) -> dict[str, Any]:
    """`{% postal_proof notice may_deliver %}`: deposit, presentation, delivery or return, and the proof kept."""
    deliveries = list(
        notice.deliveries.filter(channel__in=_CHANNELS)
        .select_related("post_batch", "proof")
        .order_by("-attempt")
    )
    for delivery in deliveries:
        delivery.tone = DELIVERY_TONES[delivery.status]  # type: ignore[attr-defined]
        delivery.channel_label = Level.Channel(delivery.channel).label  # type: ignore[attr-defined]
        delivery.takes_number = delivery.channel == Level.Channel.REGISTERED and delivery.status in (  # type: ignore[attr-defined]
            Delivery.Status.HANDED,
            Delivery.Status.DELIVERED,
            Delivery.Status.RETURNED,
        )
    return {"deliveries": deliveries, "may_number": may_number, "csrf_token": context.get("csrf_token", "")}
