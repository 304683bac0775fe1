"""Two plannings at once, and a planning cut in the middle: the same step never twice, nothing half-written."""

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, connections, transaction

from core.models import AuditEvent
from core.rights import SYSTEM
from dunning.models import Notice, NoticeLine, Run, RunExclusion
from dunning.operations.runs import dun, plan_run, request_run
from tests.database import database_url
from tests.dunning.factories import NOW, TODAY, load_law, make_customer, make_entity, make_item, make_policy

pytestmark = pytest.mark.django_db(transaction=True)
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def entity():
    load_law()
    entity = make_entity()
    make_policy(entity)
    for days in range(6, 16):
        make_item(make_customer(entity), "250.00", TODAY - timedelta(days=days))
    return entity


def test_two_runs_at_once_propose_each_step_once(entity) -> None:
    errors: list[Exception] = []

    def work() -> None:
        try:
            dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not errors
    assert Notice.objects.count() == 10
    assert NoticeLine.objects.filter(in_force=True).count() == 10


def test_planning_the_same_run_twice_changes_nothing(entity) -> None:
    run = request_run(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    first = plan_run(actor=SYSTEM, run=run, now=NOW)
    events = AuditEvent.objects.count()
    assert plan_run(actor=SYSTEM, run=run, now=NOW) == first
    assert AuditEvent.objects.count() == events


KILLED = """
import django; django.setup()
import os, signal
from core.rights import SYSTEM
from dunning.models import Run
from dunning.operations import runs
from dunning.planning import writing
from tests.dunning.factories import NOW

written = runs.write
def die_after_writing(cursor, **values):
    written(cursor, **values)
    os.kill(os.getpid(), signal.SIGKILL)
runs.write = die_after_writing
runs.plan_run(actor=SYSTEM, run=Run.objects.get(), now=NOW)
"""


def test_killed_after_writing_and_before_the_end_leaves_nothing_and_can_be_planned_again(entity) -> None:
    run = request_run(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": str(REPOSITORY),
    }
    ended = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=REPOSITORY, env=environment, timeout=60, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    assert not Notice.objects.exists()
    assert not RunExclusion.objects.exists()
    run.refresh_from_db()
    assert run.status == Run.Status.REQUESTED
    assert plan_run(actor=SYSTEM, run=run, now=NOW).notices == 10


def test_documents_are_posted_while_a_run_is_planned(entity) -> None:
    """The lock of a planning leaves the entity's key free: whoever names the entity does not wait for it."""
    customer = entity.customers.order_by("pk").first()
    planned, posted = threading.Event(), threading.Event()

    def plan() -> None:
        with transaction.atomic():
            dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
            planned.set()
            posted.wait(20)
        connections.close_all()

    planning = threading.Thread(target=plan)
    planning.start()
    assert planned.wait(20)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
            make_item(customer, "99.00", TODAY)
            make_customer(entity)
    finally:
        posted.set()
        planning.join()
