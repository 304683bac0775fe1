"""Which scenario leads a customer: the active one of lowest priority number whose conditions take him."""

from datetime import timedelta

import pytest

from core.rights import SYSTEM
from dunning.models import Notice, Policy
from dunning.operations.runs import NoActivePolicy, dun, request_run
from risk.models import Score
from tests.dunning.factories import NOW, TODAY, load_law, make_customer, make_entity, make_item, make_policy

pytestmark = pytest.mark.django_db


def score(customer, risk_class: str) -> None:
    Score.objects.create(
        customer=customer,
        as_of=TODAY,
        points=10,
        risk_class=risk_class,
        reasons=[],
        card_version=1,
        scored_at=NOW,
    )


@pytest.mark.parametrize(
    ("conditions", "customer", "taken"),
    [
        ({}, {}, True),
        ({"segment": "Public"}, {"segment": "Public"}, True),
        ({"segment": "Public"}, {"segment": "PME"}, False),
        ({"customer_kind": "PUBLIC_BODY"}, {"kind": "PUBLIC_BODY"}, True),
        ({"customer_kind": "PUBLIC_BODY"}, {"kind": "COMPANY"}, False),
        ({"risk_class": "E"}, {"risk_class": "E"}, True),
        ({"risk_class": "E"}, {"risk_class": "A"}, False),
        ({"risk_class": "E"}, {}, False),
        ({"status": "RETIRED"}, {}, False),
        ({"priority": 200}, {}, False),
    ],
    ids=str,
)
def test_conditions(conditions: dict, customer: dict, taken: bool) -> None:
    load_law()
    entity = make_entity()
    general = make_policy(entity, priority=100)
    special = make_policy(entity, **{"priority": 10, "name": "Particulier"} | conditions)
    risk_class = customer.pop("risk_class", "")
    somebody = make_customer(entity, **customer)
    if risk_class:
        score(somebody, risk_class)
    make_item(somebody, "500.00", TODAY - timedelta(days=8))
    planned = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    notice = Notice.objects.get(run=planned.run_id)
    assert notice.level.policy == (special if taken else general)


def test_another_entity_s_policy_takes_nobody() -> None:
    entity = make_entity()
    make_policy(make_entity())
    with pytest.raises(NoActivePolicy):
        request_run(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    assert Policy.objects.count() == 1
