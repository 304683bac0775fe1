"""Simulations: asking for one, and keeping what was found. The computation itself only reads."""

from datetime import date, datetime

from django.utils.translation import gettext as _

from core import audit
from core.files import store_file
from core.operation import operation
from core.rights import Actor
from dunning.models import Policy, Simulation
from dunning.operations.policy_drafts import check_scope, read_policy
from dunning.policy_content import fingerprint
from dunning.simulation_outcome import Outcome


@operation("dunning.manage_policies")
def request_simulation(
    *, actor: Actor, policy: Policy, horizon_days: int, payments: str, today: date, now: datetime
) -> Simulation:
    """Ask what the policy would do; a worker finds out. Asking again while one waits gives the one that waits."""
    policy = read_policy(policy.pk)
    check_scope(actor, policy)
    wanted = {"policy": policy, "as_of": today, "horizon_days": horizon_days, "payments": payments}
    mark = fingerprint(policy)
    waiting = Simulation.objects.filter(
        **wanted, status=Simulation.Status.REQUESTED, fingerprint=mark
    ).first()
    if waiting is not None:
        return waiting
    simulation = Simulation.objects.create(
        **wanted, requested_by_id=actor.pk, requested_at=now, fingerprint=mark
    )
    audit.record(
        actor=actor,
        verb="dunning.simulation.requested",
        refs=[simulation, policy],
        now=now,
        name=str(policy),
        horizon_days=horizon_days,
        payments=payments,
    )
    return simulation


@operation("dunning.manage_policies")
def complete_simulation(
    *, actor: Actor, simulation: Simulation, outcome: Outcome, now: datetime
) -> Simulation:
    """Keep what was found, with the file of who would be contacted. A simulation already kept stays as it is."""
    simulation = Simulation.objects.select_for_update(of=("self",)).get(pk=simulation.pk)
    if simulation.status != Simulation.Status.REQUESTED:
        return simulation
    simulation.file = store_file(
        content=outcome.file,
        name=_("simulation-%(number)s.csv") % {"number": simulation.pk},
        kind="dunning.simulation",
        content_type="text/csv",
        now=now,
    )
    simulation.status, simulation.finished_at = Simulation.Status.DONE, now
    simulation.outcome, simulation.fingerprint = outcome.counts, outcome.fingerprint
    simulation.save(update_fields=["file", "status", "finished_at", "outcome", "fingerprint"])
    audit.record(
        actor=actor,
        verb="dunning.simulation.done",
        refs=[simulation, f"policy:{simulation.policy_id}"],
        now=now,
        contacts=outcome.counts["sides"][0]["count"],
    )
    return simulation


@operation("dunning.manage_policies")
def fail_simulation(*, actor: Actor, simulation: Simulation, error: str, now: datetime) -> None:
    """Keep why it could not be done; it can be asked for again."""
    waiting = Simulation.objects.filter(pk=simulation.pk, status=Simulation.Status.REQUESTED)
    if waiting.update(status=Simulation.Status.FAILED, error=error, finished_at=now):
        audit.record(
            actor=actor,
            verb="dunning.simulation.failed",
            refs=[simulation, f"policy:{simulation.policy_id}"],
            now=now,
            error=error,
        )
