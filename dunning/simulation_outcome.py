"""A simulation counted: by week, level and channel, with costs and amounts, beside the version in force; and who.

Memory stays flat: customers pass one at a time, what is kept are counts; who is contacted goes to a file.
"""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from heapq import nlargest
from tempfile import TemporaryFile
from typing import IO, Any

from django.utils.translation import gettext as _

from core.calendar import public_holidays
from core.exports import BOM, safe_text
from core.money import round_money
from customers.models import Customer, LegalEntity
from dunning.models import DunningSettings, Level, Policy, Simulation, Trial
from dunning.policy_content import fingerprint
from dunning.simulation import Contact, SimulatedPolicy, simulate
from dunning.simulation_facts import BookOptions, counts_for, customers, simulated_policy

_NAMES_AT_ONCE = 1_000
_PROGRESS_EVERY = 2_000
# So many customers are named on the page: those who would hear of us most often.
_BUSIEST = 20


@dataclass
class Side:
    """What one version would do. `cells`: by week, rank, kind, channel, entity and currency."""

    policy: Policy
    world: dict[int, SimulatedPolicy]
    contacts: Counter[tuple[str, int, str, str, int, str]] = field(default_factory=Counter)
    amounts: dict[tuple[int, str, str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    customers: int = 0
    every_policy: int = 0
    busiest: list[tuple[int, int]] = field(default_factory=list)

    def add(self, person: Iterable[Contact]) -> list[Contact]:
        """Count a person's contacts; returns those of this version."""
        own = []
        for contact in person:
            self.every_policy += 1
            if contact.policy_id == self.policy.pk:
                own.append(contact)
                week = contact.leaves_on - timedelta(days=contact.leaves_on.weekday())
                step = (contact.rank, contact.kind, contact.channel)
                self.contacts[week.isoformat(), *step, contact.entity_id, contact.currency] += 1
                self.amounts[*step, contact.currency] += contact.amount
        met = Counter(contact.customer_id for contact in own)
        self.customers += len(met)
        self.busiest = nlargest(_BUSIEST, [*self.busiest, *((count, key) for key, count in met.items())])
        return own

    def outcome(self, costs: dict[int, tuple[str, dict[str, Decimal]]]) -> dict[str, Any]:
        """The counts as JSON: amounts as text, in their currency."""
        cells: Counter[tuple[str, int, str, str]] = Counter()
        steps: Counter[tuple[int, str, str, str]] = Counter()
        spent: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        unpriced: Counter[str] = Counter()
        for (week, rank, kind, channel, entity, currency), count in self.contacts.items():
            cells[week, rank, kind, channel] += count
            steps[rank, kind, channel, currency] += count
            own_currency, prices = costs[entity]
            if channel in prices:
                spent[channel, own_currency] += prices[channel] * count
            elif channel != Level.Channel.AGENCY:
                unpriced[channel] += count
        return {
            "policy": self.policy.pk,
            "name": str(self.policy),
            "count": sum(cells.values()),
            "customers": self.customers,
            "every_policy": self.every_policy,
            "cells": [[*key, count] for key, count in sorted(cells.items())],
            "steps": [
                [*key, count, str(round_money(self.amounts[key]))] for key, count in sorted(steps.items())
            ],
            "costs": [[*key, str(round_money(amount))] for key, amount in sorted(spent.items())],
            "unpriced": sorted(unpriced.items()),
            "busiest": self.busiest,
        }


@dataclass(frozen=True)
class Outcome:
    """What was found: the counts, the file of who (open, rewound), and the fingerprint of the policy simulated."""

    counts: dict[str, Any]
    file: IO[bytes]
    fingerprint: str


def compute(simulation: Simulation, progress: Callable[[int, int], None]) -> Outcome:
    """Run the simulation on the book as it stands. Reads only; to be called outside a transaction."""
    policies = Policy.objects.select_related("legal_entity").prefetch_related("levels")
    policy = policies.get(pk=simulation.policy_id)
    others = list(policies.filter(status=Policy.Status.ACTIVE).exclude(code=policy.code))
    former = policies.filter(code=policy.code, status=Policy.Status.ACTIVE).exclude(pk=policy.pk).first()
    elsewhere = {other.pk: simulated_policy(other) for other in [*others, *_controls()]}
    sides = [
        Side(version, elsewhere | {version.pk: simulated_policy(version)})
        for version in (policy, former)
        if version is not None
    ]
    last = simulation.as_of + timedelta(days=simulation.horizon_days)
    options = BookOptions(simulation.as_of, last, simulation.payments == Simulation.Payments.USUAL)
    there = [*others, *(side.policy for side in sides)]
    everybody, done = Customer.objects.count(), 0
    who = _Who()
    for person in customers(there, options):
        done += 1
        if done % _PROGRESS_EVERY == 0:
            progress(min(done, everybody), everybody)
        if not counts_for([side.policy.pk for side in sides], person, policy.code):
            continue
        for side in sides:
            own = side.add(simulate(person, side.world, simulation.as_of, last, public_holidays))
            if side is sides[0]:
                who.add(own)
    costs = _costs()
    counts = {
        "first": simulation.as_of.isoformat(),
        "last": last.isoformat(),
        "sides": [side.outcome(costs) for side in sides],
    }
    return Outcome(counts, who.closed(), fingerprint(policy))


def _controls() -> Iterator[Policy]:
    """The policies that the control groups of running trials follow: they lead whatever their state."""
    for trial in Trial.objects.filter(status=Trial.Status.RUNNING).select_related("control_policy"):
        if trial.control_policy is not None:
            yield trial.control_policy


def _costs() -> dict[int, tuple[str, dict[str, Decimal]]]:
    """By entity: its currency, and what one contact costs by channel."""
    prices = {
        settings.legal_entity_id: {channel: Decimal(cost) for channel, cost in settings.channel_costs.items()}
        for settings in DunningSettings.objects.all()
    }
    return {entity.pk: (entity.currency, prices.get(entity.pk, {})) for entity in LegalEntity.objects.all()}


class _Who:
    """The file of who would be contacted, when, and how; written by handfuls."""

    def __init__(self) -> None:
        self.bytes: IO[bytes] = TemporaryFile()  # noqa: SIM115  who keeps the outcome closes it
        self.text = io.TextIOWrapper(self.bytes, encoding="utf-8", newline="")
        self.text.write(BOM)
        self.writer = csv.writer(self.text, delimiter=";", lineterminator="\r\n")
        self.writer.writerow(_head())
        self.waiting: list[Contact] = []

    def add(self, contacts: list[Contact]) -> None:
        self.waiting += contacts
        if len(self.waiting) >= _NAMES_AT_ONCE:
            self._write()

    def closed(self) -> IO[bytes]:
        self._write()
        self.text.detach()
        self.bytes.seek(0)
        return self.bytes

    def _write(self) -> None:
        names = {
            pk: (entity, code, name)
            for pk, entity, code, name in Customer.objects.filter(
                pk__in={contact.customer_id for contact in self.waiting}
            ).values_list("pk", "legal_entity__code", "account_code", "name")
        }
        for contact in self.waiting:
            self.writer.writerow(_line(contact, *names[contact.customer_id]))
        self.text.flush()
        self.waiting = []


def _head() -> list[str]:
    return [
        _("Date"), _("Entité"), _("Code client"), _("Client"), _("Rang"), _("Niveau"), _("Canal"),
        _("Montant réclamé"), _("Devise"), _("Pièces"),
    ]  # fmt: skip


def _line(contact: Contact, entity: str, code: str, name: str) -> list[object]:
    return [
        f"{contact.leaves_on:%d/%m/%Y}", entity, safe_text(code), safe_text(name), contact.rank,
        Level.Kind(contact.kind).label, Level.Channel(contact.channel).label,
        str(round_money(contact.amount)).replace(".", ","), contact.currency, contact.items,
    ]  # fmt: skip
