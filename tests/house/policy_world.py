"""The policies of the world of routes: a draft that was simulated, and a trial."""

from datetime import date
from typing import Any

from core import clock
from core.rights import SYSTEM
from dunning.models import Policy, Trial
from dunning.operations.policies import draft_next_version
from dunning.operations.simulations import complete_simulation, request_simulation
from dunning.simulation_outcome import compute

# route -> its arguments -> the key of the world that gives the value
POLICY_ROUTES: dict[str, dict[str, str]] = {
    **{
        f"dunning:policy-{name}": {"pk": "policy_draft"}
        for name in ("detail", "edit", "reach", "draft", "activate", "retire", "compare")
    },
    "dunning:simulation-request": {"pk": "policy_draft"},
    "dunning:simulation-detail": {"pk": "simulation"},
    "dunning:simulation-file": {"pk": "simulation"},
    "dunning:trial-detail": {"pk": "trial"},
    "dunning:trial-end": {"pk": "trial"},
    **{
        f"dunning:level-{name}": {"pk": "policy_draft", "rank": "level_rank"}
        for name in ("add", "save", "remove", "move")
    },
}


def policy_documents(policy: Policy, today: date) -> dict[str, Any]:
    """A draft that was simulated, and a trial of the version in force."""
    now = clock.now()
    draft = draft_next_version(actor=SYSTEM, policy=policy, now=now)
    simulation = request_simulation(
        actor=SYSTEM, policy=draft, horizon_days=30, payments="NONE", today=today, now=now
    )
    outcome = compute(simulation, lambda done, total: None)
    complete_simulation(actor=SYSTEM, simulation=simulation, outcome=outcome, now=now)
    trial = Trial.objects.create(name="Essai", policy=policy, started_on=today)
    return {"policy_draft": draft.pk, "simulation": simulation.pk, "trial": trial.pk}
