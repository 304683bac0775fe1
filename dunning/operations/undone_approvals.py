"""Going back on an approval, as long as nothing was printed, sent or said because of it."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from core import audit
from core.operation import operation
from core.rights import Actor
from dunning.models import Call, Delivery, Level, Notice
from dunning.operations.notices import Decided, NothingToDecide


def undoable(notices: QuerySet[Notice]) -> QuerySet[Notice]:
    """Of these, the approved ones that nobody has printed, tried to send or called about.

    An approved hand-over has opened a case: it is the case that is recalled.
    """
    return (
        notices.filter(status=Notice.Status.APPROVED)
        .exclude(level__kind=Level.Kind.HAND_OVER)
        .exclude(Exists(Delivery.objects.filter(notice=OuterRef("pk"))))
        .exclude(Exists(Call.objects.filter(notice=OuterRef("pk"))))
    )


@operation("dunning.approve")
def undo_approval(*, actor: Actor, notice_ids: Sequence[int], now: datetime) -> Decided:
    """Put approved notices back among those to validate; their steps stay taken.

    Those being printed at this moment are waited for, and passed over once printed. Raises NothingToDecide when none
    is left.
    """
    notices = list(
        undoable(Notice.objects.visible_to(actor).filter(pk__in=notice_ids))
        .order_by("pk")
        .select_for_update(of=("self",))
    )
    if not notices:
        raise NothingToDecide(
            _(
                "Il est trop tard pour revenir sur cette validation\u00a0: le courrier est produit, ou l’envoi commencé."
            )
        )
    Notice.objects.filter(pk__in=[notice.pk for notice in notices]).update(
        status=Notice.Status.PROPOSED, decided_by=None, decided_at=None, not_before=None, wait_reason=""
    )
    audit.record_each(
        actor=actor,
        verb="dunning.notice.approval_undone",
        events=(
            ([notice, f"customer:{notice.customer_id}", f"run:{notice.run_id}"], {}) for notice in notices
        ),
        now=now,
    )
    return Decided(len(notices), len(set(notice_ids)) - len(notices))
