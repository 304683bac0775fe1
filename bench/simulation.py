"""A simulation of a new policy version over a large portfolio, from the request to the file of who would hear of us.

On the book of `bench.dunning`: the version in force and a stricter draft, day by day over the horizon. Baseline in the
same run: the pure rules asked anew on every day of the horizon, as nightly runs would be, for a sample of customers.
"""

import argparse
import json
import os
import resource
import statistics
import time
from datetime import date, timedelta
from typing import Any

from bench.dunning import AS_OF, set_up


def draft_of_active() -> Any:
    """A draft of the policy in force whose second reminder comes a week earlier."""
    from dunning.models import Policy

    active = Policy.objects.get()
    levels = list(active.levels.order_by("rank"))
    active.pk, active.version, active.status = None, 2, "DRAFT"
    active.save(force_insert=True)
    for level in levels:
        level.pk, level.policy = None, active
        level.delay_days -= 7 if level.rank == 2 else 0
        level.save(force_insert=True)
    return active


def run_once(policy: Any, days: int) -> dict[str, float]:
    """One simulation as the worker does it: computed, then kept with its file."""
    from core import clock
    from core.rights import SYSTEM
    from dunning.operations.simulations import complete_simulation, request_simulation
    from dunning.simulation_outcome import compute

    simulation = request_simulation(
        actor=SYSTEM,
        policy=policy,
        horizon_days=days,
        payments="NONE",
        today=date.fromisoformat(AS_OF),
        now=clock.now(),
    )
    progress: list[int] = []
    wall, cpu = time.perf_counter(), time.process_time()
    outcome = compute(simulation, lambda done, _whole: progress.append(done))
    with outcome.file:
        kept = complete_simulation(actor=SYSTEM, simulation=simulation, outcome=outcome, now=clock.now())
    return {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "contacts": kept.outcome["sides"][0]["count"],
        "contacts_in_force": kept.outcome["sides"][1]["count"],
        "file_bytes": kept.file.size,
        "progress_told": len(progress),
    }


def baseline(policy: Any, days: int, sample: int) -> float:
    """Seconds per customer when every day of the horizon is looked at for both versions, customer by customer."""
    from itertools import islice

    from django.db import transaction

    from core.calendar import public_holidays
    from dunning.models import Policy
    from dunning.simulation import simulate
    from dunning.simulation_facts import BookOptions, customers, simulated_policy

    first = date.fromisoformat(AS_OF)
    last = first + timedelta(days=days)
    there = list(Policy.objects.prefetch_related("levels"))
    with transaction.atomic():
        people = list(islice(customers(there, BookOptions(first, last, False)), sample))
    start = time.perf_counter()
    for person in people:
        for version in there:
            world = {version.pk: simulated_policy(version)}
            for number in range(days + 1):
                day = first + timedelta(days=number)
                list(simulate(person, world, day, day, public_holidays))
    return (time.perf_counter() - start) / len(people)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=400_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--sample", type=int, default=50, help="customers of the baseline")
    options = parser.parse_args()
    from bench.portfolio import scratch_database

    with scratch_database("encours_bench_simulation"):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django

        django.setup()
        set_up(options.customers, options.items, options.seed)
        policy = draft_of_active()
        runs = [run_once(policy, options.days) for _ in range(options.runs)]
        # The simulation's own: the baseline holds objects for its sample.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        per_customer = baseline(policy, options.days, options.sample)
        from django.db import connections

        connections.close_all()
    median = statistics.median(run["seconds"] for run in runs)
    print(
        json.dumps(
            {
                "bench": "simulation",
                "customers": options.customers,
                "overdue_items": options.items,
                "days": options.days,
                "seed": options.seed,
                "runs": options.runs,
                "contacts": runs[0]["contacts"],
                "contacts_of_the_version_in_force": runs[0]["contacts_in_force"],
                "file_bytes": runs[0]["file_bytes"],
                "progress_told": runs[0]["progress_told"],
                "median_seconds": round(median, 1),
                "median_cpu_seconds": round(statistics.median(run["cpu_seconds"] for run in runs), 1),
                "process_mebibytes": round(peak, 1),
                "all_seconds": [round(run["seconds"], 1) for run in runs],
                "baseline": "the same rules asked anew on every day of the horizon, customer by customer",
                "baseline_sample_customers": options.sample,
                "baseline_seconds_for_all": round(per_customer * options.customers, 1),
                "ratio": round(per_customer * options.customers / median, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
