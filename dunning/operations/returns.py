"""What was sent and did not arrive: the sending is taken back, and a person decides what follows."""

from collections.abc import Sequence
from datetime import date, datetime

from django.utils.translation import gettext as _

from core import audit
from core.rights import Actor
from core.states import check_move
from dunning.models import Delivery, Level, Notice, NoticeLine

_WAITING = (Notice.Status.PROPOSED, Notice.Status.APPROVED, Notice.Status.RENDERED)


def take_back_sending(
    *,
    actor: Actor,
    notice: Notice,
    delivery: Delivery,
    reason: str,
    detail: str,
    returned_on: date,
    now: datetime,
) -> bool:
    """Close the attempt as returned for `reason` (`Delivery.Return`), and its notice as failed: its step is not proven.

    Later steps of the same items that still wait are held: they would skip this one. False, and the notice stays as
    it is, when a later step has already left or another attempt has taken this one's place; that is told all the same.
    Part of the operations that learn of a return; the caller has locked the notice.
    """
    _close(delivery, reason, detail, returned_on, now)
    later = _later_steps(notice)
    is_current = (
        notice.status == Notice.Status.SENT
        and not notice.deliveries.filter(attempt__gt=delivery.attempt).exists()
        and all(_may_be_held(step) for step in later)
    )
    if is_current:
        _hold(actor, later, notice, now)
        check_move(notice, Notice.Status.FAILED)
        notice.status, notice.sent_on = Notice.Status.FAILED, None
        notice.save(update_fields=["status", "sent_on"])
    audit.record(
        actor=actor,
        verb="dunning.notice.bounced" if is_current else "dunning.notice.bounced_late",
        refs=[notice, f"customer:{notice.customer_id}"],
        now=now,
        channel=delivery.channel,
        recipient=delivery.recipient,
        attempt=delivery.attempt,
        reason=reason,
        detail=detail[:1_000],
    )
    return is_current


def _close(delivery: Delivery, reason: str, detail: str, returned_on: date, now: datetime) -> None:
    if delivery.status == Delivery.Status.RETURNED:
        return
    check_move(delivery, Delivery.Status.RETURNED)
    delivery.status, delivery.return_reason, delivery.returned_on = (
        Delivery.Status.RETURNED,
        reason,
        returned_on,
    )
    delivery.detail = "\n".join(filter(None, [delivery.detail, detail]))[:4_000]
    delivery.finished_at = delivery.finished_at or now
    delivery.save(update_fields=["status", "return_reason", "returned_on", "detail", "finished_at"])


def _later_steps(notice: Notice) -> list[Notice]:
    """The notices in force that hold a later step of an item of this one, locked in the house's order."""
    ranks = dict(notice.lines.filter(rank__gt=0).values_list("item", "rank"))
    lines = NoticeLine.objects.filter(item__in=list(ranks), in_force=True).exclude(notice=notice)
    found = {line.notice_id for line in lines if line.rank > ranks[line.item_id]}
    return list(
        Notice.objects.filter(pk__in=found)
        .select_related("level")
        .select_for_update(of=("self",))
        .order_by("pk")
    )


def _may_be_held(step: Notice) -> bool:
    if step.status in (Notice.Status.HELD, Notice.Status.REJECTED):
        return True
    # An approved hand-over has opened its case.
    return step.status in _WAITING and not (
        step.status == Notice.Status.APPROVED and step.level.kind == Level.Kind.HAND_OVER
    )


def _hold(actor: Actor, steps: Sequence[Notice], notice: Notice, now: datetime) -> None:
    reason = _("l’étape précédente (%(notice)s) n’est pas arrivée au client") % {"notice": notice}
    for step in steps:
        if step.status not in _WAITING:
            continue
        check_move(step, Notice.Status.HELD)
        step.status, step.reason = Notice.Status.HELD, reason
        step.not_before, step.wait_reason = None, ""
        step.save(update_fields=["status", "reason", "not_before", "wait_reason"])
        step.lines.update(in_force=False)
        audit.record(
            actor=actor,
            verb="dunning.notice.held",
            refs=[step, f"customer:{step.customer_id}"],
            now=now,
            reason=reason,
        )
