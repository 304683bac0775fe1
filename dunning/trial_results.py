"""What a trial shows: the groups as they were at its start, the days gained since, and what they are worth.

The unit drawn by lot is the customer over all his entities, so is the unit of the statistics. An item counts once it
fell due after the start and could be watched for the whole `horizon`; its euros are unpaid each day until they are
allocated, `horizon` days at most. One currency: the one most invoiced in the trial.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection

from dunning.contacts import CONTACT_KEY
from dunning.models import DunningSettings, Trial
from dunning.trial_statistics import (
    FEWEST,
    Difference,
    days_unpaid,
    euros_gained,
    standardised_difference,
    welch,
)
from invoices.later_moves import LATER_MOVES

HORIZONS = (30, 60, 90)

_WATCHED = f"""
WITH watched AS (
    SELECT i.id, i.total_amount, i.due_date, i.currency, member.is_control, c.legal_entity_id,
           {CONTACT_KEY} AS contact_key
    FROM dunning_trialmember member
    JOIN customers_customer c ON c.id = member.customer_id
    JOIN invoices_openitem i ON i.customer_id = c.id
    WHERE member.trial_id = %(trial)s AND i.kind = 'INVOICE' AND i.total_amount > 0
      AND i.due_date >= %(first)s AND i.due_date + %(horizon)s <= %(last)s
), most AS (
    SELECT currency FROM watched GROUP BY currency ORDER BY sum(total_amount) DESC, currency LIMIT 1
)
SELECT w.contact_key, w.is_control, w.legal_entity_id, w.currency, count(*), sum(w.total_amount),
       sum(w.total_amount * %(horizon)s - coalesce(paid.amount_days, 0))
FROM watched w
JOIN most USING (currency)
LEFT JOIN LATERAL (
    SELECT sum(a.amount * greatest(0, least(coalesce(a.reversed_on, 'infinity'::date), w.due_date + %(horizon)s)
                                      - greatest(a.allocated_on, w.due_date))) AS amount_days
    FROM invoices_allocation a
    WHERE a.debit_id = w.id AND a.allocated_on < w.due_date + %(horizon)s
) paid ON TRUE
GROUP BY w.contact_key, w.is_control, w.legal_entity_id, w.currency
ORDER BY w.contact_key
"""

_AT_START = f"""
WITH later AS ({LATER_MOVES}),
owed AS (
    SELECT {CONTACT_KEY} AS contact_key, member.is_control, c.id AS customer_id,
           sum(i.open_amount + coalesce(later.amount, 0)) FILTER (WHERE i.due_date < %(as_of)s) AS overdue,
           sum(i.open_amount + coalesce(later.amount, 0)) AS open
    FROM dunning_trialmember member
    JOIN customers_customer c ON c.id = member.customer_id
    LEFT JOIN invoices_openitem i ON i.customer_id = c.id AND i.issue_date <= %(as_of)s AND i.total_amount > 0
    LEFT JOIN later ON later.item_id = i.id
    WHERE member.trial_id = %(trial)s
    GROUP BY 1, 2, 3
)
SELECT contact_key, is_control, count(*), coalesce(sum(overdue), 0), coalesce(sum(open), 0)
FROM owed GROUP BY contact_key, is_control
"""


@dataclass
class Group:
    """One group: persons, customers, and what each owed at the start (amounts of all currencies, one for one)."""

    persons: int = 0
    customers: int = 0
    overdue: list[Decimal] = field(default_factory=list)
    open: list[Decimal] = field(default_factory=list)
    # Since the start, per person whose items could be watched.
    days: list[float] = field(default_factory=list)
    items: int = 0
    fallen_due: Decimal = Decimal(0)

    @property
    def mean_days(self) -> float | None:
        return sum(self.days) / len(self.days) if self.days else None

    @property
    def mean_overdue(self) -> Decimal:
        return sum(self.overdue, Decimal(0)) / len(self.overdue) if self.overdue else Decimal(0)

    @property
    def mean_open(self) -> Decimal:
        return sum(self.open, Decimal(0)) / len(self.open) if self.open else Decimal(0)


@dataclass(frozen=True)
class Results:
    """What is known on a day. `difference` None: too early. Money: of the amounts of the treated group."""

    control: Group
    treated: Group
    horizon: int
    last: date
    currency: str
    overdue_balance: float | None
    open_balance: float | None
    difference: Difference | None
    gained: Decimal | None = None
    gained_low: Decimal | None = None
    gained_high: Decimal | None = None

    @property
    def is_conclusive(self) -> bool:
        return self.difference is not None and not self.is_small and self.difference.is_conclusive

    @property
    def is_small(self) -> bool:
        return min(len(self.control.days), len(self.treated.days)) < FEWEST

    @property
    def first_known_on(self) -> date:
        """The first day on which an item due on the first day was watched for the whole horizon."""
        return self.last + timedelta(days=self.horizon)


def results(trial: Trial, *, horizon: int, today: date) -> Results:
    """The trial as of a day; three statements, whatever its size."""
    groups = {True: Group(), False: Group()}
    with connection.cursor() as cursor:
        cursor.execute(_AT_START, {"trial": trial.pk, "as_of": trial.started_on})
        for _key, is_control, customers, overdue, open_amount in cursor.fetchall():
            group = groups[is_control]
            group.persons += 1
            group.customers += customers
            group.overdue.append(overdue)
            group.open.append(open_amount)
        last = min(today, trial.ended_on or today)
        cursor.execute(
            _WATCHED, {"trial": trial.pk, "first": trial.started_on, "last": last, "horizon": horizon}
        )
        rows = cursor.fetchall()
    persons: dict[tuple[str, bool], list[Decimal]] = {}
    due_by_entity: dict[int, Decimal] = {}
    for key, is_control, entity_id, _currency, items, amount, amount_days in rows:
        group = groups[is_control]
        group.items += items
        group.fallen_due += amount
        sums = persons.setdefault((key, is_control), [Decimal(0), Decimal(0)])
        sums[0] += amount
        sums[1] += amount_days
        if not is_control:
            due_by_entity[entity_id] = due_by_entity.get(entity_id, Decimal(0)) + amount
    for (_key, is_control), (amount, amount_days) in persons.items():
        groups[is_control].days.append(days_unpaid(amount, amount_days))
    control, treated = groups[True], groups[False]
    difference = welch(control.days, treated.days)
    costs = _money(due_by_entity)
    return Results(
        control=control,
        treated=treated,
        horizon=horizon,
        last=last,
        currency=rows[0][3] if rows else "EUR",
        overdue_balance=_balance(control.overdue, treated.overdue),
        open_balance=_balance(control.open, treated.open),
        difference=difference,
        gained=None if difference is None else euros_gained(difference.value, costs),
        gained_low=None if difference is None else euros_gained(difference.low, costs),
        gained_high=None if difference is None else euros_gained(difference.high, costs),
    )


def _balance(control: list[Decimal], treated: list[Decimal]) -> float | None:
    return standardised_difference(
        [float(amount) for amount in control], [float(amount) for amount in treated]
    )


def _money(due_by_entity: dict[int, Decimal]) -> list[tuple[Decimal, Decimal]]:
    """What fell due by entity, with what its money costs."""
    known = {
        settings.legal_entity_id: settings.cost_of_money
        for settings in DunningSettings.objects.filter(legal_entity__in=due_by_entity)
    }
    usual = DunningSettings._meta.get_field("cost_of_money").get_default()
    return [(amount, known.get(entity, Decimal(usual))) for entity, amount in due_by_entity.items()]
