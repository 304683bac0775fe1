"""Simulations of limits over a portfolio: asking for one, computing it set by set, requests made of its lines."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.models import User
from core.operation import operation
from core.rights import Actor
from customers.models import Customer, LegalEntity
from risk.credit_policies import REQUEST_DAYS, policies_of, roles_required
from risk.limit_facts import Worked, proposals_of
from risk.limit_words import stored
from risk.limits import limit_of
from risk.models import CreditPolicy, LimitRequest, LimitSimulation, SimulatedLimit
from risk.operations.limit_writing import latest_end

CHUNK_SIZE = 2_000
MOST_REQUESTS = 500


class SimulationRefused(BusinessError):
    """The simulation cannot be asked for, or gives no requests."""

    code = "limit_simulation_refused"


@operation("risk.decide_limit")
def request_limit_simulation(
    *, actor: Actor, legal_entity: LegalEntity | None, policy: CreditPolicy | None, today: date, now: datetime
) -> LimitSimulation:
    """Ask what the rules would propose to every account; a worker answers. One that waits is given again."""
    visible = LegalEntity.objects.visible_to(actor)
    if legal_entity is not None and not visible.filter(pk=legal_entity.pk).exists():
        raise SimulationRefused(_("Cette entité n’est pas dans votre périmètre."), field="legal_entity")
    if legal_entity is None and visible.query.where:
        raise SimulationRefused(_("Choisissez une entité de votre périmètre."), field="legal_entity")
    wanted = {"legal_entity": legal_entity, "policy": policy, "as_of": today}
    waiting = LimitSimulation.objects.filter(**wanted, status=LimitSimulation.Status.REQUESTED).first()
    if waiting is not None:
        return waiting
    simulation = LimitSimulation.objects.create(
        **wanted, requested_by=actor if isinstance(actor, User) else None, requested_at=now
    )
    audit.record(
        actor=actor, verb="risk.limit_simulation.requested", refs=[simulation], now=now, name=str(simulation)
    )
    return simulation


@operation("risk.decide_limit")
def compute_limit_simulation(
    *,
    actor: Actor,
    simulation_id: int,
    now: datetime,
    progress: Callable[[int, int], None] | None = None,
) -> LimitSimulation:
    """Compute what was asked: the rule called over columns read chunk by chunk. One that is done stays as it is."""
    simulation = LimitSimulation.objects.select_for_update(of=("self",)).get(pk=simulation_id)
    if simulation.status != LimitSimulation.Status.REQUESTED:
        return simulation
    customers = Customer.objects.exclude(status=Customer.Status.CLOSED)
    if simulation.legal_entity_id is not None:
        customers = customers.filter(legal_entity=simulation.legal_entity_id)
    ids = list(customers.order_by("pk").values_list("pk", flat=True))
    counts: Counter[str] = Counter()
    for start in range(0, len(ids), CHUNK_SIZE):
        chunk = list(Customer.objects.filter(pk__in=ids[start : start + CHUNK_SIZE]).order_by("pk"))
        lines = _lines(simulation, chunk)
        SimulatedLimit.objects.bulk_create(lines, batch_size=1_000)
        counts.update(_direction(line) for line in lines)
        if progress is not None:
            progress(min(start + CHUNK_SIZE, len(ids)), len(ids))
    simulation.status, simulation.finished_at = LimitSimulation.Status.DONE, now
    simulation.counts = {"customers": len(ids), **dict(sorted(counts.items()))}
    simulation.save(update_fields=["status", "finished_at", "counts"])
    audit.record(
        actor=actor, verb="risk.limit_simulation.done", refs=[simulation], now=now, **simulation.counts
    )
    return simulation


def _lines(simulation: LimitSimulation, customers: Sequence[Customer]) -> list[SimulatedLimit]:
    worked = proposals_of(customers, simulation.as_of, policy=simulation.policy)
    limits = limit_of(customers, simulation.as_of)
    lines = []
    for customer in customers:
        found, held = worked[customer.pk], limits.get(customer.pk)
        same = held is not None and held.amount is not None and held.currency == customer.currency
        amount = held.amount if held is not None and same else None
        lines.append(
            SimulatedLimit(
                simulation=simulation,
                customer=customer,
                currency=customer.currency,
                proposed_amount=found.proposal.amount,
                limit_amount=amount,
                difference=found.proposal.amount - (amount or Decimal(0)),
                binding=found.proposal.binding or "",
                risk_class=found.facts.risk_class,
            )
        )
    return lines


def _direction(line: SimulatedLimit) -> str:
    if line.limit_amount is None:
        return "without_limit"
    return "raised" if line.difference > 0 else "lowered" if line.difference < 0 else "same"


@operation("risk.decide_limit")
def fail_limit_simulation(*, actor: Actor, simulation_id: int, error: str, now: datetime) -> None:
    """Keep why it could not be done; it can be asked for again."""
    waiting = LimitSimulation.objects.filter(pk=simulation_id, status=LimitSimulation.Status.REQUESTED)
    if waiting.update(status=LimitSimulation.Status.FAILED, error=error, finished_at=now):
        refs = [f"limitsimulation:{simulation_id}"]
        audit.record(actor=actor, verb="risk.limit_simulation.failed", refs=refs, now=now, error=error)


@operation("risk.request_limit")
def request_simulated_limits(
    *, actor: Actor, simulation_id: int, line_ids: Sequence[int], today: date, now: datetime
) -> list[LimitRequest]:
    """One request for each line: what the rules propose, as they read today. In a handful of statements.

    Left out: accounts outside the actor's scope, closed, with an open request, or whose limit is what is proposed.
    Raises SimulationRefused when nothing is left, or past MOST_REQUESTS lines.
    """
    if len(line_ids) > MOST_REQUESTS:
        raise SimulationRefused(
            _("%(count)d demandes au plus à la fois : cochez moins de lignes.") % {"count": MOST_REQUESTS}
        )
    wanted = SimulatedLimit.objects.filter(simulation=simulation_id, pk__in=line_ids).values("customer")
    taken = LimitRequest.objects.open().filter(scope="ACCOUNT", kind="PERMANENT").values("customer")
    customers = list(
        Customer.objects.visible_to(actor)
        .filter(pk__in=wanted)
        .exclude(status=Customer.Status.CLOSED)
        .exclude(pk__in=taken)
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    )
    worked = proposals_of(customers, today)
    limits = limit_of(customers, today)
    policies = policies_of({customer.legal_entity_id for customer in customers})
    requests = []
    for customer in customers:
        held = limits.get(customer.pk)
        before = held.permanent_amount if held is not None and held.currency == customer.currency else None
        if before != worked[customer.pk].proposal.amount:
            policy = policies.get(customer.legal_entity_id)
            requests.append(_request(actor, customer, worked[customer.pk], before, policy, today, now))
    if not requests:
        raise SimulationRefused(
            _("Aucune demande à déposer : ces comptes ont déjà ce plafond, ou une demande en cours.")
        )
    made = LimitRequest.objects.bulk_create(requests)
    audit.record_each(
        actor=actor,
        verb="risk.limit_request.submitted",
        events=(
            (
                [request, request.customer],
                {"amount": str(request.amount), "currency": request.currency, "reason": request.reason},
            )
            for request in made
        ),
        now=now,
    )
    return made


def _request(
    actor: Actor,
    customer: Customer,
    worked: Worked,
    before: Decimal | None,
    policy: CreditPolicy | None,
    today: date,
    now: datetime,
) -> LimitRequest:
    amount = worked.proposal.amount
    roles = list(roles_required(policy, amount, customer.currency))
    return LimitRequest(
        customer=customer,
        amount=amount,
        currency=customer.currency,
        expires_on=latest_end(LimitRequest._meta.get_field("kind").default, policy, today),
        reason=_("Proposition de la politique de crédit"),
        source=LimitRequest.Source.SIMULATION,
        policy=policy,
        required_roles=roles,
        approvals_required=len(roles),
        previous_amount=before,
        proposal=stored(worked),
        requested_by=actor if isinstance(actor, User) else None,
        requested_at=now,
        answer_by=today + timedelta(days=policy.request_days if policy else REQUEST_DAYS),
    )
