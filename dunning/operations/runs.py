"""Campagnes: asking for a run, planning it, simulating it. Planning is a handful of SQL statements."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Count, Max, Sum
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.legal import register
from core.operation import operation
from core.rights import Actor
from customers.models import LegalEntity
from dunning.models import DunningSettings, Notice, Policy, Run, RunExclusion
from dunning.operations.notices import kick_rendering
from dunning.planning import decisions, facts
from dunning.planning.decisions import decide
from dunning.planning.facts import gather
from dunning.planning.fees import compute_fees, rates_known_from
from dunning.planning.late_reminders import withdraw_late_reminders
from dunning.planning.writing import write
from dunning.queues import is_stopped
from dunning.run_guard import RUNS_COMPARED, Unusual, Volume, unusual


class NoActivePolicy(BusinessError):
    """No policy is active for the entity: a run would propose nothing and hide why."""

    code = "no_active_policy"


class NotInScope(BusinessError):
    """The legal entity is not in the actor's scope."""

    code = "not_in_scope"


@dataclass(frozen=True)
class PlannedRun:
    """What a run wrote, or would write. `excluded` counts items by reason."""

    run_id: int | None
    notices: int
    lines: int
    excluded: dict[str, int]
    is_guarded: bool = False


@operation("dunning.plan")
def request_run(*, actor: Actor, legal_entity: LegalEntity, as_of: date, now: datetime) -> Run:
    """Ask for a run; a worker plans it. Asking again while one waits gives the one that waits."""
    legal_entity = locked_entity(actor, legal_entity.pk)
    _check_policy(legal_entity)
    waiting = Run.objects.filter(legal_entity=legal_entity, as_of=as_of, status=Run.Status.REQUESTED).first()
    if waiting is not None:
        return waiting
    run = Run.objects.create(
        legal_entity=legal_entity,
        as_of=as_of,
        sequence=_next_sequence(legal_entity, as_of),
        requested_by_id=actor.pk,
        created_at=now,
    )
    audit.record(
        actor=actor,
        verb="dunning.run.requested",
        refs=[run, legal_entity],
        now=now,
        as_of=as_of.isoformat(),
        sequence=run.sequence,
    )
    return run


@operation("dunning.plan")
def plan_run(*, actor: Actor, run: Run, now: datetime) -> PlannedRun:
    """Propose the notices of a requested run: all in one transaction, or nothing.

    Those of automatic levels are approved at once, unless a stop stands or the volume is unusual: the run is then
    GUARDED, and all of it waits for a person. Raises MissingLegalParameter when a rate is missing; the run then
    stays as it was. A run that is no longer REQUESTED is left as it is.
    """
    run = Run.objects.select_for_update(of=("self",)).select_related("legal_entity").get(pk=run.pk)
    if run.status != Run.Status.REQUESTED:
        return _outcome(run)
    # One planning at a time for an entity: two would propose the same steps and one would fail.
    locked_entity(actor, run.legal_entity_id)
    with connection.cursor() as cursor:
        # The temporary tables are scanned whole: sorting and hashing them in memory is what makes it fast.
        cursor.execute("SET LOCAL work_mem = '128MB'; SET LOCAL jit = off")
        found = _decide_and_write(cursor, actor, run, now)
    run.status = Run.Status.GUARDED if found else Run.Status.PLANNED
    run.guard = found.as_json() if found else {}
    run.planned_at, run.error = now, ""
    run.save(update_fields=["status", "guard", "planned_at", "error", "notice_count", "line_count"])
    outcome = _outcome(run)
    audit.record(
        actor=actor,
        verb="dunning.run.guarded" if found else "dunning.run.planned",
        refs=[run, run.legal_entity],
        now=now,
        notices=run.notice_count,
        lines=run.line_count,
        excluded=outcome.excluded,
        **({"guard": run.guard} if found else {}),
    )
    return outcome


def _decide_and_write(cursor, actor: Actor, run: Run, now: datetime) -> Unusual | None:  # type: ignore[no-untyped-def]
    """The run's rows; what is unusual about them, if anything."""
    legal = register()
    who = {"actor_id": actor.pk, "actor_name": str(actor)[:120], "now": now}
    withdraw_late_reminders(cursor, entity_id=run.legal_entity_id, as_of=run.as_of, **who)
    gather(cursor, entity_id=run.legal_entity_id, as_of=run.as_of)
    decide(cursor, as_of=run.as_of, rates_from=rates_known_from(legal, run.legal_entity))
    compute_fees(cursor, legal=legal, entity=run.legal_entity, as_of=run.as_of)
    found = _unusual(run.legal_entity, decisions.volume(cursor))
    by_itself = 0 if found or is_stopped(run.legal_entity_id) else decisions.automatic(cursor)
    run.notice_count, run.line_count = write(cursor, run=run, none_by_itself=not by_itself, **who)
    cursor.execute("DROP TABLE " + ", ".join(_TEMPORARY_TABLES))
    kick_rendering(by_itself)
    return found


@operation("dunning.plan")
def fail_run(*, actor: Actor, run: Run, error: str, now: datetime) -> None:
    """Keep why a requested run could not be planned; it can be asked for again."""
    waiting = Run.objects.filter(pk=run.pk, status=Run.Status.REQUESTED)
    if waiting.update(status=Run.Status.FAILED, error=error):
        audit.record(actor=actor, verb="dunning.run.failed", refs=[run], now=now, error=error)


def dun(*, actor: Actor, legal_entity: LegalEntity, as_of: date, now: datetime) -> PlannedRun:
    """Ask for a run and plan it at once: the command's door."""
    run = request_run(actor=actor, legal_entity=legal_entity, as_of=as_of, now=now)
    return plan_run(actor=actor, run=run, now=now)


def simulate(
    *, actor: Actor, legal_entities: Iterable[LegalEntity], as_of: date, now: datetime
) -> list[PlannedRun]:
    """What runs would propose today; nothing is kept."""
    outcomes = []
    for entity in legal_entities:
        with transaction.atomic():
            outcome = dun(actor=actor, legal_entity=entity, as_of=as_of, now=now)
            outcomes.append(
                PlannedRun(None, outcome.notices, outcome.lines, outcome.excluded, outcome.is_guarded)
            )
            transaction.set_rollback(True)
    return outcomes


_TEMPORARY_TABLES = (
    *facts.TABLES,
    *decisions.TABLES,
    "plan_rate",
    "plan_fee",
    "plan_indemnity",
    "plan_notice",
)


def _unusual(legal_entity: LegalEntity, volume: Volume) -> Unusual | None:
    """The volume beside the entity's last runs that wrote anything."""
    chosen = DunningSettings.objects.filter(legal_entity=legal_entity).first() or DunningSettings()
    last = list(
        Run.objects.filter(legal_entity=legal_entity, status=Run.Status.PLANNED, notice_count__gt=0)
        .order_by("-planned_at", "-pk")
        .values_list("pk", flat=True)[:RUNS_COMPARED]
    )
    before: dict[int, dict[str, tuple[int, Decimal]]] = defaultdict(dict)
    for row in (
        Notice.objects.filter(run__in=last)
        .order_by()
        .values("run", "currency")
        .annotate(notices=Count("pk"), amount=Sum("open_amount"))
    ):
        before[row["run"]][row["currency"]] = (row["notices"], row["amount"])
    ratio = Decimal(chosen.guard_ratio)
    return unusual(volume, list(before.values()), ratio=ratio, minimum=chosen.guard_minimum)


def locked_entity(actor: Actor, entity_id: int) -> LegalEntity:
    """The entity, for one planning at a time. Its key stays free: documents that name it are posted meanwhile.

    Raises NotInScope.
    """
    entity = (
        LegalEntity.objects.visible_to(actor)
        .select_for_update(of=("self",), no_key=True)
        .filter(pk=entity_id)
        .first()
    )
    if entity is None:
        raise NotInScope(_("Cette entité juridique n’est pas dans votre périmètre."), field="legal_entity")
    return entity


def _check_policy(legal_entity: LegalEntity) -> None:
    active = Policy.objects.filter(status=Policy.Status.ACTIVE)
    if not (active.filter(legal_entity=legal_entity) | active.filter(legal_entity=None)).exists():
        raise NoActivePolicy(
            _(
                "Aucun scénario de relance n’est actif pour « %(entity)s » : activez-en un avant de lancer une campagne."
            )
            % {"entity": legal_entity}
        )


def _next_sequence(legal_entity: LegalEntity, as_of: date) -> int:
    last = Run.objects.filter(legal_entity=legal_entity, as_of=as_of).aggregate(last=Max("sequence"))["last"]
    return (last or 0) + 1


def _outcome(run: Run) -> PlannedRun:
    excluded = (
        RunExclusion.objects.filter(run=run)
        .values("reason")
        .annotate(items=Sum("item_count"), customers=Count("customer", distinct=True))
        .order_by("reason")
    )
    return PlannedRun(
        run.pk,
        run.notice_count,
        run.line_count,
        {row["reason"]: row["items"] for row in excluded},
        run.status == Run.Status.GUARDED,
    )
