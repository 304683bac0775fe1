"""Trials: the lot, the groups' customers over all entities, and what is measured, by hand."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from core.errors import BusinessError, WrongState
from core.models import Role
from core.rights import SYSTEM
from customers.models import Customer
from dunning.contacts import contact_key
from dunning.models import DunningSettings, Policy, Trial, TrialMember
from dunning.operations.trials import NothingToCompare, end_trial, start_trial
from dunning.trial_results import results
from dunning.trial_statistics import is_control
from tests.dunning.factories import NOW, TODAY, make_customer, make_entity, make_item, make_policy, settle

pytestmark = pytest.mark.django_db
WHO: dict[str, Any] = {"actor": SYSTEM, "today": TODAY, "now": NOW}


def start(policy: Policy, **fields: Any) -> Trial:
    values: dict[str, Any] = {"name": "Essai", "control_policy": None, "control_share": 40}
    return start_trial(policy=policy, **WHO, **values | fields)


def members(trial: Trial) -> dict[int, bool]:
    return dict(TrialMember.objects.filter(trial=trial).values_list("customer", "is_control"))


def test_the_lot_in_the_database_is_the_rule_and_holds_over_entities() -> None:
    here, there = make_entity(), make_entity()
    policy = make_policy()
    for number in range(40):
        siren = f"{number:09d}" if number % 2 else ""
        make_customer(here, siren=siren)
        make_customer(there, siren=siren)
    trial = start(policy)
    drawn = members(trial)
    assert len(drawn) == 80
    for customer in Customer.objects.all():
        assert drawn[customer.pk] == is_control(trial.pk, contact_key(customer), 40)
    with pytest.raises(NothingToCompare):
        start(policy)  # everybody is in a trial already


def test_only_customers_that_the_policy_leads_are_drawn() -> None:
    entity = make_entity()
    policy = make_policy(entity, segment="PME")
    ahead = make_policy(entity, priority=1, risk_class="", customer_kind="CONSUMER")
    led = [make_customer(entity, segment="PME").pk for _ in range(12)]
    make_customer(entity, segment="GRANDS")
    make_customer(entity, segment="PME", kind="CONSUMER")
    make_customer(make_entity(), segment="PME")
    assert sorted(members(start(policy))) == led
    assert ahead.status == "ACTIVE"


def test_what_cannot_be_tried_is_refused_at_its_field() -> None:
    entity = make_entity()
    policy = make_policy(entity)
    draft = make_policy(entity, status="DRAFT")
    make_customer(entity)
    for fields, at in (
        ({"control_policy": policy}, "control_policy"),
        ({"control_policy": draft}, "control_policy"),
        ({"control_share": 80}, "control_share"),
        ({}, "control_share"),
    ):
        with pytest.raises(BusinessError) as refused:
            start(policy, **fields)
        assert refused.value.field == at
    with pytest.raises(BusinessError) as refused:
        start(draft)
    assert refused.value.field == "policy"
    assert not Trial.objects.exists()


def test_an_ended_trial_frees_its_customers() -> None:
    entity = make_entity()
    policy = make_policy(entity)
    for _ in range(15):
        make_customer(entity)
    trial = end_trial(trial_id=start(policy).pk, **WHO)
    assert (trial.status, trial.ended_on) == ("ENDED", TODAY)
    assert not TrialMember.objects.filter(is_live=True).exists()
    with pytest.raises(WrongState):
        end_trial(trial_id=trial.pk, **WHO)
    assert len(members(start(policy))) == 15


def test_days_and_euros_by_hand() -> None:
    """Two control customers pay 1 000 € after 30 and 10 days, two treated ones after 10 and, in halves, 0 and 20.

    Control 30 and 10, mean 20; treated 10 and (0 + 20) / 2 = 10, mean 10: ten days gained. 2 000 € fell due in the
    treated group, at 7.30 % a year: 2 000 × 0.073 × 10 / 365 = 4.00 €.
    """
    entity = make_entity()
    DunningSettings.objects.create(legal_entity=entity, cost_of_money=Decimal("7.30"))
    started = TODAY - timedelta(days=100)
    trial = Trial.objects.create(name="Essai", policy=make_policy(entity), started_on=started)
    due = started + timedelta(days=5)
    paid = {True: [[(30, 1000)], [(10, 1000)]], False: [[(10, 1000)], [(0, 500), (20, 500)]]}
    for is_control_, customers in paid.items():
        for payments in customers:
            customer = make_customer(entity)
            TrialMember.objects.create(trial=trial, customer=customer, is_control=is_control_)
            item = make_item(customer, "1000.00", due)
            for days, amount in payments:
                settle(item, make_item(customer, -amount, due), amount, due + timedelta(days=days))
    # Fell due too late to be watched for sixty days, and before the start: neither counts.
    make_item(customer, "9000.00", TODAY - timedelta(days=30))
    make_item(customer, "400.00", started - timedelta(days=1))
    found = results(trial, horizon=60, today=TODAY)
    assert (found.control.mean_days, found.treated.mean_days) == (20.0, 10.0)
    assert found.difference is not None
    assert found.difference.value == pytest.approx(10)
    assert found.gained == Decimal("4.00")
    assert found.treated.fallen_due == Decimal("2000.00")
    assert (found.control.persons, found.treated.persons, found.treated.items) == (2, 2, 2)
    assert found.treated.mean_overdue == Decimal("200.00")
    assert found.is_small
    assert not found.is_conclusive
    # Watched for twenty days only, nobody is later than twenty.
    short = results(trial, horizon=20, today=TODAY)
    assert short.control.mean_days == 15.0


def test_the_pages_tell_when_nothing_can_be_concluded(client: Any, make_user: Any, time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)
    entity = make_entity()
    policy = make_policy(entity)
    for _ in range(30):
        make_item(make_customer(entity), "500.00", TODAY - timedelta(days=70))
    client.force_login(make_user(Role.CREDIT_MANAGER))
    assert "Aucun essai" in client.get(reverse("dunning:trial-list")).content.decode()
    assert client.get(reverse("dunning:trial-create")).status_code == 200
    refused = client.post(
        reverse("dunning:trial-create"), {"name": "A", "policy": policy.pk, "control_share": "90"}
    )
    assert refused.status_code == 400
    answer = client.post(
        reverse("dunning:trial-create"), {"name": "Avec ou sans", "policy": policy.pk, "control_share": "40"}
    )
    trial = Trial.objects.get()
    assert answer.url == reverse("dunning:trial-detail", args=[trial.pk])
    assert "Trop tôt" in client.get(answer.url).content.decode()
    Trial.objects.update(started_on=TODAY - timedelta(days=75))
    page = client.get(answer.url + "?horizon=60").content.decode()
    assert "On ne peut pas conclure" in page
    assert "Avec ou sans" in client.get(reverse("dunning:trial-list")).content.decode()
    client.post(reverse("dunning:trial-end", args=[trial.pk]))
    assert Trial.objects.get().status == "ENDED"
    for value in ("", "x", "-1", "9" * 30):
        assert client.get(answer.url, {"horizon": value}).status_code == 200
