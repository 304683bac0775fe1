"""Two entities that send to one customer at the same moment: one passes, the other sees it."""

import threading
from datetime import timedelta

import pytest
from django.db import connections, transaction

from core.rights import SYSTEM
from core.states import check_move
from dunning.models import Notice
from dunning.operations.notices import passes_gate
from tests.dunning.factories import NOW, TODAY, make_customer, make_entity, make_item, make_policy
from tests.dunning.test_gate_moment import at_the_door

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_contact_of_two_entities_passes_at_a_time() -> None:
    notices = []
    for _ in range(4):
        entity = make_entity()
        policy = make_policy(entity)
        customer = make_customer(entity, siren="732829320")
        item = make_item(customer, "90.00", TODAY - timedelta(days=9))
        notices.append(at_the_door(item, policy.levels.get(rank=1)))
    together = threading.Barrier(len(notices))
    passed: list[int] = []
    errors: list[Exception] = []

    def send(pk: int) -> None:
        try:
            with transaction.atomic():
                notice = (
                    Notice.objects.select_for_update(of=("self",))
                    .select_related("customer", "level")
                    .get(pk=pk)
                )
                together.wait(10)
                if passes_gate(actor=SYSTEM, notice=notice, today=TODAY, now=NOW):
                    check_move(notice, Notice.Status.SENDING)
                    notice.status = Notice.Status.SENDING
                    notice.save(update_fields=["status"])
                    passed.append(pk)
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=send, args=[notice.pk]) for notice in notices]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not errors
    assert len(passed) == 1
    waiting = Notice.objects.exclude(pk__in=passed)
    assert set(waiting.values_list("status", flat=True)) == {Notice.Status.RENDERED}
    assert all(notice.not_before == NOW + timedelta(minutes=10) for notice in waiting)
