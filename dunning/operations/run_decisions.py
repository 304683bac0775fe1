"""Deciding on a run as a whole: confirming it, releasing or cancelling one that was guarded. Set-based."""

from datetime import datetime

from django.db import connection
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.operation import operation
from core.rights import Actor
from customers.models import Customer
from dunning.models import Level, Notice, Run
from dunning.operations.notices import DunningStopped, RunGuarded, checked_reason, kick_rendering
from dunning.operations.runs import locked_entity
from dunning.queues import is_stopped, stops_in_force

MOVES = """
WITH decided AS (
    UPDATE dunning_notice n
    SET status = %(status)s, decided_by_id = %(actor)s, decided_at = %(now)s, reason = %(reason)s
    FROM dunning_level level
    WHERE n.run_id = %(run)s AND n.status = 'PROPOSED' AND level.id = n.level_id
      AND (%(all)s OR (level.approval = ANY(%(approvals)s)
                       AND n.open_amount <= coalesce(level.maximum_amount, n.open_amount)))
    RETURNING n.id, n.customer_id
), given_back AS (
    UPDATE dunning_noticeline line SET in_force = FALSE
    FROM decided WHERE %(all)s AND line.notice_id = decided.id AND line.in_force
)
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor)s, %(actor_name)s, %(verb)s,
       ARRAY['notice:' || id, 'customer:' || customer_id, 'run:' || %(run)s],
       CASE WHEN %(reason)s = '' THEN '{}'::jsonb ELSE jsonb_build_object('reason', %(reason)s) END
FROM decided
ORDER BY id
"""


class NothingToConfirm(BusinessError):
    """No notice of the run waits for its confirmation."""

    code = "nothing_to_confirm"


class RunNotGuarded(BusinessError):
    """The run is not, or no longer, held for its volume."""

    code = "run_not_guarded"


class PortfolioOnly(BusinessError):
    """Who sees a part of the customers decides on notices, not on a whole run."""

    code = "portfolio_only"


@operation("dunning.approve")
def confirm_run(*, actor: Actor, run: Run, now: datetime) -> int:
    """Approve at once the notices that ask for no look at each: automatic levels and those « after confirmation ».

    Those over their level's maximum stay to be validated one by one. Returns how many were approved. Raises
    NothingToConfirm, RunGuarded, DunningStopped, PortfolioOnly.
    """
    run = _locked(actor, run)
    if run.status == Run.Status.GUARDED:
        raise RunGuarded(
            _("Cette campagne est retenue pour volume inhabituel : libérez-la ou annulez-la d’abord.")
        )
    _check_not_stopped(run)
    approved = _approve(actor, run, [Level.Approval.AUTOMATIC, Level.Approval.CONFIRMATION], now)
    if not approved:
        raise NothingToConfirm(_("Aucune relance de cette campagne n’attend de confirmation."))
    run.confirmed_by_id, run.confirmed_at = actor.pk, now
    run.save(update_fields=["confirmed_by", "confirmed_at"])
    audit.record(
        actor=actor, verb="dunning.run.confirmed", refs=[run, run.legal_entity], now=now, notices=approved
    )
    return approved


@operation("dunning.approve")
def release_run(*, actor: Actor, run: Run, now: datetime) -> Run:
    """Let a guarded run go on: its automatic notices are approved, the others wait for their decision.

    Raises RunNotGuarded, DunningStopped.
    """
    run = _locked(actor, run)
    _check_guarded(run)
    _check_not_stopped(run)
    run.status = Run.Status.PLANNED
    run.save(update_fields=["status"])
    approved = _approve(actor, run, [Level.Approval.AUTOMATIC], now)
    audit.record(
        actor=actor,
        verb="dunning.run.released",
        refs=[run, run.legal_entity],
        now=now,
        notices=run.notice_count,
        approved=approved,
    )
    return run


@operation("dunning.approve")
def cancel_run(*, actor: Actor, run: Run, reason: str, now: datetime) -> Run:
    """Set all the notices of a guarded run aside: their steps count no longer, the next run proposes them anew.

    Raises ReasonMissing, RunNotGuarded.
    """
    reason = checked_reason(reason)[:200]
    run = _locked(actor, run)
    _check_guarded(run)
    rejected = _move(
        actor, run, Notice.Status.REJECTED, "dunning.notice.rejected", now, everything=True, reason=reason
    )
    run.status = Run.Status.CANCELLED
    run.save(update_fields=["status"])
    audit.record(
        actor=actor,
        verb="dunning.run.cancelled",
        refs=[run, run.legal_entity],
        now=now,
        notices=rejected,
        reason=reason,
    )
    return run


def _locked(actor: Actor, run: Run) -> Run:
    """The run under lock, for somebody who sees its entity and all its customers."""
    locked_entity(actor, run.legal_entity_id)
    run = Run.objects.select_for_update(of=("self",)).select_related("legal_entity").get(pk=run.pk)
    if Notice.objects.filter(run=run).exclude(customer__in=Customer.objects.visible_to(actor)).exists():
        raise PortfolioOnly(
            _(
                "Cette campagne relance des clients hors de votre périmètre : validez les relances des vôtres une à une."
            )
        )
    return run


def _check_guarded(run: Run) -> None:
    if run.status != Run.Status.GUARDED:
        raise RunNotGuarded(_("Cette campagne n’est pas retenue : rechargez la page."))


def _check_not_stopped(run: Run) -> None:
    if is_stopped(run.legal_entity_id):
        stop = next(stop for stop in stops_in_force() if stop.legal_entity_id in (None, run.legal_entity_id))
        raise DunningStopped(
            _("Les relances sont arrêtées (%(reason)s) : reprenez-les avant de valider.")
            % {"reason": stop.reason}
        )


def _approve(actor: Actor, run: Run, approvals: list[str], now: datetime) -> int:
    approved = _move(actor, run, Notice.Status.APPROVED, "dunning.notice.approved", now, approvals=approvals)
    kick_rendering(approved)
    return approved


def _move(
    actor: Actor,
    run: Run,
    status: str,
    verb: str,
    now: datetime,
    *,
    everything: bool = False,
    approvals: list[str] | None = None,
    reason: str = "",
) -> int:
    """Move the run's proposed notices, with one event for each; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            MOVES,
            {
                "run": run.pk,
                "status": status,
                "verb": verb,
                "all": everything,
                "approvals": [str(approval) for approval in approvals or []],
                "reason": reason,
                "actor": actor.pk,
                "actor_name": str(actor)[:120],
                "now": now,
            },
        )
        return int(cursor.rowcount)
