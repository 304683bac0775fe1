"""Letters that wait for the post, as tests of the post need them."""

from datetime import timedelta

from core.legal import register
from core.rights import SYSTEM
from dunning.letter_context import LetterFacts
from dunning.models import Level, Notice, Policy
from dunning.operations.letters import render_next
from dunning.operations.notices import approve_notices
from dunning.operations.runs import dun
from tests.dunning.factories import NOW, TODAY, load_law, make_customer, make_entity, make_item, make_policy


def paper_policy(entity, channel=Level.Channel.REGISTERED) -> Policy:
    """A ladder whose first step leaves by that channel."""
    policy = make_policy(entity)
    policy.levels.filter(rank=1).update(channel=channel)
    return policy


def letters_to_post(count: int, channel=Level.Channel.REGISTERED, today=TODAY, now=NOW) -> list[Notice]:
    """So many rendered letters of one entity, each to its own customer."""
    load_law()
    entity = make_entity()
    paper_policy(entity, channel)
    for number in range(count):
        customer = make_customer(entity, name=f"Cliente {number:03d} Éts Żółć")
        make_item(customer, "1200.00", today - timedelta(days=10))
    planned = dun(actor=SYSTEM, legal_entity=entity, as_of=today, now=now)
    ids = list(Notice.objects.filter(run=planned.run_id).values_list("pk", flat=True))
    approve_notices(actor=SYSTEM, notice_ids=ids, today=today, now=now)
    facts = LetterFacts(register())
    for _number in ids:
        render_next(actor=SYSTEM, facts=facts, today=today, now=now)
    notices = list(Notice.objects.filter(pk__in=ids).order_by("pk"))
    assert {notice.status for notice in notices} == {Notice.Status.RENDERED}
    return notices
