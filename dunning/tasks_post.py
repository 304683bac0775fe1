"""Sweeps of the post: batches printed and handed over, answers taken in, electronic registered letters."""

from collections.abc import Callable
from datetime import timedelta

import structlog
from celery import shared_task

from core import clock
from core.jobs import failed_keys, forget_failure, report_failure
from core.rights import SYSTEM
from dunning.models import PostBatch
from dunning.operations.e_registered import follow_e_registered, send_e_registered
from dunning.operations.post_answers import sweep_answers
from dunning.operations.post_batches import print_house_batch
from dunning.operations.post_exchange import hand_over, prepare_due_batches
from dunning.post.e_registered import ProviderAway
from dunning.post.exchange import exchange_is_configured
from invoices.operations.exclusive import exclusive

log = structlog.get_logger(__name__)

# What the machine could not do is tried again after this long.
RETRY_AFTER = timedelta(minutes=10)


@shared_task(name="dunning.tasks.move_post_batches")
def move_post_batches() -> int:
    """Print the batches of the house, put together and hand over those of the printer; how many moved."""
    prepare_due_batches(actor=SYSTEM, today=clock.today(), now=clock.now())
    name, moved = "dunning.post_batch", 0
    passed_over = failed_keys(name, since=clock.now() - RETRY_AFTER)
    waiting = PostBatch.objects.filter(status=PostBatch.Status.PREPARED).exclude(
        provider=PostBatch.Provider.HOUSE, file__isnull=False
    )
    for batch in waiting.order_by("pk"):
        if batch.reference in passed_over:
            continue
        try:
            moved += _move(batch)
        except Exception as error:
            # The other batches do not wait for this one.
            report_failure(name, batch.reference, error, now=clock.now())
        else:
            forget_failure(name, batch.reference)
    return moved


def _move(batch: PostBatch) -> int:
    if batch.provider == PostBatch.Provider.EXCHANGE:
        if not exchange_is_configured():
            return 0
        return int(
            hand_over(actor=SYSTEM, batch_id=batch.pk, today=clock.today(), now=clock.now()) is not None
        )
    with exclusive(f"dunning.post_batch:{batch.pk}") as mine:
        if mine:
            print_house_batch(actor=SYSTEM, batch_id=batch.pk, now=clock.now())
        return int(mine)


@shared_task(name="dunning.tasks.sweep_post_answers")
def sweep_post_answers() -> int:
    """Take in what the printer answered."""
    return _asked(sweep_answers, "dunning.post_answers", "answers", away=OSError)


@shared_task(name="dunning.tasks.send_e_registered_letters")
def send_e_registered_letters() -> int:
    """Deposit the electronic registered letters that wait."""
    return _asked(send_e_registered, "dunning.e_registered", "deposit", away=ProviderAway)


@shared_task(name="dunning.tasks.follow_e_registered_letters")
def follow_e_registered_letters() -> int:
    """Ask the provider what became of the letters it has."""
    return _asked(follow_e_registered, "dunning.e_registered", "follow", away=ProviderAway)


def _asked(sweep: Callable[..., int], name: str, key: str, *, away: type[Exception]) -> int:
    """One sweep at the other party's door; that it is away is told, and the next sweep asks again."""
    try:
        moved = sweep(today=clock.today(), now=clock.now())
    except away as error:
        report_failure(name, key, error, now=clock.now())
        return 0
    forget_failure(name, key)
    return moved
