"""Asking workers for a task: with the broker gone, nothing is lost and nobody waits."""

import time
from collections.abc import Iterator

import pytest
from celery import Celery, current_app
from django.conf import settings

from core import jobs


@pytest.fixture
def lost_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    ours = current_app._get_current_object()
    lost = Celery("lost", broker="redis://127.0.0.1:1/0", set_as_current=False)
    lost.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    monkeypatch.setattr(jobs, "_silent_until", 0.0)
    lost.set_current()
    yield
    ours.set_current()


def test_a_lost_broker_keeps_nobody_waiting(lost_broker, db, django_capture_on_commit_callbacks) -> None:
    began = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True) as asked:
        for _ in range(4):
            jobs.kick("core.tasks.nothing")
    assert len(asked) == 4
    assert time.monotonic() - began < 2
    assert jobs._silent_until > time.monotonic()


def test_a_broker_that_was_silent_is_asked_again_later(lost_broker, db, monkeypatch) -> None:
    monkeypatch.setattr(jobs, "_silent_until", time.monotonic() - 1)
    jobs._send("core.tasks.nothing", ())
    assert jobs._silent_until > time.monotonic()
