"""Eighteen months of a house that plans on Tuesdays and Fridays: five customers who each pay in their own way.

Everything goes through the real operations with dates passed in; the witness of `simulated_house` looks at each notice
as it leaves and at the outcome of each run.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import pytest

from core.calendar import is_working_day
from core.rights import SYSTEM
from customers.models import Customer
from dunning.delivery import OutcomeStatus
from dunning.models import Case, DunningException, DunningStop, Level, Notice, NoticeLine, Run, RunExclusion
from dunning.operations.exceptions import add_exception
from dunning.operations.stops import lift_stop, stop_dunning
from invoices.models import Dispute, OpenItem
from invoices.operations.allocations import allocate
from invoices.operations.disputes import open_dispute, resolve_dispute
from invoices.operations.promises import make_promise
from tests.dunning.factories import load_law, make_agency, make_customer, make_entity, make_item, make_policy
from tests.dunning.simulated_house import House

START, END = date(2025, 6, 2), date(2026, 11, 30)
OUTAGE = (date(2026, 2, 2), date(2026, 2, 17))
STOP = (date(2026, 5, 4), date(2026, 5, 18))
HOLD = (date(2025, 9, 1), date(2025, 11, 14))


@dataclass
class Story(House):
    """Nothing is drawn: the days tell what each of the five does."""

    invoiced: set[date] = field(default_factory=set)
    stop: DunningStop | None = None

    def customers_act(self) -> None:
        stopped = STOP[0] <= self.today < STOP[1]
        if stopped and self.stop is None:
            self.stop = stop_dunning(
                actor=SYSTEM, legal_entity=None, reason="Bascule comptable", now=self.now
            )
        if not stopped and self.stop is not None:
            lift_stop(actor=SYSTEM, stop_id=self.stop.pk, now=self.now)
            self.stop = None
        self.rates["planning outage"] = float(OUTAGE[0] <= self.today < OUTAGE[1])
        month = self.today.replace(day=1)
        if self.today.day >= 5 and month not in self.invoiced:
            self.invoiced.add(month)
            for customer in self.customers:
                make_item(
                    customer, Decimal("1200.00"), self.today + timedelta(days=30), issue_date=self.today
                )
        for customer in self.customers:
            getattr(self, customer.segment)(customer)

    def owed(self, customer: Customer, days: int) -> list[OpenItem]:
        """What has been due for so many days or more."""
        return list(
            OpenItem.objects.filter(
                customer=customer, open_amount__gt=0, due_date__lte=self.today - timedelta(days=days)
            )
        )

    def pays(self, item: OpenItem, amount: Decimal) -> None:
        credit = make_item(item.customer, -amount, self.today)
        allocate(
            actor=SYSTEM, debit_id=item.pk, credit_id=credit.pk, amount=amount, allocated_on=self.today,
            today=self.today, now=self.now,
        )  # fmt: skip

    def prompt(self, customer: Customer) -> None:
        for item in self.owed(customer, 0):
            self.pays(item, item.open_amount)

    def never(self, customer: Customer) -> None:
        """Pays nothing at all."""

    def reminded(self, customer: Customer) -> None:
        """Pays a part after the first reminder, and the rest after the second."""
        for item in self.owed(customer, 9):
            if item.open_amount == item.total_amount:
                self.pays(item, Decimal("800.00"))
            elif (self.today - item.due_date).days > 25:
                self.pays(item, item.open_amount)

    def contests(self, customer: Customer) -> None:
        """Contests the whole of what is two weeks late, and pays it when he is told that he is wrong."""
        for item in self.owed(customer, 14):
            dispute = Dispute.objects.filter(item=item).first()
            if dispute is None:
                open_dispute(
                    actor=SYSTEM, item_id=item.pk, amount=item.open_amount, reason="PU_ERR", today=self.today,
                    now=self.now,
                )  # fmt: skip
            elif dispute.resolved_on is None and (self.today - dispute.opened_on).days > 50:
                resolve_dispute(
                    actor=SYSTEM,
                    dispute_id=dispute.pk,
                    outcome="Facture exacte",
                    today=self.today,
                    now=self.now,
                )
            elif dispute.resolved_on is not None and (self.today - dispute.resolved_on).days > 40:
                self.pays(item, item.open_amount)

    def promises(self, customer: Customer) -> None:
        """Promises when he is reminded, and breaks it; pays at the formal notice. Held by the director in autumn."""
        if self.today >= HOLD[0] and not DunningException.objects.exists():
            add_exception(
                actor=SYSTEM, customer=customer, effect="HOLD", reason="Négociation du contrat", until=HOLD[1],
                today=self.today, now=self.now,
            )  # fmt: skip
        for item in self.owed(customer, 7):
            if not item.promises.exists():
                make_promise(
                    actor=SYSTEM, item_id=item.pk, amount=item.open_amount, today=self.today, now=self.now,
                    promised_date=self.today + timedelta(days=20),
                )  # fmt: skip
            if any(left.notice.level.kind == "FORMAL_NOTICE" for left in self.of_item(item)):
                self.pays(item, item.open_amount)

    def of_item(self, item: OpenItem) -> list:
        return [left for left in self.left if left.ranks.get(item.pk, 0) == left.notice.level.rank]


@pytest.fixture
def story() -> Story:
    load_law()
    make_agency()
    entity = make_entity()
    policy = make_policy(entity, contact_gap_days=7, minimum_amount=Decimal("50.00"))
    steps = {2: ("DUE_DATE", 5), 3: ("PREVIOUS", 10), 4: ("PREVIOUS", 15), 5: ("PREVIOUS", 30)}
    for level in policy.levels.order_by("-rank"):
        level.rank += 1
        level.delay_from, level.delay_days = steps[level.rank]
        level.gap_days = 0
        level.approval = {2: "AUTOMATIC", 3: "CONFIRMATION"}.get(level.rank, "MANUAL")
        level.save()
    Level.objects.create(
        policy=policy, rank=1, kind="PRE_REMINDER", channel="EMAIL", delay_days=-5, approval="AUTOMATIC"
    )
    habits = ("prompt", "never", "reminded", "contests", "promises")
    customers = [make_customer(entity, segment=habit) for habit in habits]
    always = {"rejection": 0.0, "approval": 1.0}
    return Story(random.Random(18), START, [entity], customers, always, answers={OutcomeStatus.SENT: 1})


def told_of(story: Story, habit: str) -> Counter:
    """How many notices of each level left for the customer of that habit."""
    return Counter(left.notice.level.kind for left in story.left if left.notice.customer.segment == habit)


@pytest.mark.django_db
def test_eighteen_months(story: Story) -> None:
    while story.today <= END:
        if story.today.weekday() in (1, 4) and is_working_day(story.today):
            story.live()
        else:
            story.today += timedelta(days=1)

    # The one who never pays, from his first invoice to the agency: at the first run after each delay.
    first = OpenItem.objects.filter(customer__segment="never").earliest("pk")
    assert (first.issue_date, first.due_date) == (date(2025, 6, 6), date(2025, 7, 6))
    assert [(left.on, left.notice.level.rank) for left in story.of_item(first)] == [
        (date(2025, 7, 1), 1),
        (date(2025, 7, 11), 2),
        (date(2025, 7, 22), 3),
        # Fifteen days after the second reminder, and a week after the word on the next invoice (5 August).
        (date(2025, 8, 12), 4),
    ]
    assert Case.objects.get(items__item=first).notice.as_of == date(2025, 9, 12)
    assert Notice.objects.filter(customer__segment="never", level__kind="HAND_OVER").count() >= 8

    # The prompt payer hears of nothing but what comes due; nobody else reaches the agency.
    assert set(told_of(story, "prompt")) == {"PRE_REMINDER"}
    assert set(told_of(story, "reminded")) == {"PRE_REMINDER", "REMINDER", "SECOND_REMINDER"}
    assert "FORMAL_NOTICE" in told_of(story, "promises")
    assert set(Case.objects.values_list("customer__segment", flat=True)) == {"never"}

    # Nothing left while it was stopped; what came due during the outage was reminded once, after it.
    assert not [left for left in story.left if STOP[0] <= left.on < STOP[1]]
    assert not Run.objects.filter(as_of__gte=OUTAGE[0], as_of__lt=OUTAGE[1]).exists()
    held = [
        left
        for left in story.left
        if left.notice.customer.segment == "promises" and HOLD[0] <= left.on <= HOLD[1]
    ]
    assert not held
    steps = Counter(NoticeLine.objects.filter(in_force=True, rank__gt=0).values_list("item", "rank"))
    assert set(steps.values()) == {1}

    # Each reason was met on the way, and every run told them.
    reasons = set(RunExclusion.objects.values_list("reason", flat=True))
    assert {"WAITING", "CONTACT_GAP", "DISPUTED", "PROMISED", "EXCEPTED", "WITH_AGENCY", "PENDING"} <= reasons
