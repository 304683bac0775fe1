"""Deciding on proposed notices, and holding back those that must not leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.jobs import kick
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from dunning.gate import Obstacle, explain, obstacles
from dunning.gate_facts import notices_now
from dunning.models import Level, Notice, NoticeLine
from dunning.operations.cases import open_cases

# Printing is the slow part: so many workers are asked to share it, each taking what the others leave.
RENDERING_WORKERS = 4


class NothingToDecide(BusinessError):
    """None of the notices named waits for a decision."""

    code = "nothing_to_decide"


class ReasonMissing(BusinessError):
    """A person who overrules the house says why."""

    code = "reason_missing"


@dataclass(frozen=True)
class Decided:
    """How many notices a decision moved, and how many were no longer waiting for one."""

    decided: int
    passed_over: int


@operation("dunning.approve")
def approve_notices(*, actor: Actor, notice_ids: Sequence[int], today: date, now: datetime) -> Decided:
    """Approve proposed notices: letters are then rendered; hand-overs open a case with the agency."""
    notices = _waiting(actor, notice_ids, Notice.Status.PROPOSED)
    hand_overs = [notice for notice in notices if notice.level.kind == Level.Kind.HAND_OVER]
    _decide(actor, notices, Notice.Status.APPROVED, "dunning.notice.approved", "", now)
    if hand_overs:
        open_cases(actor=actor, notices=hand_overs, today=today, now=now)
    for _worker in range(min(len(notices), RENDERING_WORKERS)):
        kick("dunning.tasks.render_letters")
    return Decided(len(notices), len(set(notice_ids)) - len(notices))


@operation("dunning.approve")
def reject_notices(*, actor: Actor, notice_ids: Sequence[int], reason: str, now: datetime) -> Decided:
    """Set proposed or failed notices aside; their steps count no longer: the next run proposes them anew."""
    if not reason.strip():
        raise ReasonMissing(_("Dites pourquoi ces relances sont écartées."), field="reason")
    notices = _waiting(actor, notice_ids, Notice.Status.PROPOSED, Notice.Status.FAILED)
    _decide(actor, notices, Notice.Status.REJECTED, "dunning.notice.rejected", reason.strip(), now)
    NoticeLine.objects.filter(notice__in=[notice.pk for notice in notices]).update(in_force=False)
    return Decided(len(notices), len(set(notice_ids)) - len(notices))


def _waiting(actor: Actor, notice_ids: Sequence[int], *states: str) -> list[Notice]:
    notices = list(
        Notice.objects.visible_to(actor)
        .filter(pk__in=notice_ids, status__in=states)
        .select_related("level")
        .order_by("pk")
        .select_for_update(of=("self",))
    )
    if not notices:
        raise NothingToDecide(_("Ces relances ne sont plus à valider : rechargez la page."))
    return notices


def _decide(
    actor: Actor, notices: Sequence[Notice], status: str, verb: str, reason: str, now: datetime
) -> None:
    Notice.objects.filter(pk__in=[notice.pk for notice in notices]).update(
        status=status, decided_by_id=actor.pk, decided_at=now, reason=reason
    )
    audit.record_each(
        actor=actor,
        verb=verb,
        events=(
            (
                [notice, f"customer:{notice.customer_id}", f"run:{notice.run_id}"],
                {"reason": reason} if reason else {},
            )
            for notice in notices
        ),
        now=now,
    )


def passing_gate(*, actor: Actor, notices: Sequence[Notice], today: date, now: datetime) -> list[Notice]:
    """Look once more; those that must not leave are held, and their steps count no longer. Returns the others.

    Part of the operations that render, send or post: the notices are locked by the caller.
    """
    facts = notices_now(notices, today=today)
    passing = []
    for notice in notices:
        if found := obstacles(facts[notice.pk]):
            _hold(actor, notice, found, now)
        else:
            passing.append(notice)
    return passing


def passes_gate(*, actor: Actor, notice: Notice, today: date, now: datetime) -> bool:
    """The same for one notice."""
    return bool(passing_gate(actor=actor, notices=[notice], today=today, now=now))


def _hold(actor: Actor, notice: Notice, found: Sequence[tuple[Obstacle, str]], now: datetime) -> None:
    check_move(notice, Notice.Status.HELD)
    notice.status, notice.reason = Notice.Status.HELD, explain(found)[:200]
    notice.save(update_fields=["status", "reason"])
    notice.lines.update(in_force=False)
    audit.record(
        actor=actor,
        verb="dunning.notice.held",
        refs=[notice, f"customer:{notice.customer_id}"],
        now=now,
        obstacles=[[str(obstacle), number] for obstacle, number in found],
    )
