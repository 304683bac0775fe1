"""Decisions on many notices at once: all that match a filter, and all that turned out to be wrong. Set-based."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.errors import BusinessError
from core.operation import operation
from core.rights import Actor
from dunning.models import Level, Notice
from dunning.operations.notices import (
    NothingToDecide,
    approvable,
    checked_reason,
    kick_rendering,
    passing_gate,
)


class ListChanged(BusinessError):
    """The list is not the one that the person saw and counted."""

    code = "list_changed"


def to_approve(notices: QuerySet[Notice]) -> QuerySet[Notice]:
    """Of these, what may be approved without ticking: no hand-over, which each needs its own look."""
    return approvable(notices).exclude(level__kind=Level.Kind.HAND_OVER)


def to_reject(notices: QuerySet[Notice]) -> QuerySet[Notice]:
    """Of these, what may be set aside."""
    return notices.filter(status__in=[Notice.Status.PROPOSED, Notice.Status.FAILED])


@operation("dunning.approve")
def approve_matching(*, actor: Actor, notices: QuerySet[Notice], expected: int, now: datetime) -> int:
    """Approve all that match, as the person counted them. Raises ListChanged when there are more or fewer by now."""
    ids = _locked(to_approve(notices), actor, expected)
    with connection.cursor() as cursor:
        cursor.execute(
            _DECIDE,
            {"ids": ids, "status": Notice.Status.APPROVED, "actor": actor.pk, "now": now, "reason": ""},
        )
        _tell(cursor, ids, "dunning.notice.approved", actor, "", now)
    kick_rendering(len(ids))
    return len(ids)


@operation("dunning.approve")
def reject_matching(
    *, actor: Actor, notices: QuerySet[Notice], expected: int, reason: str, now: datetime
) -> int:
    """Set all that match aside, with one reason; their steps are given back. Raises ListChanged as above."""
    reason = checked_reason(reason)[:200]
    ids = _locked(to_reject(notices), actor, expected)
    with connection.cursor() as cursor:
        cursor.execute(
            _DECIDE,
            {"ids": ids, "status": Notice.Status.REJECTED, "actor": actor.pk, "now": now, "reason": reason},
        )
        cursor.execute(
            "UPDATE dunning_noticeline SET in_force = FALSE WHERE notice_id = ANY(%s) AND in_force", [ids]
        )
        _tell(cursor, ids, "dunning.notice.rejected", actor, reason, now)
    return len(ids)


@operation("dunning.approve")
def hold_if_outdated(*, actor: Actor, notice_ids: Sequence[int], today: date, now: datetime) -> int:
    """Look through the gate at notices that have not left yet, and hold those that must not. Returns how many.

    A notice that somebody prints, sends or decides at this moment is left to him: he looks as well.
    """
    notices = list(
        Notice.objects.filter(
            pk__in=notice_ids,
            status__in=[Notice.Status.PROPOSED, Notice.Status.APPROVED, Notice.Status.RENDERED],
        )
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("customer", "level")
        .order_by("pk")
    )
    if not notices:
        return 0
    passing_gate(actor=actor, notices=notices, today=today, now=now, waits=False)
    return sum(notice.status == Notice.Status.HELD for notice in notices)


_DECIDE = """
UPDATE dunning_notice SET status = %(status)s, decided_by_id = %(actor)s, decided_at = %(now)s, reason = %(reason)s
WHERE id = ANY(%(ids)s)
"""
_TELL = """
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor)s, %(actor_name)s, %(verb)s,
       ARRAY['notice:' || n.id, 'customer:' || n.customer_id, 'run:' || n.run_id],
       CASE WHEN %(reason)s = '' THEN '{"together": true}'::jsonb
            ELSE jsonb_build_object('together', true, 'reason', %(reason)s::text) END
FROM dunning_notice n
WHERE n.id = ANY(%(ids)s)
ORDER BY n.id
"""


def _tell(cursor, ids: list[int], verb: str, actor: Actor, reason: str, now: datetime) -> None:  # type: ignore[no-untyped-def]
    cursor.execute(
        _TELL,
        {
            "ids": ids, "verb": verb, "actor": actor.pk, "actor_name": str(actor)[:120], "reason": reason, "now": now,
        },
    )  # fmt: skip


def _locked(notices: QuerySet[Notice], actor: Actor, expected: int) -> list[int]:
    ids = list(
        notices.filter(pk__in=Notice.objects.visible_to(actor).values("pk"))
        .order_by("pk")
        .select_for_update(of=("self",))
        .values_list("pk", flat=True)
    )
    if not ids:
        raise NothingToDecide(_("Ces relances ne sont plus à valider : rechargez la page."))
    if len(ids) != expected:
        raise ListChanged(
            ngettext(
                "La liste a changé : elle compte maintenant %(count)d relance. Vérifiez, puis confirmez de nouveau.",
                "La liste a changé : elle compte maintenant %(count)d relances. Vérifiez, puis confirmez de nouveau.",
                len(ids),
            )
            % {"count": len(ids)}
        )
    return ids
