"""An objection to a score waits on the agenda of whoever may answer it."""

from datetime import timedelta

import pytest

from config.agenda import agenda
from core import clock
from core.models import Role
from core.rights import SYSTEM
from risk.operations.objections import record_objection, review_objection
from tests.customers.factories import CustomerFactory

pytestmark = pytest.mark.django_db


def test_an_objection_waits_until_it_is_answered(make_user) -> None:
    today, now = clock.today(), clock.now()
    objection = record_objection(
        actor=SYSTEM,
        customer=CustomerFactory(kind="SOLE_TRADER"),
        kind="OBJECTION",
        contested_on=today - timedelta(days=25),
        contested_by="M. Rivet",
        grounds="Une facture n’est pas à moi.",
        today=today,
        now=now,
    )
    manager, accountant = make_user(Role.CREDIT_MANAGER), make_user(Role.ACCOUNTANT)

    def waiting(user):
        return [entry for entry in agenda(user, today) if entry.key == "score_objections"]

    [entry] = waiting(manager)
    assert (entry.count, entry.tone) == (1, "late")
    assert str(objection.pk) in entry.url
    assert waiting(accountant) == []
    review_objection(
        actor=manager, objection_id=objection.pk, answer="MAINTAINED", outcome="Tout est exact.", now=now
    )
    assert waiting(manager) == []
