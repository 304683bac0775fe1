"""The agenda on the post and the telephone."""

from datetime import timedelta

import pytest
from django.urls import reverse

from config.agenda import agenda
from core import clock
from core.models import Role
from core.rights import SYSTEM
from dunning.models import Delivery, Level, Notice, PostAnswerFile, PostAnswerLine, PostBatch
from dunning.operations.post_batches import prepare_batches, print_house_batch
from dunning.operations.posting import confirm_batch_posting
from tests.dunning.factories import make_step
from tests.dunning.post_house import letters_to_post

pytestmark = pytest.mark.django_db


def test_letters_batches_numbers_answers_and_calls_wait_in_turn(make_user) -> None:
    user = make_user(Role.CREDIT_MANAGER)
    today, now = clock.today(), clock.now()
    (notice,) = letters_to_post(1, today=today, now=now)
    told = {"actor": SYSTEM, "today": today, "now": now}

    def shown() -> dict[str, str]:
        return {entry.key: entry.url for entry in agenda(user, today)}

    assert shown()["letters_to_post"] == reverse("dunning:post-list")
    (batch,) = prepare_batches(provider=PostBatch.Provider.HOUSE, **told)
    print_house_batch(actor=SYSTEM, batch_id=batch.pk, now=now)
    assert shown()["batches_to_post"] == reverse("dunning:post-batch-detail", args=[batch.pk])
    assert "letters_to_post" not in shown()
    confirm_batch_posting(batch_id=batch.pk, posted_on=today, numbers={}, **told)
    assert shown()["numbers_to_enter"] == reverse("dunning:notice-detail", args=[notice.pk])
    Delivery.objects.update(tracking_number="1A12345678901")
    assert {"numbers_to_enter", "batches_to_post"} & set(shown()) == set()

    file = PostAnswerFile.objects.create(name="a.csv", version="1", claimed_at=now)
    PostAnswerLine.objects.create(file=file, line=2, kind=PostAnswerLine.Kind.UNKNOWN, message="inconnue")
    assert shown()["post_answers"] == reverse("dunning:post-answer-list")

    level = notice.level
    Level.objects.filter(pk=level.pk).update(channel=Level.Channel.PHONE)
    item = notice.lines.get(rank__gt=0).item
    notice.lines.update(in_force=False)
    call = make_step(item, level, sent_on=None)
    Notice.objects.filter(pk=call.pk).update(status=Notice.Status.APPROVED)
    assert shown()["calls"] == reverse("dunning:call-list")
    assert "fruitless_calls" not in shown()
    for number in range(3):
        call.calls.create(outcome="NO_ANSWER", called_at=now - timedelta(days=number))
    assert shown()["fruitless_calls"].endswith("which=fruitless")
    assert set(shown()) & {"calls", "post_answers"} and not {
        entry.key for entry in agenda(make_user(Role.ACCOUNTANT), today)
    } & {"calls", "fruitless_calls", "post_answers"}
