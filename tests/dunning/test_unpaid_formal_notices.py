"""Formal notices that nobody paid reach the score, and leave it once they are paid."""

from datetime import timedelta

import pytest

from core import clock
from core.models import JobRun
from core.rights import SYSTEM
from dunning.models import Level
from dunning.tasks_risk import tell_unpaid_formal_notices
from dunning.unpaid_formal_notices import unpaid_formal_notices
from risk.models import UnpaidFormalNotice
from risk.operations.formal_notices import tell_formal_notices
from tests.dunning.factories import (
    load_law,
    make_customer,
    make_entity,
    make_item,
    make_policy,
    make_step,
    settle,
)

pytestmark = pytest.mark.django_db


def test_only_formal_notices_sent_and_unpaid_are_told() -> None:
    load_law()
    today, entity = clock.today(), make_entity()
    policy = make_policy(entity)
    formal = policy.levels.filter(kind=Level.Kind.FORMAL_NOTICE).first() or policy.levels.last()
    Level.objects.filter(pk=formal.pk).update(kind=Level.Kind.FORMAL_NOTICE)
    formal.refresh_from_db()
    reminder = policy.levels.exclude(kind=Level.Kind.FORMAL_NOTICE).first()
    late, reminded = make_customer(entity), make_customer(entity)
    item = make_item(late, "400.00", today - timedelta(days=60))
    sent = today - timedelta(days=20)
    make_step(item, formal, sent_on=sent)
    make_step(make_item(reminded, "90.00", today - timedelta(days=30)), reminder, sent_on=sent)

    assert unpaid_formal_notices(today) == {late.pk: sent}
    assert unpaid_formal_notices(sent - timedelta(days=1)) == {}
    tell_unpaid_formal_notices()
    tell_unpaid_formal_notices()
    assert list(UnpaidFormalNotice.objects.values_list("customer", "sent_on")) == [(late.pk, sent)]
    assert JobRun.objects.get().counts == {"customers": 1}

    settle(item, make_item(late, "-400.00", today), "400.00", today)
    item.refresh_from_db()
    tell_formal_notices(actor=SYSTEM, sent_on=unpaid_formal_notices(today), now=clock.now())
    assert not UnpaidFormalNotice.objects.exists()
