"""The simulation and the real planner, day by day over sixty days, on generated books where nobody pays."""

import random
from collections import Counter
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest

from core.calendar import public_holidays
from core.rights import SYSTEM
from dunning.models import DunningException, Level, Notice, Policy
from dunning.operations.runs import dun
from dunning.sending_hours import SendingRules, next_sending_day
from dunning.simulation import simulate
from dunning.simulation_facts import BookOptions, customers, simulated_policy
from invoices.models import Promise
from tests.dunning.factories import NOW, TODAY, load_law, make_customer, make_entity, make_item, make_policy
from tests.dunning.generated_books import generate_books

pytestmark = pytest.mark.django_db
DAYS = 60
Key = tuple[date, int, int, str, str, str, Decimal]


def live_and_count(entities, first: date) -> Counter[Key]:
    """Plan every day for every entity; each notice leaves, without anybody, on its next sending day."""
    before = set(Notice.objects.values_list("pk", flat=True))
    # What was on its way at first leaves at once.
    old = Notice.objects.filter(status__in=["PROPOSED", "APPROVED", "RENDERED", "SENDING"])
    leaving = {notice.pk: next_sending_day(SendingRules(), first, public_holidays) for notice in old}
    for number in range(DAYS + 1):
        day = first + timedelta(days=number)
        for entity in entities:
            run = dun(
                actor=SYSTEM,
                legal_entity=entity,
                as_of=day,
                now=datetime.combine(day, time(3), tzinfo=NOW.tzinfo),
            )
            new = Notice.objects.filter(run=run.run_id).exclude(pk__in=before).select_related("level__policy")
            for notice in new:
                rules = simulated_policy(notice.level.policy).sending
                is_agency = notice.level.channel == Level.Channel.AGENCY
                leaving[notice.pk] = day if is_agency else next_sending_day(rules, day, public_holidays)
        today = [pk for pk, on in leaving.items() if on == day]
        Notice.objects.filter(pk__in=today, status="PROPOSED").update(status="APPROVED")
        Notice.objects.filter(pk__in=today, status="APPROVED").update(status="RENDERED")
        Notice.objects.filter(pk__in=today, status="RENDERED").update(status="SENDING")
        Notice.objects.filter(pk__in=today, status="SENDING").update(status="SENT", sent_on=day)
    # A reminder before the due date that could not leave in time was held: it came to nothing.
    written = Notice.objects.exclude(pk__in=before).exclude(status="HELD").select_related("level")
    return Counter(
        (n.as_of, n.customer_id, n.level.rank, n.level.kind, n.level.channel, n.currency, n.open_amount)
        for n in written
    )


def simulated(first: date) -> Counter[Key]:
    policies = list(Policy.objects.prefetch_related("levels").select_related("legal_entity"))
    led = [policy for policy in policies if policy.status == "ACTIVE"]
    world = {policy.pk: simulated_policy(policy) for policy in policies}
    last = first + timedelta(days=DAYS)
    found: Counter[Key] = Counter()
    for person in customers(led, BookOptions(first, last, pays=False)):
        for contact in simulate(person, world, first, last, public_holidays):
            found[
                contact.planned_on, contact.customer_id, contact.rank, contact.kind, contact.channel,
                contact.currency, contact.amount,
            ] += 1  # fmt: skip
    return found


def test_the_simulation_foretells_what_the_planner_does() -> None:
    load_law()
    draw = random.Random(12)
    entity = make_entity()
    generate_books(entity, draw, customers=16)
    # Every dated fact of the books is past by then; these lie ahead.
    first = TODAY + timedelta(days=40)
    for policy in Policy.objects.all():
        policy.sending_weekdays = draw.choice(["12345", "12345", "1234567", "24"])
        policy.save()
    Level.objects.update(claims_interest=False)
    customer = make_customer(entity, status="ON_HOLD", hold_until=first + timedelta(days=10))
    for days in (-20, -3, 4, 25):
        item = make_item(customer, "850.00", first + timedelta(days=days))
    promised = make_item(make_customer(entity), "1200.00", first - timedelta(days=12))
    Promise.objects.create(
        item=promised,
        amount="1200.00",
        promised_date=first + timedelta(days=9),
        made_on=first - timedelta(days=2),
    )
    DunningException.objects.create(
        customer=customer, item=item, effect="HOLD", reason="Accord", created_at=NOW,
        from_date=first + timedelta(days=30), until=first + timedelta(days=38),
    )  # fmt: skip
    foreseen = simulated(first)
    entities = sorted(
        {policy.legal_entity for policy in Policy.objects.exclude(legal_entity=None)} | {entity},
        key=lambda e: e.pk,
    )
    real = live_and_count(entities, first)
    assert sum(real.values()) >= 20
    assert foreseen - real == Counter()
    assert real - foreseen == Counter()


def test_a_book_of_plain_reminders_is_foretold_by_day_level_and_channel() -> None:
    """By hand: J+5, J+15 then J+30, J+60; a Saturday's letter leaves on Monday and the next level counts from there."""
    load_law()
    entity = make_entity()
    make_policy(entity)
    # Due on a Monday: J+5 is a Saturday, planned then, gone on Monday 7 December.
    make_item(make_customer(entity), "500.00", date(2026, 11, 30))
    found = simulated(TODAY)
    assert [(key[0], key[2], key[4]) for key in sorted(found)] == [
        (date(2026, 12, 5), 1, "EMAIL"),
        (date(2026, 12, 15), 2, "EMAIL"),
        (date(2026, 12, 30), 3, "REGISTERED"),
    ]
