"""Deciding on proposed notices, and holding or delaying those that must not leave."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.jobs import kick
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from dunning.gate import WAIT_LABELS, Delay, Obstacle, Wait, delay, explain, obstacles
from dunning.gate_facts import notices_now
from dunning.models import Level, Notice, NoticeLine, Run
from dunning.operations.cases import open_cases
from dunning.queues import WITH_LETTER, stopped, stops_in_force

# Printing is the slow part: so many workers are asked to share it, each taking what the others leave.
RENDERING_WORKERS = 4


class NothingToDecide(BusinessError):
    """None of the notices named waits for a decision."""

    code = "nothing_to_decide"


class ReasonMissing(BusinessError):
    """A person who overrules the house says why."""

    code = "reason_missing"


class DunningStopped(BusinessError):
    """A stop stands: nothing is approved, sent or posted until it is lifted."""

    code = "dunning_stopped"


class RunGuarded(BusinessError):
    """The run waits for a person to release or cancel it as a whole."""

    code = "run_guarded"


@dataclass(frozen=True)
class Decided:
    """How many notices a decision moved, and how many were no longer waiting for one."""

    decided: int
    passed_over: int


@operation("dunning.approve")
def approve_notices(*, actor: Actor, notice_ids: Sequence[int], today: date, now: datetime) -> Decided:
    """Approve proposed notices: letters are then rendered; hand-overs open a case with the agency.

    Raises DunningStopped or RunGuarded when that keeps all of them; those it keeps among others are passed over.
    """
    notices = _waiting(actor, notice_ids, Notice.Status.PROPOSED)
    free = set(
        approvable(Notice.objects.filter(pk__in=[notice.pk for notice in notices])).values_list(
            "pk", flat=True
        )
    )
    if not free:
        raise_kept_back(notices[0])
    notices = [notice for notice in notices if notice.pk in free]
    hand_overs = [notice for notice in notices if notice.level.kind == Level.Kind.HAND_OVER]
    _decide(actor, notices, Notice.Status.APPROVED, "dunning.notice.approved", "", now)
    if hand_overs:
        open_cases(actor=actor, notices=hand_overs, today=today, now=now)
    kick_rendering(len(notices))
    return Decided(len(notices), len(set(notice_ids)) - len(notices))


def approvable(notices: QuerySet[Notice]) -> QuerySet[Notice]:
    """Of proposed notices, those that may be approved: no stop, and a run that is not guarded."""
    return notices.filter(~stopped(), status=Notice.Status.PROPOSED).exclude(run__status=Run.Status.GUARDED)


def raise_kept_back(notice: Notice) -> None:
    """Say what keeps a proposed notice from being approved."""
    stop = next(
        (stop for stop in stops_in_force() if stop.legal_entity_id in (None, notice.legal_entity_id)), None
    )
    if stop is not None:
        raise DunningStopped(
            _("Les relances sont arrêtées (%(reason)s) : reprenez-les avant de valider.")
            % {"reason": stop.reason}
        )
    raise RunGuarded(
        _(
            "La campagne %(run)s est retenue pour volume inhabituel : libérez-la ou annulez-la sur sa page, "
            "rien n’en part avant."
        )
        % {"run": notice.run_id}
    )


def kick_rendering(count: int) -> None:
    """Ask for so many letters to be printed."""
    for _worker in range(min(count, RENDERING_WORKERS)):
        kick("dunning.tasks.render_letters")


@operation("dunning.approve")
def reject_notices(*, actor: Actor, notice_ids: Sequence[int], reason: str, now: datetime) -> Decided:
    """Set proposed or failed notices aside; their steps count no longer: the next run proposes them anew."""
    reason = checked_reason(reason)
    notices = _waiting(actor, notice_ids, Notice.Status.PROPOSED, Notice.Status.FAILED)
    _decide(actor, notices, Notice.Status.REJECTED, "dunning.notice.rejected", reason, now)
    NoticeLine.objects.filter(notice__in=[notice.pk for notice in notices]).update(in_force=False)
    return Decided(len(notices), len(set(notice_ids)) - len(notices))


def checked_reason(reason: str) -> str:
    """The reason without its margins. Raises ReasonMissing when there is none."""
    if not reason.strip():
        raise ReasonMissing(_("Dites pourquoi ces relances sont écartées."), field="reason")
    return reason.strip()


@operation("dunning.approve")
def mark_sent(
    *, actor: Actor, notice: Notice, sent_on: date, reason: str, today: date, now: datetime
) -> Notice:
    """Say that a notice whose sending failed reached the customer all the same, on a day and as a person knows.

    Its step is done: the next level counts from that day. Raises WrongState when it is not failed.
    """
    notice = (
        Notice.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .select_related("run")
        .get(pk=notice.pk)
    )
    check_move(notice, Notice.Status.SENT)
    if notice.status != Notice.Status.FAILED:
        raise NothingToDecide(_("Cette relance n’est pas en échec : rechargez la page."))
    if not reason.strip():
        raise ReasonMissing(_("Dites comment vous savez que le client l’a reçue."), field="reason")
    if sent_on > today:
        raise BusinessError(
            _("La date de réception ne peut pas être dans le futur."), code="future_date", field="sent_on"
        )
    if sent_on < notice.as_of:
        raise BusinessError(
            _("La relance est arrêtée au %(day)s : elle ne peut pas être arrivée avant.")
            % {"day": f"{notice.as_of:%d/%m/%Y}"},
            code="before_notice",
            field="sent_on",
        )
    notice.status, notice.sent_on, notice.reason = Notice.Status.SENT, sent_on, reason.strip()[:200]
    notice.save(update_fields=["status", "sent_on", "reason"])
    audit.record(
        actor=actor,
        verb="dunning.notice.known_received",
        refs=[notice, f"customer:{notice.customer_id}"],
        now=now,
        sent_on=sent_on.isoformat(),
        reason=reason.strip(),
    )
    return notice


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


def passing_gate(
    *, actor: Actor, notices: Sequence[Notice], today: date, now: datetime, waits: bool = True
) -> list[Notice]:
    """Look once more: those that must not leave are held (their steps count no longer), those that must not leave
    yet wait. Returns the others.

    Part of the operations that render, send, post or call: the notices are locked by the caller. A letter still to
    be printed does not leave: it waits for nothing but a stop; with `waits=False` nor does what has left already.
    """
    leaving = [notice for notice in notices if waits and not _is_to_print(notice)]
    _one_at_a_time(leaving)
    facts = notices_now(leaving, today=today, leaving_at=now)
    rest = [notice for notice in notices if notice.pk not in facts]
    facts |= notices_now(rest, today=today) if rest else {}
    passing, held, delayed = [], [], []
    for notice in notices:
        if found := obstacles(facts[notice.pk]):
            held.append((notice, found))
        elif kept := delay(facts[notice.pk], now=now):
            delayed.append((notice, kept))
        else:
            passing.append(notice)
    _hold(actor, held, now)
    _delay(actor, delayed, now)
    _release(passing)
    return passing


def passes_gate(*, actor: Actor, notice: Notice, today: date, now: datetime) -> bool:
    """The same for one notice."""
    return bool(passing_gate(actor=actor, notices=[notice], today=today, now=now))


def _is_to_print(notice: Notice) -> bool:
    return notice.status in (Notice.Status.PROPOSED, Notice.Status.APPROVED) and (
        notice.level.channel in WITH_LETTER or notice.status == Notice.Status.PROPOSED
    )


def _one_at_a_time(notices: Sequence[Notice]) -> None:
    """Two notices of two entities to one customer pass one after the other: the second then sees the first."""
    keys = sorted({notice.contact_key for notice in notices} - {""})
    if keys:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('dunning.contact:' || key, 0))"
                " FROM (SELECT unnest(%s::text[]) AS key ORDER BY 1) keys",
                [keys],
            )


def _hold(actor: Actor, held: Sequence[tuple[Notice, Sequence[tuple[Obstacle, str]]]], now: datetime) -> None:
    if not held:
        return
    for notice, found in held:
        check_move(notice, Notice.Status.HELD)
        notice.status, notice.reason = Notice.Status.HELD, explain(found)[:200]
        notice.not_before, notice.wait_reason = None, ""
    Notice.objects.bulk_update(
        [notice for notice, _found in held],
        ["status", "reason", "not_before", "wait_reason"],
        batch_size=1_000,
    )
    NoticeLine.objects.filter(notice__in=[notice.pk for notice, _found in held]).update(in_force=False)
    audit.record_each(
        actor=actor,
        verb="dunning.notice.held",
        events=(
            (
                [notice, f"customer:{notice.customer_id}"],
                {"obstacles": [[str(obstacle), number] for obstacle, number in found]},
            )
            for notice, found in held
        ),
        now=now,
    )


def _delay(actor: Actor, delayed: Sequence[tuple[Notice, Delay]], now: datetime) -> None:
    """A stop needs no trace on the notice: lifting it is enough. The others are told once, not at every look."""
    groups: dict[Delay, list[Notice]] = defaultdict(list)
    for notice, kept in delayed:
        if kept.wait is not Wait.STOPPED:
            groups[kept].append(notice)
    for kept, notices in groups.items():
        reason = str(WAIT_LABELS[kept.wait])
        told_now = [notice for notice in notices if notice.wait_reason != reason]
        Notice.objects.filter(pk__in=[notice.pk for notice in notices]).update(
            not_before=kept.until, wait_reason=reason
        )
        for notice in notices:
            notice.not_before, notice.wait_reason = kept.until, reason
        audit.record_each(
            actor=actor,
            verb="dunning.notice.waiting",
            events=(
                ([notice, f"customer:{notice.customer_id}"], {"wait": str(kept.wait), "reason": reason})
                for notice in told_now
            ),
            now=now,
        )


def _release(passing: Sequence[Notice]) -> None:
    waited = [notice for notice in passing if notice.not_before is not None or notice.wait_reason]
    if waited:
        Notice.objects.filter(pk__in=[notice.pk for notice in waited]).update(not_before=None, wait_reason="")
        for notice in waited:
            notice.not_before, notice.wait_reason = None, ""
